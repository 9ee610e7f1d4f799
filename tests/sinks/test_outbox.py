"""What people say waits until the journal has it; numbers go on where they ended, crash or not."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sinks.book import Book
from sinks.ledger import MIGRATIONS
from sinks.outbox import Outbox
from weinao import codec
from weinao.codec import Arrival
from weinao.messages import Ack, Action, Feedback, Patrol, Registered, Report
from weinao.registry import Device

NOW = 1_780_275_600_000


def _outbox(folder: Path) -> Outbox:
    return Outbox(Book(folder / "book.sqlite", MIGRATIONS), "demo", "portal", lambda: NOW)


def _answer(n: int = 0) -> Feedback:
    return Feedback(at=NOW + n, incident="i-1", actor="daughter-1", action=Action.ACK)


def test_everything_said_is_taken_by_the_decoder_that_the_journal_uses(tmp_path: Path) -> None:
    outbox = _outbox(tmp_path)
    outbox.answer("g-1", _answer())
    outbox.sense("g-1", Report(at=NOW, category="leak", place="b-1"))
    outbox.sense("g-1", Report(at=NOW, category="leak"), device="phone.resident-1")
    outbox.sense("g-1", Patrol(at=NOW, checkpoint="p-1", staff="head-1"))
    outbox.register("g-1", Registered(at=NOW, record=Device(id="portal", agent="portal")))

    decoded = [codec.decode(one.topic, one.payload, received_at=NOW) for one in outbox.waiting()]

    assert len(decoded) == 5
    assert all(isinstance(one, Arrival) for one in decoded)


def test_a_device_is_registered_before_it_speaks(tmp_path: Path) -> None:
    outbox = _outbox(tmp_path)
    for name in ("portal", "phone.resident-1"):
        outbox.register("g-1", Registered(at=NOW, record=Device(id=name, agent="portal")))
    outbox.sense("g-1", Report(at=NOW, category="leak"), device="phone.resident-1")

    assert [one.topic.split("/")[4] for one in outbox.waiting()] == ["registry", "registry", "up"]


def test_numbers_are_contiguous_in_each_grid_and_way_and_go_on_after_a_restart(
    tmp_path: Path,
) -> None:
    for _ in range(3):
        outbox = _outbox(tmp_path)  # as after a crash: nothing was closed
        for grid in ("g-1", "g-2"):
            outbox.answer(grid, _answer())
            outbox.sense(grid, Patrol(at=NOW, checkpoint="p-1", staff="head-1"))

    told: dict[tuple[str, str], list[int]] = {}
    for one in _outbox(tmp_path).waiting():
        told.setdefault((one.grid, one.boot), []).append(one.seq)
    assert len(told) == 4
    assert all(sorted(seqs) == [1, 2, 3] for seqs in told.values())


@given(
    count=st.integers(1, 12),
    upto=st.integers(0, 12),
    also=st.sets(st.integers(1, 12), max_size=4),
)
def test_only_what_the_journal_holds_is_forgotten(count: int, upto: int, also: set[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outbox = _outbox(Path(folder))
        for n in range(count):
            outbox.answer("g-1", _answer(n))
        boot = outbox.waiting()[0].boot
        above = tuple((n, n) for n in sorted(also) if n > upto + 1)

        outbox.acked("g-1", "portal", Ack(boot="another", seq=99))
        outbox.acked("g-2", "portal", Ack(boot=boot, seq=99))
        outbox.acked("g-1", "portal", Ack(boot=boot, seq=upto, also=above))

        held = {*range(1, upto + 1), *(n for n, _ in above)}
        assert {one.seq for one in outbox.waiting()} == {*range(1, count + 1)} - held
        outbox._book.close()
