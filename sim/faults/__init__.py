"""What breaks meanwhile."""
