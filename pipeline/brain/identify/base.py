"""The shape every rule has: thresholds in the rule, memory in the state, no clock of its own."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from pipeline.brain.perceive.seen import Seen
from weinao.outcomes import Hazard, HealthScore, Risk

S = TypeVar("S")

Finding = Hazard | Risk | HealthScore
"""What a rule may conclude; of these, people answer for hazards."""

EVIDENCE_MAX = 16
"""Ids of observations that a hazard names at most; the journal holds the others."""


class Rule(Protocol[S]):
    """A pure decision about one subject.

    Attributes:
        name: Tells its states from those of other rules; never changes once used.
        ordered: True to be shown a home's observations in the order of their time, once its agent
            has said that nothing earlier is to come; False to be shown them as they arrive.
            Registry records, too, are shown as they arrive, and to rules that are not ordered.
        communal: True for time to be the community's: `pass_time` is called with every tick.
    """

    @property
    def name(self) -> str: ...

    @property
    def ordered(self) -> bool: ...

    @property
    def communal(self) -> bool: ...

    def subject_of(self, seen: Seen) -> str | None:
        """Return whose state an observation concerns; None for nobody's."""

    def initial(self, subject: str, household: str) -> S:
        """Return what is known of a subject before anything was seen."""

    def observe(self, state: S, seen: Seen) -> tuple[S, Sequence[Finding]]:
        """Take in one observation. A late or repeated one must not rewrite what is newer."""

    def pass_time(self, state: S, at: int) -> tuple[S, Sequence[Finding]]:
        """The home's clock has reached `at`: nothing earlier is still to come."""

    def lose_sight(self, state: S, at: int) -> S:
        """Nobody watched up to `at`: what was not seen until then is no sign of anything."""


def advance(rule: Rule[S], state: S, seen: Seen) -> tuple[S, Sequence[Finding]]:
    """Let time pass up to the observation, then take the observation in."""
    state, by_time = rule.pass_time(state, seen.at)
    state, by_fact = rule.observe(state, seen)
    return state, (*by_time, *by_fact)
