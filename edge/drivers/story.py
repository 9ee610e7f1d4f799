"""The simulated home's story: who is where, and what befalls them, as a pure function of time.

Everything follows from the seed and the scripted happenings. So an agent that was killed goes on
where the wall clock is, and two devices of one home tell of the same person.
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from msgspec import Struct

from edge.drivers.base import DriverError
from edge.settings import Happening, SimulatedDevice

ALARM_KINDS = ("sos", "smoke", "gas", "co", "leak")
LASTS_S = {
    "fall": 90.0,
    "sos": 2.0,
    "smoke": 30.0,
    "gas": 30.0,
    "co": 30.0,
    "leak": 30.0,
    "deterioration": 300.0,
    "leaves_home": 600.0,
    "stops_moving": 21_600.0,
    "sensor_dies": 1e9,
}
DWELL_MS = 60_000
"""How long the resident stays in a room at least."""
RAMP_MS = 10_000
"""How long a deterioration takes to show in full."""
_MISSED_AFTER_MS = 2_000
_MISSED_APART_MS = 3_000
_SENSED_BY: dict[str, tuple[str, ...]] = {
    "fall": ("wrist", "waist"),
    "deterioration": ("wrist", "waist"),
    "leaves_home": ("door", "pir"),
    "stops_moving": ("pir", "wrist", "waist"),
    **{kind: (kind,) for kind in ALARM_KINDS},
}


class Event(Struct, frozen=True, kw_only=True):
    """A happening with its time and its witness.

    Attributes:
        id: Its place in the script.
        until: When it is over; milliseconds UTC like `at`.
        told: It is in `truth.jsonl` already and must not be sensed anew.
    """

    id: str
    kind: str
    device: str
    at: int
    until: int
    told: bool

    def shows(self, at: int) -> bool:
        """Say whether it goes on at a time."""
        return self.at <= at < self.until


class Story:
    """What is true in the home at any time.

    Args:
        seed: Two stories of a seed are the same.
        devices: Those of the home that are simulated.
        events: What befalls it.
    """

    def __init__(
        self, seed: int, devices: Sequence[SimulatedDevice], events: Sequence[Event]
    ) -> None:
        self.seed, self.events = seed, tuple(events)
        self._rooms = sorted({one.room for one in devices if one.kind == "pir"}) or [""]

    def room_at(self, at: int) -> str:
        """Return the room the resident is in; nobody moves about before it is left."""
        return self.dice("room", at // DWELL_MS).choice(self._rooms)

    def moves_about(self, at: int) -> bool:
        """Say whether the resident moves about at home."""
        return not any(
            event.kind in ("fall", "leaves_home", "stops_moving") and event.shows(at)
            for event in self.events
        )

    def illness(self, at: int) -> float:
        """Return how far a deterioration shows, from 0 to 1."""
        shares = [
            min((at - event.at) / RAMP_MS, 1.0)
            for event in self.events
            if event.kind == "deterioration" and event.shows(at)
        ]
        return max(shares, default=0.0)

    def of(self, device: str, *kinds: str) -> list[Event]:
        """Return what a device is the witness of."""
        return [event for event in self.events if event.device == device and event.kind in kinds]

    def dice(self, *what: object) -> Random:
        """Return dice that fall the same way whenever the same is asked."""
        return Random("/".join(map(str, (self.seed, *what))))  # noqa: S311  # a story, no secret


def schedule(
    happenings: Iterable[Happening],
    devices: Sequence[SimulatedDevice],
    *,
    epoch: int,
    start: int,
    told: Mapping[str, int],
) -> list[Event]:
    """Date the script.

    Args:
        happenings: As the settings have them.
        devices: That may sense them.
        epoch: When the story began, milliseconds UTC.
        start: When this start of the agent began. What should have happened by then, and is not
            told, happens soon after: nobody was there to sense it.
        told: When those happened that are told, by id.

    Raises:
        DriverError: Nothing in the home could sense one of them.
    """
    events, missed = [], 0
    for index, happening in enumerate(happenings):
        at = told.get(str(index), epoch + round(happening.at_s * 1_000))
        if str(index) not in told and at <= start:
            at = start + _MISSED_AFTER_MS + missed * _MISSED_APART_MS
            missed += 1
        lasts_s = happening.lasts_s or LASTS_S[happening.kind]
        events.append(
            Event(
                id=str(index),
                kind=happening.kind,
                device=_witness(happening, devices),
                at=at,
                until=at + round(lasts_s * 1_000),
                told=str(index) in told,
            )
        )
    return events


def _witness(happening: Happening, devices: Sequence[SimulatedDevice]) -> str:
    able = _SENSED_BY.get(happening.kind)
    fitting = [
        one.id
        for kind in able or [one.kind for one in devices]
        for one in devices
        if one.kind == kind and happening.device in ("", one.id)
    ]
    if not fitting:
        raise DriverError(
            f"happening {happening.kind} at {happening.at_s:g} s: expected a simulated device of"
            f" kind {' or '.join(able or ('any',))}"
            + (f" named {happening.device}" if happening.device else "")
        )
    return fitting[0]
