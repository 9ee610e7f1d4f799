"""Consent: a reading about a person gets past the gate only for a purpose she agreed to.

What is refused is not kept: the dead letter names who and why, and holds no content.
"""

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.perceive.seen import Seen
from weinao.messages import EMERGENCIES, AnyObservation, Home, Motion, Rhythm, Vitals
from weinao.registry import Resident


def purpose_of(said: AnyObservation) -> str:
    """Return what an observation needs consent for; empty for nothing."""
    if isinstance(said, Vitals | Motion | Rhythm):
        return "health"
    # Detectors of danger watch a dwelling, and a call for help is consent by itself.
    if isinstance(said, Home) and said.sensor not in EMERGENCIES:
        return "home"
    return ""


def given(known: Registered, seen: Seen) -> bool:
    """Say whether a reading may be used: its wearer, or everybody in the home, has agreed."""
    purpose = purpose_of(seen.observation)
    if not purpose:
        return True
    if seen.resident is not None:
        return _agreed(seen.resident, purpose, seen.at)
    living = known.residents_of.get(seen.household, ())
    return all(_agreed(resident, purpose, seen.at) for resident in living)


def _agreed(resident: Resident, purpose: str, at: int) -> bool:
    return any(
        one.purpose == purpose
        and one.valid_from <= at
        and (one.valid_to is None or at < one.valid_to)
        for one in resident.consents
    )
