"""The questions and answers of the API; each names the scope that its token needs."""

from typing import Annotated, Any

from litestar import Response, Router, delete, get, post
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.exceptions import (
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ServiceUnavailableException,
    TooManyRequestsException,
    ValidationException,
)
from litestar.handlers import BaseRouteHandler
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from litestar.response import ServerSentEvent
from litestar.types import Guard
from msgspec import Meta, Struct

from portal.accounts import Role, Scope
from portal.api import cap, fhir
from portal.desk import Viewer
from portal.hooks import HookRefusedError
from portal.pages.answer import Answer, seen, take
from portal.pages.events import stream
from portal.pages.family import person_seen
from portal.pages.report import Told, incident_of, take_report
from portal.pages.shown import Asked, Served, threaded, viewer_of
from portal.reach import OVER, sees
from portal.reports import Category
from portal.views.incident import Row, Whole, place_of, row, whole
from portal.views.office import Heard, figures, heard
from portal.views.person import Person
from sinks.store import Filter
from weinao.catalogue import Language
from weinao.handling import Handled
from weinao.messages import Action
from weinao.outcomes import Kept

LIMIT_MAX = 500
REFUSALS = (
    ValidationException, NotAuthorizedException, PermissionDeniedException, NotFoundException,
    TooManyRequestsException, ServiceUnavailableException,
)  # fmt: skip
"""How any question may end; a test asks until each has, and finds them in the document."""

_DAY_MS = 86_400_000
Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="At most so many.")]
Name = Annotated[str, PathParameter(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Days = Annotated[int, QueryParameter(ge=1, le=30, description="How many days back.")]


class NewAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to an incident; who gives it, the token says.

    Attributes:
        rating: With `rate` only: 1 is bad, 5 is good.
    """

    action: Action
    note: Annotated[str, Meta(max_length=1_800, pattern=r"^[^\x00]*$")] = ""
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None


class Handed(Struct, frozen=True):
    """What became of an answer: `kept`, `refused`, `waits` or `sent`.

    Attributes:
        id: Of the answer, as an observation.
    """

    id: str
    state: str
    detail: str = ""


class NewReport(Struct, frozen=True, forbid_unknown_fields=True):
    """A problem to report.

    Attributes:
        place: The grid, a slash, and the id of a building, a zone, a home of one's own or the grid.
    """

    category: Category
    place: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]
    text: Annotated[str, Meta(max_length=2_000, pattern=r"^[^\x00]*$")] = ""
    anonymous: bool = False


class ReportReceipt(Struct, frozen=True):
    """Both halves of a receipt, and the incident that the report led to, if it did already."""

    number: str
    key: str
    incident: str = ""


class NewHook(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to call when an incident changes that the token may see: a host of the settings."""

    url: Annotated[str, Meta(min_length=8, max_length=1_000, pattern=r"^https?://[^\s\x00]+$")]


class MadeHook(Struct, frozen=True):
    """A webhook as it was made.

    Attributes:
        secret: Signs every call, HMAC-SHA256 of `{t}.{body}`; it is shown this once.
    """

    id: str
    url: str
    secret: str


class KeptHook(Struct, frozen=True):
    """A webhook; `waiting` calls were not taken yet."""

    id: str
    url: str
    waiting: int


class Fresh(Struct, frozen=True):
    """How fresh all of this is.

    Attributes:
        store_answered_at: When the store answered last; None while it never has.
        stale_s: For how long it has said nothing; None while that is no time.
        unsent: Answers that are not known to be in the journal.
    """

    store_answered_at: int | None
    stale_s: int | None
    unsent: int


def scope(wanted: Scope) -> Guard:
    """Return a guard that lets through whose token has a scope."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        viewer = connection.scope.get("user")
        if not isinstance(viewer, Viewer) or viewer.scopes is None:
            raise NotAuthorizedException("a token is needed: Authorization: Bearer ...")
        if wanted not in viewer.scopes:
            raise PermissionDeniedException(f"the token lacks the scope {wanted}")

    return guard


@get("/freshness", raises=REFUSALS, guards=[scope(Scope.INCIDENTS)])
@threaded
def freshness(desk: Served) -> Fresh:
    """Say how fresh what is shown is."""
    return Fresh(desk.live.answered_at, desk.stale_s(), len(desk.outbox.waiting()))


@get("/incidents", raises=REFUSALS, guards=[scope(Scope.INCIDENTS)])
@threaded
def incidents(
    request: Asked,
    desk: Served,
    open_only: FromQuery[bool] = False,
    limit: Limit = 100,
    lang: FromQuery[Language] = "zh",
) -> list[Row]:
    """Return the incidents that the token's account may see, newest first."""
    reach = desk.reach(viewer_of(request))
    found = [
        one
        for one in desk.live.board.all()
        if sees(reach, one, desk.known) and not (open_only and one.state in OVER)
    ]
    return [
        row(one, reach, desk.known, desk.tongue(lang, one.grid)) for one in found[:limit]
    ]  # fmt: skip


@get("/incidents/{grid:str}/{incident:str}", raises=REFUSALS, guards=[scope(Scope.INCIDENTS)])
@threaded
def incident(
    request: Asked, desk: Served, grid: Name, incident: Name, lang: FromQuery[Language] = "zh"
) -> Whole:
    """Return an incident with its story, as far as the account may know it."""
    reach = desk.reach(viewer_of(request))
    found = seen(desk, reach, grid, incident)
    with desk.stores.lent() as store:
        return whole(found, reach, desk.known, desk.tongue(lang, grid), store)


@post(
    "/incidents/{grid:str}/{incident:str}/answers",
    raises=REFUSALS, guards=[scope(Scope.ANSWER)]
)  # fmt: skip
@threaded
def answers(
    request: Asked, desk: Served, grid: Name, incident: Name, data: JSONBody[NewAnswer]
) -> Handed:
    """Hand an answer on, in the name of the token's account."""
    reach, since = desk.reach(viewer_of(request)), desk.now()
    found = seen(desk, reach, grid, incident)
    said = Answer(action=data.action, note=data.note, rating=data.rating or 0)
    kept = take(desk, reach, found, said, b"")
    fate = desk.fate(grid, incident, kept, since)
    return Handed(kept, fate.state, fate.detail)


@get(
    "/incidents/{grid:str}/{incident:str}/cap",
    raises=REFUSALS, guards=[scope(Scope.INCIDENTS)], media_type="application/cap+xml"
)  # fmt: skip
@threaded
def as_cap(request: Asked, desk: Served, grid: Name, incident: Name) -> Response[bytes]:
    """Return an incident as a message of CAP 1.2."""
    found = seen(desk, desk.reach(viewer_of(request)), grid, incident)
    content = cap.alert(
        found,
        sender=desk.settings.web.url.split("//")[-1],
        area=place_of(found, desk.tongue("zh", grid)),
        tz_offset_min=desk.known.tz_offset_min(grid),
    )
    return Response(content, media_type="application/cap+xml")


@get("/residents/{grid:str}/{resident:str}", raises=REFUSALS, guards=[scope(Scope.VITALS)])
@threaded
def resident(
    request: Asked, desk: Served, grid: Name, resident: Name, lang: FromQuery[Language] = "zh"
) -> Person:
    """Return how somebody is, for the family that she named."""
    return person_seen(desk, viewer_of(request), grid, resident, lang)


@get(
    "/residents/{grid:str}/{resident:str}/observations",
    raises=REFUSALS, guards=[scope(Scope.VITALS)], media_type="application/fhir+json"
)  # fmt: skip
@threaded
def as_fhir(  # noqa: PLR0917  # named by the path and the question
    request: Asked, desk: Served, grid: Name, resident: Name, days: Days = 1, limit: Limit = 100
) -> dict[str, Any]:
    """Return somebody's vital signs as FHIR R4 Observations, oldest first."""
    reach = desk.reach(viewer_of(request))
    if (grid, resident) not in reach.residents:
        raise NotFoundException("nobody of that name")
    wanted = Filter(
        grid=grid, subject=resident, kind="vitals", since=desk.now() - days * _DAY_MS,
        newest=True, limit=limit,
    )  # fmt: skip
    with desk.stores.lent() as store:
        found = store.observations(wanted)
    return fhir.bundle([one.value for one in found if isinstance(one.value, Kept)])


@get("/statistics", raises=REFUSALS, guards=[scope(Scope.STATISTICS)])
@threaded
def statistics(
    request: Asked, desk: Served, days: Days = 7, by_kind: FromQuery[bool] = False
) -> list[Handled]:
    """Return how incidents went, by grid, and by kind if asked for."""
    _need(request, Role.OPERATOR, Role.OFFICE)
    since = desk.now() - days * _DAY_MS
    return figures(desk.live.board.all(), since, by_kind=by_kind)


@get("/devices/{grid:str}", raises=REFUSALS, guards=[scope(Scope.DEVICES)])
@threaded
def devices(request: Asked, desk: Served, grid: Name) -> list[Heard]:
    """Return the devices of a grid, and when each was heard of."""
    _need(request, Role.OPERATOR)
    if grid not in desk.known.grids:
        raise NotFoundException("no such grid")
    with desk.stores.lent() as store:
        return heard(grid, desk.known, store, desk.tongue("en", grid))


@post("/reports", raises=REFUSALS, guards=[scope(Scope.REPORT)])
async def reports(request: Asked, desk: Served, data: JSONBody[NewReport]) -> ReportReceipt:
    """Take a report in, and return its receipt; the key is shown this once."""
    said = Told(
        category=data.category, text=data.text, place=data.place, anonymous=data.anonymous
    )  # fmt: skip
    receipt, key = await sync_to_thread(take_report, request, desk, said, b"")
    found = incident_of(desk, receipt)
    return ReportReceipt(receipt.number, key, found.id if found else "")


@get("/changes", raises=REFUSALS, guards=[scope(Scope.INCIDENTS)], media_type="text/event-stream")
async def changes(request: Asked, desk: Served) -> ServerSentEvent:
    """Tell of changes of incidents that the account may see, as server-sent events."""
    return ServerSentEvent(stream(desk, viewer_of(request), ""))


@post("/webhooks", raises=REFUSALS, guards=[scope(Scope.HOOKS)])
@threaded
def new_hook(request: Asked, desk: Served, data: JSONBody[NewHook]) -> MadeHook:
    """Call a URL whenever an incident changes that the token may see, signed, until it is taken."""
    viewer = viewer_of(request)
    try:
        made = desk.hooks.add(viewer.token, data.url, desk.now())
    except HookRefusedError as error:
        raise PermissionDeniedException(str(error)) from error
    desk.audit.note(
        at=desk.now(), actor=viewer.account.id, role=viewer.account.role, action="webhook.made",
        about=made.id,
    )  # fmt: skip
    return MadeHook(made.id, made.url, made.secret)


@get("/webhooks", raises=REFUSALS, guards=[scope(Scope.HOOKS)])
@threaded
def hooks(request: Asked, desk: Served) -> list[KeptHook]:
    """Return the webhooks of the token."""
    found = desk.hooks.of(viewer_of(request).token)
    return [KeptHook(one.id, one.url, waiting) for one, waiting in found]


@delete("/webhooks/{hook:str}", raises=REFUSALS, guards=[scope(Scope.HOOKS)])
@threaded
def end_hook(request: Asked, desk: Served, hook: Name) -> None:
    """End a webhook; what it has not taken is dropped."""
    if not desk.hooks.end(hook, viewer_of(request).token, desk.now()):
        raise NotFoundException("no such webhook")


def _need(request: Asked, *roles: Role) -> None:
    if viewer_of(request).account.role not in roles:
        raise PermissionDeniedException("not for this role")


router = Router(
    "/api/v1",
    route_handlers=[
        freshness, incidents, incident, answers, as_cap, resident, as_fhir, statistics, devices,
        reports, changes, new_hook, hooks, end_hook,
    ],
    opt={"exclude_from_csrf": True},
)  # fmt: skip
