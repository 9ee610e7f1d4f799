"""What a home's clock promises: everything once, in the order of time, whatever came when."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain import homes
from pipeline.brain.homes import HomeClock
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import pir

STEPS = st.lists(
    st.tuples(st.sampled_from(["wait", "wait", "move"]), st.integers(0, 60)), max_size=80
)


@given(STEPS, st.integers(1, 40), st.integers(0, 80))
def test_what_waits_comes_in_the_order_of_its_time_and_none_is_lost(steps, most, cut) -> None:
    clock, model, now = HomeClock(), list[Seen](), 0
    for number, (what, at) in enumerate(steps):
        if number == cut:
            clock = pickle.loads(pickle.dumps(clock))
        before = pickle.dumps(clock)
        if what == "wait":
            seen = pir(at, room=f"room-{number}")
            after, come = homes.wait(clock, seen, most)
            model, due = sorted([*model, seen], key=_order), []
            if at < now:
                model.remove(seen)
                due = [seen]
            elif len(model) > most:
                due = [model.pop(0)]
        else:
            after, come = homes.move(clock, at)
            due = [one for one in model if one.at < at] if at > now else []
            model = [one for one in model if one not in due]
            now = max(now, at)
        assert pickle.dumps(clock) == before, "what was remembered is not changed"
        clock = after
        assert [*come] == due
        assert [*clock.waiting] == model
        assert clock.at == now


def test_a_long_cut_home_costs_no_copy_of_all_that_waits_with_each_that_comes() -> None:
    clock, copied = HomeClock(), 0
    for number in range(10_000):
        before = {id(run.items) for run in clock.runs}
        clock, _ = homes.wait(clock, pir(number * 7_919 % 10_007))
        copied += sum(len(run.items) for run in clock.runs if id(run.items) not in before)

    assert copied < 10_000 * 15  # the logarithm of how many; the square would be 5 * 10**7
    assert len(clock.runs) <= 14


def test_what_is_gone_is_not_remembered_for_long() -> None:
    clock = HomeClock()
    for number in range(1_000):
        clock, _ = homes.wait(clock, pir(number))
    for until in range(1_000):
        clock, _ = homes.move(clock, until)
        assert sum(len(run.items) for run in clock.runs) <= 2 * len(clock.waiting)


def _order(seen: Seen) -> tuple[int, str]:
    return seen.at, seen.id
