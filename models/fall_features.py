"""What is measured in the window around an impact: how it began, hit, and ended.

Nothing here depends on how the device sits on the wrist or belt: lengths, angles between
directions, and shares along gravity only. So a watch on the other hand, or the other way round,
measures the same.
"""

import numpy as np
from numpy.typing import NDArray

from models.fall_impacts import AFTER, BEFORE, G_MS2
from models.fall_resampling import GRID_HZ, Array

LENGTH = BEFORE + 1 + AFTER
"""Grid points of a window: from two seconds before the impact to 2.4 after."""


def measure(windows: Array) -> Array:
    """Return what is measured in windows, one row each.

    Args:
        windows: (B, `LENGTH`, 3 or 6) float64 at `GRID_HZ`, the impact at `BEFORE`; accelerometer
            in m/s², then gyroscope in rad/s.

    Returns:
        (B, F) finite; the accelerometer's features first, the same with or without a gyroscope.
    """
    acc = windows[:, :, :3] / G_MS2
    ends = _direction(_means(acc, *_ENDS))
    size = _length(acc)
    step = _length(np.diff(acc, axis=1, prepend=acc[:, :1]))
    sway = _length(acc - _running_mean(acc, 5))
    signals = [size, step, sway, *_shares(acc, size, ends)]
    with_gyro = windows.shape[2] > _AXES
    if with_gyro:
        gyro = windows[:, :, _AXES:]
        rate = _length(gyro)
        signals += [rate, *map(np.abs, _shares(gyro, rate, ends)[:3])]
    segments = _by_segment(np.stack(signals, axis=2))
    parts = [
        segments[:, :, :_ACC_SIGNALS].reshape(len(acc), -1),
        _angles(acc),
        _blow(size, step),
        _drop(acc, size, ends[:, 0]),
        _rest(acc, step),
        _rhythm(size),
    ]
    if with_gyro:
        parts += [segments[:, :, _ACC_SIGNALS:].reshape(len(acc), -1), _turning(gyro, rate)]
    return np.concatenate(parts, axis=1)


def calm_s(acc_ms2: Array) -> float:
    """Return for how many seconds a window, (`LENGTH`, 3), has been calm at its end."""
    step = _length(np.diff(acc_ms2[None] / G_MS2, axis=1))
    stirred = np.flatnonzero(_running_mean(step, 7)[0, BEFORE:] >= _CALM_G)
    since = AFTER if len(stirred) == 0 else AFTER - 1 - int(stirred[-1])
    return since / GRID_HZ


def turn_deg(acc_ms2: Array) -> float:
    """Return the angle in degrees between gravity at both ends of a window, (`LENGTH`, 3)."""
    before, after = _direction(np.stack([acc_ms2[_LEAD].mean(0), acc_ms2[_END].mean(0)]))
    return float(np.degrees(np.arccos(np.clip(before @ after, -1, 1))))


_AXES = 3

_ACC_SIGNALS = 7


def _at(seconds: float) -> int:
    """Return the grid point that many seconds after the impact."""
    return BEFORE + round(seconds * GRID_HZ)


def _span(start_s: float, stop_s: float) -> slice:
    return slice(_at(start_s), _at(stop_s))


_CUTS = np.array([_at(s) for s in (-2.0, -1.4, -0.8, -0.4, -0.12, 0.2, 0.6, 1.2, 1.8)])

_WIDTHS = np.diff(_CUTS, append=LENGTH).astype(np.float64)

_PAIRS = np.triu_indices(len(_CUTS), 1)

_THIRDS = np.array([0, _at(-0.4), _at(0.8)])

_WAVE = 256
"""A length that transforms fast, and holds a window and the longest lag."""

_LEAD, _NEAR, _END = _span(-2.0, -0.8), _span(-0.4, 0.8), slice(_at(1.2), LENGTH)

_Spans = tuple[NDArray[np.int64], NDArray[np.int64]]


def _spans(*parts: tuple[float, float]) -> _Spans:
    """Return where stretches, in seconds after the impact, start and stop."""
    return np.array([_at(a) for a, _ in parts]), np.array([_at(b) for _, b in parts])


_ENDS = _spans((-2.0, -0.8), (1.2, 2.44))

_RESTS = _spans((0.4, 1.2), (0.8, 1.6), (1.2, 2.44), (-1.0, -0.4), (-2.0, -0.8))

_TURNS = _spans((-1.0, 0.0), (-0.6, 0.2), (-0.2, 0.6), (0.2, 1.2), (1.2, 2.44))

_CALM_G = 0.06
"""Change from one grid point to the next, averaged over seven, that still counts as calm."""


def _length(vectors: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("btk,btk->bt", vectors, vectors)))


def _direction(vectors: Array) -> Array:
    sizes = np.sqrt((vectors**2).sum(-1, keepdims=True))
    return np.asarray(vectors / np.maximum(sizes, 1e-3))


def _shares(vectors: Array, size: Array, axes: Array) -> list[Array]:
    """Return how much of vectors is along an axis and how much across it, for each of two axes."""
    along = np.einsum("btk,bik->ibt", vectors, axes)
    across = np.sqrt(np.maximum(size**2 - along**2, 0))
    return [along[0], across[0], along[1], across[1]]


def _running_mean(values: Array, width: int) -> Array:
    """Return means over `width` (odd) points along axis 1, the ends repeated."""
    sums = np.cumsum(_padded(values, width // 2 + 1, width // 2), axis=1)
    return np.asarray((sums[:, width:] - sums[:, :-width]) / width)


def _means(values: Array, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> Array:
    """Return the means of stretches along axis 1, all at once."""
    sums = np.zeros((len(values), values.shape[1] + 1, *values.shape[2:]))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    widths = (stops - starts).reshape(-1, *[1] * (values.ndim - 2))
    return np.asarray((sums[:, stops] - sums[:, starts]) / widths)


def _padded(values: Array, front: int, back: int) -> Array:
    first, last = values[:, :1], values[:, -1:]
    return np.concatenate([*[first] * front, values, *[last] * back], axis=1)


def _by_segment(signals: Array) -> Array:
    """Return (B, 36, K): mean, deviation, least and most of (B, T, K) signals in nine segments."""
    mean = np.add.reduceat(signals, _CUTS, axis=1) / _WIDTHS[:, None]
    square = np.add.reduceat(signals**2, _CUTS, axis=1) / _WIDTHS[:, None]
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    least = np.minimum.reduceat(signals, _CUTS, axis=1)
    most = np.maximum.reduceat(signals, _CUTS, axis=1)
    return np.concatenate([mean, deviation, least, most], axis=1)


def _angles(acc: Array) -> Array:
    """Return the angle of gravity, in degrees, between any two segments."""
    towards = _direction(np.add.reduceat(acc, _CUTS, axis=1))
    cosines = np.einsum("bik,bjk->bij", towards, towards)[:, _PAIRS[0], _PAIRS[1]]
    return np.asarray(np.degrees(np.arccos(np.clip(cosines, -1, 1))))


def _blow(size: Array, step: Array) -> Array:
    """Return how hard, how sharp and how single the impact is."""
    peak = size[:, BEFORE]
    earlier, near = size[:, : _NEAR.start], size[:, _NEAR]
    ranked = np.sort(size, axis=1)
    middle, average = size[:, 1:-1], size.sum(1) / LENGTH
    tops = (middle > size[:, :-2]) & (middle >= size[:, 2:]) & (middle > 1.3)  # noqa: PLR2004  # g
    columns = [
        peak,
        peak / np.maximum(ranked[:, -1], 0.1),
        peak / np.maximum(earlier.max(1), 0.1),
        peak / np.maximum(size[:, _at(0.4) :].max(1), 0.1),
        *np.add.reduceat(size > 1.5, _THIRDS, axis=1, dtype=np.int64).T,  # noqa: PLR2004  # g
        *np.add.reduceat(tops, _THIRDS, axis=1, dtype=np.int64).T,
        (near > (peak[:, None] + 1) / 2).sum(1),
        np.maximum(near - 1, 0).sum(1),
        step[:, _NEAR].max(1),
        step[:, _NEAR].sum(1),
        *ranked[:, [-5, -10, -20, 5, 15]].T,
        average,
        np.sqrt(np.maximum((size**2).sum(1) / LENGTH - average**2, 0)),
    ]
    return np.array(columns, np.float64).T


def _drop(acc: Array, size: Array, before: Array) -> Array:
    """Return how the second before the impact was lighter than standing, and what speed it gave."""
    lead = size[:, _span(-1.0, 0.04)]
    lighter = np.maximum(1 - lead, 0)
    extra = acc[:, _span(-1.0, 0.0)] - acc[:, _LEAD].mean(1)[:, None]
    speed = np.cumsum(extra, axis=1) / GRID_HZ
    columns = [
        lead.min(1),
        lead.shape[1] - lead.argmin(1),
        (lead < 0.7).sum(1),  # noqa: PLR2004  # g
        lighter.sum(1),
        lighter[:, -12:].sum(1),
        np.einsum("btk,bk->bt", speed, before).min(1),
        _length(speed).max(1),
    ]
    return np.array(columns, np.float64).T


def _rest(acc: Array, step: Array) -> Array:
    """Return how calm it was before, and how soon and how much after."""
    mean_step = _running_mean(step, 7)
    calm = mean_step[:, _at(0.2) :] < _CALM_G
    late = np.sort(step[:, _at(0.6) :], axis=1)
    means, squares = _means(acc, *_RESTS), _means(acc**2, *_RESTS)
    spreads = np.sqrt(np.maximum(squares - means**2, 0).sum(2)).T
    columns = [
        *spreads,
        calm.sum(1),
        calm[:, -25:].sum(1),
        np.where(calm.any(1), calm.argmax(1), calm.shape[1]),
        late[:, -1],
        late[:, -5],
        late[:, late.shape[1] // 2],
        mean_step[:, : _at(-0.4)].min(1),
    ]
    return np.array(columns, np.float64).T


def _rhythm(size: Array) -> Array:
    """Return how alike the signal is to itself a little later: steps, claps, shaking.

    Over all of the window, before the impact, and after it; at eight lags of 0.08 to 1.2 s.
    """
    level = np.minimum(size, 2.0)
    wave = np.zeros((len(size), 3, _WAVE))
    for i, part in enumerate((slice(0, LENGTH), slice(0, _at(-0.2)), slice(_at(0.4), LENGTH))):
        wave[:, i, part] = level[:, part] - level[:, part].mean(1)[:, None]
    turned = np.fft.rfft(wave, axis=2)
    power = turned.real**2 + turned.imag**2
    alike = np.fft.irfft(power, _WAVE, axis=2)[:, :, :31]
    alike /= np.maximum(alike[:, :, :1], 0.05)
    lags = np.maximum.reduceat(alike, [2, 4, 6, 8, 11, 15, 20, 25], axis=2)
    return np.concatenate([lags.reshape(len(size), -1), alike[:, :, 2], alike[:, :, 4]], axis=1)


def _turning(gyro: Array, rate: Array) -> Array:
    """Return how far the device turned, along its way and from first to last, in radians."""
    seconds = (_TURNS[1] - _TURNS[0]) / GRID_HZ
    turned = np.sqrt((_means(gyro, *_TURNS) ** 2).sum(2)) * seconds
    way = _means(rate, *_TURNS) * seconds
    columns = [*turned.T, *way.T, *(turned / np.maximum(way, 0.05)).T]
    columns += [rate.max(1), rate.argmax(1), (rate > 3).sum(1)]  # noqa: PLR2004  # rad/s
    return np.array(columns, np.float64).T


def _count(channels: int) -> int:
    return int(measure(np.zeros((1, LENGTH, channels))).shape[1])


ACC_FEATURES = _count(_AXES)
"""How many features the accelerometer alone gives."""

ALL_FEATURES = _count(2 * _AXES)
"""How many features the accelerometer and the gyroscope give together."""
