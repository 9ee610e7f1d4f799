"""A histogram counts as a list would be counted."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.histogram import Histogram

numbers = st.lists(st.integers(0, 400), max_size=60)


def _of(found: list[int]) -> Histogram:
    made = Histogram()
    for number in found:
        made = made.counted(number)
    return made


@given(numbers, st.permutations(range(8)), st.floats(0, 0.999))
def test_it_finds_the_number_below_which_a_share_lies(
    found: list[int], order: list[int], share: float
) -> None:
    made = _of(found)
    expected = None
    if len(found) >= 5:
        expected = float(sorted(found)[int(share * len(found))])

    assert len(made) == len(found)
    assert made.quantile(share, 5) == expected
    assert _of([*order, *found]) == _of([*found, *sorted(order)])
