"""How often each whole number came, in few bytes: everybody has some, and each day is long."""

from array import array

from msgspec import Struct

_COUNT = "I"
_BYTES = array(_COUNT).itemsize


class Histogram(Struct, frozen=True):
    """Counts of whole numbers that lie near each other, such as a day's pulses.

    Attributes:
        least: The number that the first count is of.
        counts: Of it and of each after it up to the greatest, packed.
    """

    least: int = 0
    counts: bytes = b""

    def __len__(self) -> int:
        """How many numbers were counted."""
        return sum(array(_COUNT, self.counts))

    def counted(self, number: int) -> "Histogram":
        """Return the counts with one more of a number."""
        if not self.counts:
            return Histogram(number, array(_COUNT, [1]).tobytes())
        counts, place = array(_COUNT, self.counts), number - self.least
        if place < 0:
            counts = array(_COUNT, bytes(-place * _BYTES)) + counts
        elif place >= len(counts):
            counts.frombytes(bytes((place - len(counts) + 1) * _BYTES))
        counts[max(place, 0)] += 1
        return Histogram(min(self.least, number), counts.tobytes())

    def quantile(self, share: float, count_min: int) -> float | None:
        """Return the number below which a share of them lies; None for fewer than `count_min`."""
        counts = array(_COUNT, self.counts)
        total = sum(counts)
        if total < count_min:
            return None
        left = share * total
        for place, count in enumerate(counts):
            left -= count
            if left < 0:
                return float(self.least + place)
        return float(self.least + len(counts) - 1)
