"""Home clocks: a home's time is its agent's word, and its observations are taken in time's order.

An agent that was cut off sends its alarms first and its history after. What is ordered waits here
until the agent has said that nothing earlier is to come.
"""

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.seen import Seen

WAITING_MAX = 20_000
"""Observations that wait in one home; beyond it the oldest is taken in without waiting longer."""

BLIND_MAX = 64
"""Starts of an agent that wait in one home; the oldest are forgotten first."""


class Run(Struct, frozen=True):
    """Some of what waits, in the order of its time; the first `gone` wait no more."""

    items: tuple[Seen, ...]
    gone: int = 0

    def __len__(self) -> int:
        return len(self.items) - self.gone


class HomeClock(Struct, frozen=True):
    """One home's time, and what is ahead of it.

    What waits is kept in runs, each more than twice as long as the next, so that a home that was
    cut off for days is not copied with every observation that comes back.

    Attributes:
        at: Nothing earlier than this is still to come.
        runs: Later observations; the longest run first.
        blind: Later moments until which nobody had watched: starts of the agent.
    """

    at: int = 0
    runs: tuple[Run, ...] = ()
    blind: tuple[int, ...] = ()

    @property
    def waiting(self) -> tuple[Seen, ...]:
        """What waits, in the order of its time."""
        return tuple(
            sorted((one for run in self.runs for one in run.items[run.gone :]), key=_order)
        )


def wait(
    clock: HomeClock, seen: Seen, waiting_max: int = WAITING_MAX
) -> tuple[HomeClock, Sequence[Seen]]:
    """Let an observation wait for its time; return what need not wait any longer.

    What comes later than its agent promised is returned at once: the rules know what is late.
    """
    if seen.at < clock.at:
        return clock, (seen,)
    runs = [*clock.runs]
    new = Run((seen,))
    while runs and len(runs[-1]) <= 2 * len(new):
        new = _merged(runs.pop(), new)
    clock = replace(clock, runs=(*runs, new))
    if sum(len(run) for run in clock.runs) <= waiting_max:
        return clock, ()
    first = min(range(len(clock.runs)), key=lambda n: _head(clock.runs[n]))
    run = clock.runs[first]
    return replace(clock, runs=_kept(clock.runs, first, 1)), (run.items[run.gone],)


def move(clock: HomeClock, at: int) -> tuple[HomeClock, Sequence[Seen]]:
    """Move the clock to `at`; return what its time has come for, in order."""
    if at <= clock.at:
        return clock, ()
    due: list[Seen] = []
    runs = clock.runs
    for number in reversed(range(len(runs))):
        run = runs[number]
        until = bisect_left(run.items, at, lo=run.gone, key=lambda seen: seen.at)
        due += run.items[run.gone : until]
        runs = _kept(runs, number, until - run.gone)
    blind = tuple(moment for moment in clock.blind if moment > at)
    return HomeClock(at, runs, blind), sorted(due, key=_order)


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


def _head(run: Run) -> tuple[int, str]:
    return _order(run.items[run.gone])


def _merged(one: Run, other: Run) -> Run:
    items = (*one.items[one.gone :], *other.items[other.gone :])
    return Run(tuple(sorted(items, key=_order)))  # two runs: sorted in one pass


def _kept(runs: tuple[Run, ...], number: int, gone: int) -> tuple[Run, ...]:
    """Return the runs without the first so many of one of them."""
    if not gone:
        return runs
    run = Run(runs[number].items, runs[number].gone + gone)
    if 2 * run.gone > len(run.items):
        run = Run(run.items[run.gone :])  # what is gone takes up more room than what is left
    return (*runs[:number], *((run,) if len(run) else ()), *runs[number + 1 :])
