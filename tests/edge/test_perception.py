"""Perception: what samples become, whichever detector is asked."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.lanes import Lane
from edge.perception.devices import DevicePerception
from edge.perception.fall import FallPerception
from edge.perception.home import perceive_home
from edge.perception.rhythm import RhythmPerception
from edge.perception.vitals import perceive_vitals
from edge.samples import Acceleration, HomeEvent, Nothing, RrIntervals, VitalsReading
from models.rhythm import RhythmDetector, RhythmStream
from tests.edge.made import NOW
from weinao.messages import Home, Motion, MotionEvent, Rhythm, Sensor, Vitals

QUIET = 0.02


class Decides:
    """A detector that finds a fall at a given time, two seconds later."""

    def __init__(self, *falls_ms: int) -> None:
        self._falls = list(falls_ms)

    def push(self, t_ms: NDArray[np.int64], *_signals: object) -> list[SimpleNamespace]:
        return self._decided(int(t_ms[-1]))

    def finish(self) -> list[SimpleNamespace]:
        return self._decided(10**9)

    def _decided(self, upto_ms: int) -> list[SimpleNamespace]:
        decided = [fall for fall in self._falls if upto_ms >= fall + 2_000]
        self._falls = [fall for fall in self._falls if fall not in decided]
        return [
            SimpleNamespace(
                at_ms=fall, decided_at_ms=fall + 2_000, confidence=0.9, impact_g=70.0, still_s=1.0,
                posture_change_deg=80.0,
            )
            for fall in decided
        ]  # fmt: skip


def _piece(at_ms: int, sway: float = QUIET, mark: tuple[str, str] | None = None) -> Acceleration:
    t_ms = at_ms + np.arange(0, 200, 20)
    rng = np.random.default_rng(at_ms)
    acc = np.array([0, 0, 9.8]) + rng.normal(0, sway, (10, 3))
    return Acceleration(
        device="w", at=NOW + int(t_ms[-1]), t_ms=t_ms, acc_ms2=acc.astype(np.float32), mark=mark
    )


def _played(perception: FallPerception, until_ms: int, moves_from_ms: int = 10**9):
    return [
        finding
        for at_ms in range(0, until_ms, 200)
        for finding in perception.perceive(_piece(at_ms, 3.0 if at_ms >= moves_from_ms else QUIET))
    ]


def test_a_fall_and_lying_still_after_it_take_the_alarm_lane() -> None:
    fall, lying = _played(FallPerception(Decides(10_000)), 60_000)

    assert isinstance(fall.observation, Motion)
    assert isinstance(lying.observation, Motion)
    assert (fall.lane, lying.lane) == (Lane.ALARM, Lane.ALARM)
    assert (fall.observation.event, fall.observation.at) == (MotionEvent.FALL, NOW + 10_000)
    assert fall.observation.impact_g == 64.0
    assert lying.observation.event is MotionEvent.IMMOBILE
    assert 0 <= lying.observation.at - NOW - 40_000 < 400
    assert lying.observation.still_s is not None
    assert lying.observation.still_s > 29


def test_who_gets_up_again_does_not_lie_still() -> None:
    findings = _played(FallPerception(Decides(10_000)), 60_000, moves_from_ms=25_000)

    assert len(findings) == 1


def test_a_fall_told_by_an_earlier_start_is_not_told_again() -> None:
    assert _played(FallPerception(Decides(10_000), fell_at=NOW + 10_040), 20_000) == []


def test_a_fall_just_before_a_recording_ends_is_not_missed() -> None:
    perception = FallPerception(Decides(9_000))
    assert _played(perception, 10_000) == []

    [found] = perception.finish()

    assert found.observation
    assert found.observation.at == NOW + 9_000


def test_a_fall_takes_the_mark_of_its_signal_and_else_its_own() -> None:
    perception = FallPerception(Decides(10_000, 30_000))
    marks = [
        finding.mark
        for at_ms in range(0, 40_000, 200)
        for finding in perception.perceive(
            _piece(at_ms, mark=("happening/0", "{}") if at_ms == 10_000 else None)
        )
    ]

    assert marks == [("happening/0", "{}"), ("fell/w", str(NOW + 30_000))]


@pytest.mark.parametrize("sensor", Sensor)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_only_what_sets_an_alarm_off_takes_the_alarm_lane(sensor: Sensor, value: float) -> None:
    [found] = perceive_home(HomeEvent(device="d", at=NOW, sensor=sensor, value=value, room="hall"))

    alarming = sensor in {"sos", "smoke", "gas", "co", "leak"} and value == 1
    assert found.lane is (Lane.ALARM if alarming else Lane.ROUTINE)
    assert found.observation == Home(at=NOW, sensor=sensor, value=value, room="hall")


def test_vital_signs_pass_as_read_and_a_flat_line_counts_as_not_worn() -> None:
    [read] = perceive_vitals(VitalsReading(device="w", at=NOW, hr_bpm=71, spo2_pct=96, worn=True))
    [flat] = perceive_vitals(VitalsReading(device="w", at=NOW, hr_bpm=71, flat_line=True))

    assert read.observation == Vitals(at=NOW, hr_bpm=71, spo2_pct=96, worn=True)
    assert flat.observation == Vitals(at=NOW, hr_bpm=71, worn=False)


def test_a_steady_pulse_gives_regular_readings_and_a_random_one_irregular_ones() -> None:
    rng = np.random.default_rng(3)
    steady = 800 + rng.normal(0, 10, 600)
    random = rng.uniform(420, 1_250, 600)

    assert {seen.irregular for seen in _readings(steady)} == {False}
    assert _readings(random)[-1].irregular


def _readings(rr_ms: NDArray[np.float64]) -> list[Rhythm]:
    perception = RhythmPerception(RhythmStream(RhythmDetector.shipped()))
    at, found = NOW, []
    for start in range(0, len(rr_ms), 30):
        piece = rr_ms[start : start + 30]
        at += round(float(piece.sum()))
        sample = RrIntervals(device="w", at=at, rr_ms=tuple(piece.tolist()))
        found += [one.observation for one in perception.perceive(sample)]
    assert all(isinstance(seen, Rhythm) and len(seen.rr_ms) <= 64 for seen in found)
    return found


def test_a_mark_alone_passes_and_detectors_are_loaded_only_when_needed() -> None:
    perception = DevicePerception("wrist", {})

    [found] = perception.perceive(Nothing(device="d", at=NOW, mark=("m", "v")))

    assert (found.observation, found.mark) == (None, ("m", "v"))
    assert perception.perceive(Nothing(device="d", at=NOW)) == []
    assert perception.lag_ms == 0
