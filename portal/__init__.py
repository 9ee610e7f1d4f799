"""The web face: families, residents, grid staff, operators. It decides nothing; the store speaks."""
