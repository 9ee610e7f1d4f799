"""What is promised about counts, crossings, queues, what stands in a lane, and the next minutes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.forecast import measured
from edge.perception.people.bodies import Body, Thing
from edge.perception.people.counting import Counting
from edge.perception.people.flow import Crossings
from edge.perception.people.forecast import MINUTE_MS, counted, foretell
from edge.perception.people.settings import Drawing, Line, Zone
from edge.perception.people.shapes import Pixel
from edge.perception.people.standing import StandingLimits, Stood, stand, stands
from edge.perception.people.tracks import Tracks, follow
from weinao.messages import Crowd

START = 1_767_225_600_000
LIMITS = StandingLimits()
FLOOR = ((0.0, 0.0), (1_000.0, 0.0), (1_000.0, 1_000.0), (0.0, 1_000.0))
ZONE = Zone(name="yard", outline=FLOOR, area_m2=10, full=20, keep_clear=True, queue=True)
ELSEWHERE = Zone(
    name="far", outline=((5_000, 0), (6_000, 0), (6_000, 1)),
    area_m2=0, full=0, keep_clear=True, queue=False,
)  # fmt: skip
LINE = Line(zone="yard", left=(200.0, 500.0), right=(800.0, 500.0))


def person(at: Pixel, high: float = 100) -> Body:
    x, y = at
    return Body((x - 20, y - high, x + 20, y), 0.8, detected=True)


def walked(paths: list[list[Pixel]], step_ms: int = 400) -> Crossings:
    """Return the crossings of people who walk, one place a look."""
    crossings, tracks = Crossings((LINE,)), Tracks()
    for look in range(max(map(len, paths))):
        at = START + look * step_ms
        bodies = [person(path[look]) for path in paths if look < len(path)]
        tracks = follow(tracks, bodies, at, detecting=True)
        crossings.observe(tracks.following, at)
    return crossings


def straight(x: float, first: float, last: float, looks: int = 12) -> list[Pixel]:
    return [(x, y) for y in np.linspace(first, last, looks).tolist()]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), unique_by=lambda one: one[0]))
def test_whoever_crosses_a_line_counts_once_and_the_right_way(crossing) -> None:
    paths = [
        straight(220 + 130 * place, *((700, 320) if inward else (320, 700)))
        for place, inward in crossing
    ]

    total = walked(paths or [[]]).total

    assert total.get(("yard", True), 0) == sum(inward for _, inward in crossing)
    assert total.get(("yard", False), 0) == sum(not inward for _, inward in crossing)


def test_who_turns_on_the_line_or_passes_beside_it_has_not_crossed() -> None:
    turned = [(500.0, y) for y in (600, 560, 520, 503, 498, 502, 530, 580, 620)]

    assert walked([turned]).total == {}
    assert walked([straight(950, 700, 320)]).total == {}


def test_a_rate_is_of_a_minute_and_one_in_the_first_second_is_not_sixty() -> None:
    crossings = walked([straight(300, 700, 320), straight(600, 700, 320)])

    into, out = crossings.per_min("yard", START + 5_000)
    assert (into, out) == (12, 0)
    crossings.observe((), START + 120_000)
    assert crossings.per_min("yard", START + 120_000) == (0, 0)


def told(bodies: list[list[Body]], things: list[list[Thing]], step_ms: int = 1_000) -> list[Crowd]:
    """Return what is told of the zone while looks find this."""
    counting = Counting(Drawing((ZONE, ELSEWHERE), ()), LIMITS, 10_000)
    tracks, vehicles, said = Tracks(), tuple[Stood, ...](), []
    for look, found in enumerate(bodies):
        at = START + look * step_ms
        tracks = follow(tracks, found, at, detecting=True)
        vehicles = stand(vehicles, things[look] if look < len(things) else [], at, LIMITS)
        said += counting.observe(tracks.following, vehicles, at, detected=True)
    return [one for one in said if one.zone == "yard"]


@given(st.integers(0, 9))
def test_people_who_stand_are_counted_and_wait(people) -> None:
    standing = [person((60 + 100 * number, 400)) for number in range(people)]

    last = told([standing] * 21, [])[-1]

    assert (last.people, last.queue_len) == (people, people)
    assert last.density == people / 10
    assert last.congestion == people / 20
    assert last.people_in_5_min == people


def test_who_stands_may_be_overlooked_and_who_left_is_gone() -> None:
    there = [person((500, 400))]
    gone_at_last = told([there] * 10 + [[]] * 11, [])
    overlooked_once = told([there] * 10 + [[]] + [there] * 4, [])

    assert [one.people for one in gone_at_last] == [1, 1, 0]
    assert [one.people for one in overlooked_once] == [1, 1]


def test_who_walks_through_does_not_wait() -> None:
    [*_, last] = told([[person((100 + 60 * look, 400))] for look in range(11)], [])

    assert (last.people, last.queue_len) == (1, 0)


CAR = Thing((300, 300, 500, 420), 0.6)


def test_a_vehicle_that_stands_blocks_and_says_so_at_once() -> None:
    said = told([[]] * 60, [[CAR]] * 30)

    changes = [(one.at - START, one.blocked) for one in said]
    assert (15_000, True) in changes  # between two reports
    assert (44_000, False) in changes
    assert {one.vehicles for one in said if one.blocked} == {1, 0}


@given(st.lists(st.booleans(), min_size=40, max_size=40))
def test_one_that_detectors_lose_now_and_then_still_stands(seen) -> None:
    # Never lost for as long as what is gone, and never three times in a row at first.
    shown = [saw or look % 3 == 0 for look, saw in enumerate(seen)]

    said = told([[]] * 40, [[CAR] if saw else [] for saw in shown])

    assert [one.blocked for one in said if one.at >= START + 20_000] == [True] * 2


def test_one_that_drives_through_or_stands_elsewhere_blocks_nothing() -> None:
    driving = [[Thing((60.0 * look, 300, 60.0 * look + 200, 420), 0.9)] for look in range(30)]
    outside = [[Thing((2_000, 300, 2_200, 420), 0.9)]] * 30

    assert not any(one.blocked for one in told([[]] * 30, driving))
    assert not any(one.blocked for one in told([[]] * 30, outside))


def test_one_that_trembles_stands() -> None:
    rng = np.random.default_rng(3)
    known = tuple[Stood, ...]()
    for look in range(20):
        left, top = rng.uniform(-15, 15, 2).tolist()
        box = (300 + left, 300 + top, 500 + left, 420 + top)
        known = stand(known, [Thing(box, 0.5)], START + look * 1_000, LIMITS)

    [one] = known
    assert stands(one, LIMITS)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=40))
def test_what_is_foretold_is_a_number_of_people(counts) -> None:
    minutes = ()
    for minute, people in enumerate(counts):
        minutes = counted(minutes, people, START + minute * MINUTE_MS)

    ahead = foretell(minutes)
    assert ahead is not None
    assert 0 <= ahead <= 4 * max(counts)


@given(st.integers(0, 200), st.integers(1, 30))
def test_where_nothing_changes_nothing_is_foretold_to_change(people, minutes) -> None:
    known = ()
    for minute in range(minutes):
        known = counted(known, people, START + minute * MINUTE_MS)

    assert foretell(known) == people


def test_it_is_nearer_than_the_last_count_where_people_come_and_go() -> None:
    figures = measured(seeds=range(100))

    assert figures["ours"] < 0.97 * figures["last_count"]
    assert figures["ours_overlooked"] < 0.93 * figures["last_count_overlooked"]
