"""Web Push: a notice sealed for each browser in which somebody allowed it.

    notice ─► JSON, small, of a length that says little ─► sealed for one browser (RFC 8291)
           ─► POST to her browser's service, signed as ours (RFC 8292) ─► 2xx | 404, 410: forgotten

The service learns which browser, when, how urgent, and a hash that repeats where a notice does.
Nothing else leaves unsealed: not a word, not a name, not what it is about.

References:
    RFC 8030 (delivery: TTL, Urgency, Topic), RFC 8188 and 8291 (sealing), RFC 8292 (who sends).
"""

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import http_ece
import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct
from py_vapid import Vapid02

from sinks.attempts import Attempts, Rung
from sinks.channels import PUSH
from sinks.subscription import Subscription, Subscriptions, unquoted
from weinao.ids import derived
from weinao.outage import Outage

TITLE_BYTES_MAX, BODY_BYTES_MAX = 240, 1_600
PADDED_TO_BYTES = 1_024
"""What is sealed is filled up to a multiple of this: its length tells no kind of notice."""

SEALED_BYTES_MAX = 3_993
"""What any service must take: 4,096 bytes with the head and the tag (RFC 8291, 4)."""

SIGNED_S = 12 * 3_600
"""How long a signature holds: at most a day by RFC 8292, 2, and clocks differ."""

_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_SALT_BYTES = 16


class Push(Struct, frozen=True, kw_only=True):
    """A notice on its way to all browsers of one person.

    Attributes:
        id: Of the notice; a browser that gets it twice rings once.
        link: The path that a press opens, on the portal.
        at: When it was written, in milliseconds.
        grave: Whether it stays until somebody presses it.
        keep_s: How long a service keeps it for a browser that is off.
    """

    person: str
    id: str
    title: str
    body: str
    link: str
    language: str
    at: int
    grave: bool
    keep_s: int

    @property
    def channel(self) -> str:
        """The channel's name."""
        return PUSH


class Pusher:
    """Rings browsers.

    Args:
        subscriptions: Who allowed it, and where.
        key: The portal's own private key on P-256, PEM: the one whose public half browsers got.
        contact: Whom a service may write to about us, `mailto:…` or `https://…`.
        now: The wall clock, in milliseconds, as services see it; never that of a played story.
        book: Where an outage of what keeps them is told.
        at_once_max: Browsers that may hang at once.
        watch_s: How long a service may take to connect, or between two bytes.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        key: str,
        contact: str,
        now: Callable[[], int],
        book: Outage,
        *,
        at_once_max: int = 64,
        watch_s: float = 10.0,
    ) -> None:
        self._subscriptions, self._contact, self._now = subscriptions, contact, now
        self._book = book
        self._signer = Vapid02(load_pem_private_key(key.encode(), None))
        self._attempts = Attempts(at_once_max)
        # A service that answers with another address is asked no further.
        self._client = httpx.Client(timeout=watch_s, follow_redirects=False)

    def reaches(self, person: str) -> bool:
        """Say whether somebody allowed notices anywhere."""
        return bool(self._of(person))

    def ring(self, push: Push, *, try_s: float) -> Rung:
        """Ring all browsers of one person at once; `sent` as soon as one service took it.

        A person hears it on whichever of her devices is on; to tell them one after the other would
        end at the first, which may lie switched off in a drawer.
        """
        deadline = time.monotonic() + try_s
        ended: SimpleQueue[Rung] = SimpleQueue()
        content, begun, found = sealable(push), 0, []
        for one in self._of(push.person):
            attempt = partial(self._knock, one, push, content)
            if self._attempts.begin(PUSH, attempt, ended.put):
                begun += 1
            else:
                found.append(Rung("busy"))
        for _ in range(begun):
            try:
                found.append(ended.get(timeout=max(0.0, deadline - time.monotonic())))
            except Empty:
                found.append(Rung("timeout"))
                break
            if found[-1].result == "sent":
                return found[-1]
        return next((one for one in found if one.detail != "gone"), Rung("refused", "gone"))

    def _of(self, person: str) -> Sequence[Subscription]:
        """Return somebody's browsers; none while the portal's book cannot be read.

        It is another program's: what is wrong with it holds up no other channel.
        """
        try:
            found = self._subscriptions.of(person)
        except sqlite3.Error as error:
            self._book.lost(error)
            return ()
        self._book.restored()
        return found

    def _knock(self, at: Subscription, push: Push, content: bytes) -> Rung:
        headers = {
            **self._signed(at.endpoint),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(push.keep_s),
            "urgency": "high" if push.grave else "normal",
            # What waits for a browser that is off is replaced by itself, not added to.
            "topic": derived("p", push.id)[:32],
        }
        try:
            sealed = _sealed(content, at)
            with self._client.stream(
                "POST", at.endpoint, content=sealed, headers=headers
            ) as answer:  # the body says nothing that we need: it is not waited for
                status = answer.status_code
        except httpx.TimeoutException:
            return Rung("timeout")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, http_ece.ECEException, ValueError):
            return Rung("refused", "address")
        except httpx.HTTPError:
            return Rung("refused", "connection")
        if status in _GONE:
            self._subscriptions.forget(at.endpoint)
            return Rung("refused", "gone")
        return Rung("sent") if answer.is_success else Rung("refused", f"http_{status}")

    def _signed(self, endpoint: str) -> dict[str, str]:
        parts = urlsplit(endpoint)
        claims = {
            "sub": self._contact,
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": self._now() // 1_000 + SIGNED_S,
        }
        signed: dict[str, str] = self._signer.sign(claims)
        return signed


def sealable(push: Push) -> bytes:
    """Return what a browser reads: JSON, shortened where it is long, with blanks behind it."""
    content = msgspec.json.encode(
        {
            "id": push.id,
            "title": shortened(push.title, TITLE_BYTES_MAX),
            "body": shortened(push.body, BODY_BYTES_MAX),
            "link": push.link,
            "lang": "en" if push.language == "en" else "zh-CN",
            "at": push.at,
            "grave": push.grave,
        }
    )
    filled = content.ljust(-(-len(content) // PADDED_TO_BYTES) * PADDED_TO_BYTES)
    assert len(filled) <= SEALED_BYTES_MAX, f"a push of {len(content)} bytes"
    return filled


def shortened(text: str, bytes_max: int) -> str:
    """Return a text that takes at most so many bytes in JSON, its quotes included."""
    if len(msgspec.json.encode(text)) <= bytes_max:
        return text
    room = bytes_max - len(msgspec.json.encode("…"))
    for n, one in enumerate(text):
        room -= len(msgspec.json.encode(one)) - 2
        if room < 0:
            return f"{text[:n]}…"
    return text


def _sealed(content: bytes, at: Subscription) -> bytes:
    sealed: bytes = http_ece.encrypt(
        content,
        salt=os.urandom(_SALT_BYTES),
        private_key=ec.generate_private_key(ec.SECP256R1()),  # a new one for each message
        dh=unquoted(at.p256dh),
        auth_secret=unquoted(at.auth),
        version="aes128gcm",
    )
    return sealed
