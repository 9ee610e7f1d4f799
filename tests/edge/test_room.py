"""On a full disk alarms become durable, and go, all the same."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.lanes import Lane
from edge.outbox import Outbox
from edge.room import BYTES
from tests.disk import fill, small_disk
from tests.edge.broker import RealBroker
from tests.edge.journal import SmallJournal
from tests.edge.made import NOW, entry, outbox
from tests.edge.process import AgentProcess
from weinao.messages import Ack, Home

HOME = """
[[device]]
id = "sos-1"
driver = "simulated"
kind = "sos"

[[happening]]
at_s = 6
kind = "sos"
"""


@pytest.mark.parametrize("before", [1, 300])
@pytest.mark.slow
def test_a_new_outbox_takes_alarms_and_acks_for_as_long_as_the_disk_is_full(
    tmp_path: Path, before: int
) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        box = outbox(disk, disk_free=lambda: shutil.disk_usage(disk).free)
        for number in range(before):
            box.put([entry(lane=Lane.STATUS)], NOW + number)
        filler = fill(disk)

        refused = _refused(box)  # what was kept is given up, for whoever tries again
        for number in range(1, 1_001):
            box.put([entry("sos-1", lane=Lane.ALARM)], NOW)
            box.acknowledge("sos-1", Ack(boot=box.boot, seq=number))
        waiting = box.depth().items
        filler.unlink()
        box.put([entry("sos-1", lane=Lane.ALARM)], NOW)
        kept = (disk / "outbox.sqlite.room").stat().st_size
        box.close()

    assert refused
    assert waiting[Lane.ALARM] == 0
    assert waiting[Lane.STATUS] == before
    assert kept == BYTES


@pytest.mark.slow
def test_an_outbox_begins_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        outbox(disk, disk_free=lambda: shutil.disk_usage(disk).free).close()
        fill(disk)

        box = outbox(disk, disk_free=lambda: shutil.disk_usage(disk).free)
        [placed] = box.put([entry(lane=Lane.ALARM)], NOW)
        box.close()

    assert placed.seq == 1


@pytest.mark.service
@pytest.mark.slow
def test_an_agent_whose_disk_is_full_still_calls_for_help(
    tmp_path: Path, broker: RealBroker, journal: Callable[[], SmallJournal]
) -> None:
    kept = journal()
    with small_disk(tmp_path / "agent", 16) as disk:
        agent = AgentProcess(tmp_path, broker.port, HOME)
        agent.start()
        try:
            _until(lambda: len(kept.packs) > 3)
            fill(disk)
            _until(lambda: any(isinstance(one.obs[0], Home) for one in kept.packs if one.obs))
            beats = len(kept.packs)
            _until(lambda: len(kept.packs) > beats + 5)
            alive = agent.terminate()
        finally:
            agent.terminate()

    assert alive == 0
    assert agent.log().count("agent.started") == 1


def _refused(box: Outbox) -> bool:
    for _ in range(10_000):
        try:
            box.put([entry("other")], NOW)
        except sqlite3.OperationalError:
            return True
    return False


def _until(met: Callable[[], object]) -> None:
    ends = time.monotonic() + 120
    while not met():
        assert time.monotonic() < ends
        time.sleep(0.05)
