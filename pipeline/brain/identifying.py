"""All rules over all homes of one grid: what each remembers, and whose word its time goes by.

    observation -> rules that act at once
                -> waits in its home until its agent has said that nothing earlier is to come
    heartbeat   -> what waited, in the order of its time, then time itself -> ordered rules
    tick        -> rules whose time is the community's
                -> homes whose agent gives its word no more, though its devices speak

Nobody promises anything for an agent that is silent. What its devices say still reaches the rules,
a while later than it would, as of a home that nobody watched: what was not seen is no sign.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from pipeline.brain import homes
from pipeline.brain.homes import HomeClock
from pipeline.brain.identify.base import Finding, Rule, advance
from pipeline.brain.learn.lesson import Change, Lesson, learners
from pipeline.brain.perceive.seen import Seen

StateKey = tuple[str, str]

COMMUNAL = ""
"""Stands for a place where states go by the community's clock."""

PATIENCE_MS = 60_000
"""How long what a home says waits for the word of an agent that is silent. Ours: an agent that is
back sends its heartbeat right behind its alarms, and before what is old."""


class IdentifyState(Struct, frozen=True, kw_only=True):
    """What rules remember, and what waits for them.

    Attributes:
        states: For each rule, by name, and each subject, what it remembers.
        at_home: For each place, the states that its clock moves.
        clocks: For each place, its time, and what waits for it.
        waiting: The places where something waits, and since when, by the community's clock, it has
            waited without a word of the agent; longest first.
    """

    states: dict[str, dict[str, Any]] = {}
    at_home: dict[str, tuple[StateKey, ...]] = {}
    clocks: dict[str, HomeClock] = {}
    waiting: dict[str, int] = {}


class Identify:
    """Shows rules what they are to see, in the order that each needs.

    Args:
        rules: In the order in which their hazards appear; their names are distinct.
        resume: What was remembered earlier.
    """

    def __init__(self, rules: Sequence[Rule[Any]], resume: IdentifyState) -> None:
        self._rule = {rule.name: rule for rule in rules}
        self._at_once = tuple(rule for rule in rules if not rule.ordered)
        self._in_order = tuple(rule for rule in rules if rule.ordered)
        self._learners = learners(rules)
        self._states = {rule.name: dict(resume.states.get(rule.name, {})) for rule in rules}
        self._at_home = dict(resume.at_home)
        self._clocks = dict(resume.clocks)
        self._waiting = dict(resume.waiting)

    def snapshot(self) -> IdentifyState:
        """Return all that is remembered; what comes later does not change it."""
        return IdentifyState(
            states={name: dict(states) for name, states in self._states.items() if states},
            at_home=dict(self._at_home),
            clocks=dict(self._clocks),
            waiting=dict(self._waiting),
        )

    def behind_ms(self, place: str, now: int) -> int:
        """Return how long the clock of a place has been behind the community's, milliseconds."""
        clock = self._clocks.get(place)
        return max(0, now - clock.at) if clock is not None and clock.at else 0

    def at_once(self, seen: Seen) -> Iterator[Sequence[Finding]]:
        """Show an observation to the rules that act at once; yield what each finds, if it does."""
        for rule in self._at_once:
            if findings := self._show(rule, seen, _observe):
                yield findings

    def in_turn(self, seen: Seen) -> Iterable[Finding]:
        """Let an observation wait for its time; yield what follows if it need not."""
        if not seen.place:
            return ()
        clock, due = homes.wait(self._clock(seen.place), seen)
        self._clocks[seen.place] = clock
        if clock.runs:
            self._waiting.setdefault(seen.place, seen.received_at)
        return self._ordered(due) if due else ()

    def lose_sight(self, place: str, until: int) -> None:
        """Note that nobody watched a place up to a moment, for when its clock comes there."""
        self._clocks[place] = homes.lose_sight(self._clock(place), until)

    def reach(
        self, place: str, at: int, now: int, blind: Callable[[str], bool]
    ) -> Iterator[Finding]:
        """Let a place's clock reach a moment: what waited for its time, then time itself.

        Args:
            place: Which.
            at: Nothing earlier is to come.
            now: The community's clock.
            blind: Whether a place cannot be seen at present, as it is then.
        """
        for until, unseen in homes.stages(self._clock(place), at):
            self._clocks[place], come = homes.move(self._clock(place), until)
            yield from self._ordered(come)
            if unseen or blind(place):
                for name, subject in self._at_home.get(place, ()):
                    states = self._states[name]
                    states[subject] = self._rule[name].lose_sight(states[subject], until)
        for name, subject in self._at_home.get(place, ()):
            states = self._states[name]
            states[subject], findings = self._rule[name].pass_time(states[subject], at)
            yield from findings
        self._wait_from(place, now)

    def tick(self, now: int) -> Iterator[Sequence[Finding]]:
        """Let the community's clock reach a moment; yield what each rule finds that goes by it."""
        for name, subject in self._at_home.get(COMMUNAL, ()):
            states = self._states[name]
            states[subject], findings = self._rule[name].pass_time(states[subject], now)
            yield findings

    def unpromised(self, now: int) -> list[str]:
        """Return the places where something has waited for too long since a word of an agent."""
        found = []
        for place, since in self._waiting.items():
            if now - since < PATIENCE_MS:
                break
            found.append(place)
        for place in found:
            self._wait_from(place, now)  # looked at again later, whatever becomes of it
        return found

    def go_on(self, place: str, now: int, blind: Callable[[str], bool]) -> Iterator[Finding]:
        """Let a place go on without a word of its agent, up to the newest that has waited long."""
        waiting = self._clock(place).waiting
        long = [seen.at for seen in waiting if now - seen.received_at >= PATIENCE_MS]
        if long:
            self.lose_sight(place, max(long) + 1)
            yield from self.reach(place, max(long) + 1, now, blind)

    def learn(
        self, lesson: Lesson, subjects: Iterable[str]
    ) -> Iterator[tuple[str, Sequence[Change]]]:
        """Let rules learn from what somebody said; yield each one's name, and what changed."""
        for rule in self._learners:
            states = self._states[rule.name]
            for subject in dict.fromkeys(subjects):
                if subject in states:
                    states[subject], changes = rule.learn(states[subject], lesson)
                    yield rule.name, changes

    def _clock(self, place: str) -> HomeClock:
        return self._clocks.get(place, _NO_CLOCK)

    def _wait_from(self, place: str, now: int) -> None:
        self._waiting.pop(place, None)
        if self._clock(place).runs:
            self._waiting[place] = now

    def _ordered(self, due: Iterable[Seen]) -> Iterator[Finding]:
        for seen in due:
            for rule in self._in_order:
                yield from self._show(rule, seen, advance)

    def _show(self, rule: Rule[Any], seen: Seen, take_in: "_TakeIn") -> Sequence[Finding]:
        subject = rule.subject_of(seen)
        if subject is None:
            return ()
        states = self._states[rule.name]
        if subject not in states:
            states[subject] = rule.initial(subject, seen.household)
            clock = COMMUNAL if rule.communal else seen.place
            self._at_home[clock] = (*self._at_home.get(clock, ()), (rule.name, subject))
        states[subject], findings = take_in(rule, states[subject], seen)
        return findings


_NO_CLOCK = HomeClock()

_TakeIn = Callable[[Rule[Any], Any, Seen], tuple[Any, Sequence[Finding]]]
"""How a rule is shown an observation: with the time that passed before it, or by itself."""


def _observe(rule: Rule[Any], state: object, seen: Seen) -> tuple[object, Sequence[Finding]]:
    return rule.observe(state, seen)
