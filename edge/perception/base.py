"""The shape every perception has: samples of one device in, findings out, no clock of its own."""

from typing import Protocol

from msgspec import Struct

from edge.lanes import Lane
from edge.samples import Sample
from weinao.messages import AnyObservation


class Finding(Struct, frozen=True, kw_only=True):
    """An observation on its way to the outbox, or a mark alone."""

    device: str
    observation: AnyObservation | None = None
    lane: Lane = Lane.ROUTINE
    mark: tuple[str, str] | None = None


class Perception(Protocol):
    """Turns the samples of one device into findings.

    Attributes:
        lag_ms: How much earlier than the newest sample a finding may still be dated.
    """

    @property
    def lag_ms(self) -> int: ...

    def perceive(self, sample: Sample) -> list[Finding]:
        """Take in a sample, and return what follows."""
