"""Signing in and out, joining by an invitation, and one's own account."""

from dataclasses import dataclass

import segno
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from portal.accounts import WITH_SECOND_FACTOR, Scope, SignInError, new_totp, totp_link
from portal.desk import Desk
from portal.measures import REFUSED
from portal.pages.shown import HOME, Asked, Served, back, only, page, threaded, viewer_of
from weinao.catalogue import LANGUAGES

SESSION = "session"
TOKEN_DAYS_MAX = 366
_DAY_S = 86_400


@dataclass
class SignIn:
    """What the form of the front door holds."""

    account: str = ""
    password: str = ""
    code: str = ""


@dataclass
class Join:
    """What the form of an invitation holds."""

    account: str = ""
    password: str = ""
    secret: str = ""
    code: str = ""


@dataclass
class Chosen:
    """The one of several that a button stands by."""

    id: str = ""


@dataclass
class NewToken:
    """What a new token should be."""

    label: str = ""
    days: int = 30
    scopes: list[str] | None = None


@get("/")
@threaded
def front(request: Asked, desk: Served) -> Template | Redirect:
    """Lead everybody to their own page; show the front door to who is not signed in."""
    if request.user is not None:
        return Redirect(HOME[request.user.account.role], status_code=303)
    return page(request, desk, "front.html")


@get("/sign-in")
@threaded
def sign_in_page(request: Asked, desk: Served) -> Template:
    """Ask who it is."""
    return sign_in_form(request, desk, "")


@post("/sign-in")
@threaded
def sign_in(
    request: Asked, desk: Served, data: URLEncodedBody[SignIn]
) -> Response[None] | Template:
    """Let somebody in, or say that it was wrong, and never what of it."""
    address = request.client.host if request.client else ""
    try:
        found = desk.accounts.sign_in(
            data.account.strip(), data.password, data.code.strip(), address, desk.now()
        )
    except SignInError as error:
        REFUSED.labels(error.key).inc()
        return sign_in_form(request, desk, error.key, data.account)
    return opened(request, desk, found.id, HOME[found.role])


@post("/sign-out", guards=[only()])
@threaded
def sign_out(request: Asked, desk: Served) -> Response[None]:
    """End this session."""
    viewer = viewer_of(request)
    desk.accounts.end_sessions(viewer.account.id, desk.now(), viewer.session)
    answer = back("/")
    answer.delete_cookie(SESSION)
    return answer


@get("/join/{key:str}")
@threaded
def join_page(request: Asked, desk: Served, key: FromPath[str]) -> Template:
    """Show what an invitation is for."""
    try:
        found = desk.accounts.invitation(key, desk.now())
    except SignInError as error:
        return page(request, desk, "refused.html", status=403, why=error.key)
    secret = new_totp() if found.role in WITH_SECOND_FACTOR else ""
    return _join_form(request, desk, key, "", secret=secret)


@post("/join/{key:str}")
@threaded
def join(
    request: Asked, desk: Served, key: FromPath[str], data: URLEncodedBody[Join]
) -> Response[None] | Template:
    """Make an account, as an invitation allows; the role is the invitation's, whatever is sent."""
    now = desk.now()
    try:
        found = desk.accounts.join(
            key, data.account.strip(), data.password, (data.secret, data.code.strip()), now
        )
    except SignInError as error:
        if error.key.startswith("invitation"):
            return page(request, desk, "refused.html", status=403, why=error.key)
        return _join_form(request, desk, key, error.key, secret=data.secret, account=data.account)
    desk.audit.note(
        at=now, actor=found.id, role=found.role, action="account.made", about=found.person
    )
    return opened(request, desk, found.id, HOME[found.role])


@get("/account", guards=[only()])
@threaded
def account(request: Asked, desk: Served) -> Template:
    """Show where somebody is signed in, and their tokens."""
    return account_page(request, desk)


@post("/account/sessions/end", guards=[only()])
@threaded
def end_session(request: Asked, desk: Served, data: URLEncodedBody[Chosen]) -> Redirect:
    """End one of one's sessions, or all others."""
    viewer = viewer_of(request)
    for one in desk.accounts.sessions(viewer.account.id):
        if one.id == data.id or (data.id == "others" and one.id != viewer.session):
            desk.accounts.end_sessions(viewer.account.id, desk.now(), one.id)
    return back("/account")


@post("/account/tokens", guards=[only()])
@threaded
def new_token(request: Asked, desk: Served, data: URLEncodedBody[NewToken]) -> Template:
    """Make a token for programs, and show it this once."""
    viewer, now = viewer_of(request), desk.now()
    scopes = [one for one in Scope if one in (data.scopes or [])]
    days = max(1, min(data.days, TOKEN_DAYS_MAX))
    key = desk.accounts.new_token(viewer.account.id, data.label, scopes, days, now)
    desk.audit.note(
        at=now, actor=viewer.account.id, role=viewer.account.role, action="token.made",
        about=viewer.account.id, purpose=" ".join(scopes),
    )  # fmt: skip
    return account_page(request, desk, made=key)


@post("/account/tokens/end", guards=[only()])
@threaded
def end_token(request: Asked, desk: Served, data: URLEncodedBody[Chosen]) -> Redirect:
    """Make one of one's tokens useless."""
    desk.accounts.end_token(viewer_of(request).account.id, data.id, desk.now())
    return back("/account")


@get("/language/{language:str}")
@threaded
def speak(
    request: Asked, desk: Served, language: FromPath[str], to: FromQuery[str] = "/"
) -> Redirect:
    """Change the language, and go on where one was."""
    chosen = language if language in LANGUAGES else "zh"
    if request.user is not None:
        desk.accounts.speak(request.user.account.id, chosen)
    inside = to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/"
    answer = back(inside)
    answer.set_cookie(Cookie(key="lang", value=chosen, max_age=366 * _DAY_S, samesite="lax"))
    return answer


def opened(
    request: Asked, desk: Desk, account: str, path: str, passkey: str = ""
) -> Response[None]:
    """Open a session, always a new one, so that a planted cookie is worth nothing."""
    found = desk.accounts.find(account)
    assert found is not None, "a session for nobody"
    device = request.headers.get("user-agent", "")
    key = desk.accounts.open_session(found, device, desk.now(), passkey)
    answer = back(path)
    answer.set_cookie(
        Cookie(
            key=SESSION,
            value=key,
            httponly=True,
            samesite="lax",
            secure=desk.settings.web.url.startswith("https:"),
            max_age=desk.settings.sign_in.session_days_max * _DAY_S,
        )
    )
    return answer


def sign_in_form(request: Asked, desk: Desk, problem: str, account: str = "") -> Template:
    """Ask who it is, once more where that was wrong."""
    status = 200 if not problem else (429 if problem == "too_many" else 403)
    return page(
        request, desk, "sign_in.html", status=status, problem=problem, account=account,
        place=desk.passkeys.place,
    )  # fmt: skip


def _join_form(
    request: Asked, desk: Desk, key: str, problem: str, *, secret: str, account: str = ""
) -> Template:
    found = desk.accounts.invitation(key, desk.now())
    picture = ""
    if secret:
        link = totp_link(secret, found.person)
        picture = segno.make(link).svg_inline(scale=4, border=2, omitsize=True)
    return page(
        request, desk, "join.html", status=422 if problem else 200, problem=problem,
        invitation=found, secret=secret, picture=picture, account=account, key=key,
    )  # fmt: skip


def account_page(request: Asked, desk: Desk, made: str = "", problem: str = "") -> Template:
    """Show somebody's own account; with a token that was just made, or what went wrong."""
    viewer, now = viewer_of(request), desk.now()
    return page(
        request, desk, "account.html", status=403 if problem else 200, made=made, problem=problem,
        scopes=[*Scope], place=desk.passkeys.place,
        passkeys=desk.passkeys.of(viewer.account.id),
        may_have_passkeys=viewer.account.role in WITH_SECOND_FACTOR,
        sessions=desk.accounts.sessions(viewer.account.id),
        browsers=desk.subscriptions.allowed(viewer.account.id),
        tokens=desk.accounts.tokens(viewer.account.id, now),
    )  # fmt: skip


HANDLERS = (
    front, sign_in_page, sign_in, sign_out, join_page, join, account, end_session, new_token,
    end_token, speak,
)  # fmt: skip
