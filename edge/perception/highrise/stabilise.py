"""Hold the picture still while the camera's mount moves.

Places with a steep gradient are chosen all over the facade. By how far the picture moved, turned
and grew since a reference is what explains their change of brightness best; a change of light is
part of the explanation, and what moves by itself is outvoted. Only while there is movement is the
frame shifted, because shifting costs more than all the rest.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Array, Image
from edge.perception.highrise.robust import middle, weights

PATCH_PX = 192
CALM_PX = 0.2
"""Below it, edges do not show in the difference of frames. Ours."""
LOOK_EVERY = 5
RESTLESS_FRAMES = 250
"""How long after the last movement frames are still shifted."""
SHIFT_PX_MAX = 25.0
"""Further, it is another view: take it as the new reference."""
REFRESH_FRAMES = 1_500
"""Light and shadows wander: so often what is held becomes the reference."""
CELL_PX, POINTS_MAX = 40, 4_000
"""From each cell of the picture equally many places, so that no tree can outvote the rest."""
STEEP = 4.0
"""Grey levels a pixel that a place must change by at least."""
POINTS_MIN = 300
"""Fewer places say nothing (night, fog)."""
ROUNDS = 2
EXPLAINS_MIN = 0.1
"""A movement must explain this share of the change, or it is none. Ours."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Reference:
    """What the picture looked like at rest.

    Attributes:
        patches: For the first, rough look.
        at: (N, 2) places, in pixels right and down.
        tone: (N,) their brightness.
        slopes: (N, 6) how it changes with a movement right, down, a turn, a growth, a gain and an
            offset of the light.
    """

    patches: list[Floats]
    at: Array
    tone: Array
    slopes: Array


class Stabiliser:
    """Follows the mount's movement in grey frames of one size.

    Args:
        inside: (H, W) above 0 where the facade is; all of the picture by default.
    """

    def __init__(self, inside: Image | None = None) -> None:
        self._inside = inside
        self._reference: _Reference | None = None
        self._fade: Floats | None = None
        self._count = 0
        self._restless = 0
        self._rests = np.zeros(2)
        self._move: Array = np.zeros(4)

    @property
    def shift_px(self) -> Array:
        """By how much the newest frame was moved back, right and down, in its middle."""
        return self._move[:2]

    def hold(self, grey: Image) -> Image:
        """Return a frame as the mount at rest would have seen it."""
        self._count += 1
        due = self._count % REFRESH_FRAMES == 0
        if self._reference is None or (due and not self._restless):
            self._refer(grey)
            return grey
        if not self._restless and self._count % LOOK_EVERY:
            return grey
        self._move = self._moved(grey, self._reference)
        if np.hypot(*(self.shift_px - self._rests)) > CALM_PX:
            self._restless, self._rests = RESTLESS_FRAMES, self.shift_px
        elif self._restless:
            self._restless -= 1
            if not self._restless:  # it came to rest, perhaps somewhere else
                self._refer(grey)
        if not self._restless:
            return grey
        held = self._back(grey)
        if due:
            self._refer(held)
        return held

    def _back(self, grey: Image) -> Image:
        right, down, turn, growth = self._move
        tall, wide = grey.shape
        u, v, size = (wide - 1) / 2, (tall - 1) / 2, 1 + growth
        move = np.array(
            [
                [size, -turn, right + turn * v - growth * u],
                [turn, size, down - turn * u - growth * v],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        back = cv2.warpAffine(
            grey, move, (wide, tall), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(back, np.uint8)

    def _refer(self, grey: Image) -> None:
        patches = _patches(grey)
        tall, wide = patches[0].shape
        self._fade = np.asarray(cv2.createHanningWindow((wide, tall), cv2.CV_32F), np.float32)
        at, slopes = _steep(grey, self._inside)
        tone = grey[at[:, 1].astype(np.intp), at[:, 0].astype(np.intp)].astype(np.float64)
        slopes = np.column_stack([slopes, tone, np.ones_like(tone)])
        self._reference = _Reference(patches, at, tone, slopes)
        self._move, self._rests = np.zeros(4), np.zeros(2)

    def _moved(self, grey: Image, reference: _Reference) -> Array:
        """Return how far the picture moved, turned and grew; zero where nothing can be said."""
        if len(reference.at) < POINTS_MIN:
            return np.zeros(4)
        shifts = []
        for before, now in zip(reference.patches, _patches(grey), strict=True):
            # It writes the window into what it is given: the reference must not fade away.
            shift, _ = cv2.phaseCorrelate(before.copy(), now, self._fade)
            shifts.append(np.array([*shift, 0.0, 0.0]))
        far = np.median(np.hypot(*np.array(shifts)[:, :2].T))
        if far > SHIFT_PX_MAX:
            self._refer(grey)
            return np.zeros(4)
        guesses = np.array([np.zeros(4), self._move, *shifts, _similar(shifts, grey.shape[0])])
        unlike = self._unlike(grey, reference, guesses)
        begin = found = guesses[int(np.argmin(unlike))]
        for _ in range(ROUNDS):
            found = found + self._step(grey, reference, found)
        if np.hypot(*(found - begin)[:2]) > _STRAYS_PX:
            found = begin
        least = self._unlike(grey, reference, found[None])[0]
        return found if least < unlike[0] * (1 - EXPLAINS_MIN) else np.zeros(4)

    def _change(self, grey: Image, reference: _Reference, moves: Array, every: int = 1) -> Array:
        """Return (M, N) how much brighter places are where each of (M, 4) movements brought them.

        Args:
            grey: (H, W).
            reference: At rest.
            moves: Right, down, turn and growth.
            every: Of all places, one in so many.
        """
        right, down, turn, growth = moves.T[:, :, None]
        tall, wide = grey.shape
        at = reference.at[::every]
        off_u, off_v = at[:, 0] - (wide - 1) / 2, at[:, 1] - (tall - 1) / 2
        u = at[:, 0] + right - turn * off_v + growth * off_u
        v = at[:, 1] + down + turn * off_u + growth * off_v
        return np.asarray(_sampled(grey, u, v) - reference.tone[::every])

    def _unlike(self, grey: Image, reference: _Reference, moves: Array) -> Array:
        """Return (M,) by how much places differ from the reference, whatever the light does."""
        change = self._change(grey, reference, moves, every=_SOME)
        light = reference.slopes[::_SOME, -2:]
        counts = weights(change - middle(change))
        off = change - _explained(light, change, counts) @ light.T
        return np.asarray(np.minimum(np.abs(off), _OUTVOTED).mean(axis=1))

    def _step(self, grey: Image, reference: _Reference, move: Array) -> Array:
        change = self._change(grey, reference, move[None])
        counts = weights(change - middle(change))
        return -_explained(reference.slopes, change, counts)[0, :4]


_STRAYS_PX = 1.5
"""Further from its guess, a refined movement is none."""
_SOME = 4
"""One in so many places is enough to compare guesses."""
_OUTVOTED = 24.0
"""Grey levels; more is something else that came into view."""


def _explained(causes: Array, change: Array, counts: Array) -> Array:
    """Return (M, K) how much of each of (N, K) causes explains each of (M, N) changes best."""
    normal = (causes.T * counts[:, None]) @ causes
    diagonal = np.arange(normal.shape[-1])
    normal[:, diagonal, diagonal] *= 1 + 1e-6
    wanted = (counts * change) @ causes
    return np.asarray(np.linalg.solve(normal, wanted[..., None]))[..., 0]


def _similar(shifts: list[Array], tall: int) -> Array:
    """Return the movement, turn and growth that shifted the two patches as they did."""
    upper, lower = shifts
    right, down = (lower - upper)[:2] / (tall / 2)
    return np.array([*((upper + lower) / 2)[:2], -right, down])


def _patches(grey: Image) -> list[Floats]:
    """Return two patches, a quarter and three quarters down."""
    tall, wide = grey.shape
    high, broad = min(PATCH_PX, tall // 2), min(PATCH_PX, wide)
    u = (wide - broad) // 2
    return [
        grey[v : v + high, u : u + broad].astype(np.float32)
        for v in (tall // 4 - high // 2, 3 * tall // 4 - high // 2)
    ]


def _steep(grey: Image, inside: Image | None) -> tuple[Array, Array]:
    """Return (N, 2) places, and (N, 4) how their brightness changes when the picture moves."""
    across = cv2.Scharr(grey, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(grey, cv2.CV_32F, 0, 1, scale=1 / 32)
    steep = cv2.magnitude(across, down)
    steep[:2], steep[-2:], steep[:, :2], steep[:, -2:] = 0, 0, 0, 0
    if inside is not None:
        steep[inside == 0] = 0
    cells = -(-grey.shape[0] // CELL_PX) * -(-grey.shape[1] // CELL_PX)
    share = max(POINTS_MAX // cells, 1)
    chosen = []
    for top in range(0, grey.shape[0], CELL_PX):
        for left in range(0, grey.shape[1], CELL_PX):
            cell = steep[top : top + CELL_PX, left : left + CELL_PX]
            count = min(share, cell.size)
            flat = np.argpartition(cell, cell.size - count, axis=None)[-count:]
            v, u = np.unravel_index(flat, cell.shape)
            good = cell[v, u] > STEEP
            chosen.append(np.column_stack([u[good] + left, v[good] + top]))
    at = np.concatenate(chosen).astype(np.float64)
    u, v = at.astype(np.intp).T
    middle = (np.array(grey.shape[::-1]) - 1) / 2
    off = at - middle
    right, below = across[v, u].astype(np.float64), down[v, u].astype(np.float64)
    turned = below * off[:, 0] - right * off[:, 1]
    grown = right * off[:, 0] + below * off[:, 1]
    return at, np.column_stack([right, below, turned, grown])


def _sampled(grey: Image, u: Array, v: Array) -> Array:
    """Return brightness between pixels."""
    tall, wide = grey.shape
    u, v = np.clip(u, 0, wide - 1.001), np.clip(v, 0, tall - 1.001)
    left, top = u.astype(np.intp), v.astype(np.intp)
    across, down = u - left, v - top
    flat = grey.ravel()
    at = top * wide + left
    upper = flat[at] * (1 - across) + flat[at + 1] * across
    lower = flat[at + wide] * (1 - across) + flat[at + wide + 1] * across
    return np.asarray(upper * (1 - down) + lower * down)
