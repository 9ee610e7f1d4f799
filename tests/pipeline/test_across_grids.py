"""What crosses grids travels as an observation, and each grid answers for its own.

A gate between two grids is registered in both, stands in one, and says what it sees in the topic of
each that it concerns, with numbers of its own in each. Whether one flow or two read that, each grid
concludes the same, and neither waits for what only the other hears.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from pipeline.brain.grid import GridBrain
from pipeline.brain.rules import RULES
from pipeline.flow.mind import Mind
from pipeline.flow.plain import PlainRunner
from pipeline.journal import JournalReader, JournalWriter
from tests.pipeline.community import GRID, START, Journal
from weinao import codec, topics
from weinao.messages import Action, AnyObservation, Feedback, Gate, Match, Pack, Registered, Status
from weinao.outcomes import (
    AnyOutcome,
    HazardKind,
    Incident,
    IncidentState,
    Loss,
    Notice,
    Outcome,
    Reason,
    Rejected,
    Task,
)
from weinao.registry import Device, Grid, Record, Role, Staff, WatchEntry

EAST, WEST = "east", "west"
GRIDS = (EAST, WEST)
S, MIN, DAY = 1_000, 60_000, 86_400_000

BOTH: tuple[Record, ...] = (
    Device(id="gate-e", agent="gate-e", place="gate-e", grid=EAST, heartbeat_s=10),
    WatchEntry(
        id="w-1", person="p-1", reason="court order", approver="operator-1", valid_to=START + DAY
    ),
)
OWN: dict[str, tuple[Record, ...]] = {
    grid: (
        Grid(id=grid, community="demo"),
        Staff(id=f"police-{grid}", role=Role.POLICE),
        Device(id=f"portal-{grid}", agent=f"portal-{grid}", grid=grid),
    )
    for grid in GRIDS
}


class Town:
    """Two journals, one a flow; everything is written to the journal of its grid."""

    def __init__(self, folder: Path, flows: dict[str, tuple[str, ...]]) -> None:
        self._folder, self._flows, self.now = folder, flows, START
        self._writers = {name: JournalWriter(folder / name) for name in flows}
        self._seqs = Counter[tuple[str, str]]()
        for grid in GRIDS:
            for record in (*BOTH, *OWN[grid]):
                kind = str(record.__struct_config__.tag)
                topic = topics.registry("demo", grid, kind, record.id)
                self.say(grid, "loader", Registered(at=self.now, record=record), topic)

    def say(self, grid: str, device: str, said: AnyObservation, topic: str = "") -> None:
        """Let a device speak in one grid, under numbers that only that grid has of it."""
        self._seqs[grid, device] += 1
        pack = Pack(
            v=1, device=device, boot=f"00000001-a.{grid}", seq=self._seqs[grid, device],
            sent=self.now, obs=(said,),
        )  # fmt: skip
        kind = str(said.__struct_config__.tag)
        topic = topic or topics.up("demo", grid, kind, device)
        [name] = [name for name, grids in self._flows.items() if grid in grids]
        self._writers[name].append(topic, codec.encode(pack), received_at=self.now)

    def sees(self, *, to: tuple[str, ...] = GRIDS) -> None:
        for grid in to:
            said = Gate(at=self.now, match=Match.WATCHLIST, person="p-1", score=0.8, live=0.9)
            self.say(grid, "gate-e", said)

    def beats(self) -> None:
        """A gate's heartbeat is its own grid's."""
        self.say(EAST, "gate-e", Status(at=self.now, complete_to=self.now, queue_len=0))

    def answers(self, grid: str, incident: str, action: Action) -> None:
        said = Feedback(at=self.now, incident=incident, actor=f"police-{grid}", action=action)
        topic = topics.feedback("demo", grid, incident)
        self.say(grid, f"portal-{grid}", said, topic)

    def passes(self, ms: int) -> None:
        self.now += ms
        for writer in self._writers.values():
            writer.append(topics.tick("demo"), b"", received_at=self.now)

    def concluded(self) -> dict[str, list[AnyOutcome]]:
        found: list[Outcome] = []
        for name, grids in self._flows.items():
            self._writers[name].commit()
            mind = Mind(grids=frozenset(grids), rules=RULES, nowhere=f"_{name}")
            loop, reader = PlainRunner(mind, found.extend), JournalReader(self._folder / name)
            while records := reader.read(7):
                loop.take(records)
            reader.close()
        return {grid: [one.value for one in found if one.grid == grid] for grid in GRIDS}

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


TWO, ONE = {"1": (EAST,), "2": (WEST,)}, {"1": GRIDS}


@pytest.fixture
def town(tmp_path: Path):
    made = Town(tmp_path, TWO)
    yield made
    made.close()


def incidents(outcomes: list[AnyOutcome]) -> list[Incident]:
    return list({one.id: one for one in outcomes if isinstance(one, Incident)}.values())


def test_who_is_watched_at_a_gate_between_two_grids_is_told_to_both_once(town):
    town.passes(S)
    town.sees()
    for _ in range(6):
        town.passes(10 * S)
        town.beats()
    town.sees()

    concluded = town.concluded()

    for grid in GRIDS:
        [seen] = incidents(concluded[grid])
        told = [one.recipient for one in concluded[grid] if isinstance(one, Notice)]
        assert (seen.kind, seen.subject, seen.grid) == (HazardKind.WATCHLIST, "gate-e", grid)
        assert told == [f"police-{grid}"]
        assert not [one for one in concluded[grid] if isinstance(one, Loss | Rejected)]


def test_no_grid_misses_the_heartbeat_of_what_stands_in_another(town):
    for _ in range(60):
        town.passes(5 * S)
        town.beats()
    assert [incidents(found) for found in town.concluded().values()] == [[], []]

    for _ in range(12):
        town.passes(5 * S)
    concluded = town.concluded()

    assert [one.kind for one in incidents(concluded[EAST])] == [HazardKind.AGENT_SILENT]
    assert incidents(concluded[WEST]) == []


def test_what_stands_in_another_grid_waits_for_no_word_that_comes_only_there():
    made = Journal()
    gate = Device(id="gate-e", agent="gate-e", place="gate-e", grid=EAST, heartbeat_s=10)
    made.say("loader", Registered(at=START, record=gate))
    for second in range(50):
        made.say("gate-e", Gate(at=START + second * S, match=Match.UNKNOWN, direction="in"))
    brain = GridBrain(GRID, RULES)

    brain.observe(made.entries)

    assert not [name for name, clock in brain.snapshot().identify.clocks.items() if clock.waiting]


def test_what_one_grid_has_dealt_with_stays_open_in_the_other(town):
    town.passes(S)
    town.sees()
    seen = {grid: incidents(found)[0] for grid, found in town.concluded().items()}
    town.answers(EAST, seen[EAST].id, Action.DISMISS)
    town.answers(WEST, seen[EAST].id, Action.DISMISS)

    concluded = town.concluded()

    assert incidents(concluded[EAST])[0].state is IncidentState.FALSE_ALARM
    assert incidents(concluded[WEST])[0].state is IncidentState.DISPATCHED
    [refused] = [one for one in concluded[WEST] if isinstance(one, Rejected)]
    assert refused.reason is Reason.UNKNOWN_INCIDENT


@given(
    st.lists(
        st.sampled_from(["both", "east", "west", "beat", "second", "hour", "answer"]), max_size=15
    )
)
@limits(max_examples=30)
def test_two_flows_conclude_of_their_grids_what_one_flow_concludes_of_both(acts):
    found = []
    for flows in (TWO, ONE):
        with TemporaryDirectory() as name:
            made = Town(Path(name), flows)
            for act in acts:
                _plays(made, act)
            found.append(made.concluded())
            made.close()

    assert found[0] == found[1]
    for kind in (Incident, Task, Notice):
        east, west = ({one.id for one in found[0][grid] if isinstance(one, kind)} for grid in GRIDS)
        assert not east & west


def _plays(town: Town, act: str) -> None:
    if act in ("second", "hour"):
        town.passes(S if act == "second" else 60 * MIN)
    elif act == "beat":
        town.beats()
    elif act == "answer":
        for grid, outcomes in town.concluded().items():
            for one in incidents(outcomes)[:1]:
                town.answers(grid, one.id, Action.ACCEPT)
    else:
        town.sees(to={"both": GRIDS, "east": (EAST,), "west": (WEST,)}[act])
