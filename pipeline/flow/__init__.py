"""The wiring: the one room that knows Bytewax, and the runner that needs no engine."""
