"""Incidents, what people answer to them, and links that answer exactly one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.exceptions import NotFoundException, PermissionDeniedException, ValidationException
from litestar.params import FromPath, FromQuery, MultipartBody
from litestar.response import Redirect, Template

from portal.accounts import Account, Role
from portal.desk import Desk, Viewer
from portal.drills import grid_of, is_drill
from portal.links import Link, LinkRefusedError
from portal.measures import REFUSED
from portal.pages.shown import Asked, Served, back, only, page, threaded, tongue_of, viewer_of
from portal.photos import PhotoRefusedError, marked, unmarked
from portal.reach import Reach, offered, sees, sees_person
from portal.views.incident import row, whole
from sinks.store import Filter
from weinao import kept
from weinao.messages import Action, Feedback
from weinao.outcomes import Incident

RATINGS = range(1, 6)
LOOKED_BACK_MS = 600_000
"""So far back it is looked for what became of an answer."""


@dataclass
class Answer:
    """What somebody answers; an actor or a role that is sent along is not read."""

    action: str = ""
    note: str = ""
    rating: int = 0
    photo: UploadFile | None = None
    to: str = ""


@get("/incidents/{grid:str}/{incident:str}", guards=[only()])
@threaded
def incident_page(
    request: Asked, desk: Served, grid: FromPath[str], incident: FromPath[str]
) -> Template:
    """Show an incident, as far as somebody may know of it."""
    viewer = viewer_of(request)
    reach = desk.reach(viewer)
    found = seen(desk, reach, grid, incident)
    if reach.role is Role.STAFF and sees_person(reach, found, desk.known, desk.now()):
        desk.audit.note(
            at=desk.now(), actor=viewer.account.id, role=reach.role, action="incident.read",
            about=found.id, purpose="task",
        )  # fmt: skip
    fate = None
    if said := request.query_params.get("said", ""):
        fate = desk.fate(grid, incident, said, desk.now() - LOOKED_BACK_MS)
    tongue = tongue_of(request, desk, grid)
    with desk.stores.lent() as store:
        shown = whole(found, reach, desk.known, tongue, store)
    return page(request, desk, "incident.html", grid=grid, whole=shown, fate=fate)


@post("/incidents/{grid:str}/{incident:str}/answer", guards=[only()])
async def answer(
    request: Asked,
    desk: Served,
    grid: FromPath[str],
    incident: FromPath[str],
    data: MultipartBody[Answer],
) -> Redirect:
    """Hand an answer on, in the name of who is signed in."""
    reach = desk.reach(viewer_of(request))
    found = seen(desk, reach, grid, incident)
    content = await data.photo.read() if data.photo is not None else b""
    said = await sync_to_thread(take, desk, reach, found, data, content)
    path = data.to if data.to in ("/family", "/tasks") else f"/incidents/{grid}/{incident}"
    return back(f"{path}?said={quote(said)}")


@get("/a/{link:str}")
@threaded
def link_page(request: Asked, desk: Served, link: FromPath[str]) -> Template:
    """Show what a link in a notice answers; looking at it answers nothing."""
    try:
        found = desk.links.read(link, desk.now())
        if is_drill(found.incident):
            return page(request, desk, "drill.html", link=link)
        reach, incident = linked(desk, found.incident, found.actor)
    except LinkRefusedError as error:
        return _refused(request, desk, error.key)
    tongue = tongue_of(request, desk, incident.grid)
    return page(
        request, desk, "link.html", grid=incident.grid, link=link,
        row=row(incident, reach, desk.known, tongue),
        because=tongue.voice.because(incident.reason, incident.facts),
        offers=[one for one in offered(reach, incident, desk.known) if one is not Action.COMMENT],
        speaks_for=tongue.name(found.actor),
    )  # fmt: skip


@post("/a/{link:str}")
async def link_answer(
    request: Asked, desk: Served, link: FromPath[str], data: MultipartBody[Answer]
) -> Template:
    """Hand on what was answered by a link, and use the link up."""
    now = desk.now()
    try:
        found = desk.links.read(link, now)
        if is_drill(found.incident):
            return await sync_to_thread(_drilled, request, desk, found)
        reach, incident = linked(desk, found.incident, found.actor)
        action = _action(data, reach, incident, desk)
        said = Answer(action=action, note=data.note, rating=data.rating)
        uses = partial(_used, desk, found, reach, f"link.{action}")
        kept = await sync_to_thread(partial(take, uses=uses), desk, reach, incident, said, b"")
    except LinkRefusedError as error:
        return _refused(request, desk, error.key)
    fate = await sync_to_thread(desk.fate, incident.grid, incident.id, kept, now - LOOKED_BACK_MS)
    return page(request, desk, "thanks.html", grid=incident.grid, action=action, fate=fate)


@get("/photos/{name:str}", guards=[only()])
@threaded
def photo(
    request: Asked,
    desk: Served,
    name: FromPath[str],
    grid: FromQuery[str] = "",
    incident: FromQuery[str] = "",
) -> Response[bytes]:
    """Show a photo to who may see the incident that it belongs to, or who reported it."""
    viewer = viewer_of(request)
    reach = desk.reach(viewer)
    receipt = desk.reports.with_photo(name)
    own = receipt is not None and receipt.account == viewer.account.id
    content = desk.photos.content(name)
    if content is None:
        raise NotFoundException("no such photo")
    if not own:
        found = seen(desk, reach, grid, incident)
        if not _belongs(desk, found, name) or not sees_person(reach, found, desk.known, desk.now()):
            raise PermissionDeniedException("not a photo of that incident")
    headers = {"cache-control": "private, max-age=3600"}
    return Response(content, media_type="image/jpeg", headers=headers)


@get("/evidence/{grid:str}/{incident:str}", guards=[only(Role.STAFF, Role.OPERATOR)])
@threaded
def evidence(
    request: Asked, desk: Served, grid: FromPath[str], incident: FromPath[str]
) -> Response[bytes]:
    """Show what a camera kept of an incident to whose work it is, and note that they looked."""
    viewer = viewer_of(request)
    reach = desk.reach(viewer)
    found = seen(desk, reach, grid, incident)
    if not sees_person(reach, found, desk.known, desk.now()):
        raise PermissionDeniedException("not for them")
    wanted = kept.named(found.facts)
    path = kept.found(desk.evidence, wanted) if wanted else None
    content = kept.still(path) if path else None
    if content is None:
        raise NotFoundException("no such picture on this machine, or it was changed")
    desk.audit.note(
        at=desk.now(), actor=viewer.account.id, role=reach.role, action="evidence.read",
        about=found.id, purpose="task",
    )  # fmt: skip
    return Response(content, media_type="image/jpeg", headers={"cache-control": "no-store"})


def seen(desk: Desk, reach: Reach, grid: str, incident: str) -> Incident:
    """Return an incident that somebody may know of.

    Raises:
        NotFoundException: There is none, or none for them: which of both, is not said.
    """
    found = desk.live.board.find(incident, grid)
    if found is None:
        with desk.stores.lent() as store:
            older = store.incidents(Filter(grid=grid, id=incident, limit=1))
        found = older[0].value if older and isinstance(older[0].value, Incident) else None
    if found is None or not sees(reach, found, desk.known):
        REFUSED.labels("incident").inc()
        raise NotFoundException("no such incident")
    return found


def take(
    desk: Desk,
    reach: Reach,
    found: Incident,
    data: Answer,
    photo: bytes,
    *,
    uses: Callable[[], object] = lambda: None,
) -> str:
    """Hand on an answer to an incident; return its id.

    Args:
        desk: Of the portal.
        reach: Who answers.
        found: The incident.
        data: What they answer.
        photo: With it, perhaps.
        uses: Uses up what let them, with the answer or not at all.

    Raises:
        PermissionDeniedException: It is not theirs to give, or not from where the incident stands.
        ValidationException: It is no answer, or its photo is none.
    """
    action = _action(data, reach, found, desk)
    rating = data.rating if action is Action.RATE else None
    if action is Action.RATE and data.rating not in RATINGS:
        raise ValidationException("a rating from 1 to 5")
    name = ""
    if photo:
        try:
            name = desk.photos.keep(photo)
        except PhotoRefusedError as error:
            raise ValidationException(str(error)) from error
    # Whoever types the mark of a photo into a note must not come by another's photo.
    note = marked(unmarked(data.note)[0][:1_800], name)
    said = Feedback(
        at=desk.now(), incident=found.id, actor=reach.person, action=action, note=note,
        rating=rating,
    )  # fmt: skip
    return desk.answer(found, said, uses)


def linked(desk: Desk, incident: str, actor: str) -> tuple[Reach, Incident]:
    """Return whom a link speaks for, as far as the incident it is for, and that incident.

    Raises:
        LinkRefusedError: The incident is gone, or no concern of theirs any more.
    """
    found = desk.live.board.find(incident)
    if found is None:
        raise LinkRefusedError("link_gone")
    for role in (Role.FAMILY, Role.STAFF, Role.RESIDENT):
        account = Account(id=actor, role=role, person=actor, name=actor)
        reach = desk.reach(Viewer(account=account))
        if offered(reach, found, desk.known):
            return reach, found
    raise LinkRefusedError("link_over")


def _drilled(request: Asked, desk: Desk, link: Link) -> Template:
    """Hand on that somebody was reached by a test alarm."""
    with desk.stores.lent() as store:
        grid = grid_of(store, link.incident, link.actor)
    if grid is None:
        return _refused(request, desk, "link_gone")
    said = Feedback(at=desk.now(), incident=link.incident, actor=link.actor, action=Action.ACK)
    with desk.book.together():
        desk.links.use(link, desk.now())
        desk.outbox.answer(grid, said)
    desk.post.hurry()
    return page(request, desk, "thanks.html", action=Action.ACK, fate=None)


def _used(desk: Desk, link: Link, reach: Reach, action: str) -> None:
    """Use a link up, and note who did."""
    now = desk.now()
    desk.links.use(link, now)
    desk.audit.note(
        at=now, actor=link.actor, role=reach.role, action=action, about=link.incident
    )  # fmt: skip


def _action(data: Answer, reach: Reach, found: Incident, desk: Desk) -> Action:
    try:
        action = Action(data.action)
    except ValueError as error:
        raise ValidationException(f"{data.action!r} is no answer") from error
    if action not in offered(reach, found, desk.known):
        REFUSED.labels("action").inc()
        raise PermissionDeniedException(f"{action} is not possible from here")
    return action


def _refused(request: Asked, desk: Desk, why: str) -> Template:
    REFUSED.labels(why).inc()
    return page(request, desk, "refused.html", status=403, why=why)


def _belongs(desk: Desk, incident: Incident, name: str) -> bool:
    if any(name in unmarked(step.note)[1] for step in incident.steps):
        return True
    receipt = desk.reports.with_photo(name)
    return receipt is not None and receipt.observation in incident.evidence


HANDLERS = (incident_page, answer, link_page, link_answer, photo, evidence)
