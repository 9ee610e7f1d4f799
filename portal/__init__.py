"""The web face for families, residents, grid staff and operators. It decides nothing."""
