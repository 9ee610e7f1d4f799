"""What a simulated person's day promises, whoever it is."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sim.world.routine import OUT, at_home, day, in_bed
from sim.world.said import DAY_MS, HOUR_MS
from sim.world.ways import HOURS, ways

MIDNIGHT = 1_772_380_800_000  # 2026-03-02 in UTC+8, a Monday

people = st.builds(
    ways, st.sampled_from(list(HOURS.values())), st.text("abc", max_size=5), st.integers(0, 999)
)
midnights = st.integers(-400, 400).map(lambda days: MIDNIGHT + days * DAY_MS)


@given(people, midnights)
def test_a_day_has_no_gap_and_no_two_places_at_once(own, midnight):
    stays = day(own, midnight)

    assert (stays[0].at, stays[-1].until) == (midnight, midnight + DAY_MS)
    assert all(one.at < one.until for one in stays)
    assert all(one.until == other.at for one, other in pairwise(stays))


@given(people, midnights)
def test_days_follow_each_other_asleep_or_awake(own, midnight):
    evening, morning = day(own, midnight)[-1], day(own, midnight + DAY_MS)[0]

    assert evening.asleep == morning.asleep


@given(people, midnights)
def test_a_day_is_the_same_however_often_it_is_asked_for(own, midnight):
    assert day(own, midnight) == day(own, midnight)


@given(people, midnights)
def test_everybody_sleeps_three_hours_and_eats_only_in_the_kitchen(own, midnight):
    stays = day(own, midnight) + day(own, midnight + DAY_MS)

    slept = sum(one.until - one.at for one in stays if one.asleep)
    assert slept >= 3 * HOUR_MS
    assert {one.room for one in stays if one.meal} <= {"kitchen"}


@given(people, midnights, st.floats(0, 22))
def test_who_has_to_be_at_home_is(own, midnight, hour):
    begun = midnight + round(hour * HOUR_MS)

    stays = at_home(day(own, midnight), begun, begun + HOUR_MS)

    during = [one for one in stays if one.at < begun + HOUR_MS and one.until > begun]
    assert all(one.room != OUT for one in during)


@given(people, midnights, st.floats(0, 22))
def test_who_has_to_be_asleep_is_and_the_day_has_still_no_gap(own, midnight, hour):
    begun = midnight + round(hour * HOUR_MS)

    stays = in_bed(day(own, midnight), begun, begun + HOUR_MS)

    assert all(one.asleep for one in stays if one.at < begun + HOUR_MS and one.until > begun)
    assert (stays[0].at, stays[-1].until) == (midnight, midnight + DAY_MS)
    assert all(one.until == other.at for one, other in pairwise(stays))
