"""The desk: every hazard finds its incident, every incident somebody to answer for it.

hazard     -> intake: a new incident, dispatched; or one more cause of the one that is open
feedback   -> answers: the life cycle, and the next person to ask
receipt    -> the order it answers
delivery   -> the next person, where nothing reached who was asked
deadline   -> the next of the ladder, and around again: no incident is ever just waiting
"""

from collections.abc import Iterable

from msgspec import Struct

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond import orders
from pipeline.brain.respond.answers import Answers
from pipeline.brain.respond.asking import Asked, Asking
from pipeline.brain.respond.docket import Docket, DocketState
from pipeline.brain.respond.healing import healed, opened_by
from pipeline.brain.respond.intake import IN_TIME, Intake, Late
from pipeline.brain.respond.ladder import plan_of
from pipeline.brain.respond.lifecycle import BRAIN, OVER, take
from pipeline.brain.respond.notices import Notices, dispatched_by
from pipeline.brain.respond.policy import Policy
from weinao.messages import Action, Delivery, Feedback, Receipt
from weinao.outcomes import UNREACHED, AnyOutcome, Hazard, Incident, IncidentState, OrderState


class DeskState(Struct, frozen=True):
    """What a desk remembers.

    Attributes:
        docket: The incidents.
        told: For each person, when the newest notices were that count against the budget, and
            when the last was that said that there are more.
    """

    docket: DocketState = DocketState()
    told: dict[str, tuple[int, ...]] = {}


class Desk:
    """The incidents of one grid.

    Args:
        grid: Its id, which stands in every incident.
        policy: Who is asked, and how long we wait.
        resume: What an earlier desk remembered.
    """

    def __init__(self, grid: str, policy: Policy, resume: DeskState) -> None:
        self._policy = policy
        self._docket = Docket(policy.kept_days, resume.docket)
        self._notices = Notices(policy.notices_per_h_max, resume.told)
        self._asking = Asking(policy, self._notices)
        self._intake = Intake(grid, policy, self._docket, self._asking)
        self._answers = Answers(grid, policy, self._docket, self._asking)

    def snapshot(self) -> DeskState:
        """Return all that is remembered; what comes later does not change it."""
        return DeskState(self._docket.snapshot(), self._notices.snapshot())

    def incident(self, incident: str, now: int) -> Incident | None:
        """Return an incident as it stands, if it is remembered."""
        return self._docket.find(incident, now)

    def take_hazard(
        self, hazard: Hazard, known: Registered, now: int, late: Late = IN_TIME
    ) -> Iterable[AnyOutcome]:
        """Open an incident for a hazard, or let the one that is open take it in.

        Args:
            hazard: In any of its phases.
            known: The registry.
            now: The community's clock.
            late: How late word of it comes.
        """
        return self._intake.take_in(hazard, known, now, late)

    def take_feedback(self, said: Feedback, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Move an incident as a person asks.

        Raises:
            UnknownIncidentError: No such incident.
            FeedbackRefusedError: Not theirs to answer, or not possible from where it stands.
        """
        return self._answers.take(said, known, now)

    def take_receipt(
        self, said: Receipt, sender: str, known: Registered, now: int
    ) -> Iterable[AnyOutcome]:
        """Note what a device answered to an order; tell who is asked if it did not do it.

        Raises:
            ReceiptRefusedError: The sender was not told it.
        """
        for incident in self._docket:
            order = orders.ordered(incident, said.command)
            # What is swept away already, or about to be: when, must not matter.
            if order is None or self._docket.find(incident.id, now) is None:
                continue
            told, answered = orders.answered(incident, order, said, sender, now)
            if answered is None:
                return ()
            failed = [answered] if answered.state is OrderState.REFUSED else []
            notices = self._asking.tell_failed(told, failed, known, now)
            return self._docket.keep_with((told, notices), now)
        return ()

    def take_delivery(self, said: Delivery, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """Ask the next person at once, where no channel reached who is asked to act.

        Everybody is tried once in this way. Then deadlines decide again: where nothing reaches
        anybody, the ladder must not turn as fast as providers refuse.
        """
        incident = self._docket.find(said.incident, now)
        if said.ok or incident is None or incident.state is not IncidentState.DISPATCHED:
            return ()
        asked_by = dispatched_by(incident, incident.assignee)
        if said.notice != asked_by or not self._asking.has_next(incident, known, now):
            return ()
        unreached = f"{UNREACHED} {incident.assignee}"
        declined = take(incident, Action.DECLINE, BRAIN, now, unreached)
        return self._docket.keep_with(self._asking.to_act(declined, known, now), now)

    def pass_time(self, known: Registered, now: int) -> Iterable[AnyOutcome]:
        """The community's clock has reached `now`: act where nobody has."""
        if now < self._docket.next_due:
            return
        for incident in self._docket:
            if incident.state in OVER:
                continue
            chased = incident
            order_due = orders.due_at(incident)
            if order_due is not None and order_due <= now:
                chased, commands, given_up = orders.chase(incident, known, self._policy, now)
                told = self._asking.tell_failed(chased, given_up, known, now)
                yield from self._docket.keep_with((chased, (*commands, *told)), now)
            if chased.due_at is not None and chased.due_at <= now:
                yield from self._docket.keep_with(self._overdue(chased, known, now), now)
        self._docket.sweep(now)

    def _overdue(self, incident: Incident, known: Registered, now: int) -> Asked:
        """Return an incident whose deadline has passed as that leaves it, and what goes out."""
        if opened_by(incident) == BRAIN:  # a person who opened it again knows better
            plan = plan_of(self._policy, known, incident, now)
            over = healed(incident, plan, "policy.healed", now)
            if over.state in OVER:
                return over, ()
        if incident.state is IncidentState.RESOLVED:
            return self._asking.to_verify(incident, known, now)
        if incident.state is IncidentState.VERIFIED:
            return take(incident, Action.CLOSE, BRAIN, now), ()
        if incident.state is not IncidentState.OPEN:
            late = f"{incident.assignee} has not answered"
            incident = take(incident, Action.DECLINE, BRAIN, now, late)
        return self._asking.to_act(incident, known, now)
