"""A camera as a driver: frames while it is well, and what ails it while it is not.

A stream that is away, cut off or no video at all is no failure of the agent: it is said once, as
`CameraTrouble`, and tried again, ever more rarely. So a device without frames falls silent for the
brain, and the reason stands beside it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from random import Random

from edge import metrics
from edge.drivers.base import DeviceUnavailableError, DriverError
from edge.drivers.camera import rate
from edge.drivers.camera.grab import Ended, Latest, Reader
from edge.drivers.camera.health import Health, HealthState, Trouble
from edge.drivers.camera.rate import RateState
from edge.drivers.camera.source import OpenCvSource, Source
from edge.outbox import Placed
from edge.samples import CameraTrouble, Frame, Sample, SignalEnded
from edge.settings import CameraDevice

RETRY_S_MIN, RETRY_S_MAX = 1.0, 60.0
STEADY_S = 5.0
"""A stream that was away is back when it has lasted so long: one that breaks again and again at the
same place is not. Ours."""


class CameraDriver:
    """Yields a camera's frames, newest first served, and its troubles.

    Args:
        settings: Which camera, and how.
        now: Milliseconds UTC.
        rng: Spreads reconnects.
        open_source: Opens it; another one in tests.
        retry_s: First pause before a source is opened again; it doubles, jittered.
        speed: Seconds of a file per second.
        steady_s: How long a stream that was away must last to be back.
    """

    def __init__(
        self,
        settings: CameraDevice,
        now: Callable[[], int],
        rng: Random,
        *,
        open_source: Callable[[str], Source] = OpenCvSource,
        retry_s: float = RETRY_S_MIN,
        speed: float = 1.0,
        steady_s: float = STEADY_S,
    ) -> None:
        self._settings, self._now, self._rng = settings, now, rng
        self._steady_ms = steady_s * 1_000
        self._rate, self._fps_min = RateState(), rate.fps_min(settings.role)
        self._open, self._retry_s, self._speed = open_source, retry_s, speed
        self._health, self._state = Health(), HealthState()
        self._away: Trouble | None = None
        self._looked_at: int | None = None
        self._done = False

    async def samples(self) -> AsyncIterator[Sample]:
        """Yield frames and troubles; a file that has been played yields nothing more."""
        pause_s = self._retry_s
        while not self._done:
            try:
                async with aclosing(self._stream()) as stream:
                    async for sample in stream:
                        if self._away is None:
                            pause_s = self._retry_s
                        self._looked_at = sample.at
                        yield sample
                        self._looked_at = None
            except DriverError as error:
                for said in self._lost(error):
                    yield said
                await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, RETRY_S_MAX)
        yield SignalEnded(device=self._settings.id, at=self._now())
        await asyncio.Event().wait()

    def known_to(self, now: int) -> int:
        """Return when the frame that is now being looked at was taken, or `now`."""
        return now if self._looked_at is None else min(now, self._looked_at)

    def kept(self, mark: tuple[str, str], placed: Placed) -> None:
        """Nothing to do: a camera has no place to go on from."""

    async def _stream(self) -> AsyncGenerator[Sample, None]:
        latest = Latest()
        reader = Reader(
            lambda: self._open(_with_password(self._settings)),
            latest,
            now=self._now,
            fps_max=self._settings.fps_max,
            width_max=self._settings.width_max,
            speed=self._speed,
        )
        reader.start()
        self._rate = RateState(slow=self._rate.slow)
        upcoming, began_at = 0, None
        try:
            while True:
                taken = await latest.take()
                began_at = taken.at if began_at is None else began_at
                metrics.FRAMES_LOOKED_AT.inc()
                metrics.FRAMES_DROPPED.inc(taken.number - upcoming)
                upcoming = taken.number + 1
                if taken.at - began_at >= self._steady_ms:
                    for said in self._well(taken.at):
                        yield said
                for said in self._paced(taken.number, taken.at):
                    yield said
                self._state, changes = self._health.observe(self._state, taken.picture, taken.at)
                for trouble, began in changes:
                    yield self._said(trouble, taken.at, began=began)
                yield Frame(
                    device=self._settings.id,
                    at=taken.at,
                    number=taken.number,
                    picture=taken.picture,
                    troubled=bool(self._state.standing),
                    unsteady=self._away is not None or self._rate.slow,
                )
        except Ended:
            self._done = not self._settings.repeat
            if self._done:
                for said in self._well(self._now()):
                    yield said
        finally:
            await asyncio.to_thread(reader.close)

    def _lost(self, error: DriverError) -> list[CameraTrouble]:
        away = isinstance(error, DeviceUnavailableError)
        trouble = Trouble.NO_SIGNAL if away else Trouble.UNREADABLE
        if self._away is trouble:
            return []
        over, self._away = self._well(self._now()), trouble
        return [*over, self._said(trouble, self._now(), began=True, detail=str(error))]

    def _well(self, at: int) -> list[CameraTrouble]:
        """Return that the stream is back, if it was away."""
        if self._away is None:
            return []
        trouble, self._away = self._away, None
        return [self._said(trouble, at, began=False)]

    def _paced(self, number: int, at: int) -> list[CameraTrouble]:
        """Return that frames come too slowly, or no longer do."""
        before, self._rate = self._rate, rate.observe(self._rate, number, at, self._fps_min)
        if before.slow == self._rate.slow:
            return []
        return [self._said(Trouble.SLOW, at, began=self._rate.slow)]

    def _said(self, trouble: Trouble, at: int, *, began: bool, detail: str = "") -> CameraTrouble:
        return CameraTrouble(
            device=self._settings.id, at=at, trouble=trouble, began=began, detail=detail
        )


def _with_password(settings: CameraDevice) -> str:
    """Return where the camera is, with the password that a file of its own holds."""
    if not settings.password_file:
        return settings.source
    try:
        password = Path(settings.password_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise DeviceUnavailableError(f"{settings.password_file}: {error.strerror}") from error
    return settings.source.replace("{password}", password)
