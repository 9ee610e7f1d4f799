"""The agent: drivers, perception, outbox and uplink on one event loop.

    driver -> Pump -> Commits -> Outbox -> Uplink -> broker
                          ^                  |
    heartbeat, receipts --+     acks, commands

Crash-only: it may be killed at any instant. What it said was durable is in the outbox's file, and
everything else it learns again. A signal to end commits what waits, sends it if there is a way,
says goodbye, and ends.
"""

import asyncio
import fcntl
import signal
from itertools import count
from pathlib import Path
from random import Random
from typing import IO

from structlog.typing import FilteringBoundLogger

from edge import heartbeat, metrics
from edge.actuators import actuators
from edge.clock import ClockQuality
from edge.commands import Commands
from edge.commits import Commits
from edge.drivers.choose import EPOCH, choose, truth_path
from edge.drivers.truth import TruthFile
from edge.lanes import Lane
from edge.memory import give_back
from edge.outbox import Depth, Entry, Outbox
from edge.pump import Pump
from edge.settings import EdgeSettings
from edge.uplink import Uplink
from weinao.clock import Clock, now_ms
from weinao.codec import JSON, MSGPACK
from weinao.messages import AnyObservation
from weinao.outage import Outage
from weinao.outcomes import Command

METRICS_S = 1.0
GIVE_BACK_S = 60

LAST_S = 3.0
"""How long an agent that is to end may take to send what it has sensed."""


class FolderInUseError(Exception):
    """Another agent works in this folder; give each its own."""


class Agent:
    """One agent, from its settings.

    Args:
        settings: All of them.
        log: Bound to the agent.
        clock: The time; what waits for the network goes by the wall all the same.
        rng: For boots, jitter and restarts.

    Raises:
        FolderInUseError: Another agent works in its folder.
        DriverError: The script asks for what the devices cannot sense.
        sqlite3.OperationalError: The folder cannot be written to.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        log: FilteringBoundLogger,
        clock: Clock,
        rng: Random,
    ) -> None:
        self._settings, self._log, self._now = settings, log, clock
        self._pace = clock.speed
        self._folder = Path(settings.folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self._folder / "agent.lock")
        self._outbox = Outbox(
            self._folder / "outbox.sqlite",
            settings.outbox,
            settings.uplink,
            log=log,
            now=clock(),
            rng=rng,
            disk_free=heartbeat.disk_free(self._folder),
            content_type=MSGPACK if settings.uplink.encoding == "msgpack" else JSON,
        )
        self._commits = Commits(
            self._outbox,
            settings.outbox,
            outage=Outage(log, "disk", now_ms),
            now=clock,
            on_durable=self._more,
        )
        self._uplink = Uplink(
            settings,
            self._commits,
            on_command=self._take,
            log=log,
            now=clock,
            timer=now_ms,
            rng=rng,
        )
        self._commands = Commands(
            {"heartbeat": self._beat_now, "resend": self._send_again},
            clock,
            actuators(settings.actuator),
        )
        self._at_work: set[asyncio.Task[None]] = set()
        self._quality = ClockQuality(settings.heartbeat.clock)
        self._beat = asyncio.Event()
        self._pumps = self._made_pumps(rng)

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT; what was sensed by then is sent, if it soon can be."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._log.info("agent.started", boot=self._outbox.boot, devices=len(self._pumps))
        try:
            async with asyncio.TaskGroup() as group:
                sensing = [group.create_task(pump.run()) for pump in self._pumps]
                sending = [
                    group.create_task(doing)
                    for doing in (
                        self._commits.run(),
                        self._uplink.run(),
                        self._beat_on(),
                        self._measure(),
                    )
                ]
                await stop.wait()
                for task in sensing:
                    task.cancel()
                if sensing:
                    await asyncio.wait(sensing, timeout=LAST_S)
                await self._send_last()
                for task in sending:
                    task.cancel()
        finally:
            await self._commits.close()
        self._log.info("agent.stopped")

    async def _send_last(self) -> None:
        """Give what waits a last chance, heartbeats left out; it stays in the outbox otherwise."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_S
        while self._uplink.connected and loop.time() < until:
            depth = await self._commits.ask(self._outbox.depth)
            waiting = sum(depth.items) - depth.items[Lane.STATUS]
            if not waiting and self._commits.pending_at() is None:
                break
            await asyncio.sleep(0.02)

    def _made_pumps(self, rng: Random) -> list[Pump]:
        truth = TruthFile(truth_path(self._folder))
        return [
            Pump(
                chosen,
                self._commits,
                quality=self._quality,
                wall=self._now,
                pace=self._pace,
                log=self._log,
                rng=rng,
            )
            for chosen in choose(self._settings, truth, self._epoch())
        ]

    def _epoch(self) -> int:
        """Return when the simulation began; the first start decides, if the settings do not."""
        if self._settings.simulation.epoch_ms:
            return self._settings.simulation.epoch_ms
        for mark in self._outbox.marks(EPOCH):
            return int(mark.value)
        now = self._now()
        self._outbox.put([Entry(device=self._settings.agent, mark=(EPOCH, str(now)))], now)
        return now

    async def _beat_on(self) -> None:
        while True:
            await self._put_own(await self._status())
            self._beat.clear()
            try:
                async with asyncio.timeout(self._settings.heartbeat.every_s / self._pace):
                    await self._beat.wait()
            except TimeoutError:
                pass

    async def _status(self) -> AnyObservation:
        now = self._now()
        # First what is still on its way to the outbox, then what is in it: on the way from the
        # one to the other it cannot be missed.
        pending = self._commits.pending_at()
        known = min((pump.known_to(now) for pump in self._pumps), default=now)
        kept = await self._commits.ask(self._outbox.complete_to, now)
        depth = await self._commits.ask(self._outbox.depth)
        return heartbeat.status(
            now=now,
            complete_to=min(kept, known, now if pending is None else pending),
            depth=depth,
            folder=self._folder,
            clock=self._quality(),
            heard={device: at for pump in self._pumps for device, at in pump.heard.items()},
        )

    async def _put_own(self, seen: AnyObservation) -> None:
        entry = Entry(
            device=self._settings.agent, lane=Lane.STATUS, obs=(seen,), quality=self._quality()
        )
        metrics.PUT.labels("status").inc()
        await self._commits.put(entry)

    async def _measure(self) -> None:
        thinned = dict.fromkeys(Lane, 0)
        for second in count():
            _show(await self._commits.ask(self._outbox.depth), self._now())
            for lane, packs in self._outbox.thinned.items():
                metrics.THINNED.labels(lane.name.lower()).inc(packs - thinned[lane])
                thinned[lane] = packs
            if second % GIVE_BACK_S == 0:
                give_back()
            await asyncio.sleep(METRICS_S)

    def _more(self) -> None:
        self._uplink.wake()

    def _take(self, command: Command) -> None:
        # The loop keeps no hold of what runs on it.
        task = asyncio.get_running_loop().create_task(self._carry_out(command))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _carry_out(self, command: Command) -> None:
        receipt = await self._commands.take(command)
        if receipt:
            entry = Entry(
                device=self._settings.agent,
                lane=Lane.STATUS,
                obs=(receipt,),
                quality=self._quality(),
            )
            self._commits.put(entry)

    def _beat_now(self) -> None:
        self._beat.set()

    def _send_again(self) -> None:
        self._log.info("outbox.rewound")
        asyncio.get_running_loop().create_task(self._rewind())

    async def _rewind(self) -> None:
        await self._commits.ask(self._outbox.rewind)
        self._uplink.wake()


def _locked(path: Path) -> IO[bytes]:
    """Return the folder's lock, held until the process ends."""
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise FolderInUseError(f"{path.parent}: another agent works here") from error
    return file


def _show(depth: Depth, now: int) -> None:
    for lane, packs in zip(metrics.LANES, depth.items, strict=True):
        metrics.DEPTH.labels(lane).set(packs)
    metrics.BYTES.set(depth.bytes)
    oldest = depth.oldest_put_at
    metrics.OLDEST.set(0 if oldest is None else max(now - oldest, 0) / 1_000)
