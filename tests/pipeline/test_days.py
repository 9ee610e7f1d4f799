"""What a home's book of days promises, whatever it is shown."""

import pickle
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.days import DAY_MS, Book, Day, lose_sight, reach, take
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import AnyObservation, Home, Rhythm, Sensor, Vitals

HOUR = 3_600_000
MIDNIGHT = START - 8 * HOUR + DAY_MS  # of the community, eight hours ahead


def seen(said: AnyObservation, number: int, room: str = "", device: str = "") -> Seen:
    home = isinstance(said, Home)
    return Seen(
        id=f"o:{number:06d}",
        device=device or ("pir" if home else "band"),
        at=said.at,
        received_at=said.at,
        observation=said,
        subject="home-1" if home else "resident-1",
        household="home-1",
        place="home-1",
        room=room,
        alone=True,
    )


def closed(story: list[Seen], until: int) -> list[Day]:
    book, found = Book(household="home-1"), list[Day]()
    for one in story:
        book, days = reach(book, one.at)
        found += days
        book = take(book, one)
    return found + list(reach(book, until)[1])


def day_of(sayings: Sequence[tuple[AnyObservation, str, str]], day: int = 1) -> Day:
    """Return a day after one on which it was only known that the home has sensors."""
    first = (Home(at=MIDNIGHT - DAY_MS, sensor=Sensor.PIR, value=1), "kitchen", "pir")
    sayings = sorted([first, *sayings], key=lambda one: one[0].at)
    story = [seen(said, n, room, device) for n, (said, room, device) in enumerate(sayings)]
    return closed(story, MIDNIGHT + DAY_MS)[day]


SAYINGS = st.one_of(
    st.builds(
        lambda at, hr, worn, moving: (Vitals(at=at, hr_bpm=hr, worn=worn, moving=moving), "", ""),
        st.integers(MIDNIGHT, MIDNIGHT + 3 * DAY_MS),
        st.integers(40, 140),
        st.sampled_from([True, None]),
        st.booleans(),
    ),
    st.builds(
        lambda at, sensor, value, room: (
            Home(at=at, sensor=sensor, value=value), room, str(sensor)
        ),
        st.integers(MIDNIGHT, MIDNIGHT + 3 * DAY_MS),
        st.sampled_from([Sensor.PIR, Sensor.BED, Sensor.MEDICINE, Sensor.DOOR]),
        st.sampled_from([0.0, 1.0]),
        st.sampled_from(["bathroom", "bedroom"]),
    ),
    st.builds(
        lambda at, irregular: (Rhythm(at=at, irregular=irregular), "", ""),
        st.integers(MIDNIGHT, MIDNIGHT + 3 * DAY_MS),
        st.booleans(),
    ),
)  # fmt: skip


@st.composite
def stories(draw: st.DrawFn) -> list[Seen]:
    sayings = sorted(draw(st.lists(SAYINGS, max_size=40)), key=lambda one: one[0].at)
    return [seen(said, n, room, device) for n, (said, room, device) in enumerate(sayings)]


@given(stories(), st.data())
def test_repeated_and_late_observations_change_nothing(
    story: list[Seen], data: st.DataObject
) -> None:
    again = list[Seen]()
    for index, one in enumerate(story):
        again.append(one)
        if data.draw(st.booleans()):
            again.append(data.draw(st.sampled_from(story[: index + 1])))

    assert closed(again, MIDNIGHT + 4 * DAY_MS) == closed(story, MIDNIGHT + 4 * DAY_MS)


@given(stories(), st.integers(0, 40), st.lists(st.integers(0, 4 * DAY_MS), max_size=5))
def test_neither_a_crash_nor_how_time_is_passed_changes_a_day(
    story: list[Seen], cut: int, words: list[int]
) -> None:
    expected = closed(story, MIDNIGHT + 5 * DAY_MS)

    moments = [(MIDNIGHT + after, None) for after in words] + [(one.at, one) for one in story]
    book, found = Book(household="home-1"), list[Day]()
    for index, (at, one) in enumerate(sorted(moments, key=lambda moment: moment[0])):
        book, days = reach(book, at)
        found += days
        book = take(book, one) if one is not None else book
        if index == cut:
            book = pickle.loads(pickle.dumps(book))  # our own
    found += reach(book, MIDNIGHT + 5 * DAY_MS)[1]

    assert found == expected


@given(stories())
def test_every_subject_has_each_day_once_and_in_order(story: list[Seen]) -> None:
    days = [(one.subject, one.day) for one in closed(story, MIDNIGHT + 4 * DAY_MS)]

    assert len(days) == len(set(days))
    assert [day for _, day in days] == sorted(day for _, day in days)


def test_the_resting_pulse_is_a_low_quantile_of_readings_at_rest() -> None:
    rest = [Vitals(at=MIDNIGHT + n * HOUR // 4, hr_bpm=60 + n % 10, worn=True) for n in range(40)]
    walk = [Vitals(at=one.at + 1, hr_bpm=40, worn=True, moving=True) for one in rest]

    day = day_of([(one, "", "band") for one in (*rest, *walk)])

    assert day.figures["rest_bpm"] == 61


def test_few_readings_make_no_resting_pulse() -> None:
    day = day_of([(Vitals(at=MIDNIGHT + HOUR, hr_bpm=60, worn=True), "", "band")])

    assert "rest_bpm" not in day.figures


def test_night_visits_are_those_from_ten_to_six_and_count_once_in_ten_minutes() -> None:
    minutes = (-90, 60, 63, 66, 200, 400, 700)  # 22:30, 01:00 three times, 03:20, 06:40, 11:40
    day = day_of(
        [
            (Home(at=MIDNIGHT + m * 60_000, sensor=Sensor.PIR, value=1), "bathroom", "pir-b")
            for m in minutes
        ]
    )

    assert day.figures["toilet_visits"] == 3


def test_sleep_is_time_in_bed_across_midnight() -> None:
    def bed(hour: float, value: float) -> tuple[AnyObservation, str, str]:
        at = MIDNIGHT + round(hour * HOUR)
        return Home(at=at, sensor=Sensor.BED, value=value), "bedroom", "bed"

    day = day_of([bed(-1, 1), bed(3, 0), bed(3.5, 1), bed(7, 0), bed(14, 1), bed(15, 0)])

    assert day.figures["sleep_min"] == 60 * (4 + 3.5)


def test_a_day_that_was_hardly_watched_has_no_figures_of_the_home() -> None:
    book = Book(household="home-1")
    for number, at in enumerate((MIDNIGHT - DAY_MS, MIDNIGHT)):
        book, _ = reach(book, at)
        book = take(book, seen(Home(at=at, sensor=Sensor.PIR, value=1), number, "kitchen"))
    watched = reach(book, MIDNIGHT + DAY_MS)[1]
    blind = reach(lose_sight(book, MIDNIGHT + 12 * HOUR), MIDNIGHT + DAY_MS)[1]

    assert [one.subject for one in watched] == ["home-1"]
    assert watched[0].figures == {"active_min": 5.0, "sleep_min": 240.0}
    assert blind == ()


def test_sight_lost_across_midnight_is_lost_on_both_days() -> None:
    book = take(
        Book(household="home-1"),
        seen(Home(at=MIDNIGHT, sensor=Sensor.PIR, value=1), 0, "kitchen"),
    )
    book = lose_sight(book, MIDNIGHT + 2 * DAY_MS + 12 * HOUR)

    assert reach(book, MIDNIGHT + 3 * DAY_MS)[1] == ()


def test_a_battery_contact_that_repeats_its_position_is_no_movement() -> None:
    doors = [
        (Home(at=MIDNIGHT + n * HOUR, sensor=Sensor.DOOR, value=0), "hall", "door")
        for n in range(20)
    ]

    assert day_of(doors).figures["active_min"] == 0
