"""The web application: who is asking, what may be asked how often, and how it is answered.

    request ─► who asks (session or token) ─► how often ─► forged? ─► handler ─► headers

Every page allows scripts, styles and pictures of its own only, and no frame around it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, NotAuthorizedException, TooManyRequestsException
from litestar.middleware import (
    AbstractAuthenticationMiddleware,
    AuthenticationResult,
    DefineMiddleware,
)
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from portal import measures
from portal.api import routes
from portal.desk import Desk, Viewer
from portal.pages import answer, events, family, operate, passkeys, push, report, sign_in, staff
from portal.pages.shown import TOLD, Served, page
from portal.secret import hashed
from weinao import __version__

_HERE = Path(__file__).parent
CSRF = "csrf"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), camera=(self),"
    " publickey-credentials-get=(self), publickey-credentials-create=(self)",
    "cross-origin-opener-policy": "same-origin",
}
WINDOW_MS = 60_000
ADDRESSES_MAX = 50_000
"""So many addresses are counted at once; beyond that all counts begin anew."""


class WhoAsks(AbstractAuthenticationMiddleware):
    """Finds whose session or token a request carries; nobody's is no error here."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        desk: Desk = connection.app.state.desk
        connection.scope["state"][TOLD] = desk.live.hub.told  # before anything is read
        now = desk.now()
        if connection.scope["path"].startswith("/api/"):
            kind, _, key = connection.headers.get("authorization", "").partition(" ")
            found = desk.accounts.token(key.strip(), now) if kind.lower() == "bearer" else None
            token = hashed(key.strip())
            viewer = Viewer(account=found[0], scopes=found[1], token=token) if found else None
            return AuthenticationResult(user=viewer, auth=None)
        key = connection.cookies.get(sign_in.SESSION, "")
        opened = desk.accounts.session(key, now) if key else None
        viewer = Viewer(account=opened[0], session=opened[1]) if opened else None
        return AuthenticationResult(user=viewer, auth=None)


class Counted:
    """Counts requests, and refuses who asks too often."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._asked: dict[str, int] = {}
        self._window = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        area, began = _area(scope["path"]), time.perf_counter()
        desk: Desk = scope["litestar_app"].state.desk
        client = scope["client"]
        address = client[0] if client else ""
        if area != "static" and self._too_many(desk, address):
            measures.REFUSED.labels("rate").inc()
            raise TooManyRequestsException("too many requests from here: wait a minute")

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                measures.REQUESTS.labels(area, f"{message['status'] // 100}xx").inc()
                if area != "events":
                    measures.SECONDS.labels(area).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)

    def _too_many(self, desk: Desk, address: str) -> bool:
        window = desk.now() // WINDOW_MS
        if window != self._window or len(self._asked) > ADDRESSES_MAX:
            self._window, self._asked = window, {}
        count = self._asked[address] = self._asked.get(address, 0) + 1
        return count > desk.settings.limits.requests_per_min


@get("/health", sync_to_thread=False)
def health(desk: Served) -> Response[dict[str, object]]:
    """Say whether the store and the broker can be reached; 503 if not."""
    stale, connected = desk.stale_s(), desk.post.connected
    well = stale is None and connected
    said: dict[str, object] = {"store": stale is None, "broker": connected}
    return Response(said, status_code=200 if well else 503)


@get("/manifest.webmanifest", sync_to_thread=False)
def manifest() -> Response[dict[str, object]]:
    """Describe the portal as an app that can be installed."""
    said: dict[str, object] = {
        "name": "微脑",
        "short_name": "微脑",
        "lang": "zh-CN",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#0b4f6c",
        "icons": [
            {"src": "/static/icon-192.png", "sizes": "192x192", "type": "image/png"},
            {"src": "/static/icon-512.png", "sizes": "512x512", "type": "image/png",
             "purpose": "any maskable"},
            {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
        ],
    }  # fmt: skip
    return Response(said, media_type="application/manifest+json")


@get("/sw.js", sync_to_thread=False)
def worker() -> Response[bytes]:
    """Serve the service worker from where it may look after all pages."""
    content = (_HERE / "static" / "sw.js").read_bytes().replace(b"{version}", __version__.encode())
    return Response(content, media_type="text/javascript", headers={"cache-control": "no-cache"})


def application(desk: Desk, *, opens: bool = True) -> Litestar:
    """Return the web application of a desk.

    Args:
        desk: All that serves a request.
        opens: Whether it follows the store and carries what people say while it runs; a test may
            do both by itself.
    """

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        if opens:
            desk.open(asyncio.get_running_loop())
        try:
            yield
        finally:
            if opens:
                desk.close()

    secure = desk.settings.web.url.startswith("https:")
    modules = (sign_in, passkeys, push, family, answer, staff, report, operate, events)
    handlers = [one for module in modules for one in module.HANDLERS]
    for one in handlers:
        one.include_in_schema = False
    return Litestar(
        route_handlers=[
            *handlers, routes.router, health, manifest, worker,
            create_static_files_router(
                path="/static", directories=[_HERE / "static"], include_in_schema=False
            ),
        ],
        state=State({"desk": desk}),
        dependencies={"desk": Provide(_desk, sync_to_thread=False)},
        middleware=[Counted, DefineMiddleware(WhoAsks)],
        csrf_config=CSRFConfig(
            secret=desk.secret, cookie_name=CSRF, cookie_secure=secure, cookie_httponly=True,
            cookie_samesite="lax", exclude_from_csrf_key="exclude_from_csrf",
        ),
        template_config=TemplateConfig(
            directory=_HERE / "templates", engine=JinjaTemplateEngine
        ),
        before_send=[_with_headers],
        exception_handlers={HTTPException: _told, 500: _broken},
        request_max_body_size=desk.settings.web.upload_bytes_max,
        openapi_config=OpenAPIConfig(
            title="weinao portal", version=__version__, path="/api",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(
                security_schemes={
                    "token": SecurityScheme(type="http", scheme="bearer")
                }
            ),
            security=[{"token": []}], use_handler_docstrings=True,
        ),
        lifespan=[lifespan],
        logging_config=None,
    )  # fmt: skip


async def _with_headers(message: Message, scope: Scope) -> None:
    """Add the headers that all answers carry, errors included."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if _area(scope["path"]) != "static":
        headers.setdefault("cache-control", "no-store")


def _desk(state: State) -> Desk:
    desk: Desk = state.desk
    return desk


def _area(path: str) -> str:
    """Return which part of the portal a path is of; a short, fixed list."""
    first = path.split("/")[1] if path.count("/") else ""
    if first in ("static", "sw.js", "manifest.webmanifest"):
        return "static"
    return first if first in ("api", "events", "a", "r", "family", "tasks", "board") else "pages"


def _told(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any] | Template:
    """Say what is wrong: to a program as JSON, to a person as a page."""
    desk: Desk = request.app.state.desk
    status = error.status_code
    if request.scope["path"].startswith("/api/"):
        content = {"status_code": status, "detail": error.detail}
        if extra := getattr(error, "extra", None):
            content["extra"] = extra
        return Response(content, status_code=status)
    asks_in = isinstance(error, NotAuthorizedException)
    looks = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if asks_in and looks:
        return Redirect("/sign-in", status_code=303)
    if "user" not in request.scope:
        request.scope["user"] = None
    measures.REFUSED.labels(f"http_{status}").inc()
    known = status if status in (400, 401, 403, 404, 409, 413, 429, 503) else 400
    return page(request, desk, "error.html", status=status, code=known)


def _broken(request: Request[Any, Any, Any], error: Exception) -> Response[Any] | Template:
    """Say that something went wrong here; the log holds what."""
    desk: Desk = request.app.state.desk
    away = type(error).__name__ == "StoreUnavailableError"
    if not away:
        desk.log.error("request.failed", path=_area(request.scope["path"]), error=repr(error))
    status = 503 if away else 500
    if request.scope["path"].startswith("/api/"):
        return Response({"status_code": status, "detail": "try again"}, status_code=status)
    if "user" not in request.scope:
        request.scope["user"] = None
    return page(request, desk, "error.html", status=status, code=status)
