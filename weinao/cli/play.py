"""`weinao sim play`: a scenario through the live system, at its own time, many times faster.

Broker, ingest, flow, store and notify are real processes, and so is the agent of every home, with
its outbox; people answer by MQTT. All of them take their time from one clock, which shows the
story's time, runs `speed` times as fast as the wall's, and stands still where the story ends.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.live import Live

from sim.audit import Audit
from sim.faults.link import Link
from sim.faults.plan import Fault
from sim.people import by_the_hour
from sim.scenarios import Expectation, Scenario
from sim.verdict import Noticed, Verdict, judge
from sim.world.home import TZ_MS
from sim.world.world import UnknownSubjectError, World
from sinks.store import Filter, Store, every
from weinao import logging
from weinao.catalogue import Language
from weinao.cli.played import Played
from weinao.cli.rehearsal import Rehearsal
from weinao.cli.screen import Screen
from weinao.cli.stage import Home, settle_folder
from weinao.cli.supervisor import NotReadyError
from weinao.clock import Clock, now_ms
from weinao.outcomes import Hazard, Incident

AGENT_BYTES = 50 * 2**20
"""What one agent keeps in memory; `tests/edge/test_memory.py` measures it."""

SYSTEM_BYTES = 700 * 2**20
"""What broker, ingest, flow, store and notify, and this program, keep in memory together."""

AGENTS_PER_CORE_MAX = 40
"""More agents on one core, and their starts alone take longer than the story."""

TICK_S = 10.0
"""Between two ticks, in the story's time; as `weinao sim run` has it."""

TICK_WALL_S_MIN = 0.25
"""Not closer by the wall: a busy machine's hiccup should not look like an absence of ingest."""

LEAD_S = 9.0
LEAD_AGENT_S = 0.4
"""How long by the wall the system and each agent take to start, before the story begins."""

DRAIN_S = 60.0
DEATHS_MAX = 4
"""A program that dies so often of itself will hardly live any more."""

TURN_S = 0.05
LATE_S = 1.0
"""So much later than planned, by the wall, a fault may begin before we say so."""

NOT_LIVE = {
    "duplicate": "the link is TCP, which repeats nothing; reconnecting agents send again anyway",
    "reorder": "the link is TCP, which keeps the order; alarms overtake in the outbox anyway",
}
"""Faults that a live system cannot be made to suffer, and why."""


class Report(Struct, frozen=True, kw_only=True):
    """What came of a story, as `--json` prints it.

    Attributes:
        speed: Of the story's clock.
        took_s: By the wall, starting and draining included.
        late_s: How much later than it should the story began for the last agent; 0 if in time.
        sent: Packs that agents made durable and handed over,
        stored: of those, how many the store has,
        lost: how many are neither stored nor named,
        twice: what stands in the store more than once.
        restarts: Programs that died of themselves and were started again.
        complete: Whether everything had arrived in the end.
        not_live: Faults of the scenario that were left out.
        not_played: Expectations about homes that were left out.
    """

    title: str
    seed: int
    speed: float
    agents: int
    took_s: float
    late_s: float
    sent: int
    stored: int
    lost: int
    twice: int
    restarts: tuple[str, ...]
    complete: bool
    incidents: int
    not_live: tuple[str, ...]
    not_played: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def sound(self) -> bool:
        """Everything expected came, nothing was lost, and nothing counts twice."""
        return (
            self.complete
            and not self.lost
            and not self.twice
            and all(one.held for one in self.verdicts)
        )


class TooManyHomesError(Exception):
    """This machine cannot carry so many agents; the message says how many it can."""


def play(
    scenario: str,
    /,
    *,
    out: Path = Path("run/play"),
    speed: float = 60.0,
    seed: int | None = None,
    homes: int | None = None,
    runner: str = "bytewax",
    json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    lang: Language = "zh",
) -> None:
    """Play a scenario through the live system: real programs, real agents, a real broker.

    Exit code 1 if anything expected did not come, or if anything was lost or counts twice.

    Args:
        scenario: A file, or the name of one in configs/scenarios.
        out: Folder for everything; what an earlier play left there is removed.
        speed: Seconds of the story in one second.
        seed: Of the world, in the place of the scenario's own.
        homes: Only the first so many homes, and the shared places of their grids.
        runner: Of the flow: `bytewax`, or `plain`.
        json: Print the account as JSON.
        lang: Language of the table.
    """
    from weinao.cli.sim import story_of

    logging.configure(level="warning")
    signal.signal(signal.SIGTERM, _end)
    story = story_of(scenario)
    console = Console(stderr=json)
    played = story.seed if seed is None else seed
    try:
        world = World(story, played)
        agents = chosen(world, homes)
        check(len(agents), free_bytes(), os.cpu_count() or 1)
    except (UnknownSubjectError, TooManyHomesError) as error:
        raise SystemExit(f"weinao sim: {error}") from error
    show = Performance(
        story, world, agents, settle_folder(out), console,
        speed=speed, seed=played, runner=runner, lang=lang,
    )  # fmt: skip
    try:
        report = show.play()
    except NotReadyError as error:
        raise SystemExit(f"weinao sim: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        show.close()
    if json:
        print(msgspec.json.format(msgspec.json.encode(report)).decode())  # noqa: T201  # asked for
    else:
        _tell(console, report)
    if not report.sound:
        console.print(
            f"repeat: weinao sim play {scenario} --seed {played} --speed {speed:g} --out {out}"
        )
    raise SystemExit(0 if report.sound else 1)


def chosen(world: World, homes: int | None) -> list[str]:
    """Return the agents of a world's first homes, and of what their grids share."""
    kept = world.homes[:homes]
    grids = {home.grid for home in kept}
    own = {home.agent for home in world.homes}
    shared = [agent for agent, grid in world.grid_of.items() if agent not in own and grid in grids]
    return [home.agent for home in kept] + shared


def check(agents: int, free: int, cores: int) -> None:
    """Refuse what a machine cannot carry.

    Args:
        agents: How many are to run.
        free: Bytes of memory.
        cores: Of the machine.

    Raises:
        TooManyHomesError: So many, or so few that nothing can be played.
    """
    carried = min(max(0, free - SYSTEM_BYTES) // AGENT_BYTES, cores * AGENTS_PER_CORE_MAX)
    if not 0 < agents <= carried:
        raise TooManyHomesError(
            f"{agents} agents of about {AGENT_BYTES >> 20} MB each; this machine, with"
            f" {free / 2**30:.1f} GB of free memory and {cores} cores, carries 1 to {carried}."
            " Limit them with --homes; `weinao sim run` plays any number, without live programs"
        )


def free_bytes() -> int:
    """Return how much memory this machine can still give."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))


class Performance:
    """One story on one stage.

    Args:
        story: The scenario.
        world: Made from it.
        agents: Those that play.
        folder: Everything is kept in it.
        console: For progress.
        speed: Of the story's clock.
        seed: Of the world.
        runner: Of the flow.
        lang: Of the table.
    """

    def __init__(
        self,
        story: Scenario,
        world: World,
        agents: Sequence[str],
        folder: Path,
        console: Console,
        *,
        speed: float,
        seed: int,
        runner: str,
        lang: Language,
    ) -> None:
        self._story, self._world, self._console, self._seed = story, world, console, seed
        self._began = time.monotonic()
        self._agents = {*agents}
        console.print(f"{story.title}\nseed {seed}, speed {speed:g}, {len(agents)} agents")
        lead_ms = round((LEAD_S + LEAD_AGENT_S * len(agents)) * 1_000 * speed)
        stage = Played(folder, world, agents, seed=seed)
        lines = stage.write_tracks()
        console.print(f"{lines} words of devices; the story lasts {story.lasts_s / speed:.0f} s")
        self.clock = Clock(
            set_at=now_ms(), shows=world.start - lead_ms, speed=speed, until=world.until
        )
        stage.clock = self.clock
        self._rehearsal = Rehearsal(
            stage,
            folder,
            runner=runner,
            seed=seed,
            moods=by_the_hour,
            clock=self.clock,
            ingest=_ingest_settings(folder, speed),
        )
        self._screen = Screen(console, self._rehearsal.store, lang, self._told)
        self._links: dict[str, Link] = {}
        self._late_s = 0.0

    def play(self) -> Report:
        """Play until the story ends and everything has arrived; return the account.

        Raises:
            NotReadyError: A program did not become usable, or does not stay so.
        """
        self._open()
        acts = self._acts()
        live = Live(console=self._console, refresh_per_second=2, transient=True)
        with live if self._console.is_terminal else nullcontext():
            shown_at = 0.0
            while self.clock() < self._world.until:
                while acts and self.clock() >= acts[-1][0]:
                    due, act = acts.pop()
                    self._note_late(due)
                    act()
                self._turn()
                if time.monotonic() - shown_at > 1:
                    shown_at = time.monotonic()
                    self._screen.show(live)
            for _, act in reversed(acts):
                act()
        complete = self._drain()
        self._console.print(self._screen.table())
        return self._report(self._rehearsal.account([]), complete=complete)

    def close(self) -> None:
        """End every program."""
        for link in self._links.values():
            link.close()
        self._rehearsal.close()

    def _open(self) -> None:
        self._rehearsal.open()
        cut = {
            self._world.agent_of(one.target) for one in self._faults() if one.kind == "uplink_down"
        }
        for one in self._rehearsal.stage.homes:
            if one.agent in cut:
                self._links[one.agent] = Link("127.0.0.1", self._rehearsal.plan.broker_port)
            link = self._links.get(one.agent)
            self._rehearsal.enter(one, link.port if link else None)
        self._note_late(self._world.start)
        took_s = time.monotonic() - self._began
        self._console.print(f"programs run after {took_s:.1f} s; it is {self._told(self.clock())}")

    def _faults(self) -> list[Fault]:
        """Return what breaks live on this stage; what fails in a device is in its track."""
        return [
            one
            for one in self._world.faults
            if one.kind not in NOT_LIVE and self._world.agent_of(one.target) in self._agents
        ]

    def _acts(self) -> list[tuple[int, Callable[[], object]]]:
        """Return what is done to links and agents, and when: the last first."""
        homes = {one.agent: one for one in self._rehearsal.stage.homes}
        acts: list[tuple[int, Callable[[], object]]] = []
        for fault in self._faults():
            agent = self._world.agent_of(fault.target)
            begun, ended = (
                self._world.start + round(at_s * 1_000) for at_s in (fault.from_s, fault.until_s)
            )
            if fault.kind == "uplink_down":
                link = self._links[agent]
                acts += [(begun, link.cut), (ended, link.mend)]
            elif fault.kind == "agent_dies":
                acts += [
                    (begun, partial(self._kill, homes[agent])),
                    (ended, partial(self._rehearsal.enter, homes[agent])),
                ]
        return sorted(acts, key=lambda planned: -planned[0])

    def _turn(self) -> None:
        self._rehearsal.turn(TURN_S)
        restarts = self._rehearsal.restarts
        if restarts and restarts.count(restarts[-1]) >= DEATHS_MAX:
            raise NotReadyError(
                f"{restarts[-1]} died {DEATHS_MAX} times:\n"
                + self._rehearsal.supervisor.tail(restarts[-1])
            )

    def _kill(self, one: Home) -> None:
        pid = self._rehearsal.supervisor.pid(one.agent)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        self._rehearsal.supervisor.stop(one.agent)

    def _note_late(self, due: int) -> None:
        """Note how late something is, by the wall."""
        late_s = (self.clock() - due) / 1_000 / self.clock.speed
        self._late_s = max(self._late_s, late_s)

    def _drain(self) -> bool:
        """Wait until everything has arrived; the story's clock stands still meanwhile."""
        complete = self._rehearsal.drained(DRAIN_S)
        if not complete:
            self._console.print("[red]not everything had arrived in time[/]")
        return complete

    def _report(self, account: Audit, *, complete: bool) -> Report:
        noticed, incidents = _concluded(self._rehearsal.store)
        asked, left_out = _playable(self._story, self._world, self._agents)
        return Report(
            title=self._story.title,
            seed=self._seed,
            speed=self.clock.speed,
            agents=len(self._agents),
            took_s=round(time.monotonic() - self._began, 1),
            late_s=round(max(0.0, self._late_s), 2),
            sent=account.sent,
            stored=account.stored,
            lost=len(account.lost),
            twice=len(account.duplicated) + len(account.torn),
            restarts=tuple(self._rehearsal.restarts),
            complete=complete,
            incidents=len(incidents),
            not_live=tuple(
                f"{kind}: {NOT_LIVE[kind]}"
                for kind in sorted({one.kind for one in self._world.faults} & {*NOT_LIVE})
            ),
            not_played=tuple(left_out),
            verdicts=tuple(judge(asked, noticed, incidents)),
        )

    @staticmethod
    def _told(at: int) -> str:
        return (datetime.fromtimestamp(at / 1_000, UTC) + _LOCAL).strftime("%m-%d %H:%M:%S")


_LOCAL = timedelta(milliseconds=TZ_MS)


def _concluded(store: Store) -> tuple[list[Noticed], list[Incident]]:
    noticed = [
        Noticed(one.value, one.received_at)
        for one in every(store, "hazards", Filter())
        if isinstance(one.value, Hazard)
    ]
    incidents = [
        one.value for one in every(store, "incidents", Filter()) if isinstance(one.value, Incident)
    ]
    return noticed, incidents


def _playable(story: Scenario, world: World, agents: Collection[str]) -> tuple[Scenario, list[str]]:
    """Return a story without what is expected of homes that do not play, and whose those are."""

    def plays(wanted: Expectation) -> bool:
        return world.agent_of(wanted.subject) in (*agents, "")

    both = (*story.expect, *story.never)
    left_out = [one.subject for one in both if not plays(one)]
    return (
        replace(
            story,
            expect=tuple(filter(plays, story.expect)),
            never=tuple(filter(plays, story.never)),
        ),
        left_out,
    )


def _ingest_settings(folder: Path, speed: float) -> Path:
    path = folder / "ingest.toml"
    tick_s = min(1.0, max(TICK_WALL_S_MIN, TICK_S / speed))
    path.write_text(f"[rhythm]\ntick_s = {tick_s:g}\n", encoding="utf-8")
    return path


def _tell(console: Console, report: Report) -> None:
    for one in report.verdicts:
        console.print(f"[green]held[/]   {one.told}" if one.held else f"[red]broken[/] {one.told}")
    for left_out in report.not_live:
        console.print(f"[yellow]not live[/] {left_out}")
    for subject in report.not_played:
        console.print(f"[yellow]not played[/] what is expected of {subject}")
    colour = "red" if report.lost or report.twice else "green"
    console.print(
        f"packs: sent {report.sent}, stored {report.stored},"
        f" [{colour}]lost {report.lost}, twice {report.twice}[/]"
    )
    if report.restarts:
        console.print(f"[yellow]died and were started again: {', '.join(report.restarts)}[/]")
    if report.late_s > LATE_S:
        console.print(
            f"[yellow]this machine was up to {report.late_s:.1f} s late: at a lower --speed the"
            " story is told more truly[/]"
        )
    console.print(f"{report.agents} agents, {report.incidents} incidents, {report.took_s:.1f} s")


def _end(*_: object) -> None:
    raise KeyboardInterrupt
