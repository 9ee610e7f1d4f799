"""What moved in a frame: the same place differed two frames before and two frames after.

The smaller of the two differences is left: it shows a thing where it is, and not where it was. A
change of light that all of the facade shares is taken out before. What a place usually shows
(noise, an edge on a mount that shakes, leaves) is learnt as its root mean square, and only what
stands out from it counts.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Array, CalibrationError, Facade, Image
from edge.perception.highrise.light import Light, relit
from edge.perception.highrise.stabilise import Stabiliser

APART = 2
"""Frames between the compared ones."""
WIDTH_PX_MAX = 1_920
"""Wider frames are halved: 4K shows nothing that a fall needs, and costs four times as much."""
CLIP = 15
"""A thing that passes counts for no more than this in what is usual for its place. Its square is a
grey level, too."""
LEARNS = 0.04
USUAL_TIMES = 4.2
"""Times the usual difference of a place before it counts as motion: one in 40,000 of normal noise.
Ours, `shared/research/vision.md` section 4."""
LEAST = 3.0
"""Grey levels of the smoothed difference that count at all: below it is rounding."""
SHARE_MAX = 0.04
"""Of the facade: more at once is light, not things."""
BLOBS_MAX = 400
AREA_PX_MIN = 3
CELL_PX = 4
"""Of the occupancy grid."""
DUPLICATE = 2
"""Grey levels by which no place of a frame differs from the one before, if it is that one again."""
_RECKONS_EVERY = 5
_MARGIN_M = 1.5


@dataclass(frozen=True)
class Moved:
    """What moved in one frame.

    Attributes:
        at_s: When it was taken.
        px: (N, 2) centres in pixels of the whole frame.
        m: (N, 2) the same in metres on the facade.
        size_px: (N,) square root of the box's area.
        box: (N, 2) width and height in pixels.
        tone: (N,) grey levels it is lighter (or darker) than what is behind it.
        taken: (H / 4, W / 4) True where something moved, or beside it.
        share: Of the facade that moved.
    """

    at_s: float
    px: Array
    m: Array
    size_px: Array
    box: Array
    tone: Array
    taken: NDArray[np.bool_]
    share: float


class Motion:
    """Finds what moves within a facade's outline, in frames of one size.

    Args:
        facade: Where to look; in pixels of the frames as they come.
        size: Width and height of the frames.
    """

    def __init__(self, facade: Facade, size: tuple[int, int]) -> None:
        self._facade, self.size = facade, size
        self._halved = size[0] > WIDTH_PX_MAX
        scale = 2 if self._halved else 1
        middle = facade.outline.mean(0, keepdims=True)
        margin = int(np.clip(_MARGIN_M * facade.px_per_m(facade.metres(middle))[0], 4, 60))
        mask = facade.mask(size, margin)
        filled = np.argwhere(mask > 0)
        if len(filled) == 0:
            raise CalibrationError("the facade's outline is outside the frame")
        (top, left), (bottom, right) = filled.min(0), filled.max(0) + 1
        left, top = left - left % scale, top - top % scale
        self._part = (slice(int(top), int(bottom)), slice(int(left), int(right)))
        part = mask[self._part]
        self._corner, self._scale = np.array([left, top], np.float64), scale
        self._inside = part if scale == 1 else part[::scale, ::scale]
        self._inside = np.ascontiguousarray(self._inside)
        self._room = max(int((self._inside > 0).sum()), 1)
        self._still = Stabiliser(self._inside)
        self._light = Light(self._inside)
        self._greys: deque[tuple[float, Image, float]] = deque(maxlen=2 * APART + 1)
        self._usual: NDArray[np.float32] | None = None
        self._bar: Image | None = None
        self._count = 0

    @property
    def scale(self) -> int:
        """Pixels of a whole frame in one that is looked at."""
        return self._scale

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of `Moved.taken`."""
        tall, wide = self._inside.shape
        return (-(-tall // CELL_PX), -(-wide // CELL_PX))

    def cells(self, pixels: Array) -> NDArray[np.intp]:
        """Return (N, 2) column and row in `Moved.taken` of pixels; may lie outside the grid."""
        inside = (pixels - self._corner) / (self._scale * CELL_PX)
        return np.floor(inside).astype(np.intp)

    def find(self, frame: Image, at_s: float) -> Moved | None:
        """Return what moved two frames ago; None at first, and for a frame that says nothing new.

        Args:
            frame: (H, W, 3) BGR.
            at_s: When it was taken.
        """
        grey = self._prepared(frame)
        if self._greys and self._repeats(grey):
            return None
        self._greys.append((at_s, grey, self._light.level(grey)))
        if len(self._greys) < 2 * APART + 1:
            return None
        then_s, middle, light = self._greys[APART]
        before, after = (relit(self._greys[i][1], light / self._greys[i][2]) for i in (0, -1))
        moved = np.asarray(
            cv2.min(cv2.absdiff(middle, before), cv2.absdiff(middle, after)), np.uint8
        )
        moved = np.asarray(cv2.bitwise_and(moved, self._inside), np.uint8)
        bar = self._learn(moved)
        mask = np.asarray(cv2.compare(moved, bar, cv2.CMP_GT), np.uint8)
        share = cv2.countNonZero(mask) / self._room
        if share > SHARE_MAX:
            mask[:] = 0
        return self._blobs(mask, (before, middle, after), then_s, share)

    def _prepared(self, frame: Image) -> Image:
        part = frame[self._part]
        grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8)
        if self._halved:
            wanted = (self._inside.shape[1], self._inside.shape[0])
            grey = np.asarray(cv2.resize(grey, wanted, interpolation=cv2.INTER_AREA), np.uint8)
        return self._still.hold(np.asarray(cv2.blur(grey, (3, 3)), np.uint8))

    def _repeats(self, grey: Image) -> bool:
        return cv2.norm(grey, self._greys[-1][1], cv2.NORM_INF) <= DUPLICATE

    def _learn(self, moved: Image) -> Image:
        """Return the bar of each place, and learn what is usual there."""
        if self._usual is None:
            self._usual = _squared(moved).astype(np.float32) + 1
        elif self._count < _LEARNS_ALL or self._count % 2 == 0:
            rate = max(LEARNS, 1 / (self._count + 1))
            cv2.accumulateWeighted(_squared(moved), self._usual, rate)
        if self._bar is None or self._count % _RECKONS_EVERY == 0:
            around = cv2.blur(self._usual, (7, 7))
            usual = cv2.sqrt(cv2.max(around, self._usual * 0.5))
            self._bar = np.asarray(
                cv2.convertScaleAbs(np.maximum(usual * USUAL_TIMES, LEAST)), np.uint8
            )
        self._count += 1
        return self._bar

    def _blobs(
        self, mask: Image, greys: tuple[Image, Image, Image], at_s: float, share: float
    ) -> Moved:
        joined = cv2.dilate(mask, _JOIN)
        outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        boxes = np.array([cv2.boundingRect(one) for one in outlines], np.float64).reshape(-1, 4)
        boxes[:, 2:] -= 2  # what joining added
        boxes[:, :2] += 1
        boxes = boxes[boxes[:, 2] * boxes[:, 3] >= AREA_PX_MIN]
        if len(boxes) > BLOBS_MAX:  # keep the largest: the smallest are noise and far rain
            keep = np.argsort(boxes[:, 2] * boxes[:, 3])[-BLOBS_MAX:]
            boxes = boxes[np.sort(keep)]
        centres = boxes[:, :2] + (boxes[:, 2:] - 1) / 2
        u, v = np.rint(centres).astype(np.intp).T
        tall, wide = mask.shape
        u, v = np.clip(u, 0, wide - 1), np.clip(v, 0, tall - 1)
        before, now, after = (grey[v, u].astype(np.float64) for grey in greys)
        pixels = centres * self._scale + self._corner + (self._scale - 1) / 2
        taken = np.zeros(self.grid, np.uint8)
        cells = (boxes / CELL_PX).astype(np.intp)
        ends = ((boxes[:, :2] + boxes[:, 2:]) / CELL_PX).astype(np.intp)
        for (c0, r0), (c1, r1) in zip(cells[:, :2].tolist(), ends.tolist(), strict=True):
            taken[max(r0 - 1, 0) : r1 + 2, max(c0 - 1, 0) : c1 + 2] = 1
        return Moved(
            at_s=at_s,
            px=pixels,
            m=self._facade.metres(pixels),
            size_px=np.sqrt(boxes[:, 2] * boxes[:, 3]) * self._scale,
            box=boxes[:, 2:] * self._scale,
            tone=now - (before + after) / 2,
            taken=taken.astype(bool),
            share=share,
        )


def _squared(moved: Image) -> Image:
    _, clipped = cv2.threshold(moved, CLIP, 255, cv2.THRESH_TRUNC)
    return np.asarray(cv2.multiply(clipped, clipped), np.uint8)


_JOIN = np.ones((3, 3), np.uint8)
_LEARNS_ALL = 50
