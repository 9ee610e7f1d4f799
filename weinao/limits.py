"""Thresholds as people read them: the numbers of a sentence come from the rules in force.

A sentence names a threshold by its place in a file of thresholds, `{stove.away_s_max:s}`; what
stands after the colon is its unit there, for which people have their own words.
"""

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from msgspec import Struct

from weinao.voice import Voice

UNIT_MS = {"s": 1_000, "min": 60_000, "h": 3_600_000}
"""Units of durations."""

CLOCK = "clock"
"""A minute of the local day."""


class Limits(Struct, frozen=True):
    """The thresholds in force, and those that we ship, by their place in a file."""

    now: Mapping[str, Any] = {}
    shipped: Mapping[str, Any] = {}


def told(words: str, thresholds: Mapping[str, Any], voice: Voice) -> str:
    """Return a sentence with its thresholds; one that is missing is said to be unknown."""
    return _Told(thresholds, voice).format(words)


class _Told(Formatter):
    def __init__(self, thresholds: Mapping[str, Any], voice: Voice) -> None:
        self._thresholds, self._voice = thresholds, voice

    def get_field(
        self,
        field_name: str,
        args: Sequence[Any],  # noqa: ARG002  # sentences have names only
        kwargs: Mapping[str, Any],  # noqa: ARG002  # as above
    ) -> tuple[Any, str]:
        return self._thresholds.get(field_name), field_name

    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401  # a formatter's signature
        if value is None:
            return self._voice.words.say("table", "unknown")
        if format_spec in UNIT_MS:
            return self._span(round(value * UNIT_MS[format_spec]))
        if format_spec == CLOCK:
            return f"{value // 60:02}:{value % 60:02}"
        return f"{value:,.10g}"

    def _span(self, ms: int) -> str:
        """Return a duration; a limit of 6 s or of 24 h is said so, and not as 6.0 s or one day."""
        for unit, below_ms in (("s", 10_000), ("h", 172_800_000)):
            if UNIT_MS[unit] <= ms < below_ms and ms % UNIT_MS[unit] == 0:
                return self._voice.say("span", unit, n=ms // UNIT_MS[unit])
        return self._voice.span(ms)
