"""What happened to an incident, step by step, in the order in which the system came to know it."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from weinao.messages import Action, Delivery
from weinao.outcomes import (
    UNREACHED,
    Command,
    Hazard,
    Incident,
    IncidentState,
    Kept,
    Notice,
    Outcome,
    Phase,
    Step,
    Task,
)
from weinao.voice import Voice

BRAIN = "brain"
OVER = (IncidentState.CLOSED, IncidentState.FALSE_ALARM, IncidentState.MERGED)
LATE_MS = 10_000
"""From so long a delay on it is worth saying that word of a danger came late."""


class Moment(Struct, frozen=True):
    """One thing that happened; `mark` is its kind, for a picture."""

    at: int
    text: str
    mark: str


class Handled(Struct, frozen=True, kw_only=True):
    """An incident with what belongs to it, each in the order of the journal.

    Attributes:
        deliveries: What became of its notices.
    """

    incident: Incident
    hazards: tuple[Outcome, ...] = ()
    tasks: tuple[Outcome, ...] = ()
    notices: tuple[Outcome, ...] = ()
    commands: tuple[Outcome, ...] = ()
    deliveries: tuple[Kept, ...] = ()


def timeline(handled: Handled, voice: Voice) -> list[Moment]:
    """Return all that happened, oldest first; of one moment, the cause before what follows."""
    found = [
        *_hazards(handled, voice),
        *_steps(handled, voice),
        *_checks(handled, voice),
        *_worse(handled, voice),
        *_orders(handled, voice),
        *_deliveries(handled, voice),
    ]
    return sorted(found, key=lambda moment: moment.at)


def missed(step: Step) -> bool:
    """Say whether a step is the system's turning away from somebody who did not answer."""
    return step.action is Action.DECLINE and step.actor == BRAIN


def _hazards(handled: Handled, voice: Voice) -> Iterator[Moment]:
    raised: dict[str, str] = {}
    for outcome in handled.hazards:
        hazard = outcome.value
        if isinstance(hazard, Hazard):
            text = _hazard(hazard, outcome.received_at, raised, voice, first=not raised)
            raised.setdefault(hazard.id, hazard.reason)
            if hazard.phase is Phase.CONFIRMED and outcome.received_at > _over_at(handled.incident):
                text = voice.together([text, voice.say("step", "after")])
            yield Moment(outcome.received_at, text, hazard.phase)


def _over_at(incident: Incident) -> float:
    return incident.steps[-1].at if incident.state in OVER and incident.steps else float("inf")


def _hazard(
    hazard: Hazard, known_at: int, raised: dict[str, str], voice: Voice, *, first: bool
) -> str:
    text = voice.because(hazard.reason, hazard.facts)
    if hazard.phase is Phase.RAISED and not first:
        return voice.say("step", "again", text=text)
    if hazard.phase is Phase.RAISED:
        late = known_at - hazard.at
        key = "raised_late" if late >= LATE_MS else "raised"
        since = voice.clock(hazard.at, known_at)
        return voice.say("step", key, text=text, at=since, delay=voice.span(late))
    if hazard.phase is Phase.CLEARED and raised.get(hazard.id) == hazard.reason:
        return voice.say("step", "cleared_plain")
    severity = voice.words.word(hazard.severity)
    return voice.say("step", hazard.phase, text=text, severity=severity)


def _steps(handled: Handled, voice: Voice) -> Iterator[Moment]:
    asked_at: dict[str, int] = {}
    before = Action.OPEN
    for step in handled.incident.steps:
        if step.action is Action.DISPATCH:
            asked_at[step.note] = step.at
            text = _asked(step, handled, voice)
        elif missed(step):
            # Who is late after having taken it on is late with the work, not with the answer.
            working = before in (Action.ACCEPT, Action.ARRIVE)
            late = _late(step, handled.incident.steps)
            key = "missed_work" if working else "missed"
            if step.note.startswith(UNREACHED):
                key = "unreached"
            text = voice.say("step", key, who=voice.who(late))
        else:
            text = _step(step, asked_at, handled.incident, voice)
        if step.action not in (Action.ACK, Action.COMMENT):
            before = step.action
        yield Moment(step.at, text, "missed" if missed(step) else step.action)


def _late(step: Step, steps: Sequence[Step]) -> str:
    """Return who was awaited when a deadline passed."""
    earlier = [one for one in steps[: steps.index(step)] if one.action in _HOLDS]
    if not earlier:
        return ""
    return earlier[-1].note if earlier[-1].action is Action.DISPATCH else earlier[-1].actor


_HOLDS = (Action.DISPATCH, Action.ACCEPT, Action.ARRIVE)


def _asked(step: Step, handled: Handled, voice: Voice) -> str:
    task = next(
        (
            outcome.value
            for outcome in handled.tasks
            if isinstance(outcome.value, Task)
            and outcome.received_at == step.at
            and outcome.value.assignee == step.note
        ),
        None,
    )
    who = voice.who(step.note)
    sentences = [voice.say("step", "dispatch_plain", who=who)]
    if task is not None:
        span, due = voice.span(task.due_at - step.at), voice.clock(task.due_at, step.at)
        sentences = [voice.say("step", "dispatch", who=who, span=span, due=due)]
    others = [
        outcome.value.recipient
        for outcome in handled.notices
        if isinstance(outcome.value, Notice)
        and outcome.value.at == step.at
        and outcome.value.step.startswith("dispatch.")
        and outcome.value.recipient != step.note
    ]
    if others:
        sentences.append(voice.say("step", "also_told", people=voice.people(others)))
    return voice.together(sentences)


def _step(step: Step, asked_at: dict[str, int], incident: Incident, voice: Voice) -> str:
    ours = step.actor == BRAIN
    key = str(step.action)
    if ours and key in ("resolve", "verify", "dismiss"):
        key = f"{key}_system"
    if key == "accept" and step.actor not in asked_at:
        key = "accept_plain"
    delay = voice.span(step.at - asked_at.get(step.actor, step.at))
    facts = {"who": voice.who(step.actor), "delay": delay, "other": incident.merged_into}
    text = voice.say("step", key, **facts)
    if step.note and not ours:
        text = voice.together([text, voice.say("step", "note", text=step.note).strip()])
    return text


def _checks(handled: Handled, voice: Voice) -> Iterator[Moment]:
    key = "verify_asked"
    for outcome in handled.tasks:
        task = outcome.value
        if isinstance(task, Task) and task.want is Action.VERIFY:
            due = voice.clock(task.due_at, outcome.received_at)
            text = voice.say("step", key, who=voice.who(task.assignee), due=due)
            key = "verify_asked_next"
            yield Moment(outcome.received_at, text, "verify_asked")


def _worse(handled: Handled, voice: Voice) -> Iterator[Moment]:
    """Yield what people were told beside being asked: that it is worse, that there is more."""
    told: dict[tuple[int, str], list[str]] = {}
    for outcome in handled.notices:
        notice = outcome.value
        if isinstance(notice, Notice):
            step = notice.step.partition(".")[0]
            if step in _TOLD:
                told.setdefault((notice.at, step), []).append(notice.recipient)
    for (at, step), people in told.items():
        yield Moment(at, voice.say("step", _TOLD[step], people=voice.people(people)), step)


_TOLD = {
    "worse": "worse",
    "sure": "sure",
    "also": "also",
    "rate": "rate_asked",
    "order": "order_failed_told",
}


def _deliveries(handled: Handled, voice: Voice) -> Iterator[Moment]:
    """Yield what channels did with the notices: once for each person and channel that took one."""
    taken: set[tuple[str, str]] = set()
    for kept in handled.deliveries:
        said = kept.observation
        if not isinstance(said, Delivery) or (said.ok and (said.recipient, said.channel) in taken):
            continue
        if said.ok:
            taken.add((said.recipient, said.channel))
        text = voice.say(
            "step",
            "delivered" if said.ok else "undelivered",
            channel=said.channel,
            who=voice.who(said.recipient),
            tries=said.tries,
            why=said.detail,
        )
        yield Moment(kept.received_at, text, "delivered" if said.ok else "undelivered")


def _orders(handled: Handled, voice: Voice) -> Iterator[Moment]:
    """Yield what devices were told to do, and what they answered."""
    asked: dict[tuple[str, str], int] = {}
    for outcome in handled.commands:
        command = outcome.value
        if isinstance(command, Command):
            device = command.target or command.device
            tries = asked[device, command.do] = asked.get((device, command.do), 0) + 1
            key = "command" if tries == 1 else "command_again"
            text = voice.say("step", key, device=device, do=voice.say("do", command.do))
            yield Moment(command.at, text, "command")
    for order in handled.incident.orders:
        if order.answered_at is not None:
            do, key = voice.say("do", order.do), f"order_{order.state}"
            text = voice.say("step", key, device=order.device, do=do, detail=order.detail)
            yield Moment(order.answered_at, text, "command")
