"""One incident as somebody may see it: what, where, how sure, who was told, what they answered."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from portal.accounts import Role
from portal.photos import unmarked
from portal.reach import OVER, Reach, offered, sees_person
from portal.views.tongue import Tongue
from sinks.deliveries import deliveries_of
from sinks.known import Known
from sinks.store import Filter, Store
from weinao import kept
from weinao.messages import Action, Report
from weinao.outcomes import UNREACHED, Incident, IncidentState, Kept, Outcome, Severity
from weinao.registry import Resident
from weinao.story import about
from weinao.timeline import Handled, missed, timeline

BRAIN = "brain"
COLOURS = {
    Severity.INFO: "blue",
    Severity.MINOR: "amber",
    Severity.MAJOR: "red",
    Severity.CRITICAL: "red",
}
_QUIET_STATES = (IncidentState.RESOLVED, IncidentState.VERIFIED)


class Row(Struct, frozen=True, kw_only=True):
    """An incident in a list.

    Attributes:
        about: Whom or what it is about; only the place, for who needs no more.
        late: Its deadline has passed.
    """

    id: str
    grid: str
    kind: str
    kind_word: str
    severity: int
    severity_word: str
    state: str
    state_word: str
    colour: str
    about: str
    place: str
    at: int
    clock: str
    due_at: int | None = None
    due: str = ""
    late: bool = False
    assignee: str = ""
    assignee_id: str = ""
    mine: bool = False
    over: bool = False


class Told(Struct, frozen=True, kw_only=True):
    """Somebody who was told, and what came of it.

    Attributes:
        answer: What they answered, or that they were not reached, or did not answer in time.
        said: Whether they answered.
    """

    person: str
    name: str
    answer: str = ""
    clock: str = ""
    me: bool = False
    said: bool = False


class Said(Struct, frozen=True, kw_only=True):
    """One thing that happened, in a sentence."""

    clock: str
    text: str
    mark: str
    photos: tuple[str, ...] = ()


class Whole(Struct, frozen=True, kw_only=True):
    """An incident with all that somebody may know of it.

    Attributes:
        because: Why it was raised; empty for who may not know whom it is about.
        kept: Name of the picture or film that a camera kept of it; empty for none.
        offers: What they may answer.
    """

    row: Row
    because: str = ""
    sure: int = 100
    told: tuple[Told, ...] = ()
    moments: tuple[Said, ...] = ()
    photos: tuple[str, ...] = ()
    kept: str = ""
    orders: tuple[str, ...] = ()
    offers: tuple[Action, ...] = ()
    hazard_over: bool = False
    old: bool = False
    rating: int | None = None
    resident: str = ""
    merged_into: str = ""


def row(incident: Incident, reach: Reach, known: Known, tongue: Tongue) -> Row:
    """Return an incident as a line of a list."""
    words, over = tongue.voice.words, incident.state in OVER
    place = place_of(incident, tongue)
    named = sees_person(reach, incident, known, tongue.now)
    return Row(
        id=incident.id,
        grid=incident.grid,
        kind=incident.kind,
        kind_word=words.word(incident.kind),
        severity=int(incident.severity),
        severity_word=words.word(incident.severity),
        state=incident.state,
        state_word=words.word(incident.state),
        colour="green" if over or incident.state in _QUIET_STATES else COLOURS[incident.severity],
        about=about(incident, tongue.voice) if named else place,
        place=place,
        at=incident.at,
        clock=tongue.clock(incident.at),
        due_at=incident.due_at,
        due=tongue.left(incident.due_at) if incident.due_at is not None else "",
        late=incident.due_at is not None and incident.due_at < tongue.now,
        assignee=tongue.name(incident.assignee) if incident.assignee else "",
        assignee_id=incident.assignee,
        mine=incident.assignee == reach.person,
        over=over,
    )


def whole(
    incident: Incident, reach: Reach, known: Known, tongue: Tongue, store: Store
) -> Whole:  # fmt: skip
    """Return an incident with its story, as far as somebody may know it."""
    brief = Whole(
        row=row(incident, reach, known, tongue),
        offers=offered(reach, incident, known),
        hazard_over=incident.hazard_over,
        old=incident.old,
        rating=incident.rating,
        merged_into=incident.merged_into,
    )
    if not sees_person(reach, incident, known, tongue.now):
        return brief
    resident = known.record(incident.grid, Resident, incident.subject)
    said = _moments(_handled(incident, store), tongue)
    from_report = _report_photos(incident, store)
    photos = tuple(dict.fromkeys((*from_report, *(p for one in said for p in one.photos))))
    return replace(
        brief,
        because=tongue.voice.because(incident.reason, incident.facts),
        sure=round(incident.confidence * 100),
        told=told(incident, reach, tongue),
        moments=tuple(said),
        photos=photos,
        kept=_kept(incident, reach),
        resident=resident.id if resident else "",
    )


def told(incident: Incident, reach: Reach, tongue: Tongue) -> tuple[Told, ...]:
    """Return everybody who was told of an incident or answered, with their last answer."""
    people = dict.fromkeys((*incident.told, *(s.actor for s in incident.steps)))
    found = []
    for person in people:
        if person in (BRAIN, ""):
            continue
        own = [s for s in incident.steps if s.actor == person]
        was_late = [s for s in incident.steps if missed(s) and s.note.startswith(f"{person} ")]
        unreached = [s for s in incident.steps if missed(s) and s.note == f"{UNREACHED} {person}"]
        last = own[-1] if own else None
        answer, clock = "", ""
        if last is not None:
            answer, clock = tongue.t(f"answered.{last.action}"), tongue.clock(last.at)
        elif unreached:
            answer, clock = tongue.t("answered.unreached"), tongue.clock(unreached[-1].at)
        elif was_late:
            answer, clock = tongue.t("answered.missed"), tongue.clock(was_late[-1].at)
        found.append(
            Told(
                person=person,
                name=tongue.name(person),
                answer=answer,
                clock=clock,
                me=person == reach.person,
                said=last is not None,
            )
        )
    return tuple(found)


def place_of(incident: Incident, tongue: Tongue) -> str:
    """Return where an incident is, without saying whom it is about."""
    if incident.household:
        return tongue.home(incident.household)
    for name in ("place", "zone", "building", "room"):
        if text := str(incident.facts.get(name, "")):
            return tongue.building(text)
    return tongue.t("place.grid") if incident.subject == incident.grid else incident.subject


def _handled(incident: Incident, store: Store) -> Handled:
    mine = Filter(grid=incident.grid, incident=incident.id)
    hazards = [
        one
        for name in incident.hazards[:16]
        for one in store.hazards(Filter(grid=incident.grid, id=name))
    ]
    return Handled(
        incident=incident,
        hazards=_in_order(hazards),
        tasks=_in_order(store.tasks(mine)),
        notices=_in_order(store.notices(mine)),
        commands=_in_order(store.commands(mine)),
        deliveries=deliveries_of(store, incident.grid, incident.id),
    )


def _moments(handled: Handled, tongue: Tongue) -> list[Said]:
    found = []
    for moment in timeline(handled, tongue.voice):
        text, photos = unmarked(moment.text)
        # The mark of a photo stands inside the quotation marks of a note.
        text = text.replace("“”", "").strip()
        found.append(
            Said(clock=tongue.clock(moment.at), text=text, mark=moment.mark, photos=photos)
        )  # fmt: skip
    return found


def _report_photos(incident: Incident, store: Store) -> Iterable[str]:
    """Return the photos that residents sent with their reports."""
    for name in incident.evidence[:16]:
        for one in store.observations(Filter(grid=incident.grid, id=name, kind="report", limit=1)):
            said = one.value.observation if isinstance(one.value, Kept) else None
            if isinstance(said, Report) and said.photo:
                yield said.photo


def _kept(incident: Incident, reach: Reach) -> str:
    """Return what a camera kept of an incident, for those whose work it is."""
    named = kept.named(incident.facts)
    return named.name if named and reach.role in (Role.STAFF, Role.OPERATOR) else ""


def _in_order(found: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(sorted(found, key=lambda one: one.position))
