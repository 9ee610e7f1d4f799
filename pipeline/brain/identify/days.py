"""A home's days: what its sensors and its people's devices said, folded into a few figures a day.

    observations, in the order of their time -> Book (today, of one home) -> local midnight -> Days

A reading that is told after the home's clock has passed it belongs to its own day all the same: of
today, and of the last `PAST_DAYS` days, hours of a wearable of which nothing had come in time, and
readings of cuff, clip, thermometer and scales, are entered late, and the days they change are told
again, gathered, at the next full hour. Sensors of the home keep nothing to tell late, and windows
of the pulse are counted in time or not at all.

What a home's sensors say is a resident's only where somebody lives alone; otherwise it makes a day
of the household's own. Absent is not zero: a figure that was not measured is not there.
"""

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.histogram import Histogram
from pipeline.brain.identify.home_limits import HomeHistory, HomeReading, score_day
from pipeline.brain.identify.news2 import Sign, SpO2Scale, Timed, Value
from pipeline.brain.identify.night import MINUTE_MS, DayLimits, House, at_home, blind, house_figures
from pipeline.brain.identify.sign_score import Hourly
from pipeline.brain.perceive.artefact import Artefacts, Runs
from pipeline.brain.perceive.seen import Seen
from weinao.messages import Home, Rhythm, Vitals

DAY_MS = 86_400_000
BODIES_MAX = 16
"""People of one home that are kept apart; readings of further ones are left out."""

SPOTS_MAX = 48
"""Cuff and clip readings of a day; beyond it the mildest is left out."""

PAST_DAYS = 2
"""Closed days of each subject that can still be corrected: a wearable that was out of reach syncs
when its wearer is back, and a cuff when it is next used. Ours."""

DAYS_AT_ONCE_MAX = 60
"""Days closed at once after a long silence; earlier ones hold nothing."""


class Body(Struct, frozen=True, kw_only=True):
    """One resident's day so far; counts by value, so that no reading is kept.

    Attributes:
        history: Spot readings of the days before.
        runs: How long each sign of each device has had one value.
        heard: A bit for each hour of the day, UTC, in which a worn device was heard in time.
        late: Of hours without that, told late: the newest value of each sign, by hour.
        pressure: Number of blood pressures, and their sums.
    """

    birth_year: int | None = None
    scale: SpO2Scale = SpO2Scale.ONE
    hourly: Hourly = Hourly()
    rest_bpm: Histogram = Histogram()
    spo2_pct: Histogram = Histogram()
    spots: tuple[HomeReading, ...] = ()
    history: HomeHistory = HomeHistory()
    pressure: tuple[int, float, float] = (0, 0.0, 0.0)
    weight_kg: float | None = None
    windows: int = 0
    irregular: int = 0
    runs: Runs = {}
    heard: int = 0
    late: dict[int, dict[Sign, Timed]] = {}
    last_id: str = ""


class Book(Struct, frozen=True, kw_only=True):
    """One home's day so far.

    Attributes:
        hourly: Whether signs are scored by the hour; whoever needs only figures saves that.
        limits: How what was seen becomes figures.
        artefacts: What is no sign of a body.
        day: Local day, counted from 1970-01-01; None before anything was seen.
        known_to: Time and id of the newest observation; what is not newer is late or repeated.
        watched_to: Up to when the home was watched, or known not to have been.
        past: Of each subject, the days that were closed last, as they can still be corrected.
        amended: Subjects and days that were corrected and not told yet.
        amend_at: When they are.
    """

    household: str
    hourly: bool = True
    limits: DayLimits = DayLimits()
    artefacts: Artefacts = Artefacts()
    tz_offset_min: int = 480
    alone: bool = False
    day: int | None = None
    known_to: tuple[int, str] = (-1, "")
    watched_to: int = 0
    bodies: dict[str, Body] = {}
    house: House = House()
    past: dict[str, tuple["Day", ...]] = {}
    amended: tuple[tuple[str, int], ...] = ()
    amend_at: int | None = None


class Day(Struct, frozen=True, kw_only=True):
    """A closed day of one subject.

    Attributes:
        at: Its end.
        figures: What was measured, by name; units stand in the names.
        openings: When medicine was taken out, minutes of the local day.
        body: The readings behind it; None for a household's day.
        house: Whether the figures include those of the home.
    """

    day: int
    at: int
    subject: str
    household: str
    alone: bool
    figures: dict[str, float] = {}
    openings: tuple[int, ...] = ()
    evidence: tuple[str, ...] = ()
    body: Body | None = None
    house: bool = False


def take(book: Book, seen: Seen) -> Book:
    """Return the book with an observation in it; repeated ones change nothing.

    Its day must have been reached before. Late ones are entered as far as they can be.
    """
    if (seen.at, seen.id) <= book.known_to:
        return _take_late(book, seen)
    if book.day is None:
        book = _begin(book, seen)
    said = seen.observation
    house, bodies = book.house, book.bodies
    if isinstance(said, Home):
        house = at_home(house, seen, said, seen.at + seen.tz_offset_min * MINUTE_MS, book.limits)
    elif isinstance(said, Vitals | Rhythm) and _is_somebody(book, seen):
        body = _of(bodies.get(seen.subject, _NOBODY), seen)
        if isinstance(said, Rhythm):
            body = _with_rhythm(body, said)
        else:
            runs, said = book.artefacts.clean(body.runs, seen, said)
            body = _with_vitals(replace(body, runs=runs), said, hourly=book.hourly)
        bodies = {**bodies, seen.subject: body}
    return replace(
        book,
        known_to=(seen.at, seen.id),
        watched_to=max(book.watched_to, seen.at),
        tz_offset_min=seen.tz_offset_min,
        alone=seen.alone,
        house=house,
        bodies=bodies,
    )


def reach(book: Book, at: int) -> tuple[Book, tuple[Day, ...]]:
    """Return the book at an instant, and the days that have ended by then."""
    if book.day is None or at < _end_of(book):
        return book, ()
    found: list[Day] = []
    last = (at + book.tz_offset_min * MINUTE_MS) // DAY_MS
    while book.day is not None and book.day < last:
        closed, today = _closed(book), book.day
        found += [shown(day, book.limits) for day in closed]
        ahead = today + 1 if last - today <= DAYS_AT_ONCE_MAX else last
        book = _next(replace(book, past=_past(book, closed)), ahead)
    return replace(book, watched_to=max(book.watched_to, at)), tuple(found)


def amended(book: Book, at: int) -> tuple[Book, tuple[Day, ...]]:
    """Return the closed days that late readings have changed, once it is time to tell."""
    if book.amend_at is None or at < book.amend_at:
        return book, ()
    days = [
        shown(day, book.limits)
        for subject, number in sorted(book.amended)
        for day in book.past.get(subject, ())
        if day.day == number
    ]
    return replace(book, amended=(), amend_at=None), tuple(days)


def shown(day: Day, limits: DayLimits) -> Day:
    """Return a day with what was told late in its figures."""
    if day.body is None:
        return day
    body = _with_late_hours(day.body, day.day)
    return replace(day, body=body, figures=day.figures | _figures(body, limits))


def lose_sight(book: Book, at: int) -> Book:
    """Return the book of a home that nobody watched up to `at`, within the day it has reached."""
    if book.day is None or at <= book.watched_to:
        return book
    gone_ms = min(at, _end_of(book)) - book.watched_to
    return replace(book, watched_to=at, house=blind(book.house, max(gone_ms, 0)))


def age_years(body: Body, day: int) -> float | None:
    """Return a resident's age on a day, within a year; None where it is not registered."""
    return None if body.birth_year is None else 1970.0 + day / 365.2425 - body.birth_year


def _begin(book: Book, seen: Seen) -> Book:
    local = seen.at + seen.tz_offset_min * MINUTE_MS
    house = blind(book.house, local % DAY_MS)  # of its first morning nothing is known
    return replace(
        book,
        day=local // DAY_MS,
        tz_offset_min=seen.tz_offset_min,
        watched_to=seen.at,
        house=house,
    )


def _end_of(book: Book) -> int:
    return ((book.day or 0) + 1) * DAY_MS - book.tz_offset_min * MINUTE_MS


_HOUR_MS = 3_600_000
_NOBODY = Body()
_NAMED = tuple((sign, sign.value) for sign in Sign)


def _take_late(book: Book, seen: Seen) -> Book:
    said = seen.observation
    if not isinstance(said, Vitals) or book.day is None or seen.subject in ("", book.household):
        return book
    number = (seen.at + book.tz_offset_min * MINUTE_MS) // DAY_MS
    if number == book.day:
        if not _is_somebody(book, seen):
            return book
        before = book.bodies.get(seen.subject) or _of(_NOBODY, seen)
        return replace(
            book, bodies={**book.bodies, seen.subject: _late(before, _usable(book, seen, said))}
        )
    past = book.past.get(seen.subject, ())
    same = next((day for day in past if day.day == number), None)
    if same is None or same.body is None:
        return book
    body = _late(same.body, _usable(book, seen, said))
    if body == same.body:
        return book
    days = tuple(replace(day, body=body) if day is same else day for day in past)
    hour = max(book.watched_to, book.known_to[0]) // _HOUR_MS + 1
    return replace(
        book,
        past={**book.past, seen.subject: days},
        amended=tuple(sorted({*book.amended, (seen.subject, number)})),
        amend_at=book.amend_at or hour * _HOUR_MS,
    )


def _usable(book: Book, seen: Seen, said: Vitals) -> Vitals:
    return book.artefacts.clean({}, seen, said)[1]


def _late(body: Body, said: Vitals) -> Body:
    """Return a body's day with a reading that was told late; the same one changes nothing again."""
    if body.weight_kg is None and said.weight_kg:
        body = replace(body, weight_kg=said.weight_kg)
    if said.worn is None:
        if any(spot.at == said.at for spot in body.spots):
            return body
        spot = _with_spot(body, replace(said, spo2_pct=None))
        return spot if spot.spots == body.spots else _with_pressure(spot, said)
    hour = said.at // _HOUR_MS
    signs = {} if not said.worn or said.moving else _signs(said)
    if not signs or body.heard >> hour % 24 & 1:
        return body
    known = dict(body.late.get(hour + 1, {}))
    for sign, value in signs.items():
        if sign not in known or (known[sign].at, str(known[sign].value)) < (said.at, str(value)):
            known[sign] = Timed(value, said.at)
    return replace(body, late={**body.late, hour + 1: known})


def _with_late_hours(body: Body, day: int) -> Body:
    """Return a body with the hours that were told late; each counts as one reading of a sign."""
    if not body.late:
        return body
    late = {
        hour: signs
        for hour, signs in body.late.items()
        if not body.heard >> (hour - 1) % 24 & 1  # heard in time after all
    }
    rest_bpm, spo2_pct, heard = body.rest_bpm, body.spo2_pct, body.heard
    for hour, signs in late.items():
        heard |= 1 << (hour - 1) % 24
        rest_bpm = _counted(rest_bpm, _number(signs.get(Sign.PULSE)))
        spo2_pct = _counted(spo2_pct, _number(signs.get(Sign.SPO2)))
    age = age_years(body, day)
    return replace(
        body,
        hourly=body.hourly.with_late(late, age_years=age, scale=body.scale),
        rest_bpm=rest_bpm,
        spo2_pct=spo2_pct,
        heard=heard,
        late={},
    )


def _number(timed: Timed | None) -> float | None:
    return None if timed is None else float(timed.value)


def _past(book: Book, closed: list[Day]) -> dict[str, tuple[Day, ...]]:
    """Return the days that can still be corrected; only a person's can."""
    today = book.day or 0
    past = {
        subject: kept
        for subject, days in book.past.items()
        if (kept := tuple(day for day in days if today - day.day < PAST_DAYS))
    }
    for day in closed:
        if day.body is not None:
            past[day.subject] = (*past.get(day.subject, ()), day)
    return past


def _is_somebody(book: Book, seen: Seen) -> bool:
    if seen.subject in ("", book.household):
        return False
    return seen.subject in book.bodies or len(book.bodies) < BODIES_MAX


def _of(body: Body, seen: Seen) -> Body:
    resident = seen.resident
    if resident is None:
        return replace(body, last_id=seen.id)
    scale = SpO2Scale.TWO if resident.spo2_scale_2 else SpO2Scale.ONE
    return replace(body, last_id=seen.id, birth_year=resident.birth_year, scale=scale)


def _with_rhythm(body: Body, said: Rhythm) -> Body:
    return replace(body, windows=body.windows + 1, irregular=body.irregular + int(said.irregular))


def _with_vitals(body: Body, said: Vitals, *, hourly: bool) -> Body:
    if said.weight_kg:
        body = replace(body, weight_kg=said.weight_kg)
    body = _with_pressure(body, said)
    if said.worn is None:
        return _with_spot(body, said)
    if not said.worn or said.moving:
        return body
    signs = _signs(said) if hourly else {}
    return replace(
        body,
        heard=body.heard | 1 << said.at // _HOUR_MS % 24,
        hourly=_hours_to(body, said.at).take(signs, said.at) if signs else body.hourly,
        rest_bpm=_counted(body.rest_bpm, said.hr_bpm),
        spo2_pct=_counted(body.spo2_pct, said.spo2_pct),
    )


def _with_pressure(body: Body, said: Vitals) -> Body:
    if said.sbp_mmhg is None or said.dbp_mmhg is None:
        return body
    n, sbp, dbp = body.pressure
    return replace(body, pressure=(n + 1, sbp + said.sbp_mmhg, dbp + said.dbp_mmhg))


def _with_spot(body: Body, said: Vitals) -> Body:
    reading = HomeReading(
        at=said.at,
        sbp_mmhg=said.sbp_mmhg,
        dbp_mmhg=said.dbp_mmhg,
        hr_bpm=said.hr_bpm or None,
        temp_c=said.temp_c,
    )
    if score_day([reading], body.history) is None:
        return replace(body, spo2_pct=_counted(body.spo2_pct, said.spo2_pct))
    spots = [*body.spots, reading]
    if len(spots) > SPOTS_MAX:
        spots.remove(max(spots, key=lambda one: _mildness(one, body.history)))
    return replace(body, spots=tuple(spots), spo2_pct=_counted(body.spo2_pct, said.spo2_pct))


def _mildness(reading: HomeReading, history: HomeHistory) -> float:
    scored = score_day([reading], history)
    return 100.0 if scored is None else scored.score


def _signs(said: Vitals) -> dict[Sign, Value]:
    """Return what a worn device said of somebody at rest; a zero is a sensor still searching."""
    return {
        sign: value for sign, name in _NAMED if (value := getattr(said, name)) or value is False
    }


def _hours_to(body: Body, at: int) -> Hourly:
    if not body.hourly.due(at):
        return body.hourly
    age = age_years(body, at // DAY_MS)
    return body.hourly.reach(at, age_years=age, scale=body.scale)


def _counted(counts: Histogram, value: float | None) -> Histogram:
    return counts.counted(round(value)) if value else counts


def _closed(book: Book) -> list[Day]:
    house, openings = house_figures(book.house, book.limits), book.house.openings
    days = [_body_day(book, subject, body) for subject, body in sorted(book.bodies.items())]
    if house is None:
        return days
    if book.alone and len(days) == 1:
        mine = days[0]
        return [replace(mine, figures=mine.figures | house, openings=openings, house=True)]
    ids = tuple(one for one in (book.house.last_id,) if one)
    own = _day(book, book.household, house, ids)
    return [*days, replace(own, openings=openings, house=True)]


def _body_day(book: Book, subject: str, body: Body) -> Day:
    body = replace(body, hourly=_hours_to(body, _end_of(book)))
    ids = tuple(one for one in (body.last_id, book.house.last_id) if one)
    return replace(_day(book, subject, _figures(body, book.limits), ids), body=body)


def _figures(body: Body, limits: DayLimits) -> dict[str, float]:
    n, sbp, dbp = body.pressure
    figures = {
        "rest_bpm": body.rest_bpm.quantile(limits.rest_quantile, limits.rest_readings_min),
        "spo2_pct": body.spo2_pct.quantile(0.5, limits.rest_readings_min),
        "sbp_mmhg": sbp / n if n else None,
        "dbp_mmhg": dbp / n if n else None,
        "weight_kg": body.weight_kg,
        "irregular_share": body.irregular / body.windows if body.windows else None,
    }
    return {name: round(value, 3) for name, value in figures.items() if value is not None}


def _day(book: Book, subject: str, figures: dict[str, float], evidence: tuple[str, ...]) -> Day:
    return Day(
        day=book.day or 0,
        at=_end_of(book),
        subject=subject,
        household=book.household,
        alone=book.alone,
        figures=figures,
        evidence=evidence,
    )


def _next(book: Book, day: int) -> Book:
    end = _end_of(book)
    bodies = {subject: _rested(body, end) for subject, body in book.bodies.items()}
    skipped = day - (book.day or 0) - 1
    house = book.house.next_day() if not skipped else blind(book.house.next_day(), DAY_MS)
    if book.watched_to > end:  # sight was lost across midnight
        house = blind(house, min(book.watched_to - end, DAY_MS))
    return replace(book, day=day, bodies=bodies, house=house)


def _rested(body: Body, end: int) -> Body:
    """Return a body at the beginning of its next day."""
    history = body.history
    for reading in sorted(body.spots, key=lambda spot: spot.at):
        history = history.after(reading)
    return Body(
        birth_year=body.birth_year,
        scale=body.scale,
        hourly=_hours_to(body, end).next_day(),
        history=history,
        runs=body.runs,
    )
