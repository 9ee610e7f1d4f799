"""Broker and ingest as the real programs that they are, and a device that sends to them."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pipeline.journal import JournalReader, Record
from weinao import codec, topics
from weinao.cli.system import free_port
from weinao.messages import Ack, Home, Pack, Sensor
from weinao.numbers import Numbers

COMMUNITY, GRID = "c-1", "grid-1"
ROOT = Path(__file__).parents[2]

_WEINAO = (sys.executable, "-m", "weinao.cli.main")


SETTINGS = "[rhythm]\ntick_s = 0.2\n"


class Running:
    """The programs of a folder; each is started, killed and asked to end by its name."""

    def __init__(self, folder: Path, settings: str = SETTINGS) -> None:
        self.folder, self.port = folder, free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._settings = folder / "ingest.toml"
        self._settings.write_text(settings)

    def broker(self) -> None:
        self._start("broker", "--port", str(self.port))

    def ingest(self) -> None:
        self._start(
            "ingest", "--community", COMMUNITY, "--broker", self.address,
            "--config", str(self._settings), "--metrics-port", "0",
        )  # fmt: skip

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait(60)

    def end(self, name: str, number: int = signal.SIGTERM) -> int:
        self.processes[name].send_signal(number)
        return self.processes[name].wait(60)

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def wait(self, until: Callable[[], object], timeout_s: float = 90) -> None:
        deadline = time.monotonic() + timeout_s
        while not until():
            logs = {name: self.log(name)[-2_000:] for name in self.processes}
            assert time.monotonic() < deadline, logs
            time.sleep(0.01)

    def journalled(self, offset: int = 0) -> list[Record]:
        """Return what is durable, ticks left out."""
        return [r for r in self.records(offset) if r.topic != topics.tick(COMMUNITY)]

    def records(self, offset: int = 0) -> list[Record]:
        reader = JournalReader(self.folder / "journal", offset)
        found: list[Record] = []
        while batch := reader.read(1_000):
            found += batch
        reader.close()
        return found

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait(60)

    def _start(self, name: str, *arguments: str) -> None:
        before = self.log(name).count(f"{name}.started")
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*_WEINAO, name, "--data", str(self.folder), *arguments],
                stderr=log, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        self.wait(lambda: self.log(name).count(f"{name}.started") > before)


@contextmanager
def running(folder: Path, settings: str = SETTINGS) -> Iterator[Running]:
    made = Running(folder, settings)
    try:
        yield made
    finally:
        made.close()


class Sender:
    """A device that keeps what it sent until it hears that it is durable."""

    def __init__(self, address: str, device: str = "pir-1", boot: str = "00000001-aaaaaa") -> None:
        self.device, self.boot = device, boot
        self.numbers = Numbers()
        self.acks: list[Ack] = []
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=device, protocol=MQTTProtocolVersion.MQTTv5
        )
        self.client.on_message = self._heard
        self.client.on_connect = lambda c, *_: c.subscribe(
            topics.ack(COMMUNITY, GRID, device), qos=1
        )
        hears = threading.Event()
        self.client.on_subscribe = lambda *_: hears.set()
        host, port = address.split(":")
        self.client.connect(host, int(port))
        self.client.loop_start()
        assert hears.wait(60)  # what is acknowledged before that, it would not hear of

    @property
    def waiting(self) -> Callable[[int], list[int]]:
        """Which of the first so many numbers are not known to be durable."""
        return lambda count: [n for n in range(1, count + 1) if n not in self.numbers]

    def pack(self, seq: int) -> Pack:
        now = time.time_ns() // 1_000_000
        said = Home(at=now, sensor=Sensor.PIR, value=1)
        return Pack(v=1, device=self.device, boot=self.boot, seq=seq, sent=now, obs=(said,))

    def send(self, *seqs: int) -> None:
        for seq in seqs:
            self.publish("home", codec.encode(self.pack(seq)))

    def publish(
        self, kind: str, payload: bytes, content_type: str = "", *, retain: bool = False
    ) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        if content_type:
            properties.ContentType = content_type
        topic = topics.up(COMMUNITY, GRID, kind, self.device)
        self.client.publish(topic, payload, 1, retain, properties)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        ack = msgspec.json.decode(message.payload, type=Ack)
        if ack.boot == self.boot:
            self.acks.append(ack)
            self.numbers = Numbers(ack.seq, tuple(ack.also))
