"""Recorded homes: every sensor's log, and what the resident was doing, from a folder of CSV files.

A home is two files, `<home>_events.csv.gz` and, where somebody kept labels,
`<home>_activities.csv.gz`. Times are read as the home's local clock and kept as if that were UTC;
whoever replays them says where the home stands by its offset. A row that cannot be read is counted
and left out.
"""

import csv
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

from weinao.messages import Home, Sensor

EVENTS = "_events.csv.gz"
ACTIVITIES = "_activities.csv.gz"

Span = tuple[int, int]


@dataclass(frozen=True)
class HomeEvent:
    """One line of a home's log.

    Attributes:
        at: Milliseconds since the epoch by the local clock.
        kind: `motion`, `contact`, `pressure`, `flush`, `power`, or what else the log says.
        on: True for ON and OPEN, False for OFF and CLOSE.
    """

    at: int
    sensor: str
    room: str
    kind: str
    on: bool


@dataclass(frozen=True)
class HomeLog:
    """Everything recorded of one home, in the order of time.

    Attributes:
        absences: When the resident is known, by label, to have been out: (from, until).
        unreadable: How many rows were left out.
        activities: What the resident was doing, by label: (from, until, label).
    """

    home: str
    events: tuple[HomeEvent, ...]
    absences: tuple[Span, ...]
    unreadable: int = 0
    activities: tuple[tuple[int, int, str], ...] = ()


def read_homes(folder: Path) -> Iterator[HomeLog]:
    """Yield the homes of a folder, by name.

    Raises:
        FileNotFoundError: No file of the folder is named like a home's log.
    """
    files = sorted(folder.glob(f"*{EVENTS}"))
    if not files:
        raise FileNotFoundError(f"{folder}: expected files named <home>{EVENTS}, found none")
    for file in files:
        yield read_home(folder, file.name.removesuffix(EVENTS))


def read_home(folder: Path, home: str) -> HomeLog:
    """Return the log of one home.

    Raises:
        FileNotFoundError: The home has no log in this folder.
    """
    rows = [_event(row) for row in _rows(folder / f"{home}{EVENTS}")]
    events = sorted((event for event in rows if event), key=lambda event: event.at)
    labels = folder / f"{home}{ACTIVITIES}"
    spans = [_activity(row) for row in _rows(labels)] if labels.exists() else []
    activities = sorted(span for span in spans if span)
    return HomeLog(
        home=home,
        events=tuple(events),
        absences=tuple(_absences(activities)),
        unreadable=rows.count(None) + spans.count(None),
        activities=tuple(activities),
    )


def observation(event: HomeEvent) -> Home | None:
    """Return what an edge agent would have said of an event; None for nothing.

    A flush or an appliance switched on is told as movement, since a person did it; that it falls
    back is not told. The door that leads out is a door of the room `entrance`.
    """
    sensor = _SENSORS.get(event.kind)
    if sensor is None or (event.kind in ("flush", "power") and not event.on):
        return None
    if sensor is Sensor.DOOR and not leads_out(event) and _OUTSIDE.search(event.room):
        sensor = Sensor.WINDOW  # a closet beside the door does not lead out
    if event.kind == "pressure" and "bed" not in f"{event.sensor} {event.room}".lower():
        sensor = Sensor.CHAIR
    at_door = leads_out(event) or _OUTSIDE.search(event.room)
    room = "entrance" if at_door else event.room.lower()[:64]
    return Home(at=event.at, sensor=sensor, value=float(event.on), room=room)


def leads_out(event: HomeEvent) -> bool:
    """Return whether a contact sits, by its name or its room, on a door to the outside."""
    if event.kind != "contact" or _FURNITURE.search(event.sensor):
        return False
    return bool(_OUTSIDE.search(event.sensor) or _OUTSIDE.search(event.room))


_SENSORS = {
    "motion": Sensor.PIR,
    "contact": Sensor.DOOR,
    "pressure": Sensor.BED,
    "flush": Sensor.PIR,
    "power": Sensor.PIR,
}
_OUTSIDE = re.compile(
    r"outside|outer|exterior|front|main.?door|back.?door|entrance|entry|foyer|exit|porch|garage"
    r"|apartment|street",
    re.IGNORECASE,
)
_FURNITURE = re.compile(
    r"cupboard|cabinet|closet|drawer|wardrobe|shoe|mirror|window|fridge|freezer", re.IGNORECASE
)
_LEAVES = re.compile(r"^(leav|go(ing)?[ _-]?out|out$|outside|away|absen|not[ _-]at)", re.IGNORECASE)
_ENTERS = re.compile(r"^(enter|return|com(e|ing))[ _-]?(home|house|back)", re.IGNORECASE)
_ON, _OFF = ("on", "open", "true", "1"), ("off", "close", "closed", "false", "0")


def _absences(activities: list[tuple[int, int, str]]) -> Iterator[Span]:
    """Yield the known absences: a span of its own, or from each leaving to the next entering."""
    marks = [mark for mark in activities if _LEAVES.search(mark[2]) or _ENTERS.search(mark[2])]
    if not any(_ENTERS.search(label) for _, _, label in marks):
        yield from ((begun, ended) for begun, ended, _ in marks)
        return
    for (begun, ended, label), (next_begun, next_ended, next_label) in pairwise(marks):
        if _LEAVES.search(label):
            entered = _ENTERS.search(next_label)
            yield begun, next_ended if entered else max(ended, next_begun)


def _rows(file: Path) -> Iterator[dict[str, str | None]]:
    with gzip.open(file, "rt", encoding="utf-8", errors="replace", newline="") as lines:
        yield from csv.DictReader(lines)


def _event(row: dict[str, str | None]) -> HomeEvent | None:
    at, on = _instant(row.get("ts")), _position(row.get("value"))
    sensor = row.get("sensor")
    if at is None or on is None or not sensor:
        return None
    return HomeEvent(at, sensor, row.get("room") or "", (row.get("kind") or "").lower(), on)


def _activity(row: dict[str, str | None]) -> tuple[int, int, str] | None:
    begun, ended = _instant(row.get("start")), _instant(row.get("end"))
    label = row.get("activity")
    if begun is None or ended is None or ended < begun or not label:
        return None
    return begun, ended, label


def _instant(text: str | None) -> int | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return round(at.replace(tzinfo=UTC).timestamp() * 1_000)


def _position(text: str | None) -> Literal[True, False] | None:
    word = (text or "").strip().lower()
    if word in _ON:
        return True
    return False if word in _OFF else None
