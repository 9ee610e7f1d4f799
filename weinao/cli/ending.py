"""Being asked to end, between two commits."""

import signal


class Ended:
    """Turns true when the process is asked to end; a signal must not cut a commit short."""

    def __init__(self) -> None:
        self._ended = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def __bool__(self) -> bool:
        return self._ended

    def _note(self, *_: object) -> None:
        self._ended = True
