"""The flow and a for-loop conclude the same, with one worker and two, and over crashes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as limits

from pipeline.brain.entries import Entry, Tick
from pipeline.brain.rules import RULES
from pipeline.flow.mind import NOWHERE, Mind
from pipeline.flow.plain import PlainRunner, load, save
from pipeline.flow.steps import by_grid
from pipeline.journal import JournalReader, JournalWriter
from tests.pipeline.community import GRID, START, Journal, journals
from weinao import codec, topics
from weinao.codec import Arrival
from weinao.outcomes import Incident, Outcome, Reason, Rejected

engine = pytest.importorskip("pipeline.flow.engine", reason="Bytewax has no wheel for this Python")

MIND = Mind(grids=frozenset({GRID, "grid-2"}), rules=RULES)


def write(folder: Path, entries: list[Entry]) -> None:
    """Write entries as records, each for both grids, so that two workers have work."""
    writer = JournalWriter(folder)
    for entry in entries:
        if isinstance(entry.item, Tick):
            writer.append(topics.tick("demo"), b"", received_at=entry.received_at)
        elif isinstance(entry.item, Arrival):
            for grid in (GRID, "grid-2"):
                topic = topics.path(msgspec.structs.replace(entry.item.topic, grid=grid))
                payload = codec.encode(entry.item.pack)
                writer.append(topic, payload, received_at=entry.received_at)
    writer.append("elsewhere", b"?", received_at=0)
    writer.commit()
    writer.close()


def plain(folder: Path) -> list[Outcome]:
    found: list[Outcome] = []
    reader, loop = JournalReader(folder), PlainRunner(MIND, found.extend)
    while records := reader.read(7):
        loop.take(records)
    return in_order(found)


def flowing(folder: Path, workers: int, recovery: Path | None = None) -> list[Outcome]:
    found: list[Outcome] = []
    source = engine.JournalSource(lambda o: JournalReader(folder, o), batch_max=5, until_end=True)
    flow = engine.build_flow(MIND, source, engine.StoreSink(lambda: found.extend, workers))
    engine.run(flow, workers=workers, recovery=recovery, epoch_s=0)
    return in_order(found)


def in_order(outcomes: list[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: (outcome.grid, outcome.position))


@given(journals())
@limits(max_examples=10)
def test_every_runner_concludes_the_same(journal: list[Entry]) -> None:
    with TemporaryDirectory() as name:
        write(Path(name), journal)
        expected = plain(Path(name))

        assert expected
        assert flowing(Path(name), 1) == expected
        assert flowing(Path(name), 2) == expected


def test_a_flow_goes_on_where_it_stood(tmp_path: Path) -> None:
    entries = Journal().entries
    late = Journal(registered=False)
    for minute in range(12):
        late.tick(START + minute * 60_000)
    write(tmp_path / "journal", entries)
    first = flowing(tmp_path / "journal", 1, tmp_path / "recovery")
    write(tmp_path / "journal", late.entries)

    # What follows, agents that never spoke, follows only for who remembers the registry.
    then = flowing(tmp_path / "journal", 1, tmp_path / "recovery")

    assert first
    assert any(isinstance(outcome.value, Incident) for outcome in then)
    assert in_order(first + then) == plain(tmp_path / "journal")


def test_a_flow_killed_while_it_made_its_recovery_store_makes_it_anew(tmp_path: Path) -> None:
    write(tmp_path / "journal", Journal().entries)
    recovery = tmp_path / "recovery"
    first = flowing(tmp_path / "journal", 1, recovery)
    next(iter(recovery.glob("part-*.sqlite3"))).unlink()

    then = flowing(tmp_path / "journal", 1, recovery)

    assert then == first != []


@given(journals())
@limits(max_examples=20)
def test_a_plain_runner_goes_on_where_it_stood(journal: list[Entry]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, journal)
        reader, found = JournalReader(folder), list[Outcome]()
        loop = PlainRunner(MIND, found.extend)
        loop.take(reader.read(9))
        save(loop.checkpoint(reader.offset), folder / "checkpoint")

        resumed = load(folder / "checkpoint", MIND)
        assert resumed is not None
        reader, loop = (
            JournalReader(folder, resumed.offset),
            PlainRunner(MIND, found.extend, resumed),
        )
        while records := reader.read(9):
            loop.take(records)

        assert in_order(found) == plain(folder)


def test_what_no_grid_of_the_flow_can_take_is_set_aside_with_its_reason(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    [entry] = [entry for entry in Journal().entries[:1] if isinstance(entry.item, Arrival)]
    elsewhere = msgspec.structs.replace(entry.item.topic, grid="grid-9")
    writer.append(topics.path(elsewhere), codec.encode(entry.item.pack), received_at=1)
    writer.append("nonsense", b"\x00", received_at=1)
    writer.commit()

    [(grid, entries)] = by_grid(JournalReader(tmp_path).read(10), MIND)

    assert grid == NOWHERE
    reasons = [entry.item.reason for entry in entries if isinstance(entry.item, Rejected)]
    assert reasons == [Reason.FUTURE, Reason.TOPIC]
