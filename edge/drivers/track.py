"""The files that the `replay` driver plays: recordings in a form that belongs to nobody.

A *track* holds what one device, or the devices of one home, said. Times are `t_ms`: integer
milliseconds since the track's beginning, never falling, from one line to the next.

`NAME.jsonl`: one JSON object a line, UTF-8. The first is the header:

    {"track": 1, "origin": "where it comes from", "lasts_ms": 86400000}

`lasts_ms` is where the recording ends (at least the last `t_ms`; a quiet end belongs to it). Then
one line for each sample; `device` may be left out where the settings name the only one:

    {"kind": "home", "t_ms": 0, "device": "pir-1", "sensor": "pir", "value": 1, "room": "kitchen"}
    {"kind": "vitals", "t_ms": 10, "hr_bpm": 71, "spo2_pct": 97, "worn": true}
    {"kind": "rr", "t_ms": 20000, "rr_ms": [812, 798.5], "moving": false}
    {"kind": "acc", "t_ms": 400, "dt_ms": [0, 20, 40], "acc_ms2": [x, y, z, x, ...],
     "gyro_rads": [x, y, z, ...]}
    {"kind": "said", "t_ms": 500, "device": "band-1", "observation": {"kind": "rhythm", ...}}
    {"kind": "alive", "t_ms": 3600000, "device": "smoke-1"}

`vitals` takes the fields of `edge.samples.VitalsReading`; `rr` ends at `t_ms` with its last beat;
`acc` ends at `t_ms` with its last point, `dt_ms` are its points on the sensor's own clock, and
`gyro_rads` may be left out; `said` is an observation that was perceived before, whose `at` counts
for nothing, and `offset_ms` by how much the device dated it wrongly; `alive` is a sign of life.

`NAME.npz`: one accelerometer, as arrays: `t_ms` (n,) int64, `acc_ms2` (n, 3) in m/s², optionally
`gyro_rads` (n, 3) in rad/s. It is played in pieces of `CHUNK_MS`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from edge.samples import (
    Acceleration,
    HomeEvent,
    Nothing,
    Observed,
    RrIntervals,
    Sample,
    VitalsReading,
)
from weinao.messages import Acvpu, AnyObservation, Sensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

CHUNK_MS = 200
LINE_BYTES_MAX = 4_194_304

Since = Annotated[int, Meta(ge=0, le=2**53)]


class TrackError(ValueError):
    """A track cannot be read: mend or export it again."""


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line of a track."""

    track: Annotated[int, Meta(ge=1, le=1)]
    lasts_ms: Since
    origin: str = ""


class Line(Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """What every sample of a track carries."""

    t_ms: Since
    device: str = ""


class HomeLine(Line, frozen=True, kw_only=True, tag="home"):
    """A report of a home sensor."""

    sensor: Sensor
    value: float
    room: str = ""


class VitalsLine(Line, frozen=True, kw_only=True, omit_defaults=True, tag="vitals"):
    """A reading of vital signs."""

    hr_bpm: float | None = None
    spo2_pct: float | None = None
    resp_per_min: float | None = None
    temp_c: float | None = None
    skin_temp_c: float | None = None
    sbp_mmhg: float | None = None
    dbp_mmhg: float | None = None
    glucose_mmol_l: float | None = None
    weight_kg: float | None = None
    steps: int | None = None
    worn: bool | None = None
    moving: bool | None = None
    on_oxygen: bool | None = None
    consciousness: Acvpu | None = None
    battery_pct: float | None = None
    flat_line: bool = False


class RrLine(Line, frozen=True, kw_only=True, tag="rr"):
    """Intervals between beats."""

    rr_ms: tuple[float, ...]
    moving: bool = False


class AccLine(Line, frozen=True, kw_only=True, tag="acc"):
    """A piece of an accelerometer's signal, flattened point by point."""

    dt_ms: tuple[int, ...]
    acc_ms2: tuple[float, ...]
    gyro_rads: tuple[float, ...] = ()


class SaidLine(Line, frozen=True, kw_only=True, omit_defaults=True, tag="said"):
    """An observation that was perceived before."""

    observation: AnyObservation
    offset_ms: int = 0


class AliveLine(Line, frozen=True, kw_only=True, tag="alive"):
    """A device's sign of life, and nothing else."""


AnyLine = HomeLine | VitalsLine | RrLine | AccLine | SaidLine | AliveLine

_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(AnyLine)


def encode_track(header: Header, lines: Iterable[AnyLine]) -> Iterator[bytes]:
    """Yield the lines of a `.jsonl` track, each with its newline."""
    yield msgspec.json.encode(header) + b"\n"
    for line in lines:
        yield msgspec.json.encode(line) + b"\n"


def decode_line(line: bytes, number: int = 0) -> AnyLine:
    """Decode one sample of a track.

    Raises:
        TrackError: It is none; `number` says which line in the message.
    """
    try:
        found: AnyLine = _line.decode(line)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise TrackError(f"line {number}: {error}") from error
    if isinstance(found, AccLine):
        points = len(found.dt_ms)
        if not points or len(found.acc_ms2) != 3 * points:
            raise TrackError(
                f"line {number}: {points} points of time, expected {3 * points} values in"
                f" acc_ms2, got {len(found.acc_ms2)}"
            )
        if found.gyro_rads and len(found.gyro_rads) != 3 * points:
            raise TrackError(f"line {number}: gyro_rads does not fit its {points} points of time")
    return found


def lasts_ms(path: Path) -> int:
    """Return how long a track is, in milliseconds.

    Raises:
        TrackError: The file is missing, or no track.
    """
    if path.suffix == ".npz":
        return int(_arrays(path)[0][-1])
    try:
        with path.open("rb") as file:
            return _header.decode(file.readline(LINE_BYTES_MAX)).lasts_ms
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise TrackError(f"{path}: {error}") from error


def read_track(path: Path, device: str) -> Iterator[Sample]:
    """Yield the samples of a track; `at` is `t_ms` still.

    Args:
        path: Of a `.jsonl` or `.npz` file.
        device: Whose the samples are that name no device.

    Raises:
        TrackError: The file is missing, or no track, or its times fall.
    """
    samples = _chunks(path, device) if path.suffix == ".npz" else _lines(path, device)
    last_ms = 0
    for sample in samples:
        if sample.at < last_ms:
            raise TrackError(f"{path}: t_ms falls from {last_ms} to {sample.at}")
        last_ms = sample.at
        yield sample


def _lines(path: Path, device: str) -> Iterator[Sample]:
    lasts_ms(path)
    with path.open("rb") as file:
        file.readline(LINE_BYTES_MAX)
        for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES_MAX), b""), 2):
            yield _sample(decode_line(line, number), device)


def _sample(line: AnyLine, device: str) -> Sample:
    named = line.device or device
    match line:
        case HomeLine():
            return HomeEvent(
                device=named, at=line.t_ms, sensor=line.sensor, value=line.value, room=line.room
            )
        case RrLine():
            return RrIntervals(device=named, at=line.t_ms, rr_ms=line.rr_ms, moving=line.moving)
        case AccLine():
            return _acceleration(line, named)
        case SaidLine():
            return Observed(
                device=named, at=line.t_ms, observation=line.observation, offset_ms=line.offset_ms
            )
        case AliveLine():
            return Nothing(device=named, at=line.t_ms)
        case VitalsLine():
            read = {name: getattr(line, name) for name in VitalsLine.__struct_fields__}
            del read["t_ms"], read["device"]
            return VitalsReading(device=named, at=line.t_ms, **read)


def _acceleration(line: AccLine, device: str) -> Acceleration:
    import numpy as np  # noqa: PLC0415  # homes without wearables run without it

    gyro = np.asarray(line.gyro_rads, np.float32).reshape(-1, 3) if line.gyro_rads else None
    return Acceleration(
        device=device,
        at=line.t_ms,
        t_ms=np.asarray(line.dt_ms, np.int64),
        acc_ms2=np.asarray(line.acc_ms2, np.float32).reshape(-1, 3),
        gyro_rads=gyro,
    )


def _chunks(path: Path, device: str) -> Iterator[Sample]:
    t_ms, acc, gyro = _arrays(path)
    start = 0
    while start < len(t_ms):
        until = int(t_ms[start]) + CHUNK_MS
        end = start + 1
        while end < len(t_ms) and t_ms[end] < until:
            end += 1
        yield Acceleration(
            device=device,
            at=max(int(t_ms[end - 1]), 0),
            t_ms=t_ms[start:end],
            acc_ms2=acc[start:end],
            gyro_rads=None if gyro is None else gyro[start:end],
        )
        start = end


def _arrays(path: Path) -> "tuple[NDArray[np.int64], Floats, Floats | None]":
    import numpy as np  # noqa: PLC0415  # as above

    try:
        with np.load(path, allow_pickle=False) as stored:
            t_ms = np.asarray(stored["t_ms"], np.int64)
            acc = np.asarray(stored["acc_ms2"], np.float32)
            gyro = np.asarray(stored["gyro_rads"], np.float32) if "gyro_rads" in stored else None
    except (OSError, KeyError, ValueError) as error:
        raise TrackError(f"{path}: {error}") from error
    fits = acc.shape == (len(t_ms), 3) and (gyro is None or gyro.shape == acc.shape)
    if not len(t_ms) or not fits:
        raise TrackError(f"{path}: t_ms {t_ms.shape} and acc_ms2 {acc.shape} do not fit")
    return t_ms, acc, gyro
