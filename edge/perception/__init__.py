"""Perception: samples in, observations out. Pure but for the models it asks."""
