"""What a rule is shown: an observation, and who and where it is about."""

from msgspec import Struct

from weinao.messages import AnyObservation
from weinao.registry import Resident


class Seen(Struct, frozen=True, kw_only=True):
    """An observation with what the registry knows about its device.

    Attributes:
        subject: The wearer; for a home sensor the household; otherwise the device itself.
        household: The home; empty for a device that is in none.
        place: Whose clock it goes by: the household, or else the agent; empty for what people said.
        device_place: Outside homes: the gate, zone or meter point that the device stands for.
        resident: The wearer's record.
        room: Where it was observed, by the observation or else by the registry.
        alone: Nobody else is registered in the household.
        tz_offset_min: Minutes that local time is ahead of UTC.
        received_at: When it reached the journal; nothing about the world is dated by it.
    """

    id: str
    device: str
    at: int
    received_at: int
    observation: AnyObservation
    subject: str
    household: str
    place: str = ""
    room: str = ""
    device_place: str = ""
    resident: Resident | None = None
    alone: bool = False
    tz_offset_min: int = 480
