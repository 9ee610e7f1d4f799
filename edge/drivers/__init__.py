"""Drivers: each knows one family of devices, yields what they say, and decides nothing."""
