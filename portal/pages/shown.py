"""What all pages share: who asks, in which language, and the frame around what is shown."""

from collections.abc import Awaitable, Callable
from functools import cache, partial, wraps
from typing import Any, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation
from litestar.response import Redirect, Template
from litestar.types import Guard

from portal.accounts import Role
from portal.desk import Desk, Viewer
from portal.views.tongue import Tongue
from weinao.catalogue import LANGUAGES, Language

P = ParamSpec("P")
R = TypeVar("R")

Asked = Request[Viewer | None, Any, Any]
Served = NamedDependency[SkipValidation[Desk]]
"""How a handler asks for the desk."""

HOME = {
    Role.FAMILY: "/family",
    Role.RESIDENT: "/report",
    Role.STAFF: "/tasks",
    Role.OPERATOR: "/community",
    Role.OFFICE: "/statistics",
}

TOLD = "told"
"""Where the state of a request holds how many changes had been told when it came."""

PAGES_AT_ONCE = 6
"""Pages made at once; the next ones wait. More of them would only keep each other, and the streams
that tell of changes, from the interpreter: a page costs its time in Python."""

MENU: dict[Role, tuple[str, ...]] = {
    Role.FAMILY: ("family", "account"),
    Role.RESIDENT: ("report", "account"),
    Role.STAFF: ("tasks", "visits", "rounds", "account"),
    Role.OPERATOR: ("community", "board", "statistics", "devices", "registry", "people", "account"),
    Role.OFFICE: ("statistics", "account"),
}
"""The pages of each role, by path and key of the catalogue."""


def threaded(handler: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Let a handler that reads the store run in a thread, so that no page waits for another.

    Litestar's own `sync_to_thread` wraps a handler once for every handler of the same path, the
    second time around a coroutine (2.25); this may go once it no longer does.
    """

    @wraps(handler)
    async def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        return await to_thread.run_sync(partial(handler, *args, **kwargs), limiter=_at_once())

    return answered


@cache
def _at_once() -> CapacityLimiter:
    return CapacityLimiter(PAGES_AT_ONCE)


def viewer_of(request: Asked) -> Viewer:
    """Return who asks.

    Raises:
        NotAuthorizedException: Nobody is signed in.
    """
    if request.user is None:
        raise NotAuthorizedException("not signed in")
    return request.user


def only(*roles: Role) -> Guard:
    """Return a guard that lets through who is signed in by one of these roles; any, for none."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        viewer = connection.scope.get("user")
        if not isinstance(viewer, Viewer) or viewer.scopes is not None:
            raise NotAuthorizedException("not signed in")
        if roles and viewer.account.role not in roles:
            raise PermissionDeniedException("not for this role")

    return guard


def language_of(request: Asked) -> Language:
    """Return which language to answer in: as chosen last, else the account's, else Chinese."""
    chosen = request.cookies.get("lang") or (
        request.user.account.language if request.user is not None else ""
    )
    return next((one for one in LANGUAGES if one == chosen), "zh")


def tongue_of(request: Asked, desk: Desk, grid: str = "") -> Tongue:
    """Return how to speak with who asks."""
    return desk.tongue(language_of(request), grid)


def page(
    request: Asked, desk: Desk, name: str, *, status: int = 200, grid: str = "", **shown: object
) -> Template:
    """Return a page in its frame; only what is inside, for a script that asks for that."""
    tongue = tongue_of(request, desk, grid)
    role = request.user.account.role if request.user is not None else None
    inside = request.headers.get("x-part") == "main"
    frame = {
        "t": tongue.t,
        "tongue": tongue,
        "lang": tongue.language,
        "other": "en" if tongue.language == "zh" else "zh",
        "viewer": request.user,
        "menu": MENU[role] if role is not None else (),
        "here": request.url.path,
        "frame": "part.html" if inside else "frame.html",
        "push_key": desk.push_key if desk.settings.push.hosts else "",
        "stale_s": desk.stale_s(),
        "told": request.state.get(TOLD, 0),
        "now": tongue.now,
        "said": request.query_params.get("said", ""),
    }
    headers = {"vary": "x-part, cookie"}
    return Template(name, context={**frame, **shown}, status_code=status, headers=headers)


def back(path: str) -> Redirect:
    """Send a browser on after it sent something, so that coming back sends nothing again."""
    return Redirect(path, status_code=303)
