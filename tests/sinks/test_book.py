"""A book that two programs open at the same time is made once, whoever is first."""

import subprocess
import sys
from pathlib import Path

from portal.book import MIGRATIONS
from sinks.book import Book

ROOT = Path(__file__).parents[2]
OPENS = (
    "import sys; from pathlib import Path; from sinks.book import Book; sys.stdin.read();"
    " Book(Path(sys.argv[1]), Path(sys.argv[2])).close()"
)
AT_ONCE = 4


def test_programs_that_open_a_new_book_at_once_all_find_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    command = [sys.executable, "-c", OPENS, str(path), str(MIGRATIONS)]
    programs = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) for _ in range(AT_ONCE)
    ]  # fmt: skip

    for one in programs:
        assert one.stdin is not None
        one.stdin.close()  # all of them wait for this

    assert [one.wait(60) for one in programs] == [0] * AT_ONCE
    book = Book(path, MIGRATIONS)
    [[version]] = book.ask("PRAGMA user_version")
    book.close()
    assert version == len([*MIGRATIONS.glob("*.sql")])
    assert path.stat().st_mode & 0o777 == 0o600
