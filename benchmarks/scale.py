"""What a reading costs as a community grows, and what a second flow brings, in one run.

    python benchmarks/scale.py [--seconds N] [--json] [--flows]

CPU time of this process a message, decoded and judged, after everybody has been heard twice: by the
brain in a for-loop (native packs of a reading each, with the heartbeats that let rules look), and
by the columns of the bridge (one JSON object a reading). Each is told against the smallest
community of the same run. `--flows` runs the same journals as one flow and as two, each flow a
process, and says how free the cores were, and what two programs that share nothing have of them.
"""

import argparse
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from made_journal import EVERY_S, Town, placed, write

from pipeline.brain.rules import RULES
from pipeline.columns import people
from pipeline.columns.job import Worker
from pipeline.columns.settings import Job
from pipeline.flow.mind import Mind
from pipeline.flow.plain import PlainRunner
from weinao import settings
from weinao.cli.flow import COLLECT

ROOT = Path(__file__).parents[1]
DEVICES = (1_000, 10_000, 100_000)
GRIDS = (1, 10, 79)
HEARD = 2
"""How often everybody was heard before: with the second reading memory for each is still asked for,
a third on top of what any later one costs; large communities would be measured in that alone."""

WELL = {
    "hr": (60, 90), "spo2": (96, 99), "temp": (36.2, 37.2), "rr": (12, 18), "sbp": (112, 130),
    "battery": (20, 100),
}  # fmt: skip
"""What the wearables of `configs/bridge.toml` say of people who are well: an alert for everybody
would be what a large community pays once, and a small one hardly."""

LOT = 2_000
"""Readings that the columns are given at once."""

READINGS_MIN = 20_000
"""Measured at least, so that a small community is measured as long as a large one."""


def collection_ratio(town: Town) -> float:
    """Return what a reading costs as the flow collects garbage, against as Python does."""
    costs = []
    for threshold in ((700, 10, 10), COLLECT):
        gc.set_threshold(*threshold)
        costs.append(native_us(town, 1))
    return costs[1] / costs[0]


def native_us(town: Town, seconds: int) -> float:
    """Return CPU microseconds a message, of decoding and the brain."""
    seconds = max(seconds, READINGS_MIN * EVERY_S // (3 * town.devices))
    runner = PlainRunner(Mind(grids=frozenset(town.names), rules=RULES), lambda _: None)
    before = placed(town.registered())
    _through(runner.take, before)
    count = len(before)
    for heard in range(HEARD):
        warm = placed(town.spoken(EVERY_S, heard * EVERY_S + 1), count)
        _through(runner.take, warm)
        count += len(warm)
    told = placed(town.spoken(seconds, HEARD * EVERY_S + 1), count)
    readings = sum(bool(record.payload) for record in told)
    return _cpu_us(lambda: _through(runner.take, told), readings)


def columns_us(devices: int, grids: int, readings: int = 200_000) -> float:
    """Return CPU microseconds a reading, of the bridge's columns, the best of three rounds."""
    job = settings.load(ROOT / "configs/bridge.toml", Job)
    rng, columns = random.Random(1), job.people
    head = [columns.device, columns.grid, columns.tags, *columns_said(job)]
    lines = [",".join(head)]
    for number in range(devices):
        row = {columns.device: f"band-{number:06d}", columns.grid: f"grid-{number % grids}"}
        lines.append(",".join(row.get(name, "") for name in head))
    worker = Worker(job, people.read(lines, columns))

    def reading(number: int) -> bytes:
        device, seq = number % devices, number // devices
        at = f"2026-01-01T{seq // 3_600 % 24:02d}:{seq // 60 % 60:02d}:{seq % 60:02d}.000Z"
        said = {name: round(rng.uniform(*span), 1) for name, span in WELL.items()}
        named = {job.reading.device: f"band-{device:06d}", job.reading.number: seq}
        return json.dumps({**named, job.reading.at: at, **said}).encode()

    before = HEARD * devices
    lots = [
        [reading(number) for number in range(first, first + LOT)]
        for first in range(0, before + 3 * readings, LOT)
    ]
    for lot in lots[: before // LOT]:
        worker.answer(lot)
    rounds = [
        lots[at : at + readings // LOT] for at in range(before // LOT, len(lots), readings // LOT)
    ]

    def told(those: list[list[bytes]]) -> float:
        return _cpu_us(lambda: [worker.answer(lot) for lot in those], LOT * len(those))

    return min(told(those) for those in rounds)


def columns_said(job: Job) -> list[str]:
    """Return the columns of the people's file that an alert repeats."""
    return [name for name in job.people.say.values() if name not in ("device", "grid", "tags")]


def flows_ratio(town: Town, seconds: int, rounds_max: int) -> dict[str, float]:
    """Return how much faster two flows are than one, over the same homes, and the free cores."""
    half = Town(devices=town.devices // 2, grids=max(1, town.grids // 2), sensors=True)
    with tempfile.TemporaryDirectory() as name:
        one, two = Path(name) / "one", [Path(name) / "a", Path(name) / "b"]
        whole = Town(devices=town.devices, grids=town.grids, sensors=True)
        count = write(one / "journal", _all(whole, seconds))
        halves = [write(folder / "journal", _all(half, seconds)) for folder in two]
        free = psutil.cpu_percent(interval=2, percpu=True)
        alone, pair = loops(1), loops(2)
        rounds = []
        for _ in range(rounds_max):
            alone_s, alone_cpu_s = _run([one])
            pair_s, pair_cpu_s = _run(two)
            rounds.append((alone_s, pair_s, alone_cpu_s, pair_cpu_s))
    alone_s, pair_s, alone_cpu_s, pair_cpu_s = min(rounds, key=lambda it: it[0] + it[1])
    return {
        "messages": count,
        "messages_in_two": sum(halves),
        "one_flow_msgs_per_s": count / alone_s,
        "two_flows_msgs_per_s": sum(halves) / pair_s,
        "two_vs_one": (sum(halves) / pair_s) / (count / alone_s),
        "one_flow_cores_had": alone_cpu_s / alone_s,
        "two_flows_cores_had": pair_cpu_s / pair_s,
        "empty_loops_two_vs_one": pair / alone,
        "two_vs_one_by_cpu": 2 * (sum(halves) / pair_cpu_s) / (count / alone_cpu_s),
        **{f"core_{n}_busy_before_pct": busy for n, busy in enumerate(free)},
    }


def loops(processes: int) -> float:
    """Return how many turns a second so many interpreters make that share nothing but the machine.

    What two of them lose against one, no two programs can have on this machine.
    """
    code = (
        "import time\nn, until = 0, time.monotonic() + 3\n"
        "while time.monotonic() < until:\n    n += 1\nprint(n / 3)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)  # noqa: S603  # our own
        for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in running)


def _all(town: Town, seconds: int) -> "object":
    yield from town.registered()
    yield from town.spoken(seconds)


def _run(folders: list[Path]) -> tuple[float, float]:
    """Run a flow over each journal, all at once; return wall and CPU seconds."""
    begun, before = time.monotonic(), os.times()
    running = [
        subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "weinao.cli.main", "flow", "run", "--data", str(folder),
             "--until-end", "--no-recovery", "--store", str(folder / "store.duckdb")],
            cwd=ROOT, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for folder in folders
    ]  # fmt: skip
    assert [process.wait() for process in running] == [0] * len(running)
    after = os.times()
    cpu_s = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return time.monotonic() - begun, cpu_s


def _through(take: Callable[[list], object], records: list) -> None:
    for first in range(0, len(records), 1_000):
        take(records[first : first + 1_000])


def _cpu_us(work: Callable[[], object], readings: int) -> float:
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1e6 / readings


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--devices", type=int, nargs="*", default=DEVICES)
    parser.add_argument("--grids", type=int, nargs="*", default=GRIDS)
    parser.add_argument("--rounds", type=int, default=3, help="of --flows; the quietest counts")
    parser.add_argument("--flows", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    gc.set_threshold(*COLLECT)
    figures: dict[str, float] = {}
    if chosen.flows:
        figures = flows_ratio(
            Town(devices=1_000, grids=10), chosen.seconds * EVERY_S, chosen.rounds
        )
    else:
        sizes = [(devices, 10) for devices in chosen.devices]
        sizes += [(10_000, grids) for grids in chosen.grids if (10_000, grids) not in sizes]
        # Columns first: what brains leave behind of the memory makes them slower.
        for devices, grids in sizes:
            figures[f"columns_us_{devices}_devices_{grids}_grids"] = columns_us(devices, grids)
        for devices, grids in sizes:
            town = Town(devices=devices, grids=grids, sensors=True)
            figures[f"native_us_{devices}_devices_{grids}_grids"] = native_us(town, chosen.seconds)
            print(json.dumps(figures), file=sys.stderr)  # it takes a while
        for path in ("native", "columns"):
            by_devices = [figures[f"{path}_us_{n}_devices_10_grids"] for n in chosen.devices]
            by_grids = [figures[f"{path}_us_10000_devices_{n}_grids"] for n in chosen.grids]
            if by_devices:
                figures[f"{path}_most_vs_fewest_devices"] = by_devices[-1] / by_devices[0]
            if by_grids:
                figures[f"{path}_most_vs_fewest_grids"] = by_grids[-1] / by_grids[0]
        town = Town(devices=2_000, grids=10, sensors=True)
        figures["collected_seldom_vs_often"] = collection_ratio(town)
    if chosen.json:
        print(json.dumps(figures))
    else:
        for label, value in figures.items():
            print(f"{label:42} {value:12.2f}")


if __name__ == "__main__":
    main()
