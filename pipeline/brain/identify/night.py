"""What the sensors of a home say about a day and the night before it.

A night belongs to the day on which it ends. Figures are of the home; whose they are is decided by
who lives there.

References:
    `DayLimits`: every number is ours.
"""

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import MinuteOfDay, Minutes, Quantile, Share, Times, Words
from pipeline.brain.perceive.seen import Seen
from weinao.messages import Home, Sensor

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
OPENINGS_MAX = 24
POSITIONS_MAX = 64

_BIN_MS = 5 * MINUTE_MS
_NOTHING = bytes(DAY_MS // _BIN_MS // 8)
_MOVED_BY = (Sensor.PIR, Sensor.DOOR, Sensor.WINDOW, Sensor.BED, Sensor.CHAIR, Sensor.MEDICINE)


class DayLimits(Struct, frozen=True, kw_only=True):
    """How what was seen in a home becomes the figures of its days.

    Args:
        toilets: A sensor in one of these rooms tells of a visit to the toilet; lower case.
        night_from_min, night_until_min: Visits count between these minutes of the local day; the
            night reaches over midnight.
        visit_apart_min: A visit begins after so many minutes without.
        sleep_from_min, sleep_until_min: Minutes in bed, or without movement, count as sleep between
            these: a wide window around the bedtimes of elders; it, too, reaches over midnight.
        still_min: Without movement for so many minutes somebody sleeps.
        unseen_share_max: A day of which more was not watched has no figures of the home.
        rest_readings_min: So many readings make a resting pulse, or a day's SpO2; fewer are chance.
        rest_quantile: The resting pulse is a low quantile of what was read off somebody who did not
            move; the lowest reading itself is an artefact more often than not.
    """

    toilets: Words = ("bathroom", "toilet", "wc", "washroom", "restroom")
    night_from_min: MinuteOfDay = 1_320
    night_until_min: MinuteOfDay = 360
    visit_apart_min: Minutes = 10
    sleep_from_min: MinuteOfDay = 1_200
    sleep_until_min: MinuteOfDay = 600
    still_min: Minutes = 60
    unseen_share_max: Share = 0.25
    rest_readings_min: Times = 20
    rest_quantile: Quantile = 0.1


class House(Struct, frozen=True, kw_only=True):
    """A home's day so far. Instants are local milliseconds.

    Attributes:
        active: A bit for each five minutes of the day in which something moved, lowest first.
        visits: To the toilet: in the night that ended today, and in the one that begins.
        still_min: Minutes without movement, of the same two nights.
        bed_min: Minutes in bed, likewise.
        unseen_ms: How much of the day nobody watched.
        known: Some sensor of the home was ever heard.
        has_bed, has_toilet: There is such a sensor; a night without it is a zero.
    """

    active: bytes = _NOTHING
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
            active=_NOTHING,
            visits=(self.visits[1], 0),
            still_min=(self.still_min[1], 0.0),
            bed_min=(self.bed_min[1], 0.0),
            openings=(),
            unseen_ms=0,
        )


def at_home(house: House, seen: Seen, said: Home, local_ms: int, limits: DayLimits) -> House:
    """Return the house with what one of its sensors said."""
    if said.sensor not in _MOVED_BY:
        return house
    toilet = seen.room.lower() in limits.toilets
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
        house = _in_bed(house, bool(said.value), local_ms, limits)
    if said.sensor is Sensor.MEDICINE and said.value:
        minute = local_ms % DAY_MS // MINUTE_MS
        house = replace(house, openings=(*house.openings, minute)[-OPENINGS_MAX:])
    if toilet:
        house = _at_toilet(house, local_ms, limits)
    if house.moved_at is not None and local_ms - house.moved_at >= limits.still_min * MINUTE_MS:
        added = _nights(house.moved_at, local_ms, limits)
        still = (house.still_min[0] + added[0], house.still_min[1] + added[1])
        house = replace(house, still_min=still)
    bin_ = local_ms % DAY_MS // _BIN_MS
    active = int.from_bytes(house.active, "little") | 1 << bin_
    return replace(house, moved_at=local_ms, active=active.to_bytes(len(_NOTHING), "little"))


def blind(house: House, unseen_ms: int) -> House:
    """Return a house that was not watched for so long; no stillness is concluded from that."""
    return replace(
        house, unseen_ms=house.unseen_ms + unseen_ms, moved_at=None, bed_at=None, positions={}
    )


def house_figures(house: House, limits: DayLimits) -> dict[str, float] | None:
    """Return a day's figures; None where the home has no sensors or was not watched enough."""
    if not house.known or house.unseen_ms > limits.unseen_share_max * DAY_MS:
        return None
    figures = {"active_min": 5.0 * int.from_bytes(house.active, "little").bit_count()}
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


def _in_bed(house: House, occupied: bool, local_ms: int, limits: DayLimits) -> House:
    if occupied:
        return replace(house, bed_at=local_ms)
    if house.bed_at is None:
        return house
    added = _nights(house.bed_at, local_ms, limits)
    bed = (house.bed_min[0] + added[0], house.bed_min[1] + added[1])
    return replace(house, bed_at=None, bed_min=bed)


def _at_toilet(house: House, local_ms: int, limits: DayLimits) -> House:
    apart_ms = limits.visit_apart_min * MINUTE_MS
    again = house.toilet_at is not None and local_ms - house.toilet_at < apart_ms
    house = replace(house, toilet_at=local_ms)
    minute, (ended, begun) = local_ms % DAY_MS / MINUTE_MS, house.visits
    if again or limits.night_until_min <= minute < limits.night_from_min:
        return house
    early = minute < limits.night_until_min
    return replace(house, visits=(ended + 1, begun) if early else (ended, begun + 1))


def _nights(start_ms: int, end_ms: int, limits: DayLimits) -> tuple[float, float]:
    """Return how much of a span lies in the night that ended on its last day, and in the next."""
    midnight = end_ms // DAY_MS * DAY_MS
    return (
        _overlap(start_ms, end_ms, midnight, limits),
        _overlap(start_ms, end_ms, midnight + DAY_MS, limits),
    )


def _overlap(start_ms: int, end_ms: int, midnight: int, limits: DayLimits) -> float:
    begin = max(start_ms, midnight - DAY_MS + limits.sleep_from_min * MINUTE_MS)
    until = min(end_ms, midnight + limits.sleep_until_min * MINUTE_MS)
    return max(until - begin, 0) / MINUTE_MS
