"""A bridge as the real programs that it is: killed, cut off, and right all the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mqtt5
import psutil
import psycopg
import pytest

from pipeline.mqtt.broker import Broker
from pipeline.mqtt.link import Link
from tests.pipeline.bridge import plainly
from tests.pipeline.bridge.made import BAD, GOOD, HEAD, JOB, message, registered
from tests.pipeline.running import Running
from tests.sinks import postgres
from weinao import logging
from weinao.cli.postgres import Server
from weinao.clock import now_ms

pytestmark = [pytest.mark.service, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
DEVICES = 40
TABLES = """
CREATE TABLE readings (device text, seq bigint, ts timestamptz, hr double precision,
  spo2 double precision, temp double precision, rr double precision, sbp double precision,
  battery double precision, score smallint, resident text, grid text);
CREATE TABLE window_means (device text, start timestamptz, n integer, hr double precision,
  spo2 double precision, temp double precision, rr double precision, sbp double precision);
"""


class Bridge:
    """One bridge, its broker and its database; and a witness of what it publishes."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.system, self.server, self.folder = Running(folder), server, folder
        self.system.broker()
        self.people = folder / "registry.csv"
        devices = registered(DEVICES)
        self.people.write_text(
            "\n".join([HEAD, *(",".join(row.values()) for row in devices.rows)]), encoding="utf-8"
        )
        self.said: list[mqtt5.PublishPacket] = []
        self.witness, self.sender = self._link("w", ("c1/#",)), self._link("s", ())
        self.process: subprocess.Popen[bytes] | None = None
        self.start()
        self.until(lambda: self.witness.up and self.sender.up)
        self.until(lambda: "bridge.subscribed" in self.log())

    def start(self) -> None:
        with (self.folder / "bridge.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "weinao.cli.main", "bridge", "run",
                    "--config", str(ROOT / "configs" / "bridge.toml"), "--people", self.people,
                    "--data", self.folder / "data", "--broker", self.system.address,
                    "--dsn", self.server.dsn,
                ],
                stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self, which: str) -> None:
        """Kill the whole bridge, or its flow, as a loss of power would but for the disk."""
        assert self.process is not None
        if which == "all":
            self.process.kill()
            self.process.wait()
            self.start()
            return
        for child in psutil.Process(self.process.pid).children():
            child.send_signal(signal.SIGKILL)

    def work(self) -> None:
        self.sender.work(0)
        came = self.witness.work(0.02)
        self.said += [p for p in came if not p.topic.startswith("c1/wearable")]
        self.witness.ack([p.packet_id for p in came if p.packet_id])
        self.witness.flush()

    def until(self, done: Callable[[], object], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self.log()
            self.work()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        try:
            with psycopg.connect(self.server.dsn, connect_timeout=2) as db:
                return db.execute(query).fetchall()
        except psycopg.Error:
            return []

    def log(self) -> str:
        logs = [self.folder / "bridge.log", *(self.folder / "data" / "logs").glob("*")]
        return "\n".join(path.read_text() for path in logs)

    def close(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
        self.witness.close()
        self.sender.close()
        self.system.close()

    def _link(self, name: str, filters: tuple[str, ...]) -> Link:
        broker = Broker(port=self.system.port, reconnect_s_max=0.2)
        return Link(
            broker, name, filters, rng=random.Random(1), now=now_ms, log=logging.logger()
        )  # fmt: skip


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    server = postgres.own("postgresql")
    with psycopg.connect(server.dsn, autocommit=True) as db:
        db.execute(TABLES)
    made = Bridge(tmp_path, server)
    yield made
    made.close()
    server.remove()


def story(readings: int) -> list[bytes]:
    """Return what all devices send: bad episodes, copies, and what cannot be used."""
    rng = random.Random(7)
    sent: list[bytes] = []
    for number in range(1, readings + 1):
        for device in range(DEVICES):
            values = BAD if (number + 3 * device) % 40 < 6 else GOOD
            made = message(device, number, number + device / 100, **values)
            sent.append(made)
            if rng.random() < 0.02:
                sent.append(made)
            if rng.random() < 0.01:
                sent.append(made[:30])
    return [*sent, *(message(device, readings + 1, readings + 200) for device in range(DEVICES))]


def test_nothing_is_lost_or_twice_whatever_is_killed_or_away(bridge: Bridge) -> None:
    sent = story(int(os.environ.get("WEINAO_BRIDGE_READINGS", "90")))
    devices = registered(DEVICES)
    expected = plainly.answers(sent, JOB, devices)
    faults = {
        0.15: lambda: bridge.kill("flow"),
        0.3: lambda: bridge.kill("all"),
        0.45: bridge.server.kill,
        0.6: bridge.server.start,
        0.7: lambda: bridge.kill("flow"),
    }
    kept = 0
    for place in range(0, len(sent), 40):
        for at in [at for at in faults if place >= at * len(sent)]:
            # Each fault meets a bridge at work; the database's own need not be waited for.
            if at != 0.6:
                bridge.until(lambda kept=kept: _count(bridge) > kept)
                kept = _count(bridge)
            faults.pop(at)()
            bridge.until(_passed(1.0))
        for payload in sent[place : place + 40]:
            bridge.sender.publish("c1/wearable/w/vitals", payload)
        bridge.until(lambda: bridge.sender.unanswered < 200)
    want = len(expected["rows"])
    bridge.until(
        lambda: (
            bridge.rows("SELECT count(*) FROM readings") == [(want,)]
            and len(bridge.rows("SELECT 1 FROM window_means")) >= len(expected["means"]) - DEVICES
        ),
    )
    bridge.until(lambda: len(alerts(bridge)) >= len(expected["alerts"]))
    time.sleep(1)  # whatever would come twice has come by now

    rows = bridge.rows("SELECT device, seq, score FROM readings")
    assert sorted(rows) == sorted(expected["rows"])
    assert alerts(bridge) == {(device, number) for device, number, _ in expected["alerts"]}
    means = bridge.rows(
        "SELECT device, extract(epoch FROM start)::int, n, hr, spo2, temp, rr, sbp"
        " FROM window_means"
    )
    assert len(means) == len({row[:2] for row in means})
    for device, start, *values in means:
        assert values == pytest.approx(expected["means"][device, start])


def test_alerts_go_on_while_the_database_is_away_and_it_is_said_once(bridge: Bridge) -> None:
    bridge.sender.publish("c1/wearable/w/vitals", message(2, 1, 0, **GOOD))
    bridge.until(lambda: _count(bridge) == 1)  # all of it runs: how long that takes is not asked
    bridge.server.stop()
    began = time.monotonic()
    for number in range(1, 4):
        bridge.sender.publish("c1/wearable/w/vitals", message(1, number, number, **BAD))
    bridge.until(lambda: alerts(bridge) == {("w-1", 3)})
    assert time.monotonic() - began < 30
    bridge.until(lambda: "peer.lost" in bridge.log())

    bridge.server.start()

    bridge.until(lambda: bridge.rows("SELECT count(*) FROM readings") == [(4,)])
    bridge.until(lambda: "peer.restored" in bridge.log())
    assert bridge.log().count("peer=database") == 2


def _passed(seconds: float) -> Callable[[], bool]:
    since = time.monotonic()
    return lambda: time.monotonic() - since > seconds


def _count(bridge: Bridge) -> int:
    found = bridge.rows("SELECT count(*) FROM readings")
    return int(str(found[0][0])) if found else 0


def alerts(bridge: Bridge) -> set[tuple[str, int]]:
    raised = [json.loads(p.payload) for p in bridge.said if p.topic.startswith("c1/alerts/")]
    return {(one["device"], one["seq"]) for one in raised}
