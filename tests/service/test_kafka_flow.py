"""Ingest and flow as real programs, with a partition between them, killed meanwhile."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from sim.cast import COMMUNITY, home, setting
from sinks.client import StoreClient
from sinks.store import Filter, StoreError, every
from tests.service.senders import Said, Senders
from weinao.cli import system
from weinao.cli.registry import publish
from weinao.cli.supervisor import Program, Supervisor, arguments
from weinao.clock import now_ms
from weinao.messages import Home, Sensor

confluent_kafka = pytest.importorskip("confluent_kafka", reason="the extra `kafka` is missing")
pytest.importorskip("bytewax", reason="Bytewax has no wheel for this Python")

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(600)]

HOMES = 6


def test_a_partition_as_the_journal_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    # It keeps its partitions in memory: only who uses it can be killed, not the cluster itself.
    cluster = confluent_kafka.Producer(
        {"bootstrap.servers": "none:1", "test.mock.num.brokers": 3, "log_level": 0}
    )
    [one, *_] = cluster.list_topics(timeout=20).brokers.values()
    journal = ("--journal", f"kafka://{one.host}:{one.port}/weinao.demo/2")
    plan = system.Plan(
        data=tmp_path / "data", community=COMMUNITY, grids=("grid-1",),
        broker_port=system.free_port(), epoch_s=0.5,
    )  # fmt: skip
    supervisor = Supervisor(tmp_path / "logs")
    try:
        for program in system.programs(plan):
            more = journal if program.name in ("ingest", "flow") else ()
            told = arguments(*program.arguments, *more)
            ready = None if more else program.ready
            supervisor.start(Program(program.name, told, ready))
        said = _story(now_ms())
        records = setting({"grid-1": 480})
        for number in range(HOMES):
            rooms = {f"sos-{number}": "hall", f"pir-{number}": "hall"}
            records += home(str(number), "grid-1", sensors=rooms, heartbeat_s=600)
        loaded, of = publish(records, broker=plan.broker, community=COMMUNITY, timeout_s=60)
        senders = Senders(plan.broker_port, COMMUNITY)
        begun = time.monotonic()
        due = [(1.0, "flow"), (2.5, "ingest"), (4.0, "flow"), (5.5, "ingest")]

        def turn() -> None:
            supervisor.look()
            if not due or time.monotonic() - begun < due[0][0]:
                return
            pid = supervisor.pid(due[0][1])
            if pid is not None:  # else it is being started again, and its turn comes
                due.pop(0)
                os.kill(pid, signal.SIGKILL)

        senders.deliver(said, turn, every_s=0.08, timeout_s=90)
        senders.close()
        ids, incidents = _kept(plan.data, supervisor, said)
    finally:
        supervisor.close()

    assert loaded == of
    assert ids == Counter(f"{it.device}:00000001-a:{it.seq}.0" for it in said)
    assert incidents == HOMES


def _story(at: int) -> list[Said]:
    said = []
    for turn in range(12):
        for number in range(HOMES):
            pir = Home(at=at + turn, sensor=Sensor.PIR, value=float(turn % 2), room="hall")
            said.append(Said("grid-1", "home", f"pir-{number}", turn + 1, pir))
            if turn == number:
                sos = Home(at=at + turn, sensor=Sensor.SOS, value=1.0, room="hall")
                said.append(Said("grid-1", "home", f"sos-{number}", 1, sos))
    return said


def _kept(data: Path, supervisor: Supervisor, said: list[Said]) -> tuple[Counter[str], int]:
    store = StoreClient(data / "store.sock")
    devices, ids = {it.device for it in said}, Counter[str]()
    deadline = time.monotonic() + 120
    while len(ids) < len(said) and time.monotonic() < deadline:
        supervisor.look()
        time.sleep(0.2)
        try:
            found = [it.value for it in every(store, "observations", Filter())]
        except StoreError:
            continue
        ids = Counter(it.id for it in found if it.device in devices)
    incidents = len(list(every(store, "incidents", Filter())))
    store.close()
    return ids, incidents
