"""All that serves a request, put together once, and what requests have in common.

The portal decides nothing. It says what the store says, hands on what people say, and then looks
whether it arrived.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from portal.accounts import Account, Accounts, Role, Scope
from portal.audit import Audit
from portal.book import opened
from portal.changes import change
from portal.hooks import Caller, Hooks
from portal.links import Links
from portal.live import Live, Stores
from portal.measures import ANSWERS
from portal.passkeys import Passkeys
from portal.photos import Photos
from portal.reach import Reach, reach_of, sees
from portal.reports import Reports
from portal.secret import kept_secret
from portal.settings import PortalSettings
from portal.subscriptions import Subscriptions
from portal.vapid import VAPID, new_pem, public_of
from portal.views.tongue import Tongue
from portal.visits import Ledger
from sinks.book import Book
from sinks.known import Known
from sinks.outbox import Outbox
from sinks.post import Post
from sinks.store import Filter, Store
from weinao import kept, topics
from weinao.catalogue import Language
from weinao.messages import Feedback, Registered
from weinao.outcomes import Incident, Rejected
from weinao.registry import Device

REFUSALS_SEEN = 50


class Viewer(Struct, frozen=True, kw_only=True):
    """Who asks.

    Attributes:
        session: Id of their session; empty for a token.
        scopes: What their token may be used for; None where no token bounds them.
        token: The hash of that token; empty for none.
    """

    account: Account
    session: str = ""
    scopes: frozenset[Scope] | None = None
    token: str = ""


def _nothing() -> None:
    return


class Fate(Struct, frozen=True):
    """What became of something that was said: `kept`, `refused`, `waits` or `sent`."""

    state: str
    detail: str = ""


@dataclass(kw_only=True)
class Desk:
    """Everything that a request may need.

    Args:
        settings: Of the portal.
        push_key: The public half of the key by which browsers know the portal's notices.
        evidence: Folder of what cameras kept of incidents.
        now: The wall clock, in milliseconds.
        arrives_s: How long an answer waits to see what became of it, before it says that it is on
            its way.
    """

    settings: PortalSettings
    book: Book
    secret: str
    push_key: str
    stores: Stores
    live: Live
    outbox: Outbox
    post: Post
    photos: Photos
    evidence: Path
    now: Callable[[], int]
    log: FilteringBoundLogger
    arrives_s: float = 2.0
    accounts: Accounts = field(init=False)
    audit: Audit = field(init=False)
    links: Links = field(init=False)
    reports: Reports = field(init=False)
    ledger: Ledger = field(init=False)
    hooks: Hooks = field(init=False)
    subscriptions: Subscriptions = field(init=False)
    passkeys: Passkeys = field(init=False)
    caller: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.book, self.settings.sign_in)
        self.audit, self.links = Audit(self.book), Links(self.secret, self.book)
        self.reports, self.ledger = Reports(self.book), Ledger(self.book, self.outbox)
        self.subscriptions = Subscriptions(self.book)
        self.passkeys = Passkeys(self.book, self.accounts, self.secret, self.settings.web.url)
        self.hooks = Hooks(self.book, self.settings.webhooks)
        self.caller = Caller(
            self.hooks,
            self.stores.open,
            holds=lambda token: self.accounts.held(token, self.now()),
            sees=self._sees,
            body_of=change,
            now=self.now,
            log=self.log,
        )

    @property
    def known(self) -> Known:
        """What is registered."""
        return self.live.known

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to follow the store, and to carry what people say."""
        if self.settings.webhooks.hosts:
            self.caller.open()
        self.live.open(loop)
        self.post.open()

    def close(self) -> None:
        """End both, and close what is open."""
        self.caller.close()
        self.post.close()
        self.live.close()
        self.stores.close()
        self.book.close()

    def reach(self, viewer: Viewer) -> Reach:
        """Return how far somebody sees now."""
        return reach_of(viewer.account.role, viewer.account.person, self.known, self.now())

    def tongue(self, language: Language, grid: str = "") -> Tongue:
        """Return a way to speak about a grid; about the only one, where none is named."""
        grids = self.known.grids
        named = grid or (grids[0] if grids else "")
        return Tongue(language, self.known, named, self.now())

    def stale_s(self) -> int | None:
        """Return for how long the store has said nothing; None while that is no time."""
        answered = self.live.answered_at
        age_s = (self.now() - answered) / 1_000 if answered is not None else float("inf")
        if age_s < self.settings.fresh_s_max:
            return None
        return round(min(age_s, 10**9))

    def answer(
        self, incident: Incident, said: Feedback, uses: Callable[[], object] = _nothing
    ) -> str:
        """Hand an answer on, and wait a little to see it take effect; return its id.

        Args:
            incident: Which it answers.
            said: The answer.
            uses: Uses up what it was given with; it is used if the answer is kept, and else not.
        """
        with self.book.together():
            uses()
            kept = self.outbox.answer(incident.grid, said)
        self.post.hurry()
        ANSWERS.labels(said.action).inc()
        steps = len(incident.steps)

        def moved() -> bool:
            now = self.live.board.find(incident.id, incident.grid)
            return now is not None and len(now.steps) > steps

        self.live.wait_for(moved, self.arrives_s)
        return kept

    def fate(self, grid: str, incident: str, kept: str, since: int) -> Fate:
        """Return what became of an answer."""
        if self.outbox.waits(kept):
            return Fate("waits")
        with self.stores.lent() as store:
            if store.observations(Filter(grid=grid, id=kept, limit=1)):
                return Fate("kept")
            topic = topics.feedback(self.settings.community, grid, incident)
            detail = self._refusal(store, topic, since)
        return Fate("sent") if detail is None else Fate("refused", detail)

    def arrived(self, grid: str, kept: str) -> bool:
        """Say whether the store has something that was said."""
        with self.stores.lent() as store:
            return bool(store.observations(Filter(grid=grid, id=kept, limit=1)))

    def stands_for(self, grid: str) -> None:
        """See to it that the portal itself is registered in a grid: it speaks as a device there."""
        name = self.outbox.device
        if self.known.record(grid, Device, name) is None:
            record = Device(id=name, agent=name, model="portal")
            self.outbox.register(grid, Registered(at=self.now(), record=record))
            self.post.hurry()

    def phone_of(self, grid: str, resident: str) -> str:
        """Return the device that a resident reports with, and see to it that it is registered."""
        name = f"phone.{resident}"[:64]
        if self.known.record(grid, Device, name) is None:
            record = Device(id=name, agent=self.outbox.device, wearer=resident, model="phone")
            self.outbox.register(grid, Registered(at=self.now(), record=record))
            self.post.hurry()
        return name

    def _sees(self, account: Account, incident: Incident) -> bool:
        reach = self.reach(Viewer(account=account))
        return account.role is not Role.OFFICE and sees(reach, incident, self.known)

    def _refusal(self, store: Store, topic: str, since: int) -> str | None:
        device = self.outbox.device
        wanted = Filter(device=device, since=since, newest=True, limit=REFUSALS_SEEN)
        for one in reversed(store.deadletters(wanted)):
            if isinstance(one.value, Rejected) and one.value.topic == topic:
                return one.value.detail
        return None


def made(
    settings: PortalSettings,
    folder: Path,
    open_store: Callable[[], Store],
    *,
    now: Callable[[], int],
    log: FilteringBoundLogger,
    evidence: Path | None = None,
) -> Desk:
    """Put a portal together; nothing is open to the outside yet.

    Args:
        settings: What it was told.
        folder: Its own: book, secret, photos.
        open_store: Makes a new connection to the store.
        now: The wall clock, in milliseconds.
        log: For what a person may have to know.
        evidence: Where pictures that cameras kept are found; beside the portal's own folder, if
            not said.
    """
    book, secret = opened(folder), kept_secret(folder / "secret")
    stores = Stores(open_store)
    outbox = Outbox(book, settings.community, settings.name, now)
    return Desk(
        settings=settings,
        book=book,
        secret=secret,
        push_key=public_of(kept_secret(folder / VAPID, new_pem)),
        stores=stores,
        live=Live(stores, now=now, log=log),
        outbox=outbox,
        post=Post(outbox, settings.broker, settings.community, now=now, log=log),
        photos=Photos(folder / "photos", secret),
        evidence=evidence or folder.parent / kept.FOLDER,
        now=now,
        log=log,
    )
