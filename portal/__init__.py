"""The web face for families, staff and operators. Empty until it is built."""
