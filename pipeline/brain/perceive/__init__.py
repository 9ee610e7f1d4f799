"""Perceive: say who and where an observation is about, and whether it is new."""
