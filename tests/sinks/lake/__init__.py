"""The lake: Parquet files of all that was kept."""
