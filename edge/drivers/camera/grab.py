"""The thread that decodes, and the one place in which its newest frame waits.

reader thread: source.read -> Latest.put      (an older frame that nobody took is dropped)
event loop:    await Latest.take              (the newest, or why there is none)
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np

from edge.drivers.base import DriverError
from edge.drivers.camera.source import Pace, Source
from models.vision.base import Picture

JOIN_S = 2.0
"""How long the end of the reader is awaited; one that hangs in a dead stream is left behind."""


@dataclass(frozen=True)
class Taken:
    """A frame as the camera gave it.

    Attributes:
        at: Milliseconds UTC when it came out of the camera.
        number: Of the frame within its source, counted from 0 with those that were dropped.
    """

    at: int
    number: int
    picture: Picture


class Ended(Exception):  # noqa: N818  # an end, not a mistake
    """A file has been played."""


class Latest:
    """Holds the newest frame, and only that. Filled by a thread, emptied by an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._some = asyncio.Event()
        self._lock = threading.Lock()
        self._taken: Taken | None = None
        self._failure: Exception | None = None
        self.dropped = 0

    def put(self, taken: Taken) -> None:
        """Lay down a frame; one that nobody has taken gives way to it."""
        with self._lock:
            self.dropped += self._taken is not None
            self._taken = taken
        self._wake()

    def fail(self, error: Exception) -> None:
        """Say that nothing more will come, once the last frame has been taken."""
        with self._lock:
            self._failure = error
        self._wake()

    async def take(self) -> Taken:
        """Return the newest frame, when there is one.

        Raises:
            DriverError: The source failed.
            Ended: It has been played.
        """
        while True:
            await self._some.wait()
            with self._lock:
                self._some.clear()
                taken, self._taken = self._taken, None
                failure = self._failure
            if taken:
                if failure:
                    self._some.set()
                return taken
            if failure:
                self._some.set()
                raise failure

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop may have ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._some.set)


class Reader:
    """A thread that reads a source until it ends or is closed.

    Args:
        open_source: Opens it, in the thread: that may take long.
        latest: Where frames go.
        now: Milliseconds UTC.
        fps_max: Frames a second that are wanted; others are passed over undecoded.
        width_max: Larger frames are made smaller; 0 leaves them.
        speed: Seconds of a file per second.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        latest: Latest,
        *,
        now: Callable[[], int],
        fps_max: float,
        width_max: int,
        speed: float,
    ) -> None:
        self._open, self._latest, self._now = open_source, latest, now
        self._every_s, self._width_max, self._speed = 1 / fps_max, width_max, speed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and let go of the source."""
        self._stop.set()
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            source = self._open()
        except DriverError as error:
            self._latest.fail(error)
            return
        except (OSError, cv2.error, ValueError) as error:
            self._latest.fail(DriverError(str(error)))
            return
        try:
            self._read_all(source)
            self._latest.fail(Ended())
        except DriverError as error:
            self._latest.fail(error)
        except (OSError, cv2.error, ValueError, MemoryError) as error:
            self._latest.fail(DriverError(f"{type(error).__name__}: {error}"))
        finally:
            source.close()

    def _read_all(self, source: Source) -> None:
        pace, number, due = Pace(source.period_s, self._speed), 0, 0.0
        while not self._stop.is_set():
            pace.wait()
            clock = time.monotonic() if not source.period_s else number * source.period_s
            wanted = clock >= due and not pace.behind()
            if not wanted:
                if not source.skip():
                    source.read()  # which says why there is none
                    return
                number += 1
                continue
            due = max(due + self._every_s, clock - self._every_s)
            picture = source.read()
            if picture is None:
                return
            self._latest.put(Taken(self._now(), number, _at_most(picture, self._width_max)))
            number += 1


def _at_most(picture: Picture, width_max: int) -> Picture:
    height, width = picture.shape[:2]
    if not width_max or width <= width_max:
        return picture
    size = width_max, max(round(height * width_max / width), 1)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
