"""`make bench`: what is claimed about speed, each as a ratio to a reference of the same run.

    python benchmarks/suite.py [--only NAME ...] [--out run/bench]

Runs one program after another, some twelve minutes on two free cores, and writes `bench.json`, with
all that they told, and `bench.png`. What takes longer, or needs recordings, a camera's film or a
browser, is run by itself: altered_clips, altered_people, flat, gate, gate_live, highrise,
highrise_live, foreign_towers, forecast, portal_pages, yards, and `scale.py --flows`.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

ROOT = Path(__file__).parents[1]
HARNESS = ROOT.parent / "shared" / "bench" / "vitals-job"


class Ratio(Struct, frozen=True, kw_only=True):
    """One figure of a program.

    Attributes:
        path: Where it stands in what the program tells.
        of: What of ours is held against what.
        asked: The bound; None where none was set.
        less: Whether less is better.
        upside: Taken as one over what is told, so that ours stands above.
    """

    path: str
    of: str
    asked: float | None = None
    less: bool = True
    upside: bool = False

    def value(self, told: Mapping[str, Any]) -> float:
        """Return the figure."""
        found: Any = told
        for key in self.path.split("."):
            found = found[key]
        return 1 / float(found) if self.upside else float(found)

    def held(self, value: float) -> bool | None:
        """Say whether the bound is held; None where there is none."""
        if self.asked is None:
            return None
        return value <= self.asked if self.less else value >= self.asked


class Program(Struct, frozen=True, kw_only=True):
    """One benchmark, with what it is told, and its ratios."""

    name: str
    arguments: tuple[str, ...]
    ratios: tuple[Ratio, ...]

    def missing(self) -> str:
        """Return what it lacks here; empty if nothing."""
        if self.name == "vitals-job" and not HARNESS.exists():
            return f"no harness at {HARNESS}"
        return ""


def ours(name: str, *arguments: str) -> tuple[str, ...]:
    """Return how a program of this folder is run."""
    return (str(Path(__file__).with_name(f"{name}.py")), *arguments, "--json")


PROGRAMS = (
    Program(
        name="vitals-job",
        arguments=("-m", "weinao.cli.main", "bench", "vitals-job", "--no-latency", "--json"),
        ratios=(
            Ratio(path="cpu_vs_plain", of="CPU, all processes, journal on / plain Python without",
                  asked=0.42),
            Ratio(path="throughput_vs_plain", of="rate / plain Python", asked=1.4, less=False),
        ),
    ),
    Program(
        name="packs",
        arguments=ours("packs", "--alone"),
        ratios=(Ratio(path="columns_vs_objects", of="CPU of columns / only making objects",
                      upside=True),),
    ),
    Program(
        name="riotbench",
        arguments=ours("riotbench"),
        ratios=(
            Ratio(path="etl.ratio", of="CPU of ETL / a careful for-loop"),
            Ratio(path="stats.ratio", of="CPU of STATS / a careful for-loop"),
        ),
    ),
    Program(
        name="journal",
        arguments=ours("journal"),
        ratios=(
            Ratio(path="cpu_vs_sqlite", of="CPU to keep a message / SQLite"),
            Ratio(path="cpu_vs_bare_file", of="the same / a bare file without checksums"),
        ),
    ),
    Program(
        name="clients",
        arguments=ours("clients", "--messages", "30000"),
        ratios=(Ratio(path="paho_vs_mqtt5", of="CPU of ingest by mqtt5 / by paho", upside=True),),
    ),
    Program(
        name="flow",
        arguments=ours("flow"),
        ratios=(Ratio(path="bytewax_vs_plain", of="CPU of the flow under Bytewax / a for-loop"),),
    ),
    Program(
        name="replay",
        arguments=ours("replay", "--homes", "60"),
        ratios=(Ratio(path="bytewax_vs_plain", of="CPU of a day by Bytewax / by a for-loop"),),
    ),
    Program(
        name="scale",
        arguments=ours("scale", "--devices", "1000", "100000", "--grids", "1", "79"),
        ratios=(
            Ratio(path="native_most_vs_fewest_devices", of="a reading, 100,000 devices / 1,000",
                  asked=1.3),
            Ratio(path="native_most_vs_fewest_grids", of="a reading, 79 grids / 1", asked=1.3),
            Ratio(path="columns_most_vs_fewest_devices", of="by columns, 100,000 / 1,000",
                  asked=1.3),
            Ratio(path="columns_most_vs_fewest_grids", of="by columns, 79 grids / 1", asked=1.3),
        ),
    ),
)  # fmt: skip


class Result(Struct, frozen=True, kw_only=True):
    """What a program told; why not, if it did not."""

    program: str
    told: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    problem: str = ""


def run(program: Program) -> Result:
    """Run one program in its own process."""
    if problem := program.missing():
        return Result(program=program.name, problem=problem)
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, *program.arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Result(program=program.name, problem=f"exit code {done.returncode}: {last}")
    told = json.loads(lines[-1])
    ratios = {ratio.of: round(ratio.value(told), 4) for ratio in program.ratios}
    return Result(program=program.name, told=told, ratios=ratios)


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw the ratios, and what was asked of them."""
    from matplotlib.figure import Figure

    bounds = {ratio.of: ratio for program in PROGRAMS for ratio in program.ratios}
    rows = [(of, value) for one in results for of, value in one.ratios.items()]
    figure = Figure(figsize=(10, 1.2 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, (of, value) in enumerate(rows):
        held = bounds[of].held(value)
        colour = {True: "tab:green", False: "tab:red", None: "tab:blue"}[held]
        axes.barh(place, value - 1, left=1, color=colour)
        axes.annotate(f" {value:.2f} ", (value, place), va="center",
                      ha="left" if value >= 1 else "right")  # fmt: skip
        if (asked := bounds[of].asked) is not None:
            axes.plot([asked, asked], [place - 0.4, place + 0.4], color="black", linewidth=2)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [of for of, _ in rows])
    axes.set(xscale="log", xlabel="ours as a multiple of the reference; black: what was asked")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.15)
    axes.invert_yaxis()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run, tell and draw; exit code 1 if a program failed or a bound was not held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=[one.name for one in PROGRAMS])
    parser.add_argument("--out", type=Path, default=Path("run/bench"))
    chosen = parser.parse_args()
    programs = [one for one in PROGRAMS if not chosen.only or one.name in chosen.only]
    load, results = os.getloadavg()[0], []
    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(programs))
        for program in programs:
            progress.update(task, description=program.name)
            results.append(run(program))
            progress.advance(task)
    chosen.out.mkdir(parents=True, exist_ok=True)
    told = {"load_before": load, "cores": os.cpu_count(), "results": results}
    (chosen.out / "bench.json").write_text(json.dumps(told, default=_plain, indent=2))
    draw(results, chosen.out / "bench.png")
    table = Table("program", "what", "ratio", "asked")
    failed = False
    for program, result in zip(programs, results, strict=True):
        for ratio in program.ratios:
            value = result.ratios.get(ratio.of)
            asked = "" if ratio.asked is None else f"{'≤' if ratio.less else '≥'} {ratio.asked}"
            failed |= value is not None and ratio.held(value) is False
            shown = "–" if value is None else f"{value:.2f}"
            table.add_row(program.name, ratio.of, shown, asked)
        failed |= bool(result.problem) and not program.missing()
    console.print(table)
    for result in results:
        if result.problem:
            console.print(f"{result.program} was not measured: {result.problem}")
    console.print(f"{chosen.out / 'bench.json'}, {chosen.out / 'bench.png'}")
    sys.exit(failed)


def _plain(value: Result) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


if __name__ == "__main__":
    main()
