"""Columns to rows: what a database reads from them is what was in them."""

from datetime import UTC, datetime

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.copier import Copier, DatabaseAwayError
from sinks.copy_rows import Layout
from sinks.copying import Block, Column, Target
from tests.sinks import postgres

COLUMNS = (
    Column("device", "text"),
    Column("seq", "bigint"),
    Column("at", "timestamp with time zone"),
    Column("hr", "double precision"),
    Column("score", "smallint"),
    Column("n", "integer"),
    Column("grid", "text"),
)
SCHEMA = (
    "CREATE TABLE readings (device text, seq bigint, at timestamptz, hr double precision,"
    " score smallint, n integer, grid text)"
)
TARGET = Target("readings", COLUMNS)
NAMES = ["a", "bb", "楼-1", "c", "", "bb2"]
GRIDS = ["g", "g", "网格", "", "g", "g"]


@pytest.fixture(scope="module")
def dsn() -> str:
    return postgres.fresh(postgres.plain().dsn, __name__)


@pytest.fixture
def table(dsn: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS readings, weinao_bridge_positions")
        db.execute(SCHEMA)
    return dsn


def laid_out() -> Layout:
    return Layout(COLUMNS, {"device": NAMES, "grid": GRIDS}, len(NAMES))


def rows(devices: list[int], start: int = 0, bytes_max: int = 10_000) -> list[bytes]:
    count = np.arange(start, start + len(devices))
    values = {
        "seq": count,
        "at": count * 1_500_000 + 1_700_000_000_000_000,
        "hr": count / 8,
        "score": count % 20,
        "n": count + 7,
    }
    return laid_out().blocks(np.array(devices, dtype=np.int64), values, bytes_max)


def read(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as db:
        return db.execute("SELECT * FROM readings ORDER BY seq").fetchall()


@given(
    devices=st.lists(st.integers(0, len(NAMES) - 1), max_size=40), bytes_max=st.integers(150, 900)
)
def test_a_database_reads_what_the_columns_held(
    dsn: str, devices: list[int], bytes_max: int
) -> None:
    blocks = rows(devices, bytes_max=bytes_max)
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS readings, weinao_bridge_positions")
        db.execute(SCHEMA)
    copier = Copier(dsn, "j", [TARGET])
    copier.write([Block(n, "readings", block) for n, block in enumerate(blocks)])
    copier.close()

    assert all(len(block) <= bytes_max for block in blocks)
    expected = [
        (
            NAMES[device], n, datetime.fromtimestamp(1_700_000_000 + 1.5 * n, UTC), n / 8, n % 20,
            n + 7, GRIDS[device],
        )
        for n, device in enumerate(devices)
    ]  # fmt: skip
    assert read(dsn) == expected


def test_what_comes_again_is_left_out_and_each_journal_has_its_own_position(table: str) -> None:
    blocks = [Block(10 * n, "readings", rows([1], n)[0]) for n in range(5)]
    copier = Copier(table, "one", [TARGET])
    assert copier.write(blocks[:3]) == 3
    copier.close()

    again, other = Copier(table, "one", [TARGET]), Copier(table, "other", [TARGET])
    assert again.write(blocks) == 2
    assert again.write(blocks) == 0
    assert other.write(blocks[:1]) == 1
    again.close()
    other.close()
    assert [row[1] for row in read(table)] == [0, 0, 1, 2, 3, 4]


@pytest.mark.timeout(120)
def test_who_lost_a_connection_waits_for_what_it_had_begun(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Copier(table, "one", [TARGET])
    first.write([Block(1, "readings", rows([0])[0])])
    with psycopg.connect(table) as begun:  # a transaction of the lost connection, not ended yet
        begun.execute("SELECT position FROM weinao_bridge_positions FOR UPDATE")
        with begun.cursor().copy("COPY readings (seq) FROM STDIN") as copy:
            copy.write("2\n")
        begun.execute("UPDATE weinao_bridge_positions SET position = 2")
        monkeypatch.setattr("sinks.copier.LOCK_S_MAX", 0.2)
        waiting = Copier(table, "one", [TARGET])
        with pytest.raises(DatabaseAwayError, match="lock timeout"):
            waiting.write([Block(2, "readings", rows([0], 2)[0])])
        begun.commit()
    assert waiting.write([Block(2, "readings", rows([0], 2)[0])]) == 0
    first.close()
    waiting.close()
    assert [row[1] for row in read(table)] == [0, 2]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("DROP TABLE readings", "table readings: device is not there, expected text"),
        ("ALTER TABLE readings ALTER hr TYPE real", "hr real, expected double precision"),
        ("ALTER TABLE readings DROP seq", "seq is not there, expected bigint"),
    ],
)
def test_a_table_that_does_not_fit_is_named_and_nothing_is_written(
    table: str, sql: str, why: str
) -> None:
    with psycopg.connect(table, autocommit=True) as db:
        db.execute(sql)
    copier = Copier(table, "one", [TARGET])

    with pytest.raises(DatabaseAwayError, match=why):
        copier.write([Block(1, "readings", rows([0])[0])])


def test_a_database_that_reads_only_takes_all_of_it_later(table: str) -> None:
    copier = Copier(table, "one", [TARGET])
    copier.write([Block(1, "readings", rows([0])[0])])
    copier._connected().execute("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseAwayError, match="read-only"):
        copier.write([Block(2, "readings", rows([1], 1)[0])])

    assert copier.write([Block(2, "readings", rows([1], 1)[0])]) == 1
    copier.close()


def test_a_column_that_no_row_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="no rows are made for type json"):
        Layout([Column("x", "json")], {}, 1)
    with pytest.raises(ValueError, match="its value is none"):
        Layout([Column("x", "text")], {}, 1)
