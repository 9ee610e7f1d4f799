"""Answers: what a person says about an incident, and what follows from it.

ack, accept, arrive -> it is theirs for a while      resolve -> somebody else is asked to verify
decline, reopen     -> the next is asked, or the first again     verify -> closed, and rated
"""

from collections.abc import Iterable

from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond.asking import Asking
from pipeline.brain.respond.causes import matter_of
from pipeline.brain.respond.docket import Docket
from pipeline.brain.respond.ladder import may_answer, plan_of
from pipeline.brain.respond.lifecycle import BRAIN, ActionNotAllowedError, take
from pipeline.brain.respond.policy import Policy
from weinao.ids import REPORTER
from weinao.messages import Action, Feedback
from weinao.outcomes import AnyOutcome, Incident

_NOT_FOR_PEOPLE = (Action.OPEN, Action.DISPATCH, Action.MERGE, Action.CLOSE)


class FeedbackRefusedError(Exception):
    """An answer that cannot be taken; the message says why. Set it aside."""


class UnknownIncidentError(FeedbackRefusedError):
    """No such incident is, or was lately, in this grid."""


class Answers:
    """Takes the answers of the people of one grid.

    Args:
        grid: Its id.
        policy: How incidents are handled.
        docket: Holds them.
        asking: Asks people about them.
    """

    def __init__(self, grid: str, policy: Policy, docket: Docket, asking: Asking) -> None:
        self._grid, self._policy, self._docket, self._asking = grid, policy, docket, asking

    def take(self, said: Feedback, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Move an incident as a person asks.

        Raises:
            UnknownIncidentError: No such incident.
            FeedbackRefusedError: Not theirs to answer, or not possible from where it stands.
        """
        incident = self._docket.find(said.incident, now)
        if incident is None:
            raise UnknownIncidentError(f"no incident {said.incident} in grid {self._grid}")
        if not may_answer(known, incident, said.actor, now):
            raise FeedbackRefusedError(
                f"{said.actor} is neither a contact of {incident.subject}, nor staff of"
                f" {self._grid}, nor who reported it"
            )
        if said.action in _NOT_FOR_PEOPLE:
            raise FeedbackRefusedError(f"{said.action} is not for people to send")
        self._check(said, incident, known, now)
        try:
            moved = take(incident, said.action, said.actor, now, said.note)
        except ActionNotAllowedError as error:
            raise FeedbackRefusedError(str(error)) from error
        return self._after(moved, said, known, now)

    def _check(self, said: Feedback, incident: Incident, known: Registered, now: int) -> None:
        """Refuse what the table of the life cycle cannot know to be wrong."""
        if said.action is Action.DECLINE and said.actor != incident.assignee:
            raise FeedbackRefusedError(
                f"incident {incident.id} is {incident.assignee}'s to decline, not {said.actor}'s"
            )
        if said.action is not Action.RATE and said.actor.startswith(f"{REPORTER}-"):
            raise FeedbackRefusedError("who reported without a name can only rate the handling")
        if (said.action is Action.RATE) != (said.rating is not None):
            raise FeedbackRefusedError("a rating from 1 to 5 goes with rate, and with nothing else")
        other = self._docket.active(matter_of(incident))
        if said.action is Action.REOPEN and other is not None and other.id != incident.id:
            raise FeedbackRefusedError(
                f"incident {other.id} of {incident.subject} is open already: comment on that one"
            )
        heals = plan_of(self._policy, known, incident, now).heals
        if said.action is Action.VERIFY and heals and incident.standing:
            raise FeedbackRefusedError(
                f"incident {incident.id} goes on, say its sensors: mend it, or dismiss it"
            )

    def _after(
        self, moved: Incident, said: Feedback, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Return what follows from a person's action on an incident that it has moved."""
        action, actor = said.action, said.actor
        plan = plan_of(self._policy, known, moved, now)
        resolve_by = now + plan.resolve_s_max * 1_000
        if action in (Action.DECLINE, Action.REOPEN):
            # A look at it again after it was over makes it the one that takes in what follows.
            self._docket.claim(moved)
            return self._docket.keep_with(self._asking.to_act(moved, known, now), now)
        if action is Action.ACK and actor == moved.assignee and _acks(moved) == 1:
            moved = replace(moved, due_at=max(moved.due_at or 0, now + plan.accept_s_max * 1_000))
        elif action in (Action.ACCEPT, Action.ARRIVE):
            told = tuple(dict.fromkeys((*moved.told, actor)))
            moved = replace(moved, assignee=actor, told=told, due_at=resolve_by)
        elif action is Action.RESOLVE:
            return self._docket.keep_with(self._asking.to_verify(moved, known, now), now)
        elif action is Action.VERIFY:
            closed = self._docket.keep(take(moved, Action.CLOSE, BRAIN, now), now)
            return (closed, *self._asking.to_rate(closed, known, now))
        elif action is Action.RATE:
            moved = replace(moved, rating=said.rating)
        return (self._docket.keep(moved, now),)


def _acks(incident: Incident) -> int:
    """Return how often the incident was acknowledged since it was dispatched last."""
    count = 0
    for step in reversed(incident.steps):
        if step.action is Action.DISPATCH:
            break
        count += step.action is Action.ACK
    return count
