"""What the sensors of a home say about a day and the night before it.

A night belongs to the day on which it ends. Figures are of the home; whose they are is decided by
who lives there.

References:
    Night visits from 22:00 to 06:00, a visit beginning after ten minutes without: ours.
    Sleep: minutes in bed, or without a movement for an hour and more, between 20:00 and 10:00:
    ours, a wide window around the bedtimes of elders.
"""

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.seen import Seen
from weinao.messages import Home, Sensor

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
TOILETS = ("bathroom", "toilet", "wc", "washroom", "restroom")
OPENINGS_MAX = 24
POSITIONS_MAX = 64
UNSEEN_SHARE_MAX = 0.25
"""A day of which more was not watched has no figures of the home."""

_SLEEP_BEFORE_MS, _SLEEP_UNTIL_MS = 4 * HOUR_MS, 10 * HOUR_MS
_NIGHT_FROM_MS, _NIGHT_UNTIL_MS = 22 * HOUR_MS, 6 * HOUR_MS
_VISIT_APART_MS = 10 * MINUTE_MS
_STILL_MS = 60 * MINUTE_MS
_BIN_MS = 5 * MINUTE_MS
_MOVED_BY = (Sensor.PIR, Sensor.DOOR, Sensor.WINDOW, Sensor.BED, Sensor.CHAIR, Sensor.MEDICINE)


class House(Struct, frozen=True, kw_only=True):
    """A home's day so far. Instants are local milliseconds.

    Attributes:
        active: A bit for each five minutes of the day in which something moved.
        visits: To the toilet: in the night that ended today, and in the one that begins.
        still_min: Minutes without movement, of the same two nights.
        bed_min: Minutes in bed, likewise.
        unseen_ms: How much of the day nobody watched.
        known: Some sensor of the home was ever heard.
        has_bed, has_toilet: There is such a sensor; a night without it is a zero.
    """

    active: int = 0
    visits: tuple[int, int] = (0, 0)
    still_min: tuple[float, float] = (0.0, 0.0)
    bed_min: tuple[float, float] = (0.0, 0.0)
    openings: tuple[int, ...] = ()
    unseen_ms: int = 0
    known: bool = False
    has_bed: bool = False
    has_toilet: bool = False
    has_medicine: bool = False
    moved_at: int | None = None
    toilet_at: int | None = None
    bed_at: int | None = None
    positions: dict[str, float] = {}
    last_id: str = ""

    def next_day(self) -> "House":
        """Return this with a new day begun."""
        return replace(
            self,
            active=0,
            visits=(self.visits[1], 0),
            still_min=(self.still_min[1], 0.0),
            bed_min=(self.bed_min[1], 0.0),
            openings=(),
            unseen_ms=0,
        )


def at_home(house: House, seen: Seen, said: Home, local_ms: int) -> House:
    """Return the house with what one of its sensors said."""
    if said.sensor not in _MOVED_BY:
        return house
    toilet = seen.room.lower() in TOILETS
    house = replace(
        house,
        known=True,
        has_bed=house.has_bed or said.sensor is Sensor.BED,
        has_toilet=house.has_toilet or toilet,
        has_medicine=house.has_medicine or said.sensor is Sensor.MEDICINE,
        last_id=seen.id,
    )
    house, moved = _moved(house, seen.device, said)
    if not moved:
        return house
    if said.sensor is Sensor.BED:
        house = _in_bed(house, bool(said.value), local_ms)
    if said.sensor is Sensor.MEDICINE and said.value:
        minute = local_ms % DAY_MS // MINUTE_MS
        house = replace(house, openings=(*house.openings, minute)[-OPENINGS_MAX:])
    if toilet:
        house = _at_toilet(house, local_ms)
    if house.moved_at is not None and local_ms - house.moved_at >= _STILL_MS:
        added = _nights(house.moved_at, local_ms)
        still = (house.still_min[0] + added[0], house.still_min[1] + added[1])
        house = replace(house, still_min=still)
    bin_ = local_ms % DAY_MS // _BIN_MS
    return replace(house, moved_at=local_ms, active=house.active | 1 << bin_)


def blind(house: House, unseen_ms: int) -> House:
    """Return a house that was not watched for so long; no stillness is concluded from that."""
    return replace(
        house, unseen_ms=house.unseen_ms + unseen_ms, moved_at=None, bed_at=None, positions={}
    )


def house_figures(house: House) -> dict[str, float] | None:
    """Return a day's figures; None where the home has no sensors or was not watched enough."""
    if not house.known or house.unseen_ms > UNSEEN_SHARE_MAX * DAY_MS:
        return None
    figures = {"active_min": 5.0 * house.active.bit_count()}
    slept = house.bed_min[0] if house.has_bed else house.still_min[0]
    if slept > 0:
        figures["sleep_min"] = round(slept, 1)
    if house.has_toilet:
        figures["toilet_visits"] = float(house.visits[0])
    if house.has_medicine:
        figures["medicine_openings"] = float(len(house.openings))
    return figures


def _moved(house: House, device: str, said: Home) -> tuple[House, bool]:
    """Say whether somebody did it: battery contacts repeat their position by themselves."""
    if said.sensor is Sensor.PIR:
        return house, bool(said.value)
    known = house.positions.get(device)
    positions = {**house.positions, device: said.value}
    while len(positions) > POSITIONS_MAX:
        del positions[next(iter(positions))]
    moved = known is not None and known != said.value
    first_opening = known is None and said.sensor is Sensor.MEDICINE and said.value > 0
    in_bed = known is None and said.sensor is Sensor.BED
    return replace(house, positions=positions), moved or first_opening or in_bed


def _in_bed(house: House, occupied: bool, local_ms: int) -> House:  # what it said
    if occupied:
        return replace(house, bed_at=local_ms)
    if house.bed_at is None:
        return house
    added = _nights(house.bed_at, local_ms)
    bed = (house.bed_min[0] + added[0], house.bed_min[1] + added[1])
    return replace(house, bed_at=None, bed_min=bed)


def _at_toilet(house: House, local_ms: int) -> House:
    again = house.toilet_at is not None and local_ms - house.toilet_at < _VISIT_APART_MS
    house = replace(house, toilet_at=local_ms)
    in_day, (ended, begun) = local_ms % DAY_MS, house.visits
    if again or _NIGHT_UNTIL_MS <= in_day < _NIGHT_FROM_MS:
        return house
    early = in_day < _NIGHT_UNTIL_MS
    return replace(house, visits=(ended + 1, begun) if early else (ended, begun + 1))


def _nights(start_ms: int, end_ms: int) -> tuple[float, float]:
    """Return how much of a span lies in the night that ended on its last day, and in the next."""
    midnight = end_ms // DAY_MS * DAY_MS
    return _overlap(start_ms, end_ms, midnight), _overlap(start_ms, end_ms, midnight + DAY_MS)


def _overlap(start_ms: int, end_ms: int, midnight: int) -> float:
    begin = max(start_ms, midnight - _SLEEP_BEFORE_MS)
    return max(min(end_ms, midnight + _SLEEP_UNTIL_MS) - begin, 0) / MINUTE_MS
