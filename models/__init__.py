"""Estimators and their weights: arrays in, scores out. Each trained file has a card in `cards/`."""
