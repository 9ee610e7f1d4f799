"""`weinao notify`: carry notices to people, try out their channels, and read the ledger."""

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from weinao import logging, metrics
from weinao.catalogue import Language
from weinao.cli import showing
from weinao.cli.clocks import ClockOption, told_time
from weinao.cli.folders import alone
from weinao.cli.options import Address, Count, Name, Port, host_and_port
from weinao.cli.read import FOLDER, Json
from weinao.clock import now_ms
from weinao.outage import Outage

if TYPE_CHECKING:
    from sinks.channels import Channels
    from sinks.courier import Courier
    from sinks.ledger import Entry
    from sinks.notice_settings import CourierSettings
    from sinks.push import Push, Pusher
    from weinao.outcomes import Notice
    from weinao.wording import Text

app = App(name="notify", help="Carry notices to people; try their channels; read the ledger.")

OWN = "notify"
"""The courier's folder in that of the system: its book, with the ledger."""

STORE_PAUSE_S = 0.5

NOBODY = "mailto:nobody@localhost"
"""Whom services of browsers may write to where no contact and no `https` address is known."""

Addressed = Annotated[str, Parameter(help="A channel as the registry holds it, `name:address`.")]


@app.command
def run(
    *,
    data: Path,
    settings: Path | None = None,
    community: Name | None = None,
    broker: Address | None = None,
    url: str | None = None,
    metrics_port: Port | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Carry notices until told to end.

    Args:
        data: Folder of the system; the store's socket is in it, and `notify/` with the ledger.
        settings: A file like `configs/notify.toml`; without one there are no channels, and the
            ledger says so of each notice.
        community: The community in the topics.
        broker: Where the broker speaks MQTT 5, `host:port`.
        url: What people type to reach the portal.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
        clock: Of a story that is played.
    """
    from sinks.book import Book
    from sinks.client import StoreClient
    from sinks.courier import Courier
    from sinks.ledger import MIGRATIONS, Ledger
    from sinks.outbox import Outbox
    from sinks.post import Post
    from sinks.ringing import Bell
    from weinao.cli.stores import SOCKET

    chosen = _chosen(settings, community, broker, url)
    logging.configure(json=log_json or chosen.log.json, level=chosen.log.level)
    log = logging.logger(community=chosen.community)
    serves = metrics_port if metrics_port is not None else chosen.metrics.port
    log.info("metrics.served", port=metrics.serve(serves, chosen.metrics.address))
    now = told_time(clock)
    channels = _channels(chosen)
    bell = Bell(chosen.delivery.per_channel_max)
    with alone(data / OWN / "lock", "notify run"):
        # Made last: whoever waits for this program looks for it.
        book = Book(data / OWN / "notify.sqlite", MIGRATIONS)
        outbox = Outbox(book, chosen.community, chosen.name, now)
        post = Post(outbox, chosen.broker, chosen.community, now=now, log=log)
        store = StoreClient(data / SOCKET)
        courier = Courier(
            store,
            Ledger(book),
            outbox,
            channels,
            bell,
            settings=chosen.delivery,
            link_of=_linking(data, chosen),
            now=now,
            log=log,
            on_done=post.hurry,
            pusher=_pusher(data, chosen),
        )
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        courier.recover()
        post.open()
        log.info("courier.started", channels=sorted(channels.names))
        _follow(courier, chosen.wait_s, stop, Outage(log, "store", now_ms))
        courier.close()
        post.close()
        store.close()
        log.info("courier.ended")


@app.command(name="test")
def try_out(
    channels: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    /,
    *,
    settings: Path,
    person: str = "",
    data: Path = FOLDER,
    lang: Language = "zh",
    json: Json = False,
) -> None:
    """Send a test on each of some channels, and say how it ended; exit with 1 if one failed.

    Args:
        channels: As the registry holds them, `name:address`; `push:PERSON` rings the browsers in
            which somebody allowed notices.
        settings: A file like `configs/notify.toml`.
        person: Take the channels of a contact or a member of staff from the registry.
        data: Folder of the system, to read the registry from.
        lang: Language of the test.
        json: Print one JSON array.
    """
    from sinks.channels import PUSH
    from sinks.ringing import Bell
    from weinao.wording import Text, notice_words

    chosen = _chosen(settings, None, None, None)
    known, bell, words = _channels(chosen), Bell(1), notice_words(lang)
    pusher = _pusher(data, chosen)
    own = (f"{PUSH}:{person}",) if person and pusher and pusher.reaches(person) else ()
    wanted = channels or (*own, *(_registered(data, person) if person else ()))
    if not wanted:
        sys.exit("weinao notify test: name a channel as `sms:13900000001`, or a --person")
    found: list[dict[str, str]] = []
    for one in wanted:
        name, _, address = one.partition(":")
        text = Text(words.say("title", "test"), words.say("line", "test", channel=name))
        if name == PUSH:
            rung = (
                pusher.ring(_push(text, address, lang), try_s=chosen.delivery.try_s_max)
                if pusher
                else None
            )
        else:
            way = known.way(one)
            rung = bell.ring(way, text, try_s=chosen.delivery.try_s_max) if way else None
        result, detail = (rung.result, rung.detail) if rung else ("nowhere", "no_channel")
        found.append({"channel": name, "result": result, "detail": detail})
    if json:
        showing.write_json(found)
    else:
        for told in found:
            said = words.say("result", told["result"])
            print(f"{told['channel']}: {said} {told['detail']}".rstrip())  # noqa: T201  # asked for
    sys.exit(any(told["result"] != "sent" for told in found))


@app.command
def ledger(
    *,
    data: Path = FOLDER,
    incident: str = "",
    failed: bool = False,
    limit: Count = 50,
    lang: Language = "zh",
    json: Json = False,
) -> None:
    """Show what was told to whom, on which channel, and what became of it; the newest last.

    Args:
        data: Folder of the system.
        incident: Only about this one.
        failed: Only what reached nobody.
        limit: At most so many.
        lang: Language of the table.
        json: Print one JSON array, with every try.
    """
    from sinks.book import Book
    from sinks.ledger import MIGRATIONS, Ledger

    path = data / OWN / "notify.sqlite"
    if not path.exists():
        sys.exit(f"weinao notify: no ledger at {path}; `weinao notify run` writes it")
    book = Book(path, MIGRATIONS)
    found = [*Ledger(book).entries(incident=incident, failed=failed, limit=limit)]
    book.close()
    if json:
        showing.write_json(found)
    else:
        _print(found, lang)


def _follow(
    courier: "Courier", wait_s: float, stop: threading.Event, store: Outage
) -> None:  # fmt: skip
    from sinks.store import StoreUnavailableError

    while not stop.is_set():
        try:
            courier.step(wait_s)
            store.restored()
        except StoreUnavailableError as error:
            store.lost(error)
            stop.wait(STORE_PAUSE_S)


def _linking(data: Path, chosen: "CourierSettings") -> Callable[["Notice"], str]:
    """Return how links are made: with the portal's secret, by which it knows them again."""
    from weinao.cli.portal import FOLDER as PORTAL
    from weinao.ids import derived

    try:
        from portal.links import Maker
        from portal.secret import kept_secret
    except ImportError:
        return lambda _: ""
    maker = Maker(kept_secret(data / PORTAL / "secret"))

    def link(notice: "Notice") -> str:
        if not notice.incident:
            return ""
        expires_at = max(notice.at, notice.not_before) + chosen.delivery.link_h * 3_600_000
        nonce = derived("l", notice.id)
        text = maker.make(notice.incident, notice.recipient, expires_at, nonce)
        return f"{chosen.url}/a/{text}"

    return link


def _pusher(data: Path, chosen: "CourierSettings") -> "Pusher | None":
    """Return what rings browsers, over the portal's book and key; None where there is no portal."""
    from weinao.cli.portal import FOLDER as PORTAL

    try:
        from portal.book import opened
        from portal.secret import kept_secret
        from portal.subscriptions import Subscriptions
        from portal.vapid import VAPID, new_pem
        from sinks.push import Pusher
    except ImportError:
        return None
    key = kept_secret(data / PORTAL / VAPID, new_pem)
    parts = urlsplit(chosen.url)
    own = f"https://{parts.hostname}" if parts.scheme == "https" else NOBODY
    book = Outage(logging.logger(community=chosen.community), "portal", now_ms)
    kept = Subscriptions(opened(data / PORTAL))
    return Pusher(kept, key, chosen.push.contact or own, now_ms, book)


def _push(text: "Text", person: str, lang: Language) -> "Push":
    from secrets import token_hex

    from sinks.push import Push

    return Push(
        person=person,
        id=f"test-{token_hex(8)}",
        title=text.title,
        body=text.body,
        link="/",
        language=lang,
        at=now_ms(),
        grave=True,
        keep_s=0,
    )


def _registered(data: Path, person: str) -> tuple[str, ...]:
    """Return the channels of a contact or a member of staff, as the store knows them."""
    from sinks.known import Known, read
    from sinks.store import StoreError
    from weinao.cli import stores
    from weinao.registry import Resident, Staff

    try:
        store = stores.to_read(data)
        known = read(store, Known())
        store.close()
    except (StoreError, stores.WhereError) as error:
        sys.exit(f"weinao notify: {error}")
    for grid in known.grids:
        for staff in known.of(grid, Staff):
            if staff.id == person:
                return staff.channels
        for resident in known.of(grid, Resident):
            for contact in resident.contacts:
                if contact.id == person:
                    return contact.channels
    sys.exit(f"weinao notify: nobody called {person} is registered")


def _channels(chosen: "CourierSettings") -> "Channels":
    from sinks.channels import ChannelError, Channels

    try:
        return Channels(chosen.channels)
    except ChannelError as error:
        sys.exit(f"weinao notify: {error}")


def _print(found: "list[Entry]", lang: Language) -> None:
    from datetime import datetime

    from rich.table import Table

    from weinao.wording import notice_words

    words = notice_words(lang)
    table = Table(title=words.say("table", "ledger"))
    for key in ("at", "incident", "recipient", "step", "state", "channel", "tries"):
        table.add_column(words.say("column", key))
    for one in found:
        at = datetime.fromtimestamp(one.at / 1_000).astimezone()
        tries = "; ".join(
            f"{t.channel} {words.say('result', t.result or 'trying')} {t.detail}".strip()
            for t in one.tries
        )
        state = words.say("result", one.state)
        table.add_row(
            f"{at:%m-%d %H:%M:%S}", one.incident, one.recipient, one.step, state, one.channel, tries
        )
    showing.console(200).print(table)


def _chosen(
    settings: Path | None, community: str | None, broker: str | None, url: str | None
) -> "CourierSettings":
    from msgspec.structs import replace

    from sinks.notice_settings import CourierSettings
    from weinao.settings import SettingsError, from_table, load

    try:
        if settings is not None:
            chosen = load(settings, CourierSettings)
        else:
            table = {"community": community} if community else {}
            chosen = from_table(table, CourierSettings, "weinao notify")
    except SettingsError as error:
        sys.exit(f"weinao notify: {error}")
    if community:
        chosen = replace(chosen, community=community)
    if url and chosen.url == CourierSettings(community="x").url:
        chosen = replace(chosen, url=url)
    if broker:
        host, port = host_and_port(broker)
        chosen = replace(chosen, broker=replace(chosen.broker, host=host, port=port))
    return chosen
