"""Rendered scenes with a known truth: what a camera would see, and what really happened."""
