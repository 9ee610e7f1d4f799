"""What a program says for people, numbered, and kept until the journal has it.

    say -> one transaction: the next number, and the pack  -> durable before anybody is thanked
    acked -> what the journal holds is forgotten here; the rest is sent again

The boot is that of this file, not of the process: numbers go on where they ended, so that what was
said before a crash keeps its number, and counts once.
"""

import secrets
from collections.abc import Callable

import msgspec
from msgspec import Struct

from sinks.book import Book
from weinao import codec, topics
from weinao.ids import derived, observation_id
from weinao.messages import (
    Ack,
    AnyObservation,
    Delivery,
    Feedback,
    Pack,
    Patrol,
    Registered,
    Report,
    Visit,
)
from weinao.numbers import Numbers
from weinao.topics import Way


class Waiting(Struct, frozen=True):
    """A message that is not known to be in the journal."""

    grid: str
    device: str
    boot: str
    seq: int
    topic: str
    payload: bytes
    at: int


class Outbox:
    """Numbers and keeps what is said.

    Args:
        book: Where.
        community: Part of each topic.
        device: The program's own id as a device, in every grid.
        now: The wall clock, in milliseconds.
    """

    def __init__(self, book: Book, community: str, device: str, now: Callable[[], int]) -> None:
        self._book, self._community, self.device, self._now = book, community, device, now

    def answer(self, grid: str, said: Feedback) -> str:
        """Keep an answer about an incident, to be sent; return its id as an observation."""
        topic = topics.feedback(self._community, grid, said.incident)
        return self._say(grid, Way.FEEDBACK, self.device, topic, said)

    def sense(self, grid: str, said: Report | Patrol | Visit | Delivery, device: str = "") -> str:
        """Keep what was seen, by the program itself or by a device of somebody's."""
        device = device or self.device
        kind = str(said.__struct_config__.tag)
        topic = topics.up(self._community, grid, kind, device)
        return self._say(grid, Way.UP, device, topic, said)

    def register(self, grid: str, said: Registered) -> str:
        """Keep a record for the registry."""
        record = said.record
        kind = str(record.__struct_config__.tag)
        topic = topics.registry(self._community, grid, kind, record.id)
        return self._say(grid, Way.REGISTRY, self.device, topic, said)

    def waiting(self, older_than: int | None = None) -> list[Waiting]:
        """Return what is not known to be in the journal, in the order in which it was said.

        The order matters: a device is registered before it speaks.
        """
        rows = self._book.ask(
            "SELECT grid, device, boot, seq, topic, payload, at FROM outbox"
            " WHERE ? IS NULL OR at < ? ORDER BY rowid",
            older_than,
            older_than,
        )
        return [Waiting(*row) for row in rows]

    def waits(self, observation: str) -> bool:
        """Say whether something that was said may still be on its way."""
        return any(
            observation_id(one.device, one.boot, one.seq, 0) == observation
            for one in self.waiting()
        )

    def acked(self, grid: str, device: str, ack: Ack) -> None:
        """Forget what the journal holds."""
        numbers = Numbers(ack.seq, tuple(ack.also))
        with self._book.together():
            rows = self._book.ask(
                "SELECT seq FROM outbox WHERE grid = ? AND device = ? AND boot = ?",
                grid, device, ack.boot,
            )  # fmt: skip
            for (seq,) in rows:
                if seq in numbers:
                    self._book.do(
                        "DELETE FROM outbox WHERE grid = ? AND device = ? AND boot = ?"
                        " AND seq = ?",
                        grid, device, ack.boot, seq,
                    )  # fmt: skip

    def _say(self, grid: str, way: Way, device: str, topic: str, said: AnyObservation) -> str:
        sender, now = f"{grid}/{way}/{device}", self._now()
        with self._book.together():
            rows = self._book.ask("SELECT boot, seq FROM senders WHERE sender = ?", sender)
            boot, seq = rows[0] if rows else (_boot(sender, now), 0)
            seq += 1
            self._book.do("INSERT OR REPLACE INTO senders VALUES (?, ?, ?)", sender, boot, seq)
            pack = Pack(v=1, device=device, boot=boot, seq=seq, sent=now, obs=(said,))
            self._book.do(
                "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)",
                grid, device, boot, seq, topic, codec.encode(pack), now,
            )  # fmt: skip
        return observation_id(device, boot, seq, 0)


def _boot(sender: str, now: int) -> str:
    """Return a boot that sorts after those of earlier files, and differs for each grid and way."""
    return f"{now:013d}-{secrets.token_hex(3)}.{derived('s', sender)}"


def ack_of(payload: bytes | bytearray) -> Ack:
    """Decode what ingest says of a boot.

    Raises:
        msgspec.DecodeError: It is no `Ack`.
    """
    return msgspec.json.decode(payload, type=Ack)
