"""Browsers in which somebody allowed notices: kept here, read by the courier, forgotten when gone.

A browser belongs to whoever pressed its button last, and rings for nobody after that session was
signed out or ended, or the account closed. What is kept of it is worth nothing without the key of
the portal.
"""

from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from portal.settings import PushSettings
from sinks.book import Book
from sinks.subscription import Subscription, unquoted

ENDPOINT_CHARS_MAX = 1_000
_AUTH_BYTES = 16

_HOLDS = (
    " JOIN accounts a ON a.id = u.account AND a.closed_at IS NULL"
    " JOIN sessions s ON s.hash = u.session AND s.ended_at IS NULL"
)


class SubscriptionRefusedError(Exception):
    """What a page brought is no browser that we could ring; the message says why."""


class Allowed(Struct, frozen=True, kw_only=True):
    """A browser in which somebody allowed notices, as they are told of it."""

    id: str
    device: str
    made_at: int


class Subscriptions:
    """All of them.

    Args:
        book: The portal's.
    """

    def __init__(self, book: Book) -> None:
        self._book = book

    def keep(
        self,
        found: Subscription,
        settings: PushSettings,
        *,
        account: str,
        session: str,
        device: str,
        now: int,
    ) -> None:
        """Ring a browser for an account from now on, and for nobody else.

        Args:
            found: As the browser said.
            settings: Which services may carry notices, and how many browsers an account may have.
            account: Whose it is,
            session: by whom they are signed in there.
            device: What the browser calls itself.
            now: The time.

        Raises:
            SubscriptionRefusedError: Its service is none that we use, or its keys are none.
        """
        _check(found, settings)
        with self._book.together():
            self._book.do(
                "INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET p256dh = excluded.p256dh, auth = excluded.auth,"
                " account = excluded.account, session = excluded.session,"
                " device = excluded.device, seen_at = excluded.seen_at",
                _id(found.endpoint), found.endpoint, found.p256dh, found.auth, account, session,
                device[:120], now, now,
            )  # fmt: skip
            self._book.do(
                "DELETE FROM subscriptions WHERE account = ? AND id NOT IN (SELECT id FROM"
                " subscriptions WHERE account = ? ORDER BY seen_at DESC, made_at DESC LIMIT ?)",
                account, account, settings.per_account_max,
            )  # fmt: skip

    def seen(self, endpoint: str, *, account: str, session: str, now: int) -> bool:
        """Say whether a browser rings for an account; then it goes on with this session."""
        return bool(
            self._book.do(
                "UPDATE subscriptions SET session = ?, seen_at = ? WHERE id = ? AND account = ?",
                session, now, _id(endpoint), account,
            )
        )  # fmt: skip

    def of(self, person: str) -> Sequence[Subscription]:
        """Return the browsers that ring for somebody in the registry."""
        rows = self._book.ask(
            f"SELECT endpoint, p256dh, auth FROM subscriptions u {_HOLDS}"  # noqa: S608  # our own
            " WHERE a.person = ? ORDER BY u.seen_at DESC",
            person,
        )
        return [Subscription(endpoint=row[0], p256dh=row[1], auth=row[2]) for row in rows]

    def allowed(self, account: str) -> list[Allowed]:
        """Return where an account allowed notices, the newest first."""
        rows = self._book.ask(
            f"SELECT u.id, u.device, u.made_at FROM subscriptions u {_HOLDS}"  # noqa: S608  # our own
            " WHERE u.account = ? ORDER BY u.made_at DESC",
            account,
        )
        return [Allowed(id=row[0], device=row[1], made_at=row[2]) for row in rows]

    def forget(self, endpoint: str) -> None:
        """Forget a browser that its service does not know any more."""
        self._book.do("DELETE FROM subscriptions WHERE id = ?", _id(endpoint))

    def end(self, account: str, which: str) -> None:
        """Ring one of an account's browsers no more, named by its id or by its address."""
        self._book.do(
            "DELETE FROM subscriptions WHERE account = ? AND id IN (?, ?)",
            account, which, _id(which),
        )  # fmt: skip


def _id(endpoint: str) -> str:
    return sha256(endpoint.encode()).hexdigest()


def _check(found: Subscription, settings: PushSettings) -> None:
    try:
        parts, _ = urlsplit(found.endpoint), urlsplit(found.endpoint).port
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unquoted(found.p256dh))
        shared = len(unquoted(found.auth))
    except ValueError as error:
        raise SubscriptionRefusedError("that is no subscription") from error
    host = parts.hostname or ""
    if len(found.endpoint) > ENDPOINT_CHARS_MAX or shared != _AUTH_BYTES or parts.username:
        raise SubscriptionRefusedError("that is no subscription")
    if not any(_matches(host, one) for one in settings.hosts):
        raise SubscriptionRefusedError(f"{host or 'that'} is no service that the settings allow")
    if parts.scheme != "https" and not (parts.scheme == "http" and host == "127.0.0.1"):
        raise SubscriptionRefusedError("https, please")


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
