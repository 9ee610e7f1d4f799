"""A grid that moves from one journal to another concludes the same, wherever it is cut."""

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from pipeline.brain.entries import Entry, Tick
from pipeline.brain.rules import RULES
from pipeline.flow.mind import Mind
from pipeline.flow.plain import PlainRunner
from pipeline.flow.seat import Handed, SeatState
from pipeline.journal import JournalReader, JournalWriter
from tests.pipeline.community import GRID, journals
from weinao import codec, topics
from weinao.codec import Arrival
from weinao.outcomes import Outcome
from weinao.stays import Stays, dealt, lifted, lowered, moved, settled
from weinao.topics import Way

OLD = Mind(grids=frozenset({GRID, "grid-2"}), rules=RULES)
NEW = Mind(grids=frozenset({"grid-3"}), rules=RULES, nowhere="_-2")


def record(writer: JournalWriter, entry: Entry, grid: str) -> None:
    if isinstance(entry.item, Tick):
        writer.append(topics.tick("demo"), b"", received_at=entry.received_at)
    elif isinstance(entry.item, Arrival):
        topic = topics.path(msgspec.structs.replace(entry.item.topic, grid=grid))
        writer.append(topic, codec.encode(entry.item.pack), received_at=entry.received_at)


def note(writer: JournalWriter, way: Way, stay: int, at: int) -> None:
    content = msgspec.json.encode({"stay": stay})
    writer.append(topics.moves("demo", GRID, way), content, received_at=at)


def run(
    folder: Path, mind: Mind, ended: dict[int, Handed], batch: int = 1_000
) -> tuple[list[Outcome], dict[str, SeatState]]:
    found: list[Outcome] = []
    loop = PlainRunner(
        mind,
        found.extend,
        fetch=lambda _, stay: ended[stay],
        hand=lambda handed: ended.setdefault(handed.stay, handed),
    )
    reader = JournalReader(folder)
    while records := reader.read(batch):
        loop.take(records)
    return [one for one in found if one.grid == GRID], loop.checkpoint(reader.offset).seats


def facts(outcomes: list[Outcome]) -> list[tuple[int, object]]:
    return [(one.index, one.value) for one in outcomes]


@given(journals(), st.data())
@limits(max_examples=25)
def test_moving_anywhere_there_and_back_changes_no_conclusion(
    journal: list[Entry], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(journal)), min_size=2, max_size=2)))
    repeats = data.draw(st.integers(1, 2), label="said again after a crash")
    batch = data.draw(st.integers(1, 9), label="batch")
    with TemporaryDirectory() as name:
        folders = [Path(name) / one for one in ("stayed", "old", "new")]
        stayed, old, new = (JournalWriter(folder) for folder in folders)
        for number, entry in enumerate(journal):
            for place, (writer, other, way) in enumerate(
                [(old, new, Way.DEPARTS), (new, old, Way.DEPARTS)]
            ):
                if number == cuts[place]:
                    for _ in range(repeats):
                        note(writer, way, place, entry.received_at)
                        note(other, Way.ARRIVES, place + 1, entry.received_at)
            record(stayed, entry, GRID)
            away = cuts[0] <= number < cuts[1]
            record(new if away else old, entry, GRID)
        for writer in (stayed, old, new):
            writer.commit()
            writer.close()
        expected, _ = run(folders[0], OLD, {}, batch)
        ended: dict[int, Handed] = {}
        guest = msgspec.structs.replace(OLD, guests=frozenset())

        # The old flow alone up to the first cut; then the new one; then the old one again, whole.
        first = _until_departed(folders[1], guest, ended)
        second, _ = run(folders[2], NEW, ended, batch)
        again, _ = run(folders[1], guest, ended, batch)

    third = [one for one in again if lowered(one.offset)[0] == 2]
    assert facts(first + second + third) == facts(expected)
    assert [one.position for one in first + second + third] == sorted(
        {one.position for one in first + second + third}
    )


def _until_departed(folder: Path, mind: Mind, ended: dict[int, Handed]) -> list[Outcome]:
    found: list[Outcome] = []
    loop = PlainRunner(mind, found.extend, hand=lambda it: ended.setdefault(it.stay, it))
    reader = JournalReader(folder)
    while 0 not in ended and (records := reader.read(1)):
        loop.take(records)
    return [one for one in found if one.grid == GRID]


def test_what_comes_of_a_grid_that_has_left_concludes_nothing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    note(writer, Way.DEPARTS, 0, 1)
    writer.append(topics.tick("demo"), b"", received_at=2)
    writer.commit()

    found, seats = run(tmp_path, OLD, {})

    assert found == []
    assert not seats[GRID].here
    assert seats["grid-2"].here


@given(
    st.lists(st.sampled_from("abcdefgh"), unique=True),
    st.integers(1, 4),
    st.lists(st.sampled_from("abcdefgh"), unique=True),
)
def test_grids_are_spread_evenly_and_none_moves_by_itself(
    grids: list[str], count: int, more: list[str]
) -> None:
    names = tuple(str(number) for number in range(1, count + 1))
    stays = dealt(Stays(), names, tuple(grids))

    sizes = [len(stays.living_in(name)) for name in names]
    later = dealt(stays, (*names, "9"), tuple(more))

    assert max(sizes) - min(sizes) <= 1
    assert sum(sizes) == len(grids)
    assert all(later.of(grid) == stays.of(grid) for grid in grids)
    assert dealt(later, names, tuple(grids + more)) == later


def test_a_grid_knows_where_it_lived_and_where_it_lives() -> None:
    stays = settled(Stays(), "2", ("a", "b"))

    there = moved(moved(stays, "a", "1"), "a", "2")

    assert there.of("a") == ("2", "1", "2")
    assert moved(there, "a", "2") == there
    assert there.living_in("2") == {"a", "b"}
    assert there.living_in("1") == frozenset()
    assert there.ever_in("1") == {"a"}
    assert there.flows == ("1", "2")
    assert Stays().home("never-entered") == "1"


@given(st.integers(0, 2**15 - 1), st.integers(0, 2**48 - 1))
def test_an_offset_tells_its_stay_and_its_place(stay: int, place: int) -> None:
    assert lowered(lifted(stay, place)) == (stay, place)
    assert lifted(stay, place) < 2**63


def test_a_journal_longer_than_an_offset_can_tell_is_refused() -> None:
    with pytest.raises(AssertionError):
        lifted(0, 2**48)
