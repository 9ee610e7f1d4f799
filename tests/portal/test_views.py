"""What pages are made from: values that follow from the store's word, whatever it is."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from portal.reach import OVER
from portal.views.bands import CELL_MIN, bands
from portal.views.office import figures
from portal.views.person import SILENT_MS, Word, how
from portal.views.signs import USUAL, range_of, signs
from weinao.messages import Action, Home, Sensor, Vitals
from weinao.outcomes import HazardKind, Incident, IncidentState, Kept, Severity, Step
from weinao.registry import Resident, VitalLimits

NOW = 1_780_275_600_000
DAY_MS = 86_400_000
GRID = "grid-1"

INCIDENTS = st.builds(
    Incident,
    id=st.sampled_from(["i-1", "i-2"]),
    grid=st.just(GRID),
    kind=st.sampled_from(HazardKind),
    severity=st.sampled_from(Severity),
    state=st.sampled_from(IncidentState),
    subject=st.just("resident-1"),
    household=st.just("home-1"),
    at=st.integers(NOW - DAY_MS, NOW),
    noticed_at=st.just(NOW - DAY_MS),
    steps=st.just((Step(at=NOW - 5, action=Action.OPEN, actor="brain", state=IncidentState.OPEN),)),
)


@given(about=st.lists(INCIDENTS, max_size=4), heard=st.none() | st.integers(NOW - DAY_MS, NOW))
def test_nobody_is_said_to_be_well_while_something_stands_or_nothing_is_heard(
    about: list[Incident], heard: int | None
) -> None:
    found = how(about, None, heard, NOW)

    standing = [one for one in about if one.state not in OVER]
    fresh = heard is not None and NOW - heard <= SILENT_MS
    assert (found.word is Word.WELL) == (not standing and fresh)
    if found.word is Word.DANGER:
        assert any(one.severity >= Severity.MAJOR for one in standing)
        assert found.colour == "red"
    if found.since is not None:
        assert found.since <= NOW


def test_what_was_resolved_needs_a_look_and_is_no_danger_any_more() -> None:
    grave = Incident(
        id="i-1", grid=GRID, kind=HazardKind.SOS, severity=Severity.CRITICAL,
        state=IncidentState.DISPATCHED, subject="resident-1", household="home-1", at=NOW - 9,
        noticed_at=NOW - 9,
    )  # fmt: skip

    assert how([grave], None, NOW, NOW).word is Word.DANGER
    resolved = replace(grave, state=IncidentState.RESOLVED)
    assert how([resolved], None, NOW, NOW).word is Word.LOOK


@given(
    minutes=st.lists(st.integers(-60, 1_500), max_size=60),
    rooms=st.lists(st.sampled_from(["bedroom", "kitchen"]), min_size=1, max_size=4),
)
def test_bands_cover_exactly_the_quarters_in_which_somebody_was_seen(
    minutes: list[int], rooms: list[str]
) -> None:
    begins = NOW - NOW % DAY_MS
    seen = [_pir(begins + m * 60_000, rooms[n % len(rooms)]) for n, m in enumerate(minutes)]

    apart = bands(seen, begins, {}, apart=True)
    together = bands(seen, begins, {}, apart=False)

    wanted = {m // CELL_MIN for m in minutes if 0 <= m < 1_440}
    cells = {
        cell
        for band in apart
        for span in band.spans
        for cell in range(span.from_min // CELL_MIN, span.until_min // CELL_MIN)
    }
    assert cells == wanted
    assert {band.room for band in together} <= {""}
    for band in (*apart, *together):
        ends = [span.until_min for span in band.spans[:-1]]
        assert all(a < b.from_min for a, b in zip(ends, band.spans[1:], strict=True))


def test_the_newest_value_of_each_sign_is_shown_beside_its_range() -> None:
    resident = Resident(id="r", household="h", birth_year=1943)
    newest = [_vitals(NOW, hr_bpm=95.0), _vitals(NOW - 9, hr_bpm=70.0, spo2_pct=97.0)]

    found = {one.name: one for one in signs(newest, resident, 2026)}

    assert (found["hr_bpm"].value, found["hr_bpm"].ok) == (95.0, False)
    assert (found["spo2_pct"].at, found["spo2_pct"].ok) == (NOW - 9, True)


def test_limits_of_her_own_come_first_and_children_get_no_range() -> None:
    limits = VitalLimits(hr_bpm_min=40)
    mine = Resident(id="r", household="h", birth_year=1943, limits=limits, spo2_scale_2=True)
    child = Resident(id="c", household="h", birth_year=2020)

    assert range_of("hr_bpm", mine).low == 40
    assert range_of("hr_bpm", mine).high == USUAL["hr_bpm"].high
    assert (range_of("spo2_pct", mine).low, range_of("spo2_pct", mine).high) == (88, 92)
    [sign] = signs([_vitals(NOW, hr_bpm=110.0)], child, 2026)
    assert (sign.low, sign.high, sign.ok) == (None, None, None)


@given(found=st.lists(INCIDENTS, max_size=12))
def test_figures_add_up(found: list[Incident]) -> None:
    whole = figures(found, 0, by_kind=False)
    parts = figures(found, 0, by_kind=True)

    counted = [one for one in found if one.state is not IncidentState.MERGED]
    for name in ("count", "open", "false_alarms", "reopened", "rated"):
        assert sum(getattr(one, name) for one in whole) == sum(getattr(one, name) for one in parts)
    assert sum(one.count for one in whole) == len(counted)


def _pir(at: int, room: str) -> Kept:
    return _kept(Home(at=at, sensor=Sensor.PIR, value=1.0, room=room))


def _vitals(at: int, **signs_: float) -> Kept:
    return _kept(Vitals(at=at, **signs_))  # type: ignore[arg-type]


def _kept(said: Home | Vitals) -> Kept:
    return Kept(
        id=f"x:{said.at}", device="x", at=said.at, received_at=said.at, subject="r",
        household="h", observation=said,
    )  # fmt: skip
