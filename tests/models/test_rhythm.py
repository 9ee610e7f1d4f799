"""What the irregular-pulse detector promises about made beats, and about recorded ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rhythm import (
    FEATURES,
    STEP_BEATS,
    WINDOW_BEATS,
    RhythmDetector,
    RhythmStream,
    WindowError,
    rhythm_features,
    without_ectopy,
)
from models.train.rhythm import folds, labelled_windows, train
from weinao.cli.evaluate.rhythm import _recordings

NOW = 1_800_000_000_000
DETECTOR = RhythmDetector.shipped()


def sinus(rng, n=WINDOW_BEATS, usual=800.0):
    breath = 1 + 0.03 * np.sin(2 * np.pi * np.arange(n) / 4.3)
    return usual * breath + rng.normal(0, 8, n)


def fibrillation(rng, n=WINDOW_BEATS, usual=700.0):
    return np.clip(usual * (1 + 0.22 * rng.normal(size=n)), 300, 1_600)


def every(beats, period, rng):
    """Make every `period`-th beat early and pause after it."""
    rr = beats.copy()
    early = np.arange(1, rr.size - 1, period)
    late = rr[early] * (0.38 + 0.02 * rng.normal(size=early.size))
    rr[early] -= late
    rr[early + 1] += late
    return rr


def stream_of(rr, **how):
    stream, at, readings = RhythmStream(DETECTOR), NOW, []
    for first in range(0, rr.size, 8):
        chunk = rr[first : first + 8]
        at += round(float(np.sum(chunk)))
        readings += stream.push(chunk, at, **how)
    return readings


def test_fibrillation_is_irregular_and_what_has_a_pattern_is_not() -> None:
    rng = np.random.default_rng(3)
    regular = {
        "sinus": sinus(rng),
        "bigeminy": every(sinus(rng), 2, rng),
        "trigeminy": every(sinus(rng), 3, rng),
        "rare extra beats": every(sinus(rng), 9, rng),
        "paced": np.full(WINDOW_BEATS, 1_000.0),
    }

    assert {name: DETECTOR.score_one(rr) < DETECTOR.threshold for name, rr in regular.items()} == (
        dict.fromkeys(regular, True)
    )
    assert DETECTOR.score_one(fibrillation(rng)) > DETECTOR.threshold


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 1.8))
def test_the_score_is_about_the_pattern_and_hardly_about_the_rate(seed, faster) -> None:
    rr = fibrillation(np.random.default_rng(seed))

    assert rhythm_features(rr * faster)[1:] == pytest.approx(rhythm_features(rr)[1:])


@given(st.integers(0, 2**32 - 1))
def test_a_score_is_a_share_and_the_window_is_left_alone(seed) -> None:
    rr = fibrillation(np.random.default_rng(seed))
    before = rr.copy()

    score = DETECTOR.score_one(rr)

    assert 0 <= score <= 1
    assert np.array_equal(rr, before)


def test_no_feature_can_lower_the_score_by_growing() -> None:
    assert DETECTOR.weight.shape == (len(FEATURES),)
    assert np.all(DETECTOR.weight >= 0)
    assert DETECTOR.filtered < DETECTOR.threshold < DETECTOR.sure


@pytest.mark.parametrize(
    "rr",
    [
        np.full(47, 800.0),
        np.full((64, 2), 800.0),
        np.append(np.full(63, 800.0), np.nan),
        np.append(np.full(63, 800.0), np.inf),
        np.append(np.full(63, 800.0), 0.0),
    ],
)
def test_what_is_no_window_is_refused(rr) -> None:
    with pytest.raises(WindowError):
        DETECTOR.score_one(rr)


def test_the_ectopy_filter_puts_extra_beats_back_in_time() -> None:
    steady = np.full(WINDOW_BEATS, 800.0)
    rr = steady.copy()
    rr[20:22] = 500.0, 1_100.0
    rr[40:42] = 520.0, 1_080.0

    assert np.array_equal(without_ectopy(rr), steady)


def test_a_stream_asks_for_two_windows_of_three() -> None:
    rng = np.random.default_rng(5)
    once = np.concatenate([sinus(rng, 64), fibrillation(rng, 40), sinus(rng, 160)])
    lasting = np.concatenate([sinus(rng, 64), fibrillation(rng, 256), sinus(rng, 256)])

    assert not any(reading.irregular for reading in stream_of(once))
    told = [reading.irregular for reading in stream_of(lasting)]
    assert any(told)
    assert not told[0]
    assert not told[-1]


def test_readings_are_dated_by_their_last_beat_however_beats_are_chunked() -> None:
    rr = np.round(fibrillation(np.random.default_rng(8), 256))
    ends = NOW + np.cumsum(rr).astype(int)

    at_once = RhythmStream(DETECTOR).push(rr, int(ends[-1]))
    one_by_one = RhythmStream(DETECTOR)
    singly = [r for beat, at in zip(rr, ends, strict=True) for r in one_by_one.push([beat], at)]

    assert at_once == singly
    assert [r.at_ms for r in at_once] == ends[WINDOW_BEATS - 1 :: STEP_BEATS].tolist()


def test_movement_and_artefacts_are_never_called_irregular() -> None:
    rng = np.random.default_rng(11)
    beats = fibrillation(rng, 512)
    spoiled = np.where(rng.random(512) < 0.2, 9_000.0, sinus(rng, 512))

    moved = stream_of(beats, moving=True)
    artefacts = stream_of(spoiled)

    assert len(moved) == 15
    assert not any(r.irregular or r.score or r.clean_share for r in moved)
    assert artefacts == [] or not any(r.irregular for r in artefacts)


def test_missed_beats_lower_the_clean_share() -> None:
    rr = 800 + np.random.default_rng(2).normal(0, 8, 64)
    rr[10:60:10] *= 2

    [reading] = stream_of(rr)

    assert reading.clean_share == pytest.approx(59 / 64)
    assert reading.rmssd_ms < 60


def test_a_hole_in_time_starts_anew_and_the_past_is_ignored() -> None:
    rr = fibrillation(np.random.default_rng(4), 60)
    stream = RhythmStream(DETECTOR)
    length = round(float(rr.sum()))

    assert stream.push(rr, NOW) == []
    assert stream.push(rr, NOW) == []  # the same again
    assert stream.push(rr, NOW + 3_600_000) == []  # an hour later: 60 beats, not 120
    assert len(stream.push(rr, NOW + 3_600_000 + length)) == 2


@given(st.lists(st.floats(), max_size=200))
def test_no_interval_breaks_the_stream(rr) -> None:
    for reading in RhythmStream(DETECTOR).push(rr, NOW):
        assert 0 <= reading.score <= 1
        assert 0 <= reading.clean_share <= 1


@pytest.mark.slow
def test_people_not_trained_on_are_told_apart(recordings) -> None:
    learn, test = next(iter(folds(_recordings(recordings / "vitals"))))
    detector = train(learn)
    called = [
        (detector.score_one(rr) >= detector.threshold, label)
        for one in test
        for rr, label in labelled_windows(one)
    ]

    assert not {one.person for one in learn} & {one.person for one in test}
    assert np.mean([call for call, label in called if label]) >= 0.95
    assert np.mean([not call for call, label in called if not label]) >= 0.95


@pytest.mark.slow
def test_the_shipped_weights_are_what_training_gives(recordings) -> None:
    again = train(_recordings(recordings / "vitals"))

    assert again.weight == pytest.approx(DETECTOR.weight, rel=1e-3)
    assert again.mean == pytest.approx(DETECTOR.mean, rel=1e-3)
    assert again.bias == pytest.approx(DETECTOR.bias, rel=1e-3)
    assert again.threshold == DETECTOR.threshold
