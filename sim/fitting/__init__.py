"""From recordings to the numbers that simulated people are made with, and back to compare. Pure."""
