"""Bytes to words and back. What cannot be used becomes `Rejected`, never an exception.

The checks stand in the order in which they need more: topic, size, syntax and schema, identity,
time. Each names what was expected and what came.
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from weinao import packed, topics
from weinao.messages import (
    EMERGENCIES,
    AnyObservation,
    Feedback,
    Home,
    Motion,
    MotionEvent,
    Pack,
    Registered,
    TimeQuality,
)
from weinao.outcomes import PAYLOAD_KEPT_BYTES_MAX, Reason, Rejected
from weinao.topics import Topic, Way

JSON = "application/json"
MSGPACK = "application/msgpack"
PACKED = packed.CONTENT_TYPE

_DECODERS: dict[str, Callable[[bytes], Pack]] = {
    JSON: msgspec.json.Decoder(Pack).decode,
    MSGPACK: msgspec.msgpack.Decoder(Pack).decode,
    PACKED: packed.decode,
}


class Limits(Struct, frozen=True, kw_only=True):
    """What a message may be at all.

    Attributes:
        payload_bytes_max: Larger ones are set aside unread.
        future_s_max: How far ahead of its arrival an observation may be dated.
        age_s_max: How old an observation may be when it arrives.
    """

    payload_bytes_max: int = 262_144
    future_s_max: int = 120
    age_s_max: int = 400 * 86_400


DEFAULT = Limits()

THINNED_MAX = 1_000_000
"""Numbers that one pack may give up; an outbox does not hold more."""


class Arrival(Struct, frozen=True):
    """A pack that can be used, with the topic it came under."""

    topic: Topic
    pack: Pack


def encode(pack: Pack, content_type: str = JSON) -> bytes:
    """Encode a pack.

    Raises:
        KeyError: Neither `JSON`, `MSGPACK` nor `PACKED`.
        ValueError: Not all of it can be packed.
    """
    encoders: dict[str, Callable[[Pack], bytes]] = {
        JSON: msgspec.json.encode,
        MSGPACK: msgspec.msgpack.encode,
        PACKED: packed.encode,
    }
    return encoders[content_type](pack)


def decode(
    topic: str,
    payload: bytes,
    *,
    received_at: int,
    content_type: str = "",
    size: int | None = None,
    limits: Limits = DEFAULT,
) -> Arrival | Rejected:
    """Return the pack in a message, or why there is none.

    Args:
        topic: As it came from the broker.
        payload: As it came, possibly cut short by the journal.
        received_at: When it reached the journal, milliseconds UTC.
        content_type: The MQTT 5 property; empty means JSON.
        size: Length of the payload before the journal cut it; None if it did not.
        limits: What may be.
    """
    size = len(payload) if size is None else size
    device = ""
    try:
        place = _place(topic)
        pack = _pack(payload, size, content_type or JSON, limits)
        device = pack.device
        _check_identity(place, pack)
        pack = _dated(pack, received_at, limits)
        _check_time(pack, received_at, limits)
    except _UnusableError as error:
        return Rejected(
            reason=error.reason,
            detail=error.detail,
            topic=topic[:256],
            device=device,
            payload=payload[:PAYLOAD_KEPT_BYTES_MAX],
            size=size,
            received_at=received_at,
        )
    return Arrival(place, pack)


class _UnusableError(Exception):
    """Leaves this module only as a `Rejected`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail


def _place(topic: str) -> Topic:
    place = topics.parse(topic)
    if place is None or place.way in topics.OURS:
        raise _UnusableError(
            Reason.TOPIC, "expected weinao/v1/{community}/{grid}/up|registry|feedback/…"
        )
    return place


def _pack(payload: bytes, size: int, content_type: str, limits: Limits) -> Pack:
    if size > limits.payload_bytes_max:
        raise _UnusableError(
            Reason.TOO_LARGE, f"expected at most {limits.payload_bytes_max} bytes, got {size}"
        )
    decoder = _DECODERS.get(content_type)
    if decoder is None:
        raise _UnusableError(
            Reason.CONTENT_TYPE, f"expected {', '.join(_DECODERS)}, got {content_type[:100]!r}"
        )
    try:
        return decoder(payload)
    except msgspec.ValidationError as error:
        raise _UnusableError(Reason.SCHEMA, str(error)[:500]) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _UnusableError(Reason.SYNTAX, str(error)[:500]) from error


def _check_identity(place: Topic, pack: Pack) -> None:
    """Refuse a pack that is not what its topic says that it is."""
    if place.way is Way.UP and place.name != pack.device:
        raise _UnusableError(
            Reason.IDENTITY, f"topic of device {place.name}, pack of device {pack.device}"
        )
    if pack.thinned is not msgspec.UNSET:
        if pack.obs or not 0 <= pack.seq - pack.thinned.first < THINNED_MAX:
            raise _UnusableError(
                Reason.IDENTITY,
                "thinned numbers hold no observations, end at the pack's own, and are at most"
                f" {THINNED_MAX}",
            )
    elif not pack.obs:
        raise _UnusableError(Reason.IDENTITY, "a pack without observations")
    for seen in pack.obs:
        _check_kind(place, seen)


def _check_kind(place: Topic, seen: AnyObservation) -> None:
    kind = str(seen.__struct_config__.tag)
    if kind != place.kind:
        raise _UnusableError(
            Reason.IDENTITY, f"topic of kind {place.kind}, observation of kind {kind}"
        )
    if isinstance(seen, Registered):
        named = f"{seen.record.__struct_config__.tag}/{seen.record.id}"
    elif isinstance(seen, Feedback):
        named = seen.incident
    else:
        return
    if named != place.name:
        raise _UnusableError(Reason.IDENTITY, f"topic of {place.name}, observation of {named}")


def _dated(pack: Pack, received_at: int, limits: Limits) -> Pack:
    """Return a pack whose calls for help are never lost to a wrong clock: they are dated anew."""
    earliest = received_at - limits.age_s_max * 1_000
    latest = received_at + limits.future_s_max * 1_000
    if all(earliest <= seen.at <= latest or not _urgent(seen) for seen in pack.obs):
        return pack
    obs = tuple(
        replace(seen, at=received_at)
        if _urgent(seen) and not earliest <= seen.at <= latest
        else seen
        for seen in pack.obs
    )
    return replace(pack, obs=obs, time_quality=TimeQuality.UNSYNCED)


def _urgent(seen: AnyObservation) -> bool:
    if isinstance(seen, Home):
        return bool(seen.value) and seen.sensor in EMERGENCIES
    return isinstance(seen, Motion) and seen.event is MotionEvent.FALL


def _check_time(pack: Pack, received_at: int, limits: Limits) -> None:
    dates = [seen.at for seen in pack.obs] or [pack.sent]
    ahead_s = (max(dates) - received_at) / 1_000
    if ahead_s > limits.future_s_max:
        raise _UnusableError(
            Reason.FUTURE,
            f"dated {ahead_s:.0f} s after its arrival, at most {limits.future_s_max} s;"
            " check the device's clock",
        )
    age_s = (received_at - min(dates)) / 1_000
    if age_s > limits.age_s_max:
        raise _UnusableError(
            Reason.TOO_OLD,
            f"dated {age_s / 86_400:.0f} days before its arrival, at most"
            f" {limits.age_s_max / 86_400:.0f}; check the device's clock",
        )
