"""`weinao explain`: the command over a store on disk, its JSON, its errors and its picture."""

import hashlib
import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from sinks.duckdb_store import DuckDBStore
from tests.pipeline.community import START, Journal, run
from weinao.cli import canvas
from weinao.cli.bounds import bounds_of
from weinao.cli.curves import panels, wanted
from weinao.cli.day import DAY_MS, Day, day_of, day_span, handled_span
from weinao.cli.explain import case_of, explain
from weinao.cli.lanes import lanes
from weinao.cli.picture import draw
from weinao.messages import Highrise, Home, Motion, MotionEvent, Sensor, Status, Vitals
from weinao.outcomes import Incident
from weinao.registry import Resident, Staff, VitalLimits
from weinao.story import Case
from weinao.timeline import timeline
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
        rows = lanes(case, day_of(store, case).seen, Voice("en", case.records))

    assert {row.name: len(row.at) for row in rows} == {
        "the bedroom": 2, "the kitchen": 1, "band-1: motion": 1
    }  # fmt: skip


@pytest.fixture
def late(tmp_path: Path) -> tuple[Case, Day]:
    """Keep what a cuff said once a day, and said to us three weeks later; return what is drawn."""
    journal = Journal()
    for number, sbp in enumerate((128, 131, 127, 133, 130, 129, 134, 171, 132, 128)):
        at = START - (30 - number) * DAY_MS
        journal.say("band-1", Vitals(at=at, sbp_mmhg=sbp, dbp_mmhg=82, hr_bpm=70))
    journal.say("agent-1", Status(at=START, complete_to=START))
    outcomes = run(journal.entries)
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as store:
        store.write(outcomes)
        [incident] = {o.value.id for o in outcomes if isinstance(o.value, Incident)}
        case = case_of(store, incident)
        return case, day_of(store, case)


def test_a_picture_shows_what_the_incident_is_about_and_the_limit_it_is_beyond(
    late: tuple[Case, Day],
) -> None:
    case, day = late

    [panel] = panels(case, day.history, Voice("en", case.records), wanted(case))

    assert panel.title == "blood pressure, mmHg"
    assert [curve.label for curve in panel.curves] == ["lower (diastolic)", "upper (systolic)"]
    # A rare reading is shown among those before it, up to the one that cleared it.
    assert len(panel.curves[1].readings) == 9
    assert 171.0 in {reading.value for reading in panel.evidence}
    assert {limit.limb: limit.value for limit in bounds_of(case)} == {
        "sbp_high": 160, "sbp_low": 80, "dbp_high": 100, "dbp_low": 55, "pulse_high": 100,
        "pulse_low": 50,
    }  # fmt: skip


def test_a_clinician_s_limit_is_drawn_in_the_place_of_the_rule_s(late: tuple[Case, Day]) -> None:
    case, _ = late
    known = tuple(
        replace(one, limits=VitalLimits(sbp_mmhg_max=150)) if isinstance(one, Resident) else one
        for one in case.records
    )

    found = bounds_of(replace(case, records=known))

    assert [(one.value, one.source) for one in found if one.limb == "sbp_high"] == [(150, "own")]
    assert [(one.value, one.source) for one in found if one.limb == "sbp_low"] == [(80, "rule")]


def test_what_became_known_weeks_later_is_drawn_apart_from_how_it_was_handled(
    late: tuple[Case, Day],
) -> None:
    case, day = late
    moments = timeline(case, Voice("en", case.records))

    from_at, until = day_span(case, day.history, moments)
    begun, ended = handled_span(case, moments)

    assert from_at < case.incident.at < until < case.incident.noticed_at
    assert case.incident.at < begun < case.incident.noticed_at < ended
    assert ended - begun < DAY_MS


def test_without_a_chinese_font_a_picture_speaks_english_and_says_why(
    late: tuple[Case, Day], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    monkeypatch.setattr(canvas, "chinese_font", lambda: None)

    with capture_logs() as logs:
        voice, fonts = canvas.speaking("zh", late[0].records)

    assert voice.say("picture", "time") == "local time"
    assert fonts == ["DejaVu Sans"]
    assert [(one["event"], one["drawn"]) for one in logs] == [("font.missing", "en")]


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
        day = day_of(store, case)
    named = tuple(
        replace(one, name="\N{CJK UNIFIED IDEOGRAPH-738B}") if isinstance(one, Staff) else one
        for one in case.records
    )

    draw(replace(case, records=named), day, "zh", tmp_path / "day.png")  # warnings are errors

    assert (tmp_path / "day.png").exists()


def test_a_picture_that_cannot_be_written_is_said_to_be_so(tmp_path: Path, incident: str) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")

    with pytest.raises(SystemExit, match="cannot be written"):
        explain(incident, data=tmp_path, png=tmp_path / "nowhere" / "day.png")


def test_what_a_camera_kept_is_named_and_found_if_it_lies_on_this_machine(
    tmp_path: Path, output: Output
) -> None:
    content = b"a picture"
    name = "fall-1800000000000.jpg"
    said = Highrise(
        at=START, building="b-1", floor=9, t_fall_s=1.2, confidence=0.95,
        clip=f"{name}#sha256={hashlib.sha256(content).hexdigest()}",
    )  # fmt: skip
    journal = Journal()
    journal.say("agent-1", said)
    outcomes = run(journal.entries)
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as store:
        store.write(outcomes)
    incident = next(o.value.id for o in outcomes if isinstance(o.value, Incident))

    explain(incident, data=tmp_path, lang="en")
    there = output()
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / name).write_bytes(content)
    explain(incident, data=tmp_path, lang="en")
    here = output()
    (tmp_path / "evidence" / name).write_bytes(b"another picture")
    explain(incident, data=tmp_path, lang="zh")
    changed = output()

    assert f"{name}; it is on the camera's device" in there
    assert str((tmp_path / "evidence" / name).resolve()) in here
    assert str(tmp_path) not in changed
    assert name in changed
