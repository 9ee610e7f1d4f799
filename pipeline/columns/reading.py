"""Messages to columns. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from pipeline.columns.settings import Reading

NUMBER_MAX = 2**53

_Number = Annotated[int, Meta(ge=0, le=NUMBER_MAX)]


class Readings(Struct, frozen=True):
    """Readings that can be used, in the order in which they came.

    Attributes:
        device: Number of the device.
        number: The device's own count.
        at: Event time, microseconds since 1970, UTC.
        values: By name.
    """

    device: NDArray[np.int64]
    number: NDArray[np.int64]
    at: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.device)

    def only(self, which: NDArray[Any]) -> "Readings":
        """Return some of them: a mask or indices."""
        return Readings(
            self.device[which],
            self.number[which],
            self.at[which],
            {name: column[which] for name, column in self.values.items()},
        )


class Decoder:
    """Reads the messages of a job.

    Args:
        reading: What a message looks like.
        number: Of each registered device, by name.
    """

    def __init__(self, reading: Reading, number: dict[str, int]) -> None:
        fields: list[tuple[str, Any, Any]] = [
            ("device", str, msgspec.field(name=reading.device)),
            ("number", _Number, msgspec.field(name=reading.number)),
            ("at", Annotated[datetime, Meta(tz=True)], msgspec.field(name=reading.at)),
        ]  # fmt: skip
        fields += [
            (f"v{place}", float, msgspec.field(name=value.name))
            for place, value in enumerate(reading.values)
        ]
        shape = msgspec.defstruct("Message", fields, gc=False)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(shape).decode
        self._values = [
            (value, attrgetter(f"v{place}")) for place, value in enumerate(reading.values)
        ]
        self._number = number

    def decode(self, payloads: Sequence[bytes]) -> tuple[Readings, list[int]]:
        """Return the readings, and which payloads hold none that can be used."""
        decode, number = self._decode, self._number
        found, device, dead, places = [], [], [], []
        for place, payload in enumerate(payloads):
            try:
                message = decode(payload)
                device.append(number[message.device])
            except (msgspec.DecodeError, KeyError, UnicodeError, RecursionError):
                dead.append(place)
                continue
            found.append(message)
            places.append(place)
        size = len(found)
        values = {
            value.name: np.fromiter(map(get, found), np.float64, size)
            for value, get in self._values
        }
        readings = Readings(
            np.array(device, dtype=np.int64),
            np.fromiter(map(_NUMBER, found), np.int64, size),
            _microseconds([message.at.timestamp() for message in found]),
            values,
        )
        possible = np.ones(size, dtype=bool)
        for value, _ in self._values:
            column = values[value.name]
            possible &= (column >= value.min) & (column <= value.max)
        if possible.all():
            return readings, dead
        dead += [places[index] for index in np.flatnonzero(~possible)]
        return readings.only(possible), sorted(dead)


_NUMBER = attrgetter("number")


def _microseconds(seconds: list[float]) -> NDArray[np.int64]:
    # A float holds today's seconds to a quarter of a microsecond.
    return np.rint(np.array(seconds, dtype=np.float64) * 1e6).astype(np.int64)
