"""Emergencies that a sensor states outright: SOS, gas, carbon monoxide, water; and smoke.

Smoke is held against warmth and other detectors, too (`smoke`), so that its rule runs this one for
each of its detectors.

Each is raised on arrival, by the first report of its device, and stands until the device reports
clear. An SOS has no end of its own: every press counts.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Seconds, SeverityName
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Home, Sensor
from weinao.outcomes import Hazard, HazardKind, Phase, Severity

SENSORS = (Sensor.SOS, Sensor.SMOKE, Sensor.GAS, Sensor.CO, Sensor.LEAK)
"""Their own alarm limits are those of EN 50291 (CO), EN 14604 (smoke) and GB 15322.2 (gas): we take
the sensor's word."""

COUNTED_MAX = 64
"""Reports of one device whose times are remembered; later ones push out the oldest."""


class EmergencyState(Struct, frozen=True):
    """What is remembered of one device.

    Attributes:
        seen_at: Time of the newest report taken in.
        raised: The newest hazard that stands, if one does.
        earlier: Those that stand besides it: its detector has not said clear since.
        counted: When the newest reports that counted were made.
    """

    subject: str
    household: str
    seen_at: int = -1
    raised: Hazard | None = None
    earlier: tuple[Hazard, ...] = ()
    counted: tuple[int, ...] = ()


class Severities(Struct, frozen=True, kw_only=True):
    """How bad what each sensor reports is: danger to life is critical; water is not. Ours."""

    sos: SeverityName = "critical"
    smoke: SeverityName = "critical"
    gas: SeverityName = "critical"
    co: SeverityName = "critical"
    leak: SeverityName = "major"

    def of(self, sensor: Sensor) -> Severity:
        """Return the severity of what one of `SENSORS` reports."""
        return Severity[str(getattr(self, sensor.value)).upper()]


class Emergency(Struct, frozen=True, kw_only=True):
    """Raise when an emergency sensor reports, and again while it goes on reporting.

    Args:
        again_s: A report so long after the last that counted is one more cause: a detector that
            never said clear, because nobody heard it, must not be deaf for ever. Ours.
        severities: By sensor.
    """

    name: str = "emergency"
    ordered: bool = False
    communal: bool = False
    again_s: Seconds = 20
    severities: Severities = Severities()

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if not isinstance(said, Home) or said.sensor is Sensor.SMOKE:
            return None
        return seen.device if said.sensor in SENSORS else None

    def initial(self, subject: str, household: str) -> EmergencyState:
        return EmergencyState(subject, household)

    def observe(self, state: EmergencyState, seen: Seen) -> tuple[EmergencyState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Home):
            return state, ()
        if said.sensor is Sensor.SOS:
            # No press may be lost, not even one that arrives late.
            return state, (self._hazard(seen, said.sensor),) if said.value else ()
        if seen.at <= state.seen_at:
            return self._late(state, seen, said)
        state = replace(state, seen_at=seen.at)
        if said.value and (state.raised is None or self._far(state, seen)):
            hazard = self._hazard(seen, said.sensor)
            earlier = _standing(state)[-COUNTED_MAX:]
            counted = _newest(state, seen)
            return replace(state, raised=hazard, earlier=earlier, counted=counted), (hazard,)
        if not said.value and state.raised is not None:
            over = [
                replace(one, phase=Phase.CLEARED, at=seen.at, evidence=(seen.id,))
                for one in _standing(state)
            ]
            return replace(state, raised=None, earlier=()), over
        return state, ()

    def pass_time(self, state: EmergencyState, at: int) -> tuple[EmergencyState, Sequence[Hazard]]:  # noqa: ARG002  # time alone changes nothing here
        return state, ()

    def _late(
        self, state: EmergencyState, seen: Seen, said: Home
    ) -> tuple[EmergencyState, Sequence[Hazard]]:
        """Raise what is told only after something newer: that it is over is no reason for silence.

        An agent that restarts says first what is now, and then what it had not got rid of.
        """
        if not said.value or not self._far(state, seen):
            return state, ()
        hazard = self._hazard(seen, said.sensor)
        state = replace(state, counted=_newest(state, seen))
        if state.raised is not None:
            earlier = (*state.earlier, hazard)[-COUNTED_MAX:]
            return replace(state, earlier=earlier), (hazard,)
        over = replace(hazard, phase=Phase.CLEARED, at=state.seen_at, evidence=())
        return state, (hazard, over)

    def _far(self, state: EmergencyState, seen: Seen) -> bool:
        """Say whether a report is far enough in time from all that counted to be a new cause."""
        return all(abs(seen.at - at) >= self.again_s * 1_000 for at in state.counted)

    def lose_sight(self, state: EmergencyState, at: int) -> EmergencyState:  # noqa: ARG002  # only what is seen counts here
        return state

    def _hazard(self, seen: Seen, sensor: Sensor) -> Hazard:
        kind = HazardKind(sensor.value)
        return Hazard(
            id=derived("h", kind, seen.id),
            kind=kind,
            phase=Phase.RAISED,
            subject=seen.subject,
            household=seen.household,
            at=seen.at,
            severity=self.severities.of(sensor),
            evidence=(seen.id,),
            reason=f"{kind}.reported",
            facts={"room": seen.room, "device": seen.device},
        )


def _standing(state: EmergencyState) -> tuple[Hazard, ...]:
    return (*state.earlier, *((state.raised,) if state.raised is not None else ()))


def _newest(state: EmergencyState, seen: Seen) -> tuple[int, ...]:
    return tuple(sorted((*state.counted, seen.at)))[-COUNTED_MAX:]
