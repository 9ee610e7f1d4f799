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

    Limits = BloodPressureLimits | PulseLimits

L = TypeVar("L", "BloodPressureLimits", "PulseLimits")
Progress = Callable[[str], None]

PHYSIOLOGY = {"Blood pressure", "Pulse", "Body temperature", "Body water", "Weight"}
FOLDS = 5

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
    """One person's readings of one day, each with the history before it, and what stood."""

    person: str
    readings: "tuple[tuple[HomeReading, HomeHistory], ...]"
    kinds: frozenset[str]


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
    return _figures(calls)


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
        for day, seen in by_day.items():
            if any(reading.sbp_mmhg is not None for reading, _ in seen):
                days.append(Day(person, tuple(seen), frozenset(kinds[person, day])))
    if not days or not kinds:
        raise FileNotFoundError(f"{folder} has no tihm_physiology.csv.gz with tihm_labels.csv.gz")
    return days


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
    from pipeline.brain.identify.home_limits import score_day

    pressure, pulse, unwell, score = [], [], [], []
    for pressure_limits, pulse_limits, day in judged:
        pressure += _counted(pressure_limits, "Blood pressure", [day])
        pulse += _counted(pulse_limits, "Pulse", [day])
        found = score_day((reading for reading, _ in day.readings), day.readings[0][1])
        if found is not None:
            unwell.append(bool(day.kinds & PHYSIOLOGY))
            score.append(-found.score)
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
