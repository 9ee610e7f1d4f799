"""What comes over days: nothing before it begins, no way back, and over at its end."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sim.world.households import Person
from sim.world.routine import Stay
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS, dice
from sim.world.slow import DRIFTS, battery_pct, fewer, moved_by, slept
from sim.world.truth import Fact

START = 1_767_196_800_000  # a local midnight
ELDER = Person(id="resident-1", kind="elder", band="band-1", measured=True)


def befalls(kind, first_day=2.0, days=10.0, by=0.0):
    at = START + round(first_day * DAY_MS)
    return Fact(
        happening=kind, kind="", about=("resident-1",), at=at, until=at + round(days * DAY_MS),
        told_at=at, allowed_s=0, by=by,
    )  # fmt: skip


@given(st.sampled_from(sorted(DRIFTS)), st.lists(st.floats(0, 14), min_size=2, max_size=8))
def test_it_begins_grows_and_ends(kind, days):
    fact, far = befalls(kind), DRIFTS[kind].by
    sign = 1 if far > 0 else -1

    moved = [(day, moved_by(kind, [fact], START + round(day * DAY_MS))) for day in sorted(days)]

    inside = [sign * by for day, by in moved if 2 <= day < 12]
    assert inside == sorted(inside)
    assert all(0 <= by <= sign * far for by in inside)
    assert all(by == 0 for day, by in moved if not 2 <= day < 12)


def test_a_band_is_charged_again_and_again_until_somebody_forgets():
    usual = [battery_pct([], START + day * DAY_MS, START, 0) for day in range(1, 20)]
    forgot = [
        battery_pct([befalls("forgets_charger", 0, 20)], START + day * DAY_MS, START, 0)
        for day in range(1, 20)
    ]

    assert min(usual) > 60
    assert forgot[-1] < 15
    assert all(a >= b for a, b in pairwise(forgot[3:]))


@given(st.floats(1, 6), st.integers(0, 9))
def test_a_night_with_more_visits_has_no_gaps_and_ends_in_bed(visits, seed):
    night = Stay(START, START + 6 * HOUR_MS, "bedroom", asleep=True)

    stays = slept([night], ELDER, [befalls("up_at_night", 0, 1, visits)], dice(seed))

    assert (stays[0].at, stays[-1].until) == (night.at, night.until)
    assert all(a.until == b.at for a, b in pairwise(stays))
    assert stays[-1].asleep
    assert sum(stay.room == "bathroom" for stay in stays) == round(visits * 6 / 9)


def test_who_does_less_still_cooks_and_walks_from_room_to_room():
    moves = [(START + minute * MINUTE_MS, "living") for minute in range(0, 120, 5)]
    moves += [(START + (120 + minute) * MINUTE_MS, "kitchen") for minute in range(0, 30, 5)]

    kept = [*fewer(moves, ELDER, [befalls("does_less", 0, 1)])]

    assert 3 <= sum(room == "living" for _, room in kept) <= 6
    assert sum(room == "kitchen" for _, room in kept) == 6
    assert [*fewer(moves, ELDER, [])] == moves
