"""A camera over people, in the agent: frames in, findings out."""

from pathlib import Path

import numpy as np

from edge.drivers.base import DriverError
from edge.lanes import Lane
from edge.perception.base import Finding
from edge.perception.people.bodies import KINDS, SAME_MIN, bodies_of, things_of
from edge.perception.people.counting import Counting
from edge.perception.people.falls import Falls
from edge.perception.people.look import AROUND as SHOWN
from edge.perception.people.look import lying_body, second_look, whole
from edge.perception.people.pace import Pace, Stir
from edge.perception.people.settings import DrawingError, PeopleSettings, drawn
from edge.perception.people.shapes import Box, overlap, size
from edge.perception.people.standing import Stood, stand
from edge.perception.people.tracks import Tracks, follow, found_again, new
from edge.samples import Frame, Sample
from edge.settings import CameraDevice
from models.vision.base import Detector, Picture, Pose, Poses
from models.vision.centernet import CenterNet
from models.vision.movenet import MoveNet
from weinao.settings import SettingsError, load

LAG_MS = 5_000
"""A fall is dated by when somebody was down; second looks may take so long."""
JOINTS_PX_MIN = 32
"""Nobody in the picture is higher than this: joints would be guesses. Ours."""
AROUND, AROUND_SHARE_MAX = 2.2, 0.6
"""Joints are looked for in a square of so many times the tallest body around all that are followed,
if it is at most this share of the picture's longer side; else in the whole. Ours: to the network a
picture is 256 pixels wide."""


class PeoplePerception:
    """Looks at people before one camera.

    Args:
        settings: What was drawn for it.
        detector: Of persons and vehicles.
        pose: Of bodies.
    """

    lag_ms = LAG_MS

    def __init__(self, settings: PeopleSettings, *, detector: Detector, pose: Pose) -> None:
        self._settings, self._detector, self._pose = settings, detector, pose
        self._pace, self._stir = Pace(settings.pace), Stir()
        self._falls = Falls(settings.fall, self._second)
        self._tracks, self._vehicles = Tracks(), tuple[Stood, ...]()
        self._size: tuple[int, int] | None = None
        self._counting: Counting | None = None
        self._unposed = False
        self.looks = {"detect": 0, "pose": 0, "turned": 0, "second": 0}
        """How often the networks were asked."""

    @classmethod
    def with_models(cls, camera: CameraDevice, models: Path) -> "PeoplePerception":
        """Return it with the shipped networks and the drawing that the settings name.

        Raises:
            VisionError: Weights or a back end are missing.
            DriverError: The drawing cannot be read.
        """
        named = camera.people.drawing
        try:
            settings = load(Path(named), PeopleSettings) if named else PeopleSettings()
        except SettingsError as error:
            raise DriverError(f"camera {camera.id}: {error}") from error
        return cls(
            settings,
            detector=CenterNet.in_folder(models, kinds=KINDS),
            pose=MoveNet.in_folder(models),
        )

    @property
    def tracks(self) -> Tracks:
        """Who is followed just now."""
        return self._tracks

    def perceive(self, sample: Sample) -> list[Finding]:
        """Take in a frame, and return what has become known; a troubled camera shows nothing.

        Raises:
            DriverError: The drawing describes no place in frames of this size.
        """
        if not isinstance(sample, Frame) or sample.troubled:
            return []
        picture, at = sample.picture, sample.at
        counting = self._begun(picture)
        moving = self._stir.observe(picture, at)
        if self._stir.cut:
            self._begin_anew()
        due = self._pace.due(
            at,
            moving=moving,
            followed=bool(self._tracks.following),
            fresh=any(new(one, at) for one in self._tracks.following),
            urgent=self._settings.falls and self._falls.urgent(self._tracks, at),
        )
        said: list[Finding] = []
        posing = due.pose and self._settings.falls
        if due.detect or posing:
            self._look(picture, at, detect=due.detect, pose=posing)
            crowds = counting.observe(
                self._tracks.following, self._vehicles, at, detected=due.detect
            )
            said += [Finding(device=sample.device, observation=one) for one in crowds]
        if self._settings.falls:
            fallen = self._falls.observe(self._tracks, picture, at)
            said += [
                Finding(device=sample.device, observation=one, lane=Lane.ALARM) for one in fallen
            ]
        return said

    def _begun(self, picture: Picture) -> Counting:
        frame = (picture.shape[1], picture.shape[0])
        if self._counting is None or frame != self._size:
            try:
                drawing = drawn(self._settings, frame)
            except DrawingError as error:
                raise DriverError(f"the drawing of zones: {error}") from error
            report_ms = round(self._settings.report_s * 1_000)
            self._counting = Counting(drawing, self._settings.standing, report_ms)
            self._size, self._stir = frame, Stir()
            self._begin_anew()
        return self._counting

    def _begin_anew(self) -> None:
        self._tracks, self._vehicles = Tracks(next=self._tracks.next), ()
        self._falls.forget()

    def _look(self, picture: Picture, at: int, *, detect: bool, pose: bool) -> None:
        found = self._detector.detect(picture) if detect else None
        poses = self._posed(picture) if pose else None
        self.looks["detect"] += detect
        self._tracks = follow(self._tracks, bodies_of(found, poses), at, detecting=detect)
        if pose:
            self._unposed = not any(one.seen_at == at for one in self._tracks.following)
            self._look_down(picture, at)
        if found is not None:
            things = things_of(found)
            self._vehicles = stand(self._vehicles, things, at, self._settings.standing)

    def _look_down(self, picture: Picture, at: int) -> None:
        """Look for who was going down and is not seen: networks rarely see who lies."""
        for track in self._tracks.following:
            if track.seen_at == at or not self._falls.going_down(track, at):
                continue
            times = SHOWN[self.looks["turned"] % len(SHOWN)]  # another one in each look
            self.looks["turned"] += 1
            high = max(size(one.box)[1] for one in track.glimpses)
            body = lying_body(picture, whole(track.box, high), times, self._pose)
            seen = [one.box for one in self._tracks.following if one.seen_at == at]
            if body and all(overlap(body.box, box) < SAME_MIN for box in seen):
                self._tracks = found_again(self._tracks, track.id, body, at)

    def _posed(self, picture: Picture) -> Poses | None:
        boxes = [one.box for one in self._tracks.following]
        tallest = max((max(*size(box)) for box in boxes), default=0.0)
        if boxes and tallest < JOINTS_PX_MIN:
            return None
        self.looks["pose"] += 1
        everything = (0, 0, picture.shape[1], picture.shape[0])
        # What nobody's joints were found in the last time may be no person: look for others, too.
        around = boxes and not self._unposed
        left, top, right, bottom = _square(boxes, tallest, picture) if around else everything
        part = np.ascontiguousarray(picture[top:bottom, left:right])
        found = self._pose.poses(part)
        boxes_px = found.boxes + np.array([left, top, left, top], np.float32)
        joints = found.joints + np.array([left, top, 0], np.float32)
        return Poses(scores=found.scores, boxes=boxes_px, joints=joints)

    def _second(self, picture: Picture, box: Box) -> float:
        self.looks["second"] += 1
        return second_look(picture, box, self._detector, self._pose)


def _square(boxes: list[Box], tallest: float, picture: Picture) -> tuple[int, int, int, int]:
    """Return the part of a picture in which joints are looked for: left, top, right, bottom."""
    high, wide = picture.shape[:2]
    corners = np.array(boxes)
    left, top = corners[:, :2].min(axis=0)
    right, bottom = corners[:, 2:].max(axis=0)
    side = max(right - left, bottom - top) + (AROUND - 1) * tallest
    if side > AROUND_SHARE_MAX * max(wide, high):
        return 0, 0, wide, high
    x, y = (left + right) / 2, (top + bottom) / 2
    return (
        max(int(x - side / 2), 0),
        max(int(y - side / 2), 0),
        min(int(x + side / 2), wide),
        min(int(y + side / 2), high),
    )
