"""What the dataflows ETL and STATS cost, after RIoTBench, beside a for-loop in the same run.

    python benchmarks/riotbench.py [--messages N] [--rounds N] [--json] [--png FILE]

A seeded town of 500 sensors, five values a message, in a journal. The reference is the same job in
careful plain Python on the same journal, with the same JSON library. All answers are compared.
CPU time of this process; the ratio within the run is what counts, this machine may be busy.

References:
    Shukla, Chaturvedi, Simmhan: RIoTBench: An IoT benchmark for distributed stream processing
    systems. Concurrency and Computation 29(21), 2017: figures 5a (ETL) and 5b (STATS). Ours: the
    generator, sizes of windows, exact counts in place of sketches, publishing to a list.
"""

import argparse
import json
import math
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from riot import columns, plain
from riot.town import write

from pipeline.journal import JournalReader


def measure(messages: int, rounds: int) -> dict[str, Any]:
    """Return the cost of both jobs, and whether both sides answer the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "journal"
        size = write(folder, messages)
        jobs = {
            "etl": _job(folder, plain.etl, columns.Etl, _same_etl, rounds),
            "stats": _job(folder, plain.stats, columns.Stats, _same_stats, rounds),
        }
    return {
        "messages": messages,
        "values": 5 * messages,
        "journal_bytes": size,
        "load_1m": round(os.getloadavg()[0], 1),
        **jobs,
    }


def _job(
    folder: Path,
    loop: Callable[[JournalReader], tuple[int, Any]],
    make: type[columns.Etl | columns.Stats],
    same: Callable[[Any, list[Any]], bool],
    rounds: int,
) -> dict[str, Any]:
    plain_s, flow_s, agreed = [], [], True
    for number in range(rounds):
        begun = time.process_time()
        count, expected = loop(JournalReader(folder))
        plain_s.append(time.process_time() - begun)
        begun, wall = time.process_time(), time.monotonic()
        found = columns.run(folder, make, folder.with_name(f"recovery-{make.__name__}-{number}"))
        flow_s.append(time.process_time() - begun)
        wall_s = time.monotonic() - wall
        agreed = agreed and same(expected, found)
    least, most = min(flow_s), min(plain_s)
    return {
        "same_answers": agreed,
        "plain_cpu_s_per_1m": round(most / count * 1e6, 2),
        "flow_cpu_s_per_1m": round(least / count * 1e6, 2),
        "ratio": round(least / most, 3),
        "flow_messages_per_cpu_s": round(count / least),
        "flow_messages_per_s": round(count / wall_s),
    }


def _same_etl(expected: list[bytes], found: list[bytes]) -> bool:
    return expected == found


def _same_stats(expected: plain.Stats, found: list[columns.Found]) -> bool:
    """Compare all that was concluded; sums are taken in another order, so to a billionth."""
    averages = sorted(
        (int(number), field, float(value))
        for one in found
        for numbers, values in one.averages
        for number, row in zip(numbers, values, strict=True)
        for field, value in enumerate(row)
    )
    pairs = [
        ([it for *_, it in averages], [it for *_, it in expected.averages]),
        (np.concatenate([one.filtered for one in found]).ravel(), expected.filtered),
        (np.concatenate([one.slopes for one in found]).ravel(), expected.slopes),
    ]
    counted = (
        [it for one in found for it in one.distinct],
        [it for one in found for it in one.moments],
    )
    return (
        [it[:2] for it in averages] == [it[:2] for it in expected.averages]
        and all(
            len(a) == len(b) and bool(np.allclose(a, b, rtol=1e-9, atol=1e-9)) for a, b in pairs
        )
        and counted == (expected.distinct, expected.moments)
    )


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw what a million messages cost, both ways."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for place, job in enumerate(("etl", "stats")):
        for shift, side in ((-0.2, "plain"), (0.2, "flow")):
            spent = found[job][f"{side}_cpu_s_per_1m"]
            colour = "tab:gray" if side == "plain" else "tab:blue"
            axes.barh(place + shift, spent, 0.36, color=colour)
            axes.text(spent, place + shift, f" {side}: {spent:.1f}", va="center")
    axes.set_yticks([0, 1], ["ETL", "STATS"])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("CPU s a million messages (five values each)")
    axes.set_title(f"{found['messages']:,} messages after RIoTBench")
    figure.savefig(path, dpi=110, format="png")


def main() -> None:
    """Measure and print; exit code 1 if the two sides do not agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--png", type=Path)
    chosen = parser.parse_args()
    found = measure(chosen.messages, chosen.rounds)
    if chosen.png:
        draw(found, chosen.png)
    print(json.dumps(found, indent=None if chosen.json else 2))
    if not math.prod(found[job]["same_answers"] for job in ("etl", "stats")):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
