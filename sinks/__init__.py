"""Where outcomes go: stores that can be asked, and what is published to others."""
