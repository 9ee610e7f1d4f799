"""Identify: the rules. Each one is a pure decision about one subject."""
