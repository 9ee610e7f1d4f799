"""People, readings, and the shipped job."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from pipeline.columns import people
from pipeline.columns.people import Devices
from pipeline.columns.settings import Job
from weinao.settings import load

ROOT = Path(__file__).parents[3]
JOB = load(ROOT / "configs" / "bridge.toml", Job)
START = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "device,resident_id,tags,age_band,grid,family_contact"
GOOD = {"hr": 70, "spo2": 97, "temp": 36.8, "rr": 15, "sbp": 120, "battery": 80}
BAD = {"hr": 125, "spo2": 90, "temp": 38.6, "rr": 26, "sbp": 118, "battery": 80}


def registered(count: int, names: str = "w-{}") -> Devices:
    lines = [HEAD] + [
        f"{names.format(n)},res-{n},{'copd;dementia' if n % 3 == 0 else ''},65-74,g{n % 2},tel:{n}"
        for n in range(count)
    ]
    return people.read(lines, JOB.people)


def message(device: int, number: int, at_s: float, **values: object) -> bytes:
    at = (START + timedelta(seconds=at_s)).isoformat().replace("+00:00", "Z")
    said = {"device": f"w-{device}", "seq": number, "ts": at, **GOOD, **values}
    return json.dumps(said).encode()


@st.composite
def payloads(draw: st.DrawFn, devices: int = 4) -> list[bytes]:
    """Draw what devices send: in order but for some that stray, some twice, some unusable."""
    sent: list[bytes] = []
    numbers, clock = [0] * devices, 0.0
    for _ in range(draw(st.integers(0, 60))):
        device = draw(st.integers(0, devices - 1))
        clock += draw(st.sampled_from([0.0, 0.5, 1.0, 7.0]))
        numbers[device] += draw(st.sampled_from([1, 1, 1, 1, 2]))
        values = draw(st.sampled_from([GOOD, BAD, BAD, {"spo2": 84}, {"temp": 35.0, "rr": 8}]))
        made = message(device, numbers[device], clock, **values)
        kind = draw(st.sampled_from(["as it is"] * 8 + ["twice", "cut", "out", "stranger", "swap"]))
        if kind == "cut":
            sent.append(made[: draw(st.integers(0, len(made) - 1))])
        elif kind == "out":
            sent.append(message(device, 10**6 + numbers[device], clock, hr=400))
        elif kind == "stranger":
            sent.append(message(99, 1, clock))
        elif kind == "swap" and sent:
            sent.insert(len(sent) - 1, made)
            continue
        elif kind == "twice":
            sent.append(made)
        sent.append(made)
    return sent
