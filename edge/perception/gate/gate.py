"""The gate's perception: frames in, and a word about each person who passes.

A track speaks once: as soon as its votes agree and its direction is known, at the latest `WAIT_MS`
later or when it ends; the watch-list does not wait for a direction. Who was just spoken of and is
followed anew, because she turned her head, is not spoken of again.
"""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.perception.gate.gallery import (
    Comparing,
    Gallery,
    GalleryError,
    GalleryFile,
    on_the_wire,
)
from edge.perception.gate.quality import quality_of
from edge.perception.gate.stillness import Stillness
from edge.perception.gate.tracks import Track, Tracks, follow, way_of
from edge.perception.gate.vote import VOTES_MAX, Verdict, Vote, decide
from edge.samples import Frame, Sample
from edge.settings import CameraDevice, GateSettings
from models.vision.base import Detector, Embedder, Floats, Picture
from models.vision.centerface import CenterFace
from models.vision.faces import aligned, embedder_in_folder
from models.vision.liveness import Liveness
from weinao.messages import Gate, Match

FACE_MIN = 0.5
"""Score of a detection that is followed; `CenterFace` finds more at 0.35, half of them no faces."""
QUALITY_MIN = 0.2
"""Below it a face is followed and counted, and not compared."""
WAIT_MS = 1_500
"""How long a verdict waits for a direction. Ours."""
AGAIN_MS = 15_000
"""Within it, who is followed anew is the same passing. Ours."""
RECENT_MAX = 32
EMBED_MAX = 3
"""Faces of one frame that are compared, those with the fewest votes first. In a crowd, somebody who
is gone before she was compared three times is not spoken of."""
LAG_MS = 1_000
"""How much earlier than the newest frame a word may be dated: a track ends so much later."""
ASK_MS = 5_000
"""How often it is asked whether the gallery was written: who withdraws is unknown so soon."""
_SIDE = 640
_PEOPLE_MAX = 10_000


@dataclass
class _Person:
    """What is known of a track beyond its boxes."""

    votes: list[Vote] = field(default_factory=list)
    total: Floats | None = None
    verdict: Verdict | None = None
    decided_at: int = 0
    said: bool = False


class GatePerception:
    """Looks at one gate.

    Args:
        settings: Which way is in.
        detector: Of faces, with five points.
        embedder: Whose directions the gallery holds.
        gallery: Who is known; a file is read again when it is written.
        liveness: Looks out for pictures held up; None to leave that out.

    Raises:
        GalleryError: The gallery was enrolled with another network.
    """

    def __init__(
        self,
        settings: GateSettings,
        *,
        detector: Detector,
        embedder: Embedder,
        gallery: Gallery | GalleryFile,
        liveness: Liveness | None,
    ) -> None:
        self._settings, self._detector, self._embedder = settings, detector, embedder
        self._liveness = liveness
        self._file = gallery if isinstance(gallery, GalleryFile) else None
        self._asked_at = 0
        self._know(gallery.gallery if isinstance(gallery, GalleryFile) else gallery)
        self._stillness = Stillness()
        self._tracks = Tracks()
        self._people: dict[int, _Person] = {}
        self._recent: deque[tuple[int, Floats, str]] = deque(maxlen=RECENT_MAX)

    def _know(self, gallery: Gallery) -> None:
        embedder = self._embedder
        if gallery.embedder != embedder.name:
            raise GalleryError(
                f"the gallery was enrolled with {gallery.embedder}, this gate uses {embedder.name}:"
                " enrol anew"
            )
        self._known = Comparing(gallery)
        self._kinds = {entry.person: entry.kind for entry in gallery.entries}

    @classmethod
    def with_models(cls, camera: CameraDevice, models: Path) -> "GatePerception":
        """Return it with the shipped networks and the gallery that the settings name.

        Raises:
            VisionError: Weights or a back end are missing.
            GalleryError: The gallery cannot be opened.
        """
        settings = camera.gate
        embedder = embedder_in_folder(models)
        gallery = (
            GalleryFile(Path(settings.gallery))
            if settings.gallery
            else Gallery(embedder=embedder.name)
        )
        return cls(
            settings,
            detector=CenterFace.in_folder(models, side_max=_SIDE),
            embedder=embedder,
            gallery=gallery,
            liveness=Liveness.in_folder(models) if settings.liveness else None,
        )

    @property
    def lag_ms(self) -> int:
        return LAG_MS

    def perceive(self, sample: Sample) -> list[Finding]:
        """Take in a frame, or the end of a recording, and return who is known by now."""
        if not isinstance(sample, Frame):
            return self._all_over(sample)
        if self._file and abs(sample.at - self._asked_at) >= ASK_MS:
            self._asked_at = sample.at
            if self._file.changed():
                self._know(self._file.gallery)
        if sample.troubled:
            return []
        following = bool(self._tracks.following)
        if not self._stillness.is_over(sample.picture, sample.at, following=following):
            return []
        found = self._detector.detect(sample.picture)
        sure = [index for index in range(len(found)) if found.scores[index] >= FACE_MIN]
        boxes = [_box(found.boxes[index]) for index in sure]
        followed = follow(self._tracks, boxes, sample.at)
        self._tracks = followed.tracks
        mine = [
            (track, found.boxes[index], found.points[index])
            for track, index in zip(followed.of, sure, strict=True)
            if track
        ]
        self._compare(sample, mine)
        said = [
            finding for track in followed.ended for finding in self._speak(track, sample, over=True)
        ]
        for track in followed.ended:
            self._people.pop(track.id, None)
        for track in self._tracks.following:
            said += self._speak(track, sample, over=False)
        return said

    def _compare(self, frame: Frame, faces: list[tuple[Track, Floats, Floats]]) -> None:
        """Let the faces vote whose tracks have the fewest votes, if they are good enough."""
        waiting = [face for face in faces if self._open(face[0])]
        waiting.sort(key=lambda face: len(self._person(face[0]).votes))
        for track, box, points in waiting[:EMBED_MAX]:
            crop = aligned(frame.picture, points)
            quality = quality_of(crop, points).worst
            if quality < QUALITY_MIN:
                continue
            direction = self._embedder.embed(crop[None])
            [near] = self._known.nearest(direction, frame.at)
            live = self._live(frame.picture, box)
            person = self._person(track)
            person.votes.append(
                Vote(near.entry.person if near.entry else "", near.score, quality, live)
            )
            person.total = direction[0] if person.total is None else person.total + direction[0]

    def _live(self, picture: Picture, box: Floats) -> float | None:
        return self._liveness.live(picture, box) if self._liveness else None

    def _open(self, track: Track) -> bool:
        person = self._person(track)
        return person.verdict is None and len(person.votes) < VOTES_MAX

    def _person(self, track: Track) -> _Person:
        return self._people.setdefault(track.id, _Person())

    def _speak(self, track: Track, sample: Sample, *, over: bool) -> list[Finding]:
        person = self._person(track)
        if person.said or not track.confirmed:
            return []
        if person.verdict is None:
            person.verdict = decide(person.votes, self._embedder.match_at, over=over)
            person.decided_at = track.seen_at
        if person.verdict is None:
            return []
        way = way_of(track)
        watched = self._kinds.get(person.verdict.person) is Match.WATCHLIST
        waited = track.seen_at - person.decided_at >= WAIT_MS
        if way == "unknown" and not (over or watched or waited):
            return []
        person.said = True
        if self._is_again(person, track.seen_at, way):
            return []
        return [self._word(track, person.verdict, sample)]

    def _word(self, track: Track, verdict: Verdict, sample: Sample) -> Finding:
        known = verdict.person in self._kinds  # she may have been forgotten since the vote
        match = self._kinds[verdict.person] if known else Match.UNKNOWN
        way = way_of(track)
        direction = "unknown" if way == "unknown" else self._direction(way)
        queue = sum(one.confirmed for one in self._tracks.following)
        seen = Gate(
            at=track.seen_at,
            match=match,
            person=verdict.person if known else "",
            score=round(on_the_wire(verdict.score, self._embedder.match_at), 3),
            quality=round(verdict.quality, 3),
            live=None if verdict.live is None else round(verdict.live, 3),
            direction=direction,
            queue_len=min(queue, _PEOPLE_MAX),
        )
        lane = Lane.ALARM if match is Match.WATCHLIST else Lane.ROUTINE
        return Finding(device=sample.device, observation=seen, lane=lane)

    def _direction(self, way: str) -> Literal["in", "out", "unknown"]:
        if way == self._settings.inside:
            return "in"
        return "out" if way == _OPPOSITE[self._settings.inside] else "unknown"

    def _is_again(self, person: _Person, at: int, way: str) -> bool:
        """Say whether the same face was spoken of just now; and remember this one."""
        assert person.total is not None, "there were votes"
        direction = person.total / max(float(np.linalg.norm(person.total)), 1e-9)
        again = any(
            at - said_at <= AGAIN_MS
            and way in (said_way, "unknown")
            and float(direction @ other) >= self._embedder.match_at
            for said_at, other, said_way in self._recent
        )
        self._recent.append((at, direction, way))
        return again

    def _all_over(self, sample: Sample) -> list[Finding]:
        said = [
            finding
            for track in self._tracks.following
            for finding in self._speak(track, sample, over=True)
        ]
        self._tracks, self._people = Tracks((), self._tracks.next), {}
        return said


_OPPOSITE = {"towards": "away", "away": "towards", "left": "right", "right": "left"}


def _box(corners: Floats) -> tuple[float, float, float, float]:
    left, top, right, bottom = map(float, corners)
    return left, top, right, bottom
