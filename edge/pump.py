"""From a driver to the outbox: perceive, pack, put, and start again what fails.

    driver.samples() -> perceive -> [findings] -> packs -> put ... durable -> driver.kept

A live sample is put at once. A recording that is being drained is packed: findings of one device
and kind that follow each other share a pack.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random

from structlog.typing import FilteringBoundLogger

from edge import metrics
from edge.clock import ClockSteppedError, RisingClock
from edge.commits import Commits
from edge.drivers.base import Driver, DriverError
from edge.drivers.choose import Chosen
from edge.lanes import Lane
from edge.outbox import Entry, Mark, Placed
from edge.perception.base import Finding
from edge.perception.devices import DevicePerception
from edge.samples import Frame, Sample, is_word_of_the_device
from weinao.messages import TimeQuality
from weinao.outage import Outage

DRAINING_MS = 5_000
"""How far behind the wall clock a driver is that counts as draining a recording."""
PACK_MAX = 100
"""Observations in one pack, at most."""
UNDURABLE_MAX = 256
"""Packs put and not yet durable; above it the driver waits."""
RESTART_S_MIN, RESTART_S_MAX = 1.0, 60.0


class Pump:
    """Keeps one driver going.

    Args:
        chosen: Makes the driver.
        commits: The way to the outbox.
        quality: How far the clock may be trusted.
        wall: Milliseconds UTC.
        pace: Seconds of `wall` in one of the machine's.
        log: Bound to the agent.
        rng: Spreads restarts.
    """

    def __init__(
        self,
        chosen: Chosen,
        commits: Commits,
        *,
        quality: Callable[[], TimeQuality],
        wall: Callable[[], int],
        pace: float = 1.0,
        log: FilteringBoundLogger,
        rng: Random,
    ) -> None:
        self._chosen, self._commits, self._quality = chosen, commits, quality
        self._wall, self._log, self._rng = wall, log, rng
        self._draining_ms = DRAINING_MS * pace
        self._outage = Outage(log, f"device {chosen.device}", wall)
        self._driver: Driver | None = None
        self._perception = DevicePerception(chosen.position, {}, chosen.camera)
        self._held: list[Finding] = []
        self._undurable: deque[asyncio.Future[Placed]] = deque()
        self._away = False
        self.heard: dict[str, int] = {}

    def known_to(self, now: int) -> int:
        """Return up to when everything has been put that this driver's devices will ever say."""
        if self._driver is None:
            return now if self._away else 0
        upto = self._driver.known_to(now) - self._perception.lag_ms
        held = (found.observation.at for found in self._held if found.observation)
        return min(upto, now, *held)

    async def run(self) -> None:
        """Run the driver, and start it again whenever it fails, until cancelled."""
        pause_s = RESTART_S_MIN
        while True:
            began = time.monotonic()
            try:
                return await self._run_once()
            except ClockSteppedError as error:
                self._log.warning("clock.stepped", device=self._chosen.device, error=str(error))
                continue
            except (DriverError, OSError) as error:
                self._outage.lost(error)
            self._put_held(self._driver)
            self._driver, self._away = None, True
            pause_s = RESTART_S_MIN if time.monotonic() - began > RESTART_S_MAX else pause_s
            await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, RESTART_S_MAX)
            metrics.RESTARTS.inc()

    async def _run_once(self) -> None:
        marks = await self._commits.ask(self._commits.outbox.marks, "")
        clock = RisingClock(self._wall)
        self._perception = DevicePerception(
            self._chosen.position, _fell_at(marks), self._chosen.camera
        )
        if self._chosen.camera is not None:
            await asyncio.to_thread(self._perception.get_ready)
        self._driver = driver = self._chosen.make(marks, clock)
        async for sample in driver.samples():
            self._outage.restored()
            kind = type(sample).__name__
            metrics.SAMPLES.labels(kind).inc()
            with metrics.INFERENCE.labels(kind).time():
                found = await self._perceived(sample)
            if is_word_of_the_device(sample):  # what cannot be understood is as good as unheard
                self.heard[sample.device] = sample.at
            self._held += found
            draining = clock() - driver.known_to(clock()) > self._draining_ms
            if not draining or len(self._held) >= PACK_MAX or _urgent(found):
                self._put_held(driver)
            await self._wait_for_room()
        self._put_held(driver)

    async def _perceived(self, sample: Sample) -> list[Finding]:
        """Return what follows from a sample; a frame takes long, so a thread looks at it."""
        if isinstance(sample, Frame):
            return await asyncio.to_thread(self._perception.perceive, sample)
        return self._perception.perceive(sample)

    def _put_held(self, driver: Driver | None) -> None:
        held, self._held = self._held, []
        while held:
            together = _together(held)
            held = held[len(together) :]
            last = together[-1]
            entry = Entry(
                device=last.device,
                lane=last.lane,
                obs=tuple(found.observation for found in together if found.observation),
                quality=self._quality(),
                mark=last.mark,
            )
            if entry.obs:
                metrics.PUT.labels(entry.lane.name.lower()).inc()
            placing = self._commits.put(entry)
            self._undurable.append(placing)
            if driver and last.mark:
                placing.add_done_callback(partial(_tell, driver, last.mark))

    async def _wait_for_room(self) -> None:
        while self._undurable and (
            len(self._undurable) > UNDURABLE_MAX or self._undurable[0].done()
        ):
            await self._undurable.popleft()


def _tell(driver: Driver, mark: tuple[str, str], placing: "asyncio.Future[Placed]") -> None:
    if not placing.cancelled():
        driver.kept(mark, placing.result())


def _urgent(found: list[Finding]) -> bool:
    return any(one.lane is Lane.ALARM for one in found)


def _together(held: list[Finding]) -> list[Finding]:
    """Return the findings at the front that fit into one pack; alarms never share one."""
    first = held[0]
    count = 1
    while (
        count < min(len(held), PACK_MAX)
        and first.lane is not Lane.ALARM
        and _fits(first, held[count])
    ):
        count += 1
    return held[:count]


def _fits(first: Finding, other: Finding) -> bool:
    return (
        first.device == other.device
        and first.lane is other.lane
        and type(first.observation) is type(other.observation)
    )


def _fell_at(marks: list[Mark]) -> dict[str, int]:
    prefix = "fell/"
    return {
        mark.name.removeprefix(prefix): int(mark.value)
        for mark in marks
        if mark.name.startswith(prefix)
    }
