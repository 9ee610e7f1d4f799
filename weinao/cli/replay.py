"""`weinao replay`: recordings through the real perception and brain, as fast as they go.

A journal is run again as it stands. A folder of recordings is written into a journal first, by the
same perception that runs on the edge, and then run: what comes out is what a community would have
seen whose residents these people were.
"""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weinao import logging
from weinao.cli import showing, stores
from weinao.cli.flow import grids_of, persistent, run_flow
from weinao.cli.flows import stays_of
from weinao.cli.folders import claimed, drafted
from weinao.cli.histories import told_anew
from weinao.cli.legible import legible
from weinao.cli.minds import keep_rules, mind_of, policy_of, rules_of
from weinao.cli.options import Count, Names, Runner
from weinao.cli.read import canonical
from weinao.clock import now_ms
from weinao.outage import Outage

if TYPE_CHECKING:
    from pipeline.brain.respond.policy import Policy
    from pipeline.brain.thresholds import Thresholds


def replay(
    source: Path,
    /,
    *,
    out: Path,
    runner: Runner = "bytewax",
    workers: Count = 1,
    grids: Names = (),
    rules: Path | None = None,
    policy: Path | None = None,
    json: bool = False,
) -> None:
    """Run a journal, or recordings, through perception and brain.

    Args:
        source: A folder of a system or its journal, or recordings: falls, vitals or homes.
        out: Folder for what comes out; `weinao incidents --data OUT` shows it.
        runner: The engine, or the in-tree loop; where grids have moved between several flows, each
            is told stay by stay, and the loop does it.
        workers: Threads of the engine.
        grids: Only these; all that the journal names, if none is given.
        rules: A file of thresholds, as configs/rules.toml; without it, the defaults.
        policy: How incidents are handled, as configs/policy.toml; without it, the one we ship.
        json: Print JSON.
    """
    from pipeline.journal import JournalError

    logging.configure(level="warning")
    if not source.is_dir():
        raise SystemExit(
            f"weinao replay: {source} is no folder: expected a system, its journal, or recordings"
        )
    if out.resolve() in (source.resolve(), source.resolve() / "data"):
        raise SystemExit(f"weinao replay: {out} is a system's own folder; choose another for --out")
    in_force, handled = rules_of(rules, "replay"), policy_of(policy, "replay")
    claimed(out, "replay", (stores.FILE, "journal"))
    with drafted(out) as draft:
        try:
            figures = _run(
                source, draft, grids, rules=in_force, policy=handled, runner=runner, workers=workers
            )
        except JournalError as error:
            raise SystemExit(f"weinao replay: {error}") from error
        (out / f"{stores.FILE}.wal").unlink(missing_ok=True)  # of a store that is to go
        keep_rules(rules, out)
    if json:
        showing.write_json(figures)
    else:
        showing.console().print(figures)


def _run(
    source: Path,
    out: Path,
    grids: Sequence[str],
    *,
    rules: "Thresholds",
    policy: "Policy",
    runner: Runner,
    workers: int,
) -> dict[str, Any]:
    """Fill a store, and if need be a journal, in an empty folder; return what came out."""
    from sinks.store import Filter, every

    started_at = time.monotonic()
    store = stores.to_write(out, out / stores.FILE)
    write = persistent(store, Outage(logging.logger(), "store", now_ms))
    if data := _of_several_flows(source):
        mind = mind_of(grids, rules, policy)
        known = stays_of(data)
        for grid in sorted(grids or known.grids):
            told_anew(data, grid, mind, write, upto=len(known.of(grid)) - 1)
    else:
        run_flow(
            journal := _journal(source, out),
            grids or grids_of(journal),
            lambda: write,
            rules=rules,
            policy=policy,
            runner=runner,
            workers=workers,
            recovery=None,
            epoch_s=10,
            until_end=True,
        )
    took_s = time.monotonic() - started_at
    digest = hashlib.sha256(b"".join(canonical(every(store, "incidents", Filter())))).hexdigest()
    counts = store.counts()
    store.close()
    return {"took_s": round(took_s, 2), "incidents_sha256": digest, **counts}


def _of_several_flows(source: Path) -> Path | None:
    """Return the folder of a system with several flows, if it is one."""
    folders = [one for one in (source, source / "data") if len(stays_of(one).flows) > 1]
    return folders[0] if folders else None


def _journal(source: Path, out: Path) -> Path:
    """Return the folder of the journal to run, made from recordings where they are given."""
    for folder in (source, source / "journal", source / "data" / "journal"):
        if (folder / "durable").exists():
            return folder
    from weinao.cli.recorded import NotRecordingsError, write_journal

    made = out / "journal"
    with showing.progress() as progress:
        task = progress.add_task("perception", total=None)
        try:
            with legible(source, "replay"):
                write_journal(source, made, lambda done: progress.update(task, completed=done))
        except NotRecordingsError as error:
            raise SystemExit(f"weinao replay: {error}") from error
    return made
