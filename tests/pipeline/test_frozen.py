"""What seats remember comes back from its bytes, and bytes of something else are refused."""

import msgspec
import pytest
from hypothesis import given

from pipeline.brain.rules import RULES
from pipeline.flow.frozen import freeze, thaw
from pipeline.flow.mind import Mind
from pipeline.flow.plain import Checkpoint, load, save
from pipeline.flow.seat import Handed, Seat, SeatState, nobody
from tests.pipeline.community import GRID
from tests.pipeline.stories import histories

MIND = Mind(grids=frozenset({GRID}), rules=RULES)
NOBODY_YET = Handed(grid=GRID, stay=2, cut=9, last=(3, 1), brain=None)


def _seat(kept=None):
    return Seat(GRID, MIND, nobody, kept)


@given(made=histories())
def test_a_seat_goes_on_from_its_bytes_as_if_nothing_had_been(made, tmp_path_factory):
    entries, half = made.entries, len(made.entries) // 2
    one = _seat()
    [*one.take(entries[:half])]
    kept = one.snapshot()

    thawed = thaw(freeze(kept), SeatState, RULES)

    path = tmp_path_factory.getbasetemp() / "checkpoint"
    save(Checkpoint(7, {GRID: kept}), path)
    assert load(path, MIND) == Checkpoint(7, {GRID: kept})
    assert repr(thawed) == repr(kept)
    assert [*_seat(thawed).take(entries[half:])] == [*one.take(entries[half:])]


def test_a_seat_that_never_had_an_entry_comes_back(tmp_path):
    assert thaw(freeze(NOBODY_YET), Handed, RULES) == NOBODY_YET
    assert load(tmp_path / "none", MIND) is None


@pytest.mark.parametrize("spoilt", [b"", b"\x00nothing", freeze(NOBODY_YET)])
def test_bytes_of_something_else_are_refused(spoilt):
    with pytest.raises(msgspec.DecodeError):
        thaw(spoilt, SeatState, RULES)
