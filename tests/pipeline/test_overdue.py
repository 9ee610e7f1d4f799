"""What is promised about tests that are overdue."""

import pickle

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.overdue import OverdueTest
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Registered
from weinao.outcomes import Phase, Risk
from weinao.registry import Device, Record, Resident

RULE = OverdueTest()
DAY = 86_400_000
SMOKE = Device(
    id="smoke-1", agent="agent-1", household="home-1", room="kitchen",
    tested_at=START - 20 * DAY, test_every_days=30,
)  # fmt: skip


def entered(record: Record, day: float = 0) -> Seen:
    at = START + round(day * DAY)
    return Seen(
        id=f"loader:{at}:{record.id}",
        device="loader",
        at=at,
        received_at=at,
        observation=Registered(at=at, record=record),
        subject=record.id,
        household="",
    )


def run(*steps: Seen | float) -> list[Risk]:
    """Enter records, and let time pass to days."""
    state, found = RULE.initial("test_overdue", ""), []
    for step in steps:
        state = pickle.loads(pickle.dumps(state))
        if isinstance(step, Seen):
            state, risks = RULE.observe(state, step)
        else:
            state, risks = RULE.pass_time(state, START + round(step * DAY))
        found += risks
    return found


def test_it_is_overdue_a_day_after_it_was_due_and_over_with_the_next_test() -> None:
    tested = replace(SMOKE, tested_at=START + 20 * DAY)
    raised, over = run(entered(SMOKE), 10.9, 11, 12, entered(tested, 20), 25)

    assert (raised.at, raised.household) == (START + 11 * DAY, "home-1")
    assert (raised.propose, raised.role) == ("test_overdue.test", "property")
    assert (over.phase, over.id) == (Phase.CLEARED, raised.id)


@given(st.lists(st.floats(0, 100), max_size=10))
def test_how_often_time_passes_does_not_matter(days) -> None:
    assert run(entered(SMOKE), *sorted(days), 100) == run(entered(SMOKE), 100)


@given(st.lists(st.integers(0, 60), max_size=8, unique=True), st.randoms())
def test_each_device_is_reported_once_in_whatever_order_they_were_entered(ages, random) -> None:
    devices = [
        replace(SMOKE, id=f"smoke-{age}", tested_at=START - age * DAY) for age in ages
    ]  # fmt: skip
    random.shuffle(devices)
    told = run(*map(entered, devices), *map(entered, devices), 5, 6)

    assert {risk.subject for risk in told} == {f"smoke-{age}" for age in ages if age >= 25}
    assert len(told) == len({risk.subject for risk in told})


def test_one_that_was_never_tested_counts_from_when_it_was_first_known() -> None:
    never = replace(SMOKE, tested_at=None)

    assert run(entered(never), entered(never, 20), 30.9) == []
    assert len(run(entered(never), entered(never, 20), 31)) == 1


def test_one_that_need_not_be_tested_any_more_is_no_risk() -> None:
    free = replace(SMOKE, test_every_days=None)

    assert [r.phase for r in run(entered(SMOKE), 11, entered(free, 12))] == [
        Phase.RAISED,
        Phase.CLEARED,
    ]
    assert run(entered(free), 100) == []
    assert run(entered(replace(SMOKE, valid_to=START + DAY)), 100) == []


def test_only_devices_concern_it() -> None:
    assert RULE.subject_of(entered(Resident(id="resident-1", household="home-1"))) is None
    assert RULE.subject_of(entered(SMOKE)) == "test_overdue"
