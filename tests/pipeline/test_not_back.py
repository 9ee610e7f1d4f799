"""What `NotBack` promises, whatever it is shown."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.not_back import ABSENCES_KEPT_MAX, NotBack
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.home_rules import (
    DAY,
    ELDER,
    HOUR,
    MIDNIGHT,
    MINUTE,
    band,
    check_promises,
    door,
    home,
    logs,
    phases,
    pir,
    run,
)
from weinao.messages import Sensor
from weinao.outcomes import Hazard, Phase

RULE = NotBack()


def outing(at: int, hours: float) -> list[Seen]:
    """Return somebody moving, going out by the door, and moving again so many hours later."""
    back = at + round(hours * HOUR)
    return [
        *(pir(at - MINUTE), door(at, 1.0), door(at + 5_000, 0.0)),
        *(door(back - 10_000, 1.0), door(back - 5_000, 0.0), pir(back)),
    ]


def days(count: int, hours: float) -> list[Seen]:
    return [seen for day in range(count) for seen in outing(MIDNIGHT + day * DAY + 9 * HOUR, hours)]


@given(logs(("door", "door", "kitchen", "entrance", "bed", "mother"), gap_min_max=600), st.data())
def test_it_keeps_the_promises_of_all_rules(log: list[Seen], data: st.DataObject) -> None:
    check_promises(RULE, log, data)


@given(st.floats(0.1, 3.9))
def test_nobody_is_missed_within_the_shortest_limit(hours: float) -> None:
    assert phases(RULE, days(10, hours)) == []


@given(st.floats(1, 11.9))
def test_whoever_is_away_half_as_long_again_as_ever_is_missed(hours: float) -> None:
    gone_at = MIDNIGHT + 20 * DAY + 9 * HOUR
    log = [*days(20, hours), *outing(gone_at, 30)]
    due = gone_at + max(round(round(hours * HOUR) // MINUTE * 1.5), 240) * MINUTE

    _, found = run(RULE, log)

    assert [(one.phase, one.at) for one in found] == [
        (Phase.RAISED, due),
        (Phase.CLEARED, gone_at + 30 * HOUR),
    ]


def test_a_home_not_known_yet_waits_twelve_hours() -> None:
    assert phases(RULE, days(3, 11)) == []
    assert phases(RULE, days(1, 12.1)) == [Phase.RAISED, Phase.CLEARED]


def test_nobody_is_missed_where_others_live() -> None:
    log = [
        door(MIDNIGHT, 0.0),
        pir(MIDNIGHT + 1, alone=False),
        door(MIDNIGHT + 2, 1.0, alone=False),
    ]

    assert phases(RULE, log, MIDNIGHT + 10 * DAY) == []


def test_a_contact_inside_tells_that_somebody_is_back_unless_it_repeats_itself() -> None:
    gone_at = MIDNIGHT + 10 * DAY + 9 * HOUR
    log = [
        home(gone_at - HOUR, Sensor.CHAIR, 0.0, "kitchen"),
        *days(10, 2),
        *outing(gone_at, 1)[:3],
    ]
    log.sort(key=lambda seen: seen.at)

    repeats = [*log, home(gone_at + HOUR, Sensor.CHAIR, 0.0, "kitchen")]
    sits = [*log, home(gone_at + HOUR, Sensor.CHAIR, 1.0, "kitchen")]

    assert phases(RULE, repeats, gone_at + DAY) == [Phase.RAISED]
    assert phases(RULE, sits, gone_at + DAY) == []


def test_a_journey_is_no_habit() -> None:
    log = [*days(10, 2), *outing(MIDNIGHT + 10 * DAY + 9 * HOUR, 60)]
    state, _ = run(RULE, log)

    assert RULE.limit_min(state, MIDNIGHT + 13 * DAY) == 240


def test_whoever_may_have_come_back_unseen_has_time_to_be_seen() -> None:
    gone_at = MIDNIGHT + 10 * DAY + 9 * HOUR
    state, _ = run(RULE, [*days(10, 2), *outing(gone_at, 1)[:3]])
    state = RULE.lose_sight(state, gone_at + 4 * HOUR)

    assert RULE.pass_time(state, gone_at + 8 * HOUR - 1)[1] == ()
    assert RULE.pass_time(state, gone_at + 8 * HOUR)[1] != ()


def test_what_it_remembers_is_bounded() -> None:
    log = [seen for hour in range(300) for seen in outing(MIDNIGHT + hour * 2 * HOUR, 1)]

    assert len(run(RULE, log)[0].absences) == ABSENCES_KEPT_MAX


def hers(at: int, **said: Any) -> Seen:
    """Return a reading of the wearable of somebody who lives alone."""
    return replace(band(at, ELDER, **said), alone=True)


def test_whoever_is_heard_by_her_wearable_at_home_is_not_missed() -> None:
    gone_at = MIDNIGHT + 10 * DAY + 9 * HOUR
    went = [*days(10, 2), pir(gone_at - MINUTE), door(gone_at, 1.0), door(gone_at + 5_000, 0.0)]
    heard = hers(gone_at + HOUR)

    assert phases(RULE, went, gone_at + 10 * HOUR) == [Phase.RAISED]
    assert phases(RULE, [*went, heard], gone_at + 10 * HOUR) == []
    # In the stairwell, off her wrist, or behind another agent it says nothing.
    for other in (
        hers(gone_at + MINUTE),
        hers(gone_at + HOUR, worn=False),
        replace(heard, place="agent-2"),
    ):
        assert phases(RULE, [*went, other], gone_at + 10 * HOUR) == [Phase.RAISED]


def test_whoever_is_missed_and_then_heard_is_back() -> None:
    gone_at = MIDNIGHT + 10 * DAY + 9 * HOUR
    went = [*days(10, 2), pir(gone_at - MINUTE), door(gone_at, 1.0)]

    assert phases(RULE, [*went, hers(gone_at + 6 * HOUR)]) == [Phase.RAISED, Phase.CLEARED]


def test_what_a_wearable_kept_while_she_was_away_brings_nobody_back() -> None:
    gone_at = MIDNIGHT + 10 * DAY + 9 * HOUR
    went = [*days(10, 2), pir(gone_at - MINUTE), door(gone_at, 1.0)]
    state, _ = run(RULE, went, gone_at + 2 * HOUR)

    _, found = run(RULE, [hers(gone_at + HOUR)], gone_at + 10 * HOUR, state)

    assert [one.phase for one in found if isinstance(one, Hazard)] == [Phase.RAISED]
