"""Test alarms, as the store tells them: whom each asked, and who has answered.

The brain sends them, once a month and home; what comes of them stands in the journal like all else.
"""

from msgspec import Struct

from sinks.deliveries import deliveries_of
from sinks.store import Filter, Store, every
from weinao.messages import Delivery, Feedback
from weinao.outcomes import Kept, Notice

STEP = "drill"


class Tested(Struct, frozen=True, kw_only=True):
    """A person who was sent a test alarm.

    Attributes:
        delivery: `sent`, `failed`, or empty while nothing is known.
    """

    grid: str
    drill: str
    household: str
    person: str
    at: int
    delivery: str = ""
    answered: bool = False


def is_drill(incident: str) -> bool:
    """Say whether what a link answers is a test alarm."""
    return incident.startswith(f"{STEP}-")


def grid_of(store: Store, drill: str, person: str) -> str | None:
    """Return the grid of a test alarm that somebody was sent; None where there is none."""
    for one in store.notices(Filter(incident=drill)):
        if isinstance(one.value, Notice) and one.value.recipient == person:
            return one.grid
    return None


def tested(store: Store, grid: str, month: str) -> list[Tested]:
    """Return everybody who was sent a test alarm in a month, by household.

    Args:
        store: To ask.
        grid: Which.
        month: As `2026-11`.
    """
    found = []
    for one in every(store, "notices", Filter(grid=grid, kind=f"{STEP}.{month}")):
        said = one.value
        if not isinstance(said, Notice):
            continue
        came = [
            kept.observation
            for kept in deliveries_of(store, grid, said.incident)
            if isinstance(kept.observation, Delivery)
            and kept.observation.recipient == said.recipient
        ]
        found.append(
            Tested(
                grid=grid,
                drill=said.incident,
                household=said.subject,
                person=said.recipient,
                at=said.at,
                delivery=("sent" if came[-1].ok else "failed") if came else "",
                answered=said.recipient in _answered(store, grid, said.incident),
            )
        )
    return sorted(found, key=lambda one: (one.household, one.person))


def _answered(store: Store, grid: str, drill: str) -> set[str]:
    answers = store.observations(Filter(grid=grid, kind="feedback", subject=drill))
    said = (one.value.observation for one in answers if isinstance(one.value, Kept))
    return {one.actor for one in said if isinstance(one, Feedback)}
