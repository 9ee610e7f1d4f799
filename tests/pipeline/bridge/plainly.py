"""The job by the plainest code there is: one message after the other, dictionaries, no columns."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.columns.people import Devices
from pipeline.columns.settings import Band, Job, Value

Reading = dict[str, Any]


def usable(payload: bytes, job: Job, devices: Devices) -> Reading | None:
    try:
        said = json.loads(payload)
        if said[job.reading.device] not in devices.number:
            return None
        number = said[job.reading.number]
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 2**53:
            return None
        at = datetime.fromisoformat(said[job.reading.at])
        if at.tzinfo is None:
            return None
        found = {"device": said[job.reading.device], "number": number, "at": at.timestamp()}
        for value in job.reading.values:
            found[value.name] = said[value.name]
        if not all(_possible(found[value.name], value) for value in job.reading.values):
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return found


def _possible(number: object, value: Value) -> bool:
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return is_number and value.min <= number <= value.max


def points(reading: Reading, job: Job, devices: Devices) -> int:
    tags = devices.rows[devices.number[reading["device"]]][job.people.tags].split(";")
    chosen: dict[str, Band] = {}
    for band in sorted(job.score, key=lambda band: bool(band.tag)):
        if not band.tag or band.tag in tags:
            chosen[band.of] = band
    return sum(
        next((worth for bound, worth in band.steps if reading[of] <= bound), band.last)
        for of, band in chosen.items()
    )


def answers(payloads: Sequence[bytes], job: Job, devices: Devices) -> dict[str, Any]:
    """Return alerts, dead letters, rows and means, however the payloads come in lots."""
    dead, rows, alerts, seen = 0, [], [], set()
    standing: dict[str, list[int]] = {}
    windows: dict[tuple[str, int], list[Reading]] = {}
    assert job.alert is not None
    assert job.window is not None
    for payload in payloads:
        reading = usable(payload, job, devices)
        if reading is None:
            dead += 1
            continue
        key = (reading["device"], reading["number"])
        if key in seen:
            continue
        seen.add(key)
        score = points(reading, job, devices)
        rows.append((*key, score))
        active, bad, good = standing.setdefault(reading["device"], [0, 0, 0])
        bad = bad + 1 if score >= job.alert.points else 0
        good = good + 1 if score < job.alert.clear_below else 0
        if not active and bad >= job.alert.in_a_row:
            active = 1
            alerts.append((*key, score))
        elif active and good >= job.alert.clear_in_a_row:
            active = 0
        standing[reading["device"]] = [active, bad, good]
        start = int(reading["at"] // job.window.length_s * job.window.length_s)
        windows.setdefault((reading["device"], start), []).append(reading)
    means = {
        key: (len(all_), *(sum(one[of] for one in all_) / len(all_) for of in job.window.of))
        for key, all_ in windows.items()
    }
    return {"dead": dead, "rows": rows, "alerts": alerts, "means": means}
