"""Points for readings, by bands of their values. Pure."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pipeline.columns.people import Devices
from pipeline.columns.reading import Readings
from pipeline.columns.settings import Band


class _Steps(Struct, frozen=True):
    bounds: NDArray[np.float64]
    points: NDArray[np.int64]
    whose: NDArray[np.bool_] | None

    def of(self, column: NDArray[np.float64]) -> NDArray[np.int64]:
        return self.points[self.bounds.searchsorted(column)]


class Points:
    """Adds up the points of all bands.

    Args:
        bands: Of a value with several, a person has the last whose tag she has, or else the one
            without a tag.
        devices: Who wears what.
    """

    def __init__(self, bands: Sequence[Band], devices: Devices) -> None:
        self._bands: dict[str, list[_Steps]] = {}
        for band in sorted(bands, key=lambda band: bool(band.tag)):
            steps = _Steps(
                np.array([bound for bound, _ in band.steps], dtype=np.float64),
                np.array([*(points for _, points in band.steps), band.last], dtype=np.int64),
                np.array(devices.tagged(band.tag), dtype=bool) if band.tag else None,
            )
            self._bands.setdefault(band.of, []).append(steps)

    def of(self, readings: Readings) -> NDArray[np.int64]:
        """Return the points of each reading."""
        total = np.zeros(len(readings), dtype=np.int64)
        for name, bands in self._bands.items():
            column = readings.values[name]
            found = np.zeros(len(readings), dtype=np.int64)
            for steps in bands:
                if steps.whose is None:
                    found = steps.of(column)
                    continue
                them = steps.whose[readings.device]
                found[them] = steps.of(column[them])
            total += found
        return total
