"""Who crosses a line, and which way: each way once, however often she turns on it.

A track is on a side once its foot is further from the line than a share of its height; the first
time it is on the other side it has crossed, if it did so between the line's ends.
"""

from collections import deque
from collections.abc import Sequence

from edge.perception.people.settings import Line
from edge.perception.people.shapes import along, foot, side, size
from edge.perception.people.tracks import Track

DEAD_SHARE = 0.05
"""Of somebody's height: so near to the line she is on neither side. Ours."""
BEYOND = 0.15
"""Of the line's length that a crossing may be beside it. Ours."""
MINUTE_MS = 60_000


class Crossings:
    """Counts the crossings of lines.

    Args:
        lines: As drawn.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._sides: dict[tuple[int, int], bool] = {}
        self._went: deque[tuple[int, str, bool]] = deque()
        self._began: int | None = None
        self.total: dict[tuple[str, bool], int] = {}
        """Crossings so far, by zone and whether it was in."""

    def observe(self, tracks: Sequence[Track], at: int) -> None:
        """Take in the tracks after a look."""
        self._began = at if self._began is None else self._began
        for track in tracks:
            if track.seen_at == at and track.confirmed:
                self._cross(track, at)
        known = {track.id for track in tracks}
        self._sides = {key: inside for key, inside in self._sides.items() if key[0] in known}
        while self._went and at - self._went[0][0] >= MINUTE_MS:
            self._went.popleft()

    def per_min(self, zone: str, at: int) -> tuple[float, float]:
        """Return how many went in and out of a zone per minute, over the last minute."""
        past_ms = min(max(at - (at if self._began is None else self._began), _LEAST_MS), MINUTE_MS)
        ways = [inward for _, name, inward in self._went if name == zone]
        scale = MINUTE_MS / past_ms
        return sum(ways) * scale, (len(ways) - sum(ways)) * scale

    def _cross(self, track: Track, at: int) -> None:
        where, dead = foot(track.box), DEAD_SHARE * size(track.box)[1]
        for number, line in enumerate(self._lines):
            away, beside = side(line.left, line.right, where), along(line.left, line.right, where)
            key = (track.id, number)
            if abs(away) <= dead:
                continue
            before, self._sides[key] = self._sides.get(key), away > 0
            crossed = before is not None and before != (away > 0)
            if crossed and -BEYOND <= beside <= 1 + BEYOND:
                # Whoever had the line's left end on her left before, and has passed, went in.
                inward = bool(before)
                self._went.append((at, line.zone, inward))
                self.total[line.zone, inward] = self.total.get((line.zone, inward), 0) + 1


_LEAST_MS = 10_000
"""Of a minute that has just begun: one crossing in the first second is not sixty a minute."""
