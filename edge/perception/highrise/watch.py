"""The way in: frames of one camera go in, falls come out, each once.

Holds a little over two seconds of what moved. A reflection in the glazing, or a second part of the
same throw, is the same event.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from edge.perception.highrise.doubt import Doubt
from edge.perception.highrise.facade import Array, Facade, Image
from edge.perception.highrise.gate import SHIPPED, Limits, refused
from edge.perception.highrise.motion import Motion, Moved
from edge.perception.highrise.relink import Track, continued, goes_on, relinked
from edge.perception.highrise.tracklets import seeds
from edge.perception.highrise.weather import Weather
from edge.perception.highrise.window import Window
from models.highrise import G_MS2, FallJudge, Sightings

WARM_UP_S = 2.0
"""Until then nobody knows what is usual: wind in trees makes dozens of short parabolas."""
NEW_S = 1.0
"""A track that began earlier than this after the first frame belongs to that first unrest."""
EVERY = 2
"""Frames between two searches."""
GROWS_M = 1.0
"""How near the end of a fall a longer track must pass to be the same thing, and not its mirror."""
SAME_S = 4.0
SAME_M = 6.0
"""Falls this close in time and across are one: an object, its reflection, its fragments. Later, it
is only what goes on where the first was going: a hundred metres take six seconds."""


@dataclass(frozen=True)
class Fall:
    """Something fell.

    Attributes:
        release_s: When it was let go, extrapolated to rest.
        decided_s: The frame after which it was known.
        start_m: (x, y) of its release: metres right of the facade's edge, metres down (negative).
        start_px: (u, v) of the same.
        floor: Counted from 1 at the ground; a guess where the scale is unknown.
        column: Of flats, counted from 1.
        confidence: 0 to 1.
        track: What was seen up to the decision.
    """

    release_s: float
    decided_s: float
    start_m: tuple[float, float]
    start_px: tuple[float, float]
    floor: int
    column: int
    confidence: float
    track: Track


class HighriseWatch:
    """Watches one facade through one camera.

    Args:
        facade: Calibrated for frames of `size`.
        size: Width and height of the frames.
        judge: Weighs what the limits let through.
        limits: What a fall must show.
    """

    def __init__(
        self,
        facade: Facade,
        size: tuple[int, int],
        *,
        judge: FallJudge | None = None,
        limits: Limits = SHIPPED,
    ) -> None:
        self._facade, self._limits = facade, limits
        self._judge = judge or FallJudge.shipped()
        self._motion = Motion(facade, size)
        self._window = Window(facade, self._motion)
        self.height_m = float(np.ptp(facade.metres(facade.outline)[:, 1]))
        self._began_s: float | None = None
        self._count = 0
        self._known: deque[Fall] = deque(maxlen=32)
        self._doubt = Doubt()
        self._weather = Weather()
        self.refused: dict[str, int] = {}
        """How often each limit spoke, for metrics."""

    @property
    def wet(self) -> bool:
        """Whether so much moves that it must be rain or snow."""
        return self._weather.blobs > self._limits.wet_blobs

    @property
    def _least(self) -> float:
        return self._limits.score_min_wet if self.wet else self._limits.score_min

    def observe(self, frame: Image, at_s: float) -> list[Fall]:
        """Take in a frame; return what is known by it to have fallen.

        Args:
            frame: (H, W, 3) BGR of the size promised.
            at_s: When it was taken, in seconds; never earlier than the frame before.
        """
        passed = [(track, self._score(track)) for track in self.passing(frame, at_s)]
        bar = self._limits.score_sure_wet if self.wet else self._limits.score_sure
        sure = [(track, score) for track, score in passed if score >= bar]
        sure += self._doubt.settled(self._window)
        found: list[Fall] = []
        for track, score in sure:
            fall = self._fall(track, at_s, score)
            if not any(self._same(fall, known) for known in self._known):
                found.append(fall)
                self._known.append(fall)
        for track, score in passed:
            if score >= self._least:
                self._doubt.add(track, score)
                self._grow(track)
        return found

    def grown(self, fall: Fall) -> Fall:
        """Return a fall with what was seen of it since."""
        return next((known for known in self._known if known.release_s == fall.release_s), fall)

    def passing(self, frame: Image, at_s: float) -> list[Track]:
        """Take in a frame; return the tracks that end in it and break no limit, unjudged."""
        if self._began_s is None:
            self._began_s = at_s
        moved = self._motion.find(frame, at_s)
        if moved is None:
            return []
        self._push(moved)
        self._count += 1
        if moved.at_s - self._began_s < WARM_UP_S or self._count % EVERY or len(moved.px) == 0:
            return []
        return [track for track in self.candidates() if self._allowed(track)]

    def candidates(self) -> list[Track]:
        """Return what may be falling in the newest frame, whatever the limits say."""
        seen, taken = self._window.gathered(), self._window.taken()
        tracks = []
        for seed in seeds(self._window, seen, taken):
            track = relinked(seed, self._window, seen, taken)
            if track is not None:
                tracks.append(track)
        return tracks

    def _push(self, moved: Moved) -> None:
        frames = self._window.frames
        if frames and moved.at_s <= frames[-1].at_s:
            frames.clear()  # the clock went back: what came before is another time
            self._began_s = moved.at_s
        self._window.push(moved)
        self._weather.push(moved.taken.shape, self._motion.cells(moved.px))

    def _allowed(self, track: Track) -> bool:
        assert self._began_s is not None
        if track.t_s[0] - self._began_s < NEW_S:
            return False
        broken = refused(
            track, self._limits, metric=self._facade.metric, wet=self.wet, height_m=self.height_m
        )
        if broken:
            self.refused[broken] = self.refused.get(broken, 0) + 1
        return not broken

    def _score(self, track: Track) -> float:
        score = self._judge.score_one(sightings(track, self._facade, self.height_m))
        if score < self._least:
            self.refused["score"] = self.refused.get("score", 0) + 1
        return score

    def _fall(self, track: Track, at_s: float, score: float) -> Fall:
        begin_s = float(track.t_s[0])
        speed = max(track.parabola.speed_at(begin_s), 0.0)
        pull = G_MS2 * 0.95
        if not self._facade.metric:
            pull = max(track.parabola.pull_at(begin_s), 0.3 * _mean_pull(track))
        back_s = min(speed / pull, 0.8)
        place = track.parabola.at(np.array([begin_s]))[0]
        across = float(track.parabola.at(np.array([begin_s - back_s]))[0, 0])
        roof_m = self._facade.metres(self._facade.outline)[:, 1].min()
        start = np.array([across, max(place[1] - speed * back_s / 2, roof_m)])
        start_px = self._facade.pixels(start[None])[0]
        return Fall(
            release_s=begin_s - back_s,
            decided_s=at_s,
            start_m=(float(start[0]), float(start[1])),
            start_px=(float(start_px[0]), float(start_px[1])),
            floor=self._facade.floor_at(float(start[1])),
            column=self._facade.column_at(float(start[0])),
            confidence=score,
            track=track,
        )

    def _grow(self, track: Track) -> None:
        """Let a track lengthen the fall that it is of."""
        for index, known in enumerate(self._known):
            end_s = float(known.track.t_s[-1])
            off = track.parabola.at(np.array([end_s])) - known.track.m[-1:]
            if track.t_s[0] < end_s < track.t_s[-1] and np.hypot(*off[0]) < GROWS_M:
                self._known[index] = replace(known, track=continued(known.track, track))

    def _same(self, fall: Fall, known: Fall) -> bool:
        near = abs(fall.decided_s - known.decided_s) <= SAME_S
        if not near and not goes_on(known.track, fall.track):
            return False
        apart = abs(float(fall.track.m[-1, 0]) - float(known.track.m[-1, 0]))
        return min(apart, abs(fall.start_m[0] - known.start_m[0])) < SAME_M


def _mean_pull(track: Track) -> float:
    begin_s, end_s = float(track.t_s[0]), float(track.t_s[-1])
    gained = track.parabola.speed_at(end_s) - track.parabola.speed_at(begin_s)
    return max(gained / max(end_s - begin_s, 1e-3), 0.1)


def sightings(track: Track, facade: Facade, height_m: float) -> Sightings:
    """Return a track as the judge wants it."""
    scale: Array = facade.px_per_m(track.m)
    return Sightings(
        t_s=track.t_s,
        m=track.m,
        size_px=track.size_px,
        box=track.box,
        tone=track.tone,
        px_per_m=scale,
        down=track.parabola.down,
        hits=track.hits,
        chance=track.chance,
        evidence=track.evidence(),
        rms_m=track.rms_m,
        rms_px=track.rms_px,
        metric=facade.metric,
        height_m=height_m,
    )
