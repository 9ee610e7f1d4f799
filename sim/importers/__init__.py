"""Readers of recordings that others made: what they hold, as values."""
