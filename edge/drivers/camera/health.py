"""What ails a camera: black, frozen, blurred, obstructed or moved, from its own small pictures.

    fine --(a sign that holds for its patience)--> troubled --(the sign is gone)--> fine

What is usual is learnt while the camera is well: how sharp it sees, and what it sees. A camera that
was turned is trouble for `settle_s`; then what it sees now becomes what is usual.
"""

from collections.abc import Sequence
from enum import StrEnum

import cv2
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from models.vision.base import Picture

WIDTH, HEIGHT = 160, 90
"""Of the small picture that is looked at."""
EVERY_MS = 500
"""How often a picture is looked at; others cost nothing."""
_CELLS = 9, 16
_LEARN = 0.05
"""Share of the newest picture in what is usual: half a minute's memory at two pictures a second."""

Small = NDArray[np.float32]


class Trouble(StrEnum):
    """What a camera can have; the first five are seen, the others come from its stream."""

    BLACK = "black"
    FROZEN = "frozen"
    OBSTRUCTED = "obstructed"
    BLURRED = "blurred"
    MOVED = "moved"
    NO_SIGNAL = "no_signal"
    UNREADABLE = "unreadable"
    SLOW = "slow"


class HealthState(Struct, frozen=True):
    """What is remembered of one camera.

    Attributes:
        at: The last picture looked at.
        last: It.
        edges: What is usually seen: the strength of its edges.
        sharp: How sharp that is.
        flat: How much of it shows nothing.
        seen: How many pictures were looked at while it was well.
        since: Signs that hold, and since when.
        standing: Troubles that were said to have begun.
    """

    at: int = -(10**12)
    last: Small | None = None
    edges: Small | None = None
    sharp: float = 0.0
    flat: float = 0.0
    seen: int = 0
    since: dict[Trouble, int] = {}
    standing: frozenset[Trouble] = frozenset()


class Health(Struct, frozen=True, kw_only=True):
    """Tells what ails a camera. Thresholds are ours, tried on `tests/edge/test_camera_health.py`.

    Args:
        black_max: Mean of a picture in which nothing can be seen, of 255; a capped lens gives 0-8.
        noise_min: Difference to the last picture that a living sensor shows at least; a decoder
            that repeats its last frame shows none.
        flat_max: Spread within a sixteenth by ninth of the picture that shows nothing.
        flat_share: So much of the picture showing nothing is a hand, a sheet or paint,
        flat_more: if it is so much more than usual: some walls show nothing.
        sharp_share: Of the usual sharpness; below it the lens is fogged or out of focus.
        alike_min: Correlation of edges with what is usual; below it the camera looks elsewhere.
        warm_up: Pictures before anything is compared with what is usual.
        settle_s: After so long, where a moved camera looks becomes usual.
    """

    black_max: float = 12.0
    noise_min: float = 1e-3
    flat_max: float = 4.0
    flat_share: float = 0.85
    flat_more: float = 0.2
    sharp_share: float = 0.35
    alike_min: float = 0.35
    warm_up: int = 20
    settle_s: float = 120.0
    black_s: float = 3.0
    frozen_s: float = 10.0
    obstructed_s: float = 5.0
    blurred_s: float = 10.0
    moved_s: float = 10.0

    def observe(
        self, state: HealthState, picture: Picture, at: int
    ) -> tuple[HealthState, Sequence[tuple[Trouble, bool]]]:
        """Look at a picture; return what began (True) and what is over (False)."""
        if at - state.at < EVERY_MS:
            return state, ()
        small = _small(picture)
        edges, sharp, flat = _edges(small), _sharp(small), self._flat(small)
        signs = self._signs(state, small, edges, sharp, flat)
        since = {sign: state.since.get(sign, at) for sign in signs}
        standing = frozenset(
            sign for sign, began in since.items() if at - began >= self._patience_ms(sign)
        )
        if Trouble.MOVED in standing and at - since[Trouble.MOVED] >= self.settle_s * 1_000:
            state, since = replace(state, edges=None, seen=0), {}
            standing = frozenset()
        changes = [(sign, True) for sign in Trouble if sign in standing - state.standing]
        changes += [(sign, False) for sign in Trouble if sign in state.standing - standing]
        state = replace(state, at=at, last=small, since=since, standing=standing)
        return (state if signs and since else _learnt(state, edges, sharp, flat)), changes

    def _signs(
        self, state: HealthState, small: Small, edges: Small, sharp: float, flat: float
    ) -> Sequence[Trouble]:
        found = []
        if state.last is not None and float(np.abs(small - state.last).mean()) < self.noise_min:
            found.append(Trouble.FROZEN)
        if float(small.mean()) <= self.black_max and float(small.std()) <= self.black_max:
            return [*found, Trouble.BLACK]
        if state.edges is None or state.seen < self.warm_up:
            return found
        if flat >= max(self.flat_share, state.flat + self.flat_more):
            return [*found, Trouble.OBSTRUCTED]
        if sharp < self.sharp_share * state.sharp:
            return [*found, Trouble.BLURRED]
        if _alike(edges, state.edges) < self.alike_min:
            return [*found, Trouble.MOVED]
        return found

    def _flat(self, small: Small) -> float:
        rows, columns = _CELLS
        cells = small.reshape(rows, HEIGHT // rows, columns, WIDTH // columns)
        return float((cells.std(axis=(1, 3)) <= self.flat_max).mean())

    def _patience_ms(self, trouble: Trouble) -> float:
        return 1_000 * {
            Trouble.BLACK: self.black_s,
            Trouble.FROZEN: self.frozen_s,
            Trouble.OBSTRUCTED: self.obstructed_s,
            Trouble.BLURRED: self.blurred_s,
            Trouble.MOVED: self.moved_s,
        }.get(trouble, 0.0)


def _learnt(state: HealthState, edges: Small, sharp: float, flat: float) -> HealthState:
    if state.edges is None:
        return replace(state, edges=edges, sharp=sharp, flat=flat, seen=1)
    share = max(_LEARN, 1 / (state.seen + 1))
    return replace(
        state,
        edges=state.edges + share * (edges - state.edges),
        sharp=state.sharp + share * (sharp - state.sharp),
        flat=state.flat + share * (flat - state.flat),
        seen=state.seen + 1,
    )


def _small(picture: Picture) -> Small:
    shrunk = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(shrunk, cv2.COLOR_BGR2GRAY) if shrunk.ndim == 3 else shrunk  # noqa: PLR2004  # colours
    return grey.astype(np.float32)


def _edges(small: Small) -> Small:
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.GaussianBlur(np.hypot(across, down), (5, 5), 0), np.float32)


def _sharp(small: Small) -> float:
    """Return how sharp a picture is, whatever its contrast."""
    contrast = float(small.var())
    return float(cv2.Laplacian(small, cv2.CV_32F).var()) / (contrast + 25.0)


def _alike(one: Small, other: Small) -> float:
    """Return the correlation of two pictures, from -1 to 1; 0 where one is even."""
    first, second = one - one.mean(), other - other.mean()
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float((first * second).sum()) / size if size > 0 else 0.0
