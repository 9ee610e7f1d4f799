"""`weinao chaos`: kill a random program a round while a community lives, then count everything.

SIGKILL, at moments that a seed decides, to an agent, the broker, ingest or the flow. What agents
had made durable must be in the store, once; what happened must have led to one incident.
"""

import os
import random
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from sim.audit import Audit
from sim.people import Manner, always
from weinao import logging
from weinao.cli import showing
from weinao.cli.folders import emptied
from weinao.cli.options import Count, Runner, Wait
from weinao.cli.rehearsal import Rehearsal
from weinao.cli.stage import Happening, Home, Stage
from weinao.cli.supervisor import Program
from weinao.clock import now_ms

VICTIMS = ("broker", "ingest", "flow")
ROUND_S = (1.5, 3.5)
HOMES = 4
SMOKE_S = 4.0


def chaos(
    *,
    rounds: Count = 60,
    seed: int = 1,
    folder: Path = Path("run/chaos"),
    runner: Runner = "bytewax",
    dsn: str | None = None,
    postgres: Path | None = None,
    drain_s: Wait = 90,
    json: bool = False,
) -> None:
    """Kill programs at random, then audit; exit code 1 if anything is lost or counts twice.

    Args:
        rounds: Programs to kill, one after another.
        seed: Of the victims, the moments and the story.
        folder: Everything is kept in it; what an earlier run left there is removed.
        runner: `bytewax`, or `plain`.
        dsn: A PostgreSQL database as store, empty; among the victims are all connections to it.
        postgres: The programs of a PostgreSQL server, best with TimescaleDB: one is made, is the
            store, and is among the victims itself.
        drain_s: How long everything may take to arrive afterwards.
        json: Print JSON.
    """
    logging.configure(level="warning")
    with ExitStack() as stack:
        database: Database | None = None
        if postgres is not None:
            from weinao.cli.chaos_database import server

            program, dsn = stack.enter_context(server(postgres))
            database = Database(dsn, program)
        elif dsn is not None:
            database = Database(dsn)
        _run(rounds, seed, folder, database, runner=runner, drain_s=drain_s, as_json=json)


class Database(Struct, frozen=True):
    """A store that is to be a victim; one without a program of ours is cut off, not killed."""

    dsn: str
    program: Program | None = None


def _run(
    rounds: int,
    seed: int,
    folder: Path,
    database: Database | None,
    *,
    runner: str,
    drain_s: float,
    as_json: bool,
) -> None:
    rng = random.Random(seed)  # noqa: S311  # a rehearsal
    folder = emptied(folder, "chaos")
    waits_s = [rng.uniform(*ROUND_S) for _ in range(rounds)]
    homes = cast(sum(waits_s))
    stage = Stage(folder, homes, epoch=now_ms() + 5_000, heartbeat_s=4.0, seed=seed)
    moods = always(Manner(delay_s=(0.2, 1.0)))
    dsn = database.dsn if database else None
    rehearsal = Rehearsal(stage, folder, runner=runner, seed=seed, moods=moods, dsn=dsn)
    try:
        if database and database.program:
            rehearsal.supervisor.start(database.program)
        rehearsal.open()
        for one in homes:
            rehearsal.enter(one)
        killed = _kill(rehearsal, homes, waits_s, rng, database)
        missing = rehearsal.drained(drain_s)
        verdict = rehearsal.account([])
    finally:
        rehearsal.close()
    _report(verdict, rounds, killed, missing=missing, as_json=as_json)
    found = verdict.found == len(verdict.findings)
    raise SystemExit(0 if missing is None and verdict.sound and found else 1)


def cast(lasts_s: float) -> list[Home]:
    """Return homes in which something happens all the time, for so many seconds."""
    homes = []
    for number in range(HOMES):
        name = f"2{number:02d}"
        moments = range(3 + number, int(lasts_s), 7)
        homes.append(
            Home(
                name=name,
                about="calls for help again and again",
                sensors=(
                    (f"pir-{name}", "pir", "bedroom"),
                    (f"thermo-{name}", "temperature", "bedroom"),
                    (f"sos-{name}", "sos", "bedroom"),
                    (f"smoke-{name}", "smoke", "kitchen"),
                ),
                happenings=tuple(
                    Happening(at_s, "sos", f"sos-{name}")
                    if place % 4
                    else Happening(at_s, "smoke", f"smoke-{name}", SMOKE_S)
                    for place, at_s in enumerate(moments)
                ),
            )
        )
    return homes


def _kill(
    rehearsal: Rehearsal,
    homes: Sequence[Home],
    waits_s: Sequence[float],
    rng: random.Random,
    database: Database | None,
) -> dict[str, int]:
    """Kill one program a round; return how often each kind was the victim."""
    programs = (*VICTIMS, *(("store", "database") if database else ()))
    killed: dict[str, int] = {}
    with showing.progress() as progress:
        task = progress.add_task("chaos", total=len(waits_s))
        for wait_s in waits_s:
            until = time.monotonic() + wait_s
            while time.monotonic() < until:
                rehearsal.turn(0.05)
            victim = rng.choice([*programs, rng.choice(homes).agent])
            if database and victim == "database" and database.program is None:
                from weinao.cli.chaos_database import cut_off

                cut_off(database.dsn)
            else:
                while (pid := rehearsal.supervisor.pid(victim)) is None:
                    rehearsal.turn(0.05)  # it is dead already: a round is a kill
                os.kill(pid, signal.SIGKILL)
            kind = victim if victim in programs else "agent"
            killed[kind] = killed.get(kind, 0) + 1
            progress.update(task, advance=1, description=f"chaos: killed {victim}")
    return killed


def _report(
    verdict: Audit, rounds: int, killed: dict[str, int], *, missing: str | None, as_json: bool
) -> None:
    figures = {
        "rounds": rounds,
        "sent": verdict.sent,
        "stored": verdict.stored,
        "lost": len(verdict.lost),
        "duplicated": len(verdict.duplicated),
        "incidents_expected": len(verdict.findings),
        "incidents_found": verdict.found,
        "incidents_duplicated": verdict.incidents_duplicated,
        "killed": killed,
        "missing": missing,
    }
    if as_json:
        showing.write_json(figures)
        return
    console = showing.console()
    console.print(figures)
    if missing is not None:
        console.print("[red]not everything had arrived in time[/]")
    for lost in verdict.lost[:10]:
        console.print(f"lost: {lost}")
    for finding in verdict.findings:
        if len(finding.incidents) != 1:
            console.print(f"{len(finding.incidents)} incidents: {finding.expected}")
