"""The gate's perception: frames in, and a word about each person while she stands there.

    due? -> the whole picture -> follow -> compare -> vote -> first word, dated by this very frame
    else -> near those who wait for votes ----^           -> corrected, should later frames say so
                                                          -> last word: direction, when she is gone

Who was just spoken of and is followed anew, because she turned her head, is not spoken of again.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.perception.gate.evidence import Keeper, keeper_of
from edge.perception.gate.gallery import (
    Comparing,
    Gallery,
    GalleryError,
    GalleryFile,
    on_the_wire,
)
from edge.perception.gate.looks import FIND_MS, NEAR_SIDE, Face, Looks
from edge.perception.gate.passing import Part, Passing, Recent
from edge.perception.gate.quality import quality_of
from edge.perception.gate.stillness import Stillness
from edge.perception.gate.tracks import (
    LOST_MS,
    Track,
    Tracks,
    Way,
    continued,
    follow,
    foretold,
    way_of,
)
from edge.perception.gate.vote import VOTES_MAX, Verdict, Vote, decide, welcome
from edge.samples import Frame, Sample
from edge.settings import CameraDevice, GateSettings
from models.vision.base import Detector, Embedder, Picture
from models.vision.centerface import CenterFace
from models.vision.faces import aligned, embedder_in_folder
from models.vision.liveness import Liveness
from weinao.messages import Gate, Match

QUALITY_MIN = 0.2
"""Below it a face is followed and counted, and not compared."""
EMBED_MAX = 2
"""Faces of one frame that are compared, those with the fewest votes first. In a crowd, somebody who
is gone before she was compared three times is not spoken of."""
LAG_MS = LOST_MS + 2 * FIND_MS
"""How much earlier than the newest frame a word may be dated: a track ends so much later."""
ASK_MS = 5_000
"""How often it is asked whether the gallery was written: who withdraws is unknown so soon."""
FOLLOW_MS = 10_000
"""A stranger who went in so soon behind a resident may become an incident, so that her picture is
kept; the rule of the brain asks for 6 s, and may be set higher."""
_SIDE = 640
_USUAL = (_SIDE * 9 // 16, _SIDE), (NEAR_SIDE, NEAR_SIDE)
"""Heights and widths that the detector is made ready for: nobody waits for it then."""
_PEOPLE_MAX = 10_000


class GatePerception:
    """Looks at one gate.

    Args:
        settings: Which way is in.
        detector: Of faces, with five points.
        embedder: Whose directions the gallery holds.
        gallery: Who is known; a file is read again when it is written.
        liveness: Looks out for pictures held up; None to leave that out.
        keeper: Keeps pictures of those who may become an incident; None to keep none.

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
        keeper: Keeper | None = None,
    ) -> None:
        self._settings, self._looks, self._embedder = settings, Looks(detector), embedder
        self._liveness, self._keeper = liveness, keeper
        self._file = gallery if isinstance(gallery, GalleryFile) else None
        self._asked_at, self._found_at, self._resident_at = 0, 0, -FOLLOW_MS
        self._know(gallery.gallery if isinstance(gallery, GalleryFile) else gallery)
        self._stillness = Stillness()
        self._tracks = Tracks()
        self._passings: dict[int, Passing] = {}
        self._recent = Recent(embedder.match_at)

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
            OSError: The device's secret cannot be read or made.
        """
        settings = camera.gate
        embedder = embedder_in_folder(models)
        gallery = (
            GalleryFile(Path(settings.gallery))
            if settings.gallery
            else Gallery(embedder=embedder.name)
        )
        detector = CenterFace.in_folder(models, side_max=_SIDE)
        for size in _USUAL:
            detector.detect(np.zeros((*size, 3), np.uint8))
        return cls(
            settings,
            detector=detector,
            embedder=embedder,
            gallery=gallery,
            liveness=Liveness.in_folder(models) if settings.liveness else None,
            keeper=keeper_of(settings, camera.id),
        )

    @property
    def lag_ms(self) -> int:
        return LAG_MS

    def perceive(self, sample: Sample) -> list[Finding]:
        """Take in a frame, or the end of a recording, and return what is to be said by now."""
        if not isinstance(sample, Frame) or sample.troubled:
            return self._all_over(sample)
        if self._file and abs(sample.at - self._asked_at) >= ASK_MS:
            self._asked_at = sample.at
            if self._file.changed():
                self._know(self._file.gallery)
        ended: tuple[Track, ...] = ()
        if abs(sample.at - self._found_at) >= FIND_MS:
            following = bool(self._tracks.following)
            if not self._stillness.is_over(sample.picture, sample.at, following=following):
                return []
            self._found_at = sample.at
            mine, ended = self._find(sample)
        else:
            mine = self._see_again(sample)
        if self._keeper:
            self._keeper.see(sample.picture, sample.at, self._tracks.following)
        self._compare(sample, mine)
        said = [finding for one in ended for finding in self._speak(one, sample, over=True)]
        for one in ended:
            self._passings.pop(one.id, None)
        for one, _ in mine:
            said += self._speak(one, sample, over=False)
        return said

    def _find(self, frame: Frame) -> tuple[list[tuple[Track, Face]], tuple[Track, ...]]:
        """Look at the whole picture; return who is there, and whose track is over."""
        faces = self._looks.whole(frame.picture)
        followed = follow(self._tracks, [one.box for one in faces], frame.at)
        self._tracks = followed.tracks
        mine = [(track, face) for track, face in zip(followed.of, faces, strict=True) if track]
        return mine, followed.ended

    def _see_again(self, frame: Frame) -> list[tuple[Track, Face]]:
        """Look at those who wait to be compared, where they should be by now."""
        found: dict[int, Face] = {}
        for track in self._tracks.following:
            passing = self._passing(track)
            waits = passing.said is None and len(passing.votes) < VOTES_MAX
            if waits and passing.wants(frame.at) and len(found) < EMBED_MAX:
                face = self._looks.near(frame.picture, foretold(track, frame.at - track.seen_at))
                if face:
                    found[track.id] = face
        boxes = {name: face.box for name, face in found.items()}
        self._tracks = continued(self._tracks, boxes, frame.at)
        return [(one, found[one.id]) for one in self._tracks.following if one.id in found]

    def _compare(self, frame: Frame, faces: list[tuple[Track, Face]]) -> None:
        """Let the faces vote whose tracks have the fewest votes, if they are good enough."""
        waiting = [one for one in faces if self._passing(one[0]).wants(frame.at)]
        waiting.sort(key=lambda one: len(self._passing(one[0]).votes))
        room = EMBED_MAX
        for track, face in waiting:
            passing = self._passing(track)
            crop = aligned(frame.picture, face.points)
            quality = quality_of(crop, face.points).worst
            if not room or quality < QUALITY_MIN or not welcome(passing.votes, quality):
                continue
            room -= 1
            directions = self._embedder.embed(crop[None])
            [near] = self._known.nearest(directions, frame.at)
            person = near.entry.person if near.entry else ""
            vote = Vote(person, near.score, quality, self._live(frame.picture, face))
            if self._keeper and quality >= max((v.quality for v in passing.votes), default=0.0):
                passing.shot = self._keeper.shot(
                    frame.picture, frame.at, track, self._tracks.following
                )
            passing.vote(vote, directions[0], frame.at)

    def _live(self, picture: Picture, face: Face) -> float | None:
        box = np.array(face.box, np.float32)
        return self._liveness.live(picture, box) if self._liveness else None

    def _passing(self, track: Track) -> Passing:
        return self._passings.setdefault(track.id, Passing(f"{track.first_at}.{track.id}"))

    def _speak(self, track: Track, sample: Sample, *, over: bool) -> list[Finding]:
        passing = self._passing(track)
        if not track.confirmed:
            return []
        verdict = decide(passing.votes, self._embedder.match_at, over=over)
        if verdict is None:
            return []
        way = way_of(track)
        if passing.said is None:
            passing.before = self._recent.same(passing, way, sample.at)
        part = passing.part(verdict, way, over=over)
        self._recent.note(passing, track.seen_at)
        if part is None:
            return []
        at = max(track.seen_at, sample.at - LAG_MS)
        said = self._word(passing, part, verdict, device=sample.device, at=at)
        passing.shot = None if over else passing.shot
        return [said]

    def _word(
        self, passing: Passing, part: Part, verdict: Verdict, *, device: str, at: int
    ) -> Finding:
        known = verdict.person in self._kinds  # she may have been forgotten since the vote
        match = self._kinds[verdict.person] if known else Match.UNKNOWN
        direction = self._direction((passing.before or passing).way)
        queue = sum(one.confirmed for one in self._tracks.following)
        seen = Gate(
            at=at,
            match=match,
            person=verdict.person if known else "",
            score=round(on_the_wire(verdict.score, self._embedder.match_at), 3),
            quality=round(verdict.quality, 3),
            live=None if verdict.live is None else round(verdict.live, 3),
            direction=direction,
            queue_len=min(queue, _PEOPLE_MAX),
            passing="" if part == "whole" else (passing.before or passing).name,
            part=part,
            picture=self._picture(passing, part, match, direction, at),
        )
        if match is Match.RESIDENT and direction == "in":
            self._resident_at = at
        lane = Lane.ALARM if match is Match.WATCHLIST else Lane.ROUTINE
        return Finding(device=device, observation=seen, lane=lane)

    def _picture(self, passing: Passing, part: Part, match: Match, direction: str, at: int) -> str:
        """Return the name of the picture that is kept, where this may become an incident."""
        if self._keeper is None or passing.shot is None:
            return ""
        watched = match is Match.WATCHLIST and part != "last"
        behind = 0 <= at - self._resident_at <= FOLLOW_MS
        follows = match is Match.UNKNOWN and direction == "in" and behind
        return self._keeper.keep(passing.shot) if watched or follows else ""

    def _direction(self, way: Way) -> Literal["in", "out", "unknown"]:
        if way == self._settings.inside:
            return "in"
        return "out" if way == _OPPOSITE[self._settings.inside] else "unknown"

    def _all_over(self, sample: Sample) -> list[Finding]:
        said = [
            finding
            for track in self._tracks.following
            for finding in self._speak(track, sample, over=True)
        ]
        self._tracks, self._passings = Tracks((), self._tracks.next), {}
        return said


_OPPOSITE = {"towards": "away", "away": "towards", "left": "right", "right": "left"}
