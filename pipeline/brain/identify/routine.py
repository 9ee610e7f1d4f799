"""A home's routine: how long nothing has moved there, at which time of day, over its last weeks.

It is learned from the home's own past alone, silence by silence, as each of them ends. What it
answers is a rate: how many silences a day begin around this time and outlast so many minutes. A
silence seen once stands for many like it, some earlier or later, some shorter or longer: it is
spread over the clock and over the logarithm of its length (a product kernel estimate).

References:
    Cuddihy et al., HealthNet 2007: alerts from each home's own limits by time of day.
    Moshtaghi and Zukerman, 2015: distributions of silences do better than their largest values.
    docs/decisions/0003-inactivity.md: the widths, and the homes they were chosen on.
"""

from typing import Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

KEPT_DAYS_MAX = 28
"""How far back a routine reaches: long enough for four of each weekday, short enough to follow a
season or an illness. (Fixed by research: 14 to 28 learned days.)"""

KEPT_MAX = 512
"""Silences of one home at most, 3 kB; the oldest are forgotten first."""

QUIET_MIN_MIN = 30
"""Shorter silences, in minutes, are not kept: no limit is ever near them."""

QUIET_MIN_MAX = 14 * 60
"""Longer silences, in minutes, are not kept: they are absences or outages, never a routine."""

CLOCK_WIDTH_MIN = 60.0
"""How far a habit wanders over the clock from day to day, in minutes (standard deviation)."""

LENGTH_WIDTH_LOG = 0.2
"""How much its length varies, in units of its logarithm: about a fifth."""

_DAY_MIN = 1_440
_SPELL = np.dtype([("from_min", "<u4"), ("quiet_min", "<u2")])


class Routine(Struct, frozen=True):
    """The silences of one home, oldest first.

    Attributes:
        spells: Packed records: when the silence began, in minutes since the epoch, and how many
            minutes it lasted.
        since: When the home was first seen, milliseconds UTC; None before.
    """

    spells: bytes = b""
    since: int | None = None

    def begin(self, at: int) -> Self:
        """Return the routine of a home first seen at `at`."""
        return type(self)(self.spells, at)

    def learn(self, begun_at: int, ended_at: int) -> Self:
        """Return the routine after a silence, in which somebody was at home, has ended."""
        quiet_min = (ended_at - begun_at) // 60_000
        if not QUIET_MIN_MIN <= quiet_min <= QUIET_MIN_MAX:
            return self
        begun_min = begun_at // 60_000
        known = np.frombuffer(self.spells, _SPELL)[-(KEPT_MAX - 1) :]
        known = known[known["from_min"] + KEPT_DAYS_MAX * _DAY_MIN >= begun_min]
        spell = np.array([(begun_min, quiet_min)], _SPELL)
        return type(self)(known.tobytes() + spell.tobytes(), self.since)

    def days(self, at: int) -> float:
        """Return how many days it rests on, from 0 to `KEPT_DAYS_MAX`."""
        if self.since is None:
            return 0.0
        return min(max((at - self.since) / (_DAY_MIN * 60_000), 0.0), float(KEPT_DAYS_MAX))

    def outlasting(self, quiet_min: FloatArray, begun_at: int) -> FloatArray:
        """Return how many silences that begin around this time of day last longer, by length.

        Args:
            quiet_min: (N,) lengths in minutes, positive.
            begun_at: When the silence in question began, milliseconds UTC; only the past before
                it is used. A whole number of days has the same length on every clock we serve,
                so that no time zone is needed to compare times of day.

        Returns:
            (N,) silences per day and per hour of the clock.
        """
        spells = np.frombuffer(self.spells, _SPELL)
        begun_min = begun_at // 60_000
        from_min = spells["from_min"].astype(np.int64)
        known = (from_min < begun_min) & (from_min >= begun_min - KEPT_DAYS_MAX * _DAY_MIN)
        apart_min = (from_min[known] - begun_min + _DAY_MIN // 2) % _DAY_MIN - _DAY_MIN // 2
        near = np.exp(-0.5 * np.square(apart_min / CLOCK_WIDTH_MIN))
        near *= 60.0 / (CLOCK_WIDTH_MIN * np.sqrt(2.0 * np.pi))
        log_length = np.log(spells["quiet_min"][known].astype(np.float64))
        outlasts = normal_cdf((log_length[:, None] - np.log(quiet_min)) / LENGTH_WIDTH_LOG)
        # Not `@`: a sum in a fixed order gives a replay the same limit to the minute.
        rates: FloatArray = (near[:, None] * outlasts).sum(axis=0) / max(self.days(begun_at), 1.0)
        return rates


def normal_cdf(x: FloatArray) -> FloatArray:
    """Return the standard normal distribution function, to within 0.01, with wider tails.

    References:
        Bowling et al., Journal of Industrial Engineering and Management 2009, 2(1): the logistic
        approximation with 1.702. Its wider tails suit habits better than the normal's own.
    """
    steps: FloatArray = 1.0 / (1.0 + np.exp(np.clip(-1.702 * x, -60.0, 60.0)))
    return steps
