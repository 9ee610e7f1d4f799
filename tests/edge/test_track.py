"""Tracks: what is encoded is what is played, and what is wrong is named."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.track import (
    AccLine,
    AliveLine,
    AnyLine,
    Header,
    HomeLine,
    RrLine,
    SaidLine,
    TrackError,
    VitalsLine,
    decode_line,
    encode_track,
    lasts_ms,
    read_track,
)
from edge.samples import Acceleration, HomeEvent, RrIntervals, VitalsReading
from weinao.messages import Rhythm, Sensor

TIMES = st.integers(0, 2**40)
NUMBERS = st.floats(-1e6, 1e6)
LINES = st.one_of(
    st.builds(
        HomeLine, t_ms=TIMES, device=st.text(max_size=9), sensor=st.sampled_from(Sensor),
        value=NUMBERS, room=st.text(max_size=9),
    ),
    st.builds(VitalsLine, t_ms=TIMES, hr_bpm=NUMBERS, worn=st.booleans(), flat_line=st.booleans()),
    st.builds(RrLine, t_ms=TIMES, rr_ms=st.lists(NUMBERS, max_size=9).map(tuple)),
    st.integers(1, 9).flatmap(
        lambda n: st.builds(
            AccLine, t_ms=TIMES, dt_ms=st.just(tuple(range(n))),
            acc_ms2=st.lists(NUMBERS, min_size=3 * n, max_size=3 * n).map(tuple),
        )
    ),
    st.builds(
        SaidLine, t_ms=TIMES, device=st.text(max_size=9), offset_ms=st.integers(-9_999, 9_999),
        observation=st.builds(Rhythm, at=TIMES, irregular=st.booleans()),
    ),
    st.builds(AliveLine, t_ms=TIMES, device=st.text(max_size=9)),
)  # fmt: skip


@given(LINES)
def test_a_line_decodes_to_what_was_encoded(line: AnyLine) -> None:
    [_, encoded] = encode_track(Header(track=1, lasts_ms=0), [line])

    assert decode_line(encoded) == line


@given(st.binary(max_size=200))
def test_anything_else_is_a_track_error(line: bytes) -> None:
    with pytest.raises(TrackError, match="line 7"):
        decode_line(line, 7)


def _written(folder: Path, *lines: AnyLine, lasts: int = 9_000) -> Path:
    path = folder / "made.jsonl"
    path.write_bytes(b"".join(encode_track(Header(track=1, lasts_ms=lasts), lines)))
    return path


def test_every_kind_of_line_becomes_its_sample(tmp_path: Path) -> None:
    path = _written(
        tmp_path,
        HomeLine(t_ms=0, device="pir-9", sensor=Sensor.PIR, value=1, room="hall"),
        VitalsLine(t_ms=5, hr_bpm=71, worn=True),
        RrLine(t_ms=5, rr_ms=(800, 810.5)),
        AccLine(t_ms=40, dt_ms=(7, 27), acc_ms2=(0, 0, 9.8, 0.5, 0, 9.7)),
    )

    home, vitals, rr, acc = read_track(path, "w")

    assert home == HomeEvent(device="pir-9", at=0, sensor=Sensor.PIR, value=1, room="hall")
    assert vitals == VitalsReading(device="w", at=5, hr_bpm=71, worn=True)
    assert rr == RrIntervals(device="w", at=5, rr_ms=(800, 810.5))
    assert isinstance(acc, Acceleration)
    assert acc.acc_ms2.shape == (2, 3)
    assert acc.gyro_rads is None
    assert lasts_ms(path) == 9_000


def test_arrays_are_played_in_pieces(tmp_path: Path) -> None:
    t_ms = np.cumsum(np.full(100, 20))
    acc = np.arange(300, dtype=np.float32).reshape(-1, 3)
    np.savez(tmp_path / "made.npz", t_ms=t_ms, acc_ms2=acc, gyro_rads=acc / 10)

    pieces = list(read_track(tmp_path / "made.npz", "w"))

    assert np.concatenate([piece.acc_ms2 for piece in pieces]).tolist() == acc.tolist()
    assert {len(piece.t_ms) for piece in pieces} == {10}
    assert [piece.at for piece in pieces[:2]] == [200, 400]
    assert lasts_ms(tmp_path / "made.npz") == 2_000


_HEADER = b'{"track": 1, "lasts_ms": 5}\n'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "truncated"),
        (b'{"track": 2, "lasts_ms": 5}\n', "track"),
        (_HEADER + b'{"kind": "home", "t_ms": 1}\n', "line 2"),
        (
            _HEADER
            + b'{"kind": "rr", "t_ms": 9, "rr_ms": []}\n{"kind": "rr", "t_ms": 8, "rr_ms": []}\n',
            "falls",
        ),
        (
            _HEADER + b'{"kind": "acc", "t_ms": 1, "dt_ms": [1, 2], "acc_ms2": [1, 2, 3]}\n',
            "expected 6 values",
        ),
    ],
)
def test_what_is_wrong_with_a_track_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)

    with pytest.raises(TrackError, match=why):
        list(read_track(path, "w"))


def test_the_header_is_small(tmp_path: Path) -> None:
    assert msgspec.json.decode(_written(tmp_path).read_bytes()) == {
        "track": 1, "lasts_ms": 9_000, "origin": "",
    }  # fmt: skip
