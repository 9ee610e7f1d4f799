"""Climate: a home that is too hot or too cold for those who live in it.

    outside the limit for `persist_s_min` -> RAISED
    back by `back_c` for `persist_s_min`  -> CLEARED

The limits are for people whose bodies no longer, or not yet, keep their temperature: elders and
small children. Where the sensor's room knows its humidity, heat is what it feels like.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Celsius, CelsiusApart, Seconds, Years
from pipeline.brain.identify.in_turn import People, living, resident_in, with_resident
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Home, Sensor
from weinao.outcomes import Hazard, HazardKind, Phase, Severity
from weinao.registry import Tag

ROOMS_MAX = 16
"""Rooms of one home that are remembered; the longest silent go first."""


class Room(Struct, frozen=True, kw_only=True):
    """What is remembered of one room.

    Attributes:
        humidity: Time and share of the newest reading, %.
        since: Since when it has been heat, cold, or neither; the newest such stretch.
        heard_at: Its newest temperature.
        is_: What it has been since.
    """

    humidity: tuple[int, float] | None = None
    is_: HazardKind | None = None
    between: bool = False
    since: int = -1
    by: str = ""
    temp_c: float = 0.0
    feels_c: float = 0.0
    heard_at: int = -1
    raised: Hazard | None = None


class ClimateState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home: its rooms, by name."""

    household: str
    newest: tuple[int, str] = (-1, "")
    people: People = {}
    rooms: dict[str, Room] = {}


class Climate(Struct, frozen=True, kw_only=True):
    """Raise on persisting heat or cold where elders or small children live. Runs `InTurn`.

    Args:
        heat_c: Heat at this or above,
        feels_c: or where the heat index is this or above.
        cold_c: Cold below this.
        danger_c: A heat index of this or above is critical.
        back_c: It is over only so far inside the limit.
        persist_s_min: So long, so that neither an open window nor a kitchen counts.
        gap_s_max: A stretch with longer silences is not one stretch.
        humidity_s_max: How long a humidity is used.
        elder_years_min: From this age on, the limits hold.
        child_years_max: And below this one.

    References:
        WHO Housing and health guidelines, 2018: 18 °C for the cold; indoor alert for elders from
        30 °C, below 18 °C (research notes). NOAA heat index: extreme caution from 32.2 °C, danger
        from 39.4 °C, by Rothfusz's regression (NWS SR 90-23). Persistence and hysteresis are ours.
    """

    name: str = "climate"
    ordered: bool = True
    communal: bool = False
    heat_c: Celsius = 30.0
    feels_c: Celsius = 32.2
    cold_c: Celsius = 18.0
    danger_c: Celsius = 39.4
    back_c: CelsiusApart = 1.0
    persist_s_min: Seconds = 3_600
    gap_s_max: Seconds = 7_200
    humidity_s_max: Seconds = 3_600
    elder_years_min: Years = 65
    child_years_max: Years = 6

    def subject_of(self, seen: Seen) -> str | None:
        who, said = resident_in(seen), seen.observation
        if who is not None:
            return who.household
        if isinstance(said, Home) and said.sensor in (Sensor.TEMPERATURE, Sensor.HUMIDITY):
            return seen.household or None
        return None

    def initial(self, subject: str, household: str) -> ClimateState:
        return ClimateState(household=household or subject)

    def observe(self, state: ClimateState, seen: Seen) -> tuple[ClimateState, Sequence[Hazard]]:
        who, said = resident_in(seen), seen.observation
        if who is not None:
            return replace(state, people=with_resident(state.people, who)), ()
        if not isinstance(said, Home) or self.subject_of(seen) is None:
            return state, ()
        if (seen.at, seen.id) <= state.newest:
            return state, ()
        state = replace(state, newest=(seen.at, seen.id))
        room = state.rooms.get(seen.room, Room())
        if said.sensor is Sensor.HUMIDITY:
            return _with_room(state, seen.room, replace(room, humidity=(seen.at, said.value))), ()
        room = self._felt(room, seen, said.value)
        room, hazards = self._decide(state, room, seen)
        return _with_room(state, seen.room, room), hazards

    def pass_time(self, state: ClimateState, at: int) -> tuple[ClimateState, Sequence[Hazard]]:  # noqa: ARG002  # a limit is passed by a reading, never by silence
        return state, ()

    def lose_sight(self, state: ClimateState, at: int) -> ClimateState:  # noqa: ARG002  # as above: gaps are seen at the next reading
        return state

    def _felt(self, room: Room, seen: Seen, temp_c: float) -> Room:
        """Return the room with one more temperature, and with the stretch it belongs to."""
        feels_c = temp_c
        if room.humidity is not None and seen.at - room.humidity[0] <= self.humidity_s_max * 1_000:
            feels_c = heat_index_c(temp_c, room.humidity[1])
        is_ = None
        if temp_c < self.cold_c:
            is_ = HazardKind.COLD
        elif temp_c >= self.heat_c or feels_c >= self.feels_c:
            is_ = HazardKind.HEAT
        cool = temp_c < self.heat_c - self.back_c and feels_c < self.feels_c - self.back_c
        between = is_ is None and not (cool and temp_c >= self.cold_c + self.back_c)
        same = (is_, between) == (room.is_, room.between)
        whole = room.heard_at >= 0 and seen.at - room.heard_at <= self.gap_s_max * 1_000
        return replace(
            room,
            is_=is_,
            between=between,
            since=room.since if same and whole else seen.at,
            by=room.by if same and whole else seen.id,
            temp_c=temp_c,
            feels_c=feels_c,
            heard_at=seen.at,
        )

    def _decide(self, state: ClimateState, room: Room, seen: Seen) -> tuple[Room, Sequence[Hazard]]:
        true_at = room.since + self.persist_s_min * 1_000
        if seen.at < true_at:
            return room, ()
        hazard = (
            self._begins(state, room, seen, true_at)
            if room.raised is None
            else self._goes_on(room.raised, room, seen, true_at)
        )
        if hazard is None:
            return room, ()
        stands = None if hazard.phase is Phase.CLEARED else hazard
        return replace(room, raised=stands), (hazard,)

    def _begins(self, state: ClimateState, room: Room, seen: Seen, true_at: int) -> Hazard | None:
        if room.is_ is None or not self._frail(state.people, seen.at):
            return None
        return Hazard(
            id=derived("h", room.is_, state.household, seen.room, room.since),
            kind=room.is_,
            phase=Phase.RAISED,
            subject=state.household,
            household=state.household,
            at=true_at,
            severity=self._severity(room),
            evidence=(room.by, seen.id),
            reason=f"{room.is_}.persists",
            facts=_facts(room, seen),
        )

    def _goes_on(self, stands: Hazard, room: Room, seen: Seen, true_at: int) -> Hazard | None:
        if not room.between and room.is_ is not stands.kind:
            return replace(
                stands,
                phase=Phase.CLEARED,
                at=max(true_at, stands.at),
                evidence=(seen.id,),
                reason=f"{stands.kind}.over",
            )
        severity = self._severity(room)
        if severity <= stands.severity:
            return None
        return replace(
            stands,
            phase=Phase.CONFIRMED,
            severity=severity,
            at=seen.at,
            evidence=(seen.id,),
            facts=_facts(room, seen),
        )

    def _severity(self, room: Room) -> Severity:
        danger = room.is_ is HazardKind.HEAT and room.feels_c >= self.danger_c
        return Severity.CRITICAL if danger else Severity.MINOR

    def _frail(self, people: People, at: int) -> bool:
        for person in living(people, at).values():
            years = person.years(at)
            if years is not None and (
                years >= self.elder_years_min or years < self.child_years_max
            ):
                return True
            if any(person.tagged(tag, at) for tag in (Tag.LIVES_ALONE, Tag.PRESCHOOL)):
                return True
        return False


def heat_index_c(temp_c: float, humidity_pct: float) -> float:
    """Return what warm air feels like in the shade; the temperature itself where that is cooler.

    Args:
        temp_c: Air temperature; the regression holds from 26.7 °C on, below it is returned as is.
        humidity_pct: Relative humidity, 0 to 100.

    References:
        Rothfusz, NWS Technical Attachment SR 90-23, 1990, with the NWS's two adjustments.
    """
    fahrenheit, rh = temp_c * 1.8 + 32.0, min(max(humidity_pct, 0.0), 100.0)
    if fahrenheit < _HEAT_INDEX_F_MIN:
        return temp_c
    t = fahrenheit
    index = -42.379 + 2.04901523 * t + 10.14333127 * rh - 0.22475541 * t * rh
    index += -6.83783e-3 * t**2 - 5.481717e-2 * rh**2 + 1.22874e-3 * t**2 * rh
    index += 8.5282e-4 * t * rh**2 - 1.99e-6 * t**2 * rh**2
    if rh < 13 and t <= 112:  # noqa: PLR2004  # dry air, as the source has it
        index -= (13 - rh) / 4 * ((17 - abs(t - 95)) / 17) ** 0.5
    elif rh > 85 and t <= 87:  # noqa: PLR2004  # wet air
        index += (rh - 85) / 10 * (87 - t) / 5
    return max((index - 32.0) / 1.8, temp_c)


_HEAT_INDEX_F_MIN = 80.0


def _facts(room: Room, seen: Seen) -> dict[str, str | int | float | bool]:
    return {
        "room": seen.room,
        "temp_c": round(room.temp_c, 1),
        "feels_c": round(room.feels_c, 1),
        "since": room.since,
    }


def _with_room(state: ClimateState, name: str, room: Room) -> ClimateState:
    others = [(known, one) for known, one in state.rooms.items() if known != name]
    return replace(state, rooms=dict([*others, (name, room)][-ROOMS_MAX:]))
