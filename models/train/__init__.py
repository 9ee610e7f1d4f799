"""How the shipped weights were made; needs the extra `train`."""
