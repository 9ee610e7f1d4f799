"""The `weinao` command: the one place that chooses, connects and asks the time."""
