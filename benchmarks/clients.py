"""What a message costs `weinao ingest` by each MQTT client, journalled and acknowledged both ways.

python benchmarks/clients.py --json
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from pipeline.journal import JournalReader
from pipeline.mqtt.broker import Broker
from pipeline.mqtt.link import Link
from weinao import codec, logging, topics
from weinao.cli.system import free_port
from weinao.clock import now_ms
from weinao.messages import Home, Pack, Sensor

MOSQUITTO = (
    shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    or "mosquitto"
)


def cost(client: str, messages: int) -> dict[str, float]:
    """Let an ingest take so many packs of 100 devices; return its CPU time and rate."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        conf, log = folder / "mosquitto.conf", folder / "ingest.log"
        conf.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 1000\n"
            "max_queued_messages 0\nuser root\n"
        )
        (folder / "ingest.toml").write_text(f'client = "{client}"\n')
        broker = subprocess.Popen([MOSQUITTO, "-c", str(conf)], stderr=subprocess.DEVNULL)  # noqa: S603
        ingest = subprocess.Popen(  # noqa: S603
            [
                sys.executable, "-m", "weinao.cli.main", "ingest", "--data", str(folder / "data"),
                "--community", "c", "--broker", f"127.0.0.1:{port}",
                "--config", str(folder / "ingest.toml"),
            ],
            stderr=log.open("ab"),
        )  # fmt: skip
        link = Link(
            Broker(port=port), "sender", ("weinao/v1/c/ingest/#",), rng=random.Random(),
            now=now_ms, log=logging.logger(),
        )  # fmt: skip
        said = (Home(at=now_ms(), sensor=Sensor.PIR, value=1),)
        sent = [
            Pack(v=1, device=f"d-{n % 100}", boot="00000001-b", seq=n // 100 + 1, sent=0, obs=said)
            for n in range(messages)
        ]
        try:
            while not link.up:
                link.work(0.05)
            while "ingest.started" not in log.read_text():
                time.sleep(0.05)
            time.sleep(2)
            process = psutil.Process(ingest.pid)
            before, began = sum(process.cpu_times()[:2]), time.monotonic()
            for pack in sent:
                topic = topics.up("c", "g", "home", pack.device)
                link.publish(topic, codec.encode(pack))
                while link.unanswered > 500:
                    link.work(0.001)
            reader, count = JournalReader(folder / "data" / "journal"), 0
            while count < messages:
                link.work(0.01)
                count += sum("/up/" in record.topic for record in reader.read(10_000))
                assert time.monotonic() - began < 120, log.read_text()
            took = time.monotonic() - began
            used = sum(process.cpu_times()[:2]) - before
        finally:
            link.close()
            ingest.kill()
            ingest.wait()
            broker.terminate()
            broker.wait()
    return {"cpu_us_a_message": round(used / messages * 1e6, 1), "a_second": round(messages / took)}


def main() -> None:
    """Measure both, one after the other, and print."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--messages", type=int, default=50_000)
    ask.add_argument("--json", action="store_true")
    told = ask.parse_args()
    found: dict[str, object] = {
        client: cost(client, told.messages) for client in ("paho", "mqtt5")
    }  # fmt: skip
    ratio = found["paho"]["cpu_us_a_message"] / found["mqtt5"]["cpu_us_a_message"]  # type: ignore[index]
    found["paho_vs_mqtt5"] = round(ratio, 2)
    print(json.dumps(found) if told.json else "\n".join(f"{k:16} {v}" for k, v in found.items()))


if __name__ == "__main__":
    main()
