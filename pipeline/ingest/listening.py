"""What ingest needs of an MQTT client, whichever it is."""

from collections.abc import Callable
from typing import Protocol

from pipeline.ingest.durable import Sender
from pipeline.ingest.gate import Ticket
from weinao import metrics
from weinao.messages import Ack

CONNECTED = metrics.Gauge("weinao_ingest_broker_connected", "1 while the broker is there.")

Take = Callable[[str, bytes, str, Ticket], object]
"""Told topic, payload, content type and ticket of each message."""


class Listening(Protocol):
    """Brings messages of one community from the broker."""

    def work(self, wait_s: float) -> None:
        """Serve the connection, or try to have one, for about `wait_s` at most."""

    def listen_to(self, grid: str) -> None:
        """Listen to one more grid."""

    def leave(self, grid: str) -> None:
        """Listen to one grid less; what still comes of it is the gate's to turn away."""

    def puback(self, ticket: Ticket) -> None:
        """Tell the broker that a message is kept, if it still asks."""

    def tell(self, sender: Sender, ack: Ack) -> None:
        """Tell a device what of it is durable; if that gets lost, it will ask by sending again."""

    def flush(self) -> None:
        """Send what `puback` and `tell` left to be sent."""

    def close(self) -> None:
        """Hang up; what was not acknowledged will be sent to us again."""
