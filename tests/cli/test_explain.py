"""`weinao explain`: the command over a store on disk, its JSON, its errors and its picture."""

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from sinks.duckdb_store import DuckDBStore
from tests.pipeline.community import START, Journal, run
from weinao.cli.explain import case_of, explain
from weinao.cli.picture import day_of, draw, lanes
from weinao.messages import Home, Motion, MotionEvent, Sensor, Vitals
from weinao.outcomes import Incident
from weinao.registry import Staff
from weinao.voice import Voice

Output = Callable[[], str]


@pytest.fixture
def output(capfdbinary: pytest.CaptureFixture[bytes]) -> Output:
    def read_out() -> str:
        return capfdbinary.readouterr().out.decode()

    return read_out


@pytest.fixture
def incident(tmp_path: Path) -> str:
    """Keep the store of a fall in a home with two rooms, and return its incident."""
    journal = Journal()
    for minute, device in enumerate(("pir-1", "pir-2", "pir-1")):
        at = START + minute * 60_000
        journal.say(device, Home(at=at, sensor=Sensor.PIR, value=1.0))
        journal.say("band-1", Vitals(at=at, hr_bpm=70.0 + minute, worn=True))
    fall = Motion(at=START + 180_000, event=MotionEvent.FALL, confidence=0.9, impact_g=3.4)
    journal.say("band-1", fall)
    outcomes = run(journal.entries)
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as store:
        store.write(outcomes)
    return next(o.value.id for o in outcomes if isinstance(o.value, Incident))


def test_the_story_is_printed_in_the_language_asked_for(
    tmp_path: Path, incident: str, output: Output
) -> None:
    explain(incident, data=tmp_path)
    zh = output()
    explain(incident, data=tmp_path, lang="en")
    en = output()

    assert "为何判为险情" in zh
    assert "08:03:00  band-1：检测到跌倒，冲击 3.4 g" in zh
    assert "08:03:00  band-1: a fall, with an impact of 3.4 g" in en
    assert incident in en


def test_json_holds_the_story_and_what_it_was_made_of(
    tmp_path: Path, incident: str, output: Output
) -> None:
    explain(incident, data=tmp_path, json=True)

    found = json.loads(output())
    assert found["incident"]["id"] == incident
    assert [one["observation"]["event"] for one in found["evidence"]] == ["fall"]
    assert {one["name"] for one in found["story"]["chapters"]} == {
        "summary", "known", "sensed", "rule", "steps", "ended"
    }  # fmt: skip
    assert [*found] == sorted(found)


def test_a_mistake_ends_with_a_sentence(tmp_path: Path, incident: str) -> None:
    with pytest.raises(SystemExit, match="no incident i-none"):
        explain("i-none", data=tmp_path)
    with pytest.raises(SystemExit, match="no such store yet"):
        explain(incident, data=tmp_path / "elsewhere")


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(SystemExit, match="extra `report`"):
        explain(incident, data=tmp_path, png=tmp_path / "day.png")


def test_the_day_around_an_incident_is_laid_out_in_lanes(tmp_path: Path, incident: str) -> None:
    with closing(DuckDBStore(tmp_path / "store.duckdb", read_only=True)) as store:
        case = case_of(store, incident)
        rows = lanes(day_of(store, case), Voice("en", case.records))

    assert {row.name: len(row.at) for row in rows} == {
        "the bedroom": 2, "the kitchen": 1, "band-1: motion": 1
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_day_is_drawn_into_a_file(tmp_path: Path, incident: str, lang: str) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    picture = tmp_path / "day.png"

    explain(incident, data=tmp_path, lang=lang, png=picture)

    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000


def test_names_that_no_font_here_may_have_are_drawn_as_ids(tmp_path: Path, incident: str) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    with closing(DuckDBStore(tmp_path / "store.duckdb", read_only=True)) as store:
        case = case_of(store, incident)
        seen = day_of(store, case)
    named = tuple(
        replace(one, name="\N{CJK UNIFIED IDEOGRAPH-738B}") if isinstance(one, Staff) else one
        for one in case.records
    )

    draw(replace(case, records=named), seen, "zh", tmp_path / "day.png")  # warnings are errors

    assert (tmp_path / "day.png").exists()


def test_a_picture_that_cannot_be_written_is_said_to_be_so(tmp_path: Path, incident: str) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")

    with pytest.raises(SystemExit, match="cannot be written"):
        explain(incident, data=tmp_path, png=tmp_path / "nowhere" / "day.png")
