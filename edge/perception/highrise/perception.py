"""A high-rise camera's place in the agent: frames in, findings out.

camera = HighrisePerception(settings, device="cam-3", key=key, folder=folder)
for frame, at_ms in frames:
    for finding in camera.perceive(frame, at_ms): ...
"""

from pathlib import Path

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.perception.highrise.evidence import EvidenceError, Recorder, hmac_signer, kept
from edge.perception.highrise.facade import Facade, Image
from edge.perception.highrise.settings import HighriseSettings, building_at, facade_of
from edge.perception.highrise.watch import Fall, HighriseWatch
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

    lag_ms = 5_000
    """A fall is dated by its release, at most this much earlier than the newest frame."""

    def __init__(
        self, settings: HighriseSettings, *, device: str, key: bytes, folder: Path
    ) -> None:
        self._settings, self._device = settings, device
        self._signer, self._folder = hmac_signer(key), folder
        self._size: tuple[int, int] | None = None
        self._facade: Facade | None = None
        self._watch: HighriseWatch | None = None
        self._recorder: Recorder | None = None
        self.unwritten = 0
        """Films that could not be written."""

    def perceive(self, frame: Image, at_ms: int) -> list[Finding]:
        """Take in a frame, and return what follows.

        Args:
            frame: (H, W, 3) BGR; a change of size begins anew.
            at_ms: When it was taken, ms since the epoch.

        Raises:
            CalibrationError: The settings do not describe a facade.
        """
        size = (frame.shape[1], frame.shape[0])
        if self._watch is None or size != self._size:
            self._begin(size)
        assert self._watch is not None
        assert self._recorder is not None
        self._recorder.push(frame, at_ms / 1_000)
        return [self._finding(fall) for fall in self._watch.observe(frame, at_ms / 1_000)]

    def _begin(self, size: tuple[int, int]) -> None:
        self._size, self._facade = size, facade_of(self._settings, size)
        self._watch = HighriseWatch(self._facade, size, limits=self._settings.limits)
        self._recorder = Recorder(self._settings.keep_s, size)

    def _finding(self, fall: Fall) -> Finding:
        assert self._size is not None
        building = building_at(self._settings, fall.start_px, self._size)
        return Finding(
            device=self._device,
            observation=said(fall, building, self._film(fall), metric=self._settings.lines != ()),
            lane=Lane.ALARM,
        )

    def _film(self, fall: Fall) -> str:
        assert self._facade is not None
        assert self._recorder is not None
        try:
            film = kept(
                self._recorder, self._folder, self._facade, fall,
                device=self._device, signer=self._signer,
            )  # fmt: skip
        except EvidenceError:
            self.unwritten += 1
            return ""
        return f"{film.name}#sha256={film.sha256}"


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
