"""How somebody is now, for those who may know: one word, one colour, since when, and her day."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from portal.reach import OVER, Reach, gravest_first, offered, sees
from portal.sharing import Level, agreed
from portal.views import incident as incidents
from portal.views.bands import SIGNS_OF_LIFE, bands
from portal.views.incident import Row, Told
from portal.views.signs import Sign, signs
from portal.views.tongue import DAY_MS, Tongue
from sinks.known import Known
from sinks.store import Filter, Store
from weinao.messages import Action, Home, Vitals
from weinao.outcomes import HazardKind, HealthScore, Incident, IncidentState, Kept, Severity
from weinao.registry import Device, Resident

SILENT_MS = 30 * 60_000
"""Nothing heard of her home for so long: then nobody knows, and it is said.

Ours: agents report themselves every few minutes at most.
"""

BATTERY_PCT_MIN = 20.0
"""Below that she is reminded to charge it. Ours: a watch for three days lasts half a day on it."""

_RESOLVED = (IncidentState.RESOLVED, IncidentState.VERIFIED)
_DEVICES = (HazardKind.AGENT_SILENT, HazardKind.DEVICE_SILENT)


class Word(StrEnum):
    """How somebody is."""

    WELL = "well"
    LOOK = "look"
    DANGER = "danger"
    UNKNOWN = "unknown"


class Now(Struct, frozen=True, kw_only=True):
    """How somebody is now.

    Attributes:
        since: Since when it is so, as far as is known.
        seen_at: When somebody moved in her home last.
        heard_at: When her home was heard of last, if only from its gateway.
    """

    word: Word
    colour: str
    since: int | None = None
    seen_at: int | None = None
    heard_at: int | None = None


class Stretch(Struct, frozen=True, kw_only=True):
    """A band of her day, with what it says in words."""

    name: str
    spans: tuple[tuple[int, int], ...]
    text: str


class Part(Struct, frozen=True, kw_only=True):
    """A part of a health score."""

    name: str
    score: int
    coverage: int
    reason: str


class Score(Struct, frozen=True, kw_only=True):
    """Her health score of the last day that was scored, with the days before it."""

    day: str
    score: int
    low: int
    high: int
    coverage: int
    reason: str
    trend: float | None
    parts: tuple[Part, ...]
    advice: tuple[str, ...]
    days: tuple[tuple[str, int], ...]


class Reminder(Struct, frozen=True, kw_only=True):
    """Something small that is to be done; `key` is a key of the catalogue."""

    key: str
    device: str
    facts: dict[str, str | int] = {}


class Alert(Struct, frozen=True, kw_only=True):
    """An incident about her that is not over."""

    row: Row
    because: str
    told: tuple[Told, ...]
    offers: tuple[Action, ...]
    hazard_over: bool


class Person(Struct, frozen=True, kw_only=True):
    """All that a family sees of somebody.

    Attributes:
        level: How much of her day she shares.
        shares_home: Whether she agreed to sensors of the home at all,
        shares_health: and to those of the body.
    """

    grid: str
    id: str
    name: str
    now: Now
    alerts: tuple[Alert, ...]
    level: Level
    shares_home: bool
    shares_health: bool
    day: tuple[Stretch, ...] = ()
    signs: tuple[Sign, ...] = ()
    score: Score | None = None
    reminders: tuple[Reminder, ...] = ()
    history: tuple[Row, ...] = ()


class Around(Struct, frozen=True, kw_only=True):
    """What a page about somebody is made from.

    Attributes:
        board: All incidents at hand.
        level: How much of her day she shares.
    """

    reach: Reach
    known: Known
    tongue: Tongue
    store: Store
    board: Sequence[Incident]
    level: Level = Level.HOURS


def person(grid: str, resident: Resident, around: Around) -> Person:
    """Return how somebody is, her day, and what happened to her."""
    about = [one for one in around.board if concerns(one, grid, resident, around)]
    now = around.tongue.now
    home, health = agreed(resident, "home", now), agreed(resident, "health", now)
    newest = _vitals(grid, resident, around) if health else []
    return Person(
        grid=grid,
        id=resident.id,
        name=resident.name or resident.id,
        now=_now(grid, resident, about, around),
        alerts=tuple(_alert(one, around) for one in gravest_first(about) if one.state not in OVER),
        level=around.level,
        shares_home=home,
        shares_health=health,
        day=_day(grid, resident, around) if home and around.level is not Level.NOTHING else (),
        signs=tuple(signs(newest, resident, around.tongue.voice.local(now).year)),
        score=_score(grid, resident, around) if health else None,
        reminders=tuple(_reminders(newest)),
        history=tuple(_row(one, around) for one in about if one.state in OVER),
    )


def glance(grid: str, resident: Resident, around: Around) -> Now:
    """Return how somebody is, and nothing else."""
    about = [one for one in around.board if concerns(one, grid, resident, around)]
    return _now(grid, resident, about, around)


def concerns(one: Incident, grid: str, resident: Resident, around: Around) -> bool:
    """Say whether an incident is about somebody, or her home, for who asks."""
    near = one.subject == resident.id or (
        one.household == resident.household != ""
        and around.known.record(grid, Resident, one.subject) is None
    )
    return one.grid == grid and near and sees(around.reach, one, around.known)


def how(about: Sequence[Incident], seen_at: int | None, heard_at: int | None, now: int) -> Now:
    """Return how somebody is, from the incidents about her and from when she was heard of.

    What was resolved and waits to be verified needs a look, and is no danger any more.
    """
    stand = [one for one in about if one.state not in OVER]
    grave = [one for one in stand if _danger(one)]
    silent = [one for one in stand if one.kind in _DEVICES]
    others = [one for one in stand if one not in silent]
    heard = {"seen_at": seen_at, "heard_at": heard_at}
    if grave:
        return Now(word=Word.DANGER, colour="red", since=min(one.at for one in grave), **heard)
    if others:
        return Now(word=Word.LOOK, colour="amber", since=min(one.at for one in others), **heard)
    if heard_at is None or now - heard_at > SILENT_MS:
        return Now(word=Word.UNKNOWN, colour="grey", since=heard_at, **heard)
    if silent:
        since = min(one.at for one in silent)
        return Now(word=Word.UNKNOWN, colour="grey", since=since, **heard)
    ended = [one.steps[-1].at for one in about if one.state in OVER and one.steps]
    return Now(word=Word.WELL, colour="green", since=max(ended, default=None), **heard)


def _danger(one: Incident) -> bool:
    grave = one.severity >= Severity.MAJOR and one.kind not in _DEVICES
    return grave and one.state not in _RESOLVED


def _now(grid: str, resident: Resident, about: Sequence[Incident], around: Around) -> Now:
    home = Filter(grid=grid, household=resident.household, newest=True)
    last = around.store.observations(_few(home, 1))
    moves = around.store.observations(_few(home, 200, kind="home"))
    alive = [
        one.value.at
        for one in moves
        if isinstance(one.value, Kept)
        and isinstance(one.value.observation, Home)
        and one.value.observation.sensor in SIGNS_OF_LIFE
        and one.value.observation.value
    ]
    heard = [one.value.at for one in last if isinstance(one.value, Kept)]
    return how(about, max(alive, default=None), max(heard, default=None), around.tongue.now)


def _alert(one: Incident, around: Around) -> Alert:
    return Alert(
        row=_row(one, around),
        because=around.tongue.voice.because(one.reason, one.facts),
        told=incidents.told(one, around.reach, around.tongue),
        offers=offered(around.reach, one, around.known),
        hazard_over=one.hazard_over,
    )


def _row(one: Incident, around: Around) -> Row:
    return incidents.row(one, around.reach, around.known, around.tongue)


def _vitals(grid: str, resident: Resident, around: Around) -> list[Kept]:
    since = around.tongue.now - DAY_MS
    wanted = Filter(grid=grid, subject=resident.id, kind="vitals", since=since, newest=True)
    found = around.store.observations(_few(wanted, 300))
    return [one.value for one in reversed(found) if isinstance(one.value, Kept)]


def _day(grid: str, resident: Resident, around: Around) -> tuple[Stretch, ...]:
    tongue = around.tongue
    begins = tongue.day_begins()
    wanted = Filter(grid=grid, household=resident.household, kind="home", since=begins, newest=True)
    kept = [one.value for one in around.store.observations(wanted) if isinstance(one.value, Kept)]
    rooms = {one.id: one.room for one in around.known.of(grid, Device)}
    found = bands(kept, begins, rooms, apart=around.level is Level.ROOMS)
    return tuple(
        Stretch(
            name=tongue.voice.room(band.room) if band.room else tongue.t("family.at_home"),
            spans=tuple((one.from_min, one.until_min) for one in band.spans),
            text=tongue.voice.listed(
                f"{_minute(one.from_min)}–{_minute(one.until_min)}" for one in band.spans
            ),
        )
        for band in found
    )


def _score(grid: str, resident: Resident, around: Around) -> Score | None:
    wanted = Filter(grid=grid, subject=resident.id, newest=True, limit=14)
    found = [one.value for one in around.store.scores(wanted)]
    days = [one for one in found if isinstance(one, HealthScore)]
    if not days:
        return None
    last, voice = days[-1], around.tongue.voice
    return Score(
        day=last.day,
        score=round(last.score),
        low=round(last.low),
        high=round(last.high),
        coverage=round(last.coverage * 100),
        reason=voice.because(last.reason, last.facts) if last.reason else "",
        trend=last.trend,
        parts=tuple(
            Part(
                name=around.tongue.t(f"part.{one.name}"),
                score=round(one.score),
                coverage=round(one.coverage * 100),
                reason=voice.because(one.reason, one.facts) if one.reason else "",
            )
            for one in last.parts
        ),
        advice=tuple(voice.because(one, {}) for one in last.advice),
        days=tuple((one.day, round(one.score)) for one in days),
    )


def _reminders(newest: Sequence[Kept]) -> list[Reminder]:
    """Return what the newest word of each wearable asks for."""
    found: list[Reminder] = []
    done: set[tuple[str, str]] = set()
    for one in newest:
        said = one.observation
        if not isinstance(said, Vitals):
            continue
        if said.worn is not None and (one.device, "worn") not in done:
            done.add((one.device, "worn"))
            if not said.worn:
                found.append(Reminder(key="reminder.wear", device=one.device))
        if said.battery_pct is not None and (one.device, "battery") not in done:
            done.add((one.device, "battery"))
            if said.battery_pct < BATTERY_PCT_MIN:
                left = {"pct": round(said.battery_pct)}
                found.append(Reminder(key="reminder.charge", device=one.device, facts={**left}))
    return found


def _few(wanted: Filter, limit: int, kind: str | None = None) -> Filter:
    return replace(wanted, limit=limit, kind=kind or wanted.kind)


def _minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
