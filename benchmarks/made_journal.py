"""A journal of any size: homes with a wearable and a sensor each, over some grids."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from pipeline.journal import JournalWriter, Record
from sim.cast import COMMUNITY, home, setting
from weinao import codec, topics
from weinao.messages import AnyObservation, Home, Pack, Registered, Sensor, Status, Vitals
from weinao.registry import Device, Resident

START = 1_767_225_600_000
EVERY_S = 10
"""Each device says something so often; the community's clock ticks every second."""


class Town(Struct, frozen=True, kw_only=True):
    """So many wearables, one a resident, spread over so many grids."""

    devices: int
    grids: int
    sensors: bool = False

    def grid(self, number: int) -> str:
        """Return the grid of a resident."""
        return f"grid-{number % self.grids + 1}"

    @property
    def names(self) -> list[str]:
        """Return the names of its grids."""
        return [f"grid-{number + 1}" for number in range(self.grids)]

    def registered(self) -> Iterator[Record]:
        """Yield what registers everybody."""
        records = setting(dict.fromkeys(self.names, 480))
        wanted: list[tuple[str, object]] = []
        for record in records:
            own = getattr(record, "grid", "") or (record.id if record.id in self.names else "")
            wanted += [(grid, record) for grid in ([own] if own else self.names)]
        for number in range(self.devices):
            grid, name = self.grid(number), f"{number:06d}"
            rooms = {f"pir-{name}": "hall"} if self.sensors else {}
            people = home(name, grid, worn=(f"band-{name}",), sensors=rooms, heartbeat_s=3_600)
            if not self.sensors:  # nobody but the resident and the wearable is spoken of
                people = [it for it in people if isinstance(it, Resident) or _is_worn(it)]
            wanted += [(grid, record) for record in people]
        seqs = dict.fromkeys(self.names, 0)
        for grid, record in wanted:
            seqs[grid] += 1
            kind = str(record.__struct_config__.tag)
            topic = topics.registry(COMMUNITY, grid, kind, record.id)
            said = Registered(at=START, record=record)
            yield _record(topic, f"loader-{grid}", seqs[grid], said)

    def spoken(self, seconds: int, begin: int = 1) -> Iterator[Record]:
        """Yield what comes in some seconds: a tick, and a tenth of the wearables each."""
        for second in range(begin, begin + seconds):
            at = START + second * 1_000
            yield Record(0, at, topics.tick(COMMUNITY), "", b"", 0)
            for number in range(second % EVERY_S, self.devices, EVERY_S):
                yield from self._said(number, second // EVERY_S + 1, at)

    def _said(self, number: int, seq: int, at: int) -> Iterator[Record]:
        name, grid = f"{number:06d}", self.grid(number)
        vitals = Vitals(
            at=at, hr_bpm=60 + (number * 7 + seq) % 30, spo2_pct=97, resp_per_min=15,
            temp_c=36.5, worn=True,
        )  # fmt: skip
        yield _record(
            topics.up(COMMUNITY, grid, "vitals", f"band-{name}"), f"band-{name}", seq, vitals
        )
        if self.sensors:
            pir = Home(at=at, sensor=Sensor.PIR, value=float(seq % 2))
            yield _record(
                topics.up(COMMUNITY, grid, "home", f"pir-{name}"), f"pir-{name}", seq, pir
            )
            beat, agent = Status(at=at, complete_to=at), f"agent-{name}"
            yield _record(topics.up(COMMUNITY, grid, "status", agent), agent, seq, beat)


def _is_worn(record: object) -> bool:
    return isinstance(record, Device) and bool(record.wearer)


def placed(records: Iterator[Record], first: int = 0) -> list[Record]:
    """Return records with places in a journal that nobody wrote."""
    return [
        Record(first + n, it.received_at, it.topic, it.content_type, it.payload, it.size)
        for n, it in enumerate(records)
    ]


def write(folder: Path, records: Iterator[Record]) -> int:
    """Write records as a journal; return how many."""
    writer, count = JournalWriter(folder), 0
    for record in records:
        writer.append(record.topic, record.payload, received_at=record.received_at)
        count += 1
        if count % 10_000 == 0:
            writer.commit()
    writer.commit()
    writer.close()
    return count


def _record(topic: str, device: str, seq: int, said: AnyObservation) -> Record:
    pack = Pack(v=1, device=device, boot="00000001-a", seq=seq, sent=said.at, obs=(said,))
    payload = codec.encode(pack)
    return Record(0, said.at, topic, codec.JSON, payload, len(payload))
