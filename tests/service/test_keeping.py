"""A live journal is trimmed under its flow, whoever is killed; another brain knows what is open."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import paho.mqtt.client as mqtt
import pytest
from msgspec.structs import replace
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from pipeline.journal import oldest
from sim.cast import COMMUNITY, home, setting
from sinks.client import StoreClient
from sinks.store import Filter, StoreError, every
from tests.conftest import ROOT
from tests.service.senders import Said, Senders
from weinao import topics
from weinao.cli import system
from weinao.cli.journal import status_of
from weinao.cli.registry import publish
from weinao.cli.supervisor import Supervisor
from weinao.clock import now_ms
from weinao.messages import Home, Sensor
from weinao.outcomes import Incident

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(600)]

T = TypeVar("T")

GRID = "grid-1"
INGEST = """
segment_bytes_max = 1_000_000
[keep]
days = 0
bytes_max = 2_000_000
free_bytes_wanted = 0
"""


def test_a_trimmed_journal_keeps_what_people_and_another_brain_must_know(tmp_path: Path) -> None:
    ingest, policy = tmp_path / "ingest.toml", tmp_path / "policy.toml"
    ingest.write_text(INGEST)
    shipped = (ROOT / "configs" / "policy.toml").read_text()
    policy.write_text(re.sub(r"^kept_days = 30$", "kept_days = 29", shipped, flags=re.MULTILINE))
    plan = system.Plan(
        data=tmp_path / "data", community=COMMUNITY, grids=(GRID,), ingest=ingest,
        broker_port=system.free_port(), epoch_s=0.3,
    )  # fmt: skip
    journal = plan.data / "journal"
    supervisor = Supervisor(tmp_path / "logs")
    try:
        system.start(supervisor, plan)
        records = setting({GRID: 480})
        for number in (1, 2):
            records += home(f"h-{number}", GRID, sensors={f"sos-h-{number}": "hall"})
        loaded, of = publish(records, broker=plan.broker, community=COMMUNITY, timeout_s=60)
        assert loaded == of
        senders = Senders(plan.broker_port, COMMUNITY)
        _call(senders, supervisor, "sos-h-1")
        before = _until(supervisor, lambda: _incidents(plan))

        _flood(plan, supervisor)
        _until(supervisor, lambda: oldest(journal) > 0)
        for victim in ("ingest", "flow"):
            os.kill(supervisor.pid(victim) or 0, signal.SIGKILL)
        _until(supervisor, lambda: status_of(journal, "1").bytes < 3_200_000)
        found = status_of(journal, "1")
    finally:
        senders.close()
        supervisor.close()

    changed = Supervisor(tmp_path / "logs")
    try:
        system.start(changed, replace(plan, policy=policy))
        senders = Senders(plan.broker_port, COMMUNITY)
        _call(senders, changed, "sos-h-2")
        after = _until(changed, lambda: len(_incidents(plan)) > 1 and _incidents(plan))
        senders.close()
    finally:
        changed.close()

    assert [(one.kind, one.subject) for one in before] == [("sos", "home-h-1")]
    assert found.begins > 2_000_000, "the registry's records went long ago"
    assert found.readers[0].reader == "flow"
    assert [(one.kind, one.subject) for one in after] == [("sos", "home-h-1"), ("sos", "home-h-2")]
    assert after[0].id == before[0].id


def _call(senders: Senders, supervisor: Supervisor, device: str) -> None:
    sos = Home(at=now_ms(), sensor=Sensor.SOS, value=1.0, room="hall")
    senders.deliver(
        [Said(GRID, "home", device, 1, sos)], supervisor.look, every_s=0.01, timeout_s=60
    )


def _flood(plan: system.Plan, supervisor: Supervisor) -> None:
    """Send 6 MB that say nothing, and are journalled all the same."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id="flood", protocol=MQTTProtocolVersion.MQTTv5
    )
    client.connect("127.0.0.1", plan.broker_port)
    client.loop_start()
    topic = topics.up(COMMUNITY, GRID, "home", "flood")
    sent = [client.publish(topic, b"?" * 60_000, 1) for _ in range(100)]
    _until(supervisor, lambda: all(one.is_published() for one in sent))
    client.disconnect()
    client.loop_stop()


def _incidents(plan: system.Plan) -> list[Incident]:
    store = StoreClient(plan.data / "store.sock")
    try:
        values = [one.value for one in every(store, "incidents", Filter(grid=GRID))]
    except StoreError:
        return []
    finally:
        store.close()
    return [one for one in values if isinstance(one, Incident)]


def _until(supervisor: Supervisor, condition: Callable[[], T], timeout_s: float = 180) -> T:
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline
        supervisor.look()
        time.sleep(0.2)
    return found
