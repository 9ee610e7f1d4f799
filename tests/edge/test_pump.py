"""The pump: packs, keeps order, waits for the disk, and starts again what fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import msgspec
import pytest
from structlog.testing import capture_logs

from edge import pump as pump_module
from edge.commits import Commits
from edge.drivers.base import DeviceUnavailableError
from edge.drivers.choose import Chosen
from edge.outbox import Placed
from edge.pump import Pump
from edge.samples import HomeEvent, Sample
from edge.settings import OutboxSettings
from tests.edge.made import NOW, outbox
from weinao.logging import logger
from weinao.messages import Pack, Sensor, TimeQuality
from weinao.outage import Outage


class Script:
    """A driver that yields what it is given, is as far behind as it is told, and may fail."""

    def __init__(self, samples: list[Sample], behind_ms: int = 0, fails: bool = False) -> None:
        self.given, self.behind_ms, self.fails = samples, behind_ms, fails
        self.told: list[tuple[tuple[str, str], Placed]] = []

    async def samples(self) -> AsyncIterator[Sample]:
        for sample in self.given:
            yield sample
            await asyncio.sleep(0)
        if self.fails:
            raise DeviceUnavailableError("gone")

    def known_to(self, now: int) -> int:
        return now - self.behind_ms

    def kept(self, mark: tuple[str, str], placed: Placed) -> None:
        self.told.append((mark, placed))


def _event(n: int, device: str = "pir", sensor: Sensor = Sensor.PIR, **more: object) -> HomeEvent:
    return HomeEvent(device=device, at=NOW + n, sensor=sensor, value=1, **more)


def _play(folder: Path, *drivers: Script) -> list[Pack]:
    waiting = iter(drivers)
    box = outbox(folder)

    async def play() -> None:
        commits = Commits(
            box, OutboxSettings(), outage=Outage(logger(), "disk", lambda: NOW), now=lambda: NOW
        )
        pump = Pump(
            Chosen("pir", "wrist", lambda _marks, _clock: next(waiting)),
            commits,
            quality=lambda: TimeQuality.SYNCED,
            wall=lambda: NOW,
            log=logger(),
            rng=Random(1),
        )
        committing = asyncio.ensure_future(commits.run())
        await pump.run()
        while commits.pending_at() is not None:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)  # who waited for it hears of it
        committing.cancel()
        await asyncio.gather(committing, return_exceptions=True)
        await commits.close()

    asyncio.run(play())
    again = outbox(folder)
    packs = [msgspec.json.decode(i.payload, type=Pack) for i in again.next_batch(9_999, 0, NOW)]
    again.close()
    return packs


def _shapes(packs: list[Pack]) -> list[tuple[str, list[int]]]:
    return [(pack.device, [seen.at - NOW for seen in pack.obs]) for pack in packs]


def test_live_samples_go_one_by_one(tmp_path: Path) -> None:
    packs = _play(tmp_path, Script([_event(1), _event(2)]))

    assert _shapes(packs) == [("pir", [1]), ("pir", [2])]


def test_drained_samples_that_follow_each_other_share_packs(tmp_path: Path) -> None:
    samples = [*(_event(n) for n in range(130)), _event(200, "bed"), _event(201)]

    packs = _play(tmp_path, Script(list(samples), behind_ms=60_000))

    assert _shapes(packs) == [
        ("pir", list(range(100))), ("pir", list(range(100, 130))), ("bed", [200]), ("pir", [201]),
    ]  # fmt: skip


def test_alarms_share_no_pack_and_keep_their_place(tmp_path: Path) -> None:
    samples = [_event(1, "sos", Sensor.SOS), _event(2, "sos", Sensor.SOS), _event(3)]

    packs = _play(tmp_path, Script(list(samples), behind_ms=60_000))

    assert _shapes(packs) == [("sos", [1]), ("sos", [2]), ("pir", [3])]


def test_a_driver_hears_what_became_durable_and_where(tmp_path: Path) -> None:
    driver = Script([_event(1), _event(2, mark=("m", "v"))])

    packs = _play(tmp_path, driver)

    assert driver.told == [(("m", "v"), Placed("pir", packs[1].boot, 2))]


def test_a_driver_that_fails_is_started_again_and_complained_about_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "RESTART_S_MIN", 0.01)
    failing: Callable[[], Script] = lambda: Script([], fails=True)  # noqa: E731  # three of them

    with capture_logs() as logs:
        packs = _play(tmp_path, failing(), failing(), failing(), Script([_event(1)]))

    assert _shapes(packs) == [("pir", [1])]
    assert [line["event"] for line in logs] == ["peer.lost", "peer.restored"]


def test_what_was_held_when_a_driver_failed_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "RESTART_S_MIN", 0.01)

    packs = _play(tmp_path, Script([_event(1)], behind_ms=60_000, fails=True), Script([_event(2)]))

    assert _shapes(packs) == [("pir", [1]), ("pir", [2])]
