"""Home clocks: a home's time is its agent's word, and its observations are taken in time's order.

An agent that was cut off sends its alarms first and its history after. What is ordered waits here
until the agent has said that nothing earlier is to come.
"""

from bisect import insort
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.seen import Seen

WAITING_MAX = 20_000
"""Observations that wait in one home; beyond it the oldest is taken in without waiting longer."""

BLIND_MAX = 64
"""Starts of an agent that wait in one home; the oldest are forgotten first."""


class HomeClock(Struct, frozen=True):
    """One home's time, and what is ahead of it.

    Attributes:
        at: Nothing earlier than this is still to come.
        waiting: Later observations, in the order of their time.
        blind: Later moments until which nobody had watched: starts of the agent.
    """

    at: int = 0
    waiting: tuple[Seen, ...] = ()
    blind: tuple[int, ...] = ()


def wait(clock: HomeClock, seen: Seen) -> tuple[HomeClock, Sequence[Seen]]:
    """Let an observation wait for its time; return what need not wait any longer.

    What comes later than its agent promised is returned at once: the rules know what is late.
    """
    if seen.at < clock.at:
        return clock, (seen,)
    waiting = list(clock.waiting)
    insort(waiting, seen, key=_order)
    if len(waiting) > WAITING_MAX:
        return replace(clock, waiting=tuple(waiting[1:])), (waiting[0],)
    return replace(clock, waiting=tuple(waiting)), ()


def move(clock: HomeClock, at: int) -> tuple[HomeClock, Sequence[Seen]]:
    """Move the clock to `at`; return what its time has come for, in order."""
    if at <= clock.at:
        return clock, ()
    due = 0
    while due < len(clock.waiting) and clock.waiting[due].at < at:
        due += 1
    blind = tuple(moment for moment in clock.blind if moment > at)
    return HomeClock(at, clock.waiting[due:], blind), clock.waiting[:due]


def lose_sight(clock: HomeClock, until: int) -> HomeClock:
    """Note that the agent started at `until`, and had not watched before."""
    blind = sorted({*clock.blind, until})[-BLIND_MAX:]
    return replace(clock, blind=tuple(blind))


def stages(clock: HomeClock, at: int) -> list[tuple[int, bool]]:
    """Return the moments to move the clock to on its way to `at`; True where sight was lost.

    Until the last start of the agent is behind, nobody knows what was watched.
    """
    passed = [(moment, True) for moment in clock.blind if moment <= at]
    return [*passed, (at, len(passed) < len(clock.blind))]


def _order(seen: Seen) -> tuple[int, str]:
    return seen.at, seen.id
