"""Packs of vital signs in fixed-width binary: a seventh of their JSON, and read by the thousand.

For wearables that read often. A pack holds nothing else than `Vitals`; each value is a whole number
of the steps below, so that it comes out as the JSON of the same value would. What a pack cannot say
exactly, it refuses: send that one as JSON.

    WV, version, quality, count, length of device and boot, seq, sent | device | boot | records
"""

import struct
from typing import Any

import msgspec

from weinao.messages import OBS_PER_PACK_MAX, Acvpu, Pack, TimeQuality, Vitals

CONTENT_TYPE = "application/vnd.weinao.vitals"

MAGIC, VERSION = b"WV", 1

HEAD = struct.Struct("<2sBBHBBQq")

STEPS = {
    "hr_bpm": 10, "spo2_pct": 10, "resp_per_min": 10, "temp_c": 100, "skin_temp_c": 100,
    "sbp_mmhg": 10, "dbp_mmhg": 10, "glucose_mmol_l": 100, "weight_kg": 100, "battery_pct": 10,
}  # fmt: skip
"""Steps in one unit of each value, in the order in which a record holds them."""

ABSENT = 0xFFFF
STEPS_ABSENT = 0xFFFF_FFFF

RECORD = struct.Struct(f"<q{len(STEPS)}HIBB")
"""Time, the values, steps walked, what is true or false, consciousness."""

_FLAGS = ("worn", "moving", "on_oxygen")
_ACVPU = (None, *Acvpu)
_QUALITIES = (*TimeQuality,)


def encode(pack: Pack) -> bytes:
    """Encode a pack.

    Raises:
        ValueError: It holds something that is no vital sign, or a value between two steps.
    """
    if pack.thinned is not msgspec.UNSET or not all(isinstance(one, Vitals) for one in pack.obs):
        raise ValueError("only packs of vital signs are packed")
    device, boot = pack.device.encode(), pack.boot.encode()
    head = HEAD.pack(
        MAGIC, VERSION, _QUALITIES.index(pack.time_quality), len(pack.obs), len(device), len(boot),
        pack.seq, pack.sent,
    )  # fmt: skip
    return b"".join((head, device, boot, *(_record(one) for one in pack.obs)))


def decode(data: bytes) -> Pack:
    """Decode a pack.

    Raises:
        ValueError: It is none, it is cut, or it says what no pack may say.
    """
    count, device, boot, seq, sent, quality, start = head(data)
    obs = [_vitals(RECORD.unpack_from(data, start + n * RECORD.size)) for n in range(count)]
    found = {
        "v": 1, "device": device, "boot": boot, "seq": seq, "sent": sent,
        "time_quality": quality, "obs": obs,
    }  # fmt: skip
    return msgspec.convert(found, Pack)


def head(data: bytes) -> tuple[int, str, str, int, int, TimeQuality, int]:
    """Return count, device, boot, seq, sent, time quality, and where the records begin.

    Raises:
        ValueError: It is no pack, or it is cut.
    """
    if len(data) < HEAD.size:
        raise ValueError(f"expected at least {HEAD.size} bytes, got {len(data)}")
    magic, version, quality, count, device, boot, seq, sent = HEAD.unpack_from(data)
    if magic != MAGIC or version != VERSION or quality >= len(_QUALITIES):
        raise ValueError(f"expected {MAGIC!r} of version {VERSION}, got {data[:4]!r}")
    start = HEAD.size + device + boot
    if len(data) != start + count * RECORD.size or count > OBS_PER_PACK_MAX:
        raise ValueError(f"expected {start + count * RECORD.size} bytes, got {len(data)}")
    names = data[HEAD.size : start].decode()
    return count, names[:device], names[device:], seq, sent, _QUALITIES[quality], start


def _record(one: Any) -> bytes:  # noqa: ANN401  # vital signs, as checked above
    values = [_steps(name, getattr(one, name)) for name in STEPS]
    flags = 0
    for place, name in enumerate(_FLAGS):
        said = getattr(one, name)
        flags |= (said is not None) << 2 * place | bool(said) << 2 * place + 1
    walked = STEPS_ABSENT if one.steps is None else one.steps
    return RECORD.pack(one.at, *values, walked, flags, _ACVPU.index(one.consciousness))


def _steps(name: str, value: float | None) -> int:
    if value is None:
        return ABSENT
    steps = round(value * STEPS[name])
    if steps / STEPS[name] != value or not 0 <= steps < ABSENT:
        raise ValueError(f"{name} {value} is no whole number of steps of 1/{STEPS[name]}")
    return steps


def _vitals(record: tuple[int, ...]) -> dict[str, Any]:
    at, *values, walked, flags, consciousness = record
    found: dict[str, Any] = {"kind": "vitals", "at": at}
    for (name, steps), value in zip(STEPS.items(), values, strict=True):
        if value != ABSENT:
            found[name] = value / steps
    if walked != STEPS_ABSENT:
        found["steps"] = walked
    for place, name in enumerate(_FLAGS):
        if flags >> 2 * place & 1:
            found[name] = bool(flags >> 2 * place + 1 & 1)
    if consciousness:
        if consciousness >= len(_ACVPU):
            raise ValueError(f"expected consciousness below {len(_ACVPU)}, got {consciousness}")
        found["consciousness"] = _ACVPU[consciousness]
    return found
