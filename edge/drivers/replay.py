"""Recorded signals in the place of a device: at their own speed, faster, or as fast as it goes.

    ends_at_start     at = start - (lasts - t)            history, drained; then silence
    starts_at_start   at = start + t / speed              plays from the start on

The start is the first one ever, or what the settings say. With every observation it becomes
durable as a mark, together with the number of the sample: an agent that is killed goes on after
the last durable one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from msgspec.structs import replace

from edge.clock import sleep_until
from edge.drivers.base import PayloadError
from edge.drivers.track import TrackError, lasts_ms, read_track
from edge.outbox import Placed
from edge.samples import Acceleration, Nothing, Sample, SignalEnded
from edge.settings import ReplayDevice

MARK_MS = 1_000
"""How much of an accelerometer's signal, most of which leads to no observation, goes unmarked."""
WARM_UP_MS = 10_000
"""How much of an accelerometer's signal is heard again, so that a fall cut in two is not missed."""
_BREATHE_EVERY = 64


class ReplayDriver:
    """Plays one track.

    Args:
        settings: Which, and how.
        mark: What an earlier start left: `mark_name`'s value, or None at the first.
        now: Milliseconds UTC.
        pace: Seconds of `now` in one of the wall's.
    """

    def __init__(
        self, settings: ReplayDevice, mark: str | None, now: Callable[[], int], pace: float = 1.0
    ) -> None:
        self._settings, self._now, self._pace = settings, now, pace
        first = settings.epoch_ms or now()
        start, position, at_ms = map(int, mark.split()) if mark else (first, -1, 0)
        self._start, self._position, self._position_ms = start, position, at_ms
        self._upto: int | None = None
        self._lasts = 0
        self._done = False

    @staticmethod
    def mark_name(device: str) -> str:
        """Return the name of the mark that keeps a replay's place."""
        return f"replay/{device}"

    async def samples(self) -> AsyncIterator[Sample]:
        """Yield the recording's samples, dated as the settings say; then nothing, for ever.

        Raises:
            PayloadError: The track cannot be read.
        """
        try:
            self._lasts = lasts_ms(Path(self._settings.track))
            async for sample in self._paced():
                yield sample
        except TrackError as error:
            raise PayloadError(str(error)) from error
        self._done = True
        yield SignalEnded(device=self._settings.id, at=self._now())
        await asyncio.Event().wait()

    def known_to(self, now: int) -> int:
        if self._done:
            return now
        return min(now, self._start if self._upto is None else self._upto)

    def kept(self, mark: tuple[str, str], placed: Placed) -> None:
        """Nothing more to do: the mark is the outbox's."""

    async def _paced(self) -> AsyncIterator[Sample]:
        began, marked_ms = self._now(), self._position_ms
        first_ms: int | None = None
        for index, sample in enumerate(read_track(Path(self._settings.track), self._settings.id)):
            if not self._wanted(index, sample):
                continue
            t_ms = sample.at
            first_ms = t_ms if first_ms is None else first_ms
            self._upto = self._dated(t_ms)
            await self._wait(t_ms, began, first_ms)
            if index % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            mark = (self.mark_name(self._settings.id), f"{self._start} {index} {t_ms}")
            if not isinstance(sample, Acceleration):
                yield replace(sample, at=self._upto, mark=mark)
                continue
            yield replace(sample, at=self._upto)
            if t_ms - marked_ms >= MARK_MS and index > self._position:
                marked_ms = t_ms
                yield Nothing(device=self._settings.id, at=self._upto, mark=mark)

    def _wanted(self, index: int, sample: Sample) -> bool:
        if index > self._position:
            return True
        return isinstance(sample, Acceleration) and sample.at > self._position_ms - WARM_UP_MS

    async def _wait(self, t_ms: int, began: int, first_ms: int) -> None:
        if self._settings.mode == "starts_at_start":
            due = self._dated(t_ms)
        elif self._settings.speed:
            due = began + round((t_ms - first_ms) / self._settings.speed)
        else:
            return
        await sleep_until(due, self._now, self._pace)

    def _dated(self, t_ms: int) -> int:
        if self._settings.mode == "ends_at_start":
            return self._start - (self._lasts - t_ms)
        return self._start + round(t_ms / self._settings.speed)
