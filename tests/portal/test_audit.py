"""The audit log: whatever is changed in it, or taken out of it, shows."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from portal.audit import Audit, Entry, broken_at
from portal.book import MIGRATIONS
from sinks.book import Book

WORDS = st.text(max_size=12)


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Audit]:
    book = Book(tmp_path / "book.sqlite", MIGRATIONS)
    yield Audit(book)
    book.close()


def _filled(audit: Audit, count: int) -> list[Entry]:
    for n in range(count):
        audit.note(
            at=n, actor=f"staff-{n}", role="staff", action="card.read", about="r-1", purpose="task"
        )
    return audit.newest(1_000)[::-1]


def test_a_log_as_it_was_written_is_whole(audit: Audit) -> None:
    entries = _filled(audit, 5)

    assert [one.n for one in entries] == [1, 2, 3, 4, 5]
    assert audit.broken_at() is None


@given(place=st.integers(0, 7), field=st.sampled_from(["actor", "about", "purpose"]), word=WORDS)
def test_a_changed_line_is_found(place: int, field: str, word: str) -> None:
    entries = _made(8)
    if getattr(entries[place], field) == word:
        return

    changed = [*entries]
    changed[place] = replace(entries[place], **{field: word})

    assert broken_at(changed) == place + 1


@given(place=st.integers(0, 6))
def test_a_missing_line_is_found(place: int) -> None:
    entries = _made(8)

    assert broken_at(entries[:place] + entries[place + 1 :]) == place + 1


def test_a_line_changed_in_the_file_is_found(audit: Audit) -> None:
    _filled(audit, 4)

    audit._book.do("UPDATE audit SET about = 'r-2' WHERE n = 3")

    assert audit.broken_at() == 3


_kept: list[Entry] = []


def _made(count: int) -> list[Entry]:
    """Return a log, made once: entries never change."""
    if not _kept:
        with tempfile.TemporaryDirectory() as folder:
            book = Book(Path(folder) / "book.sqlite", MIGRATIONS)
            _kept.extend(_filled(Audit(book), count))
            book.close()
    return [*_kept]
