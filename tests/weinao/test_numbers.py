"""What a set of numbers promises: it is a set of numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weinao.numbers import RANGES_MAX, Numbers

RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5)))


def both(ranges: list[tuple[int, int]]) -> tuple[Numbers, set[int]]:
    numbers, plain = Numbers(), set()
    for first, more in ranges:
        numbers = numbers.add(first, first + more)
        plain |= set(range(first, first + more + 1))
    return numbers, plain


@given(RANGES)
def test_it_holds_what_was_added_and_nothing_else(ranges: list[tuple[int, int]]) -> None:
    numbers, plain = both(ranges)

    assert {number for number in range(1, 80) if number in numbers} == plain


@given(RANGES)
def test_gaps_are_what_is_missing_below_the_last(ranges: list[tuple[int, int]]) -> None:
    numbers, plain = both(ranges)

    missing = {n for first, last in numbers.gaps for n in range(first, last + 1)}
    assert missing == set(range(1, max(plain, default=0) + 1)) - plain
    assert numbers.last == max(plain, default=0)


@given(RANGES, st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter(ranges: list[tuple[int, int]], rng) -> None:
    shuffled = ranges[:]
    rng.shuffle(shuffled)

    assert both(shuffled)[0] == both(ranges)[0]


def test_a_sender_that_skips_about_is_refused_in_the_end() -> None:
    numbers = Numbers()
    for number in range(2, 2 * RANGES_MAX + 1, 2):
        numbers = numbers.add(number)

    with pytest.raises(OverflowError):
        numbers.add(2 * RANGES_MAX + 2)
