"""The shape every driver has."""

from collections.abc import AsyncIterator
from typing import Protocol

from edge.outbox import Placed
from edge.samples import Sample


class DriverError(Exception):
    """A driver cannot go on; the agent starts it again after a while."""


class DeviceUnavailableError(DriverError):
    """The device is away: try again later."""


class PayloadError(DriverError):
    """The device or the recording is not what it claims; trying again will hardly help."""


class HolesError(PayloadError):
    """All of a recording was gone through; what lay between could not be read everywhere."""


class Driver(Protocol):
    """Yields samples for as long as its device is there. Starting again is the agent's business."""

    def samples(self) -> AsyncIterator[Sample]:
        """Yield samples in the order of their times.

        Raises:
            DriverError: Its kind says whether trying again helps.
        """

    def known_to(self, now: int) -> int:
        """Return up to when everything has been yielded that ever will be; at most `now`."""

    def kept(self, mark: tuple[str, str], placed: Placed) -> None:
        """Hear that a sample's mark is durable, and with which pack."""
