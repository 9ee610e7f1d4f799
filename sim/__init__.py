"""The rehearsal: simulated people, faults, recorded days, and what must have followed."""
