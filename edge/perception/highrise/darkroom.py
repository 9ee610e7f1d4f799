"""Films are written beside the watching, by a thread of low priority: an alarm does not wait.

fall ──► alarm at once ──► `AFTER_S` more of frames ──► film, hash, signature ──► said again
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from edge.perception.highrise.evidence import (
    Evidence,
    EvidenceError,
    Recorder,
    film_name,
    kept,
)
from edge.perception.highrise.facade import Facade
from edge.perception.highrise.watch import Fall
from edge.perception.signing import Signer

AFTER_S = 1.5
"""Of the film, after the alarm: by then it has reached the ground from the tenth floor."""
FILMS_MAX = 4
"""That wait or are written; a further fall has none."""
_MEEK = 10

Grown = Callable[[Fall], Fall]
"""From a fall to the same, with what was seen of it since."""


class Darkroom:
    """Makes films of falls.

    Args:
        recorder: What keeps the frames.
        facade: What the frames show.
        folder: Where films go.
        before_s: Of a film, before the alarm.
        device: Whose camera it is.
        signer: With its secret.
    """

    def __init__(
        self,
        recorder: Recorder,
        facade: Facade,
        folder: Path,
        *,
        before_s: float,
        device: str,
        signer: Signer,
    ) -> None:
        self._recorder, self._facade, self._folder = recorder, facade, folder
        self._before_s = before_s
        self._device, self._signer = device, signer
        self._waiting: deque[Fall] = deque()
        self._written: deque[tuple[Fall, Future[Evidence]]] = deque()
        self._thread: ThreadPoolExecutor | None = None
        self.unwritten = 0
        """Films that could not be written."""

    def take(self, fall: Fall) -> str:
        """Let a fall wait for its film; return what the film will be called, or nothing."""
        if len(self._waiting) + len(self._written) >= FILMS_MAX:
            self.unwritten += 1
            return ""
        self._waiting.append(fall)
        return film_name(fall)

    def done(self, at_s: float, grown: Grown) -> list[tuple[Fall, Evidence]]:
        """Return the films that are ready; those that are due are begun.

        Args:
            at_s: Of the newest frame.
            grown: Gives a fall as it is known by now.
        """
        while self._waiting and at_s >= self._waiting[0].decided_s + AFTER_S:
            self._begin(grown(self._waiting.popleft()))
        ready = []
        while self._written and self._written[0][1].done():
            ready += self._taken(*self._written.popleft())
        return ready

    def finish(self, grown: Grown) -> list[tuple[Fall, Evidence]]:
        """Return all films that were still to come, with the frames there are."""
        while self._waiting:
            self._begin(grown(self._waiting.popleft()))
        ready = [one for fall, film in self._written for one in self._taken(fall, film)]
        self._written.clear()
        if self._thread:
            self._thread.shutdown()
            self._thread = None
        return ready

    def _begin(self, fall: Fall) -> None:
        from_ms = round((fall.decided_s - self._before_s) * 1_000)
        until_ms = round((fall.decided_s + AFTER_S) * 1_000)
        reel = self._recorder.reel(from_ms, until_ms)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "film", _meekly)
        film = self._thread.submit(
            kept, reel, self._folder, self._facade, fall, device=self._device, signer=self._signer
        )
        self._written.append((fall, film))

    def _taken(self, fall: Fall, film: Future[Evidence]) -> list[tuple[Fall, Evidence]]:
        try:
            return [(fall, film.result())]
        except EvidenceError:
            self.unwritten += 1
            return []


def _meekly() -> None:
    with suppress(AttributeError, OSError):  # a thread has a priority of its own on Linux alone
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _MEEK)
