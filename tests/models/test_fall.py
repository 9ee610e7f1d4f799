"""What the fall detector promises, on made signals and on recorded ones."""

import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.fall import WINDOW, FallDetector, FallStream, WindowError, play
from models.fall_features import ACC_FEATURES, ALL_FEATURES, LENGTH, measure
from models.fall_impacts import CLIP_MS2, G_MS2, ImpactFinder
from models.fall_resampling import GRID_MS, Resampler
from models.fall_trees import Forest
from models.train.fall_examples import Examples, gather
from models.train.falls import SEED, flattened, operating_point, people_folds, save, train
from sim.importers.falls import count_falls, read_falls
from weinao.cli.evaluate.falls import evaluate_falls
from weinao.cli.evaluate.rhythm import area_under_curve

POSITIONS = ("wrist", "waist")
DETECTORS = {position: FallDetector.shipped(position) for position in POSITIONS}
NOW = 1_800_000_000_000
IMPACT_S = 10.0


def moments(hz, seconds=20.0):
    return np.arange(0, seconds, 1 / hz)


def stamps(t):
    return NOW + np.round(t * 1000).astype(np.int64)


def fall(t, turn=None):
    """Somebody who walks, loses hold, hits the floor on the side, and stays there."""
    rng = np.random.default_rng(7)
    phases = rng.uniform(0, 2 * np.pi, (3, 6))
    hertz = np.linspace(0.7, 5.0, 6)
    sway = np.sin(2 * np.pi * hertz * t[:, None, None] + phases).sum(axis=2)
    lying = 1 / (1 + np.exp(-(t - IMPACT_S + 0.15) / 0.08))
    walking = 1 / (1 + np.exp((t - IMPACT_S - 0.5) / 0.1))
    gravity = np.stack([lying, 0.2 + 0 * t, 1 - lying], axis=1)
    gravity /= np.linalg.norm(gravity, axis=1, keepdims=True)
    lighter = 1 - 0.65 * np.exp(-(((t - IMPACT_S + 0.35) / 0.15) ** 2))
    blow = np.exp(-(((t - IMPACT_S) / 0.06) ** 2))[:, None] * np.array([3.0, 1.0, 1.2])
    again = np.exp(-(((t - IMPACT_S - 0.3) / 0.08) ** 2))[:, None] * np.array([0.6, -0.4, 0.3])
    acc = gravity * lighter[:, None] + blow + again + 0.06 * sway * walking[:, None]
    turning = np.exp(-(((t - IMPACT_S + 0.1) / 0.25) ** 2))[:, None] * np.array([0.5, 4.5, 0.4])
    gyro = turning + 0.25 * sway * walking[:, None]
    if turn is not None:
        acc, gyro = acc @ turn, gyro @ turn * np.linalg.det(turn)
    return (acc * G_MS2).astype(np.float32), gyro.astype(np.float32)


def rotation(seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]


def run(stream, t_ms, acc, gyro, cuts):
    edges = [0, *sorted(cuts), len(t_ms)]
    found = []
    for a, b in pairwise(edges):
        found += stream.push(t_ms[a:b], acc[a:b], None if gyro is None else gyro[a:b])
    return found + stream.finish()


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("hz", [20, 40, 50])
@pytest.mark.parametrize("with_gyro", [True, False])
def test_a_fall_is_found_once_and_within_three_seconds(position, hz, with_gyro) -> None:
    t = moments(hz)
    acc, gyro = fall(t)
    cuts = range(5, len(t), 5)

    [found] = run(
        FallStream(DETECTORS[position]), stamps(t), acc, gyro if with_gyro else None, cuts
    )

    assert abs(found.at_ms - stamps(np.array([IMPACT_S]))[0]) <= 100
    assert 0 < found.decided_at_ms - found.at_ms <= 3_200
    assert found.confidence >= DETECTORS[position].threshold
    assert 2 < found.impact_g < 6
    assert 60 < found.posture_change_deg < 110
    assert found.still_s > 0.5


@pytest.mark.parametrize("position", POSITIONS)
def test_the_rate_changes_little(position) -> None:
    scores = [play(DETECTORS[position], stamps(t), *fall(t)) for t in map(moments, (20, 40, 50))]

    assert max(scores) - min(scores) < 0.15


@given(cuts=st.sets(st.integers(1, 999), max_size=60))
def test_how_samples_are_cut_into_pushes_changes_nothing(cuts) -> None:
    t = moments(50)
    t_ms, (acc, gyro) = stamps(t), fall(t)
    whole, pieces = FallStream(DETECTORS["wrist"]), FallStream(DETECTORS["wrist"])

    [expected] = run(whole, t_ms, acc, gyro, [])
    [found] = run(pieces, t_ms, acc, gyro, cuts)

    assert found.at_ms == expected.at_ms
    assert found.confidence == pytest.approx(expected.confidence, abs=1e-6)
    assert pieces.score_max == pytest.approx(whole.score_max, abs=1e-6)


@given(seed=st.integers(0, 10_000))
def test_how_the_device_is_turned_or_which_hand_wears_it_changes_nothing(seed) -> None:
    window = np.concatenate(fall(moments(25)[int(25 * IMPACT_S) - 52 :][:WINDOW]), axis=1)
    turn = rotation(seed)
    turned = np.concatenate([window[:, :3] @ turn, window[:, 3:] @ turn], axis=1)

    assert np.allclose(
        measure(turned[None, :LENGTH].astype(float)),
        measure(window[None, :LENGTH].astype(float)),
        atol=1e-2,
    )
    assert DETECTORS["wrist"].score_one(turned) == pytest.approx(
        DETECTORS["wrist"].score_one(window), abs=0.1
    )


@given(
    values=st.lists(st.floats(-30, 30), min_size=4, max_size=8),
    hz=st.sampled_from([40, 50]),
)
def test_the_grid_is_the_same_at_every_rate(values, hz) -> None:
    def wave(t):
        lines = [v * np.sin((i + 1) * t + i) for i, v in enumerate(values)]
        return np.sum(lines, axis=0)[:, None]

    grids = []
    for rate in (20, hz):
        t = moments(rate, 6.0)
        resampler = Resampler(1)
        grids.append(resampler.push(stamps(t), wave(t))[1][:100])

    assert np.abs(grids[0] - grids[1]).max() <= 0.02 * sum(map(abs, values)) + 1e-9


def test_bursts_are_evened_out() -> None:
    t = moments(40)
    level = np.sin(2 * np.pi * 1.5 * t)[:, None]
    handed_over = stamps(np.ceil(t / 0.125) * 0.125) + np.arange(len(t)) % 5 * 2
    smooth, bursty = Resampler(1), Resampler(1)

    _, expected = smooth.push(stamps(t), level)
    _, found = bursty.push(handed_over, level)

    shifts = [
        np.abs(found[20 + shift : 400 + shift] - expected[20:400]).max() for shift in range(-4, 5)
    ]
    assert min(shifts) < 0.15


def test_a_clock_put_right_neither_ends_nor_repeats_a_fall() -> None:
    t = moments(40)
    t_ms, (acc, gyro) = stamps(t), fall(t)
    back = t_ms - 700 * (t >= IMPACT_S + 1.0)

    [found] = run(FallStream(DETECTORS["wrist"]), back, acc, gyro, range(3, 800, 3))

    assert abs(found.at_ms - stamps(np.array([IMPACT_S]))[0]) <= 150


def test_stamps_of_the_grid_never_leave_those_of_the_device() -> None:
    t_ms = stamps(moments(40))
    t_ms[300:] -= 2_294
    t_ms[500:] += 3_600_000

    grid_ms, _ = Resampler(1).push(t_ms, np.ones((800, 1)))

    assert set(grid_ms.tolist()) <= set(t_ms.tolist())
    assert len(grid_ms) < 800 * 25 / GRID_MS + 60


def test_a_quiet_hour_costs_no_judgement() -> None:
    class Judge:
        threshold = 0.5

        def score_one(self, window) -> float:
            raise AssertionError(f"nothing moved, yet {window.shape} was to be judged")

    stream = FallStream(Judge())
    t = moments(25, 600.0)
    acc = np.tile(np.float32([0, 0, G_MS2]), (len(t), 1))
    acc[:, 0] += 3 * np.sin(t).astype(np.float32)

    assert run(stream, stamps(t), acc, None, range(25, len(t), 25)) == []
    assert stream.score_max == 0
    assert len(stream._finder._grid) <= 300
    assert len(stream._finder._resampler._raw.times) < 60


@pytest.mark.parametrize("position", POSITIONS)
def test_walking_and_clapping_are_no_falls(position) -> None:
    t = moments(50, 30.0)
    for hertz, g in ((1.8, 0.6), (2.6, 1.5), (3.5, 2.5)):
        acc = np.tile(np.float32([0, 0.1, 1]), (len(t), 1))
        acc[:, 2] += g * np.maximum(0, np.sin(2 * np.pi * hertz * t)) ** 4

        assert play(DETECTORS[position], stamps(t), acc * G_MS2, None) < 0.5


def test_a_device_of_16_g_and_one_of_4_g_give_the_same() -> None:
    t = moments(50)
    acc, gyro = fall(t)
    acc[490:510] *= 2.5

    wide = play(DETECTORS["wrist"], stamps(t), acc, gyro)
    narrow = play(DETECTORS["wrist"], stamps(t), np.clip(acc, -CLIP_MS2, CLIP_MS2), gyro)

    assert wide == narrow


def test_a_gyroscope_with_gaps_counts_as_none() -> None:
    t = moments(50)
    acc, gyro = fall(t)
    gyro[490:500] = np.nan

    with_gaps = play(DETECTORS["wrist"], stamps(t), acc, gyro)

    assert with_gaps == play(DETECTORS["wrist"], stamps(t), acc, None)


def test_samples_that_are_not_finite_are_left_out() -> None:
    t = moments(50)
    t_ms, (acc, gyro) = stamps(t), fall(t)
    holes = acc.copy()
    holes[::40] = np.nan

    [found] = run(FallStream(DETECTORS["waist"]), t_ms, holes, gyro, [500])

    assert found.confidence >= 0.5


def test_two_falls_half_a_minute_apart_are_two() -> None:
    t = moments(40)
    acc, gyro = fall(t)
    t_ms = stamps(np.concatenate([t, t + 20]))

    found = run(
        FallStream(DETECTORS["waist"]),
        t_ms,
        np.concatenate([acc] * 2),
        np.concatenate([gyro] * 2),
        range(40, 1600, 40),
    )

    assert [round((f.at_ms - NOW) / 1000) for f in found] == [10, 30]


@pytest.mark.parametrize(
    "window",
    [np.zeros((WINDOW - 1, 3)), np.zeros((WINDOW, 4)), np.full((WINDOW, 3), np.nan)],
)
def test_a_window_that_cannot_be_judged_is_refused(window) -> None:
    with pytest.raises(WindowError):
        DETECTORS["wrist"].score_one(window)


def test_the_accelerometer_measures_the_same_with_and_without_a_gyroscope() -> None:
    windows = np.random.default_rng(3).normal(0, 9, (4, LENGTH, 6))

    both = measure(windows)

    assert both.shape == (4, ALL_FEATURES)
    assert np.array_equal(both[:, :ACC_FEATURES], measure(windows[:, :, :3]))
    assert np.isfinite(measure(np.zeros((1, LENGTH, 6)))).all()


def test_importing_the_detector_loads_nothing_that_trains() -> None:
    code = (
        "import sys, models.fall as f; f.FallDetector.shipped('wrist');"
        "print([m for m in ('sklearn', 'torch', 'pyarrow', 'pandas', 'lightgbm', 'scipy')"
        " if m in sys.modules])"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


def test_a_forest_answers_as_its_trees_do() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is only needed to train")

    rng = np.random.default_rng(5)
    rows = rng.normal(size=(400, 12)).astype(np.float32)
    label = (rows[:, 0] * rows[:, 1] + rows[:, 2] > 0).astype(int)
    settings = {"objective": "binary", "num_leaves": 9, "verbosity": -1, "num_threads": 1}
    model = lightgbm.train(settings, lightgbm.Dataset(rows, label), num_boost_round=20)

    forest = flattened([model.dump_model()["tree_info"]])
    kept = Forest.from_arrays(forest.arrays("some_"), "some_")

    assert np.allclose(kept.log_odds(rows), model.predict(rows, raw_score=True), atol=1e-5)


def test_the_operating_point_stays_clear_of_both_floors() -> None:

    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.normal(-3, 1.3, 800), rng.normal(3, 1.3, 300)])
    fell = np.repeat([0, 1], [800, 300])

    point = operating_point(scores, fell, 0.93, 0.97)

    assert (scores[fell == 1] >= point).mean() > 0.97
    assert (scores[fell == 0] < point).mean() > 0.98


def test_the_same_examples_give_the_same_file(tmp_path) -> None:
    pytest.importorskip("lightgbm", reason="lightgbm is only needed to train")
    rng = np.random.default_rng(11)
    fell = np.arange(120) % 3 == 0
    features = (rng.normal(size=(120, ALL_FEATURES)) + fell[:, None]).astype(np.float32)
    owner = np.arange(120) // 2 * 2 + fell
    examples = Examples(features, owner, np.zeros(120, int), rng.uniform(1, 4, 120), fell)

    for name in ("once.npz", "again.npz"):
        save(train(examples), tmp_path / name)

    assert (tmp_path / "once.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()


@pytest.mark.parametrize("position", POSITIONS)
def test_the_shipped_file_is_small(position) -> None:
    with (files("models") / "weights" / f"fall_{position}_v1.npz").open("rb") as file:
        assert len(file.read()) < 500_000


@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.2, 1.0])
def test_a_recording_shorter_than_a_window_is_no_fall_and_no_error(seconds) -> None:
    t = moments(50, seconds)

    assert play(DETECTORS["wrist"], stamps(t), *fall(t)) < 0.5


def test_an_impact_at_the_end_of_a_recording_is_still_judged() -> None:
    t = moments(50, IMPACT_S + 1.5)
    acc, gyro = fall(t)

    found = [*ImpactFinder().push(stamps(t), acc, gyro)]
    score = play(DETECTORS["waist"], stamps(t), acc, gyro)

    assert found == []
    assert score > 0


@pytest.fixture
def made_folder(tmp_path):
    """Two recordings of UMAFall's kind, one of SisFall's whose file is missing."""
    heads = "rec,dataset,subject,age,sex,group,position,code,trial,label,fs,n,dur_s"
    rows = [
        "umafall/a/wrist,umafall,U1,30,F,adult,wrist,forwardFall,1,fall,20,400,20",
        "umafall/b/wrist,umafall,U2,70,M,elder,wrist,Walking,1,adl,20,400,20",
        "sisfall/c,sisfall,S1,30,F,adult,waist,F01,1,fall,50,1000,20",
    ]
    (tmp_path / "recordings.csv").write_text("\n".join([heads, *rows]) + "\n", encoding="utf-8")
    t = moments(20)
    acc, gyro = fall(t)
    still = np.tile(np.float32([0, 0, 1000]), (len(t), 1))
    acc_mg = np.concatenate([acc / G_MS2 * 1000, still]).astype(np.int16)
    gyro_dds = np.concatenate([gyro * 1800 / np.pi, 0 * gyro]).astype(np.int16)
    columns = {"rec": ["umafall/a/wrist"] * len(t) + ["umafall/b/wrist"] * len(t)}
    columns["t_ms"] = np.tile(np.round(t * 1000), 2).astype(np.int32)
    columns |= {f"a{axis}_mg": acc_mg[:, i] for i, axis in enumerate("xyz")}
    columns |= {f"g{axis}_dds": gyro_dds[:, i] for i, axis in enumerate("xyz")}
    pq.write_table(pa.table(columns), tmp_path / "umafall.parquet")
    return tmp_path


def test_a_folder_that_lacks_files_is_read_as_far_as_it_goes(made_folder) -> None:
    found = list(read_falls(made_folder))

    assert [(r.rec, r.label, r.position, len(r.t_ms)) for r in found] == [
        ("umafall/a/wrist", "fall", "wrist", 400),
        ("umafall/b/wrist", "adl", "wrist", 400),
    ]
    assert np.allclose(found[0].acc_ms2, fall(moments(20))[0], atol=0.01)
    assert np.allclose(found[0].gyro_rads, fall(moments(20))[1], atol=0.002)
    assert count_falls(made_folder) == 3


def test_the_shipped_detector_is_scored_by_position(made_folder) -> None:
    told = []

    figures = evaluate_falls(made_folder, progress=lambda *done: told.append(done))

    assert list(figures) == ["wrist"]
    assert figures["wrist"].pop("windows_ms_p99") > 0
    assert figures["wrist"] == {
        "auc": 1.0,
        "sensitivity": 1.0,
        "specificity": 1.0,
        "elder_adl_specificity": 1.0,
    }
    assert told == [(1, 2), (2, 2)]


def test_a_folder_without_signals_is_refused(made_folder) -> None:
    (made_folder / "umafall.parquet").unlink()

    with pytest.raises(FileNotFoundError, match="found none"):
        list(read_falls(made_folder))


def _some(recordings, dataset, every):
    found = [r for r in read_falls(recordings / "falls") if r.dataset == dataset]
    return found[::every]


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "every"), [("weda", 6), ("sisfall", 30)])
def test_every_second_sample_of_a_recording_scores_like_all(recordings, dataset, every) -> None:
    changed = []
    for r in _some(recordings, dataset, every):
        half = replace(r, t_ms=r.t_ms[::2], acc_ms2=r.acc_ms2[::2], gyro_rads=r.gyro_rads[::2])
        detector = DETECTORS[r.position]
        full, rare = (play(detector, q.t_ms, q.acc_ms2, q.gyro_rads) for q in (r, half))
        changed.append((full >= 0.5) != (rare >= 0.5))

    assert len(changed) >= 100
    assert np.mean(changed) <= 0.03


@pytest.mark.slow
def test_people_not_trained_on_are_told_apart(recordings) -> None:
    pytest.importorskip("lightgbm", reason="lightgbm is only needed to train")

    found = _some(recordings, "weda", 3)
    folds = people_folds(found, 2)
    learnt = [r for r, fold in zip(found, folds, strict=True) if fold == 0]
    others = [r for r, fold in zip(found, folds, strict=True) if fold == 1]
    detector = train(gather(learnt, 0, SEED))

    scores = [play(detector, r.t_ms, r.acc_ms2, None) for r in others]

    assert not {r.subject for r in learnt} & {r.subject for r in others}
    assert area_under_curve(np.array([r.label == "fall" for r in others]), np.array(scores)) > 0.95
