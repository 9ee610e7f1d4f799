"""From the journal to outcomes: ingest, the brain, and its wiring."""
