"""Both jobs as we would write them: fat items, one key, columns; only an exception is an object.

journal ─► parsed (a batch is one item) ─► job (one state, arrays by sensor) ─► out

Within a batch a sensor may speak more than once: the batch is taken in rounds in which each speaks
once, so that all sensors of a round go through the arrays together and order by sensor is kept.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import bytewax.operators as op
import msgspec
import numpy as np
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from msgspec import Struct

from pipeline.flow import engine
from pipeline.journal import JournalReader, Record
from riot.plain import BLOCK, NOISE, ROUND, STEP
from riot.town import FIELDS, RANGES, WINDOW, Entry, Joined, bloom, metadata, places

WIDE = len(FIELDS)
_LEAST, _MOST = np.array(RANGES).T
_STEP, _NOISE = np.array(STEP), np.array(NOISE)


class Said(Struct, frozen=True):
    """A pack as far as ETL needs it at first: what is fine goes on as it came."""

    bn: str
    bt: int
    e: msgspec.Raw


class Value(Struct, frozen=True):
    """A value without its name and unit: what nobody asks for, nobody makes."""

    v: float


Values = tuple[Value, Value, Value, Value, Value]


class Bare(Struct, frozen=True):
    """A pack as far as STATS needs it."""

    bn: str
    e: Values


class Passed(Struct, frozen=True):
    """What ETL publishes of a pack in which nothing was missing: as `Joined`, the same bytes."""

    bn: str
    bt: int
    place: str
    kind: str
    note: str
    e: msgspec.Raw


class Batch(Struct, frozen=True):
    """What was read together: the packs, and all their values, (n, 5)."""

    packs: list[Any]
    values: np.ndarray


class Names:
    """Numbers for sensors, from 0, in the order in which they are met."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, packs: list[Any]) -> np.ndarray:
        """Return the number of each pack's sensor."""
        numbers = self.numbers
        return np.array([numbers.setdefault(one.bn, len(numbers)) for one in packs], np.int64)


def rounds(sensors: np.ndarray) -> Iterable[np.ndarray]:
    """Yield the places of a batch so that no round has a sensor twice, each in its order."""
    order = np.argsort(sensors, kind="stable")
    ordered = sensors[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    turn = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    for number in range(int(turn.max(initial=-1)) + 1):
        yield order[turn == number]


def _room(array: np.ndarray, count: int) -> np.ndarray:
    if len(array) >= count:
        return array
    return np.concatenate((array, np.zeros((count, *array.shape[1:]), array.dtype)))


class Etl:
    """Parse, range, Bloom filter, interpolate, join, annotate, SenML again."""

    def __init__(self) -> None:
        self._names, self._known, self._bits = Names(), metadata(), bloom()
        self._may: dict[str, bool] = {}
        self._ring = np.zeros((64, WIDE, WINDOW))
        self._many = np.zeros((64, WIDE), np.int64)

    def take(self, batch: Batch) -> list[bytes]:
        """Return what is published."""
        here = [n for n, one in enumerate(batch.packs) if self._passes(one.bn)]
        packs = [batch.packs[n] for n in here]
        values = batch.values[here]
        good = (values >= _LEAST) & (values <= _MOST)
        sensors = self._names.of(packs)
        self._ring = _room(self._ring, len(self._names.numbers))
        self._many = _room(self._many, len(self._names.numbers))
        for those in rounds(sensors):
            self._interpolate(sensors[those], those, values, good)
        encode, known, whole = msgspec.json.encode, self._known, good.all(axis=1).tolist()
        published = []
        for number, pack in enumerate(packs):
            place, kind = known[pack.bn]
            note = f"{place}/{pack.bn}"
            if whole[number]:
                published.append(encode(Passed(pack.bn, pack.bt, place, kind, note, pack.e)))
                continue
            told = zip(_ENTRIES(pack.e), values[number].tolist(), strict=True)
            entries: Any = tuple(Entry(one.n, one.u, value) for one, value in told)
            published.append(encode(Joined(pack.bn, pack.bt, place, kind, note, entries)))
        return published

    @staticmethod
    def parsed(records: list[Record]) -> Batch:
        """Return a batch of records as one item."""
        packs = [_SAID(one.payload) for one in records]
        return _batch(packs, [value.v for pack in packs for value in _VALUES(pack.e)])

    def _passes(self, name: str) -> bool:
        may = self._may.get(name)
        if may is None:
            may = self._may[name] = all(self._bits[place] for place in places(name))
        return may

    def _interpolate(
        self, sensors: np.ndarray, those: np.ndarray, values: np.ndarray, good: np.ndarray
    ) -> None:
        fine = good[those]
        for row, field in zip(*np.nonzero(~fine), strict=True):
            sensor = sensors[row]
            many = int(self._many[sensor, field])
            first = max(0, many - WINDOW)
            seen = [float(self._ring[sensor, field, n % WINDOW]) for n in range(first, many)]
            values[those[row], field] = sum(seen) / len(seen) if seen else 0.0
        rows, fields = np.nonzero(fine)
        at = sensors[rows]
        self._ring[at, fields, self._many[at, fields] % WINDOW] = values[those[rows], fields]
        self._many[at, fields] += 1


class Found(Struct, frozen=True):
    """What follows from one batch; `at` counts messages from 1, `order` is that of the batch."""

    averages: list[tuple[np.ndarray, np.ndarray]]
    order: np.ndarray
    filtered: np.ndarray
    sloped: np.ndarray
    slopes: np.ndarray
    distinct: list[int]
    moments: list[list[int]]


class Stats:
    """Average of ten, Kalman filter, regression over ten, distinct sensors, second moment."""

    def __init__(self) -> None:
        self._names, self._count = Names(), 0
        self._sums = np.zeros((64, WIDE))
        self._levels, self._doubts = np.zeros((64, WIDE)), np.zeros((64, WIDE))
        self._lines = np.zeros((64, BLOCK, WIDE))
        self._many = np.zeros(64, np.int64)
        self._sensors: list[np.ndarray] = []
        self._wholes: list[np.ndarray] = []
        centred = np.arange(BLOCK) - (BLOCK - 1) / 2
        self._weights = centred / (centred**2).sum()

    def take(self, batch: Batch) -> Found:
        """Return what follows."""
        sensors, values = self._names.of(batch.packs), batch.values
        count = len(self._names.numbers)
        for name in ("_sums", "_levels", "_doubts", "_lines", "_many"):
            setattr(self, name, _room(getattr(self, name), count))
        averages: list[tuple[np.ndarray, np.ndarray]] = []
        filtered, slopes = np.empty_like(values), np.full_like(values, np.nan)
        for those in rounds(sensors):
            at, came = sensors[those], values[those]
            many = self._many[at]
            self._average(at, came, many, self._count + 1 + those, averages)
            filtered[those] = self._kalman(at, came, many == 0)
            slopes[those] = self._regress(at, filtered[those], many)
            self._many[at] = many + 1
        distinct, moments = self._round(sensors, values)
        sloped = ~np.isnan(slopes[:, 0])
        self._count += len(sensors)
        return Found(averages, sensors, filtered, sloped, slopes[sloped], distinct, moments)

    @staticmethod
    def parsed(records: list[Record]) -> Batch:
        """Return a batch of records as one item."""
        packs = [_BARE(one.payload) for one in records]
        return _batch(packs, [value.v for pack in packs for value in pack.e])

    def _average(
        self,
        at: np.ndarray,
        came: np.ndarray,
        many: np.ndarray,
        number: np.ndarray,
        averages: list[tuple[np.ndarray, np.ndarray]],
    ) -> None:
        sums = np.where((many % BLOCK == 0)[:, None], came, self._sums[at] + came)
        self._sums[at] = sums
        full = many % BLOCK == BLOCK - 1
        if full.any():
            averages.append((number[full], sums[full] / BLOCK))

    def _kalman(self, at: np.ndarray, came: np.ndarray, new: np.ndarray) -> np.ndarray:
        levels = np.where(new[:, None], came, self._levels[at])
        doubts = np.where(new[:, None], _NOISE, self._doubts[at]) + _STEP
        gains = doubts / (doubts + _NOISE)
        levels = levels + gains * (came - levels)
        self._levels[at], self._doubts[at] = levels, (1 - gains) * doubts
        return levels

    def _regress(self, at: np.ndarray, levels: np.ndarray, many: np.ndarray) -> np.ndarray:
        self._lines[at, many % BLOCK] = levels
        slopes = np.full_like(levels, np.nan)
        full = many >= BLOCK - 1
        if full.any():
            turned = (np.arange(BLOCK) + many[full][:, None] + 1) % BLOCK
            lines = self._lines[at[full][:, None], turned]
            slopes[full] = np.einsum("b,sbf->sf", self._weights, lines)
        return slopes

    def _round(self, sensors: np.ndarray, values: np.ndarray) -> tuple[list[int], list[list[int]]]:
        distinct, moments, start = [], [], 0
        wholes = np.rint(values).astype(np.int64)
        while start < len(sensors):
            stop = min(len(sensors), start + ROUND - (self._count + start) % ROUND)
            self._sensors.append(sensors[start:stop])
            self._wholes.append(wholes[start:stop])
            if (self._count + stop) % ROUND == 0:
                distinct.append(len(np.unique(np.concatenate(self._sensors))))
                moments.append([_moment(one) for one in np.concatenate(self._wholes).T])
                self._sensors, self._wholes = [], []
            start = stop
        return distinct, moments


def _moment(wholes: np.ndarray) -> int:
    often = np.bincount(wholes - wholes.min())
    return int((often.astype(np.int64) ** 2).sum())


class Logic(StatefulBatchLogic[Batch, list[Any], Any]):
    """A job as Bytewax wants it."""

    def __init__(self, make: Callable[[], Any], resume: Any) -> None:  # noqa: ANN401  # of two shapes
        self._job = resume or make()

    def on_batch(self, values: list[Batch]) -> tuple[Iterable[list[Any]], bool]:
        concluded = [self._job.take(one) for one in values]
        return [one if isinstance(one, list) else [one] for one in concluded], False

    def snapshot(self) -> Any:  # noqa: ANN401  # of two shapes
        return self._job


def _batch(packs: list[Any], flat: list[float]) -> Batch:
    return Batch(packs, np.array(flat).reshape(-1, WIDE))


def run(folder: Path, make: type[Etl | Stats], recovery: Path) -> list[Any]:
    """Run a job under the engine, with recovery, and return all that came out."""
    found: list[Any] = []
    source = engine.JournalSource(lambda at: JournalReader(folder, at), until_end=True)
    flow = Dataflow("riot")
    records = op.input("journal", flow, source)
    batches = op.flat_map_batch(
        "parsed", records, lambda them: [("job", make.parsed(them))] if them else []
    )
    concluded = op.stateful_batch("job", batches, lambda resume: Logic(make, resume))
    op.output("out", concluded, engine.StoreSink(lambda: found.extend))
    engine.run(flow, workers=1, recovery=recovery, epoch_s=10.0)
    return found


_SAID = msgspec.json.Decoder(Said).decode
_BARE = msgspec.json.Decoder(Bare).decode
_VALUES = msgspec.json.Decoder(Values).decode
_ENTRIES = msgspec.json.Decoder(tuple[Entry, ...]).decode
