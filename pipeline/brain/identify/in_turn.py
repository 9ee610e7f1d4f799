"""In turn: an ordered rule that also has to know who lives in the home.

Registry records are shown as they arrive, and to rules that are not ordered. So this one takes a
home's observations as they arrive, keeps them until the home's clock has come to them, and shows
them to the rule inside in the order of their time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain import homes
from pipeline.brain.homes import HomeClock
from pipeline.brain.identify.base import Finding, Rule, advance
from pipeline.brain.perceive.seen import Seen
from weinao.messages import Registered
from weinao.registry import Resident, TagGrant

S = TypeVar("S")

PEOPLE_MAX = 32
"""Residents of one home that are remembered; the longest known go first."""


class InTurnState(Struct, Generic[S], frozen=True):
    """What is remembered of one subject: what waits for its time, and what the rule knows."""

    clock: HomeClock
    inner: S


class InTurn(Struct, Generic[S], frozen=True):
    """Show a rule registry records at once, and observations in the order of their time."""

    rule: Rule[S]
    ordered: bool = False
    communal: bool = False

    @property
    def name(self) -> str:
        return self.rule.name

    def subject_of(self, seen: Seen) -> str | None:
        return self.rule.subject_of(seen)

    def initial(self, subject: str, household: str) -> InTurnState[S]:
        return InTurnState(HomeClock(), self.rule.initial(subject, household))

    def observe(
        self, state: InTurnState[S], seen: Seen
    ) -> tuple[InTurnState[S], Sequence[Finding]]:
        if isinstance(seen.observation, Registered):
            inner, findings = self.rule.observe(state.inner, seen)
            return replace(state, inner=inner), findings
        clock, due = homes.wait(state.clock, seen)
        return self._show(replace(state, clock=clock), due)

    def pass_time(self, state: InTurnState[S], at: int) -> tuple[InTurnState[S], Sequence[Finding]]:
        findings: list[Finding] = []
        for until, blind in homes.stages(state.clock, at):
            clock, come = homes.move(state.clock, until)
            state, found = self._show(replace(state, clock=clock), come)
            findings += found
            if blind:
                state = replace(state, inner=self.rule.lose_sight(state.inner, until))
        inner, more = self.rule.pass_time(state.inner, at)
        return replace(state, inner=inner), (*findings, *more)

    def lose_sight(self, state: InTurnState[S], at: int) -> InTurnState[S]:
        """Note it for when the home's clock has come there; nobody asks before."""
        return replace(state, clock=homes.lose_sight(state.clock, at))

    def _show(
        self, state: InTurnState[S], due: Sequence[Seen]
    ) -> tuple[InTurnState[S], list[Finding]]:
        findings: list[Finding] = []
        inner = state.inner
        for seen in due:
            inner, more = advance(self.rule, inner, seen)
            findings += more
        return replace(state, inner=inner), findings


def state_type(rule: Rule[Any]) -> object:
    """Return of what type the states of a rule are."""
    if isinstance(rule, InTurn):
        return InTurnState[state_type(rule.rule)]  # type: ignore[misc]  # known only when it runs
    return type(rule.initial("", ""))


class Person(Struct, frozen=True, kw_only=True):
    """What rules about a home need to know of who lives there."""

    birth_year: int | None = None
    tags: tuple[TagGrant, ...] = ()
    valid_from: int = 0
    valid_to: int | None = None

    def lives_here(self, at: int) -> bool:
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)

    def tagged(self, tag: str, at: int) -> bool:
        return any(
            one.tag == tag and (one.valid_to is None or at < one.valid_to) for one in self.tags
        )

    def years(self, at: int) -> int | None:
        """Return the age reached in the year of an instant; None where nobody entered it."""
        if self.birth_year is None:
            return None
        return datetime.fromtimestamp(at / 1_000, tz=UTC).year - self.birth_year


People = dict[str, Person]
"""Who lives in one home, by id."""


def living(people: People, at: int) -> People:
    """Return those whose registration holds at an instant."""
    return {who: person for who, person in people.items() if person.lives_here(at)}


def resident_in(seen: Seen) -> Resident | None:
    """Return the resident whom a registry record is about, if it is about one."""
    said = seen.observation
    if isinstance(said, Registered) and isinstance(said.record, Resident):
        return said.record
    return None


def with_resident(people: People, who: Resident) -> People:
    """Return the people of a home with a resident's newest record."""
    person = Person(
        birth_year=who.birth_year,
        tags=who.tags,
        valid_from=who.valid_from,
        valid_to=who.valid_to,
    )
    others = [(known, one) for known, one in people.items() if known != who.id]
    return dict([*others, (who.id, person)][-PEOPLE_MAX:])
