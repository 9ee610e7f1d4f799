"""`weinao bench`: workloads on which others were measured, with ours beside a reference."""

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

import msgspec
from cyclopts import App
from msgspec import Struct

from weinao.cli.options import Count

app = App(name="bench", help="Measure ourselves beside a reference, in the same minutes.")

HARNESS = Path("../shared/bench/vitals-job")
RATE = 2_000
"""Messages a second at which the latency of alerts is measured."""

READINGS_LATENCY = 40
POSTGRES = """
track_commit_timestamp = on
shared_buffers = '512MB'
max_wal_size = '4GB'
"""


class BenchError(Exception):
    """The job cannot be run here; the message says what is missing."""


class Place(Struct, frozen=True):
    """Where the job is run.

    Args:
        harness: The folder that has `run.py` and `gen.py`.
        work: For data, logs and journals.
        dsn: Of the database; empty for none.
    """

    harness: Path
    work: Path
    dsn: str


@app.command(name="vitals-job")
def vitals_job(
    *,
    harness: Path = HARNESS,
    readings: Count = 300,
    rounds: Count = 1,
    store: Literal["pg", "none"] = "pg",
    dsn: str | None = None,
    latency: bool = True,
    one_core: bool = False,
    work: Path | None = None,
    json: bool = False,
) -> None:
    """Run the vitals job through a bridge and through careful plain Python, one after the other.

    The figures to trust are the ratios: both runs see the same machine.

    Args:
        harness: Where the job is: the folder that has `run.py`.
        readings: Of each of 1,000 devices; 300 make about 305,000 messages.
        rounds: So often; the medians count.
        store: Where rows go; `none` publishes means instead.
        dsn: A PostgreSQL to be used, with track_commit_timestamp on; without it one is started.
        latency: Measure the latency of alerts, too, at 2,000 messages a second.
        one_core: Run the bridge on one core, too: with both it must not be slower.
        work: Folder for data, logs and journals; without it, one that is removed afterwards.
        json: Print JSON.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="weinao-bench-") as folder:
            place = (work or Path(folder)).absolute()
            place.mkdir(parents=True, exist_ok=True)
            found = _measured(
                harness.absolute(),
                place,
                dsn,
                store=store,
                readings=readings,
                rounds=rounds,
                latency=latency,
                one_core=one_core,
            )
    except BenchError as error:
        sys.exit(f"weinao bench: {error}")
    if json:
        print(msgspec.json.encode(found).decode())  # noqa: T201  # the answer
        return
    for key, value in found.items():
        print(f"{key:24} {value}")  # noqa: T201  # the answer


def _measured(
    harness: Path,
    work: Path,
    dsn: str | None,
    *,
    store: str,
    readings: int,
    rounds: int,
    latency: bool,
    one_core: bool,
) -> dict[str, Any]:
    if not (harness / "run.py").exists():
        raise BenchError(f"{harness}: no run.py there; name the folder of the job by --harness")
    server = None
    if store == "pg" and dsn is None:
        from weinao.cli.postgres import Server, system_programs

        programs = system_programs()
        if programs is None:
            raise BenchError("no PostgreSQL here: apt-get install postgresql, or give a --dsn")
        server = Server(programs, POSTGRES)
        dsn = server.dsn
    place = Place(harness, work, dsn if store == "pg" and dsn else "")
    try:
        data = _data(place, readings, "throughput")
        ours, plain, alone = [], [], []
        for _ in range(rounds):
            ours.append(_run(place, "weinao", data))
            plain.append(_run(place, "plain", data))
            if one_core:
                alone.append(_run(place, "weinao", data, cores="0"))
        late = None
        if latency:
            data = _data(place, READINGS_LATENCY, "latency", EPISODE_EVERY="50")
            late = _run(place, "weinao", data, rate=RATE)
    finally:
        if server is not None:
            server.remove()
    return _summary(ours, plain, alone, late)


def _summary(
    ours: list[dict[str, Any]],
    plain: list[dict[str, Any]],
    alone: list[dict[str, Any]],
    late: dict[str, Any] | None,
) -> dict[str, Any]:
    runs = [*ours, *alone, *([late] if late else [])]

    def middle(of: list[dict[str, Any]], key: str) -> float:
        return statistics.median(float(run[key]) for run in of)

    def cpu(of: list[dict[str, Any]]) -> float:
        return statistics.median(float(run["cpu_s_per_1m"]["consumer"]) for run in of)

    found: dict[str, Any] = {
        "ok": all(run["ok"] for run in runs),
        "consumer_cpu_s_per_1m": cpu(ours),
        "msgs_per_s": round(middle(ours, "msgs_per_s")),
        "throughput_vs_plain": round(middle(ours, "msgs_per_s") / middle(plain, "msgs_per_s"), 3),
        "cpu_vs_plain": round(cpu(ours) / cpu(plain), 3),
        "peak_rss_mib": max(run["peak_rss_mib"] for run in runs),
        "subscribed_s": round(middle(ours, "boot_s"), 2),
        "foreign_cpu_share": [run["foreign_cpu_share"] for run in [*ours, *plain]],
        "plain": {
            "ok": all(run["ok"] for run in plain),
            "consumer_cpu_s_per_1m": cpu(plain),
            "msgs_per_s": round(middle(plain, "msgs_per_s")),
        },
    }
    if late is not None:
        found["alert_p50_ms"] = late["alert_latency_ms"]["p50"]
        found["alert_p99_ms"] = late["alert_latency_ms"]["p99"]
    if alone:
        ratio = middle(ours, "msgs_per_s") / middle(alone, "msgs_per_s")
        found["two_cores_vs_one"] = round(ratio, 3)
    problems = [problem for run in [*runs, *plain] for problem in run["problems"]]
    return {**found, "problems": problems} if problems else found


def _data(place: Place, readings: int, name: str, **knobs: str) -> Path:
    """Make the messages and the expected answers, if they are not there yet."""
    folder = place.work / f"{name}-{readings}"
    if not (folder / "expected.json").exists():
        env = {**os.environ, "OUT": str(folder), "READINGS": str(readings), **knobs}
        for program in ("gen.py", "reference.py"):
            subprocess.run(  # noqa: S603  # the harness we were told
                [sys.executable, place.harness / program],
                env=env, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
    return folder


def _run(
    place: Place, name: Literal["weinao", "plain"], data: Path, *, rate: int = 0, cores: str = ""
) -> dict[str, Any]:
    from weinao.cli.system import free_port

    with tempfile.TemporaryDirectory(prefix="run-", dir=place.work) as folder:
        command = _weinao(Path(folder)) if name == "weinao" else _plain(place.harness)
        if cores:
            command = f"taskset -c {cores} {command}"
        done = subprocess.run(  # noqa: S603  # the harness we were told
            [
                sys.executable, place.harness / "run.py", "--name", name,
                "--cmd", f"exec {command}", "--data", data, "--rate", str(rate),
                "--store", "pg" if place.dsn else "none",
                "--port", str(free_port()), "--work", place.work / "logs", "--dsn", place.dsn,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    try:
        found: dict[str, Any] = msgspec.json.decode(done.stdout)
    except msgspec.DecodeError:
        reason = done.stderr.strip().rpartition("\n")[2]
        if "mosquitto" in reason:
            reason = "no mosquitto here: apt-get install mosquitto"
        raise BenchError(reason or f"run.py ended with {done.returncode}") from None
    if "error" in found:
        raise BenchError(f"{name}: {found['error']}; see {place.work / 'logs'} (--work keeps it)")
    return found


def _weinao(data: Path) -> str:
    config = Path(__file__).parents[2] / "configs" / "bridge.toml"
    program = shlex.join([sys.executable, "-m", "weinao.cli.main"])
    fixed = shlex.join(["--config", str(config), "--data", str(data)])
    return (
        f"{program} bridge run {fixed} --people $REGISTRY --broker $MQTT_HOST:$MQTT_PORT"
        ' ${PG_DSN:+--dsn "$PG_DSN"}'
    )


def _plain(harness: Path) -> str:
    return shlex.join([sys.executable, str(harness / "peers" / "plain_py.py")])
