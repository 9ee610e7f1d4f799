"""What bands, scales and mats at home recorded day by day, from a folder of public data.

The folder may hold any of `tihm_physiology`, `tihm_sleep_nightly`, `welltory_wearables`,
`welltory_sleep` and `welltory_hrv_measurements`, each `.csv.gz`; a reader of a file that is absent
returns nothing. Instants are milliseconds by the recording's own clock, taken as UTC.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

DAY_MS = 86_400_000

Series = dict[str, list[tuple[int, float]]]
"""Of each person, instants and values, oldest first."""

POSSIBLE = {
    "Heart rate": ("hr_bpm", 30, 180),
    "Body Temperature": ("temp_c", 33, 42),
    "Skin Temperature": ("skin_temp_c", 25, 40),
    "Systolic blood pressure": ("sbp_mmhg", 60, 250),
    "Diastolic blood pressure": ("dbp_mmhg", 30, 150),
    "Body weight": ("weight_kg", 30, 200),
}
"""What TIHM calls a sign, what we do, and what is no body's but a mistake."""


class Night(Struct, frozen=True):
    """One night on a mat: means of it, and standard deviations within it; sleep in minutes."""

    person: str
    hr_bpm: float
    hr_sd: float
    resp_per_min: float
    resp_sd: float
    asleep_min: float


class Sleep(Struct, frozen=True):
    """One sleep by a watch, milliseconds by the local clock."""

    person: str
    begun_at: int
    ended_at: int


class PulseDay(Struct, frozen=True):
    """What a watch said of the pulse on one day."""

    person: str
    at: int
    resting_bpm: float
    max_bpm: float


def read_signs(folder: Path) -> dict[str, Series]:
    """Return TIHM's readings by sign and person."""
    found: dict[str, Series] = defaultdict(lambda: defaultdict(list))
    for row in _rows(folder / "tihm_physiology.csv.gz"):
        sign, low, high = POSSIBLE.get(row["device_type"], ("", 0, 0))
        value = _number(row["value"])
        if sign and value is not None and low <= value <= high:
            found[sign][row["patient_id"]].append((_instant(row["date"]), value))
    return {
        sign: {person: sorted(values) for person, values in sorted(people.items())}
        for sign, people in found.items()
    }


def read_nights(folder: Path) -> Iterator[Night]:
    """Yield TIHM's nights with a pulse and a breath in them."""
    for row in _rows(folder / "tihm_sleep_nightly.csv.gz"):
        names = ("mean_HR", "HR_var", "mean_RR", "RR_var", "TST")
        values = [value for name in names if (value := _number(row[name]))]
        if len(values) == len(names):
            yield Night(row["patient_id"], *values)


def read_sleeps(folder: Path) -> Iterator[Sleep]:
    """Yield Welltory's sleeps."""
    for row in _rows(folder / "welltory_sleep.csv.gz"):
        if row["sleep_begin"] and row["sleep_end"]:
            begun_at, ended_at = _instant(row["sleep_begin"]), _instant(row["sleep_end"])
            yield Sleep(row["user_code"], begun_at, ended_at)


def read_pulse_days(folder: Path) -> Iterator[PulseDay]:
    """Yield Welltory's days with both a resting and a highest pulse."""
    for row in _rows(folder / "welltory_wearables.csv.gz"):
        resting, most = _number(row["resting_pulse"]), _number(row["pulse_max"])
        if resting and most and most >= resting:
            yield PulseDay(row["user_code"], _instant(row["day"]), resting, most)


def read_resting_pulses(folder: Path) -> Series:
    """Return the pulse in Welltory's short recordings, which people made sitting still."""
    found: Series = defaultdict(list)
    for row in _rows(folder / "welltory_hrv_measurements.csv.gz"):
        pulse = _number(row["bpm"])
        if pulse:
            found[row["user_code"]].append((_instant(row["measurement_datetime"]), pulse))
    return {person: sorted(values) for person, values in sorted(found.items())}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.exists():
        return
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _instant(text: str) -> int:
    parts = " ".join(text.split())  # some have two blanks between day and time
    return round(datetime.fromisoformat(parts).replace(tzinfo=UTC).timestamp() * 1_000)
