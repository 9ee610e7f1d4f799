"""The way to the broker: drains the outbox, alarms first, for as long as there is a connection.

    connect -> rewind, birth -> [send, hear acks, hear commands] -> lost -> pause -> connect ...

A PUBACK frees a place in flight and nothing else. Only the journal's ack takes a pack out of the
outbox; what it does not come for is sent again.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from random import Random

import msgspec
from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from edge import metrics
from edge.commits import Commits
from edge.outbox import Item
from edge.session import BrokerUnavailableError, Session
from edge.settings import EdgeSettings
from weinao import topics
from weinao.codec import MSGPACK
from weinao.messages import Ack
from weinao.outage import Outage
from weinao.outcomes import Command

URGENT_EXTRA = 8
"""Places in flight beyond `in_flight_max` that only alarms may take."""
ACKS_MAX = 10_000
"""Acks that wait to be taken in; beyond it the oldest go, which only means sending again."""
_ACK_LINGER_S = 0.02
_LOOK_AGAIN_S = 1.0
_STEADY_S = 30.0
_STALLED_MS = 30_000

_ack = msgspec.json.Decoder(Ack)
_command = msgspec.json.Decoder(Command)


class Presence(Struct, frozen=True, kw_only=True):
    """What stands retained under `status/{agent}`: its birth, or its last will."""

    v: int = 1
    agent: str
    online: bool
    boot: str
    at: int


class Uplink:
    """Sends what the outbox holds, and takes in what comes down.

    Args:
        settings: Of the agent.
        commits: The way to the outbox.
        on_command: Called with each command that comes down.
        log: Bound to the agent.
        now: Milliseconds UTC.
        timer: What waits for the broker and the journal are measured by, in milliseconds.
        rng: Spreads the reconnecting of many agents.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        commits: Commits,
        *,
        on_command: Callable[[Command], None],
        log: FilteringBoundLogger,
        now: Callable[[], int],
        timer: Callable[[], int],
        rng: Random,
    ) -> None:
        self._settings, self._commits, self._on_command = settings, commits, on_command
        self._log, self._now, self._timer, self._rng = log, now, timer, rng
        self._outage = Outage(log, "broker", timer)
        self._disk = Outage(log, "disk of what is acknowledged", timer)
        self._more, self._acked = asyncio.Event(), asyncio.Event()
        self._unheard = self._connected = False
        self._acks: deque[tuple[str, Ack]] = deque(maxlen=ACKS_MAX)
        self._in_flight, self._delivered_at = 0, 0
        self._listening: set[str] = set()
        self._content_type = MSGPACK if settings.uplink.encoding == "msgpack" else ""

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connected

    def wake(self) -> None:
        """Look into the outbox: there is more."""
        self._more.set()

    async def run(self) -> None:
        """Connect, drain, and connect again, until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            self._outage.lost(await self._connection())
            failures = 0 if loop.time() - began > _STEADY_S else failures + 1
            await asyncio.sleep(self._pause_s(failures))

    async def _connection(self) -> object:
        """Hold one connection, and return why it ended."""
        session = Session(
            self._settings.broker,
            self._settings.agent,
            will=(self._status_topic(), self._presence(online=False)),
            in_flight_max=self._settings.uplink.in_flight_max + URGENT_EXTRA,
            on_message=self._heard,
        )
        try:
            await session.open()
        except BrokerUnavailableError as error:
            return error
        self._outage.restored()
        self._show_connected(True)
        try:
            return await self._serve(session)
        finally:
            self._show_connected(False)
            session.publish(self._status_topic(), self._presence(online=False), retain=True)
            session.close()

    async def _serve(self, session: Session) -> object:
        await self._commits.ask(self._commits.outbox.rewind)
        self._in_flight, self._listening, self._delivered_at = 0, set(), self._timer()
        session.subscribe(self._down_topic(topics.command), 1)
        session.subscribe(topics.ingest(self._settings.community), 0)
        session.publish(self._status_topic(), self._presence(online=True), retain=True)
        work = [
            asyncio.ensure_future(doing)
            for doing in (session.lost(), self._send(session), self._take_in_acks())
        ]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _send(self, session: Session) -> str:
        in_flight_max = self._settings.uplink.in_flight_max
        while self._in_flight < in_flight_max or self._timer() - self._delivered_at < _STALLED_MS:
            self._more.clear()
            if self._unheard:
                # A broker that started anew has dropped what came before ingest was back.
                self._unheard = False
                await self._commits.ask(self._commits.outbox.rewind)
            room = in_flight_max - self._in_flight
            batch = await self._commits.ask(
                self._commits.outbox.next_batch,
                max(room, 0),
                URGENT_EXTRA + min(room, 0),
                self._timer(),
            )
            for item in batch:
                self._publish(session, item)
            if not batch or self._in_flight >= in_flight_max:
                await self._wait_for_more()
        return f"{self._in_flight} messages without PUBACK for {_STALLED_MS / 1_000:.0f} s"

    async def _wait_for_more(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_AGAIN_S):  # something may have to be sent again
                await self._more.wait()
        except TimeoutError:
            pass

    def _publish(self, session: Session, item: Item) -> None:
        if item.device not in self._listening:
            self._listening.add(item.device)
            session.subscribe(
                topics.ack(self._settings.community, self._settings.grid, item.device), 0
            )
        self._in_flight += 1
        (metrics.RESENT if item.again else metrics.SENT).labels(item.lane.name.lower()).inc()
        session.publish(
            topics.up(self._settings.community, self._settings.grid, item.kind, item.device),
            item.payload,
            content_type=self._content_type,
            delivered=self._delivered,
        )

    def _delivered(self) -> None:
        self._in_flight -= 1
        self._delivered_at = self._timer()
        if self._in_flight <= self._settings.uplink.in_flight_max // 2:
            self._more.set()

    def _heard(self, topic: str, payload: bytes) -> None:
        *_, device, what = topic.split("/")
        try:
            if what == "ingest":
                self._unheard = True
                self._more.set()
            elif what == "ack":
                self._acks.append((device, _ack.decode(payload)))
                self._acked.set()
            elif what == "command":
                self._on_command(_command.decode(payload))
        except (msgspec.DecodeError, UnicodeError) as error:
            metrics.REJECTED.inc()
            self._log.debug("message.rejected", what=what, error=str(error))

    async def _take_in_acks(self) -> None:
        while True:
            await self._acked.wait()
            await asyncio.sleep(_ACK_LINGER_S)  # one commit for many
            self._acked.clear()
            acks = list(self._acks)
            self._acks.clear()
            try:
                gone = await self._commits.ask(self._commits.outbox.acknowledge_all, acks)
            except sqlite3.OperationalError as error:
                # A full disk, most often. What they were for is sent again, and they with it.
                self._disk.lost(error)
                continue
            self._disk.restored()
            metrics.ACKED.inc(gone)
            if gone:
                self._more.set()

    def _show_connected(self, connected: bool) -> None:
        self._connected = connected
        metrics.CONNECTED.set(connected)

    def _pause_s(self, failures: int) -> float:
        uplink = self._settings.uplink
        pause_s = uplink.reconnect_s_min * 2.0 ** min(max(failures - 1, 0), 16)
        return min(pause_s, uplink.reconnect_s_max) * self._rng.uniform(0.5, 1.0)

    def _status_topic(self) -> str:
        return topics.status(self._settings.community, self._settings.grid, self._settings.agent)

    def _down_topic(self, name: Callable[[str, str, str], str]) -> str:
        return name(self._settings.community, self._settings.grid, self._settings.agent)

    def _presence(self, *, online: bool) -> bytes:
        return msgspec.json.encode(
            Presence(
                agent=self._settings.agent,
                online=online,
                boot=self._commits.outbox.boot,
                at=self._now(),
            )
        )
