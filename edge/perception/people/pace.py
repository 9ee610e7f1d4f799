"""When a look is worth its cost: motion first, networks second, and twice as often when it matters.

nothing moves, nobody there -> the detector every `idle_ms`
something moves             -> the detector every `detect_ms`, and joints every `seek_ms`
somebody is followed        -> joints every `pose_ms`, and in every frame while she is new
somebody goes down          -> both, in every frame
"""

from typing import Annotated

import cv2
import numpy as np
from msgspec import Meta, Struct

from models.vision.base import Floats, Picture

Pause = Annotated[int, Meta(ge=0, le=600_000)]
WIDTH, HEIGHT = 64, 36
"""Of the small picture that is compared."""
STIR_MIN = 6.0
"""Change of one of its pixels, of 255, that is more than noise, as at the gate
(`edge/perception/gate/stillness.py`)."""
STIR_MS = 400
"""How far apart the compared pictures are: slow walkers move a pixel in it."""
STIRRED_MS = 1_500
"""So long after the last motion something still counts as moving."""
CUT_LEVELS, CUT_SHARE = 25.0, 0.6
"""So much change in so much of the picture at once is another view, or another light."""


class PaceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often is looked, in milliseconds between looks.

    Attributes:
        detect_ms: For persons and vehicles while something moves.
        idle_ms: Likewise while nothing does.
        pose_ms: For joints while somebody is followed and something moves.
        seek_ms: Likewise while nobody is: joints find some whom the detector overlooks.
    """

    detect_ms: Pause = 1_000
    idle_ms: Pause = 5_000
    pose_ms: Pause = 240
    seek_ms: Pause = 480


class Due(Struct, frozen=True):
    """Which networks look at a frame."""

    detect: bool
    pose: bool


class Stir:
    """Says whether something moves before a camera."""

    def __init__(self) -> None:
        self._anchor: Floats | None = None
        self._last: Floats | None = None
        self._anchor_at = 0
        self._moved_at = -STIRRED_MS
        self.cut = False

    def observe(self, picture: Picture, at: int) -> bool:
        """Take in a frame; return whether something moves. `cut` says whether the view is new."""
        small = _small(picture)
        self.cut = (
            self._last is not None
            and float((np.abs(small - self._last) >= CUT_LEVELS).mean()) >= CUT_SHARE
        )
        if (
            self._anchor is None
            or self.cut
            or float(np.abs(small - self._anchor).max()) >= STIR_MIN
        ):
            self._moved_at = at
        if self._anchor is None or not 0 <= at - self._anchor_at < STIR_MS:
            self._anchor, self._anchor_at = small, at
        self._last = small
        return 0 <= at - self._moved_at < STIRRED_MS


class Pace:
    """Says when to look.

    Args:
        settings: How often.
    """

    def __init__(self, settings: PaceSettings) -> None:
        self._settings = settings
        self._detected_at: int | None = None
        self._posed_at: int | None = None

    def due(self, at: int, *, moving: bool, followed: bool, fresh: bool, urgent: bool) -> Due:
        """Return what looks at a frame; it is then taken as having looked."""
        rest = self._settings.detect_ms if moving else self._settings.idle_ms
        detect = urgent or _over(self._detected_at, at, rest)
        wait = self._settings.pose_ms if followed else self._settings.seek_ms
        pose = urgent or (moving and (fresh or _over(self._posed_at, at, wait)))
        if detect:
            self._detected_at = at
        if pose:
            self._posed_at = at
        return Due(detect, pose)


def _over(since: int | None, at: int, rest_ms: int) -> bool:
    # A few milliseconds of grace, or a rest of three frames becomes one of four.
    return since is None or not 0 <= at - since < rest_ms - _GRACE_MS


_GRACE_MS = 20


def _small(picture: Picture) -> Floats:
    shrunk = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(shrunk, cv2.COLOR_BGR2GRAY).astype(np.float32)
