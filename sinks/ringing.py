"""Rings: hands a text to a provider through Apprise, and is back in time whatever that does."""

import logging
import re
import threading
import warnings
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol

import apprise

from sinks.attempts import Attempts, Rung
from sinks.channels import Way
from weinao.wording import Text


class Ringer(Protocol):
    """Hands texts to providers."""

    def ring(self, way: Way, text: Text, *, try_s: float) -> Rung:
        """Return how it ended, at latest after `try_s` seconds."""


class Bell:
    """A `Ringer` over Apprise.

    Args:
        per_channel_max: Tries of one channel that may hang at once.
    """

    def __init__(self, per_channel_max: int) -> None:
        self._attempts = Attempts(per_channel_max)
        _hush()
        # Apprise reads its two hundred services when the first is made: not while somebody waits.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # some of them use old modules
            apprise.Apprise.instantiate("json://127.0.0.1")

    def ring(self, way: Way, text: Text, *, try_s: float) -> Rung:
        ended: SimpleQueue[Rung] = SimpleQueue()
        if not self._attempts.begin(way.channel, partial(_rung, way, text, try_s), ended.put):
            return Rung("busy")
        try:
            return ended.get(timeout=try_s)
        except Empty:
            return Rung("timeout")


def _rung(way: Way, text: Text, try_s: float) -> Rung:
    url = way.reveal()
    mark = "&" if "?" in url else "?"
    # In this thread: what it says is heard here, and Apprise's own few threads, which are shared by
    # all, cannot be taken up by one provider. The time-out is ours, outside.
    own = apprise.AppriseAsset(app_id="weinao", async_mode=False, service_timeout=0)
    service = apprise.Apprise(asset=own)
    # A little later than ours, which so is the one that tells a slow provider from a dead one.
    patience_s = try_s + 1
    if not service.add(f"{url}{mark}cto={patience_s:.1f}&rto={patience_s:.1f}"):
        return Rung("refused", "address")
    heard = _HEARD.words = list[str]()
    taken = service.notify(
        body=text.body, title=text.title, body_format=apprise.NotifyFormat.TEXT
    )  # fmt: skip
    return Rung("sent") if taken else Rung("refused", _word(heard))


def _word(heard: list[str]) -> str:
    """Return why, in a word: what Apprise says may hold addresses, and goes no further."""
    for one in heard:
        if found := _STATUS.search(one):
            return f"http_{found[1]}"
    return "connection" if any("onnection" in one for one in heard) else "refused"


class _Heard(threading.local):
    """What Apprise said in this thread."""

    words: list[str] | None = None


class _Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if _HEARD.words is not None:
            _HEARD.words.append(record.getMessage())


def _hush() -> None:
    """Let Apprise write to no log: it names hosts and addresses."""
    log = logging.getLogger("apprise")
    log.propagate = False
    log.setLevel(logging.WARNING)
    if not any(isinstance(one, _Ear) for one in log.handlers):
        log.addHandler(_Ear())


_HEARD = _Heard()
_STATUS = re.compile(r"\berror=(\d{3})\b")
