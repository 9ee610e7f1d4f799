"""How much memory one flow holds, by the number of residents.

    python benchmarks/memory.py [--residents N ...] [--json]

Each resident has a home with an agent, a wearable and a movement sensor; 500 a grid. Everybody is
registered, and heard for twenty seconds: vital signs, movement, a heartbeat every ten seconds. The
flow is the real program under the engine, with its recovery store; what counts is the largest that
its process ever was, as the kernel says (`ru_maxrss`), in millions of bytes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from made_journal import Town, write

from weinao.cli.supervisor import ENVIRONMENT

ROOT = Path(__file__).parents[1]
A_GRID = 500
SECONDS = 20


def peak_mb(residents: int, epoch_s: float) -> dict[str, float]:
    """Return the peak of a flow with so many residents, and what it has read."""
    town = Town(devices=residents, grids=max(1, residents // A_GRID), sensors=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write(folder / "journal", _all(town))
        with subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "weinao.cli.main", "flow", "run", "--data", name, "--until-end",
             "--epoch-s", str(epoch_s)],
            cwd=ROOT, stderr=subprocess.DEVNULL, env=_env(),
        ) as process, subprocess.Popen(  # noqa: S603  # likewise
            [sys.executable, "-m", "weinao.cli.main", "store", "run", "--data", name,
             "--metrics-port", "0"],
            cwd=ROOT, stderr=subprocess.DEVNULL, env=_env(),
        ) as store:  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            store.terminate()
    assert process.returncode == 0
    return {
        "residents": residents,
        "messages": count,
        "peak_mb": used.ru_maxrss * 1_024 / 1e6,
        "cpu_s": used.ru_utime + used.ru_stime,
    }


def _all(town: Town) -> "object":
    yield from town.registered()
    yield from town.spoken(SECONDS)


def _env() -> dict[str, str]:
    return {**os.environ, **ENVIRONMENT}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, nargs="+", default=[500, 2_000, 10_000])
    parser.add_argument("--epoch-s", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = [peak_mb(residents, chosen.epoch_s) for residents in chosen.residents]
    if chosen.json:
        print(json.dumps(figures))
        return
    for one in figures:
        print("  ".join(f"{label} {value:10.1f}" for label, value in one.items()))
    first, last = figures[0], figures[-1]
    if last["residents"] > first["residents"]:
        more = (last["peak_mb"] - first["peak_mb"]) * 1e3
        print(f"a resident: {more / (last['residents'] - first['residents']):.1f} kB")


if __name__ == "__main__":
    main()
