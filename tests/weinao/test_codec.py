"""Whatever the bytes: a pack, or a reason."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weinao import codec, topics
from weinao.codec import JSON, MSGPACK, Arrival
from weinao.messages import Home, Pack, Sensor
from weinao.outcomes import Reason, Rejected

NOW = 1_767_225_600_000
TOPIC = topics.up("demo", "grid-1", "home", "pir-1")
PACK = Pack(
    v=1,
    device="pir-1",
    boot="00000001-a",
    seq=7,
    sent=NOW,
    obs=(Home(at=NOW, sensor=Sensor.PIR, value=1),),
)


def decode(payload: bytes, topic: str = TOPIC, content_type: str = "") -> Arrival | Rejected:
    return codec.decode(topic, payload, received_at=NOW, content_type=content_type)


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
def test_a_pack_comes_back_as_it_was(content_type: str) -> None:
    got = decode(codec.encode(PACK, content_type), content_type=content_type)

    assert isinstance(got, Arrival)
    assert got.pack == PACK
    assert topics.path(got.topic) == TOPIC


@given(st.binary(max_size=300), st.sampled_from(["", JSON, MSGPACK, "text/plain"]))
def test_random_bytes_are_rejected_with_a_reason(payload: bytes, content_type: str) -> None:
    got = decode(payload, content_type=content_type)

    assert isinstance(got, Rejected)
    assert got.detail
    assert got.size == len(payload)


@given(st.data(), st.sampled_from([JSON, MSGPACK]))
def test_a_damaged_pack_never_raises(data: st.DataObject, content_type: str) -> None:
    payload = bytearray(codec.encode(PACK, content_type))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))

    got = decode(bytes(payload[:cut]), content_type=content_type)

    assert isinstance(got, Arrival | Rejected)


@given(st.text(max_size=80))
def test_any_other_topic_is_rejected(topic: str) -> None:
    got = decode(codec.encode(PACK), topic=topic)

    assert isinstance(got, Rejected)
    assert got.reason is Reason.TOPIC


def changed(**fields: object) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(PACK), **fields})


def saying(**fields: object) -> bytes:
    said = {"kind": "home", "at": NOW, "sensor": "pir", "value": 1}
    return changed(obs=[{**said, **fields}])


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (changed(v=2), Reason.SCHEMA),
        (changed(seq=0), Reason.SCHEMA),
        (changed(seq="7"), Reason.SCHEMA),
        (changed(extra=1), Reason.SCHEMA),
        (changed(device="pir-1\n"), Reason.SCHEMA),
        (changed(obs=[]), Reason.IDENTITY),
        (changed(device="pir-2"), Reason.IDENTITY),
        (saying(value=1e300), Reason.SCHEMA),
        (saying(sensor="nose"), Reason.SCHEMA),
        (saying(room="\x00"), Reason.SCHEMA),
        (saying(at=NOW + 3_600_000), Reason.FUTURE),
        (saying(at=1), Reason.TOO_OLD),
        (changed(obs=[{"kind": "patrol", "at": NOW, "checkpoint": "a", "staff": "b"}]),
         Reason.IDENTITY),
        (b" " * 300_000, Reason.TOO_LARGE),
        (b"[" * 10_000, Reason.SCHEMA),
        (b'{"v":1,"device":"\xff"}', Reason.SYNTAX),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_has_its_reason(payload: bytes, reason: Reason) -> None:
    got = decode(payload)

    assert isinstance(got, Rejected)
    assert got.reason is reason


def test_a_call_for_help_is_not_lost_to_a_wrong_clock() -> None:
    for wrong in (1, NOW + 10**10):
        said = {"kind": "home", "at": wrong, "sensor": "sos", "value": 1}

        got = decode(changed(obs=[said]))

        assert isinstance(got, Arrival)
        assert got.pack.obs[0].at == NOW


def test_not_a_number_is_no_reading() -> None:
    payload = msgspec.msgpack.encode(
        {
            **msgspec.to_builtins(PACK),
            "obs": [{"kind": "home", "at": NOW, "sensor": "pir", "value": float("nan")}],
        }
    )

    got = decode(payload, content_type=MSGPACK)

    assert isinstance(got, Rejected)
    assert got.reason is Reason.SCHEMA
