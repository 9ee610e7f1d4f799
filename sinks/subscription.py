"""A browser in which somebody allowed notices, as its maker's own service knows it."""

import base64
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Subscription(Struct, frozen=True, kw_only=True):
    """A browser in which somebody allowed notices.

    Attributes:
        endpoint: Where its service takes messages for it; whoever has it could knock there.
        p256dh: The browser's public key, an uncompressed point on P-256, base64url.
        auth: The 16 bytes that it shares with us, base64url.
    """

    endpoint: str
    p256dh: str
    auth: str


class Subscriptions(Protocol):
    """Who keeps them."""

    def of(self, person: str) -> Sequence[Subscription]:
        """Return the browsers in which somebody allowed notices; not those signed out of.

        Raises:
            sqlite3.Error: The book cannot be read just now.
        """

    def forget(self, endpoint: str) -> None:
        """Forget a browser that its service does not know any more."""


def unquoted(text: str) -> bytes:
    """Return the bytes of base64url, with or without its filling.

    Raises:
        ValueError: It is none.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
