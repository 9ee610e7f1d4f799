"""Silence: an agent that is no longer heard, and a device that its agent no longer hears.

A dead agent is one hazard, however many devices are behind it: of those nothing can be known, so
nothing is said. An agent is judged by the community's clock, since its own has stopped; a device by
its agent's word, which comes with every heartbeat. A home whose agent is silent has a clock that
stands still, so that no other rule mistakes the silence for a quiet home.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Seconds, Times
from weinao.ids import derived
from weinao.messages import Status
from weinao.outcomes import Hazard, HazardKind, Phase, Severity
from weinao.registry import Device


class Heard(Struct, frozen=True):
    """When a device or agent was last heard, and the hazard that stands if it is silent."""

    at: int
    raised: Hazard | None = None


class Silence(Struct, frozen=True, kw_only=True):
    """Raise when `beats_missed_max` expected heartbeats have not come.

    Args:
        beats_missed_max: A single lost beat is no news.
        silent_s_min: Nothing is called silent sooner, however fast it beats: an agent needs so
            long to restart and to find its broker again.

    References:
        docs/decisions/0002-two-clocks.md: why an agent and its devices are judged by two clocks.
    """

    beats_missed_max: Times = 3
    silent_s_min: Seconds = 15

    def due_at(self, heard: Heard, device: Device) -> int | None:
        """Return when a device counts as silent if nothing more is heard of it."""
        if device.heartbeat_s is None or heard.raised is not None:
            return None
        patience_s = max(device.heartbeat_s * self.beats_missed_max, self.silent_s_min)
        return heard.at + round(patience_s * 1_000)

    def hear(self, heard: Heard, at: int) -> tuple[Heard, Sequence[Hazard]]:
        """Something was heard at `at`; what stood is over."""
        if at <= heard.at:
            return heard, ()
        if heard.raised is None:
            return Heard(at), ()
        over = replace(heard.raised, phase=Phase.CLEARED, at=max(at, heard.raised.at))
        return Heard(at), (over,)

    def pass_time(
        self, heard: Heard, device: Device, household: str, at: int
    ) -> tuple[Heard, Sequence[Hazard]]:
        """Nothing has been heard up to `at`."""
        due = self.due_at(heard, device)
        if due is None or at < due:
            return heard, ()
        agent = device.id == device.agent
        kind = HazardKind.AGENT_SILENT if agent else HazardKind.DEVICE_SILENT
        hazard = Hazard(
            id=derived("h", kind, device.id, heard.at),
            kind=kind,
            phase=Phase.RAISED,
            subject=device.id,
            household=household,
            at=due,
            severity=Severity.MAJOR if agent else Severity.MINOR,
            reason=f"{kind}.not_heard",
            facts={"last_heard_at": heard.at, "room": device.room},
        )
        return replace(heard, raised=hazard), (hazard,)


def heard_behind(status: Status, device: str) -> int | None:
    """Return when an agent last heard a device, by its own word."""
    return status.sensors.get(device)
