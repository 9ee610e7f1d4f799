"""Score the shipped models and rules against labelled recordings."""
