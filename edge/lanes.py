"""Who goes first when not everything can, and who stays when not everything may."""

from enum import IntEnum


class Lane(IntEnum):
    """A priority within the outbox: the lowest number goes first, the highest is thinned first.

    The number of `STATUS` also stands in the outbox's schema.
    """

    ALARM = 0
    STATUS = 1
    ROUTINE = 2
    MEDIA = 3
