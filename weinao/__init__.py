"""The shared vocabulary of weinao, its plumbing, and the command."""

__version__ = "0.1.0"
