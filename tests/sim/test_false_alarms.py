"""Devices that say what is not so add or spoil words, and leave those of all others alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.faults.false_alarms import falsified
from sim.faults.plan import Fault
from sim.faults.rates import AT_HOME, false_alarms
from sim.world.community import settle
from sim.world.said import Said
from weinao.messages import Home, Motion, Rhythm, Sensor, Utility, Vitals

START = 1_767_225_600_000
HOUR_S = 3_600
ROOMS = {"pir-1": "living", "smoke-1": "kitchen", "bed-1": "bedroom", "door-1": "hall"}

TARGETS = {
    "false_fall": "band-1",
    "ghost_motion": "pir-1",
    "nuisance_alarm": "smoke-1",
    "bed_slips": "bed-1",
    "door_bounces": "door-1",
    "loose_band": "band-1",
    "glitches": "meter-1",
    "ectopy": "band-1",
    "wrong_match": "gate-grid-1",
    "mistaken_object": "facade-grid-1",
}


def words(hours=12):
    """Return what devices say over some hours, every ten minutes."""
    for index in range(hours * 6):
        at = START + index * 600_000
        yield Said(at, "band-1", Vitals(at=at, hr_bpm=70, spo2_pct=97, resp_per_min=15, worn=True))
        yield Said(at + 1, "band-1", Rhythm(at=at + 1))
        for device, sensor in (("door-1", Sensor.DOOR), ("bed-1", Sensor.BED)):
            yield Said(at + 2, device, Home(at=at + 2, sensor=sensor, value=float(index % 2)))
        yield Said(at + 3, "meter-1", Utility(at=at + 3, meter="power", value=500, unit="W"))


def fault(kind, from_s=2 * HOUR_S, until_s=10 * HOUR_S, share=1.0):
    return Fault(kind=kind, target=TARGETS[kind], from_s=from_s, until_s=until_s, share=share)


@pytest.mark.parametrize("kind", TARGETS)
def test_a_false_alarm_changes_what_its_device_says_and_nothing_else(kind):
    true = [*words()]

    false = [*falsified(words(), [fault(kind)], ROOMS, START, 1)]

    others = [one for one in true if one.device != TARGETS[kind]]
    assert [one for one in false if one.device != TARGETS[kind]] == others
    assert false != true


@given(
    st.lists(
        st.builds(
            fault,
            st.sampled_from(sorted(TARGETS)),
            st.integers(0, 6 * HOUR_S),
            st.integers(7 * HOUR_S, 12 * HOUR_S),
            st.floats(0, 1),
        ),
        max_size=6,
    ),
    st.integers(0, 5),
)
def test_what_is_said_stays_in_the_order_of_time_and_follows_from_the_seed(faults, seed):
    said = [*falsified(words(), faults, ROOMS, START, seed)]

    assert [one.at for one in said] == sorted(one.at for one in said)
    assert said == [*falsified(words(), faults, ROOMS, START, seed)]


def test_a_band_that_is_out_with_its_wearer_tells_of_no_false_fall():
    at_home = [*falsified(words(), [fault("false_fall")], ROOMS, START, 1)]
    out = [*falsified(words(hours=1), [fault("false_fall")], ROOMS, START, 1)]

    assert any(isinstance(one.observation, Motion) for one in at_home)
    assert not any(isinstance(one.observation, Motion) for one in out)


def test_a_community_has_about_as_many_false_alarms_as_its_rates_say():
    homes, days = settle(200, 600, 30, 3), 7
    found = false_alarms(homes, days * 86_400, 3)

    bands = sum(bool(one.band) and one.kind == "elder" for home in homes for one in home.people)
    rate = next(one for one in AT_HOME if one.kind == "false_fall")
    expected = rate.a_day * bands * days
    falls = [one for one in found if one.kind == "false_fall"]
    assert abs(len(falls) - expected) < 4 * expected**0.5
    assert {one.kind for one in found} == {*TARGETS}
