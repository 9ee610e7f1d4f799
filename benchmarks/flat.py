"""Whether the programs of a system stay as large as they are: a steady load, for an hour.

    python benchmarks/flat.py [--minutes 60] [--residents 10000] [--rate 5000] [--json]

Broker, ingest, flow, store and announce as `weinao up` starts them, everybody registered, and packs
of 50 vital signs by MQTT at QoS 1, each followed by its agent's heartbeat. Every ten seconds the
kernel is asked how large each program is
(`VmRSS`). Told are, of each, its size early (after a sixth of the time), at the end, its peak, and
how fast it grew in between, by least squares; and whether every reading that was sent is stored.
Exit code 1: the flow exceeded 300 MB, it grew by more than 5 % of its early size, or something
sent is not stored. `--picture` draws the sizes.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from made_journal import Town, write
from msgspec.structs import replace
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from rich.progress import Progress

from sim.cast import COMMUNITY
from sinks.client import StoreClient
from weinao import codec, topics
from weinao.cli import system
from weinao.cli.supervisor import Supervisor
from weinao.clock import now_ms
from weinao.messages import AnyObservation, Pack, Status, Vitals

A_GRID, A_PACK = 500, 50
LOOK_S = 10.0
FLOW_MB_MAX, GROWTH_MAX = 300.0, 0.05
DRAIN_S = 120.0
WATCHED = ("broker", "ingest", "flow", "store", "announce")


class Sender:
    """Sends so many readings a second, in packs, each wearable in its turn."""

    def __init__(self, town: Town, rate: int, port: int) -> None:
        self._town, self._every_s = town, A_PACK / rate
        self._spacing_ms = round(town.devices / rate * 1_000)
        self._packs, self._acked = 0, 0
        self._begun = time.monotonic()
        self._properties = Properties(PacketTypes.PUBLISH)
        self._properties.ContentType = codec.MSGPACK
        self._client = Client(CallbackAPIVersion.VERSION2, "flat", protocol=MQTTv5)
        self._client.max_inflight_messages_set(200)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    @property
    def readings(self) -> int:
        """How many were sent."""
        return self._packs * A_PACK

    def send(self) -> None:
        """Send what is due: a pack, and behind it the word of its agent that this was all."""
        due = int((time.monotonic() - self._begun) / self._every_s)
        while self._packs < due:
            number, turn = self._packs % self._town.devices, self._packs // self._town.devices
            now = now_ms()
            first = now - (A_PACK - 1) * self._spacing_ms
            readings = [_vitals(number + n, first + n * self._spacing_ms) for n in range(A_PACK)]
            self._say("vitals", f"band-{number:06d}", number, turn, readings)
            word = Status(at=now, complete_to=now)
            self._say("status", f"agent-{number:06d}", number, turn, [word])
            self._packs += 1

    def _say(
        self, kind: str, device: str, number: int, turn: int, said: Sequence[AnyObservation]
    ) -> None:
        pack = Pack(
            v=1, device=device, boot="00000001-a", seq=turn + 1, sent=said[-1].at, obs=tuple(said)
        )
        topic = topics.up(COMMUNITY, self._town.grid(number), kind, device)
        content = codec.encode(pack, codec.MSGPACK)
        self._client.publish(topic, content, 1, properties=self._properties)

    def close(self) -> None:
        """Wait until all is with the broker, and leave."""
        until = time.monotonic() + DRAIN_S
        while self._client._out_messages and time.monotonic() < until:  # noqa: SLF001  # nobody else tells
            time.sleep(0.1)
        self._client.disconnect()
        self._client.loop_stop()


def _vitals(number: int, at: int) -> Vitals:
    return Vitals(
        at=at, hr_bpm=60 + number % 30, spo2_pct=97, resp_per_min=15, temp_c=36.5, worn=True
    )


def sizes_mb(supervisor: Supervisor) -> Iterator[float]:
    """Yield how large each program is."""
    for name in WATCHED:
        status = Path(f"/proc/{supervisor.pid(name)}/status").read_text()
        [line] = [one for one in status.splitlines() if one.startswith("VmRSS:")]
        yield int(line.split()[1]) * 1_024 / 1e6


def measured(minutes: float, residents: int, rate: int) -> tuple[dict[str, object], np.ndarray]:
    """Run a system for a while; return the figures, and minutes and sizes, one row a look."""
    town = Town(devices=residents, grids=max(1, residents // A_GRID), sensors=True)
    with tempfile.TemporaryDirectory() as name:
        folder, restarts = Path(name), []
        begun = now_ms()
        write(
            folder / "journal", (replace(one, received_at=begun) for one in town.registered())
        )  # who had been registered long ago, and said nothing since, would be silent
        plan = system.Plan(
            data=folder,
            community=COMMUNITY,
            grids=tuple(town.names),
            broker_port=system.free_port(),
        )
        supervisor = Supervisor(folder / "logs", restarts.append)
        try:
            system.start(supervisor, plan)
            sender = Sender(town, rate, plan.broker_port)
            rows = _watched(supervisor, sender, minutes)
            sender.close()
            stored = _stored(StoreClient(folder / "store.sock"), sender.readings)
        finally:
            supervisor.close()
    sizes = np.array(rows)
    figures = {
        "minutes": minutes,
        "residents": residents,
        "readings_per_s": sender.readings / minutes / 60,
        "sent": sender.readings,
        "stored": stored,
        "restarts": restarts,
        **{name: _told(sizes[:, 0], sizes[:, n]) for n, name in enumerate(WATCHED, 1)},
    }
    return figures, sizes


def _watched(supervisor: Supervisor, sender: Sender, minutes: float) -> list[list[float]]:
    begun, rows = time.monotonic(), []
    with Progress(transient=True) as progress:
        task = progress.add_task("a steady load", total=minutes * 60)
        while (gone_s := time.monotonic() - begun) < minutes * 60:
            sender.send()
            supervisor.look()
            if gone_s >= len(rows) * LOOK_S:
                rows.append([gone_s / 60, *sizes_mb(supervisor)])
                progress.update(task, completed=gone_s)
            time.sleep(0.02)
    return rows


def _stored(store: StoreClient, wanted: int) -> int:
    """Wait until everything is stored, or nothing more comes; return how much is."""
    until, before = time.monotonic() + DRAIN_S, -1
    while time.monotonic() < until:
        count = store.counts()["observations"].get("vitals", 0)
        if count >= wanted:
            break
        if count > before:
            until, before = time.monotonic() + DRAIN_S, count
        time.sleep(1.0)
    store.close()
    return count


def _told(minutes: np.ndarray, sizes: np.ndarray) -> dict[str, float]:
    late = minutes >= minutes[-1] / 6
    slope, _ = np.polyfit(minutes[late], sizes[late], 1)
    return {
        "early_mb": round(float(np.median(sizes[late][:6])), 1),
        "end_mb": round(float(np.median(sizes[-6:])), 1),
        "peak_mb": round(float(sizes.max()), 1),
        "growth_mb_per_h": round(float(slope * 60), 2),
    }


def draw(sizes: np.ndarray, path: Path) -> None:
    """Draw how large each program was."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for n, name in enumerate(WATCHED, 1):
        axes.plot(sizes[:, 0], sizes[:, n], label=name)
    axes.set(xlabel="minutes", ylabel="resident, MB", ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--residents", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=5_000, help="readings a second")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures, sizes = measured(chosen.minutes, chosen.residents, chosen.rate)
    if chosen.picture:
        draw(sizes, chosen.picture)
    if chosen.json:
        print(json.dumps(figures))
    else:
        for label, value in figures.items():
            print(f"{label:16} {value}")
    flow = figures["flow"]
    flat = flow["end_mb"] <= flow["early_mb"] * (1 + GROWTH_MAX)
    sys.exit(not (flat and flow["peak_mb"] <= FLOW_MB_MAX and figures["sent"] == figures["stored"]))


if __name__ == "__main__":
    main()
