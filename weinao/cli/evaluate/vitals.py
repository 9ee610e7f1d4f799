"""Score home limits and the day's score against alerts that clinicians checked.

Counted by patient and day, over days with a blood pressure reading: a day is called when any of
its readings alerts, and is true when an alert of that kind stood on it. Readings are shown in order
of time, each with nothing but its own past. Labels enter only the count.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from weinao.cli.evaluate.rhythm import area_under_curve

if TYPE_CHECKING:
    from pipeline.brain.identify.home_limits import (
        BloodPressureLimits,
        HomeHistory,
        HomeReading,
        PulseLimits,
    )
    from pipeline.brain.identify.news2 import Sign, Value
    from sim.importers.vitals import SpotReading

    Limits = BloodPressureLimits | PulseLimits

L = TypeVar("L", "BloodPressureLimits", "PulseLimits")
Progress = Callable[[str], None]

PHYSIOLOGY = {"Blood pressure", "Pulse", "Body temperature", "Body water", "Weight"}
FOLDS = 5
_ICU_MS = 48 * 3_600_000
_DAY_MS = 24 * 3_600_000

_BP_GRID: Mapping[str, Sequence[float]] = {
    "sbp_mmhg_high": (150, 155, 160, 165, 170),
    "dbp_mmhg_high": (90, 95, 100, 105, 110),
    "dbp_mmhg_low": (45, 50, 52, 55, 57, 60),
    "sbp_mmhg_low": (80, 85, 90, 95, 100),
    "settle_h": (0, 12),
}
_PULSE_GRID: Mapping[str, Sequence[float]] = {
    "hr_bpm_high": (90, 95, 100, 105, 110),
    "hr_bpm_low": (44, 46, 48, 49, 50, 51, 52, 55),
    "settle_h": (0, 12),
}


@dataclass(frozen=True)
class Day:
    """One person's readings of one day, each with its history; what stood, and the score."""

    person: str
    readings: "tuple[tuple[HomeReading, HomeHistory], ...]"
    kinds: frozenset[str]
    score: float


def evaluate_vitals(folder: Path, progress: Progress | None = None) -> dict[str, float]:
    """Return the figures of the shipped limits.

    Raises:
        FileNotFoundError: The folder has no home readings or no checked alerts.
    """
    from pipeline.brain.identify.home_limits import BloodPressureLimits, PulseLimits

    days = _days(folder)
    if progress:
        progress(f"{len(days)} days with a blood pressure reading")
    calls = [(BloodPressureLimits(), PulseLimits(), day) for day in days]
    return _figures(calls) | _icu(folder, progress)


def cross_validate_vitals(folder: Path, progress: Progress | None = None) -> dict[str, float]:
    """Return the figures of limits chosen by F1 on other people than they are counted on.

    Raises:
        FileNotFoundError: The folder has no home readings or no checked alerts.
    """
    from pipeline.brain.identify.home_limits import BloodPressureLimits, PulseLimits

    days = _days(folder)
    people = sorted({day.person for day in days})
    calls = []
    for fold in range(FOLDS):
        test = set(people[fold::FOLDS])
        learn = [day for day in days if day.person not in test]
        pressure = _choose(BloodPressureLimits(), "Blood pressure", _BP_GRID, learn)
        pulse = _choose(PulseLimits(), "Pulse", _PULSE_GRID, learn)
        if progress:
            progress(f"fold {fold + 1}: {pressure}, {pulse}")
        calls += [(pressure, pulse, day) for day in days if day.person in test]
    return _figures(calls)


def _icu(folder: Path, progress: Progress | None) -> dict[str, float]:
    """Return how well the mean hourly score of 48 hours tells who died; nothing without the file.

    Hours are scored as they are at home, but every sign of NEWS2 is expected from everybody.
    """
    from pipeline.brain.identify.news2 import Sign
    from pipeline.brain.identify.sign_score import Hourly
    from sim.importers.vitals import read_icu_outcomes

    died, score = [], []
    for number, stay in enumerate(read_icu_outcomes(folder)):
        hourly = Hourly(hour=1)
        for at, values in stay.readings:
            hourly = hourly.reach(at - 1, age_years=stay.age_years, expected=tuple(Sign))
            hourly = hourly.take(_known(values), at)
        hourly = hourly.reach(_ICU_MS, age_years=stay.age_years, expected=tuple(Sign))
        if hourly.hours:
            died.append(stay.died)
            score.append(-hourly.score / hourly.hours)
        if progress and number % 100 == 0:
            progress(f"stay {number}")
    return {"icu_auc": area_under_curve(np.array(died), np.array(score))} if died else {}


def _known(values: Mapping[str, float | str]) -> "dict[Sign, Value]":
    from pipeline.brain.identify.news2 import Sign
    from weinao.messages import Acvpu

    return {
        sign: Acvpu(value) if isinstance(value, str) else value
        for sign in Sign
        if (value := values.get(sign.value)) is not None
    }


def _days(folder: Path) -> list[Day]:
    from pipeline.brain.identify.home_limits import HomeHistory, HomeReading
    from sim.importers.vitals import day_of, read_checked_alerts, read_home_readings

    kinds: dict[tuple[str, date], set[str]] = defaultdict(set)
    for alert in read_checked_alerts(folder):
        kinds[alert.person, day_of(alert.at)].add(alert.kind)
    days = []
    for person, spots in read_home_readings(folder).items():
        history, by_day = HomeHistory(), defaultdict(list)
        for spot in spots:
            reading = HomeReading(at=spot.at, **spot.signs)
            by_day[day_of(spot.at)].append((reading, history))
            history = history.after(reading)
        scores = _health_scores(person, spots)
        for day, seen in by_day.items():
            if any(reading.sbp_mmhg is not None for reading, _ in seen):
                stood, score = frozenset(kinds[person, day]), scores[day.isoformat()]
                days.append(Day(person, tuple(seen), stood, score))
    if not days or not kinds:
        raise FileNotFoundError(f"{folder} has no tihm_physiology.csv.gz with tihm_labels.csv.gz")
    return days


def _health_scores(person: str, spots: "Sequence[SpotReading]") -> dict[str, float]:
    """Return a person's shipped health score of each local day, the readings streamed in order."""
    from pipeline.brain.identify.health_score import HealthDay
    from pipeline.brain.perceive.seen import Seen
    from weinao.messages import Vitals

    rule, home = HealthDay(), f"home-of-{person}"
    state, scores = rule.initial(home, home), dict[str, float]()
    for number, spot in enumerate(spots):
        seen = Seen(
            id=f"{number:08d}",
            device="cuff",
            at=spot.at,
            received_at=spot.at,
            observation=Vitals(at=spot.at, **spot.signs),  # type: ignore[arg-type]  # floats all
            subject=person,
            household=home,
            tz_offset_min=0,
        )
        state, found = rule.observe(state, seen)
        scores |= {one.day: one.score for one in found}
    _, found = rule.pass_time(state, spots[-1].at + _DAY_MS)
    return scores | {one.day: one.score for one in found}


def _choose(limits: L, kind: str, grid: Mapping[str, Sequence[float]], days: Sequence[Day]) -> L:
    """Return the limits with the best F1, found one limit after the other, twice."""
    from msgspec.structs import replace

    for name, values in [*grid.items()] * 2:
        shipped = getattr(type(limits)(), name)
        best = -1.0
        # Of equals the nearest to the shipped wins, so that a limb nobody reaches stays put.
        for distance, value in sorted((abs(value - shipped), value) for value in values):
            tried = replace(limits, **{name: value})
            reached = _f1(_counted(tried, kind, days)) - 1e-9 * distance
            if reached > best:
                chosen, best = tried, reached
        limits = chosen
    return limits


def _figures(
    judged: "Iterable[tuple[BloodPressureLimits, PulseLimits, Day]]",
) -> dict[str, float]:
    pressure, pulse, unwell, score = [], [], [], []
    for pressure_limits, pulse_limits, day in judged:
        pressure += _counted(pressure_limits, "Blood pressure", [day])
        pulse += _counted(pulse_limits, "Pulse", [day])
        unwell.append(bool(day.kinds & PHYSIOLOGY))
        score.append(-day.score)
    bp_recall, bp_precision = _recall_and_precision(pressure)
    pulse_recall, pulse_precision = _recall_and_precision(pulse)
    return {
        "bp_recall": bp_recall,
        "bp_precision": bp_precision,
        "pulse_recall": pulse_recall,
        "pulse_precision": pulse_precision,
        "score_auc": area_under_curve(np.array(unwell), np.array(score)),
    }


def _counted(limits: "Limits", kind: str, days: Iterable[Day]) -> list[tuple[bool, bool]]:
    """Return (called, true) of each day."""
    return [
        (any(limits.judge(*seen).alert for seen in day.readings), kind in day.kinds) for day in days
    ]


def _recall_and_precision(counted: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    hits = sum(called and true for called, true in counted)
    calls, truths = sum(called for called, _ in counted), sum(true for _, true in counted)
    return hits / truths if truths else float("nan"), hits / calls if calls else float("nan")


def _f1(counted: Sequence[tuple[bool, bool]]) -> float:
    hits = sum(called and true for called, true in counted)
    return 2 * hits / max(sum(called + true for called, true in counted), 1)
