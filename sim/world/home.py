"""One home, lived in: every day its people go about it, and its devices say what they notice."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from sim.world.body import CLOSE_MS, READ_MS, body_of, illness
from sim.world.fitted import shipped
from sim.world.households import Dwelling, Person
from sim.world.meters import WaterMeter, by_hand, power
from sim.world.routine import OUT, Stay, at_home, day, in_bed
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS, Said, dice
from sim.world.slow import CHARGED_EVERY_DAYS, DRIFTS, battery_pct, drifted, fewer, slept
from sim.world.truth import Fact
from sim.world.ways import HOURS, Ways, stirring, ways
from weinao.messages import Home, Motion, MotionEvent, Report, Rhythm, Sensor, Vitals

TZ_MS = 8 * HOUR_MS
"""Local time of every simulated community, ahead of UTC."""

PIR_REST_MS = 3 * MINUTE_MS
"""A movement sensor on a battery says nothing for so long after it spoke."""


_STILL = {
    "falls": "bathroom", "falls_gets_up": "living", "stops_moving": "living",
    "lies_by_bed": "bathroom", "forgets_stove": "living",
}  # fmt: skip
_REPORTED = {
    "reports_noise": ("noise", "drilling next door at noon"),
    "reports_fire": ("fire", "it smells of smoke here"),
}
_COOKS_STILL_MIN_MAX = 11.0
_MEDICINE_H = (8.0, 19.5)
_MEDICINE_SD_MS = 20 * MINUTE_MS
"""When medicine is taken, and how much that varies: ours, no box of pills was recorded."""

_CANNOT_MOVE = ("falls", "stops_moving", "lies_by_bed")
_AWAY = ("goes_out", "wanders", "child_leaves", "stays_away")
_FROM_BED = ("lies_by_bed", "wanders", "leaves_door_open", "airs_at_night")
_IN_BED_MS = 45 * MINUTE_MS
"""Since when somebody was asleep whom something gets out of bed."""

_HOME_MS = 30 * MINUTE_MS
"""For how long somebody is at home before something befalls them, and after."""

_WARMTH_C = {"heat_wave": 34.0, "heating_fails": 14.0, "airs_room": 15.0, "warm_day": 29.0}


class LivedIn:
    """One home over the whole story.

    Args:
        home: Its people and devices.
        facts: What befalls them, of this home only.
        start: When the story begins, milliseconds UTC.
        until: When it ends.
        seed: Of the world.
        own: The ways of its people, by id; None for those of their kind.
    """

    def __init__(
        self,
        home: Dwelling,
        facts: Sequence[Fact],
        *,
        start: int,
        until: int,
        seed: int,
        own: Mapping[str, Ways] | None = None,
    ) -> None:
        self._home, self._facts, self._sensors = home, facts, home.sensors
        self._start, self._until, self._seed = start, until, seed
        self._bodies = {one.id: body_of(one.kind, dice(seed, one.id)) for one in home.people}
        self._ways = own or {one.id: ways(HOURS[one.kind], one.id, seed) for one in home.people}
        self._stir_min = shipped().routine.stir_min
        self._slow = [one for one in facts if one.happening in DRIFTS]
        self._water = WaterMeter(home, facts, seed)
        self._room = {one.id: "bedroom" for one in home.people}
        self._pir_at: dict[str, int] = {}
        # Small children go out with the first adult, and come home with that one.
        self._guide = next((one for one in home.people if one.kind == "adult"), None)

    def said(self) -> Iterator[Said]:
        """Yield everything that is said in the home, in the order of time."""
        yield from self._first_words()
        midnight = (self._start + TZ_MS) // DAY_MS * DAY_MS - TZ_MS
        while midnight < self._until:
            rng = dice(self._seed, self._home.id, midnight)
            said = sorted(self._day(midnight, rng), key=lambda one: (one.at, one.device))
            yield from (one for one in said if self._start < one.at < self._until)
            midnight += DAY_MS

    def _first_words(self) -> Iterator[Said]:
        for sensor in (Sensor.DOOR, Sensor.BED, Sensor.MEDICINE):
            yield self._home_says(self._start, sensor.value, sensor, float(sensor is Sensor.BED))

    def _day(self, midnight: int, rng: random.Random) -> Iterator[Said]:
        moves: list[tuple[int, str]] = []
        lived: list[Stay] = []
        guide = day(self._ways[self._guide.id], midnight) if self._guide else []
        for person in self._home.people:
            stays = self._stays(person, midnight, guide)
            lived += stays
            moves += fewer(self._moves(person, stays, rng), person, self._slow)
            yield from self._doors(stays, rng)
            yield from self._acts(person, stays, rng)
            if person.kind == "elder" and person is self._home.people[0]:
                yield from self._medicine(person, stays, midnight, rng)
            if person.band and person.measured:
                yield from self._body(person, stays, midnight, rng)
            if person.band and person.kind == "elder":
                yield from self._pulse(person, stays, midnight, rng)
            elif person.band:
                yield from self._near(person, stays, rng)
        yield from self._pirs(sorted(moves))
        yield from self._climate(midnight, rng)
        yield from power(self._home, self._facts, midnight, rng)
        yield from self._water.said(lived, midnight)
        yield from by_hand(self._home, self._facts, midnight, self._seed)
        for fact in self._facts:
            if midnight <= fact.at < midnight + DAY_MS:
                yield from self._tells(fact)

    def _climate(self, midnight: int, rng: random.Random) -> Iterator[Said]:
        for hour in range(24):
            at = midnight + hour * HOUR_MS + 600_000
            warm = 22.0 + 2.0 * abs(12 - abs(hour - 15)) / 12
            warm = next((_WARMTH_C[one] for one in self._now(at) if one in _WARMTH_C), warm)
            warm = round(warm + rng.gauss(0, 0.2), 1)
            yield self._home_says(at, "temperature", Sensor.TEMPERATURE, warm)

    def _now(self, at: int) -> list[str]:
        return [fact.happening for fact in self._facts if fact.at <= at < fact.until]

    def _stays(self, person: Person, midnight: int, guide: Sequence[Stay]) -> list[Stay]:
        guided = person.kind == "preschooler" or person is self._guide
        stays = list(guide) if guided and guide else day(self._ways[person.id], midnight)
        for fact in self._facts:
            if fact.about[0] in (person.id, self._home.id):
                stays = at_home(stays, fact.at - _HOME_MS, fact.until + _HOME_MS)
                if fact.happening in _FROM_BED and midnight <= fact.at < midnight + DAY_MS:
                    stays = in_bed(stays, fact.at - _IN_BED_MS, fact.at)
                if fact.happening in _STILL:
                    stays = _instead(stays, fact, _STILL[fact.happening])
                elif fact.happening in _AWAY:
                    stays = _instead(stays, fact, OUT)
        if self._slow:
            stays = slept(stays, person, self._slow, dice(self._seed, person.id, midnight))
        before = Stay(stays[0].at, stays[0].at, self._room[person.id])
        self._room[person.id] = stays[-1].room
        return [before, *stays]

    def _moves(
        self, person: Person, stays: Sequence[Stay], rng: random.Random
    ) -> Iterator[tuple[int, str]]:
        for before, stay in pairwise(stays):
            if stay.room == OUT:
                if before.room != OUT:
                    yield stay.at - 6_000, "hall"
                continue
            if before.room != stay.room:
                if before.room == OUT:
                    yield stay.at + 30_000, "hall"
                if stay.at + 40_000 < stay.until:
                    yield stay.at + 40_000, stay.room
            if any(_covers(fact, stay, person, self._home) for fact in self._facts):
                continue
            at = stay.at + 45_000
            while at < stay.until - 10_000:
                yield at, stay.room
                if stay.still:
                    break
                hour = (at + TZ_MS) % DAY_MS / HOUR_MS
                name = "asleep" if stay.asleep else stirring(stay.room, hour)
                gap_min = self._stir_min[name].draw(rng)
                # Who cooks does not stand still for long, or it would be a stove left alone.
                gap_min = min(gap_min, _COOKS_STILL_MIN_MAX) if stay.meal else gap_min
                at += round(gap_min * MINUTE_MS)

    def _pirs(self, moves: Sequence[tuple[int, str]]) -> Iterator[Said]:
        for at, room in moves:
            if at >= self._pir_at.get(room, 0) + PIR_REST_MS:
                self._pir_at[room] = at
                yield self._home_says(at, f"pir-{room}", Sensor.PIR, 1.0)

    def _doors(self, stays: Sequence[Stay], rng: random.Random) -> Iterator[Said]:
        for before, stay in pairwise(stays):
            if (before.room == OUT) != (stay.room == OUT):
                yield self._home_says(stay.at, "door", Sensor.DOOR, 1.0)
                shut = stay.at + rng.randrange(5_000, 12_000)
                yield self._home_says(shut, "door", Sensor.DOOR, 0.0)

    def _acts(self, person: Person, stays: Sequence[Stay], rng: random.Random) -> Iterator[Said]:
        first = person is self._home.people[0]
        for before, stay in pairwise(stays):
            if first and person.kind == "elder" and before.asleep != stay.asleep:
                yield self._home_says(stay.at + 1_000, "bed", Sensor.BED, float(stay.asleep))
            if first and stay.meal:
                on, off = stay.at + 2 * MINUTE_MS, max(stay.at + 3 * MINUTE_MS, stay.until - 60_000)
                yield self._home_says(on, "stove", Sensor.POWER, float(rng.randrange(900, 1_900)))
                yield self._home_says(off, "stove", Sensor.POWER, 0.0)

    def _medicine(
        self, person: Person, stays: Sequence[Stay], midnight: int, rng: random.Random
    ) -> Iterator[Said]:
        """Yield the box being opened, at hours that are more of a habit than meals are."""
        habit = dice(self._seed, person.id, "medicine")
        for hour in _MEDICINE_H:
            usual = midnight + round((hour + habit.uniform(-0.75, 0.75)) * HOUR_MS)
            at = usual + round(max(-2.5, min(2.5, rng.gauss(0, 1))) * _MEDICINE_SD_MS)
            home = next((one for one in stays if one.until > at and one.room != OUT), None)
            if home is None or self._skips(person, at):
                continue
            at = max(at, home.at + MINUTE_MS)  # who is out takes it on coming home
            yield self._home_says(at, "medicine", Sensor.MEDICINE, 1.0)
            yield self._home_says(at + 8_000, "medicine", Sensor.MEDICINE, 0.0)

    def _skips(self, person: Person, at: int) -> bool:
        return any(
            fact.happening == "skips_medicine" and fact.about[0] == person.id
            for fact in self._facts
            if fact.at <= at < fact.until
        )

    def _body(
        self, person: Person, stays: Sequence[Stay], midnight: int, rng: random.Random
    ) -> Iterator[Said]:
        own = [fact for fact in self._facts if fact.about[0] == person.id]
        sick = [fact for fact in own if fact.happening == "falls_ill"]
        busy = [fact for fact in own if fact.happening == "exercises"]
        upset = [fact for fact in own if fact.happening == "cries"]
        off = [fact for fact in own if fact.happening == "takes_off_band"]
        charged_on = dice(self._seed, "charger", person.id).randrange(CHARGED_EVERY_DAYS)
        at = midnight + rng.randrange(READ_MS)
        index = 0
        while at < midnight + DAY_MS:
            while index + 1 < len(stays) and stays[index].until <= at:
                index += 1
            worn = not any(fact.at <= at < fact.until for fact in off)
            if (
                worn and stays[index].room != OUT
            ):  # out of the home's reach, a band keeps what it reads
                ill = max((illness(at, fact.at, fact.until) for fact in sick), default=0.0)
                moving = any(fact.at <= at < fact.until for fact in busy)
                asleep = stays[index].asleep
                said = self._bodies[person.id].read(at, ill, moving=moving, asleep=asleep)
                level = battery_pct(own, at, self._start, charged_on)
                said = replace(drifted(said, own), battery_pct=round(level, 1))
                yield Said(at, person.band, said)
            close = any(fact.at <= at < fact.until + HOUR_MS for fact in (*sick, *busy, *upset))
            sudden = [fact.at for fact in (*sick, *upset) if fact.at > at]
            soon = min((begins - at for begins in sudden), default=READ_MS)
            at += CLOSE_MS if close else max(CLOSE_MS, min(READ_MS, soon))

    def _pulse(
        self, person: Person, stays: Sequence[Stay], midnight: int, rng: random.Random
    ) -> Iterator[Said]:
        """Yield how regular the pulse is: every hour, and every minute while it is not."""
        own = [one for one in self._facts if one.about[0] == person.id]
        odd = [one for one in own if one.happening in ("arrhythmia", "skips_beats")]
        off = [one for one in own if one.happening == "takes_off_band"]
        minutes = {at for one in odd for at in range(one.at, one.until, MINUTE_MS)}
        hours = {midnight + hour * HOUR_MS + rng.randrange(MINUTE_MS) for hour in range(24)}
        for at in sorted(minutes | hours):
            worn = not any(one.at <= at < one.until for one in off)
            if not (midnight <= at < midnight + DAY_MS and worn) or _room(stays, at) == OUT:
                continue
            irregular = any(one.at <= at < one.until for one in odd)
            rmssd = 140.0 if irregular else rng.uniform(18, 40)
            said = Rhythm(at=at, rmssd_ms=round(rmssd, 1), irregular=irregular, confidence=0.9)
            yield Said(at, person.band, said)

    def _near(self, person: Person, stays: Sequence[Stay], rng: random.Random) -> Iterator[Said]:
        """Yield that a band is at home, which is all that the bands of families say."""
        for stay in stays:
            first = stay.at + rng.randrange(1, MINUTE_MS)
            for at in range(first, stay.until, MINUTE_MS) if stay.room != OUT else ():
                yield Said(at, person.band, Vitals(at=at, worn=True))

    def _tells(self, fact: Fact) -> Iterator[Said]:
        """Yield what devices say outright of a happening."""
        band = next((one.band for one in self._home.people if one.id == fact.about[0]), "")
        yield from self._band_tells(fact, band)
        if fact.happening in _REPORTED:
            category, text = _REPORTED[fact.happening]
            said = Report(at=fact.at, category=category, text=text)
            yield Said(fact.at, self._home.phone, said)
        yield from self._sensors_tell(fact)

    def _band_tells(self, fact: Fact, band: str) -> Iterator[Said]:
        if fact.happening in ("falls", "falls_gets_up"):
            sure = _confidence(dice(self._seed, band, fact.at))
            fell = Motion(at=fact.at, event=MotionEvent.FALL, confidence=sure, impact_g=3.4)
            yield Said(fact.at, band, fell)
        if fact.happening == "falls":
            at = fact.at + LYING_MS
            yield Said(at, band, Motion(at=at, event=MotionEvent.IMMOBILE, still_s=20.0))
        if fact.happening == "falls_gets_up":
            for room, after in (("living", 45_000), ("kitchen", 80_000), ("bathroom", 150_000)):
                yield self._home_says(fact.at + after, f"pir-{room}", Sensor.PIR, 1.0)
        if fact.happening == "stumbles":
            yield Said(fact.at, band, Motion(at=fact.at, event=MotionEvent.NEAR_FALL))
        if fact.happening == "takes_off_band" and band:
            yield Said(fact.at, band, Vitals(at=fact.at, worn=False))

    def _sensors_tell(self, fact: Fact) -> Iterator[Said]:
        if fact.happening == "presses_sos":
            yield self._home_says(fact.at, "sos", Sensor.SOS, 1.0)
        if fact.happening == "self_test":
            for sensor in (Sensor.SMOKE, Sensor.GAS, Sensor.CO, Sensor.LEAK, Sensor.SOS):
                yield self._home_says(fact.at, sensor.value, sensor, 0.0)
        if fact.happening == "forgets_stove":
            yield self._home_says(fact.at - 90_000, "pir-kitchen", Sensor.PIR, 1.0)
            yield self._home_says(fact.at - 60_000, "stove", Sensor.POWER, 1_600.0)
            yield self._home_says(fact.until, "stove", Sensor.POWER, 0.0)
        if fact.happening in ("leaves_door_open", "airs_at_night"):
            yield self._home_says(fact.at - 20_000, "pir-hall", Sensor.PIR, 1.0)
            yield self._home_says(fact.at, "door", Sensor.DOOR, 1.0)
            yield self._home_says(fact.until, "door", Sensor.DOOR, 0.0)
            yield self._home_says(fact.until + 40_000, "pir-hall", Sensor.PIR, 1.0)
        if fact.happening in _DETECTED:
            sensor = Sensor(fact.happening)
            yield self._home_says(fact.at, sensor.value, sensor, 1.0)
            yield self._home_says(fact.until, sensor.value, sensor, 0.0)

    def _home_says(self, at: int, what: str, sensor: Sensor, value: float) -> Said:
        device = self._home.device(what)
        room = self._sensors[device]
        return Said(at, device, Home(at=at, sensor=sensor, value=value, room=room))


LYING_MS = 30_000
"""After so long the agent reports lying still."""

_DETECTED = ("smoke", "gas", "co", "leak")


def _confidence(rng: random.Random) -> float:
    """Return how sure a detector is of a fall that it finds.

    References:
        models/cards/fall_v1.md, wrist, cross-validated by person: 4 % of the falls it finds score
        below 0.8, and 11 % below 0.95.
    """
    low, high = rng.choices(((0.5, 0.8), (0.8, 0.95), (0.95, 1.0)), (0.04, 0.07, 0.89))[0]
    return round(rng.uniform(low, high), 2)


def _room(stays: Sequence[Stay], at: int) -> str:
    return next((stay.room for stay in stays if stay.at <= at < stay.until), OUT)


def _covers(fact: Fact, stay: Stay, person: Person, home: Dwelling) -> bool:
    """Say whether a stay is one in which somebody cannot move."""
    still = fact.happening in _CANNOT_MOVE and fact.about[0] in (person.id, home.id)
    return still and fact.at <= stay.at and stay.until <= fact.until


def _instead(stays: Sequence[Stay], fact: Fact, room: str) -> list[Stay]:
    """Return a day in which somebody is elsewhere while something befalls them."""
    changed: list[Stay] = []
    for stay in stays:
        if stay.until <= fact.at or stay.at >= fact.until:
            changed.append(stay)
            continue
        if stay.at < fact.at:
            changed.append(replace(stay, until=fact.at))
        changed.append(Stay(max(stay.at, fact.at), min(stay.until, fact.until), room))
        if stay.until > fact.until:
            changed.append(replace(stay, at=fact.until))
    return changed
