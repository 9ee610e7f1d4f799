"""Which numbers of one boot have come: exact duplicates, exact gaps, in a few bytes."""

from bisect import bisect_left

from msgspec import Struct

RANGES_MAX = 1_000
"""Ranges kept above the contiguous part; a number that would add one more is refused."""


class Numbers(Struct, frozen=True):
    """A set of positive integers, as ranges.

    Attributes:
        upto: Everything from 1 to here is in the set.
        above: Further ranges, first and last included, ascending, never touching.
    """

    upto: int = 0
    above: tuple[tuple[int, int], ...] = ()

    def __contains__(self, number: int) -> bool:
        if number <= self.upto:
            return True
        place = bisect_left(self.above, (number + 1,)) - 1
        return place >= 0 and self.above[place][1] >= number

    @property
    def last(self) -> int:
        """The largest number in the set; 0 when it is empty."""
        return self.above[-1][1] if self.above else self.upto

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """The ranges that are missing below `last`."""
        firsts = [first for first, _ in self.above]
        lasts = [self.upto, *(last for _, last in self.above[:-1])]
        return tuple((a + 1, b - 1) for a, b in zip(lasts, firsts, strict=False))

    def add(self, first: int, last: int | None = None) -> "Numbers":
        """Return the set with `first` to `last` in it.

        Raises:
            OverflowError: More separate ranges than `RANGES_MAX`; the sender skips about.
        """
        last = first if last is None else last
        if not self.above and first == self.upto + 1:
            return Numbers(last)
        return _normal(self.upto, (*self.above, (first, last)))


def _normal(upto: int, ranges: tuple[tuple[int, int], ...]) -> Numbers:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if first <= upto + 1:
            upto = max(upto, last)
        elif joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    if len(joined) > RANGES_MAX:
        raise OverflowError(f"{len(joined)} separate ranges of numbers, at most {RANGES_MAX}")
    return Numbers(upto, tuple(joined))
