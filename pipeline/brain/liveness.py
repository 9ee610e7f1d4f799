"""Liveness: who has been heard of lately, agents and the devices behind them, and who is silent.

    tick      -> silence of agents, by the community's clock
    heartbeat -> silence of the devices behind an agent, by the agent's word
    both      -> what comes back is over

While ingest was away nobody could be heard, and that is nobody's silence.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from pipeline.brain import word
from pipeline.brain.identify import inactivity
from pipeline.brain.identify.silence import Heard, Silence, heard_behind
from pipeline.brain.perceive.registered import Registered, stands_in
from pipeline.brain.perceive.seen import Seen
from pipeline.brain.word import Word
from weinao.messages import Home, Status
from weinao.outcomes import Hazard
from weinao.registry import Device, Record

CLOCK_GAP_MS = 5_000
TICKS_MISSED_MAX = 3
"""A longer pause between ticks, and longer than so many of the last, means that ingest was away,
and with it everybody's ear."""

_HOUR_MS = 3_600_000


class LivenessState(Struct, frozen=True):
    """What is remembered of who was heard.

    Attributes:
        heard: When each agent, and each device behind one, was last heard.
        boots: The newest boot of each agent.
        watching: For each household, the devices whose silence would make it look quiet.
        ticked_at: The community's clock,
        tick_ms: and how far apart its last two ticks were.
        words: The last word of each agent about time.
    """

    heard: dict[str, Heard] = {}
    boots: dict[str, str] = {}
    watching: dict[str, tuple[str, ...]] = {}
    ticked_at: int = 0
    tick_ms: int = 0
    words: dict[str, Word] = {}


class Beat(NamedTuple):
    """What a heartbeat changed: whether the agent had started anew, and what is over or silent."""

    restarted: bool
    hazards: list[Hazard]


class Liveness:
    """Who was heard in one grid.

    Args:
        grid: Its id. What stands in another grid is heard there, though it may speak here, too.
        silence: How long something may be silent.
        resume: What was remembered earlier.
    """

    def __init__(self, grid: str, silence: Silence, resume: LivenessState) -> None:
        self._grid, self._silence = grid, silence
        self._heard, self._boots = dict(resume.heard), dict(resume.boots)
        self._watching = dict(resume.watching)
        self._ticked_at, self._tick_ms = resume.ticked_at, resume.tick_ms
        self._words = dict(resume.words)
        self._next_silent_at = 0

    def snapshot(self) -> LivenessState:
        """Return all that is remembered; what comes later does not change it."""
        return LivenessState(
            dict(self._heard),
            dict(self._boots),
            dict(self._watching),
            self._ticked_at,
            self._tick_ms,
            dict(self._words),
        )

    def tick(self, known: Registered, now: int) -> list[Hazard]:
        """Let the community's clock reach `now`; return the agents that are silent by then."""
        self._excuse(now)
        return [*self._agents_silent(known, now)] if now >= self._next_silent_at else []

    def beat(self, agent: Device, boot: str, said: Status, known: Registered, now: int) -> Beat:
        """Take in a heartbeat."""
        before = self._words.get(agent.id)
        self._words[agent.id] = word.following(before, said.at, said.complete_to, now)
        heard = self._heard.get(agent.id, Heard(0))
        self._heard[agent.id], over = self._silence.hear(heard, now)
        due = self._silence.due_at(self._heard[agent.id], agent)
        self._next_silent_at = min(self._next_silent_at, due if due is not None else now + _HOUR_MS)
        restarted = self._boots.get(agent.id, boot) < boot
        self._boots[agent.id] = max(self._boots.get(agent.id, boot), boot)
        behind = self._devices_silent(agent, said, known, back=restarted or bool(over))
        return Beat(restarted, [*over, *behind])

    def expect(self, record: Record, now: int) -> None:
        """Await an agent from its registration on; one that never speaks is silent, too."""
        if (
            isinstance(record, Device)
            and record.id == record.agent
            and stands_in(record, self._grid)
        ):
            self._heard.setdefault(record.id, Heard(now))
            self._next_silent_at = 0

    def watch(self, seen: Seen) -> None:
        """Note a sensor whose silence would make its home look quiet."""
        said = seen.observation
        watching = self._watching.get(seen.household, ())
        if (
            seen.household
            and isinstance(said, Home)
            and said.sensor in inactivity.SENSORS
            and seen.device not in watching
        ):
            self._watching[seen.household] = (*watching, seen.device)

    def silent(self, agent: str) -> bool:
        """Say whether an agent is silent."""
        heard = self._heard.get(agent)
        return heard is not None and heard.raised is not None

    def behind_ms(self, agent: str, now: int) -> int | None:
        """Return how far an agent is behind by its own words; None where only its clock can say."""
        return word.behind_ms(self._words.get(agent), now)

    def blind(self, household: str, known: Registered) -> bool:
        """Say whether a sensor of a home is silent, so that a quiet home may only look quiet."""
        for name in self._watching.get(household, ()):
            device, heard = known.device(name), self._heard.get(name)
            if device and device.heartbeat_s is not None and heard and heard.raised is not None:
                return True
        return False

    def _excuse(self, now: int) -> None:
        """Forgive agents the time in which nobody listened: the clock itself stood still."""
        away = now - self._ticked_at
        if away == 0:
            return
        if self._tick_ms and away > max(TICKS_MISSED_MAX * self._tick_ms, CLOCK_GAP_MS):
            for agent, heard in self._heard.items():
                if heard.raised is None:
                    self._heard[agent] = Heard(min(now, heard.at + away))
            self._next_silent_at = 0
            # A clock that goes on ticking slowly must not excuse everybody for ever.
            self._tick_ms = min(away, 2 * self._tick_ms)
        elif self._ticked_at:
            self._tick_ms = away
        self._ticked_at = now

    def _devices_silent(
        self, agent: Device, said: Status, known: Registered, *, back: bool
    ) -> Iterator[Hazard]:
        """Judge the devices behind an agent by its word; one that is back has heard none yet."""
        for device in known.devices_of_agent.get(agent.id, ()):
            if device.heartbeat_s is None:
                continue
            heard = self._heard.get(device.id, Heard(said.at))
            if back and heard.raised is None:
                heard = Heard(max(heard.at, said.at))
            told_at = min(heard_behind(said, device.id) or 0, said.at)
            heard, over = self._silence.hear(heard, told_at)
            household = known.home_of(device)
            heard, raised = self._silence.pass_time(heard, device, household, said.at)
            self._heard[device.id] = heard
            yield from (*over, *raised)

    def _agents_silent(self, known: Registered, now: int) -> Iterator[Hazard]:
        waiting = [now + _HOUR_MS]
        for agent_id, heard in [*self._heard.items()]:
            agent = known.device(agent_id)
            if agent is None or agent.id != agent.agent or not stands_in(agent, self._grid):
                continue
            home = known.home_of(agent)
            self._heard[agent_id], raised = self._silence.pass_time(heard, agent, home, now)
            yield from raised
            due = self._silence.due_at(self._heard[agent_id], agent)
            waiting += [due] if due is not None else []
        self._next_silent_at = min(waiting)
