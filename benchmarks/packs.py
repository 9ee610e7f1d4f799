"""Vital signs as binary packs of 50: the columns alone, and from the broker to the database.

    python benchmarks/packs.py --json
    python benchmarks/packs.py --dsn 'host=… dbname=…' --readings 2000000

The ratio is to reading the same packs into objects, and no more than that, in the same run.
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
import psycopg

from pipeline.columns import people
from pipeline.columns.job import Worker
from pipeline.columns.people import Devices
from pipeline.columns.settings import Job
from pipeline.mqtt.broker import Broker
from pipeline.mqtt.link import Link
from weinao import codec, logging, packed, settings, topics
from weinao.cli.postgres import Server, system_programs
from weinao.cli.system import free_port
from weinao.clock import now_ms
from weinao.messages import Pack, Vitals

ROOT = Path(__file__).parents[1]
IN_PACK, LOT = 50, 40
MOSQUITTO = (
    shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    or "mosquitto"
)
START = 1_767_225_600_000
NAMES = {
    "hr": "hr_bpm", "spo2": "spo2_pct", "temp": "temp_c", "rr": "resp_per_min", "sbp": "sbp_mmhg",
    "battery": "battery_pct",
}  # fmt: skip
TABLES = """
CREATE TABLE readings (device text, seq bigint, ts timestamptz, hr double precision,
  spo2 double precision, temp double precision, rr double precision, sbp double precision,
  battery double precision, score smallint, resident text, grid text);
CREATE TABLE window_means (device text, start timestamptz, n integer, hr double precision,
  spo2 double precision, temp double precision, rr double precision, sbp double precision);
CREATE INDEX ON readings (device, ts);
"""


def config(folder: Path) -> Path:
    """Write the shipped job, for packs."""
    text = (ROOT / "configs" / "bridge.toml").read_text(encoding="utf-8")
    text = text.replace('# form = "json"', 'form = "pack"')
    for short, long in NAMES.items():
        text = text.replace(f'name = "{short}"', f'name = "{long}"')
        text = text.replace(f'of = "{short}"', f'of = "{long}"')
        text = text.replace(f'{short} = "{short}"', f'{short} = "{long}"')
    text = text.replace(
        'of = ["hr", "spo2", "temp", "rr", "sbp"]',
        f"of = {json.dumps([NAMES[name] for name in ('hr', 'spo2', 'temp', 'rr', 'sbp')])}",
    )
    path = folder / "packs.toml"
    path.write_text(text, encoding="utf-8")
    return path


def registered(folder: Path, count: int) -> Path:
    """Write a file of people."""
    lines = ["device,resident_id,tags,age_band,grid,family_contact"] + [
        f"w-{n:06d},res-{n:06d},{'copd' if n % 10 == 0 else ''},75-84,g{n % 20:02d},tel:{n}"
        for n in range(count)
    ]
    path = folder / "registry.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def packs(devices: int, readings: int) -> list[tuple[str, bytes]]:
    """Return seeded packs with their topics, one device after the other, a reading a second."""
    rng = random.Random(11)
    made = []
    rounds = readings // (devices * IN_PACK)
    for number in range(1, rounds + 1):
        for device in range(devices):
            bad = rng.random() < 1 / 40
            obs = tuple(
                Vitals(
                    at=START + ((number - 1) * IN_PACK + n) * 1_000,
                    hr_bpm=rng.randint(112, 128) if bad and 10 < n < 20 else rng.randint(58, 94),
                    spo2_pct=rng.randint(89, 93) if bad and 10 < n < 20 else rng.randint(96, 99),
                    temp_c=rng.randint(362, 378) / 10,
                    resp_per_min=rng.randint(25, 31)
                    if bad and 10 < n < 20
                    else rng.randint(13, 20),
                    sbp_mmhg=rng.randint(111, 139),
                    battery_pct=80,
                )
                for n in range(IN_PACK)
            )
            name = f"w-{device:06d}"
            pack = Pack(v=1, device=name, boot="00000001-b", seq=number, sent=START, obs=obs)
            made.append((f"c1/wearable/{name}/vitals", packed.encode(pack)))
    return made


def alone(job: Job, devices: Devices, sent: list[tuple[str, bytes]]) -> dict[str, float]:
    """Time the columns alone, and the object way beside them."""
    payloads = [payload for _, payload in sent]
    count = len(payloads) * IN_PACK
    rates = []
    for _ in range(3):
        worker = Worker(job, devices)
        began = time.process_time()
        got = 0
        for place in range(0, len(payloads), LOT * 5):
            got += len(worker.answer(payloads[place : place + LOT * 5]).readings)
        rates.append(count / (time.process_time() - began))
        assert got == count
    some = payloads[: max(1, 20_000 // IN_PACK)]
    topic = topics.up("demo", "g", "vitals", "{}")
    began = time.process_time()
    for payload in some:
        name = packed.head(payload)[1]
        got = codec.decode(
            topic.replace("{}", name), payload, received_at=START, content_type=codec.PACKED
        )
        assert len(got.pack.obs) == IN_PACK
    objects = len(some) * IN_PACK / (time.process_time() - began)
    return {
        "columns_readings_per_cpu_s": round(max(rates)),
        "objects_only_decoded_readings_per_cpu_s": round(objects),
        "columns_vs_objects": round(max(rates) / objects, 1),
    }


def through(
    folder: Path, sent: list[tuple[str, bytes]], dsn: str, devices: int
) -> dict[str, object]:
    """Time all of it: broker, bridge, database."""
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS readings, window_means, weinao_bridge_positions")
        db.execute(TABLES)
        edition = "postgresql"
        if db.execute(
            "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
        ).fetchone():
            db.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            db.execute("SELECT create_hypertable('readings', 'ts')")
            edition = "timescaledb"
    port = free_port()
    broker = subprocess.Popen(  # noqa: S603
        [MOSQUITTO, "-c", str(_conf(folder, port))], stderr=subprocess.DEVNULL
    )
    bridge = subprocess.Popen(  # noqa: S603
        [
            sys.executable, "-m", "weinao.cli.main", "bridge", "run",
            "--config", str(config(folder)),
            "--people", str(registered(folder, devices)), "--data", str(folder / "data"),
            "--broker", f"127.0.0.1:{port}", "--dsn", dsn,
        ],
        stderr=(folder / "bridge.log").open("ab"),
    )  # fmt: skip
    try:
        while "bridge.subscribed" not in (folder / "bridge.log").read_text():
            time.sleep(0.05)
        time.sleep(2)
        link = Link(
            Broker(port=port), "sender", (), rng=random.Random(), now=now_ms, log=logging.logger()
        )
        while not link.up:
            link.work(0.05)
        tree = [psutil.Process(bridge.pid), *psutil.Process(bridge.pid).children(recursive=True)]
        before, began = _cpu(tree), time.monotonic()
        for topic, payload in sent:
            link.publish(topic, payload)
            while link.unanswered > 200:
                link.work(0.001)
        while link.unanswered:
            link.work(0.01)
        want, rss = len(sent) * IN_PACK, 0
        with psycopg.connect(dsn, autocommit=True) as db:
            while db.execute("SELECT count(*) FROM readings").fetchone() != (want,):
                rss = max(rss, sum(one.memory_info().rss for one in tree))
                time.sleep(0.1)
                assert time.monotonic() - began < 300, (folder / "bridge.log").read_text()
        took, used = time.monotonic() - began, _cpu(tree) - before
        link.close()
    finally:
        bridge.terminate()
        bridge.wait(10)
        broker.terminate()
        broker.wait(10)
    return {
        "store": edition,
        "readings_per_s": round(want / took),
        "cpu_s_per_1m_readings": round(used / want * 1e6, 2),
        "peak_rss_mib": round(rss / 2**20, 1),
    }


def _cpu(tree: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in tree)


def _conf(folder: Path, port: int) -> Path:
    path = folder / "mosquitto.conf"
    path.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 1000\n"
        "max_queued_messages 0\nuser root\n"
    )
    return path


def main() -> None:
    """Measure, and print."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--devices", type=int, default=1_000)
    ask.add_argument("--readings", type=int, default=1_000_000)
    ask.add_argument("--dsn", default="")
    ask.add_argument("--programs", help="folder of PostgreSQL's programs; with TimescaleDB, if had")
    ask.add_argument("--alone", action="store_true", help="only the columns, without broker")
    ask.add_argument("--json", action="store_true")
    told = ask.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = settings.load(config(folder), Job)
        with registered(folder, told.devices).open() as file:
            devices = people.read(file, job.people)
        sent = packs(told.devices, told.readings)
        found: dict[str, object] = {"readings": len(sent) * IN_PACK, "devices": told.devices}
        found |= alone(job, devices, sent)
        if not told.alone:
            server = None
            if not told.dsn:
                programs = Path(told.programs) if told.programs else system_programs()
                assert programs is not None, "no PostgreSQL: apt-get install postgresql"
                more = "shared_preload_libraries = 'timescaledb'\n" if told.programs else ""
                server = Server(programs, "max_wal_size = '4GB'\n" + more)
            found |= through(folder, sent, told.dsn or server.dsn, told.devices)
            if server is not None:
                server.remove()
    print(json.dumps(found) if told.json else "\n".join(f"{k:30} {v}" for k, v in found.items()))


if __name__ == "__main__":
    main()
