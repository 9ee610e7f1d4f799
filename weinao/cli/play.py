"""`weinao sim play`: a scenario through the live system, at its own time, many times faster.

Broker, ingest, flow, store and notify are real processes, and so is the agent of every home, with
its outbox; people answer by MQTT. All of them take their time from one clock, which shows the
story's time, runs `speed` times as fast as the wall's, and stands still before and after it.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.live import Live

from sim.audit import Audit
from sim.faults.link import Link
from sim.faults.plan import Fault
from sim.people import by_the_hour
from sim.scenarios import Scenario
from sim.world.home import TZ_MS
from sim.world.world import UnknownSubjectError, World
from weinao import logging
from weinao.catalogue import Language
from weinao.cli import showing
from weinao.cli.capacity import TooManyHomesError, check, chosen, free_bytes
from weinao.cli.folders import emptied
from weinao.cli.minds import policy_of, rules_of
from weinao.cli.options import Count, Runner, Span
from weinao.cli.play_report import NOT_LIVE, Performed, Report, report, tell
from weinao.cli.played import Played
from weinao.cli.rehearsal import Rehearsal
from weinao.cli.screen import Screen
from weinao.cli.stage import Home
from weinao.cli.supervisor import NotReadyError
from weinao.clock import Clock, now_ms

TICK_S = 10.0
"""Between two ticks, in the story's time; as `weinao sim run` has it."""

TICK_WALL_S_MIN = 0.25
"""Not closer by the wall: a busy machine's hiccup should not look like an absence of ingest."""

LEAD_S = 9.0
LEAD_AGENT_S = 0.4
"""How long by the wall the system and each agent take to start, before the story begins."""

BEFORE_MS = 60_000
"""When in the story, before its start, everything is registered and every agent is there."""

DRAIN_S = 60.0
DEATHS_MAX = 4
"""A program that dies so often of itself will hardly live any more."""

TURN_S = 0.05


def play(
    scenario: str,
    /,
    *,
    out: Path = Path("run/play"),
    speed: Span = 60.0,
    seed: int | None = None,
    homes: Count | None = None,
    runner: Runner = "bytewax",
    rules: Path | None = None,
    policy: Path | None = None,
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
        rules: A file of thresholds, as configs/rules.toml; without it, the defaults.
        policy: How incidents are handled, as configs/policy.toml; without it, the one we ship.
        json: Print the account as JSON.
        lang: Language of the table.
    """
    from weinao.cli.sim import story_of

    logging.configure(level="warning")
    signal.signal(signal.SIGTERM, _end)
    rules_of(rules, "sim play")
    policy_of(policy, "sim play")
    story = story_of(scenario)
    console = showing.console(stderr=json)
    played = story.seed if seed is None else seed
    try:
        world = World(story, played)
        agents = chosen(world, homes)
        check(len(agents), free_bytes(), os.cpu_count() or 1)
    except (UnknownSubjectError, TooManyHomesError) as error:
        raise SystemExit(f"weinao sim: {error}") from error
    show = Performance(
        story, world, agents, emptied(out, "sim play"), console,
        speed=speed, seed=played, runner=runner, lang=lang, rules=rules, policy=policy,
    )  # fmt: skip
    try:
        came = show.play()
    except NotReadyError as error:
        raise SystemExit(f"weinao sim: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        show.close()
    if json:
        showing.write_json(came)
    else:
        tell(console, came)
    if not came.sound:
        console.print(
            f"repeat: weinao sim play {scenario} --seed {played} --speed {speed:g} --out {out}"
        )
    raise SystemExit(0 if came.sound else 1)


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
        rules: Of the flow, and
        policy: likewise; the ones we ship, if None.
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
        rules: Path | None = None,
        policy: Path | None = None,
    ) -> None:
        self._story, self._world, self._console, self._seed = story, world, console, seed
        self._began = time.monotonic()
        self._agents = {*agents}
        console.print(f"{story.title}\nseed {seed}, speed {speed:g}, {len(agents)} agents")
        lead_s = LEAD_S + LEAD_AGENT_S * len(agents)
        stage = Played(folder, world, agents, seed=seed)
        lines = stage.write_tracks()
        console.print(f"{lines} words of devices; the story lasts {story.lasts_s / speed:.0f} s")
        self.clock = Clock(
            set_at=now_ms() + round(lead_s * 1_000),
            shows=world.start - BEFORE_MS,
            speed=speed,
            until=world.until,
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
            rules=rules,
            policy=policy,
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
        missing = self._rehearsal.drained(DRAIN_S)
        if missing is not None:
            self._console.print(f"[red]not everything had arrived in time[/]: {missing}")
        return missing is None

    def _report(self, account: Audit, *, complete: bool) -> Report:
        return report(
            self._story,
            self._world,
            self._agents,
            store=self._rehearsal.store,
            account=account,
            performed=Performed(
                seed=self._seed,
                speed=self.clock.speed,
                took_s=round(time.monotonic() - self._began, 1),
                late_s=round(max(0.0, self._late_s), 2),
                restarts=tuple(self._rehearsal.restarts),
                complete=complete,
            ),
        )

    @staticmethod
    def _told(at: int) -> str:
        return (datetime.fromtimestamp(at / 1_000, UTC) + _LOCAL).strftime("%m-%d %H:%M:%S")


_LOCAL = timedelta(milliseconds=TZ_MS)


def _ingest_settings(folder: Path, speed: float) -> Path:
    path = folder / "ingest.toml"
    tick_s = min(1.0, max(TICK_WALL_S_MIN, TICK_S / speed))
    path.write_text(f"[rhythm]\ntick_s = {tick_s:g}\n", encoding="utf-8")
    return path


def _end(*_: object) -> None:
    raise KeyboardInterrupt
