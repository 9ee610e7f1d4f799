"""`weinao sim`: a simulated community through the real brain, held against the truth."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cyclopts import App

from sim.scenarios import Scenario, ScenarioError, parse
from sim.verdict import Verdict, judge
from sim.world.truth import Fact, Sent
from sim.world.world import UnknownSubjectError, World
from weinao.cli import showing
from weinao.cli.minds import keep_rules, mind_of, policy_of, rules_of
from weinao.cli.read import Json
from weinao.cli.rehearse import Rehearsal

if TYPE_CHECKING:
    from pipeline.flow.mind import Mind
    from sinks.store import Store

Told = Callable[[int], object]
"""Hears of every simulated hour."""

app = App(name="sim", help="Play a simulated community through the real brain.")
app.command("weinao.cli.fitting:fit", name="fit", help="Fit simulated people to recorded ones.")
app.command(
    "weinao.cli.fitting:closeness",
    name="closeness",
    help="Say how close simulated people are to recorded ones.",
)

app.command("weinao.cli.play:play", name="play", help="Play a scenario through live programs.")

app.command("weinao.cli.scenes:scenes", name="scenes", help="Render what a camera would see.")

SCENARIOS = Path("configs/scenarios")


@app.command
def run(
    scenario: str,
    /,
    *,
    out: Path,
    seed: int | None = None,
    rules: Path | None = None,
    policy: Path | None = None,
    json: Json = False,
) -> None:
    """Play a scenario, write its truth, journal and store, and say what held.

    Args:
        scenario: A file, or the name of one in configs/scenarios.
        out: Folder for `truth.jsonl`, `journal/` and `store.duckdb`; made anew.
        seed: Of the world, in the place of the scenario's own.
        rules: A file of thresholds, as configs/rules.toml; without it, the defaults.
        policy: How incidents are handled, as configs/policy.toml; without it, the one we ship.
        json: Print what held as one JSON object.
    """
    from weinao import logging
    from weinao.cli.folders import emptied

    logging.configure(level="warning")
    story, in_force = story_of(scenario), rules_of(rules, "sim run")
    handled = policy_of(policy, "sim run")
    folder = emptied(out, "sim run")
    keep_rules(rules, folder)
    begun_at = time.monotonic()
    with showing.progress() as progress:
        task = progress.add_task("simulated", total=story.lasts_s)
        verdicts, sent = rehearse(
            story,
            folder,
            seed,
            lambda at: progress.update(task, completed=(at - story.starts_at) / 1_000),
            mind=lambda grids: mind_of(grids, in_force, handled),
        )
    played = story.seed if seed is None else seed
    if json:
        account = {"title": story.title, "seed": played, "verdicts": verdicts, "sent": sent}
        showing.write_json(account)
        raise SystemExit(not all(one.held for one in verdicts))
    console = showing.console()
    console.print(f"{story.title}\nseed {played}")
    for one in verdicts:
        console.print(f"[green]held[/]   {one.told}" if one.held else f"[red]broken[/] {one.told}")
    took_s = time.monotonic() - begun_at
    console.print(f"{sent.packs} packs of {sent.home_days:g} home-days in {took_s:.1f} s")
    if not all(one.held for one in verdicts):
        by = "" if rules is None else f" --rules {rules}"
        console.print(f"repeat: weinao sim run {scenario} --seed {played} --out {out}{by}")
        raise SystemExit(1)


def rehearse(
    story: Scenario,
    out: Path,
    seed: int | None,
    told: Told = lambda _: None,
    *,
    mind: Callable[[Sequence[str]], "Mind"] = mind_of,
) -> tuple[list[Verdict], Sent]:
    """Play a scenario into an empty folder; return what held, and what was sent.

    Raises:
        SystemExit: It is about somebody who is not in it.
    """
    seed = story.seed if seed is None else seed
    try:
        world = World(story, seed)
    except UnknownSubjectError as error:
        raise SystemExit(f"weinao sim: {error}") from error
    store = _store(out)
    rehearsal = Rehearsal(world, out, store, seed, mind(world.grids))
    sent = rehearsal.play(told)
    store.close()
    _write_truth(out / "truth.jsonl", [*world.facts, sent])
    return judge(story, rehearsal.came), sent


def story_of(scenario: str) -> Scenario:
    """Read a scenario by its file or its name.

    Raises:
        SystemExit: There is none, or it cannot be played.
    """
    path = Path(scenario)
    if not path.exists():
        path = SCENARIOS / f"{scenario}.toml"
    if not path.exists():
        raise SystemExit(
            f"weinao sim: no scenario {scenario}: expected a file, or one of {SCENARIOS}"
        )
    try:
        return parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise SystemExit(f"weinao sim: {path}: no text in UTF-8") from error
    except ScenarioError as error:
        raise SystemExit(f"weinao sim: {path}:\n{error}") from error


def _store(out: Path) -> "Store":
    from sinks.duckdb_store import DuckDBStore

    return DuckDBStore(out / "store.duckdb")


def _write_truth(path: Path, lines: list[Fact | Sent]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
