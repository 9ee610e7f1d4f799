"""Respond: turn hazards into incidents that people answer for, until they are closed."""
