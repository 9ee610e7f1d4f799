"""Agents on community hardware: drivers, perception, outbox, uplink."""
