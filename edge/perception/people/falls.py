"""Falls before one camera: who went down is looked at twice, told once, and watched while she lies.

went down (geometry) -> second look agrees -> `fall`
                                           -> still there, and still, after `LYING_MS` -> `immobile`
second look disagrees `TRIES_MAX` times    -> nothing
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from edge.perception.people.fall import FallLimits, down, fell, upright
from edge.perception.people.look import SECOND_MIN, around, whole
from edge.perception.people.shapes import Box, middle, size
from edge.perception.people.tracks import Track, Tracks
from models.vision.base import Floats, Picture
from weinao.messages import Motion, MotionEvent

SURE = 0.5
"""A second look like that of somebody who stands."""
CONFIDENCE_MIN, CONFIDENCE_MAX = 0.8, 0.95
"""What is told has been confirmed: from 0.8 on the brain believes a fall at once (`[fall] sure_min`
in configs/rules.toml)."""
TRIES_MAX = 8
TRY_MS = 250
LYING_MS = 30_000
STILL_S_MIN = 10.0
"""As for wearables (`edge/perception/fall.py`)."""
WATCH_MS = 2_000
"""How often somebody who lies is looked at."""
STILL_LEVELS = 3.0
"""Mean change of a crop of 32 x 32, of 255, that still counts as still. Ours: noise gives 1."""
AGAIN_MS = 60_000
"""For so long another fall in the same place is the same one."""
_SMALL = 32
_LOST_MAX = 3


@dataclass
class _Tried:
    """What the second looks at one track gave."""

    at: int = 0
    count: int = 0


@dataclass
class _Lying:
    """Somebody who fell.

    Attributes:
        watched_at: The last look at her.
        still_since: Since when she has not moved.
        lost: Looks in a row in which nobody was seen there.
        over: Nothing more is to be told.
    """

    track: int
    box: Box
    fell_at: int
    confidence: float
    watched_at: int
    still_since: int
    seen: Floats
    lost: int = 0
    over: bool = False


@dataclass
class Falls:
    """Takes in tracks and frames, look by look.

    Args:
        limits: What a fall must show.
        look: The second look: how surely somebody lies in a box of a picture, 0 to 1.
    """

    limits: FallLimits
    look: Callable[[Picture, Box], float]
    _tried: dict[int, _Tried] = field(default_factory=dict)
    _lying: list[_Lying] = field(default_factory=list)

    def urgent(self, tracks: Tracks, at: int) -> bool:
        """Return whether somebody may be falling just now, so that every frame counts."""
        return any(self.going_down(one, at) for one in tracks.following)

    def going_down(self, track: Track, at: int) -> bool:
        """Return whether somebody was upright a moment ago, and no longer is."""
        if at - track.seen_at > _URGENT_MS:
            return False
        up = [one for one in track.glimpses if upright(one, self.limits)]
        if len(up) < 2 or at - up[-1].at > _URGENT_MS:  # noqa: PLR2004  # as `down` asks
            return False
        tallest = max(size(one.box)[1] for one in up[-5:])
        newest = track.glimpses[-1]
        return not upright(newest, self.limits) or size(newest.box)[1] < _SHRUNK * tallest

    def observe(self, tracks: Tracks, picture: Picture, at: int) -> list[Motion]:
        """Take in the tracks after a frame; return what has become known."""
        said = []
        for track in tracks.following:
            found = down(track.glimpses, self.limits)
            if track.seen_at != at or found is None or not fell(found, self.limits):
                continue
            score = self._second(track, found.high, picture, at)
            if score >= SECOND_MIN:
                said.append(self._fell(track, found.at, score, picture, at))
        known = {one.id for one in tracks.following}
        self._tried = {number: tried for number, tried in self._tried.items() if number in known}
        return said + self._watched(tracks, picture, at)

    def forget(self) -> None:
        """Begin anew: the view is another one."""
        self._tried, self._lying = {}, []

    def _second(self, track: Track, high: float, picture: Picture, at: int) -> float:
        """Look again, now and then, at somebody who is not lying there already."""
        tried = self._tried.setdefault(track.id, _Tried())
        again = any(_near(one.box, track.box) for one in self._lying)
        if again or tried.count >= TRIES_MAX or at - tried.at < TRY_MS:
            return 0.0
        tried.count, tried.at = tried.count + 1, at
        return self.look(picture, whole(track.box, high))

    def _fell(self, track: Track, fell_at: int, score: float, picture: Picture, at: int) -> Motion:
        share = min(max((score - SECOND_MIN) / (SURE - SECOND_MIN), 0.0), 1.0)
        confidence = round(CONFIDENCE_MIN + share * (CONFIDENCE_MAX - CONFIDENCE_MIN), 3)
        self._lying.append(
            _Lying(
                track=track.id, box=track.box, fell_at=fell_at, confidence=confidence,
                watched_at=at, still_since=at, seen=_small(picture, track.box),
            )
        )  # fmt: skip
        return Motion(
            at=fell_at,
            event=MotionEvent.FALL,
            confidence=confidence,
            still_s=max(at - fell_at, 0) / 1_000,
            posture="lying",
        )

    def _watched(self, tracks: Tracks, picture: Picture, at: int) -> list[Motion]:
        self._lying = [one for one in self._lying if 0 <= at - one.fell_at <= AGAIN_MS]
        said = []
        for one in self._lying:
            if one.over or at - one.watched_at < WATCH_MS:
                continue
            one.watched_at = at
            small = _small(picture, one.box)
            if float(np.abs(small - one.seen).mean()) > STILL_LEVELS:
                one.still_since = at
            one.seen = small
            own = next((track for track in tracks.following if track.id == one.track), None)
            up = own is not None and upright(own.glimpses[-1], self.limits)
            there = not up and self.look(picture, one.box) >= SECOND_MIN
            one.lost = 0 if there else one.lost + 1
            still_s = (at - one.still_since) / 1_000
            if one.lost >= _LOST_MAX:
                one.over = True
            elif there and at - one.fell_at >= LYING_MS and still_s >= STILL_S_MIN:
                one.over = True
                said.append(_immobile(one, at, still_s))
        return said


def _immobile(one: _Lying, at: int, still_s: float) -> Motion:
    return Motion(
        at=at,
        event=MotionEvent.IMMOBILE,
        confidence=one.confidence,
        still_s=still_s,
        posture="lying",
    )


def _near(one: Box, other: Box) -> bool:
    (x, y), (own_x, own_y) = middle(one), middle(other)
    return max(abs(x - own_x), abs(y - own_y)) <= max(*size(one), *size(other))


def _small(picture: Picture, box: Box) -> Floats:
    shrunk = cv2.resize(around(picture, box), (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(shrunk, cv2.COLOR_BGR2GRAY).astype(np.float32)


_URGENT_MS = 2_500
_SHRUNK = 0.8
