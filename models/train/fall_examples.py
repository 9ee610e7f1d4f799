"""What the fall detector learns from: the impacts of recordings, and of altered copies of them.

Every recording is also shown as other devices would have recorded it of other people: turned,
rarer, a little louder, a little slower, the impact found a little early or late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.fall_features import LENGTH, measure
from models.fall_impacts import G_MS2, SHIFT_MAX, ImpactFinder

FloatArray = NDArray[np.float64]
Rows = NDArray[np.int64]
Signal = tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32] | None]


class Recording(Protocol):
    """One labelled recording of one person; `FallRecording` of the simulator's importers is one."""

    @property
    def dataset(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def t_ms(self) -> NDArray[np.int64]: ...
    @property
    def acc_ms2(self) -> NDArray[np.float32]: ...
    @property
    def gyro_rads(self) -> NDArray[np.float32] | None: ...


@dataclass(frozen=True)
class Examples:
    """Impacts, in the order of their recordings.

    Attributes:
        features: (N, `ALL_FEATURES`) float32; NaN for the gyroscope where there was none.
        owner: (N,) which recording an impact belongs to.
        copy: (N,) which copy of it; 0 is the recording itself.
        impact_g: (N,) how hard it was.
        fell: (N,) whether the recording is labelled a fall.
    """

    features: NDArray[np.float32]
    owner: Rows
    copy: Rows
    impact_g: FloatArray
    fell: NDArray[np.bool_]

    def of(self, chosen: NDArray[np.bool_]) -> "Examples":
        """Return the chosen rows."""
        return Examples(*(column[chosen] for column in vars(self).values()))


def gather(recordings: Sequence[Recording], copies: int, seed: int) -> Examples:
    """Return the impacts of recordings, and of `copies` altered copies of each."""
    windows, owners, numbers, impact_g = [], [], [], []
    for owner, recording in enumerate(recordings):
        rng = np.random.default_rng([seed, owner])
        for number in range(copies + 1):
            for window, hardness in _shown(recording, number, rng):
                windows.append(window)
                owners.append(owner)
                numbers.append(number)
                impact_g.append(hardness)
    blocks = [np.stack(windows[i : i + 500]) for i in range(0, len(windows), 500)]
    fell = np.array([r.label == "fall" for r in recordings])
    return Examples(
        features=np.concatenate([measure(block).astype(np.float32) for block in blocks]),
        owner=np.array(owners),
        copy=np.array(numbers),
        impact_g=np.array(impact_g),
        fell=fell[owners],
    )


_COPIED_MAX = 3
"""Impacts kept of a daily activity's copy: a minute of jogging must not outweigh the rest."""


def _shown(
    recording: Recording, number: int, rng: np.random.Generator
) -> list[tuple[FloatArray, float]]:
    """Return windows of a copy, and how hard their impacts are; copy 0 is not altered."""
    signal = (recording.t_ms, recording.acc_ms2, recording.gyro_rads)
    finder = ImpactFinder()
    found = [*finder.push(*(_altered(signal, rng) if number else signal)), *finder.finish()]
    if number and recording.label == "adl":
        found = [found[i] for i in rng.permutation(len(found))[:_COPIED_MAX]]
    shown = []
    for impact in found:
        start = int(rng.integers(0, 2 * SHIFT_MAX + 1)) if number else SHIFT_MAX
        shown.append((impact.window[start : start + LENGTH], impact.impact_g))
    return shown


def _altered(signal: Signal, rng: np.random.Generator) -> Signal:
    """Return a signal as another device might have made it of another person."""
    t_ms, acc_ms2, gyro_rads = signal
    rate_hz = 1000 * len(t_ms) / max(int(t_ms[-1] - t_ms[0]), 1)
    slower = [times for times in (1.0, 1.25, 1.6, 2.0, 2.5) if rate_hz / times > _RATE_HZ_MIN]
    times = float(rng.choice(slower or [1.0]))
    kept = np.arange(rng.uniform(0, times), len(t_ms), times).astype(np.int64)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]  # mirrored half the time, as hands are
    acc = acc_ms2[kept] @ turn * rng.normal(1, 0.03) + rng.normal(0, 0.02 * G_MS2, 3)
    acc += rng.normal(0, rng.uniform(0, 0.03) * G_MS2, acc.shape)
    if gyro_rads is not None:
        gyro = gyro_rads[kept] @ turn * rng.normal(1, 0.03) + rng.normal(0, 0.02, 3)
        gyro_rads = gyro.astype(np.float32)
    pace = rng.uniform(0.94, 1.06)
    return (t_ms[kept] * pace).astype(np.int64), acc.astype(np.float32), gyro_rads


_RATE_HZ_MIN = 18.0
"""Below 20 Hz, as the rarest device measures, no copy is made."""
