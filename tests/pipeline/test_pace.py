"""The community's clock never falls and never stands, whatever is done to the machine's."""

from itertools import pairwise
from pathlib import Path

import structlog
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.plain import PlainRunner
from pipeline.flow.steps import Mind
from pipeline.ingest.gate import Gate, Rhythm
from pipeline.ingest.pace import PACE, Community
from pipeline.journal import JournalReader, JournalWriter
from tests.pipeline.community import GRID, RECORDS, RULES, START
from weinao import codec, topics
from weinao.messages import (
    AnyObservation,
    Home,
    Motion,
    MotionEvent,
    Pack,
    Registered,
    Sensor,
    Status,
)
from weinao.outcomes import Notice, Outcome

HOUR_MS = 3_600_000


class Machine:
    """A server whose clock can be set; what is journalled on it is real."""

    def __init__(self, folder: Path, wall: int) -> None:
        self.folder, self.wall, self.elapsed = folder, wall, 0.0
        self._seqs: dict[str, int] = {}
        self.start()

    def start(self) -> None:
        self.journal = JournalWriter(self.folder)
        self.gate = Gate(
            self.journal,
            self.folder,
            "demo",
            rhythm=Rhythm(),
            puback=lambda _: None,
            tell=lambda *_: None,
            now=lambda: self.wall,
            log=structlog.get_logger(),
            elapsed=lambda: self.elapsed,
        )

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.wall, self.elapsed = self.wall + 1_000, self.elapsed + 1
            self.gate.beat()

    def say(self, device: str, said: AnyObservation) -> None:
        seq = self._seqs[device] = self._seqs.get(device, 0) + 1
        pack = Pack(v=1, device=device, boot="00000001-a", seq=seq, sent=0, obs=(said,))
        kind = str(said.__struct_config__.tag)
        topic = topics.up("demo", GRID, kind, device)
        if isinstance(said, Registered):
            kind = str(said.record.__struct_config__.tag)
            topic = topics.registry("demo", GRID, kind, said.record.id)
        self.gate.take(topic, codec.encode(pack), "", (1, seq, 1))
        self.gate.commit()

    def ticks(self) -> list[int]:
        records = JournalReader(self.folder).read(1_000_000)
        return [one.received_at for one in records if one.topic == topics.tick("demo")]

    def concluded(self) -> list[Outcome]:
        found: list[Outcome] = []
        mind = Mind(grids=frozenset({GRID}), rules=RULES)
        PlainRunner(mind, found.extend).take(JournalReader(self.folder).read(1_000_000))
        return found


steps = st.tuples(st.integers(0, 5_000), st.sampled_from([0, 0, 0, -50, -HOUR_MS, HOUR_MS, 7]))


@given(st.lists(steps, min_size=1, max_size=60))
def test_it_never_falls_never_stands_and_is_the_walls_where_that_is_not_behind(
    doings: list[tuple[int, int]],
) -> None:
    wall, elapsed_ms = START, 0
    clock = Community(lambda: wall, lambda: elapsed_ms / 1_000, START - 5, structlog.get_logger())
    shown = [clock()]
    for passed_ms, step_ms in doings:
        wall, elapsed_ms = wall + passed_ms + step_ms, elapsed_ms + passed_ms

        shown.append(clock())

        assert shown[-1] >= max(shown[-2], wall)
        assert shown[-1] == wall or shown[-1] - shown[-2] <= passed_ms + max(step_ms, 0)
    ahead_ms = shown[-1] - wall
    elapsed_ms, wall = elapsed_ms + 10_000, wall + 10_000
    moved_ms = clock() - shown[-1]
    assert moved_ms >= 10_000 * PACE - 1
    assert clock() - wall <= max(0, ahead_ms - 10_000 * (1 - PACE) + 1)


def test_a_clock_that_was_hours_ahead_holds_up_nobody_who_has_to_be_asked(tmp_path: Path) -> None:
    machine = Machine(tmp_path, START + 8 * HOUR_MS)
    for record in RECORDS:
        machine.say("loader", Registered(at=START, record=record))
    machine.run(60)
    machine.wall -= 8 * HOUR_MS
    for _ in range(6):
        machine.run(10)
        machine.say("agent-2", Status(at=machine.wall, complete_to=machine.wall))
    machine.say("button-1", Home(at=machine.wall, sensor=Sensor.SOS, value=1.0))
    fall = Motion(at=machine.wall, event=MotionEvent.FALL, confidence=0.9)
    machine.say("band-2", fall)
    fell_at = machine.ticks()[-1]
    machine.run(100)
    machine.journal.close()
    machine.start()  # killed meanwhile: what it showed last is in the journal
    machine.run(200)

    ticks = machine.ticks()
    told = [one.value for one in machine.concluded() if isinstance(one.value, Notice)]
    asked = [one.recipient for one in told if one.kind == "sos" and one.step != "dispatch.1"]
    assert min(later - earlier for earlier, later in pairwise(ticks)) >= 0
    assert ticks[-1] - ticks[59] > 290_000 * PACE
    assert asked[:3] == ["son-1", "head-1", "property-1"]
    [fell, *_] = [one for one in told if one.kind == "fall"]
    assert not fell.old
    assert fell.at - fell_at < 2_000


def test_that_it_is_ahead_is_said_once_and_once_that_it_is_not_any_more(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as said:
        machine = Machine(tmp_path, START)
        machine.run(10)
        machine.wall -= 20_000
        machine.run(200)

    assert [one["event"] for one in said] == ["clock.set_back", "clock.caught_up"]
    assert machine.ticks()[-1] == machine.wall
