"""Recordings as tracks: real people in the place of devices, for agents that replay them."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.drivers.track import AnyLine, Header, HomeLine, VitalsLine, encode_track
from sim.audit import Expected
from sim.cast import FAR_GRID
from weinao.cli.stage import Home

if TYPE_CHECKING:
    from sim.importers.falls import FallRecording
    from sim.importers.homes import HomeLog

HOUR_MS = 3_600_000
REST_S = 12
"""Lying still that is added after a recorded fall: the recordings end where the mattress did."""

ADL_S_MAX = 30
STEP_MS = 25
QUIET_H = 5
"""For how long nothing has moved in the recorded home."""

QUIET_FROM_H = 10
"""Since when, by its own clock."""


def residents(data: Path, folder: Path, now: int, seed: int) -> list[Home]:
    """Return homes whose residents are recordings; none where there are no recordings.

    Args:
        data: With `falls/`, `vitals/` and `home/`, or some of them.
        folder: Where the tracks are written.
        now: Recordings of days end here, milliseconds UTC.
        seed: Decides who comes on stage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)  # noqa: S311  # a choice, no secret
    found: list[Home] = []
    if (data / "falls" / "recordings.csv").exists():
        found += _fallers(data / "falls", folder, now, rng)
    if (data / "vitals" / "tihm_physiology.csv.gz").exists():
        found.append(_measured(data / "vitals", folder, now, rng))
    if any((data / "home").glob("*_events.csv.gz")):
        found.append(_quiet(data / "home", folder, now))
    return found


def _fallers(data: Path, folder: Path, now: int, rng: random.Random) -> Iterator[Home]:
    """Yield somebody with a watch and somebody with a belt: some daily activity, then a fall."""
    from sim.importers.falls import read_falls

    recordings = list(read_falls(data))
    for position in ("wrist", "waist"):
        here = [one for one in recordings if one.position == position]
        who = rng.choice(sorted({one.subject for one in here if one.label == "fall"}))
        falls = [one for one in here if one.subject == who and one.label == "fall"]
        adls = [one for one in here if one.subject == who and one.label == "adl" and _short(one)]
        played = [rng.choice(adls), rng.choice(falls)]
        device = f"{position}-recorded"
        track = folder / f"{device}.npz"
        impact_ms = _write_signal(track, played)
        yield Home(
            name=f"{position}-recorded",
            about=f"recorded person, {position}: {played[0].code}, then fall {played[1].code}",
            tracks=((device, track, position, "starts_at_start"),),
            known=(
                Expected(
                    at=now + impact_ms, kind="fall", about=(f"resident-{device}",), within_s=60,
                    recent=False,
                ),
            ),
        )  # fmt: skip


def _short(one: "FallRecording") -> bool:
    return bool(one.t_ms[-1] - one.t_ms[0] <= ADL_S_MAX * 1_000)


def _write_signal(path: Path, played: Sequence["FallRecording"]) -> int:
    """Write recordings one after another, then a rest; return when the last hits hardest, in ms."""
    times: list[NDArray[np.int64]] = []
    signal: list[NDArray[np.float32]] = []
    at = impact_ms = 0
    for one in played:
        t_ms = np.maximum.accumulate(one.t_ms - one.t_ms[0])
        impact_ms = at + int(t_ms[np.argmax(np.linalg.norm(one.acc_ms2, axis=1))])
        times.append(t_ms + at)
        signal.append(one.acc_ms2)
        at += int(t_ms[-1]) + STEP_MS
    rest = np.arange(0, REST_S * 1_000, STEP_MS)
    times.append(rest + at)
    signal.append(np.repeat(played[-1].acc_ms2[-1:], len(rest), axis=0))
    np.savez(path, t_ms=np.concatenate(times), acc_ms2=np.concatenate(signal).astype(np.float32))
    return impact_ms


def _measured(data: Path, folder: Path, now: int, rng: random.Random) -> Home:
    """Return somebody whose cuff gave real readings; a clinician let an alert of them stand."""
    from sim.importers.vitals import read_checked_alerts, read_home_readings

    readings = read_home_readings(data)
    checked = {one.person for one in read_checked_alerts(data) if one.kind == "Blood pressure"}
    who = rng.choice(sorted(checked & set(readings)))
    mine = readings[who]
    begun, ended = mine[0].at, mine[-1].at
    lines = [
        VitalsLine(
            t_ms=one.at - begun,
            sbp_mmhg=one.signs.get("sbp_mmhg"),
            dbp_mmhg=one.signs.get("dbp_mmhg"),
            hr_bpm=one.signs.get("hr_bpm"),
            temp_c=one.signs.get("temp_c"),
        )
        for one in mine
    ]
    track = folder / "cuff-recorded.jsonl"
    _write_lines(track, lines, ended - begun + HOUR_MS, f"TIHM {who}")
    return Home(
        name="cuff-recorded",
        about=f"recorded person with dementia: {len(mine)} cuff readings over"
        f" {(ended - begun) / 86_400_000:.0f} days",
        tracks=(("cuff-recorded", track, "cuff", "ends_at_start"),),
        known=(
            Expected(
                at=now, kind="vitals", about=("resident-cuff-recorded",), recent=False,
                within_s=(ended - begun) / 500,
            ),
        ),
    )  # fmt: skip


def _quiet(data: Path, folder: Path, now: int) -> Home:
    """Return a recorded home that lived its days until, some hours ago, nothing moved any more."""
    from sim.importers.homes import observation, read_homes

    log = max(read_homes(data), key=lambda home: len(home.events))
    stop = _awake_moment(log)
    events = [event for event in log.events if event.at <= stop]
    begun = events[0].at
    lines: list[AnyLine] = []
    rooms: dict[str, str] = {}
    for event in events:
        said = observation(event)
        if said is not None:
            device = _id(event.sensor)
            rooms[device] = said.room
            lines.append(
                HomeLine(
                    t_ms=event.at - begun,
                    device=device,
                    sensor=said.sensor,
                    value=said.value,
                    room=said.room,
                )
            )
    track = folder / "home-recorded.jsonl"
    _write_lines(track, lines, stop - begun + QUIET_H * HOUR_MS, log.home)
    # Where its clock shows the recorded hour now, whatever hour it is here.
    shown = (stop + QUIET_H * HOUR_MS - now) // 60_000 % 1_440
    return Home(
        name="days-recorded",
        grid=FAR_GRID,
        tz_offset_min=shown if shown <= 14 * 60 else shown - 24 * 60,
        about=f"recorded home {log.home}: {(stop - begun) / 86_400_000:.0f} days, then"
        f" {QUIET_H} h of nothing",
        tracks=(("days-recorded", track, "", "ends_at_start"),),
        recorded=rooms,
        known=(
            Expected(
                at=now - QUIET_H * HOUR_MS, kind="inactivity", about=("home-days-recorded",),
                recent=False, within_s=QUIET_H * 3_600,
            ),
        ),
    )  # fmt: skip


def _awake_moment(log: "HomeLog") -> int:
    """Return a late moment, in the morning, after which somebody was still at home."""
    day_ms = 24 * HOUR_MS
    for event in reversed(log.events):
        hour = event.at % day_ms / HOUR_MS
        later = [other for other in log.events if event.at < other.at < event.at + 600_000]
        if QUIET_FROM_H - 1 <= hour <= QUIET_FROM_H + 1 and event.kind == "motion" and later:
            return event.at
    return log.events[-1].at


def _id(sensor: str) -> str:
    return "sensor-" + "".join(c if c.isalnum() else "-" for c in sensor)[:50]


def _write_lines(path: Path, lines: Iterable[AnyLine], lasts_ms: int, origin: str) -> None:
    with path.open("wb") as file:
        file.writelines(encode_track(Header(track=1, lasts_ms=lasts_ms, origin=origin), lines))
