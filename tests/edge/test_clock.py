"""Clocks: event time never falls within one start of a driver, and never runs ahead for long."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import STEP_MS_MAX, ClockQuality, ClockSteppedError, RisingClock, sleep_until
from tests.edge.made import NOW
from weinao.clock import Clock, now_ms
from weinao.messages import TimeQuality


@given(st.lists(st.integers(-STEP_MS_MAX // 20, 5_000), max_size=20))
def test_time_never_falls_over_small_steps(steps: list[int]) -> None:
    wall = [NOW]
    clock = RisingClock(lambda: wall[0])
    seen = []
    for step in steps:
        wall[0] += step
        seen.append(clock())

    assert seen == sorted(seen)


def test_a_large_step_back_starts_anew() -> None:
    wall = [NOW]
    clock = RisingClock(lambda: wall[0])
    clock()
    wall[0] -= STEP_MS_MAX + 1

    with pytest.raises(ClockSteppedError):
        clock()


def test_a_clock_that_was_synchronised_once_holds_over() -> None:
    synchronised = [False]
    quality = ClockQuality("auto", lambda: synchronised[0])

    before = quality()
    synchronised[0] = True
    then = quality()
    synchronised[0] = False

    assert (before, then, quality()) == (
        TimeQuality.UNSYNCED, TimeQuality.SYNCED, TimeQuality.HOLDOVER,
    )  # fmt: skip
    assert ClockQuality("synced", lambda: False)() is TimeQuality.SYNCED


def test_the_system_answers() -> None:
    assert ClockQuality("auto")() in set(TimeQuality)


def test_on_a_fast_clock_one_sleeps_as_much_shorter() -> None:
    began = time.monotonic()
    fast = Clock(set_at=now_ms(), shows=NOW, speed=600)

    asyncio.run(sleep_until(NOW + 120_000, fast, fast.speed))

    assert fast() >= NOW + 120_000
    assert 0.19 < time.monotonic() - began < 60  # and not the two minutes
