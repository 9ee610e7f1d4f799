"""Signing in with a passkey, and keeping one's own."""

from dataclasses import dataclass

from litestar import Response, post
from litestar.datastructures import Cookie
from litestar.exceptions import ClientException
from litestar.params import URLEncodedBody
from litestar.response import Redirect, Template

from portal.accounts import WITH_SECOND_FACTOR, SignInError
from portal.desk import Desk
from portal.measures import REFUSED
from portal.pages.shown import HOME, Asked, Served, back, only, threaded, viewer_of
from portal.pages.sign_in import account_page, opened, sign_in_form
from portal.passkeys import CHALLENGE_S, CopiedError
from portal.secret import new_key

HOLDER = "passkey"
"""The cookie that tells the browser which was asked."""


@dataclass
class Signed:
    """What a device signed, as JSON."""

    credential: str = ""


@dataclass
class NewPasskey:
    """A passkey that a device made, and what its owner calls that."""

    credential: str = ""
    label: str = ""


@dataclass
class Which:
    """One of one's passkeys."""

    id: str = ""


@post("/passkeys/ask", status_code=200)
@threaded
def ask_to_sign_in(desk: Served) -> Response[bytes]:
    """Give this browser something to sign; nobody has said yet who it is."""
    holder = new_key()
    try:
        options = desk.passkeys.ask_to_sign_in(holder, desk.now())
    except SignInError as error:
        raise _told(error) from error
    answer = Response(options.encode(), media_type="application/json")
    answer.set_cookie(
        Cookie(
            key=HOLDER,
            value=holder,
            path="/passkeys",
            httponly=True,
            samesite="strict",
            secure=desk.settings.web.url.startswith("https:"),
            max_age=CHALLENGE_S,
        )
    )
    return answer


@post("/passkeys/sign-in")
@threaded
def sign_in(
    request: Asked, desk: Served, data: URLEncodedBody[Signed]
) -> Response[None] | Template:
    """Let in whose passkey signed, or say that it was wrong."""
    address = request.client.host if request.client else ""
    holder, now = request.cookies.get(HOLDER, ""), desk.now()
    try:
        found, passkey = desk.passkeys.sign_in(holder, data.credential, address, now)
    except SignInError as error:
        REFUSED.labels(error.key).inc()
        if isinstance(error, CopiedError):
            _note(desk, error.account, "", "passkey.copied")
        return sign_in_form(request, desk, error.key)
    _note(desk, found.id, found.role, "passkey.used", passkey)
    return opened(request, desk, found.id, HOME[found.role], passkey)


@post("/account/passkeys/ask", guards=[only(*WITH_SECOND_FACTOR)], status_code=200)
@threaded
def ask_to_add(request: Asked, desk: Served) -> Response[bytes]:
    """Give this browser what it needs to make a passkey."""
    viewer = viewer_of(request)
    try:
        options = desk.passkeys.ask_to_add(viewer.account, viewer.session, desk.now())
    except SignInError as error:
        raise _told(error) from error
    return Response(options.encode(), media_type="application/json")


@post("/account/passkeys", guards=[only(*WITH_SECOND_FACTOR)])
@threaded
def add(request: Asked, desk: Served, data: URLEncodedBody[NewPasskey]) -> Redirect | Template:
    """Keep a new passkey."""
    viewer, now = viewer_of(request), desk.now()
    try:
        if not data.credential:
            # The browser asked first whether it may, and was told why not.
            desk.passkeys.ask_to_add(viewer.account, viewer.session, now)
        made = desk.passkeys.add(viewer.account, viewer.session, data.credential, data.label, now)
    except SignInError as error:
        REFUSED.labels(error.key).inc()
        return account_page(request, desk, problem=error.key)
    _note(desk, viewer.account.id, viewer.account.role, "passkey.made", made)
    return back("/account")


@post("/account/passkeys/end", guards=[only(*WITH_SECOND_FACTOR)])
@threaded
def remove(request: Asked, desk: Served, data: URLEncodedBody[Which]) -> Redirect:
    """Take one of one's passkeys back, with the sessions that it opened."""
    viewer = viewer_of(request)
    if desk.passkeys.remove(viewer.account.id, data.id, desk.now()):
        _note(desk, viewer.account.id, viewer.account.role, "passkey.removed", data.id)
    return back("/account")


def _note(desk: Desk, account: str, role: str, action: str, passkey: str = "") -> None:
    desk.audit.note(
        at=desk.now(), actor=account, role=role, action=action, about=account,
        purpose=passkey[:16],
    )  # fmt: skip


def _told(error: SignInError) -> ClientException:
    REFUSED.labels(error.key).inc()
    return ClientException(error.key, status_code=429 if error.key == "too_many" else 403)


HANDLERS = (ask_to_sign_in, sign_in, ask_to_add, add, remove)
