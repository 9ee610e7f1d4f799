"""Recorded falls and daily activities, one recording at a time, from a folder of parquet files.

The folder holds `recordings.csv` and any of `weda_acc`, `weda_gyro`, `sisfall`, `umafall`
(`.parquet`). A recording whose signals are not in the folder is left out. What may tell the label
apart from the signal itself (measured rate, length, place in the folder) is not passed on.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
TimeArray = NDArray[np.int64]

G_MS2 = 9.80665
"""Standard gravity in m/s² (CGPM 1901)."""


@dataclass(frozen=True)
class FallRecording:
    """One labelled recording of one person.

    Attributes:
        rec: Key of the recording, such as `weda/F01/U01_R01`.
        dataset: `weda`, `sisfall` or `umafall`.
        subject: Pseudonym; one person has one across positions.
        group: `adult` or `elder`.
        position: Where the sensor was worn.
        code: What was acted; the data sets' own codes.
        label: What it counts as.
        t_ms: (N,) milliseconds since the recording began, as stamped: bursts, and a few steps back.
        acc_ms2: (N, 3) m/s² in the axes of the device, gravity included.
        gyro_rads: (N, 3) rad/s at the same instants, or None where none was recorded.
    """

    rec: str
    dataset: str
    subject: str
    group: str
    position: Literal["wrist", "waist"]
    code: str
    label: Literal["fall", "adl"]
    t_ms: TimeArray
    acc_ms2: FloatArray
    gyro_rads: FloatArray | None


def read_falls(folder: Path) -> Iterator[FallRecording]:
    """Yield the recordings of a folder, in the order of `recordings.csv`.

    Raises:
        FileNotFoundError: The folder has no `recordings.csv`, or none of the signal files.
    """
    rows = _rows(folder)
    signals = {name: _read(folder / f"{name}.parquet") for name in _FILES}
    if not any(signals[name] for name in ("weda_acc", "sisfall", "umafall")):
        raise FileNotFoundError(
            f"{folder}: expected weda_acc.parquet, sisfall.parquet or umafall.parquet, found none"
        )
    for row in rows:
        dataset, rec = row["dataset"], row["rec"]
        found = signals["weda_acc" if dataset == "weda" else dataset].get(rec)
        if found is None:
            continue
        t_ms = found["t_ms"] if "t_ms" in found else _every_20_ms(found["ax_mg"])
        gyro = signals["weda_gyro"].get(rec) if dataset == "weda" else found
        yield FallRecording(
            rec=rec,
            dataset=dataset,
            subject=row["subject"],
            group=row["group"],
            position="wrist" if row["position"] == "wrist" else "waist",
            code=row["code"],
            label="fall" if row["label"] == "fall" else "adl",
            t_ms=t_ms.astype(np.int64),
            acc_ms2=_xyz(found, "a", "mg") * np.float32(G_MS2 / 1000),
            gyro_rads=None if gyro is None else _gyro(gyro, t_ms),
        )


def count_falls(folder: Path) -> int:
    """Return how many recordings the folder lists; fewer may be present."""
    return len(_rows(folder))


_FILES = ("weda_acc", "weda_gyro", "sisfall", "umafall")

_BURST = 15
"""Samples over which stamps are averaged: three of WEDA's bursts of five."""

_Columns = dict[str, NDArray[Any]]


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "recordings.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _read(path: Path) -> dict[str, _Columns]:
    """Return the columns of every recording in a file; nothing if the file is absent."""
    if not path.exists():
        return {}
    table = pq.read_table(path)
    keys = table.column("rec").combine_chunks()
    columns = {n: table.column(n).to_numpy() for n in table.column_names if n != "rec"}
    encoded = keys.dictionary_encode() if not isinstance(keys, pa.DictionaryArray) else keys
    codes = encoded.indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(starts[1:], len(codes))
    names = encoded.dictionary.to_pylist()
    return {
        names[codes[a]]: {n: values[a:b] for n, values in columns.items()}
        for a, b in zip(starts, ends, strict=True)
    }


def _xyz(columns: _Columns, kind: str, unit: str) -> FloatArray:
    return np.stack([columns[f"{kind}{axis}_{unit}"] for axis in "xyz"], axis=1).astype(np.float32)


def _every_20_ms(like: NDArray[Any]) -> TimeArray:
    return np.arange(len(like), dtype=np.int64) * 20


def _gyro(columns: _Columns, t_ms: NDArray[Any]) -> FloatArray:
    """Return the gyroscope in rad/s at the accelerometer's instants; it has a clock of its own."""
    values = _xyz(columns, "g", "dds") * np.float32(np.pi / 1800)
    if "t_ms" not in columns or (len(values) == len(t_ms) and "ax_mg" in columns):
        return values
    own, wanted = _evened(columns["t_ms"]), _evened(t_ms)
    return np.stack([np.interp(wanted, own, v) for v in values.T], axis=1).astype(np.float32)


def _evened(t_ms: NDArray[Any]) -> NDArray[np.float64]:
    """Return rising stamps with the bursts averaged out."""
    half = min(_BURST // 2, (len(t_ms) - 1) // 2)
    sums = np.cumsum(np.concatenate([[0.0], t_ms.astype(np.float64)]))
    i = np.arange(len(t_ms))
    reach = np.minimum(np.minimum(i, i[::-1]), half)
    evened = (sums[i + reach + 1] - sums[i - reach]) / (2 * reach + 1)
    return np.asarray(np.maximum.accumulate(evened))
