"""The life of an incident: the one place that says which action may follow which.

DETECTED -open-> OPEN -dispatch-> DISPATCHED -accept-> ACCEPTED -arrive-> ON_SITE
         -resolve-> RESOLVED -verify-> VERIFIED -close-> CLOSED

Nobody closes an incident by saying so: somebody resolves it, somebody else verifies that. Much is
resolved by a phone call, so *resolve* needs no arrival. A task may be declined, an alarm may be
false, and what was thought over may be reopened. *Ack*, *comment* and *rate* leave the state as it
is.

References:
    GB/T 30428.8: the stages 立案 (open), 处置 (handle), 结案 (close).
"""

from msgspec.structs import replace

from weinao.messages import Action
from weinao.outcomes import Incident, IncidentState, Step

BRAIN = "brain"
"""The actor of what nobody did by hand."""

STEPS_MAX = 200
"""Of one incident; then the first and the newest are kept, and comments are refused."""

_S, _A = IncidentState, Action

_NEXT: dict[IncidentState, dict[Action, IncidentState]] = {
    _S.DETECTED: {_A.OPEN: _S.OPEN, _A.DISMISS: _S.FALSE_ALARM, _A.MERGE: _S.MERGED},
    _S.OPEN: {
        _A.DISPATCH: _S.DISPATCHED,
        _A.ACCEPT: _S.ACCEPTED,
        _A.RESOLVE: _S.RESOLVED,
        _A.DISMISS: _S.FALSE_ALARM,
        _A.MERGE: _S.MERGED,
        _A.COMMENT: _S.OPEN,
    },
    _S.DISPATCHED: {
        _A.ACK: _S.DISPATCHED,
        _A.ACCEPT: _S.ACCEPTED,
        _A.DECLINE: _S.OPEN,
        _A.RESOLVE: _S.RESOLVED,
        _A.DISMISS: _S.FALSE_ALARM,
        _A.MERGE: _S.MERGED,
        _A.COMMENT: _S.DISPATCHED,
    },
    _S.ACCEPTED: {
        _A.ACK: _S.ACCEPTED,
        _A.ARRIVE: _S.ON_SITE,
        _A.DECLINE: _S.OPEN,
        _A.RESOLVE: _S.RESOLVED,
        _A.DISMISS: _S.FALSE_ALARM,
        _A.COMMENT: _S.ACCEPTED,
    },
    _S.ON_SITE: {
        _A.RESOLVE: _S.RESOLVED,
        _A.DISMISS: _S.FALSE_ALARM,
        _A.DECLINE: _S.OPEN,
        _A.COMMENT: _S.ON_SITE,
    },
    _S.RESOLVED: {_A.VERIFY: _S.VERIFIED, _A.REOPEN: _S.OPEN, _A.COMMENT: _S.RESOLVED},
    _S.VERIFIED: {_A.CLOSE: _S.CLOSED, _A.REOPEN: _S.OPEN},
    _S.CLOSED: {_A.REOPEN: _S.OPEN, _A.RATE: _S.CLOSED},
    _S.FALSE_ALARM: {_A.REOPEN: _S.OPEN},
    _S.MERGED: {},
}

OVER = frozenset({_S.CLOSED, _S.FALSE_ALARM, _S.MERGED})
"""Where nobody is awaited any more."""


_ANEW = (_A.OPEN, _A.REOPEN, _A.RESOLVE)
"""With these, asking begins anew, with the first: to act, or to verify."""


class ActionNotAllowedError(Exception):
    """The table has no such action from here; the message says which it has."""


def allowed(incident: Incident) -> tuple[Action, ...]:
    """Return the actions that may follow now."""
    return tuple(_NEXT[incident.state])


def take(incident: Incident, action: Action, actor: str, at: int, note: str = "") -> Incident:
    """Return the incident after `action`.

    Raises:
        ActionNotAllowedError: The table has no such action from here, or nobody may verify
            what they resolved themselves.
    """
    following = _NEXT[incident.state]
    if action not in following:
        raise ActionNotAllowedError(
            f"incident {incident.id} is {incident.state}: cannot {action};"
            f" allowed now: {', '.join(following) or 'nothing'}"
        )
    if action is _A.VERIFY and actor == resolved_by(incident) and actor != BRAIN:
        raise ActionNotAllowedError(
            f"incident {incident.id} was resolved by {actor}: somebody else has to verify it"
        )
    if action is _A.COMMENT and len(incident.steps) >= STEPS_MAX:
        raise ActionNotAllowedError(f"incident {incident.id} has {STEPS_MAX} steps: no comment")
    step = Step(at=at, action=action, actor=actor, state=following[action], note=note)
    steps = (*incident.steps, step)
    if len(steps) > STEPS_MAX:
        steps = (*steps[: STEPS_MAX // 2], *steps[-STEPS_MAX // 2 :])
    rung = 0 if action in _ANEW else incident.rung
    return replace(incident, state=step.state, steps=steps, rung=rung)


def resolved_by(incident: Incident) -> str:
    """Return who resolved it last; empty if nobody has."""
    return next((step.actor for step in reversed(incident.steps) if step.action is _A.RESOLVE), "")
