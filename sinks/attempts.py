"""Tries that may never end: each in a thread of its own, left behind when its time is over.

Time-outs of libraries are between two bytes; a provider that drips could hold a try for ever. Not
more than a few of a channel may hang: then the channel counts as busy, and others go on.
"""

import threading
from collections import Counter as Tally
from collections.abc import Callable

from msgspec import Struct

from weinao.metrics import Gauge

HANGING = Gauge("weinao_sinks_rings_hanging", "Tries that a provider has not answered yet.")


class Rung(Struct, frozen=True):
    """How a try ended.

    Attributes:
        result: `sent`, `refused`, `timeout` or `busy`.
        detail: More of it, in a word, as `http_500`.
    """

    result: str
    detail: str = ""


class Attempts:
    """What is being tried just now.

    Args:
        per_channel_max: Tries of one channel that may hang at once.
    """

    def __init__(self, per_channel_max: int) -> None:
        self._per_channel_max = per_channel_max
        self._hanging: Tally[str] = Tally()
        self._lock = threading.Lock()

    def begin(
        self, channel: str, attempt: Callable[[], Rung], ended: Callable[[Rung], object]
    ) -> bool:
        """Begin a try, and let `ended` know how it ended; return False where the channel is busy.

        Args:
            channel: Its name.
            attempt: The try; what it cannot name counts as `broken`.
            ended: Called in the thread of the try, perhaps long after anybody waits.
        """
        with self._lock:
            if self._hanging[channel] >= self._per_channel_max:
                return False
            self._hanging[channel] += 1
        HANGING.inc()

        def run() -> None:
            rung = Rung("refused", "broken")
            try:
                rung = attempt()
            finally:
                with self._lock:
                    self._hanging[channel] -= 1
                HANGING.dec()
                ended(rung)

        threading.Thread(target=run, name=f"ring-{channel}", daemon=True).start()
        return True
