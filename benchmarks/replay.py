"""How fast a day of a community is told again: through Bytewax, and in a for-loop, in one run.

    python benchmarks/replay.py [--homes 300] [--json]

The day is simulated first, with every danger and every fault, and is not measured. Then its journal
runs through `weinao replay` twice, from decoding to rows in DuckDB; both must conclude the same.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

DAY = """
title = "A community through one day, with every danger and every fault"
seed = 2026
starts_at = 2026-03-02T00:00:00+08:00
lasts_s = 86_400

[community]
homes = {homes}
people = {people}
homes_per_grid = 30
dangers = 12
faults = true
"""


def weinao(*told: str) -> tuple[str, float]:
    """Run a command of ours; return what it prints, and the CPU seconds that it took."""
    before = os.times()
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "weinao.cli.main", *told],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    after = os.times()
    return done.stdout, (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures: dict[str, float] = {"homes": chosen.homes}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "day.toml").write_text(DAY.format(homes=chosen.homes, people=3 * chosen.homes))
        weinao("sim", "run", str(folder / "day.toml"), "--out", str(folder / "day"))
        told = {}
        for runner in ("bytewax", "plain"):
            out = str(folder / runner)
            text, cpu_s = weinao(
                "replay", str(folder / "day"), "--out", out, "--runner", runner, "--json"
            )
            told[runner] = json.loads(text)
            figures[f"{runner}_s"], figures[f"{runner}_cpu_s"] = told[runner]["took_s"], cpu_s
    figures["observations"] = sum(told["bytewax"]["observations"].values())
    figures["days_a_minute"] = 60 / figures["bytewax_s"]
    figures["bytewax_vs_plain"] = figures["bytewax_cpu_s"] / figures["plain_cpu_s"]
    alike = len({one["incidents_sha256"] for one in told.values()}) == 1
    if chosen.json:
        print(json.dumps(figures | {"alike": alike}))
    else:
        for label, value in figures.items():
            print(f"{label:20} {value:12.2f}")
        print("both conclude the same" if alike else "THEY DO NOT CONCLUDE THE SAME")
    sys.exit(not alike)


if __name__ == "__main__":
    main()
