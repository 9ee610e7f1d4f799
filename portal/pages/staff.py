"""What grid staff use on their way: tasks, whom they go to, patrol check-points, and visits."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException, ValidationException
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert

from portal.accounts import Role
from portal.desk import Desk
from portal.pages.shown import Asked, Served, back, only, page, threaded, tongue_of, viewer_of
from portal.reach import OVER, Reach, asked, sees, sees_person
from portal.views.incident import row
from portal.visits import FOUND, dues, visits_of
from sinks.store import Filter, Store
from weinao.messages import Patrol, Visit
from weinao.outcomes import Incident, Kept
from weinao.registry import Checkpoint, Household, Resident

DONE_SHOWN = 10
SOON_DAYS = 7
"""Visits that are due within so many days stand on the list of whom one may look up."""

_DAY_MS, _MINUTE_MS = 86_400_000, 60_000


@dataclass
class Look:
    """Why somebody wants to see a resident's card."""

    purpose: str = ""
    incident: str = ""


@dataclass
class Written:
    """An entry of the ledger, as a form or a phone sends it."""

    id: str = ""
    grid: str = ""
    household: str = ""
    at: int = 0
    found: str = ""
    note: str = ""


@get("/tasks", guards=[only(Role.STAFF)])
@threaded
def tasks(request: Asked, desk: Served) -> Template:
    """Show what somebody has to do, the next deadline first, then what else is open here."""
    reach = desk.reach(viewer_of(request))
    here = [one for one in desk.live.board.all() if sees(reach, one, desk.known)]
    standing = [one for one in here if one.state not in OVER]
    mine = sorted(
        (one for one in standing if one.assignee == reach.person), key=lambda one: one.due_at or 0
    )
    others = [one for one in standing if one.assignee != reach.person]
    done = [one for one in here if one.state in OVER and asked(reach, one)][:DONE_SHOWN]

    def rows(found: list[Incident]) -> list[Any]:
        return [
            row(one, reach, desk.known, tongue_of(request, desk, one.grid)) for one in found
        ]  # fmt: skip

    return page(
        request, desk, "tasks.html", mine=rows(mine), others=rows(others), done=rows(done)
    )  # fmt: skip


@get("/residents/{grid:str}/{resident:str}", guards=[only(Role.STAFF)])
@threaded
def card_asked(
    request: Asked, desk: Served, grid: FromPath[str], resident: FromPath[str]
) -> Template:
    """Ask what somebody needs a resident's card for."""
    reach = desk.reach(viewer_of(request))
    reasons = _reasons(desk, reach, grid, resident)
    if not reasons:
        raise NotFoundException("nobody of that name")
    return page(
        request, desk, "card_asked.html", grid=grid, resident=resident, reasons=reasons
    )  # fmt: skip


@post("/residents/{grid:str}/{resident:str}", guards=[only(Role.STAFF)])
@threaded
def card(
    request: Asked,
    desk: Served,
    grid: FromPath[str],
    resident: FromPath[str],
    data: URLEncodedBody[Look],
) -> Template:
    """Show a resident's card for a purpose, and write down who looked and why."""
    viewer = viewer_of(request)
    reach = desk.reach(viewer)
    reasons = _reasons(desk, reach, grid, resident)
    if data.purpose not in reasons:
        raise PermissionDeniedException("that is no reason to look at this card now")
    desk.audit.note(
        at=desk.now(), actor=viewer.account.id, role=reach.role, action="card.read",
        about=resident, purpose=f"{data.purpose} {reasons[data.purpose]}".strip(),
    )  # fmt: skip
    found = desk.known.record(grid, Resident, resident)
    assert found is not None, "a reason names a resident"
    tongue = tongue_of(request, desk, grid)
    now = desk.now()
    tags = [one.tag for one in found.tags if one.valid_to is None or now < one.valid_to]
    spoken = [
        tongue.voice.say("tag", kind, name=name) if name else tongue.voice.say("tag", kind)
        for kind, _, name in (tag.partition(":") for tag in tags)
    ]
    with desk.stores.lent() as store:
        visits = visits_of(store, grid, found.household, 5)
    age = tongue.voice.local(now).year - found.birth_year if found.birth_year else None
    return page(
        request, desk, "card.html", grid=grid, resident=found, tags=spoken, age=age,
        home=tongue.home(found.household), purpose=data.purpose,
        visits=visits,
    )  # fmt: skip


@get("/rounds", guards=[only(Role.STAFF)])
@threaded
def rounds(request: Asked, desk: Served) -> Template:
    """Show the check-points of somebody's grids, and when each was last visited."""
    reach = desk.reach(viewer_of(request))
    points = []
    with desk.stores.lent() as store:
        for grid in sorted(reach.grids):
            tongue = tongue_of(request, desk, grid)
            last = _visited(store, grid, desk.now() - 7 * _DAY_MS)
            minute = tongue.minute(desk.now())
            points += [
                (grid, one, last.get(one.id), _next(one, last.get(one.id), minute))
                for one in desk.known.checkpoints(grid)
            ]
    return page(request, desk, "rounds.html", points=points)


@post("/rounds/{grid:str}/{point:str}", guards=[only(Role.STAFF)])
@threaded
def visited(request: Asked, desk: Served, grid: FromPath[str], point: FromPath[str]) -> Redirect:
    """Say that somebody is at a check-point."""
    reach = desk.reach(viewer_of(request))
    if grid not in reach.grids or desk.known.record(grid, Checkpoint, point) is None:
        raise NotFoundException("no such check-point")
    desk.stands_for(grid)
    kept = desk.outbox.sense(grid, Patrol(at=desk.now(), checkpoint=point, staff=reach.person))
    desk.post.hurry()
    desk.live.wait_for(lambda: desk.arrived(grid, kept), desk.arrives_s)
    return back("/rounds")


@get("/visits", guards=[only(Role.STAFF)])
@threaded
def visits(request: Asked, desk: Served) -> Template:
    """Show which homes are due for a visit, the most urgent first."""
    reach = desk.reach(viewer_of(request))
    with desk.stores.lent() as store:
        found = [one for grid in sorted(reach.grids) for one in dues(store, desk.known, grid)]
        soon = [one for one in found if one.due_at < desk.now() + SOON_DAYS * _DAY_MS]
        ledger = {
            (one.grid, one.household): visits_of(store, one.grid, one.household, 3) for one in soon
        }
    tongues = {grid: tongue_of(request, desk, grid) for grid in reach.grids}
    return page(
        request, desk, "visits.html", dues=soon, tongues=tongues, found_words=FOUND,
        ledger=ledger,
    )  # fmt: skip


@post("/visits", guards=[only(Role.STAFF)])
@threaded
def visit(
    request: Asked, desk: Served, data: URLEncodedBody[Written]
) -> Redirect | Response[dict[str, object]]:
    """Write a visit down; an entry that came before changes nothing."""
    viewer = viewer_of(request)
    reach, now = desk.reach(viewer), desk.now()
    if data.grid not in reach.grids or not desk.known.record(data.grid, Household, data.household):
        raise NotFoundException("no such home")
    try:
        said = convert(
            {"at": min(data.at or now, now), "entry": data.id, "household": data.household,
             "staff": reach.person, "found": data.found, "note": data.note.strip()[:2_000]},
            Visit,
        )  # fmt: skip
    except ValidationError as error:
        raise ValidationException("what was found, and the id of the entry") from error
    desk.stands_for(data.grid)
    new = desk.ledger.add(data.grid, said, now)
    desk.post.hurry()
    if new:
        desk.audit.note(
            at=now, actor=viewer.account.id, role=reach.role, action="visit.written",
            about=data.household, purpose="visit",
        )  # fmt: skip
    if request.headers.get("x-part") == "queued":
        return Response({"id": data.id, "new": bool(new)})
    desk.live.wait_for(lambda: not new or desk.arrived(data.grid, new), desk.arrives_s)
    return back("/visits")


def _reasons(desk: Desk, reach: Reach, grid: str, resident: str) -> dict[str, str]:
    """Return for which purposes somebody may see a card now, each with what it refers to."""
    found = desk.known.record(grid, Resident, resident)
    if found is None or grid not in reach.grids:
        return {}
    reasons: dict[str, str] = {}
    now = desk.now()
    for one in desk.live.board.all():
        near = one.subject == resident or one.household == found.household
        if one.grid == grid and near and sees_person(reach, one, desk.known, now):
            reasons["task"] = one.id
            break
    with desk.stores.lent() as store:
        soon = [
            one
            for one in dues(store, desk.known, grid)
            if one.household == found.household and one.due_at < now + SOON_DAYS * _DAY_MS
        ]
    if soon:
        reasons["visit"] = found.household
    return reasons


def _visited(store: Store, grid: str, since: int) -> dict[str, int]:
    wanted = Filter(grid=grid, kind="patrol", since=since, newest=True)
    last: dict[str, int] = {}
    for one in store.observations(wanted):
        said = one.value.observation if isinstance(one.value, Kept) else None
        if isinstance(said, Patrol):
            last[said.checkpoint] = max(last.get(said.checkpoint, 0), said.at)
    return last


def _next(point: Checkpoint, last_at: int | None, minute: int) -> int | None:
    """Return by when a check-point is due; None where nobody is awaited at this hour."""
    if point.from_min <= point.until_min:
        awaited = point.from_min <= minute < point.until_min
    else:
        awaited = minute >= point.from_min or minute < point.until_min
    if not awaited:
        return None
    return 0 if last_at is None else last_at + point.every_min * _MINUTE_MS


HANDLERS = (tasks, card_asked, card, rounds, visited, visits, visit)
