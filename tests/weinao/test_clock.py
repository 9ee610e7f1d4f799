"""The clock of a played story: the same for everybody, never falling, and still at the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weinao.clock import WALL, Clock, clock_of

INSTANTS = st.integers(0, 2**42)
CLOCKS = st.builds(
    Clock,
    set_at=INSTANTS,
    shows=INSTANTS,
    speed=st.integers(1, 999).map(float),
    until=INSTANTS,
)


@given(CLOCKS)
def test_a_clock_is_the_same_after_it_was_written_down(clock: Clock) -> None:
    assert clock_of(str(clock)) == clock


@given(CLOCKS, INSTANTS, st.integers(0, 10**9))
def test_it_never_falls_and_never_passes_its_end(clock: Clock, wall: int, later: int) -> None:
    assert clock.at(wall) <= clock.at(wall + later) <= clock.until


def test_at_speed_60_a_second_is_a_minute() -> None:
    clock = Clock(set_at=1_000, shows=500_000, speed=60, until=10_000_000)

    assert clock.at(0) == clock.at(1_000) == 500_000
    assert clock.at(2_000) == 560_000
    assert clock.at(1_000_000) == 10_000_000


@given(INSTANTS)
def test_without_a_text_it_is_the_wall_clock(wall: int) -> None:
    assert clock_of("") is WALL
    assert WALL.at(wall) == wall


@pytest.mark.parametrize("text", ["60", "1/2/x/3", "1/2/0/3", "1/2/-5/3", "1/2/nan/3"])
def test_what_names_no_clock_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"clock {text}: expected"):
        clock_of(text)
