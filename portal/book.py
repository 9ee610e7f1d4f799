"""The portal's own book, which the courier opens too: it rings the browsers that stand there."""

from pathlib import Path

from sinks.book import Book

MIGRATIONS = Path(__file__).parent / "migrations"


def opened(folder: Path) -> Book:
    """Open the book in the portal's folder; made when absent."""
    return Book(folder / "portal.sqlite", MIGRATIONS)
