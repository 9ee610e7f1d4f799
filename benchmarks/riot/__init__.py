"""The dataflows ETL and STATS after RIoTBench, as a for-loop and as columns under the engine."""
