"""The thresholds of a file, as rules: what it does not set stays as it stands in the code.

    tables -> held against the rules' own fields -> all problems at once
                                                 -> the rules in force, and the patience for silence

One table a rule, by the rule's name. What several rules share is set once, in a table of its own.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.base import Rule
from pipeline.brain.identify.emergency import Emergency
from pipeline.brain.identify.fire_lane import FireLane, Lanes
from pipeline.brain.identify.in_turn import InTurn
from pipeline.brain.identify.night import DayLimits
from pipeline.brain.identify.outside import Outside
from pipeline.brain.identify.silence import Silence
from pipeline.brain.perceive.artefact import Artefacts
from pipeline.brain.rules import RULES
from weinao.settings import problems_of, refuse

S = TypeVar("S", bound=Struct)

Value = int | float | str | tuple[str, ...]

SILENCE = "silence"

SHARED: dict[str, Struct] = {
    "outside": Outside(),
    "days": DayLimits(),
    "lanes": Lanes(),
    "artefacts": Artefacts(),
}
"""What several rules share, by the table that sets it."""

NOT_MORE = (
    ("vitals.persist_n", "vitals.persist_of_n"),
    ("vitals.blood_pressure.sbp_mmhg_low", "vitals.blood_pressure.sbp_mmhg_high"),
    ("vitals.blood_pressure.sbp_mmhg_high", "vitals.blood_pressure.sbp_mmhg_severe"),
    ("vitals.blood_pressure.dbp_mmhg_low", "vitals.blood_pressure.dbp_mmhg_high"),
    ("vitals.blood_pressure.dbp_mmhg_high", "vitals.blood_pressure.dbp_mmhg_severe"),
    ("vitals.pulse.hr_bpm_severe_low", "vitals.pulse.hr_bpm_low"),
    ("vitals.pulse.hr_bpm_low", "vitals.pulse.hr_bpm_high"),
    ("vitals.pulse.hr_bpm_high", "vitals.pulse.hr_bpm_severe_high"),
    ("child_vitals.persist_n", "child_vitals.persist_of_n"),
    ("child_vitals.calm_points_max", "child_vitals.urgent_points"),
    ("child_vitals.urgent_points", "child_vitals.critical_points"),
    ("irregular_pulse.need", "irregular_pulse.of_n"),
    ("fall.rise_s_min", "fall.walk_s_max"),
    ("stove.gas_l_per_h_min", "stove.gas_l_per_h_max"),
    ("not_back.away_min_min", "not_back.away_min_max"),
    ("inactivity.quiet_min_min", "inactivity.quiet_min_max"),
    ("congestion.slow_density", "congestion.full_density"),
    ("circuit.days_min", "circuit.days"),
    ("health_score.trend_days_min", "health_score.trend_days"),
    ("risk_health.span.recent_days_min", "risk_health.span.recent_days"),
    ("risk_health.span.usual_days_min", "risk_health.span.usual_days"),
    ("days.sleep_until_min", "days.sleep_from_min"),
)
"""Of each pair the first may not be more than the second: nothing could ever be raised, or over."""

LESS = (
    ("climate.cold_c", "climate.heat_c"),
    ("battery.low_pct", "battery.well_pct"),
    ("inactivity.day_from_h", "inactivity.day_until_h"),
    ("risk_health.span.recent_days", "risk_health.span.usual_days"),
    ("risk_health.medicine.morning_from_min", "risk_health.medicine.noon_from_min"),
    ("risk_health.medicine.noon_from_min", "risk_health.medicine.evening_from_min"),
    ("days.night_until_min", "days.night_from_min"),
)
"""Of each pair the first has to be less than the second."""


class Thresholds(Struct, frozen=True, kw_only=True):
    """All that is in force.

    Args:
        rules: In the order in which their findings appear.
        silence: How long something may be silent.
    """

    rules: tuple[Rule[Any], ...] = RULES
    silence: Silence = Silence()

    def values(self) -> dict[str, Value]:
        """Return every threshold by its place in a file: `stove.away_s_max`."""
        return {
            place: value
            for table, holder in _tables(self).items()
            for place, value in _values(holder, f"{table}.")
        }


def thresholds_from(tables: Mapping[str, Any], name: str = "rules.toml") -> Thresholds:
    """Return what is in force with the tables of a file.

    Args:
        tables: As parsed; may be empty.
        name: Of the file, for the message.

    Raises:
        SettingsError: Something is unknown, of the wrong type, out of range, or cannot hold
            together with something else; all of it is named.
    """
    shipped, shape = _tables(Thresholds()), _file()
    problems = problems_of(tables, shape)
    refuse([*problems, *_contradictions(tables, {one.split(":")[0] for one in problems})], name)
    settings = msgspec.convert(tables, shape)
    shared = {
        type(holder): _with(holder, getattr(settings, table), {})
        for table, holder in shipped.items()
        if table in SHARED
    }
    for inner in (FireLane, Emergency):  # rules that others run
        rule = next(one for one in RULES if isinstance(one, inner))
        shared[inner] = _with(rule, getattr(settings, rule.name), shared)

    def in_force(rule: Rule[Any]) -> Rule[Any]:
        if isinstance(rule, InTurn):
            return replace(rule, rule=in_force(rule.rule))
        assert isinstance(rule, Struct), "a rule is a frozen value"
        found: Rule[Any] = _with(rule, getattr(settings, rule.name), shared)
        return found

    return Thresholds(
        rules=tuple(in_force(rule) for rule in RULES),
        silence=_with(Silence(), getattr(settings, SILENCE), shared),
    )


def _tables(thresholds: Thresholds) -> dict[str, Struct]:
    """Return what has thresholds, by its table."""
    rules: list[Any] = [
        rule.rule if isinstance(rule, InTurn) else rule for rule in thresholds.rules
    ]
    shared = {
        table: next(
            value for rule in rules for value in _parts(rule) if type(value) is type(shipped)
        )
        for table, shipped in SHARED.items()
    }
    return {**shared, **{rule.name: rule for rule in rules}, SILENCE: thresholds.silence}


def _parts(holder: Any) -> Iterator[Any]:  # noqa: ANN401  # a rule is known by its fields alone
    return (getattr(holder, field) for field in holder.__struct_fields__)


def _own(holder: Struct) -> Iterator[tuple[str, Any]]:
    """Return the fields that a table may set: neither what makes a rule, nor what is shared."""
    elsewhere: tuple[type, ...] = (
        *(type(shared) for shared in SHARED.values()),
        FireLane,
        Emergency,
    )
    for field in holder.__struct_fields__:
        value = getattr(holder, field)
        if field not in ("name", "ordered", "communal") and not isinstance(value, elsewhere):
            yield field, value


def _values(holder: Struct, where: str) -> Iterator[tuple[str, Value]]:
    for field, value in _own(holder):
        if isinstance(value, Struct):
            yield from _values(value, f"{where}{field}.")
        else:
            yield where + field, value


@cache
def _file() -> type[Struct]:
    return _shape("rules", _tables(Thresholds()))


def _shape(name: str, holders: Mapping[str, Any]) -> type[Struct]:
    """Return the shape of a table of tables, each with what stands in the code as its default."""
    members = []
    for field, holder in holders.items():
        own = dict(_own(holder))
        hints = get_type_hints(type(holder), include_extras=True)
        nested = {key: value for key, value in own.items() if isinstance(value, Struct)}
        inner = _shape(f"{name}.{field}", nested)
        plain = [(key, hints[key], value) for key, value in own.items() if key not in nested]
        shape = msgspec.defstruct(
            f"{name}.{field}", plain, bases=(inner,), frozen=True, kw_only=True
        )
        members.append((field, shape, shape()))
    return msgspec.defstruct(name, members, frozen=True, kw_only=True)


def _with(holder: S, settings: Struct, shared: Mapping[type, Struct]) -> S:
    """Return a rule, or a part of one, with what was set."""
    changed: dict[str, Any] = {
        field: _with(value, getattr(settings, field), shared)
        if isinstance(value, Struct)
        else getattr(settings, field)
        for field, value in _own(holder)
    }
    for field in holder.__struct_fields__:
        if (now := shared.get(type(getattr(holder, field)))) is not None:
            changed[field] = now
    return replace(holder, **changed)


def _contradictions(tables: Mapping[str, Any], wrong: Collection[str]) -> list[str]:
    """Return what cannot hold together, of what is not wrong by itself."""
    now = {**dict(_numbers(Thresholds().values(), "")), **dict(_numbers(tables, ""))}
    found = [
        f"{first}: {now[first]:g} is more than {second}, which is {now[second]:g}"
        for first, second in NOT_MORE
        if now[first] > now[second] and not {first, second} & {*wrong}
    ]
    return found + [
        f"{first}: {now[first]:g} is not less than {second}, which is {now[second]:g}"
        for first, second in LESS
        if now[first] >= now[second] and not {first, second} & {*wrong}
    ]


def _numbers(tables: Mapping[str, Any], where: str) -> Iterator[tuple[str, float]]:
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{where}{key}.")
        elif isinstance(value, int | float):
            yield where + key, value
