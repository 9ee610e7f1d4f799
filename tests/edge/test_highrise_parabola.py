"""What holds for parabolas, and for the physics that tells a fall from all else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.perception.highrise.gate import SHIPPED, refused
from edge.perception.highrise.parabola import through
from edge.perception.highrise.relink import Track, goes_on
from tests.edge.highrise_made import dropped, track_of

speeds = st.floats(-3, 3)


def judged(track: Track, *, wet: bool = False) -> str:
    return refused(track, SHIPPED, metric=True, wet=wet, height_m=60.0)


@given(speeds, st.floats(0, 8), st.floats(3, 12), st.integers(5, 60))
def test_a_parabola_is_found_again_from_its_points(
    across: float, down: float, pull: float, count: int
) -> None:
    t_s = np.arange(count) / 25
    m = np.column_stack([3 + across * t_s, -30 + down * t_s + pull * t_s**2 / 2])

    found = through(t_s, m)

    assert found.at(t_s) == pytest.approx(m, abs=1e-4)
    assert found.pull_at(float(t_s[0])) == pytest.approx(pull, abs=0.02)
    assert found.speed_at(0.0) == pytest.approx(down, abs=0.02)


@given(st.floats(-1e5, 1e5), st.floats(-50, 50), st.floats(-50, 50))
def test_where_and_when_a_fall_happens_changes_nothing_about_it(
    later: float, right: float, lower: float
) -> None:
    t_s, m = dropped(terminal_ms=25, drop_m=10, fps=25)

    moved = track_of(t_s + later, m + np.array([right, lower]))

    assert judged(moved) == judged(track_of(t_s, m)) == ""
    assert moved.drop_m == pytest.approx(track_of(t_s, m).drop_m, abs=1e-6)


@given(
    terminal=st.floats(11, 60),
    fps=st.sampled_from([15.0, 20.0, 25.0, 30.0]),
    thrown=st.floats(-1, 3),
    across=st.floats(-3, 3),
    noise=st.integers(0, 1_000),
)
def test_whatever_is_dropped_or_thrown_and_gets_fast_passes(
    terminal: float, fps: float, thrown: float, across: float, noise: int
) -> None:
    t_s, m = dropped(terminal_ms=terminal, drop_m=11, fps=fps, down_ms=thrown, across_ms=across)

    seen = m + np.random.default_rng(noise).normal(0, 0.03, m.shape)

    assert judged(track_of(t_s, seen)) == ""


@given(st.floats(0.5, 4), st.floats(-2, 2))
def test_leaves_bags_and_paper_never_get_fast(sinks: float, drifts: float) -> None:
    t_s, m = dropped(terminal_ms=sinks, drop_m=14, fps=25, across_ms=drifts)

    assert judged(track_of(t_s, m)) != ""


@given(st.floats(0.1, 60))
def test_what_keeps_its_speed_does_not_fall(speed: float) -> None:
    t_s = np.arange(0, 14 / speed, max(1 / 25, 14 / speed / 200))
    m = np.column_stack([np.zeros(len(t_s)), -40 + speed * t_s])
    if len(t_s) >= 4:
        assert judged(track_of(t_s, m)) != ""


@given(first=st.floats(0, 4), last=st.floats(19, 24), noise=st.integers(0, 1_000))
def test_what_ends_with_more_than_gravity_does_not_fall(
    first: float, last: float, noise: int
) -> None:
    t_s = np.arange(0, 1.21, 1 / 25)
    gains = (last - first) / 1.2
    down = 2 * t_s + first * t_s**2 / 2 + gains * t_s**3 / 6
    m = np.column_stack([np.zeros(len(t_s)), down - 40])
    seen = m + np.random.default_rng(noise).normal(0, 0.02, m.shape)

    assert judged(track_of(t_s, seen)) == "end"


@given(st.integers(0, 10_000), st.sampled_from([15.0, 25.0]), st.floats(0.04, 0.1))
def test_the_error_of_the_last_acceleration_is_what_noise_makes_of_it(
    seed: int, fps: float, noise_m: float
) -> None:
    rng = np.random.default_rng(seed)
    t_s = np.arange(0, 1.2, 1 / fps)
    m = np.column_stack([np.zeros(len(t_s)), 9.81 * t_s**2 / 2 - 40])
    ends = [track_of(t_s, m + rng.normal(0, noise_m, m.shape)).pull_end() for _ in range(60)]
    off = np.array([(end - 9.81) / error for end, error in ends])

    assert 0.6 < off.std() < 1.6
    assert abs(off.mean()) < 0.6


@given(st.floats(2.5, 5.5), st.sampled_from([-1, 1]), st.integers(0, 1_000))
def test_a_bird_that_dives_and_turns_its_dive_into_flight_does_not_fall(
    aside: float, side: int, noise: int
) -> None:
    t_s = np.arange(0, 1.26, 1 / 25)
    down = -40 + 5.5 * t_s**2 - 7 / 6 * t_s**3  # from 11 m/s² to 2, and to 8 m/s
    m = np.column_stack([side * aside / 2 * t_s**2, down])
    m += np.random.default_rng(noise).normal(0, 0.03, m.shape)

    assert judged(track_of(t_s, m)) == "swerve"
    assert judged(track_of(t_s, m * [0, 1])) == ""


@given(terminal=st.floats(22, 60), aside=st.floats(-4, 4), noise=st.integers(0, 1_000))
def test_a_storm_may_push_aside_what_it_does_not_stop(
    terminal: float, aside: float, noise: int
) -> None:
    t_s, m = dropped(terminal_ms=terminal, drop_m=9, fps=25)
    m[:, 0] += aside / 2 * t_s**2
    seen = m + np.random.default_rng(noise).normal(0, 0.03, m.shape)

    assert judged(track_of(t_s, seen)) == ""


@given(st.floats(5, 10))
def test_a_bird_that_dives_and_brakes_does_not_fall(brakes: float) -> None:
    t_s = np.arange(0, 2.0, 1 / 25)
    speed = np.where(t_s < 0.9, 6 * t_s, np.maximum(5.4 - brakes * (t_s - 0.9), 0.5))
    m = np.column_stack([3 * t_s, -40 + np.cumsum(speed) / 25])

    assert judged(track_of(t_s, m)) != ""


@given(st.floats(0, 1), st.floats(0.02, 0.98), st.floats(0, 0.5))
def test_more_sightings_are_more_evidence_and_more_clutter_is_less(
    hits: float, chance: float, more: float
) -> None:
    t_s, m = dropped(terminal_ms=25, drop_m=10, fps=25)
    hits = max(hits, 0.05)

    def evidence(share: float, clutter: float) -> float:
        seen = max(int(len(t_s) * share), 3)
        return track_of(t_s[:seen], m[:seen], hits=share, chance=clutter).evidence()

    assert evidence(hits, min(chance + more, 0.98)) <= evidence(hits, chance) + 1e-9
    assert evidence(min(hits + more, 1), chance) >= evidence(hits, chance) - 1e-9
    if hits <= chance:
        assert evidence(hits, chance) == 0


@given(
    terminal=st.floats(11, 40),
    seen=st.floats(8, 15),
    lost=st.floats(20, 70),
    noise=st.integers(0, 1_000),
)
def test_a_thing_that_was_lost_on_its_way_down_is_the_same_thing_below(
    terminal: float, seen: float, lost: float, noise: int
) -> None:
    t_s, m = dropped(terminal_ms=terminal, drop_m=100, fps=25)
    m = m + np.random.default_rng(noise).normal(0, 0.03, m.shape)
    above, below = m[:, 1] < seen - 40, m[:, 1] > seen + lost - 40
    first, later = track_of(t_s[above], m[above]), track_of(t_s[below][:25], m[below][:25])

    assert goes_on(first, later)
    assert not goes_on(later, first)


@given(st.floats(11, 40), st.floats(4, 8), st.floats(0, 20))
def test_what_is_thrown_from_where_the_first_passed_long_ago_is_another(
    terminal: float, later_s: float, lower: float
) -> None:
    t_s, m = dropped(terminal_ms=terminal, drop_m=10, fps=25)

    assert not goes_on(track_of(t_s, m), track_of(t_s + later_s, m + np.array([0, lower])))


def test_in_rain_and_snow_more_floors_are_asked_for() -> None:
    t_s, m = dropped(terminal_ms=25, drop_m=7.0, fps=25)

    assert judged(track_of(t_s, m)) == ""
    assert judged(track_of(t_s, m), wet=True) == "drop"
