"""Artefacts: what a wearable says that is not about a body, taken out before anything is scored.

    off the wrist                        -> no sign at all: the sensor reads the table it lies on
    in movement, or zero while searching -> no pulse, SpO2, breathing or blood pressure
    a sign that does not vary, for long  -> not that sign: the sensor is stuck

What is taken out is neither an alarm nor a calm: it was never said. What people say (oxygen,
consciousness) and what a person steps on (weight) is nobody's artefact and stays.
"""

from collections.abc import Mapping
from sys import intern
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Seconds, Times
from pipeline.brain.perceive.seen import Seen
from weinao.messages import Vitals

OPTICAL = ("hr_bpm", "spo2_pct", "resp_per_min")
"""Signs read through the skin all the time: movement spoils them, and zero means searching."""

PRESSURE = ("sbp_mmhg", "dbp_mmhg")
WARMTH = ("temp_c", "skin_temp_c")
WATCHED = (*OPTICAL, "temp_c")
"""Signs in which a body never stands still."""

RUNS_MAX = 32
"""Signs of one subject's devices that are watched; the longest unheard are forgotten first."""


class Run(Struct, frozen=True):
    """One value that a sign of one device goes on having.

    Attributes:
        since: Its first reading.
        at: Its newest.
        count: How many there were.
    """

    value: float
    since: int
    at: int
    count: int = 1


Runs = dict[str, Run]
"""By device and sign."""


class Artefacts(Struct, frozen=True, kw_only=True):
    """When a sign of a worn device counts as stuck: the same value for so long, so often.

    Args:
        pulse_s: Seconds for which a pulse may be one whole number,
        breathing_s: breathing,
        spo2_s: SpO2, which healthy people hold for long,
        temperature_s: and core temperature.
        readings_min: So many readings in a row have to agree: an hourly device is not stuck sooner.

    References:
        One stay of 1,936 minutes (MIMIC s00001, values of each minute as whole numbers) has runs
        of at most 23 minutes of pulse, 15 of breathing and 56 of SpO2. Hourly temperatures of
        3,936 stays (PhysioNet/CinC 2012, set-a, in tenths) stand for more than 16 hours in one of a
        thousand. We wait for at least twice that, for the temperature half as long again. A paced
        pulse may stand for a day: it is then left out as well, and no alarm is lost by that, as one
        that was raised before stands.
    """

    pulse_s: Seconds = 3_600
    breathing_s: Seconds = 3_600
    spo2_s: Seconds = 21_600
    temperature_s: Seconds = 86_400
    readings_min: Times = 30

    def clean(self, runs: Runs, seen: Seen, said: Vitals) -> tuple[Runs, Vitals]:
        """Return what is known of each run after a reading, and the reading without artefacts.

        Several rules ask it of each reading, one after the other, and know the same runs: who asks
        the same again is given the same, so that it is found out once, and kept once.
        """
        global _newest  # noqa: PLW0603  # replaced whole: whoever reads it has one or the other
        asked = (seen, said, self, runs)
        before, found = _newest
        if before[0] is seen and before[1] is said and before[2:] == asked[2:]:
            return found
        found = self._clean(runs, seen, said)
        _newest = (asked, found)
        return found

    def _clean(self, runs: Runs, seen: Seen, said: Vitals) -> tuple[Runs, Vitals]:
        gone = _spoilt(said)
        if said.worn is None:
            return runs, _without(said, gone)  # measured on purpose, once
        if said.worn is False:
            runs = {key: run for key, run in runs.items() if not key.startswith(f"{seen.device}/")}
            return runs, _without(said, gone)
        runs = _after(runs, seen, said, gone)
        stuck = [sign for sign in WATCHED if self.is_stuck(runs.get(f"{seen.device}/{sign}"), sign)]
        return runs, _without(said, (*gone, *stuck))

    def stuck_signs(self, runs: Mapping[str, Run]) -> frozenset[str]:
        """Return the signs that some device is stuck in."""
        long = [(key, run) for key, run in runs.items() if run.count >= self.readings_min]
        signs = ((key.rpartition("/")[2], run) for key, run in long)
        return frozenset(sign for sign, run in signs if self.is_stuck(run, sign))

    def is_stuck(self, run: Run | None, sign: str) -> bool:
        """Say whether a run of one sign has gone on for too long."""
        if run is None or run.count < self.readings_min:
            return False
        return run.at - run.since >= self.limit_s(sign) * 1_000

    def limit_s(self, sign: str) -> int:
        """Return for how many seconds a sign may have one value."""
        return int(getattr(self, _LIMIT_OF[sign]))


_newest: tuple[tuple[Any, ...], tuple[Runs, Any]] = ((None,) * 4, ({}, None))
"""What `clean` was asked last, and what it found. No memory of the brain: without it the same
follows, and each reading is looked at four times."""

_LIMIT_OF = dict(zip(WATCHED, ("pulse_s", "spo2_s", "breathing_s", "temperature_s"), strict=True))


def _spoilt(said: Vitals) -> tuple[str, ...]:
    if said.worn is False:
        return (*OPTICAL, *PRESSURE, *WARMTH)
    if said.moving:
        return (*OPTICAL, *PRESSURE)
    return tuple(sign for sign in OPTICAL if getattr(said, sign) == 0)


def _without(said: Vitals, gone: tuple[str, ...]) -> Vitals:
    present = [sign for sign in gone if getattr(said, sign) is not None]
    return replace(said, **dict.fromkeys(present)) if present else said


def _after(runs: Runs, seen: Seen, said: Vitals, gone: tuple[str, ...]) -> Runs:
    found: Runs = {}
    for sign in WATCHED:
        value: float | None = getattr(said, sign)
        if value is None or sign in gone:
            continue
        key = intern(f"{seen.device}/{sign}")
        known = runs.get(key)
        if known is None or known.value != value:
            found[key] = Run(value, seen.at, seen.at)
        elif seen.at > known.at:
            found[key] = Run(value, known.since, seen.at, known.count + 1)
    if not found:
        return runs
    others = [(key, run) for key, run in runs.items() if key not in found]
    return dict([*others, *found.items()][-RUNS_MAX:])
