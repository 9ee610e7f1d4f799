"""How much of her day a resident lets her family see; until she says more, hours without rooms.

It stands in her record of the registry, so it is journalled, versioned and replayed like all else.
Consent in the registry comes first: without it there are no readings that could be shown.
"""

from enum import StrEnum

from weinao.registry import Resident


class Level(StrEnum):
    """What her family sees of her movements."""

    ROOMS = "rooms"
    HOURS = "hours"
    NOTHING = "nothing"


def level_of(resident: Resident) -> Level:
    """Return what somebody agreed to, as the registry has it."""
    return Level(resident.sharing)


def agreed(resident: Resident, purpose: str, now: int) -> bool:
    """Say whether a resident's consent for a purpose holds."""
    return any(
        one.purpose == purpose
        and one.valid_from <= now
        and (one.valid_to is None or now < one.valid_to)
        for one in resident.consents
    )
