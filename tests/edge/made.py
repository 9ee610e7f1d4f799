"""Small things that the edge's tests are made of."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from edge.lanes import Lane
from edge.outbox import Entry, Outbox
from edge.settings import OutboxSettings, UplinkSettings
from weinao.logging import logger
from weinao.messages import Home, Sensor

NOW = 1_790_000_000_000

opened: list[Outbox] = []
"""Closed after each test, whatever became of it."""


def home(at: int = NOW, sensor: Sensor = Sensor.PIR, value: float = 1) -> Home:
    return Home(at=at, sensor=sensor, value=value)


def entry(device: str = "pir-1", at: int = NOW, lane: Lane = Lane.ROUTINE) -> Entry:
    return Entry(device=device, lane=lane, obs=(home(at),))


def outbox(
    folder: Path,
    settings: OutboxSettings | None = None,
    uplink: UplinkSettings | None = None,
    *,
    now: int = NOW,
    disk_free: Callable[[], int] = lambda: 2**40,
) -> Outbox:
    made = Outbox(
        folder / "outbox.sqlite",
        settings or OutboxSettings(),
        uplink or UplinkSettings(),
        log=logger(),
        now=now,
        rng=Random(7),
        disk_free=disk_free,
    )
    opened.append(made)
    return made
