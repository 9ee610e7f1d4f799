"""The lake: what is kept, as Parquet files by kind, day and grid, each row once.

store -- exported, by position --> shape -- by kind and day --> narrow --> files --+
                                                                                   v
query, statistics, training <-- the files that the catalogue names <-- catalogue: files and how
                                                                        far each grid has come,
                                                                        in one transaction
"""
