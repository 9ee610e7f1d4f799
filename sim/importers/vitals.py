"""Recorded vital signs and heart beats, one person at a time, from a folder of public data.

The folder may hold any of `mitbih_beats.parquet`, `icu2012_vitals.parquet` and, each `.csv.gz`,
`tihm_physiology`, `tihm_labels`, `welltory_hrv_measurements`, `mimic_s00001_minute_vitals`; a
reader of a file that is absent yields nothing. Instants are milliseconds by the recording's own
clock, taken as UTC: the sources give local time without a zone, or minutes since admission.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

DAY_MS = 86_400_000

_ONE_PERSON = {202: 201}
"""MIT-BIH records 201 and 202 are of one person (Moody & Mark 2001)."""

_TIHM_SIGNS = {
    "Systolic blood pressure": "sbp_mmhg",
    "Diastolic blood pressure": "dbp_mmhg",
    "Heart rate": "hr_bpm",
    "Body Temperature": "temp_c",
}


_ICU_SIGNS = {
    "HR": "hr_bpm",
    "RespRate": "resp_per_min",
    "SaO2": "spo2_pct",
    "Temp": "temp_c",
    "NISysABP": "sbp_mmhg",
    "NIDiasABP": "dbp_mmhg",
    "SysABP": "sbp_mmhg",  # of one minute the line in the artery counts, not the cuff
    "DiasABP": "dbp_mmhg",
}
_CUFF = ("NISysABP", "NIDiasABP")
_COMA_SCALE = ((15, "alert"), (14, "confusion"), (9, "voice"), (4, "pain"), (3, "unresponsive"))
_AIR_OXYGEN = 0.21
_POSSIBLE = {
    "hr_bpm": (20, 300),
    "resp_per_min": (1, 100),
    "spo2_pct": (40, 100),
    "temp_c": (25, 45),
    "sbp_mmhg": (30, 300),
    "dbp_mmhg": (10, 250),
}
_MINUTE_SIGNS = {
    "HR": "hr_bpm",
    "RESP": "resp_per_min",
    "SpO2": "spo2_pct",
    "NBPSys": "sbp_mmhg",
    "NBPDias": "dbp_mmhg",
}
_MINUTE_MS = 60_000


@dataclass(frozen=True)
class BeatRecord:
    """Expert-annotated beats of one recording.

    Attributes:
        record: MIT-BIH number.
        person: Pseudonym; equal for two recordings of one person.
        t_s: (n,) seconds since the recording began.
        rr_ms: (n,) interval to the beat before, ms. The first beat has none and is left out.
        beat: (n,) MIT code of the beat, such as N or V.
        rhythm: (n,) MIT code of the rhythm, such as N, AFIB or AFL.
    """

    record: int
    person: int
    t_s: NDArray[np.float64]
    rr_ms: NDArray[np.float64]
    beat: NDArray[np.str_]
    rhythm: NDArray[np.str_]


@dataclass(frozen=True)
class SpotReading:
    """What one use of home devices gave, at one instant.

    Attributes:
        signs: Values under the names of a `vitals` observation.
    """

    at: int
    signs: dict[str, float]


@dataclass(frozen=True)
class IcuStay:
    """The first 48 hours of one stay in intensive care, and how it ended.

    Attributes:
        readings: Signs under the names of a `vitals` observation, by the minute, oldest first;
            `consciousness` is a word, `on_oxygen` true, the others numbers.
        died: In hospital.
    """

    person: str
    age_years: float
    readings: tuple[tuple[int, dict[str, float | str]], ...]
    died: bool


@dataclass(frozen=True)
class CheckedAlert:
    """An alert that a monitoring clinician looked at and let stand.

    Attributes:
        kind: `Blood pressure`, `Pulse`, `Body temperature`, `Body water`, `Weight`, `Agitation`.
    """

    person: str
    at: int
    kind: str


@dataclass(frozen=True)
class PulseRecording:
    """Beat intervals that one person recorded by phone or strap."""

    person: str
    at: int
    rr_ms: NDArray[np.float64]


def day_of(at: int) -> date:
    """Return the calendar day of an instant, by the recording's own clock."""
    return datetime.fromtimestamp(at / 1_000, tz=UTC).date()


def read_beats(folder: Path) -> Iterator[BeatRecord]:
    """Yield the MIT-BIH recordings of a folder, lowest number first."""
    path = folder / "mitbih_beats.parquet"
    if not path.exists():
        return
    table = pq.read_table(path, columns=["record", "beat", "rhythm", "t_s", "rr_ms"])
    record = table["record"].to_numpy()
    rr_ms = table["rr_ms"].to_numpy().astype(np.float64)
    t_s = table["t_s"].to_numpy().astype(np.float64)
    beat, rhythm = (np.array(table[name].to_pylist(), dtype=np.str_) for name in ("beat", "rhythm"))
    for number in np.unique(record).tolist():
        mine = np.flatnonzero((record == number) & np.isfinite(rr_ms))
        mine = mine[np.argsort(t_s[mine], kind="stable")]
        person = _ONE_PERSON.get(number, number)
        yield BeatRecord(number, person, t_s[mine], rr_ms[mine], beat[mine], rhythm[mine])


def read_home_readings(folder: Path) -> dict[str, list[SpotReading]]:
    """Return TIHM's readings by person, oldest first; signs of one instant are one reading."""
    found: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in _rows(folder / "tihm_physiology.csv.gz"):
        sign = _TIHM_SIGNS.get(row["device_type"])
        if sign and row["value"]:
            found[row["patient_id"]][_instant(row["date"])][sign] = float(row["value"])
    return {
        person: [SpotReading(at, signs) for at, signs in sorted(by_time.items())]
        for person, by_time in sorted(found.items())
    }


def read_checked_alerts(folder: Path) -> list[CheckedAlert]:
    """Return TIHM's clinician-checked alerts, oldest first."""
    rows = _rows(folder / "tihm_labels.csv.gz")
    alerts = [CheckedAlert(row["patient_id"], _instant(row["date"]), row["type"]) for row in rows]
    return sorted(alerts, key=lambda alert: (alert.at, alert.person, alert.kind))


def read_pulse_recordings(folder: Path) -> Iterator[PulseRecording]:
    """Yield Welltory's short recordings; they carry no word on the rhythm."""
    for row in _rows(folder / "welltory_hrv_measurements.csv.gz"):
        if row["rr_data"]:
            rr_ms = np.array([float(part) for part in row["rr_data"].split(",")])
            yield PulseRecording(row["user_code"], _instant(row["measurement_datetime"]), rr_ms)


def read_icu_stays(folder: Path) -> Iterator[tuple[str, list[SpotReading]]]:
    """Yield (person, readings) of the first 48 hours of intensive-care stays (CinC 2012).

    Zeros and negative values stand for missing and are left out, as are oxygen and coma scale,
    which were recorded when they changed and not when they were so.
    """
    path = folder / "icu2012_vitals.parquet"
    if not path.exists():
        return
    table = pq.read_table(path)
    person, minute, value = (table[name].to_numpy() for name in ("pid", "minute", "value"))
    param = np.array(table["param"].to_pylist(), dtype=np.str_)
    for one in np.unique(person).tolist():
        mine = np.flatnonzero((person == one) & (value > 0))
        by_minute: dict[int, dict[str, float]] = defaultdict(dict)
        for name, sign in _ICU_SIGNS.items():
            for row in mine[param[mine] == name].tolist():
                by_minute[int(minute[row])][sign] = round(float(value[row]), 2)
        yield str(one), [SpotReading(at * _MINUTE_MS, by_minute[at]) for at in sorted(by_minute)]


def read_icu_outcomes(folder: Path) -> Iterator[IcuStay]:
    """Yield the stays of CinC 2012 with coma scale, oxygen, age and outcome.

    The coma scale is given as the level of response it is usual for (McNarry and Goldhill 2004,
    Anaesthesia 59:34); oxygen is any share above that of air, or a ventilator. What no body can
    have, and the zeros that stand for missing, are left out.
    """
    path = folder / "icu2012_vitals.parquet"
    if not path.exists():
        return
    table = pq.read_table(path)
    person, minute, value = (table[name].to_numpy() for name in ("pid", "minute", "value"))
    param = np.array(table["param"].to_pylist(), dtype=np.str_)
    order = np.lexsort((minute, person))
    starts = np.flatnonzero(np.diff(person[order], prepend=-1))
    rows_of = {int(person[mine[0]]): mine for mine in np.split(order, starts[1:])}
    with (folder / "icu2012_patients.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            by_minute: dict[int, dict[str, float | str]] = defaultdict(dict)
            for at in rows_of.get(int(row["pid"]), ()):
                found = _icu_sign(str(param[at]), float(value[at]))
                if found and not (param[at] in _CUFF and found[0] in by_minute[int(minute[at])]):
                    by_minute[int(minute[at])][found[0]] = found[1]
            readings = tuple((at * _MINUTE_MS, by_minute[at]) for at in sorted(by_minute))
            died = row["died_in_hospital"] == "1"
            yield IcuStay(row["pid"], float(row["age"]), readings, died)


def read_minute_vitals(folder: Path) -> list[SpotReading]:
    """Return one stay by the minute (MIMIC s00001); zeros are a monitor's missing values."""
    readings = []
    for row in _rows(folder / "mimic_s00001_minute_vitals.csv.gz"):
        values = {sign: float(row[name] or 0) for name, sign in _MINUTE_SIGNS.items()}
        signs = {sign: value for sign, value in values.items() if value > 0}
        readings.append(SpotReading(int(row["minute"]) * _MINUTE_MS, signs))
    return readings


def _icu_sign(param: str, value: float) -> tuple[str, float | str] | None:
    """Return a recorded value under our name; None for what is no sign, or no body's."""
    if param == "GCS":
        word = next((word for least, word in _COMA_SCALE if value >= least), None)
        return ("consciousness", word) if word else None
    if param == "MechVent":
        return ("on_oxygen", True) if value > 0 else None
    if param == "FiO2":
        return ("on_oxygen", True) if value > _AIR_OXYGEN else None
    name = _ICU_SIGNS.get(param)
    low, high = _POSSIBLE.get(name or "", (np.inf, -np.inf))
    return (name, round(value, 2)) if name and low <= value <= high else None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.exists():
        return
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _instant(text: str) -> int:
    return round(datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp() * 1_000)
