"""A high-rise camera's place in the agent: frames in, findings out.

A fall is said twice: at once, as an alarm that names the film to come; and when the film is there,
with its hash and with what was seen of the fall since. Both have the same `at`, building and film.

camera = HighrisePerception(settings, device="cam-3", key=key, folder=folder)
for frame, at_ms in frames:
    for finding in camera.perceive(frame, at_ms): ...
for finding in camera.finish(): ...
"""

from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.perception.highrise.darkroom import AFTER_S, Darkroom
from edge.perception.highrise.evidence import Evidence, Recorder
from edge.perception.highrise.facade import Image
from edge.perception.highrise.settings import HighriseSettings, building_at, facade_of
from edge.perception.highrise.watch import Fall, HighriseWatch
from edge.perception.signing import hmac_signer
from weinao.messages import Highrise

TRACK_POINTS_MAX = 300


class HighrisePerception:
    """Watches one facade, keeps evidence, and says what fell.

    Args:
        settings: What was drawn for this camera.
        device: Its id.
        key: The device's secret, for signatures.
        folder: Where films are kept.
    """

    lag_ms = 8_000
    """A fall is dated by its release: said at most this much later, with its film."""

    def __init__(
        self, settings: HighriseSettings, *, device: str, key: bytes, folder: Path
    ) -> None:
        self._settings, self._device = settings, device
        self._signer, self._folder = hmac_signer(key), folder
        self._size: tuple[int, int] | None = None
        self._watch: HighriseWatch | None = None
        self._recorder: Recorder | None = None
        self._darkroom: Darkroom | None = None

    @property
    def unwritten(self) -> int:
        """Films that could not be written."""
        return self._darkroom.unwritten if self._darkroom else 0

    def perceive(self, frame: Image, at_ms: int) -> list[Finding]:
        """Take in a frame, and return what follows.

        Args:
            frame: (H, W, 3) BGR; a change of size begins anew.
            at_ms: When it was taken, ms since the epoch.

        Raises:
            CalibrationError: The settings do not describe a facade.
        """
        size, at_s = (frame.shape[1], frame.shape[0]), at_ms / 1_000
        found = []
        if size != self._size:
            found += self.finish()
            self._begin(size)
        assert self._watch is not None
        assert self._recorder is not None
        assert self._darkroom is not None
        self._recorder.push(frame, at_ms)
        for fall in self._watch.observe(frame, at_s):
            found.append(self._finding(fall, self._darkroom.take(fall), "first"))
        return found + self._shown(self._darkroom.done(at_s, self._watch.grown))

    def finish(self) -> list[Finding]:
        """Return what was still to be said, as no more frames come."""
        if self._darkroom is None or self._watch is None:
            return []
        return self._shown(self._darkroom.finish(self._watch.grown))

    def _begin(self, size: tuple[int, int]) -> None:
        self._size, facade = size, facade_of(self._settings, size)
        self._watch = HighriseWatch(facade, size, limits=self._settings.limits)
        self._recorder = Recorder(self._settings.keep_s + 2 * AFTER_S, size)
        self._darkroom = Darkroom(
            self._recorder, facade, self._folder,
            before_s=self._settings.keep_s, device=self._device, signer=self._signer,
        )  # fmt: skip

    def _shown(self, films: list[tuple[Fall, Evidence]]) -> list[Finding]:
        return [
            self._finding(fall, f"{film.name}#sha256={film.sha256}", "last") for fall, film in films
        ]

    def _finding(self, fall: Fall, clip: str, part: Literal["first", "last"]) -> Finding:
        assert self._size is not None
        building = building_at(self._settings, fall.start_px, self._size)
        return Finding(
            device=self._device,
            observation=replace(
                said(fall, building, clip, metric=self._settings.lines != ()), part=part
            ),
            lane=Lane.ALARM if part == "first" else Lane.STATUS,
        )


def said(fall: Fall, building: str, clip: str, *, metric: bool) -> Highrise:
    """Return a fall in the words of the wire; floor 0 where the scale is unknown.

    The track's heights count upwards from the ground.
    """
    track = fall.track
    step = -(-len(track.t_s) // TRACK_POINTS_MAX)
    points: list[float] = []
    for t_s, (x, y) in zip(track.t_s[::step].tolist(), track.m[::step].tolist(), strict=True):
        points += [round(t_s - fall.release_s, 3), round(x, 2), round(-y, 2)]
    return Highrise(
        at=max(round(fall.release_s * 1_000), 0),
        building=building,
        floor=max(min(fall.floor, 200), -5) if metric else 0,
        column=str(fall.column) if metric else "",
        t_fall_s=round(max(float(track.t_s[-1]) - fall.release_s, 0.0), 3),
        confidence=min(max(round(fall.confidence, 3), 0.0), 1.0),
        track=tuple(points),
        clip=clip,
    )
