"""`weinao stats`: the same figures from a store and from a lake, in both languages, and drawn."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from sinks.duckdb_store import DuckDBStore
from tests.sinks import postgres
from tests.sinks.made import T0, incident, outcome
from weinao.cli import lake, stats, stores
from weinao.handling import handled
from weinao.outcomes import IncidentState, Outcome

LIVES = [
    outcome(turn, 0, incident(turn % 5, state, at=T0 + turn % 5 * 60_000, grid=grid), grid)
    for turn, state in enumerate([*IncidentState, *IncidentState])
    for grid in ("grid-1", "grid-2")
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as store:
        store.write(LIVES[:8])
    lake.write(data=tmp_path)
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as store:
        store.write(LIVES)
    lake.write(data=tmp_path)
    return tmp_path


def _standing(outcomes: list[Outcome]) -> list[Outcome]:
    return [*{(made.grid, made.value.id): made for made in outcomes}.values()]


def test_a_store_and_a_lake_tell_the_same(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    stats.stats(data=data, json=True)
    of_store = json.loads(capsys.readouterr().out)
    stats.stats(data=data, source="lake", json=True)
    of_lake = json.loads(capsys.readouterr().out)

    expected = handled(made.value for made in _standing(LIVES))
    assert of_store == of_lake
    assert [(one["grid"], one["service"], one["count"]) for one in of_store] == [
        (one.grid, one.service, one.count) for one in expected
    ]


@pytest.mark.service
def test_a_database_tells_the_same(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sinks.timescale_store import TimescaleStore  # noqa: PLC0415  # only where it is asked

    dsn = postgres.fresh(postgres.apache().dsn, tmp_path)
    with closing(TimescaleStore(dsn)) as store:
        store.write(LIVES)
    capsys.readouterr()
    stats.stats(data=data, json=True)
    of_file = capsys.readouterr().out
    monkeypatch.setenv(stores.VARIABLE, dsn)
    stats.stats(data=data, json=True)

    assert capsys.readouterr().out == of_file


def test_a_part_may_be_asked_for(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in ("store", "lake"):
        capsys.readouterr()
        stats.stats(data=data, source=source, json=True, grid="grid-2",
                    since="2026-01-01T00:02+00:00")  # fmt: skip
        found = json.loads(capsys.readouterr().out)

        assert {one["grid"] for one in found} == {"grid-2", "*"}
        assert found[-1]["count"] <= 3


@pytest.mark.parametrize(("lang", "told"), [("zh", "事件处置情况"), ("en", "how incidents were")])
def test_people_read_it_in_their_language_and_see_it(
    data: Path, lang: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data / f"{lang}.png"

    stats.stats(data=data, lang=lang, png=path)

    assert told in capsys.readouterr().out
    assert path.read_bytes().startswith(b"\x89PNG")


def test_where_there_is_nothing_it_says_why(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such store yet"):
        stats.stats(data=tmp_path)
    with pytest.raises(SystemExit, match="no lake there"):
        stats.stats(data=tmp_path, source="lake")
