"""Allowing notices in this browser, and ending that."""

from dataclasses import dataclass

from litestar import Response, post
from litestar.exceptions import ClientException
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from portal.accounts import Role
from portal.pages.shown import Asked, Served, back, only, threaded, viewer_of
from portal.subscriptions import SubscriptionRefusedError
from sinks.subscription import Subscription

RUNG = (Role.FAMILY, Role.RESIDENT, Role.STAFF, Role.OPERATOR)
"""Who may be told something by the brain: all whom the registry knows by name."""


@dataclass
class Browser:
    """What a page says of the browser it is open in."""

    endpoint: str = ""
    p256dh: str = ""
    auth: str = ""


@dataclass
class Which:
    """One of one's browsers, by its id or its address."""

    id: str = ""


@post("/push", guards=[only(*RUNG)])
@threaded
def allow(request: Asked, desk: Served, data: URLEncodedBody[Browser]) -> Response[dict[str, bool]]:
    """Ring this browser for who is signed in here."""
    viewer, now = viewer_of(request), desk.now()
    found = Subscription(endpoint=data.endpoint, p256dh=data.p256dh, auth=data.auth)
    try:
        desk.subscriptions.keep(
            found,
            desk.settings.push,
            account=viewer.account.id,
            session=viewer.session,
            device=request.headers.get("user-agent", ""),
            now=now,
        )
    except SubscriptionRefusedError as error:
        raise ClientException(str(error)) from error
    desk.audit.note(
        at=now, actor=viewer.account.id, role=viewer.account.role, action="push.allowed",
        about=viewer.account.person,
    )  # fmt: skip
    return Response({"rings": True}, status_code=200)


@post("/push/seen", guards=[only(*RUNG)])
@threaded
def seen(request: Asked, desk: Served, data: URLEncodedBody[Browser]) -> Response[dict[str, bool]]:
    """Say whether this browser rings for who is signed in here."""
    viewer = viewer_of(request)
    rings = desk.subscriptions.seen(
        data.endpoint, account=viewer.account.id, session=viewer.session, now=desk.now()
    )
    return Response({"rings": rings}, status_code=200)


@post("/push/end", guards=[only(*RUNG)])
@threaded
def end(request: Asked, desk: Served, data: URLEncodedBody[Which]) -> Redirect:
    """Ring one of one's browsers no more."""
    viewer = viewer_of(request)
    desk.subscriptions.end(viewer.account.id, data.id)
    desk.audit.note(
        at=desk.now(), actor=viewer.account.id, role=viewer.account.role, action="push.ended",
        about=viewer.account.person,
    )  # fmt: skip
    return back("/account")


HANDLERS = (allow, seen, end)
