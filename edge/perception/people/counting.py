"""What is told of a zone: who is in it, who waits, what blocks it, and how it is going on."""

from collections.abc import Sequence

from edge.perception.people.flow import Crossings
from edge.perception.people.forecast import Minute, counted, foretell
from edge.perception.people.settings import Drawing, Zone
from edge.perception.people.shapes import foot, holds, size
from edge.perception.people.standing import StandingLimits, Stood, stands, within
from edge.perception.people.tracks import Track
from weinao.messages import Crowd

WAITS_MS = 2_000
"""Who was seen for so long,"""
WAITS_SHARE = 0.35
"""and went no further than this share of her height in it, waits: 0.3 m/s. Ours."""
OVERLOOKED_MAX = 2
"""Looks of the detector in a row in which it may overlook somebody who stands. Ours."""
_DENSITY_MAX = 20.0


class Counting:
    """Counts in the zones of one drawing.

    Args:
        drawing: Zones and lines.
        limits: When a vehicle stands.
        report_ms: How often a zone is told.
    """

    def __init__(self, drawing: Drawing, limits: StandingLimits, report_ms: int) -> None:
        self._zones, self._limits, self._report_ms = drawing.zones, limits, report_ms
        self._crossings = Crossings(drawing.lines)
        self._minutes: dict[str, tuple[Minute, ...]] = {}
        self._counts: dict[str, list[int]] = {}
        self._told: dict[str, tuple[int, bool]] = {}

    def observe(
        self, tracks: Sequence[Track], vehicles: Sequence[Stood], at: int, *, detected: bool
    ) -> list[Crowd]:
        """Take in what a look found; return what is due to be told.

        Args:
            tracks: People,
            vehicles: and vehicles.
            at: When the frame was taken.
            detected: The detector has looked, so that counts are new.
        """
        self._crossings.observe(tracks, at)
        if not detected:
            return []
        return [
            crowd for zone in self._zones if (crowd := self._told_of(zone, tracks, vehicles, at))
        ]

    def _told_of(
        self, zone: Zone, tracks: Sequence[Track], vehicles: Sequence[Stood], at: int
    ) -> Crowd | None:
        there = [one for one in tracks if one.confirmed and present(one)]
        inside = [one for one in there if holds(zone.outline, foot(one.box))]
        parked = [one for one in vehicles if one.missed <= 1 and within(one, zone.outline)]
        blocked = zone.keep_clear and any(
            stands(one, self._limits) and within(one, zone.outline) for one in vehicles
        )
        self._minutes[zone.name] = counted(self._minutes.get(zone.name, ()), len(inside), at)
        counts = self._counts.setdefault(zone.name, [])
        counts.append(len(inside))
        told_at, told_blocked = self._told.get(zone.name, (None, False))
        due = told_at is None or not 0 <= at - told_at < self._report_ms - _GRACE_MS
        if not due and blocked == told_blocked:
            return None
        self._told[zone.name] = (at, blocked)
        self._counts[zone.name] = []
        mean = sum(counts) / len(counts)
        into, out = self._crossings.per_min(zone.name, at)
        ahead = foretell(self._minutes[zone.name])
        return Crowd(
            at=at,
            zone=zone.name,
            people=len(inside),
            vehicles=len(parked),
            density=round(min(mean / zone.area_m2, _DENSITY_MAX), 3) if zone.area_m2 else 0.0,
            in_per_min=round(into, 1),
            out_per_min=round(out, 1),
            blocked=blocked,
            queue_len=sum(map(waits, inside)) if zone.queue else 0,
            congestion=round(min(mean / zone.full, 1.0), 3) if zone.full else 0.0,
            people_in_5_min=None if ahead is None else round(ahead, 1),
        )


def present(track: Track) -> bool:
    """Return whether somebody is still there: seen, or overlooked where she stood."""
    return track.missed == 0 or (track.missed <= OVERLOOKED_MAX and waits(track))


def waits(track: Track) -> bool:
    """Return whether somebody stands in line rather than walks past."""
    recent = [one for one in track.glimpses if one.at >= track.seen_at - WAITS_MS - _SLACK_MS]
    if track.seen_at - recent[0].at < WAITS_MS:
        return False
    (x, y), (then_x, then_y) = foot(track.box), foot(recent[0].box)
    return max(abs(x - then_x), abs(y - then_y)) <= WAITS_SHARE * size(track.box)[1]


_SLACK_MS = 3_000
"""Looks are seconds apart where nothing moves."""
_GRACE_MS = 100
