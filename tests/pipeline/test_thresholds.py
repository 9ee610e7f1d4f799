"""What `thresholds_from` promises of any file of thresholds, and what the file we ship says."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pipeline.brain.entries import Entry
from pipeline.brain.grid import GridBrain
from pipeline.brain.identify.base import advance
from pipeline.brain.identify.camera import Camera
from pipeline.brain.identify.congestion import Congestion
from pipeline.brain.identify.fire_lane import FireLane
from pipeline.brain.identify.fire_lane_often import FireLaneOften
from pipeline.brain.identify.flat_line import FlatLine
from pipeline.brain.identify.in_turn import InTurn
from pipeline.brain.identify.night_door import NightDoor
from pipeline.brain.identify.risk_health import RiskHealth
from pipeline.brain.identify.stove import Stove
from pipeline.brain.identify.vitals import VitalAlarm
from pipeline.brain.rules import RULES
from pipeline.brain.thresholds import LESS, NOT_MORE, SHARED, Thresholds, thresholds_from
from tests.conftest import ROOT
from tests.pipeline import test_risk_health as risk_days
from tests.pipeline.community import GRID, journals
from tests.pipeline.home_rules import DAY, HOUR, MIDNIGHT, MINUTE, home, phases, pir, shown
from weinao.cli.documented import documented, uncommented
from weinao.messages import Crowd, Highrise, Home, Rhythm, Sensor, Utility, Vitals
from weinao.outcomes import Phase
from weinao.settings import SettingsError

SHIPPED = (ROOT / "configs" / "rules.toml").read_text(encoding="utf-8")
DEFAULTS = Thresholds().values()


def rule_in(thresholds: Thresholds, kind: type):
    """Return the rule of a kind, as it is in force."""
    rules = [rule.rule if isinstance(rule, InTurn) else rule for rule in thresholds.rules]
    return next(rule for rule in rules if isinstance(rule, kind))


def tables_of(values: dict[str, object]) -> dict[str, object]:
    """Return values by their place as the tables of a file."""
    tables: dict[str, object] = {}
    for place, value in values.items():
        *path, key = place.split(".")
        table = tables
        for name in path:
            table = table.setdefault(name, {})
        table[key] = list(value) if isinstance(value, tuple) else value
    return tables


def test_a_file_that_sets_nothing_changes_nothing() -> None:
    assert thresholds_from({}) == Thresholds()
    assert thresholds_from(uncommented("\n".join(SHIPPED.splitlines()[:20]))) == Thresholds()


def test_what_the_shipped_file_comments_out_is_the_default_of_the_code() -> None:
    assert uncommented(SHIPPED) == tables_of(DEFAULTS)
    assert thresholds_from(uncommented(SHIPPED), "configs/rules.toml") == Thresholds()


def test_the_shipped_file_says_of_every_threshold_what_it_is_and_where_it_comes_from() -> None:
    said = documented(SHIPPED)

    assert set(said) == set(DEFAULTS)
    assert [place for place, one in said.items() if not (one.about and one.source)] == []


_BARE = FlatLine().name, Camera().name
"""Rules without a threshold of their own."""


def test_every_rule_has_a_table() -> None:
    assert {place.split(".")[0] for place in DEFAULTS} == {
        *SHARED, "silence", *(rule.name for rule in RULES if rule.name not in _BARE)
    }  # fmt: skip
    assert set(FlatLine().__struct_fields__) == {"name", "ordered", "communal", "artefacts"}
    assert set(Camera().__struct_fields__) == {"name", "ordered", "communal"}


def test_all_mistakes_of_a_file_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        thresholds_from(
            {
                "stove": {"away_s": 600, "power_w_min": "much"},
                "stov": {},
                "climate": {"cold_c": 31},
                "vitals": {"persist_n": 6, "pulse": {"hr_bpm_low": -1}},
                "outside": {"rooms": ["Hall"]},
                "silence": {"beats_missed_max": 0},
                "emergency": {"severities": {"leak": "awful"}},
                "stove_on": 3,
                "fall": {"name": "other"},
            },
            "configs/rules.toml",
        )

    said = str(raised.value).splitlines()
    assert said[0] == "configs/rules.toml: 11 problems"
    assert sorted(line.strip().split(":")[0] for line in said[1:]) == [
        "climate.cold_c", "emergency.severities.leak", "fall.name", "outside.rooms",
        "silence.beats_missed_max", "stov", "stove.away_s", "stove.power_w_min", "stove_on",
        "vitals.persist_n", "vitals.pulse.hr_bpm_low",
    ]  # fmt: skip
    assert any("known are away_s_max, gas_l_per_h_max" in line for line in said)


@pytest.mark.parametrize("bad", ["x", None, [], {}, float("nan"), float("inf"), -1, 10**12, True])
@pytest.mark.parametrize("place", [place for place in DEFAULTS if place.startswith("stove.")])
def test_no_nonsense_is_taken(place: str, bad: object) -> None:
    if place in ("stove.rooms", "stove.kitchens") and bad == []:
        return  # a home without a kitchen is not judged

    with pytest.raises(SettingsError, match=place):
        thresholds_from(tables_of({place: bad}))


@pytest.mark.parametrize(("first", "second"), [*NOT_MORE, *LESS])
def test_what_contradicts_itself_is_refused(first: str, second: str) -> None:
    with pytest.raises(SettingsError, match=f"1 problem\n  {first}: .* {second}"):
        thresholds_from(tables_of({first: DEFAULTS[second] + 1}))


@given(st.data())
def test_what_is_set_is_in_force_and_the_rest_as_delivered(data: st.DataObject) -> None:
    values = data.draw(settings())

    now = thresholds_from(tables_of(values)).values()

    assert {place: now[place] for place in values} == values
    assert all(now[place] == DEFAULTS[place] for place in now if place not in values)


@given(st.data(), journals())
def test_no_threshold_that_is_taken_ends_a_flow(data: st.DataObject, journal: list[Entry]) -> None:
    in_force = thresholds_from(tables_of(data.draw(settings())))

    brain = GridBrain(GRID, in_force.rules, silence=in_force.silence)

    brain.observe(journal)


@given(st.data())
def test_no_threshold_that_is_taken_ends_a_rule(data: st.DataObject) -> None:
    in_force = thresholds_from(tables_of(data.draw(settings())))
    step_min, log = data.draw(st.sampled_from([1, 60, 360])), data.draw(LOGS)
    times = [MIDNIGHT + index * step_min * MINUTE for index in range(len(log))]
    told = [
        shown(at, structs.replace(said, at=at), f"{type(said).__name__}-1")
        for at, said in zip(times, log, strict=True)
    ]

    for rule in in_force.rules:
        states: dict[str, object] = {}
        for seen in told:
            subject = rule.subject_of(seen)
            if subject is not None:
                state = states.get(subject) or rule.initial(subject, seen.household)
                states[subject], _ = advance(rule, state, seen)
        for state in states.values():
            rule.pass_time(state, times[-1] + 40 * DAY)


@given(
    st.data(),
    st.lists(st.sampled_from([None, *risk_days.WORSE]), min_size=20, max_size=40),
)
def test_no_threshold_that_is_taken_ends_the_watch_over_trends(data, changes) -> None:
    values = data.draw(settings("risk_health."))
    rule = rule_in(thresholds_from(tables_of(values)), RiskHealth)
    days = [
        day
        for one in changes
        for day in (risk_days.usual(2) if one is None else risk_days.worse(one, 1))
    ]

    risk_days.close(days, rule)


def test_a_changed_threshold_changes_what_fires() -> None:
    on = MIDNIGHT + 11 * HOUR
    log = [pir(on - MINUTE), home(on, Sensor.POWER, 1_800.0, "kitchen"), pir(on + 15 * MINUTE)]
    sooner = rule_in(thresholds_from({"stove": {"away_s_max": 600}}), Stove)

    assert phases(Stove(), log) == []
    assert phases(sooner, log) == [Phase.RAISED, Phase.CLEARED]


def test_what_several_rules_share_is_set_once() -> None:
    now = thresholds_from(
        {
            "outside": {"rooms": ["porch"]},
            "lanes": {"words": ["lane"]},
            "fire_lane": {"stands_min": 9},
        }
    )

    assert rule_in(now, NightDoor).outside.rooms == ("porch",)
    assert rule_in(now, Congestion).lanes.words == ("lane",)
    assert rule_in(now, FireLaneOften).lane == rule_in(now, FireLane)
    assert rule_in(now, FireLaneOften).lane.stands_min == 9


def test_setting_one_limit_of_a_part_leaves_its_others() -> None:
    pulse = rule_in(thresholds_from({"vitals": {"pulse": {"hr_bpm_high": 110}}}), VitalAlarm).pulse

    assert (pulse.hr_bpm_high, pulse.hr_bpm_low) == (110, 50)


@st.composite
def settings(draw: st.DrawFn, under: str = "") -> dict[str, object]:
    """Draw a few thresholds, each anywhere in its range, that do not contradict any other."""
    places = [place for place in STRATEGIES if place.startswith(under)]
    chosen = draw(st.lists(st.sampled_from(places), min_size=1, max_size=6, unique=True))
    values = {place: draw(STRATEGIES[place]) for place in chosen}
    for pairs, taken in ((NOT_MORE, lambda a, b: a <= b), (LESS, lambda a, b: a < b)):
        for first, second in pairs:
            now = {**DEFAULTS, **values}
            if not taken(now[first], now[second]):
                values.pop(first, None)
                if not taken(DEFAULTS[first], now[second]):
                    values.pop(second, None)
    return values if _accepted(values) else {}


def _accepted(values: dict[str, object]) -> bool:
    """Say whether values that were made free of one contradiction are free of all."""
    try:
        thresholds_from(tables_of(values))
    except SettingsError as error:
        assert "more than" in str(error) or "less than" in str(error)  # noqa: PT017  # or it is a bug
        return False
    return True


def _strategies() -> dict[str, st.SearchStrategy]:
    found: dict[str, st.SearchStrategy] = {}
    holders = {
        **SHARED,
        "silence": Thresholds().silence,
        **{r.name: r.rule if isinstance(r, InTurn) else r for r in RULES},
    }

    def walk(where: str, holder: msgspec.Struct) -> None:
        for field in msgspec.inspect.type_info(type(holder)).fields:
            value, place = getattr(holder, field.name), f"{where}.{field.name}"
            if any(one.startswith(f"{place}.") for one in DEFAULTS):
                walk(place, value)
            elif place in DEFAULTS:
                found[place] = _within(field.type, value)

    for table, holder in holders.items():
        walk(table, holder)
    return found


def _within(kind: msgspec.inspect.Type, value: object) -> st.SearchStrategy:
    if isinstance(kind, msgspec.inspect.IntType):
        edges = st.sampled_from([kind.ge, kind.le])
        return st.one_of(edges, st.integers(kind.ge, kind.le))
    if isinstance(kind, msgspec.inspect.FloatType):
        low, high = (
            next(end for end in ends if end is not None)
            for ends in ((kind.ge, kind.gt), (kind.le, kind.lt))
        )
        return st.floats(
            low, high, exclude_min=kind.gt is not None, exclude_max=kind.lt is not None,
            allow_subnormal=False,
        )  # fmt: skip
    if isinstance(kind, msgspec.inspect.LiteralType):
        return st.sampled_from(kind.values)
    assert isinstance(value, tuple)
    return st.lists(st.sampled_from(["", "kitchen", "hall", "走廊"]), max_size=3).map(tuple)


STRATEGIES = _strategies()

LOGS = st.lists(
    st.one_of(
        st.builds(Home, at=st.just(0), sensor=st.sampled_from(Sensor),
                  value=st.sampled_from([0.0, 1.0, 15.0, 35.0, 2_000.0]),
                  room=st.sampled_from(["", "kitchen", "bathroom", "hall"])),
        st.builds(Utility, at=st.just(0), meter=st.just("water"),
                  value=st.sampled_from([0.0, 0.5, 5.0, 500.0]), unit=st.just("l/h")),
        st.builds(Utility, at=st.just(0), meter=st.just("power"),
                  value=st.sampled_from([10.0, 8_000.0, 12_000.0]), unit=st.just("w")),
        st.builds(Vitals, at=st.just(0), hr_bpm=st.sampled_from([0.0, 40.0, 70.0, 140.0]),
                  sbp_mmhg=st.sampled_from([None, 70.0, 120.0, 190.0]),
                  worn=st.sampled_from([None, True]), battery_pct=st.floats(0, 100)),
        st.builds(Crowd, at=st.just(0), zone=st.sampled_from(["fire lane", "square"]),
                  people=st.just(9), density=st.floats(0, 3), in_per_min=st.floats(0, 9),
                  out_per_min=st.just(1.0), blocked=st.booleans()),
        st.builds(Highrise, at=st.just(0), building=st.just("b-1"), floor=st.just(3),
                  column=st.just(1), confidence=st.floats(0, 1), clip=st.just("")),
        st.builds(Rhythm, at=st.just(0), rr_ms=st.just((800.0,) * 60), irregular=st.booleans(),
                  confidence=st.floats(0, 1)),
    ),
    min_size=20, max_size=60,
)  # fmt: skip
"""What a home and a place may say, one after the other; when, a test decides."""


def test_every_threshold_has_a_range() -> None:
    assert set(STRATEGIES) == set(DEFAULTS)
