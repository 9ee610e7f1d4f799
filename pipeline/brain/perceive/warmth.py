"""Warmth: whether it became warmer around an instant, by the thermometers of a home.

Readings count by their own time, in whatever order they arrive. Of each thermometer the lowest and
the highest of each minute are kept, so that one that reads every second needs no more room than one
that reads every hour.
"""

from msgspec import Struct
from msgspec.structs import replace

MINUTES_MAX = 64
"""Minutes with readings, of each thermometer; the oldest are forgotten first."""

THERMOMETERS_MAX = 16
"""Of one home; the longest known are forgotten first."""

_MINUTE_MS = 60_000


class Minute(Struct, frozen=True):
    """What one thermometer read within a minute: its lowest and its highest, each with its time.

    Attributes:
        by: The reading that was highest.
    """

    low: tuple[float, int]
    high: tuple[float, int]
    by: str


class Warmth(Struct, frozen=True):
    """What is remembered of a home's thermometers: their minutes, by the minute's number."""

    known: dict[str, dict[int, Minute]] = {}

    def after(self, device: str, at: int, temp_c: float, by: str) -> "Warmth":
        """Return what is known with one more reading."""
        minutes = dict(self.known.get(device, {}))
        slot, now = at // _MINUTE_MS, Minute((temp_c, at), (temp_c, at), by)
        if slot in minutes:
            other = minutes[slot]
            high = max(other.high, now.high)
            # Of one value and instant one word counts, whichever came first.
            name = min(by, other.by) if other.high == now.high else by
            now = Minute(min(other.low, now.low), high, other.by if high != now.high else name)
        minutes[slot] = now
        kept = dict(sorted(minutes.items())[-MINUTES_MAX:])
        others = [(name, one) for name, one in self.known.items() if name != device]
        return replace(self, known=dict([*others, (device, kept)][-THERMOMETERS_MAX:]))

    def heard(self, since: int, until: int) -> bool:
        """Say whether some thermometer spoke between two instants."""
        return any(
            since <= minute.high[1] and minute.low[1] <= until
            for minutes in self.known.values()
            for minute in minutes.values()
        )

    def rose(
        self, since: int, until: int, *, by_c: float, within_s: int, hot_c: float
    ) -> tuple[int, str, float] | None:
        """Return the first reading between two instants that shows warmth: time, id and °C.

        Args:
            since: Only what was read from then on shows it,
            until: and up to then.
            by_c: It is so much warmer than the same thermometer read before,
            within_s: at most so many seconds ago;
            hot_c: or as hot as this.
        """
        found: list[tuple[int, str, float]] = []
        for minutes in self.known.values():
            for minute in minutes.values():
                temp_c, at = minute.high
                if not since <= at <= until:
                    continue
                before = [
                    one.low[0]
                    for one in minutes.values()
                    if 0 <= at - one.low[1] <= within_s * 1_000
                ]
                if temp_c >= hot_c or temp_c - min(before, default=temp_c) >= by_c:
                    found.append((at, minute.by, temp_c))
        return min(found, default=None)
