"""Residents report a problem, follow it by its receipt, and say how it was handled."""

from dataclasses import dataclass

from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.exceptions import NotFoundException, TooManyRequestsException, ValidationException
from litestar.params import FromPath, MultipartBody, URLEncodedBody
from litestar.response import Redirect, Template

from portal.accounts import Role, Scope
from portal.desk import Desk
from portal.pages.answer import RATINGS
from portal.pages.shown import Asked, Served, back, language_of, page, threaded, tongue_of
from portal.photos import PhotoRefusedError
from portal.reports import CATEGORIES, Receipt, new_number
from portal.views.tongue import Tongue
from weinao.ids import reporter_of
from weinao.messages import Action, Feedback, Report
from weinao.outcomes import Incident, IncidentState
from weinao.registry import Device, Resident

_HOUR_MS = 3_600_000
STAGES = ("received", "dispatched", "accepted", "on_site", "resolved", "closed")
"""How far a report has come, as its reporter is told."""

_STAGE_OF = {
    IncidentState.DETECTED: 0,
    IncidentState.OPEN: 0,
    IncidentState.DISPATCHED: 1,
    IncidentState.ACCEPTED: 2,
    IncidentState.ON_SITE: 3,
    IncidentState.RESOLVED: 4,
    IncidentState.VERIFIED: 4,
    IncidentState.CLOSED: 5,
    IncidentState.FALSE_ALARM: 5,
    IncidentState.MERGED: 1,
}


@dataclass
class Told:
    """What the form of a report holds; who does not want to be named says so."""

    category: str = ""
    text: str = ""
    place: str = ""
    anonymous: bool = False
    photo: UploadFile | None = None


@dataclass
class Opened:
    """The two halves of a receipt."""

    number: str = ""
    key: str = ""


@dataclass
class Rated:
    """How well it was handled."""

    rating: int = 0


@get("/report")
@threaded
def report_page(request: Asked, desk: Served) -> Template:
    """Ask what is wrong, and where."""
    resident = _resident(request, desk)
    mine = desk.reports.of(request.user.account.id) if request.user is not None else []
    return page(
        request, desk, "report.html", categories=CATEGORIES, mine=mine,
        places=places(desk, request), resident=resident,
    )  # fmt: skip


@post("/report")
async def report(request: Asked, desk: Served, data: MultipartBody[Told]) -> Redirect:
    """Take a report in, and give its receipt."""
    _bounded(request, desk)
    content = await data.photo.read() if data.photo is not None else b""
    receipt, key = await sync_to_thread(take_report, request, desk, data, content)
    return back(f"/r/{receipt.number}/{key}?new=1")


@get("/receipt")
@threaded
def receipt_page(request: Asked, desk: Served) -> Template:
    """Ask for a receipt."""
    return page(request, desk, "receipt.html", problem="")


@post("/receipt")
@threaded
def open_receipt(request: Asked, desk: Served, data: URLEncodedBody[Opened]) -> Redirect | Template:
    """Lead to what a receipt opens."""
    _bounded(request, desk)
    found = desk.reports.find(data.number, data.key)
    if found is None:
        return page(request, desk, "receipt.html", status=403, problem="receipt_unknown")
    return back(f"/r/{found.number}/{data.key.strip().upper()}")


@get("/r/{number:str}/{key:str}")
@threaded
def followed(request: Asked, desk: Served, number: FromPath[str], key: FromPath[str]) -> Template:
    """Show how far a report has come."""
    found = _opened(desk, number, key)
    incident = incident_of(desk, found)
    tongue = tongue_of(request, desk, found.grid)
    stage = _STAGE_OF[incident.state] if incident else 0
    return page(
        request, desk, "followed.html", grid=found.grid, receipt=found, key=key,
        stage=stage, stages=STAGES, incident=incident, place=_place(tongue, found.place),
        arrived=incident is not None or desk.arrived(found.grid, found.observation),
        new=request.query_params.get("new", ""),
        steps=_steps(incident, tongue) if incident else (),
    )  # fmt: skip


@post("/r/{number:str}/{key:str}/rate")
@threaded
def rate(
    request: Asked,
    desk: Served,
    number: FromPath[str],
    key: FromPath[str],
    data: URLEncodedBody[Rated],
) -> Redirect:
    """Say how well a report was handled, once."""
    found = _opened(desk, number, key)
    incident = incident_of(desk, found)
    if data.rating not in RATINGS or incident is None:
        raise ValidationException("a rating from 1 to 5, once it is over")
    if desk.reports.rate(found.number, data.rating):
        # Who left no name is known to the brain by the report, which the receipt has opened.
        unnamed = reporter_of(found.observation)
        said = Feedback(
            at=desk.now(), incident=incident.id,
            actor=(incident.reporter if found.account else "") or unnamed, action=Action.RATE,
            rating=data.rating,
        )  # fmt: skip
        desk.answer(incident, said)
    _ = request
    return back(f"/r/{number}/{key}")


def take_report(request: Asked, desk: Desk, data: Told, photo: bytes) -> tuple[Receipt, str]:
    """Hand a report on to the journal, and keep its receipt; return both halves.

    Raises:
        ValidationException: It has no category or place of ours, or its photo is none.
    """
    grid, _, place = data.place.partition("/")
    if data.category not in CATEGORIES or (grid, place) not in _known_places(desk, request):
        raise ValidationException("a category and a place from the lists")
    name = ""
    if photo:
        try:
            name = desk.photos.keep(photo)
        except PhotoRefusedError as error:
            raise ValidationException(str(error)) from error
    resident = None if data.anonymous else _resident(request, desk)
    desk.stands_for(grid)
    device = ""
    if resident is not None and resident[0] == grid:
        device = desk.phone_of(grid, resident[1].id)
    said = Report(
        at=desk.now(), category=data.category, text=data.text.strip()[:2_000], place=place,
        photo=name,
    )  # fmt: skip
    kept = desk.outbox.sense(grid, said, device)
    desk.post.hurry()
    account = request.user.account.id if request.user is not None and not data.anonymous else ""
    receipt = Receipt(
        number=new_number(),
        observation=kept,
        grid=grid,
        account=account,
        category=data.category,
        text=said.text,
        place=place,
        photo=name,
        at=said.at,
    )
    key = desk.reports.keep(receipt)
    desk.live.wait_for(lambda: incident_of(desk, receipt) is not None, desk.arrives_s)
    return receipt, key


def incident_of(desk: Desk, receipt: Receipt) -> Incident | None:
    """Return the incident that a report led to, or joined."""
    for one in desk.live.board.all():
        if one.grid == receipt.grid and receipt.observation in one.evidence:
            into = one.merged_into
            return (desk.live.board.find(into, one.grid) or one) if into else one
    return None


def places(desk: Desk, request: Asked) -> list[tuple[str, str]]:
    """Return where a report may be about: the value of each choice, and its words."""
    found = []
    for grid, place in _known_places(desk, request):
        tongue = desk.tongue(language_of(request), grid)
        found.append((f"{grid}/{place}", _place(tongue, place)))
    return found


def _known_places(desk: Desk, request: Asked) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    resident = _resident(request, desk)
    if resident is not None:
        found.append((resident[0], resident[1].household))
    for grid in desk.known.grids:
        found += [(grid, one.id) for one in desk.known.buildings(grid)]
        zones = {one.place for one in desk.known.of(grid, Device) if one.place}
        found += [(grid, zone) for zone in sorted(zones)]
        found.append((grid, grid))
    return found


def _place(tongue: Tongue, place: str) -> str:
    if place == tongue.grid:
        return tongue.t("place.grid")
    home = tongue.home(place)
    return tongue.building(place) if home == place else home


def _resident(request: Asked, desk: Desk) -> tuple[str, Resident] | None:
    viewer = request.user
    if viewer is None or viewer.account.role is not Role.RESIDENT:
        return None
    if viewer.scopes is not None and Scope.REPORT not in viewer.scopes:
        return None
    return desk.known.living.get(viewer.account.person)


def _opened(desk: Desk, number: str, key: str) -> Receipt:
    found = desk.reports.find(number, key)
    if found is None:
        raise NotFoundException("no such receipt")
    return found


def _steps(incident: Incident, tongue: Tongue) -> list[tuple[str, str]]:
    """Return what was done, without saying by whom: a receipt may lie about."""
    shown = (Action.DISPATCH, Action.ACCEPT, Action.ARRIVE, Action.RESOLVE, Action.VERIFY,
             Action.CLOSE, Action.DISMISS, Action.REOPEN)  # fmt: skip
    return [
        (tongue.clock(step.at), tongue.voice.words.word(step.action))
        for step in incident.steps
        if step.action in shown
    ]


def _bounded(request: Asked, desk: Desk) -> None:
    """Refuse an address that reported, or tried receipts, too often within an hour."""
    now = desk.now()
    about = f"report {request.client.host if request.client else ''}"
    [[count]] = desk.book.ask(
        "SELECT count(*) FROM failures WHERE about = ? AND at > ?", about, now - _HOUR_MS
    )
    if count >= desk.settings.limits.reports_per_h:
        raise TooManyRequestsException("too many reports from here within an hour")
    desk.book.do("INSERT INTO failures VALUES (?, ?)", about, now)


HANDLERS = (report_page, report, receipt_page, open_receipt, followed, rate)
