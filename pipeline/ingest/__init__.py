"""Ingest: from the broker into the journal, and only then is anything acknowledged."""
