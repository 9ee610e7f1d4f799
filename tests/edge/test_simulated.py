"""The simulated home: one story for all its devices, the same for a seed, told once."""

import itertools
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.base import DriverError
from edge.drivers.simulated import beats
from edge.drivers.story import RAMP_MS, Story, schedule
from edge.drivers.truth import TruthFile
from edge.outbox import Mark, Placed
from edge.perception.devices import DevicePerception
from edge.samples import Acceleration, HomeEvent, Nothing, RrIntervals, Sample, VitalsReading
from edge.settings import Happening, SimulatedDevice, Wearable
from tests.edge.made import NOW
from weinao.messages import Motion, MotionEvent

DEVICES = [
    SimulatedDevice(id="watch", kind="wrist", subject="resident-1"),
    SimulatedDevice(id="pir-hall", kind="pir", room="hall", every_s=3),
    SimulatedDevice(id="pir-bed", kind="pir", room="bedroom", every_s=3),
    SimulatedDevice(id="door", kind="door"),
    SimulatedDevice(id="smoke", kind="smoke", subject="home-1"),
    SimulatedDevice(id="sos", kind="sos"),
    SimulatedDevice(id="warm", kind="temperature"),
]


def _story(*happenings: Happening, start: int = NOW, told: dict[str, int] | None = None) -> Story:
    events = schedule(happenings, DEVICES, epoch=NOW, start=start, told=told or {})
    return Story(5, DEVICES, events)


def _said(
    story: Story, device: str, until_s: float, from_ms: int = NOW, kind: type = Sample
) -> list[Sample]:
    [one] = [one for one in DEVICES if one.id == device]
    told = itertools.takewhile(
        lambda sample: sample.at < NOW + until_s * 1_000, beats(one, story, from_ms, 200)
    )
    return [sample for sample in told if isinstance(sample, kind)]


@given(st.sampled_from(DEVICES), st.integers(0, 400_000))
def test_a_device_speaks_in_order_of_time_from_then_on(
    device: SimulatedDevice, later_ms: int
) -> None:
    said = itertools.islice(beats(device, _story(), NOW + later_ms, 200), 40)

    times = [sample.at for sample in said]
    assert times == sorted(times)
    assert all(at >= NOW + later_ms for at in times)


@pytest.mark.parametrize("device", ["watch", "pir-hall", "warm"])
def test_who_starts_later_says_the_same_from_then_on(device: str) -> None:
    story, later = _story(), NOW + 60_000

    whole = _said(story, device, 300)
    rest = _said(story, device, 300, from_ms=later)

    def words(samples: list[Sample]) -> list[str]:
        return [repr(sample) for sample in samples if sample.at >= later + 31_000]

    assert words(whole) == words(rest) != []


def test_the_resident_is_in_one_room_at_a_time() -> None:
    story = _story()
    moves = [
        sample
        for device in ("pir-hall", "pir-bed")
        for sample in _said(story, device, 600, kind=HomeEvent)
        if isinstance(sample, HomeEvent) and sample.value
    ]

    assert len(moves) > 50
    assert all(sample.room == story.room_at(sample.at) for sample in moves)


def test_nothing_stirs_while_the_resident_lies_or_is_out() -> None:
    story = _story(
        Happening(at_s=60, kind="fall", lasts_s=60),
        Happening(at_s=200, kind="leaves_home", lasts_s=60),
    )

    quiet = [
        sample
        for device in ("pir-hall", "pir-bed")
        for sample in _said(story, device, 400, kind=HomeEvent)
        if isinstance(sample, HomeEvent)
        and sample.value
        and any(begins < sample.at - NOW < begins + 60_000 for begins in (60_000, 200_000))
    ]

    assert quiet == []


def test_smoke_goes_on_and_off_and_only_the_first_carries_the_mark() -> None:
    said = _said(_story(Happening(at_s=9, kind="smoke", lasts_s=4)), "smoke", 60)

    assert [(s.at - NOW, s.value) for s in said if isinstance(s, HomeEvent)] == [
        (9_000, 1), (13_000, 0),
    ]  # fmt: skip
    assert [sample.mark is not None for sample in said] == [True, False]
    assert said[0].mark
    assert msgspec.json.decode(said[0].mark[1]) == {
        "id": "0", "at": NOW + 9_000, "kind": "smoke", "device": "smoke", "subject": "home-1",
        "boot": "", "seq": 0,
    }  # fmt: skip


def test_a_deterioration_shows_in_all_signs_and_is_told_once_it_shows_in_full() -> None:
    story = _story(Happening(at_s=60, kind="deterioration", lasts_s=100))

    read = [
        s for s in _said(story, "watch", 300, kind=VitalsReading) if isinstance(s, VitalsReading)
    ]
    ill = [s for s in read if 60_000 + RAMP_MS <= s.at - NOW < 160_000]

    assert [s for s in read if s.mark] == ill != []
    assert all(s.spo2_pct and s.spo2_pct < 92 and s.hr_bpm and s.hr_bpm > 120 for s in ill)
    assert all(
        s.spo2_pct and s.spo2_pct > 95.5 and s.hr_bpm and 60 < s.hr_bpm < 90
        for s in read
        if not 60_000 <= s.at - NOW < 160_000
    )


def test_intervals_between_beats_follow_each_other_without_a_hole() -> None:
    said = [
        s for s in _said(_story(), "watch", 300, kind=RrIntervals) if isinstance(s, RrIntervals)
    ]

    holes = [
        abs(later.at - sum(later.rr_ms) - sooner.at) for sooner, later in itertools.pairwise(said)
    ]
    assert len(said) > 8
    assert max(holes) < 10


def test_a_fall_flails_dips_hits_turns_and_lies_still() -> None:
    story = _story(Happening(at_s=30.007, kind="fall"))
    pieces = [
        s for s in _said(story, "watch", 60, kind=Acceleration) if isinstance(s, Acceleration)
    ]
    t = np.concatenate([p.t_ms for p in pieces]) - NOW
    acc = np.concatenate([p.acc_ms2 for p in pieces]) / 9.80665
    size = np.linalg.norm(acc, axis=1)

    assert np.diff(t).tolist() == [20] * (len(t) - 1)
    assert 3.5 < size[(t > 29_900) & (t < 30_500)].max() < 16
    assert size[(t < 27_900)].max() < 2
    assert size[(t > 34_000)].std() < 0.02
    before, after = acc[t < 28_000].mean(axis=0), acc[t > 34_000].mean(axis=0)
    assert before @ after / np.linalg.norm(before) / np.linalg.norm(after) < 0.5
    assert [p.mark is not None for p in pieces].count(True) == 1


@pytest.mark.parametrize("position", ["wrist", "waist"])
def test_the_shipped_detector_finds_a_made_fall_once_and_lying_still_after_it(
    position: Wearable,
) -> None:
    device = SimulatedDevice(id="watch", kind=position)
    script = [Happening(at_s=60, kind="fall")]
    told: dict[str, int] = {}
    events = schedule(script, [device], epoch=NOW, start=NOW, told=told)
    perception = DevicePerception(position, {})
    worn = beats(device, Story(5, [device], events), NOW, 200)

    found = [
        one
        for sample in itertools.takewhile(lambda sample: sample.at < NOW + 240_000, worn)
        if isinstance(sample, Acceleration)
        for one in perception.perceive(sample)
    ]

    seen = [one.observation for one in found if isinstance(one.observation, Motion)]
    assert [one.event for one in seen] == [MotionEvent.FALL, MotionEvent.IMMOBILE]
    assert abs(seen[0].at - NOW - 60_000) < 100
    assert [one.mark is not None for one in found] == [True, False]


def test_a_dead_sensor_says_nothing_more() -> None:
    story = _story(Happening(at_s=60, kind="sensor_dies", device="warm"))

    said = _said(story, "warm", 600)

    assert [type(sample) for sample in said if sample.at >= NOW + 60_000] == [Nothing]
    assert said[-1].mark


def test_what_was_told_does_not_happen_again_and_what_was_missed_happens_soon() -> None:
    script = [Happening(at_s=10, kind="smoke"), Happening(at_s=20, kind="sos")]
    start = NOW + 300_000

    story = _story(*script, start=start, told={"0": NOW + 10_000})

    assert _said(story, "smoke", 900, from_ms=start) == []
    [on, _] = _said(story, "sos", 900, from_ms=start)
    assert on.mark
    assert 0 < on.at - start < 10_000


def test_a_script_that_nobody_could_sense_is_refused() -> None:
    with pytest.raises(DriverError, match="gas at 1 s: expected a simulated device of kind gas"):
        _story(Happening(at_s=1, kind="gas"))


def test_a_torn_line_of_truth_is_written_again_from_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    marks = [
        Mark(
            f"happening/{n}",
            f'{{"id":"{n}","at":5,"kind":"sos","device":"d","subject":"s"}}',
            Placed("d", "b1", n + 1),
        )
        for n in range(3)
    ]
    TruthFile(path).reconcile(marks)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])

    for _ in range(2):
        TruthFile(path).reconcile(marks)

    lines = [line for line in path.read_bytes().splitlines() if line.endswith(b"}")]
    assert b"\n".join(lines) + b"\n" == whole
    assert TruthFile(path).told == {"0": 5, "1": 5, "2": 5}
