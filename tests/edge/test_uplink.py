"""The uplink against a real broker, and a small journal that acknowledges as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from edge.commits import Commits
from edge.lanes import Lane
from edge.settings import BrokerSettings, EdgeSettings, OutboxSettings, UplinkSettings
from edge.uplink import Uplink
from tests.edge.broker import RealBroker
from tests.edge.journal import SmallJournal
from tests.edge.made import entry, outbox
from weinao.clock import now_ms
from weinao.logging import logger
from weinao.messages import Pack
from weinao.outage import Outage
from weinao.outcomes import Command

pytestmark = pytest.mark.service

Connect = Callable[[], SmallJournal]
IN_FLIGHT_MAX = UplinkSettings().in_flight_max

PATIENCE_S = 120
"""Of a machine that others use, too: how fast it goes is not asked here."""


class Rig:
    """An outbox, the way to it, and its uplink."""

    def __init__(self, folder: Path, port: int, **uplink: object) -> None:
        self.settings = EdgeSettings(
            agent="agent-1",
            community="test",
            grid="g1",
            folder=str(folder),
            broker=BrokerSettings(port=port, keep_alive_s=5),
            uplink=UplinkSettings(reconnect_s_min=0.1, reconnect_s_max=0.3, **uplink),
        )
        self.box = outbox(folder, uplink=self.settings.uplink, now=now_ms())
        log = logger()
        self.commits = Commits(
            self.box,
            OutboxSettings(),
            outage=Outage(log, "disk", now_ms),
            now=now_ms,
            on_durable=lambda: self.uplink.wake(),  # noqa: PLW0108  # it is made below
        )
        self.commands: asyncio.Queue[Command] = asyncio.Queue()
        self.uplink = Uplink(
            self.settings,
            self.commits,
            on_command=self.commands.put_nowait,
            log=log,
            now=now_ms,
            timer=now_ms,
            rng=Random(1),
        )

    async def drained(self) -> None:
        while (await self.commits.ask(self.box.depth)).total:  # noqa: ASYNC110  # asks the disk
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[Rig]:
    work = [asyncio.ensure_future(rig.commits.run()), asyncio.ensure_future(rig.uplink.run())]
    try:
        yield rig
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await rig.commits.close()


async def soon(doing: Awaitable[object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await doing


def _sent() -> float:
    """Return how many packs of routine were sent in this process."""
    return REGISTRY.get_sample_value("weinao_edge_packs_sent_total", {"lane": "routine"}) or 0


def _numbers(packs: list[Pack]) -> set[tuple[str, int]]:
    return {(pack.device, pack.seq) for pack in packs}


def test_everything_put_reaches_the_journal_and_leaves_the_outbox(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    kept = journal()

    async def play() -> None:
        # Nothing is sent twice, however late it is acknowledged.
        async with running(Rig(tmp_path, broker.port, resend_s=PATIENCE_S)) as rig:
            await asyncio.gather(
                *(rig.commits.put(entry(f"d{n % 5}", now_ms())) for n in range(2_000))
            )
            await soon(rig.drained())

    asyncio.run(play())

    assert _numbers(kept.packs) == {(f"d{d}", seq) for d in range(5) for seq in range(1, 401)}
    assert len(kept.packs) == 2_000


def test_an_alarm_overtakes_ten_thousand_that_wait(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    kept = journal()

    async def play() -> tuple[int, float]:
        began = _sent()
        async with running(Rig(tmp_path, broker.port, unacked_max=100_000)) as rig:
            await rig.commits.ask(rig.box.put, [entry("pir-1")] * 10_000, now_ms())
            rig.uplink.wake()
            await asyncio.to_thread(kept.wait_for, lambda packs: len(packs) > 100)
            ahead = len(kept.packs)
            await rig.commits.put(entry("sos-1", now_ms(), Lane.ALARM))
            sent = _sent() - began
            await asyncio.to_thread(
                kept.wait_for, lambda packs: any(pack.device == "sos-1" for pack in packs)
            )
            return ahead, sent

    ahead, sent = asyncio.run(play())

    place = [pack.device for pack in kept.packs].index("sos-1")
    # What was on its way already comes before it, and what had just been taken out to be sent.
    assert ahead < place <= sent + IN_FLIGHT_MAX


def test_a_broker_that_is_killed_costs_nothing_and_two_lines_of_log(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    kept = journal()

    async def play() -> None:
        async with running(Rig(tmp_path, broker.port, resend_s=1.0)) as rig:
            await asyncio.gather(*(rig.commits.put(entry("a", now_ms())) for _ in range(300)))
            await soon(rig.drained())
            broker.kill()
            await asyncio.gather(*(rig.commits.put(entry("a", now_ms())) for _ in range(300)))
            await asyncio.sleep(0.5)
            broker.start()
            await soon(rig.drained())

    with capture_logs() as logs:
        asyncio.run(play())

    assert _numbers(kept.packs) == {("a", seq) for seq in range(1, 601)}
    assert [line["event"] for line in logs] == ["peer.lost", "peer.restored"]


def test_without_the_journals_word_nothing_leaves_and_all_is_sent_again(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    kept = journal()
    kept.withhold = True

    async def play() -> None:
        async with running(Rig(tmp_path, broker.port, resend_s=0.3)) as rig:
            await asyncio.gather(*(rig.commits.put(entry("a", now_ms())) for _ in range(20)))
            await asyncio.to_thread(kept.wait_for, lambda packs: len(packs) >= 60)
            assert (await rig.commits.ask(rig.box.depth)).total == 20
            kept.withhold = False
            await soon(rig.drained())

    asyncio.run(play())

    assert _numbers(kept.packs) == {("a", seq) for seq in range(1, 21)}


def test_birth_and_death_stand_under_status(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    kept = journal()

    async def play() -> None:
        async with running(Rig(tmp_path, broker.port)) as rig:
            await soon(rig.commits.put(entry()))
            await soon(rig.drained())

    asyncio.run(play())
    kept.wait_for(lambda _: len(kept.presence) >= 2)

    assert [word["online"] for word in kept.presence] == [True, False]
    assert kept.presence[0]["agent"] == "agent-1"


def test_commands_come_down(tmp_path: Path, broker: RealBroker, journal: Connect) -> None:
    kept = journal()

    async def play() -> Command:
        async with running(Rig(tmp_path, broker.port)) as rig:
            await soon(rig.commits.put(entry()))
            await soon(rig.drained())
            kept.command(
                "agent-1", id="c-1", device="agent-1", do="siren", incident="i-1", at=1,
                expires_at=2,
            )  # fmt: skip
            async with asyncio.timeout(PATIENCE_S):
                return await rig.commands.get()

    command = asyncio.run(play())

    assert (command.id, command.do) == ("c-1", "siren")
