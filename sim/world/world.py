"""The world of one scenario: its records, everything that arrives, and what is true in it."""

import heapq
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sim.cast import TEAM
from sim.faults.devices import failing
from sim.faults.false_alarms import falsified
from sim.faults.plan import Fault
from sim.faults.transport import Delivery, Uplink
from sim.scenarios import HomeTable, Scenario
from sim.world import community, households
from sim.world.commons import Commons
from sim.world.home import LivedIn
from sim.world.households import BEAT_S, SENSOR_BEAT_S, Dwelling, dwelling
from sim.world.said import Said
from sim.world.truth import MUST, Fact, Happening
from weinao.registry import Building, Community, Grid, Record, Staff

COMMUNITY = "sim"

_SILENT_BEATS = 3
_DAY_MS = 86_400_000
_GRACE_S = BEAT_S + 120.0


class Voice(Struct, frozen=True, kw_only=True):
    """What the devices behind one agent say, before any outbox or link has touched it.

    Attributes:
        beating: Devices whose life the agent vouches for, with when they died, if they did.
        dead: When the agent itself is dead.
        down: When its uplink is.
        said: In the order of time; what a dead agent would not hear is in it.
    """

    agent: str
    grid: str
    beating: Mapping[str, tuple[int, int] | None]
    dead: tuple[tuple[int, int], ...]
    down: tuple[tuple[int, int], ...]
    said: Iterator[Said]


class UnknownSubjectError(Exception):
    """Something befalls, or breaks with, what is in no home; the message names every such thing."""


class World:
    """Everything that is so in a scenario, from one seed.

    Raises:
        UnknownSubjectError: A happening or a fault is about nobody's.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.start = scenario.starts_at
        self.until = self.start + round(scenario.lasts_s * 1_000)
        self.tick_ms = scenario.tick_s * 1_000
        self._seed = seed
        self.homes, happenings, self._faults = _cast(scenario, seed)
        self._commons = {
            grid: Commons(
                grid,
                start=self.start,
                until=self.until,
                seed=seed,
                places=scenario.commons,
                beat_s=scenario.beat_s,
            )
            for grid in self.grids
        }
        self._site_of: dict[str, Dwelling | Commons] = {
            subject: home for home in self.homes for subject in _subjects(home)
        }
        for commons in self._commons.values():
            self._site_of.update(dict.fromkeys(commons.subjects, commons))
        _check(happenings, self._faults, self._site_of)
        self.facts = (*(self._fact(one) for one in happenings), *self._faults_noticed())

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Everything that breaks."""
        return self._faults

    @property
    def grids(self) -> tuple[str, ...]:
        """The grids of its homes, in order."""
        return tuple(dict.fromkeys(home.grid for home in self.homes))

    @property
    def grid_of(self) -> dict[str, str]:
        """For each agent, its grid."""
        sites: list[Dwelling | Commons] = [*self.homes, *self._commons.values()]
        return {site.agent: site.grid for site in sites}

    def records(self, grid: str) -> list[Record]:
        """Return everything that is registered in a grid before the story begins."""
        found: list[Record] = [
            Community(id=COMMUNITY, name="示例小区"),
            Grid(id=grid, community=COMMUNITY),
            Building(id=f"building-{grid}", grid=grid, floors=18),
            *(Staff(id=f"{who}-{grid}", role=role) for who, role in TEAM),
        ]
        for home in self.homes:
            if home.grid == grid:
                found += households.records(home)
        return found + self._commons[grid].records()

    def changes(self) -> Iterator[tuple[int, str, Record]]:
        """Yield what people enter during the story: when, in which grid, and the new record."""
        for fact in sorted(self.facts, key=lambda one: one.at):
            home = self._site_of[fact.about[0]]
            if fact.happening == "tests_device" and isinstance(home, Dwelling):
                yield fact.at, home.grid, households.detector(home, fact.about[0], fact.at)

    def deliveries(self) -> Iterator[Delivery]:
        """Yield everything that arrives from all agents, in the order of arrival."""
        sites: list[Dwelling | Commons] = [*self.homes, *self._commons.values()]
        return heapq.merge(*(self._deliver(site) for site in sites))

    def voices(self) -> Iterator[Voice]:
        """Yield what is said behind each agent, for agents that are no part of this world."""
        sites: list[Dwelling | Commons] = [*self.homes, *self._commons.values()]
        for site in sites:
            faults = self._faults_of(site)
            yield Voice(
                agent=site.agent,
                grid=site.grid,
                beating=self._beating(site),
                dead=self._windows(faults, "agent_dies"),
                down=self._windows(faults, "uplink_down"),
                said=failing(self._said(site), faults, self.start),
            )

    def hears(self, device: str, at: int) -> bool:
        """Say whether what a device is told reaches it: its agent lives, and its uplink is up."""
        site = self._site_of.get(device)
        return site is not None and not any(
            begun <= at < ended
            for kind in ("agent_dies", "uplink_down")
            for begun, ended in self._windows(self._faults_of(site), kind)
        )

    def agent_of(self, subject: str) -> str:
        """Return the agent behind which something befalls a subject; empty for nobody's."""
        site = self._site_of.get(subject)
        return site.agent if site is not None else ""

    def _deliver(self, site: Dwelling | Commons) -> Iterator[Delivery]:
        faults = self._faults_of(site)
        uplink = Uplink(
            site.agent,
            self._beating(site),
            faults,
            start=self.start,
            until=self.until,
            seed=self._seed,
            beat_s=site.beat_s,
        )
        return uplink.deliver(failing(self._said(site), faults, self.start))

    def _said(self, site: Dwelling | Commons) -> Iterator[Said]:
        """Yield what the devices of a site say, of what is so and of what is not."""
        faults, start, seed = self._faults_of(site), self.start, self._seed
        sensors = {} if isinstance(site, Commons) else site.sensors
        return falsified(self._true(site), faults, sensors, start, seed)

    def _true(self, site: Dwelling | Commons) -> Iterator[Said]:
        subjects = self._subjects_of(site)
        facts = [fact for fact in self.facts if fact.about[0] in subjects]
        if isinstance(site, Commons):
            return site.said(facts)
        return LivedIn(site, facts, start=self.start, until=self.until, seed=self._seed).said()

    def _faults_of(self, site: Dwelling | Commons) -> list[Fault]:
        subjects = self._subjects_of(site)
        return [one for one in self._faults if one.target in subjects or one.target == "all"]

    def _subjects_of(self, site: Dwelling | Commons) -> set[str]:
        return {*(site.subjects if isinstance(site, Commons) else _subjects(site))}

    def _beating(self, site: Dwelling | Commons) -> dict[str, tuple[int, int] | None]:
        if isinstance(site, Commons):
            return {}
        return {device: self._death(device) for device in site.sensors}

    def _windows(self, faults: Sequence[Fault], kind: str) -> tuple[tuple[int, int], ...]:
        return tuple(
            (self._at(one.from_s), self._at(one.until_s)) for one in faults if one.kind == kind
        )

    def _death(self, device: str) -> tuple[int, int] | None:
        died = [one for one in self._faults if one.kind == "sensor_dies" and one.target == device]
        if not died:
            return None
        return self._at(died[0].from_s), self._at(died[0].until_s)

    def _at(self, at_s: float) -> int:
        return self.start + round(at_s * 1_000)

    def _fact(self, one: Happening) -> Fact:
        must = MUST[one.kind]
        home = self._site_of[one.subject]
        at = self._at(one.at_s)
        until = at + round((one.lasts_s or must.lasts_s) * 1_000)
        told_at, unseen = self._told_at(home, at, at + round(must.allowed_s * 1_000))
        return Fact(
            happening=one.kind,
            kind=must.kind,
            about=home.about(one.subject),
            at=at,
            until=until,
            told_at=told_at,
            allowed_s=must.allowed_s,
            optional=must.optional or unseen or self._mute(home, one) or told_at >= self.until,
            by=one.by,
        )

    def _mute(self, home: Dwelling | Commons, one: Happening) -> bool:
        """Say whether the detector that alone could tell of it is dead or stuck."""
        return any(
            fault.kind in ("sensor_dies", "sensor_stuck")
            and fault.target == home.device(one.kind)
            and fault.during(one.at_s)
            for fault in self._faults
        )

    def _told_at(self, home: Dwelling | Commons, at: int, by: int) -> tuple[int, bool]:
        """Return when news of something could leave a home, and whether nobody noticed it."""
        told_at, unseen = at, False
        for fault in self._faults:
            begun, ended = self._at(fault.from_s), self._at(fault.until_s)
            if self._site_of.get(fault.target) is home and begun < by and at < ended:
                unseen = unseen or fault.kind == "agent_dies"
                if fault.kind == "uplink_down":
                    told_at = max(told_at, ended + 60_000)
        return told_at, unseen

    def _faults_noticed(self) -> Iterator[Fact]:
        """Yield the faults that themselves have to lead to an incident."""
        for fault in self._faults:
            if fault.kind not in ("uplink_down", "agent_dies", "sensor_dies"):
                continue
            home = self._site_of[fault.target]
            beat_s = SENSOR_BEAT_S if fault.kind == "sensor_dies" else home.beat_s
            silent_s = _SILENT_BEATS * beat_s
            agent = fault.kind != "sensor_dies"
            surely = fault.until_s - fault.from_s > silent_s + _GRACE_S
            maybe = fault.until_s - fault.from_s > silent_s - beat_s - _GRACE_S
            at = self._at(fault.from_s)
            told_at, _ = (at, False) if agent else self._told_at(home, at, at + 14_400_000)
            if maybe:
                yield Fact(
                    happening=fault.kind,
                    kind="agent_silent" if agent else "device_silent",
                    about=(home.agent if agent else fault.target,),
                    at=at,
                    until=self._at(fault.until_s),
                    told_at=told_at,
                    allowed_s=silent_s + _GRACE_S,
                    optional=not surely or told_at + silent_s * 1_000 >= self.until,
                )


def _cast(
    scenario: Scenario, seed: int
) -> tuple[tuple[Dwelling, ...], tuple[Happening, ...], tuple[Fault, ...]]:
    homes = tuple(
        _furnished(
            dwelling(
                one.id,
                one.grid,
                one.people,
                one.tags,
                metered=one.metered,
                banded=one.banded,
                measured=one.measured,
            ),
            one,
            scenario,
        )
        for one in scenario.homes
    )
    happenings, faults = scenario.happenings, scenario.faults
    table = scenario.community
    if table is not None:
        settled = community.settle(table.homes, table.people, table.homes_per_grid, seed)
        befallen = community.befall(settled, scenario.lasts_s, table.dangers, seed)
        if table.faults:
            faults += community.breaks(settled, befallen, scenario.lasts_s, seed)
        homes, happenings = homes + settled, happenings + befallen
    return homes, happenings, faults


def _furnished(home: Dwelling, table: HomeTable, scenario: Scenario) -> Dwelling:
    """Return a home with what its table says beside who lives there."""
    tested = {
        one.device: (scenario.starts_at - round(one.days_ago * _DAY_MS), one.every_days)
        for one in table.tested
    }
    return replace(
        home,
        extras=table.extras,
        windows=table.windows,
        beat_s=scenario.beat_s,
        tested=tested,
    )


def _subjects(home: Dwelling) -> Iterator[str]:
    yield from (home.id, home.agent, *home.devices, *(person.id for person in home.people))


def _check(
    happenings: Sequence[Happening], faults: Sequence[Fault], known: dict[str, Dwelling | Commons]
) -> None:
    problems = [
        f"happening {one.kind} at {one.at_s:g} s: no such subject {one.subject}"
        for one in happenings
        if one.subject not in known
    ]
    problems += [
        f"fault {one.kind} at {one.from_s:g} s: no such target {one.target}"
        for one in faults
        if one.target not in known and one.target != "all"
    ]
    if problems:
        raise UnknownSubjectError("\n".join(problems))
