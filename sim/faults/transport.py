"""An agent's outbox and its way to the journal: delays, outages, repeats, and starting anew.

said -> numbered, durable -> [link down: waits] -> alarms first, then history -> received
heartbeat: nothing earlier than `complete_to` is still in the outbox
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from sim.faults.plan import Fault
from sim.world.households import BEAT_S, SENSOR_BEAT_S
from sim.world.said import Said, dice
from weinao.messages import AnyObservation, Pack, Status

DRAIN_MS = 20
"""Between two packs of a history that is drained."""

ALARM_MS = 5
LATE_MS_MAX = 60_000
"""How late a reordered pack arrives."""

_SENSOR_MS = round(SENSOR_BEAT_S * 1_000)


class Delivery(Struct, frozen=True, order=True):
    """A pack on its arrival at the journal."""

    received_at: int
    agent: str
    order: int
    pack: Pack
    again: bool = False


class Uplink:
    """One agent, from what its devices say to what the journal receives.

    Args:
        agent: Its id.
        beating: Devices whose life it vouches for, with when they died, if they did.
        faults: Of this agent.
        start: When the story begins, milliseconds UTC.
        until: When it ends.
        seed: Of the world.
        beat_s: How often it speaks.
    """

    def __init__(
        self,
        agent: str,
        beating: Mapping[str, tuple[int, int] | None],
        faults: Sequence[Fault],
        *,
        start: int,
        until: int,
        seed: int,
        beat_s: float = BEAT_S,
    ) -> None:
        self._agent, self._beating, self._start, self._until = agent, beating, start, until
        self._rng = dice(seed, "uplink", agent)
        self._down = _windows(faults, "uplink_down", start)
        self._dead = _windows(faults, "agent_dies", start)
        self._shares = {
            kind: max((fault.share for fault in faults if fault.kind == kind), default=0.0)
            for kind in ("duplicate", "reorder")
        }
        self._beat_ms = round(beat_s * 1_000)
        self._phase = self._rng.randrange(1, self._beat_ms)
        self._waiting: list[tuple[int, int, Pack, bool]] = []
        self._seqs: dict[tuple[str, str], int] = {}
        self._order = 0
        self._drained: dict[int, list[int]] = {}

    def deliver(self, said: Iterable[Said]) -> Iterator[Delivery]:
        """Yield what arrives, in the order of arrival."""
        for one in heapq.merge(said, self._beats(), key=lambda one: one.at):
            yield from self._due(one.at)
            if _within(self._dead, one.at) is not None:
                continue
            if isinstance(one.observation, Status):
                yield from self._beat(one.at)
            else:
                self._send(one)
        yield from self._due(self._until + 10 * LATE_MS_MAX)

    def _beats(self) -> Iterator[Said]:
        """Yield when it gives its word: every few minutes, and at once when it starts."""
        every = range(self._start + self._phase, self._until, self._beat_ms)
        for at in sorted({*every, *(ended for _, ended in self._dead if ended < self._until)}):
            yield Said(at, self._agent, Status(at=at, complete_to=at))

    def _beat(self, at: int) -> Iterator[Delivery]:
        down = _within(self._down, at)
        started = any(ended == at for _, ended in self._dead)
        if down is not None and not started:
            return  # an outbox keeps the newest word only, and that is given on recovery
        others = [pack for _, _, pack, again in self._waiting if not again and not _is_word(pack)]
        status = Status(
            at=at,
            complete_to=min((_oldest(pack) for pack in others), default=at),
            queue_len=len(others),
            sensors={device: self._heard(died, at) for device, died in self._beating.items()},
            version="sim",
        )
        pack = self._pack(self._agent, status, at)
        if down is not None:
            self._wait(down[1] + 2_000, pack, again=False)
            return
        self._order += 1
        yield Delivery(at, self._agent, self._order, pack)

    def _heard(self, died: tuple[int, int] | None, at: int) -> int:
        begun = died[0] if died is not None and died[0] <= at < died[1] else at
        return begun // _SENSOR_MS * _SENSOR_MS

    def _send(self, one: Said) -> None:
        pack = self._pack(one.device, one.observation, one.at)
        received_at = self._arrival(one)
        if self._shares["reorder"] and self._rng.random() < self._shares["reorder"]:
            received_at += self._rng.randrange(1_000, LATE_MS_MAX)
        self._wait(received_at, pack, again=False)
        if self._shares["duplicate"] and self._rng.random() < self._shares["duplicate"]:
            self._wait(received_at + self._rng.randrange(10, 30_000), pack, again=True)

    def _arrival(self, one: Said) -> int:
        down = _within(self._down, one.at)
        if down is None:
            return one.at + self._rng.randrange(80, 1_200)
        gone = self._drained.setdefault(down[1], [0, 0])
        if one.alarm:
            gone[0] += 1
            return down[1] + 1_000 + ALARM_MS * gone[0]
        gone[1] += 1
        return down[1] + 15_000 + DRAIN_MS * gone[1]

    def _wait(self, received_at: int, pack: Pack, *, again: bool) -> None:
        self._order += 1
        heapq.heappush(self._waiting, (received_at, self._order, pack, again))

    def _due(self, at: int) -> Iterator[Delivery]:
        while self._waiting and self._waiting[0][0] <= at:
            received_at, order, pack, again = heapq.heappop(self._waiting)
            yield Delivery(received_at, self._agent, order, pack, again)

    def _pack(self, device: str, said: AnyObservation, at: int) -> Pack:
        boot = f"{1 + sum(until <= at for _, until in self._dead):08d}-5eed00"
        seq = self._seqs[device, boot] = self._seqs.get((device, boot), 0) + 1
        return Pack(v=1, device=device, boot=boot, seq=seq, sent=at, obs=(said,))


def _is_word(pack: Pack) -> bool:
    return isinstance(pack.obs[0], Status)


def _oldest(pack: Pack) -> int:
    return min(one.at for one in pack.obs)


def _windows(faults: Sequence[Fault], kind: str, start: int) -> list[tuple[int, int]]:
    return [
        (start + round(fault.from_s * 1_000), start + round(fault.until_s * 1_000))
        for fault in faults
        if fault.kind == kind
    ]


def _within(windows: Sequence[tuple[int, int]], at: int) -> tuple[int, int] | None:
    return next((one for one in windows if one[0] <= at < one[1]), None)
