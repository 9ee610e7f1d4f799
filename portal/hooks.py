"""Webhooks: another system is called when an incident changes that its token may see.

    store.outgoing ─► a call for each hook that may know of it ─► signed POST ─► taken (2xx)
                                                              └► again, later and later, for a day

A hook belongs to a token: it tells what that token's account sees, and ends with it. What is sent
is what server-sent events say, an id and a state; words and names are fetched, where access is
decided once more. Only hosts that the settings name are ever called.
"""

import hmac
import secrets
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from urllib.parse import urlsplit

import httpx
from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from portal.accounts import Account, Scope
from portal.settings import WebhookSettings
from sinks.book import Book
from sinks.store import Store, StoreUnavailableError
from weinao.ids import derived
from weinao.metrics import Counter, Gauge
from weinao.outcomes import Incident, Outcome

CALLS = Counter("weinao_portal_calls_total", "Calls of webhooks, by how they ended.", ["result"])
WAITING = Gauge("weinao_portal_calls_waiting", "Calls that no webhook has taken yet.")

CURSOR = "hooks"
SIGNATURE = "weinao-signature"
BATCH_MAX = 200
AT_ONCE_MAX = 8
FIRST_S, LONGEST_S, GIVEN_UP_S = 5, 3_600, 86_400
"""A call is tried again after so long, twice as long each time, at most so long, for a day."""

_SECRET_BYTES = 32


class HookRefusedError(Exception):
    """A hook that may not be; the message says why."""


class Hook(Struct, frozen=True, kw_only=True):
    """One system that is called.

    Attributes:
        token: The hash of the token that it speaks for.
    """

    id: str
    token: str
    url: str
    secret: str


class Call(Struct, frozen=True, kw_only=True):
    """Something that a hook has not taken yet."""

    hook: Hook
    id: str
    body: str
    at: int
    tries: int


Sees = Callable[[Account, Incident], bool]
"""Says whether somebody may know of an incident."""


class Hooks:
    """The hooks of one portal, and what they have not taken.

    Args:
        book: Where they are kept.
        settings: Which hosts may be called.
    """

    def __init__(self, book: Book, settings: WebhookSettings) -> None:
        self._book, self._settings = book, settings

    def add(self, token: str, url: str, now: int) -> Hook:
        """Return a new hook; its secret is shown this once.

        Raises:
            HookRefusedError: Its host is none that may be called, or there are too many.
        """
        try:
            parts, _ = urlsplit(url), httpx.URL(url)
            host, _ = parts.hostname or "", parts.port
        except (ValueError, httpx.InvalidURL) as error:
            raise HookRefusedError("that is no URL") from error
        if host not in self._settings.hosts or parts.username is not None:
            raise HookRefusedError(f"{host or 'that'} is no host that the settings allow")
        if parts.scheme != "https" and not (parts.scheme == "http" and host == "127.0.0.1"):
            raise HookRefusedError("https, please")
        [[count]] = self._book.ask(
            "SELECT count(*) FROM hooks WHERE token = ? AND ended_at IS NULL", token
        )
        if count >= self._settings.per_token_max:
            raise HookRefusedError(f"at most {self._settings.per_token_max} for one token")
        made = Hook(
            id=f"hook-{secrets.token_hex(8)}",
            token=token,
            url=url,
            secret=secrets.token_urlsafe(_SECRET_BYTES),
        )
        self._book.do(
            "INSERT INTO hooks VALUES (?, ?, ?, ?, ?, NULL)",
            made.id, made.token, made.url, made.secret, now,
        )  # fmt: skip
        return made

    def of(self, token: str) -> list[tuple[Hook, int]]:
        """Return the hooks of a token, each with how many calls it has not taken."""
        rows = self._book.ask(
            "SELECT id, token, url, secret,"
            " (SELECT count(*) FROM calls WHERE hook = hooks.id)"
            " FROM hooks WHERE token = ? AND ended_at IS NULL ORDER BY made_at, id",
            token,
        )
        return [(_hook(row[:4]), row[4]) for row in rows]

    def end(self, hook: str, token: str, now: int) -> bool:
        """End a hook of a token; return whether there was one."""
        with self._book.together():
            ended = self._book.do(
                "UPDATE hooks SET ended_at = ? WHERE id = ? AND token = ? AND ended_at IS NULL",
                now, hook, token,
            )  # fmt: skip
            if ended:
                self._book.do("DELETE FROM calls WHERE hook = ?", hook)
        return bool(ended)

    def all(self) -> list[Hook]:
        """Return all hooks that have not ended."""
        rows = self._book.ask(
            "SELECT id, token, url, secret FROM hooks WHERE ended_at IS NULL ORDER BY id"
        )
        return [_hook(row) for row in rows]

    def queue(self, hook: Hook, name: str, body: str, now: int) -> None:
        """Let a hook be called, once for a name."""
        self._book.do(
            "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, 0, ?)", hook.id, name, body, now, now
        )

    def due(self, now: int) -> list[Call]:
        """Return the first call of each hook, where it is due; of one hook, order is kept."""
        rows = self._book.ask(
            "SELECT h.id, h.token, h.url, h.secret, c.id, c.body, c.at, c.tries FROM hooks h"
            " JOIN calls c ON c.rowid = (SELECT min(rowid) FROM calls WHERE hook = h.id)"
            " WHERE ended_at IS NULL AND next_at <= ?",
            now,
        )
        return [
            Call(hook=_hook(row[:4]), id=row[4], body=row[5], at=row[6], tries=row[7])
            for row in rows
        ]

    def taken(self, call: Call) -> None:
        """Forget a call that was taken, or given up."""
        self._book.do("DELETE FROM calls WHERE hook = ? AND id = ?", call.hook.id, call.id)

    def again(self, call: Call, now: int) -> None:
        """Let a call be tried again, later than the last time."""
        pause_s = min(FIRST_S * 2 ** min(call.tries, 20), LONGEST_S)
        self._book.do(
            "UPDATE calls SET tries = tries + 1, next_at = ? WHERE hook = ? AND id = ?",
            now + pause_s * 1_000, call.hook.id, call.id,
        )  # fmt: skip

    def waiting(self) -> int:
        """Return how many calls nobody has taken."""
        [[count]] = self._book.ask("SELECT count(*) FROM calls")
        return int(count)


def signature(secret: str, body: str, at_s: int) -> str:
    """Return what proves that a call is ours, and when it was made: check both, then believe it."""
    said = hmac.new(secret.encode(), f"{at_s}.{body}".encode(), sha256).hexdigest()
    return f"t={at_s},v1={said}"


class Caller:
    """Follows the store, and calls.

    Args:
        hooks: Who is called.
        open_store: Makes a connection of its own.
        holds: Returns in whose name a token speaks, by its hash, and what for; None if it ended.
        sees: Says what somebody may know of.
        body_of: Returns what is said of a change.
        now: The wall clock, in milliseconds.
        log: For what a person may have to know.
    """

    def __init__(
        self,
        hooks: Hooks,
        open_store: Callable[[], Store],
        *,
        holds: Callable[[str], tuple[Account, frozenset[Scope]] | None],
        sees: Sees,
        body_of: Callable[[Incident], str],
        now: Callable[[], int],
        log: FilteringBoundLogger,
    ) -> None:
        self._hooks, self._open, self._holds = hooks, open_store, holds
        self._sees, self._body_of, self._now, self._log = sees, body_of, now, log
        self._store: Store | None = None
        self._client = httpx.Client(timeout=10, follow_redirects=False, trust_env=False)
        self._pool = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix="call")
        self._calling: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hooks", daemon=True)

    def open(self) -> None:
        """Begin to follow and to call."""
        self._thread.start()

    def close(self) -> None:
        """Stop; what was not taken waits for the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(3)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()
        if self._store is not None:
            self._store.close()

    def look(self, wait_s: float = 0.0) -> int:
        """Queue what is new, and call where something is due; return how many calls were queued.

        Raises:
            StoreUnavailableError: The store is away.
        """
        store = self._store = self._store or self._open()
        found = store.outgoing(seq := store.cursor(CURSOR), BATCH_MAX, wait_s)
        queued = sum(self._queued(one.outcome) for one in found)
        if found and found[-1].seq != seq:
            store.set_cursor(CURSOR, found[-1].seq)
        self.call()
        return queued

    def call(self) -> None:
        """Call where something is due; one call at a time for each hook."""
        WAITING.set(self._hooks.waiting())
        # Before the book is asked: a call that ends meanwhile may stand there still.
        calling = {*self._calling}
        for one in self._hooks.due(self._now()):
            if one.hook.id not in calling:
                self._calling.add(one.hook.id)
                self._pool.submit(self._called, one)

    def _queued(self, outcome: Outcome) -> int:
        incident, count = outcome.value, 0
        if not isinstance(incident, Incident):
            return 0
        name = derived("call", outcome.grid, *outcome.position)
        for hook in self._hooks.all():
            held = self._holds(hook.token)
            if held is None:
                self._hooks.end(hook.id, hook.token, self._now())
            elif Scope.INCIDENTS in held[1] and self._sees(held[0], incident):
                self._hooks.queue(hook, name, self._body_of(incident), self._now())
                count += 1
        return count

    def _called(self, call: Call) -> None:
        try:
            result = self._posted(call)
            CALLS.labels(result).inc()
            now = self._now()
            if result == "taken" or now - call.at > GIVEN_UP_S * 1_000:
                self._hooks.taken(call)
                if result != "taken":
                    self._log.error("call.given_up", hook=call.hook.id, call=call.id)
            else:
                self._hooks.again(call, now)
        finally:
            self._calling.discard(call.hook.id)

    def _posted(self, call: Call) -> str:
        headers = {
            "content-type": "application/json",
            "weinao-call": call.id,
            SIGNATURE: signature(call.hook.secret, call.body, self._now() // 1_000),
        }
        try:
            with self._client.stream(
                "POST", call.hook.url, content=call.body, headers=headers
            ) as answer:
                return "taken" if answer.is_success else "refused"
        except (httpx.HTTPError, httpx.InvalidURL):
            return "unavailable"

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look(0.5)
            except (StoreUnavailableError, sqlite3.Error):  # of others, or of our own disk
                self._stop.wait(1)


def _hook(row: tuple[str, ...]) -> Hook:
    name, token, url, secret = row
    return Hook(id=name, token=token, url=url, secret=secret)
