"""The listener for who must take in much: packets by a compiled package, acknowledged in groups.

It promises what `Listener` promises; the tests of one are those of the other.
"""

import random
from collections.abc import Callable

import msgspec
from structlog.typing import FilteringBoundLogger

from pipeline.ingest.durable import Sender
from pipeline.ingest.gate import Ticket
from pipeline.ingest.listening import CONNECTED, Listening, Take
from pipeline.mqtt.broker import Broker
from pipeline.mqtt.link import Link
from weinao import topics
from weinao.ids import derived
from weinao.messages import Ack


class SwiftListener(Listening):
    """Brings messages of one community from the broker, by the package `mqtt5`.

    Args:
        broker: Where it is.
        community: Whose messages.
        grids: Of these grids; of all, if empty and no session is named.
        session: Whose session at the broker this is; two listeners must differ in it.
        take: Told topic, payload, content type and ticket of each message.
        rng: For waits that differ between clients.
        now: The wall clock, in milliseconds.
        log: Bound to the community.
    """

    def __init__(
        self,
        broker: Broker,
        community: str,
        grids: tuple[str, ...],
        *,
        session: tuple[str, ...] = (),
        take: Take,
        rng: random.Random,
        now: Callable[[], int],
        log: FilteringBoundLogger,
    ) -> None:
        self._community, self._take = community, take
        self._all = not grids and not session
        self._link = Link(
            broker,
            derived(f"ingest-{community}", *(session or sorted(grids))),
            topics.wanted(community, grids) if grids or self._all else (),
            rng=rng,
            now=now,
            log=log,
            on_up=self._on_up,
            on_lost=lambda: CONNECTED.set(0),
        )
        self._kept: list[int] = []
        self._kept_of = 0

    def work(self, wait_s: float) -> None:
        """Serve the connection, or try to have one, for about `wait_s` at most."""
        self._send()
        for packet in self._link.work(wait_s):
            qos = 1 if packet.packet_id else 0
            ticket = (self._link.connection, packet.packet_id or 0, qos)
            self._take(packet.topic, packet.payload, packet.content_type or "", ticket)

    def listen_to(self, grid: str) -> None:
        """Listen to one more grid."""
        if not self._all:
            self._link.subscribe(topics.wanted(self._community, (grid,)))

    def leave(self, grid: str) -> None:
        """Listen to one grid less; what still comes of it is the gate's to turn away."""
        self._link.unsubscribe(topics.wanted(self._community, (grid,)))

    def puback(self, ticket: Ticket) -> None:
        """Tell the broker that a message is kept, if it still asks."""
        connection, number, qos = ticket
        if qos and connection == self._link.connection:
            if connection != self._kept_of:
                self._kept, self._kept_of = [], connection
            self._kept.append(number)

    def tell(self, sender: Sender, ack: Ack) -> None:
        """Tell a device what of it is durable; if that gets lost, it will ask by sending again."""
        grid, device, _ = sender
        topic = topics.ack(self._community, grid, device)
        self._link.publish(topic, msgspec.json.encode(ack), qos=0)

    def flush(self) -> None:
        """Send what `puback` and `tell` left to be sent."""
        self._send()
        self._link.flush()

    def close(self) -> None:
        """Hang up; what was not acknowledged will be sent to us again."""
        self.flush()
        self._link.close()

    def _send(self) -> None:
        if self._kept_of == self._link.connection:
            self._link.ack(self._kept)
        self._kept = []

    def _on_up(self) -> None:
        # Whoever sent before this moment, to a broker that forgets, sends again, alarms first.
        self._link.publish(topics.ingest(self._community), b"{}", qos=0, retain=True)
        CONNECTED.set(1)
