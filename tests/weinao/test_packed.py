"""Binary packs say exactly what they were told, or refuse."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.columns.packs import Packs
from pipeline.columns.reading import Readings
from pipeline.columns.settings import Reading, Value
from weinao import codec, packed, topics
from weinao.codec import Arrival
from weinao.messages import Acvpu, Home, Pack, Sensor, Thinned, TimeQuality, Vitals

NOW = 1_767_225_600_000
TOPIC = topics.up("demo", "grid-1", "vitals", "w-1")


def steps(low: float, high: float, unit: int) -> st.SearchStrategy[float | None]:
    return st.none() | st.integers(round(low * unit), round(high * unit)).map(lambda n: n / unit)


VITALS = st.builds(
    Vitals,
    at=st.integers(NOW - 10**9, NOW),
    hr_bpm=steps(0, 300, 10),
    spo2_pct=steps(0, 100, 10),
    resp_per_min=steps(0, 120, 10),
    temp_c=steps(20, 46, 100),
    skin_temp_c=steps(0, 50, 100),
    sbp_mmhg=steps(20, 350, 10),
    dbp_mmhg=steps(10, 250, 10),
    glucose_mmol_l=steps(0, 60, 100),
    weight_kg=steps(0, 400, 100),
    battery_pct=steps(0, 100, 10),
    steps=st.none() | st.integers(0, 200_000),
    worn=st.none() | st.booleans(),
    moving=st.none() | st.booleans(),
    on_oxygen=st.none() | st.booleans(),
    consciousness=st.none() | st.sampled_from(Acvpu),
)
PACKS = st.builds(
    Pack,
    v=st.just(1),
    device=st.just("w-1"),
    boot=st.sampled_from(["00000001-a", "00000002-b"]),
    seq=st.integers(1, 2**40),
    sent=st.just(NOW),
    time_quality=st.sampled_from(TimeQuality),
    obs=st.lists(VITALS, min_size=1, max_size=20).map(tuple),
)


@given(PACKS)
def test_a_pack_comes_back_as_it_was_and_as_its_json_would(pack: Pack) -> None:
    data = codec.encode(pack, codec.PACKED)
    got = codec.decode(TOPIC, data, received_at=NOW, content_type=codec.PACKED)

    assert isinstance(got, Arrival)
    assert got.pack == pack
    assert msgspec.json.encode(got.pack) == msgspec.json.encode(pack)


@given(PACKS, st.data())
def test_a_damaged_pack_is_refused_and_never_read_beyond_its_end(
    pack: Pack, data: st.DataObject
) -> None:
    whole = bytearray(packed.encode(pack))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ValueError, match=r"expected|decode"):
        packed.decode(bytes(whole[:cut]))

    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    codec.decode(TOPIC, bytes(whole), received_at=NOW, content_type=codec.PACKED)


@pytest.mark.parametrize(
    "pack",
    [
        Pack(v=1, device="w", boot="1-a", seq=1, sent=0, obs=(Vitals(at=1, hr_bpm=70.05),)),
        Pack(v=1, device="w", boot="1-a", seq=1, sent=0, obs=(Vitals(at=1, temp_c=36.123),)),
        Pack(
            v=1, device="w", boot="1-a", seq=1, sent=0,
            obs=(Home(at=1, sensor=Sensor.SOS, value=1),),
        ),
        Pack(
            v=1, device="w", boot="1-a", seq=2, sent=0,
            thinned=Thinned(first=1, lane="routine", reason="full"),
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_said_exactly_is_refused(pack: Pack) -> None:
    with pytest.raises(ValueError, match=r"packed|no whole number of steps"):
        packed.encode(pack)


READING = Reading(
    form="pack",
    values=(Value(name="hr_bpm", min=20, max=250), Value(name="temp_c", min=30, max=45)),
)


@given(st.lists(PACKS, max_size=8), st.data())
def test_columns_hold_what_the_objects_hold(packs: list[Pack], data: st.DataObject) -> None:
    packs = [
        replace(pack, device=data.draw(st.sampled_from(["a", "b", "stranger"]))) for pack in packs
    ]
    cut = data.draw(st.integers(0, len(packs)))
    payloads = [packed.encode(pack) for pack in packs] + [b"no pack"]

    first = Packs(READING, {"a": 0, "b": 1})
    before = first.take(payloads[:cut])
    after = Packs(READING, {"a": 0, "b": 1}, first.memory()).take(payloads[cut:])

    seen, expected, copies = set(), [], 0
    for pack in packs:
        if pack.device == "stranger":
            continue
        key = (pack.device, pack.boot, pack.seq)
        if key in seen:
            copies += len(pack.obs)
            continue
        seen.add(key)
        expected += [
            (
                "ab".index(pack.device), pack.seq * 1_024 + place, one.at * 1_000, one.hr_bpm,
                one.temp_c,
            )
            for place, one in enumerate(pack.obs)
            if one.hr_bpm is not None and 20 <= one.hr_bpm <= 250
            if one.temp_c is not None and 30 <= one.temp_c <= 45
        ]  # fmt: skip
    assert _rows(before.readings) + _rows(after.readings) == expected
    assert before.copies + after.copies == copies
    strangers = sum(pack.device == "stranger" for pack in packs)
    assert len(before.dead) + len(after.dead) == strangers + 1


def _rows(readings: Readings) -> list[tuple[float, ...]]:
    columns = [readings.device, readings.number, readings.at, *readings.values.values()]
    assert all(isinstance(column, np.ndarray) for column in columns)
    return [*zip(*(column.tolist() for column in columns), strict=True)]
