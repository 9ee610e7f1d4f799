"""`weinao sim fit` and `closeness`: simulated people after recorded ones, and held against them.

A folder of recordings holds `home/` and `vitals/`, in the formats that `weinao evaluate` reads.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.progress import Progress
from rich.table import Table

from weinao.cli import showing
from weinao.cli.folders import whole
from weinao.cli.legible import legible

if TYPE_CHECKING:
    from sim.fitting.closeness import Compared, Samples
    from sim.fitting.diary import Diary
    from sim.fitting.physiology import People
    from sim.importers.wearables import Sleep

Told = Callable[[str], object]

_FIGURES_PER_ROW = 6
_STEPS = 12


def fit(folder: Path, /, *, out: Path | None = None) -> None:
    """Fit the routine and the physiology of simulated people to recordings.

    Args:
        folder: Recordings, with `home/` and `vitals/`.
        out: Where the numbers go, as TOML; they are printed without it. The world is made with
            those in `sim/world/fitted.toml`.
    """
    from sim.fitting.physiology import fit_physiology
    from sim.fitting.routine import fit_routine
    from sim.fitting.spreads import TooFewError
    from sim.world.fitted import Fitted, write

    with showing.progress() as progress:
        told = _teller(progress, "reading")
        with legible(folder, "sim fit"):
            diaries, sleeps, people = _read(folder, told)
        try:
            told("routine")
            routine = fit_routine(diaries, sleeps)
            told("physiology")
            physiology = fit_physiology(people)
        except TooFewError as error:
            raise SystemExit(f"weinao sim fit: {folder}: {error}") from error
    text = write(Fitted(routine=routine, physiology=physiology))
    if out is None:
        print(text, end="")  # noqa: T201  # what was asked for
        return
    try:
        with whole(out) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SystemExit(f"weinao sim fit: {out} cannot be written: {error}") from error


def closeness(
    folder: Path,
    /,
    *,
    people: int = 40,
    json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    png: Path | None = None,
) -> None:
    """Hold simulated people against recorded ones, feature by feature.

    Args:
        folder: Recordings, with `home/` and `vitals/`.
        people: How many people to simulate, for two weeks each.
        json: Print JSON.
        png: Draw what is recorded and what is simulated into this file.
    """
    from sim.fitting.closeness import bodies, routines
    from sim.fitting.spreads import TooFewError
    from sim.world.fitted import shipped

    if people < 1:
        raise SystemExit(f"weinao sim closeness: --people: expected 1 at least, got {people}")
    with showing.progress() as progress:
        told = _teller(progress, "reading")
        with legible(folder, "sim closeness"):
            diaries, sleeps, measured = _read(folder, told)
        try:
            found = [
                *routines(diaries, sleeps, shipped().routine, people, told),
                *bodies(measured, shipped().physiology, people, told),
            ]
        except TooFewError as error:
            raise SystemExit(f"weinao sim closeness: {folder}: {error}") from error
    compared = [one for one, _ in found]
    if png is not None:
        _draw(found, png)
    if json:
        showing.write_json(compared)
    else:
        _show(compared)


def _teller(progress: Progress, first: str) -> Told:
    task = progress.add_task(first, total=_STEPS)

    def told(what: str) -> None:
        progress.update(task, description=what, advance=1)

    return told


def _read(folder: Path, told: Told) -> tuple[Sequence["Diary"], Sequence["Sleep"], "People"]:
    from sim.fitting.diary import recorded
    from sim.fitting.physiology import People
    from sim.importers.homes import read_homes
    from sim.importers.vitals import read_icu_outcomes, read_minute_vitals
    from sim.importers.wearables import (
        read_nights,
        read_pulse_days,
        read_resting_pulses,
        read_signs,
        read_sleeps,
    )

    home, vitals = folder / "home", folder / "vitals"
    try:
        told("reading homes")
        diaries = [recorded(log) for log in read_homes(home) if log.events]
        told("reading vitals")
        return (
            diaries,
            [*read_sleeps(vitals)],
            People(
                signs=read_signs(vitals),
                rested=read_resting_pulses(vitals),
                nights=[*read_nights(vitals)],
                days=[*read_pulse_days(vitals)],
                minutes=read_minute_vitals(vitals),
                stays=[*read_icu_outcomes(vitals)],
            ),
        )
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(f"weinao sim: {folder} cannot be read: {error}") from error


def _show(compared: Sequence["Compared"]) -> None:
    console = showing.console()
    for group in dict.fromkeys(one.group for one in compared):
        table = Table(
            "feature", "against", "held out", "n", "KS", "KS among", "Wasserstein",
            "recorded 10/50/90 %", "simulated 10/50/90 %", title=group,
        )  # fmt: skip
        for one in compared:
            if one.group == group:
                among = "" if one.ks_among is None else f"{one.ks_among:.2f}"
                recorded, simulated = (
                    " / ".join(f"{value:g}" for value in values)
                    for values in (one.recorded_at, one.simulated_at)
                )
                table.add_row(
                    one.feature, one.against, "yes" if one.held_out else "", str(one.recorded),
                    f"{one.ks:.2f}", among, f"{one.wasserstein:.2f}", recorded, simulated,
                )  # fmt: skip
        console.print(table)


def _draw(found: Sequence[tuple["Compared", "Samples"]], path: Path) -> None:
    """Draw the distribution of every feature, recorded and simulated, into a PNG file."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SystemExit(
            "weinao sim closeness: --png needs matplotlib: install weinao with its extra"
            " `report`, as in pip install 'weinao[report]'"
        ) from error
    rows = -(-len(found) // _FIGURES_PER_ROW)
    figure = Figure(figsize=(3.2 * _FIGURES_PER_ROW, 2.4 * rows), layout="constrained")
    axes = figure.subplots(rows, _FIGURES_PER_ROW, squeeze=False).flat
    for axis in axes:
        axis.set_axis_off()
    for axis, (one, samples) in zip(axes, found, strict=False):
        axis.set_axis_on()
        _draw_shares(axis, one, samples)
    try:
        with whole(path) as draft:
            figure.savefig(draft, dpi=90, format="png")
    except OSError as error:
        raise SystemExit(f"weinao sim closeness: {path} cannot be written: {error}") from error


def _draw_shares(axis: Any, one: "Compared", samples: "Samples") -> None:  # noqa: ANN401  # matplotlib's
    for name, values, colour in (
        ("recorded", samples.recorded, "black"),
        ("simulated", samples.simulated, "tab:blue"),
    ):
        ordered = sorted(values)
        shares = [(index + 1) / len(ordered) for index in range(len(ordered))]
        axis.step(ordered, shares, where="post", color=colour, linewidth=1.2, label=name)
    axis.set_title(f"{one.feature}\n{one.against}, KS {one.ks:.2f}", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.legend(fontsize=6, loc="lower right")
