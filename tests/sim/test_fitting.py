"""What is fitted to recordings, and how simulated people are held against them."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.fitting.closeness import Compared
from sim.fitting.diary import Diary, recorded, simulated
from sim.fitting.features import features
from sim.fitting.physiology import sign
from sim.fitting.spreads import TooFewError, distance, habit, spread
from sim.importers.homes import HomeEvent, HomeLog
from sim.world.body import Body
from sim.world.fitted import parse, shipped, write
from sim.world.routine import Stay
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS
from weinao.cli.sim import app

values = st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=40)


@given(values)
def test_what_is_drawn_from_a_spread_lies_within_what_was_seen(seen):
    found = spread("it", seen)
    drawn = [found.draw(random.Random(seed)) for seed in range(20)]

    slack = 1e-3 * max(1.0, *map(abs, seen))
    assert min(seen) - slack <= min(drawn) <= max(drawn) <= max(seen) + slack


def test_a_spread_is_drawn_as_often_as_it_was_seen():
    seen = np.random.default_rng(1).exponential(20, 4_000).tolist()
    rng = random.Random(2)

    found = spread("it", seen)

    assert distance(seen, [found.draw(rng) for _ in range(4_000)])[0] < 0.06


@given(values, values)
def test_a_distance_is_mutual_and_none_to_itself(one, other):
    assert distance(one, one) == (0.0, 0.0)
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert 0.0 <= distance(one, other)[0] <= 1.0


def test_a_shift_is_as_far_as_it_shifts():
    ks, apart = distance([1.0, 2.0, 3.0], [11.0, 12.0, 13.0])

    assert ks == 1.0
    assert apart == pytest.approx(10.0)


def test_a_habit_tells_people_apart_from_their_days():
    rng = np.random.default_rng(3)
    people = [rng.normal(mean, 0.5, 60).tolist() for mean in rng.normal(7, 2, 40)]

    found = habit("up", people)

    assert found.mean == pytest.approx(7, abs=1)
    assert found.between == pytest.approx(2, abs=0.6)
    assert found.within == pytest.approx(0.5, abs=0.05)


def test_a_sign_is_fitted_back_from_bodies_made_of_it():
    """The way there and back: people made of fitted numbers are fitted to the same."""
    meant = shipped().physiology.dbp_mmhg
    series = {}
    for person in range(60):
        one = Body(random.Random(person))
        series[str(person)] = [
            (day * DAY_MS + hour * HOUR_MS, one.measure(day * DAY_MS + hour * HOUR_MS).dbp_mmhg)
            for day in range(40)
            for hour in (1, 9)
        ]

    found = sign("dbp_mmhg", series)

    assert found.people.median == pytest.approx(meant.people.median, abs=3)
    assert found.day_sd == pytest.approx(meant.day_sd, abs=1.0)
    assert found.noise_sd == pytest.approx(meant.noise_sd, abs=1.0)


def test_too_little_says_of_what_and_how_much():
    with pytest.raises(TooFewError, match="naps: expected 3 values at least, got 1"):
        spread("naps", [1.0])


def test_what_is_written_is_read_again():
    assert parse(write(shipped())) == shipped()


def at(day: int, hour: float) -> int:
    return round(day * DAY_MS + hour * HOUR_MS)


def test_a_recorded_home_is_read_by_its_labels():
    log = HomeLog(
        home="h",
        events=(
            HomeEvent(at(0, 20), "pir", "Kitchen", "motion", True),
            HomeEvent(at(1, 8), "pir", "Kitchen", "motion", True),
            HomeEvent(at(1, 8) + MINUTE_MS, "pir", "Kitchen", "motion", True),
            HomeEvent(at(1, 9), "Toilet.flush", "Toilet", "flush", True),
            HomeEvent(at(3, 1), "pir", "Kitchen", "motion", True),
        ),
        absences=((at(1, 10), at(1, 12)),),
        activities=(
            (at(1, 22), at(2, 2), "Sleep"),
            (at(2, 2), at(2, 2.1), "Bed_Toilet_Transition"),
            (at(2, 2.1), at(2, 7), "Sleep"),
            (at(1, 8), at(1, 8.25), "Cook_Breakfast"),
            (at(1, 8.3), at(1, 8.5), "Eat_Breakfast"),
            (at(1, 13), at(1, 14), "Sleep"),
        ),
    )

    found = features(recorded(log))

    assert found["bed_h"] == [22.0]
    assert found["up_h"] == [7.0]
    assert found["breakfast_h"] == [8.0]
    assert found["meal_min"] == [pytest.approx(30)]
    assert found["outing_min"] == [120.0]
    assert found["visits_per_night"] == [1.0]


def test_a_sensor_that_rests_is_heard_once():
    log = HomeLog(
        home="h",
        events=(
            HomeEvent(at(0, 23), "pir", "Kitchen", "motion", True),
            *(
                HomeEvent(at(1, 8) + second * 1_000, "pir", "Kitchen", "motion", True)
                for second in range(0, 400, 10)
            ),
            HomeEvent(at(3, 0), "pir", "Kitchen", "motion", True),
        ),
        absences=(),
        activities=(),
    )

    assert len(recorded(log).moves) == 3


def test_a_simulated_day_is_read_as_a_recorded_one():
    stays = [
        Stay(at(0, 0), at(0, 7), "bedroom", asleep=True),
        Stay(at(0, 7), at(0, 7.1), "bathroom"),
        Stay(at(0, 7.1), at(0, 7.6), "kitchen", meal="breakfast"),
        Stay(at(0, 7.6), at(0, 9), ""),
        Stay(at(0, 9), at(0, 22.5), "living"),
        Stay(at(0, 22.5), at(1, 7), "bedroom", asleep=True),
        Stay(at(1, 7), at(1, 9), "living"),
        Stay(at(1, 9), at(1, 9.1), "bathroom"),
        Stay(at(1, 9.1), at(2, 0), "living"),
    ]

    found = features(simulated("r", stays, ()))

    assert found["bed_h"] == [22.5]
    assert found["up_h"] == [7.0]
    assert found["breakfast_h"] == [pytest.approx(7.1)]
    assert found["outings_per_day"] == [1.0, 0.0]
    assert found["visits_per_day_h"] == [pytest.approx(1 / 17)]


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_a_healthy_body_reads_what_a_body_can(seed, step_min):
    one = Body(random.Random(seed))
    for number in range(100):
        said = one.read(number * step_min * MINUTE_MS, moving=False, asleep=number % 3 == 0)
        assert 30 < said.hr_bpm < 130
        assert 90 < said.spo2_pct <= 100
        assert 5 < said.resp_per_min < 30


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(SystemExit, match="cannot be read"):
        app(["fit", str(tmp_path)], exit_on_error=False, result_action="return_value")


@pytest.mark.slow
def test_the_shipped_numbers_are_those_that_the_recordings_give(recordings, tmp_path):
    app(
        ["fit", str(recordings), "--out", str(tmp_path / "fitted.toml")],
        exit_on_error=False,
        result_action="return_value",
    )

    assert parse((tmp_path / "fitted.toml").read_text(encoding="utf-8")) == shipped()


@pytest.mark.slow
def test_closeness_tells_what_was_held_out_and_draws_it(recordings, tmp_path, capsys):
    app(
        ["closeness", str(recordings), "--people", "3", "--json", "--png", str(tmp_path / "c.png")],
        exit_on_error=False,
        result_action="return_value",
    )

    compared = msgspec.json.decode(capsys.readouterr().out, type=list[Compared])
    assert {one.group for one in compared} == {"routine", "movement", "body"}
    assert {one.held_out for one in compared} == {True, False}
    assert all(one.ks_among is None for one in compared if not one.held_out)
    assert all(0 <= one.ks <= 1 for one in compared)
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_a_part_of_a_diary_holds_nothing_from_outside_it():
    whole = Diary(
        who="a",
        begun=0,
        ended=4 * DAY_MS,
        nights=((at(0, 22), at(1, 6)), (at(2, 22), at(3, 6))),
        outings=(),
        meals={"lunch": ((at(1, 12), at(1, 13)),)},
        visits=((at(3, 1), at(3, 1.1)),),
        moves=((at(1, 9), "living"), (at(3, 9), "living")),
    )

    part = whole.between(2 * DAY_MS, 4 * DAY_MS)

    assert part.nights == ((at(2, 22), at(3, 6)),)
    assert part.meals == {"lunch": ()}
    assert part.moves == ((at(3, 9), "living"),)
