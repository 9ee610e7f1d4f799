"""What reaches a brain: journal records, decoded, on their way to a grid."""

from msgspec import Struct

from weinao.codec import Arrival
from weinao.outcomes import Rejected


class Tick(Struct, frozen=True):
    """The community's clock has reached the time at which its record was journalled."""


class Entry(Struct, frozen=True):
    """One journal record, as far as one grid is concerned.

    Attributes:
        received_at: When the record reached the journal, milliseconds UTC; never decreases.
    """

    grid: str
    offset: int
    received_at: int
    item: Arrival | Tick | Rejected
