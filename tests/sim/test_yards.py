"""What rendered yards and gates promise, whatever the seed."""

import json
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.scenes.seeds import SeedError
from sim.scenes.write import write
from sim.scenes.yards.machines import LENGTH_M
from sim.scenes.yards.motion import STEP_S, Errand, Step, driven, walked
from sim.scenes.yards.plan import KINDS, Kind
from sim.scenes.yards.scene import YardScene, composed
from sim.scenes.yards.things import Person
from sim.scenes.yards.truth import crossings

SMALL = (320, 180)
SEEDS = st.integers(1, 99_999)


def small(seed: int, kind: Kind, *, lasts_s: float = 6.0, mix: str = "dense") -> YardScene:
    return composed(seed, kind, lasts_s=lasts_s, mix=mix, size=SMALL, fps=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_frames_and_truth_again(kind: Kind) -> None:
    one, two = (small(7, kind) for _ in range(2))

    assert one.truth() == two.truth()
    for first, second in zip(islice(one.frames(), 3), islice(two.frames(), 3), strict=True):
        assert np.array_equal(first, second)


@settings(max_examples=12)
@given(SEEDS, st.sampled_from(KINDS))
def test_boxes_lie_in_the_picture_and_say_how_much_is_seen(seed: int, kind: Kind) -> None:
    scene = small(seed, kind)

    for thing in scene.truth()["things"]:
        frames = [row[0] for row in thing["boxes"]]
        assert frames == sorted(set(frames))
        for index, left, top, right, bottom, seen in thing["boxes"]:
            assert 0 <= index < scene.count
            assert 0 <= left < right <= SMALL[0]
            assert 0 <= top < bottom <= SMALL[1]
            assert 0 <= seen <= 1


@settings(max_examples=12)
@given(SEEDS, st.sampled_from(KINDS))
def test_who_is_counted_in_a_zone_has_a_box_and_a_foot_there(seed: int, kind: Kind) -> None:
    scene = small(seed, kind)
    truth = scene.truth()
    by_track = {thing["track"]: {row[0] for row in thing["boxes"]} for thing in truth["things"]}

    for zone in scene.plan.zones:
        counted = truth["counts"][zone.name]
        for index in range(scene.count):
            t_s = index / scene.fps
            inside = [
                one
                for one in scene.cast.all
                if index in by_track.get(one.track, ()) and zone.holds(one.foot(t_s)[None])[0]
            ]
            people = sum(isinstance(one, Person) for one in inside)
            assert counted["people"][index] == people
            assert counted["people_seen"][index] <= people
            assert counted["vehicles"][index] == len(inside) - people


@settings(max_examples=12)
@given(SEEDS)
def test_crossings_of_one_track_take_turns(seed: int) -> None:
    crossed: dict[int, list[str]] = {}
    scene = small(seed, "gate", lasts_s=20)
    for one in crossings(scene.plan, scene.cast, scene.fps, scene.count):
        crossed.setdefault(one["track"], []).append(one["direction"])

    for directions in crossed.values():
        assert all(a != b for a, b in pairwise(directions))


def test_a_lane_is_stood_in_by_vehicles_and_never_in_a_quiet_yard() -> None:
    blocked = [
        [one for one in small(seed, "yard", lasts_s=9).truth()["standing"] if one["zone"]]
        for seed in range(1, 7)
    ]
    quiet = [
        one["zone"]
        for seed in range(1, 5)
        for one in small(seed, "yard", lasts_s=9, mix="quiet").truth()["standing"]
    ]

    assert sum(bool(found) for found in blocked) >= 1
    assert {one["kind"] for found in blocked for one in found} <= set(LENGTH_M)
    assert not any(quiet)


def test_a_dense_yard_holds_more_people_than_a_quiet_one() -> None:
    def most(mix: str) -> int:
        return sum(
            max(small(seed, "yard", mix=mix, lasts_s=2).truth()["counts"]["yard"]["people"])
            for seed in range(20, 28)
        )

    assert most("dense") > 2 * most("fair") > 2 * most("quiet")


def test_a_tree_hides_who_walks_behind_it() -> None:
    seen = [
        row[5]
        for seed in range(1, 6)
        for thing in small(seed, "yard", lasts_s=4).truth()["things"]
        for row in thing["boxes"]
    ]

    assert min(seen) < 0.2
    assert np.median(seen) > 0.7


@settings(max_examples=25)
@given(st.integers(2, 6), st.floats(0.5, 3))
def test_a_queue_is_served_in_the_order_of_arrival(count: int, served_s: float) -> None:
    head, away = np.zeros(2), np.array([9.0, 0.0])
    steps = (Step(head, served_s, queue=np.array([0.0, -1.0])), Step(away))
    errands = [Errand(3.0 * i, np.array([0.0, -8.0]), steps, 1.3, 1.3) for i in range(count)]

    walks = walked(errands, 120.0, lambda _: np.zeros((0, 3)))

    left = [walk.begins_s + float(walk.queues.sum()) * STEP_S for walk in walks]
    assert left == sorted(left)
    for walk in walks:
        assert np.hypot(*(walk.points[-1] - away)) < 0.6


@given(st.floats(1, 6), st.floats(3, 30), st.floats(0, 20))
def test_a_vehicle_stops_where_it_should_for_as_long_as_it_should(
    speed: float, where: float, stays_s: float
) -> None:
    start, end = np.array([-5.0, -7.0]), np.array([40.0, -7.0])

    drive = driven(0.0, start, end, speed, [(where, stays_s)])

    gone = drive.points[:, 0] - start[0]
    standing = np.abs(gone - where) < 0.06
    assert standing.sum() * STEP_S >= stays_s
    assert (np.diff(gone) >= 0).all()
    assert np.abs(np.diff(gone)).max() <= speed * STEP_S + 1e-9
    assert gone[-1] > 44 - speed


def test_a_rider_gets_off_and_the_e_bike_stays() -> None:
    for seed in range(1, 40):
        scene = small(seed, "yard", lasts_s=20)
        for one in scene.cast.people:
            if one.rides is not None and one.walk is not None:
                off = one.alights_s
                assert one.riding(off - 0.2) is one.rides
                assert one.riding(off + 0.2) is None
                assert np.hypot(*(one.foot(off + 0.1) - one.rides.foot(off))) < 1.5
                assert one.rides.stands(off)
                assert one.rides.ends_s > 1e6
                return
    pytest.fail("in none of the seeds does anybody get off")


@pytest.mark.slow
def test_written_clips_have_their_truth_beside_them(tmp_path: Path) -> None:
    write(tmp_path, 500_000, 0.02, purpose="test", mix="fair", told=lambda _: None, kind="gate")

    truth = json.loads((tmp_path / "truth.json").read_text())

    assert list(truth) == ["gate-500000.mp4"]
    assert truth["gate-500000.mp4"]["kind"] == "gate"
    assert (tmp_path / "gate-500000.mp4").stat().st_size > 10_000
    with pytest.raises(SeedError):
        write(
            tmp_path, 500_000, 0.02, purpose="train", mix="fair", told=lambda _: None, kind="yard"
        )
