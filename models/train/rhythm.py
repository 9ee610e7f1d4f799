"""Make and judge `models/weights/rhythm_v1.npz`.

Four or five people with fibrillation are too few to learn much from. So the model has four
features whose direction is given by physiology, and the recordings are joined by made windows:
real quiet beats with extra beats, blocks and breathing put into them, and made fibrillation.
"""

# ruff: noqa: PLR2004  # the chances of a made-up world have no better name than their place

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.rhythm import STEP_BEATS, WINDOW_BEATS, Floats, RhythmDetector, rhythm_features

SEED = 20_261_123
FOLDS = 3
MADE_REGULAR, MADE_AF = 900, 400
MADE_REGULAR_WEIGHT, MADE_AF_WEIGHT = 0.4, 0.2  # against all recorded windows of their class
RIDGE = 0.003
WINDOW_LOGIT = -0.6
"""Where one window is called irregular. Between -1 and 1 sensitivity hardly moves; this leans to
it, as people not trained on score lower."""
SURE_LOGIT, FILTERED_LOGIT = 0.75, -1.5
"""Where a window of the stream counts. No recording without fibrillation is then flagged in
cross-validation, and fibrillation, which lasts, is missed by few windows more."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One person's beats with an expert's word on each.

    Attributes:
        person: Recordings of one person stay on one side of every split.
        rr_ms: (n,) interval to the beat before, ms.
        af: (n,) in atrial fibrillation.
        unclear: (n,) in atrial flutter: neither right nor wrong to call irregular.
        normal: (n,) a normal beat.
    """

    person: int
    rr_ms: Floats
    af: NDArray[np.bool_]
    unclear: NDArray[np.bool_]
    normal: NDArray[np.bool_]


@dataclass(frozen=True)
class Windows:
    """Labelled windows: features (n, 4), label (n,), person (n,); person -1 is made up."""

    features: Floats
    label: NDArray[np.bool_]
    person: NDArray[np.int64]


def labelled_windows(recording: Recording) -> Iterator[tuple[Floats, bool]]:
    """Yield windows, half overlapping, that are all fibrillation or hold none (nor flutter)."""
    for first in range(0, recording.rr_ms.size - WINDOW_BEATS + 1, STEP_BEATS):
        part = slice(first, first + WINDOW_BEATS)
        af = recording.af[part]
        if af.all() or not (af.any() or recording.unclear[part].any()):
            yield recording.rr_ms[part], bool(af.all())


def train(recordings: Sequence[Recording], seed: int = SEED) -> RhythmDetector:
    """Fit the shipped kind of detector to recordings and what is made of them."""
    real, made = windows_of(recordings), _made_windows(recordings, np.random.default_rng(seed))
    features = np.concatenate([real.features, made.features])
    label = np.concatenate([real.label, made.label])
    balance = np.concatenate([_balance(real), _made_balance(made)])
    balance /= balance.sum()
    mean = np.average(features, axis=0, weights=balance)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=balance))
    weight, bias = _fit_logistic((features - mean) / scale, label, balance)
    return RhythmDetector(
        mean=mean,
        scale=scale,
        weight=weight,
        bias=bias,
        threshold=_share(WINDOW_LOGIT),
        sure=_share(SURE_LOGIT),
        filtered=_share(FILTERED_LOGIT),
    )


def folds(recordings: Sequence[Recording]) -> Iterator[tuple[list[Recording], list[Recording]]]:
    """Yield (learn, test), by person; people with fibrillation are spread over the tests."""
    people = sorted({one.person for one in recordings})
    with_af = {one.person for one in recordings if one.af.any()}
    turn = [p for p in people if p in with_af] + [p for p in people if p not in with_af]
    for fold in range(FOLDS):
        test = set(turn[fold::FOLDS])
        yield (
            [one for one in recordings if one.person not in test],
            [one for one in recordings if one.person in test],
        )


def windows_of(recordings: Sequence[Recording]) -> Windows:
    """Return every labelled window of recordings."""
    rows = [
        (rhythm_features(rr), label, one.person)
        for one in recordings
        for rr, label in labelled_windows(one)
    ]
    features, label, person = zip(*rows, strict=True)
    return Windows(np.array(features), np.array(label), np.array(person))


def save(detector: RhythmDetector, path: Path) -> None:
    """Write what `RhythmDetector.shipped` reads."""
    np.savez(
        path,
        mean=detector.mean,
        scale=detector.scale,
        weight=detector.weight,
        bias=np.float64(detector.bias),
        threshold=np.float64(detector.threshold),
        sure=np.float64(detector.sure),
        filtered=np.float64(detector.filtered),
    )


def _share(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _balance(real: Windows) -> Floats:
    """Give each class half the weight, and within it each person the same."""
    balance = np.zeros(real.label.size)
    for label in (False, True):
        people = np.unique(real.person[real.label == label])
        for person in people:
            mine = (real.label == label) & (real.person == person)
            balance[mine] = 0.5 / people.size / np.count_nonzero(mine)
    return balance


def _made_balance(made: Windows) -> Floats:
    share = np.where(made.label, MADE_AF_WEIGHT, MADE_REGULAR_WEIGHT)
    count = np.where(made.label, np.count_nonzero(made.label), np.count_nonzero(~made.label))
    return 0.5 * share / count


def _fit_logistic(x: Floats, label: NDArray[np.bool_], balance: Floats) -> tuple[Floats, float]:
    """Minimise weighted log loss with a ridge, weights kept from going negative."""
    sign = np.where(label, 1.0, -1.0)
    inputs = np.column_stack([x, np.ones(label.size)])
    ridge = np.append(np.full(x.shape[1], 2 * RIDGE), 0.0)
    largest = float(np.linalg.eigvalsh((inputs * balance[:, None]).T @ inputs).max())
    step = 1.0 / (largest / 4 + 2 * RIDGE)
    solution = np.zeros(inputs.shape[1])
    for _ in range(20_000):
        pull = balance * sign / (1 + np.exp(sign * (inputs @ solution)))
        moved = solution - step * (ridge * solution - inputs.T @ pull)
        moved[:-1] = np.maximum(moved[:-1], 0.0)
        if np.max(np.abs(moved - solution)) < 1e-9:
            break
        solution = moved
    return solution[:-1], float(solution[-1])


def _made_windows(recordings: Sequence[Recording], rng: np.random.Generator) -> Windows:
    quiet = [part for one in recordings for part in _quiet_stretches(one)]
    made = []
    for number in range(MADE_REGULAR):
        base = quiet[rng.integers(len(quiet))] * rng.uniform(0.8, 1.25)
        maker = (_breathing, _blocked)[number % 2] if number % 4 == 0 else _ectopic
        made.append((maker(base, rng)[:WINDOW_BEATS], False))
    made += [(_fibrillating(rng), True) for _ in range(MADE_AF)]
    features = np.array([rhythm_features(rr) for rr, _ in made])
    return Windows(features, np.array([af for _, af in made]), np.full(len(made), -1))


def _quiet_stretches(one: Recording) -> list[Floats]:
    """Return stretches of two windows in which nearly every beat is normal."""
    length = 2 * WINDOW_BEATS
    usable = one.normal & ~one.af & ~one.unclear & (one.rr_ms < 4_000)
    starts = range(0, one.rr_ms.size - length, length)
    parts = [slice(first, first + length) for first in starts]
    return [one.rr_ms[part] for part in parts if usable[part].mean() > 0.97]


def _ectopic(base: Floats, rng: np.random.Generator) -> Floats:
    """Put extra beats in: single, in pairs, every second or third, or in spells of those."""
    chance, spell_turn = rng.uniform(0.06, 0.4), rng.choice([0.0, 0.08])
    every = rng.choice([0, 0, 0, 2, 3])  # 2 is bigeminy, 3 trigeminy
    coupling, jitter = rng.uniform(0.5, 0.8, 2), rng.choice([0.01, 0.02, 0.04, 0.07])
    resets, pairs = rng.random() < 0.3, 0.4 * (rng.random() < 0.3)  # atrial ones reset the node
    made: list[float] = []
    since, spell, place = 9, bool(every), 0
    while len(made) < WINDOW_BEATS and place < base.size - 1:
        spell ^= bool(rng.random() < spell_turn)
        due = since >= max(every, 2) - 1 if spell else since >= 1 and rng.random() < chance
        if not due or (spell and rng.random() > 0.92):
            made.append(base[place])
            since, place = since + 1, place + 1
            continue
        early = np.clip(coupling[int(rng.random() < 0.2)] + jitter * rng.normal(), 0.35, 0.92)
        made.append(base[place] * early)
        if rng.random() < pairs:
            made.append(base[place] * (early + 0.05 * rng.normal()))
        pause = base[place + 1] if resets else base[place] + base[place + 1] - made[-1]
        made.append(max(pause, 0.5 * base[place]) * (1 + 0.02 * rng.normal()))
        since, place = 1, place + 2
    return np.array(made)


def _breathing(base: Floats, rng: np.random.Generator) -> Floats:
    turns = np.cumsum((1 + 0.15 * rng.normal(size=base.size)) / rng.uniform(3, 8))
    return base * (1 + rng.uniform(0.03, 0.18) * np.sin(2 * np.pi * turns))


def _blocked(base: Floats, rng: np.random.Generator) -> Floats:
    """Wenckebach: conduction slows by less each beat, until one is dropped."""
    sinus, made = float(np.median(base)), list[float]()
    while len(made) < WINDOW_BEATS:
        slower = np.array([0.18, 0.09, 0.05, 0.03])[: rng.integers(1, 5)] * rng.uniform(0.6, 1.2)
        made += [*(sinus * (1 + slower)), sinus * (2 - slower.sum())]
    return np.array(made) * (1 + 0.015 * rng.normal(size=len(made)))


def _fibrillating(rng: np.random.Generator) -> Floats:
    """Skewed, nearly uncorrelated intervals with a refractory floor; some with extra beats."""
    noise = rng.normal(size=WINDOW_BEATS + 20)
    memory = rng.uniform(-0.15, 0.3)
    for beat in range(1, noise.size):
        noise[beat] += memory * noise[beat - 1]
    shape = np.exp(rng.uniform(0.05, 0.6) * noise[20:] / noise[20:].std())
    usual = rng.uniform(430, 1_100)
    rr = usual * (1 + rng.uniform(0.13, 0.3) * (shape - shape.mean()) / shape.std())
    rr = np.clip(rr, rng.uniform(280, 380) + 20 * rng.random(rr.size), usual * 2.2)
    extra = np.append(rng.random(rr.size - 1) < rng.choice([0.0, 0.0, 0.12]), False)
    after = np.roll(extra, 1)
    rr[extra] = usual * rng.uniform(0.55, 0.65, np.count_nonzero(extra))
    rr[after] *= 1.25
    return np.asarray(rr, dtype=np.float64)
