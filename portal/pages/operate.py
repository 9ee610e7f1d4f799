"""What operators and the street office see, and the little that they may change."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.exceptions import ValidationException
from litestar.params import FromQuery, MultipartBody, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import structs

from portal.accounts import Role
from portal.desk import Desk
from portal.drills import tested
from portal.pages.shown import Asked, Served, back, only, page, threaded, tongue_of, viewer_of
from portal.reach import OVER
from portal.sharing import Level, level_of
from portal.views.incident import row
from portal.views.office import figures, heard, plans
from weinao.cli.registry import publish, read
from weinao.messages import Registered
from weinao.registry import Resident, Staff

DAYS = (1, 7, 30)
_DAY_MS = 86_400_000
IMPORT_S_MAX = 20.0
CLOSED_SHOWN = 30
SUFFIXES = (".csv", ".toml", ".json")


@dataclass
class Invite:
    """Whom to invite, and as what."""

    role: str = ""
    person: str = ""
    name: str = ""


@dataclass
class Chosen:
    """The one of several that a button stands by."""

    id: str = ""


@dataclass
class Shares:
    """What a resident said she lets her family see."""

    resident: str = ""
    level: str = ""


@dataclass
class Sheet:
    """A file with registered data, and whether to load what can be taken."""

    file: UploadFile | None = None
    load: bool = False


@get("/community", guards=[only(Role.OPERATOR)])
@threaded
def community(request: Asked, desk: Served) -> Template:
    """Show the grids and buildings with what is open in them now."""
    tongues = {grid: tongue_of(request, desk, grid) for grid in desk.known.grids}
    found = plans(desk.known, desk.live.board.all(), tongues)
    return page(
        request, desk, "community.html", plans=found, community=desk.known.community
    )  # fmt: skip


@get("/board", guards=[only(Role.OPERATOR)])
@threaded
def board(request: Asked, desk: Served) -> Template:
    """Show all incidents that are open, with their deadlines, and those that ended last."""
    reach = desk.reach(viewer_of(request))
    tongues = {grid: tongue_of(request, desk, grid) for grid in desk.known.grids}
    rows = [
        row(one, reach, desk.known, tongues.get(one.grid) or tongue_of(request, desk, one.grid))
        for one in desk.live.board.open()
    ]
    ended = [one for one in desk.live.board.all() if one.state in OVER][:CLOSED_SHOWN]
    closed = [
        row(one, reach, desk.known, tongues.get(one.grid) or tongue_of(request, desk, one.grid))
        for one in ended
    ]
    return page(request, desk, "board.html", rows=rows, closed=closed)


@get("/statistics", guards=[only(Role.OPERATOR, Role.OFFICE)])
@threaded
def statistics(request: Asked, desk: Served, days: FromQuery[int] = 7) -> Template:
    """Show how incidents went, by grid and by kind; no person stands in it."""
    days = days if days in DAYS else DAYS[1]
    since = desk.now() - days * _DAY_MS
    found = desk.live.board.all()
    return page(
        request, desk, "statistics.html", days=days, choices=DAYS,
        grids=figures(found, since, by_kind=False), kinds=figures(found, since, by_kind=True),
        drills=_drills(request, desk),
    )  # fmt: skip


@get("/devices", guards=[only(Role.OPERATOR)])
@threaded
def devices(request: Asked, desk: Served, grid: FromQuery[str] = "") -> Template:
    """Show the devices of a grid, and when each was heard of."""
    grids = desk.known.grids
    chosen = grid if grid in grids else (grids[0] if grids else "")
    found = []
    if chosen:
        with desk.stores.lent() as store:
            found = heard(chosen, desk.known, store, tongue_of(request, desk, chosen))
    return page(
        request, desk, "devices.html", grid=chosen, grids=grids, devices=found
    )  # fmt: skip


@get("/registry", guards=[only(Role.OPERATOR)])
@threaded
def registry(request: Asked, desk: Served) -> Template:
    """Ask for a file, and show what is registered, in numbers."""
    return _registry_page(request, desk)


@post("/registry", guards=[only(Role.OPERATOR)])
async def load(request: Asked, desk: Served, data: MultipartBody[Sheet]) -> Template:
    """Check a file, name every row that cannot be taken, and load the others if asked to."""
    if data.file is None or Path(data.file.filename).suffix not in SUFFIXES:
        raise ValidationException("a file that ends in .csv, .toml or .json")
    content = await data.file.read()
    return await sync_to_thread(_loaded, request, desk, data.file.filename, content, data.load)


@get("/people", guards=[only(Role.OPERATOR)])
@threaded
def people(request: Asked, desk: Served) -> Template:
    """Show accounts and invitations."""
    return _people_page(request, desk)


@post("/people/invite", guards=[only(Role.OPERATOR)])
@threaded
def invite(request: Asked, desk: Served, data: URLEncodedBody[Invite]) -> Template:
    """Make an invitation for somebody who is registered, and show its link this once."""
    viewer, now = viewer_of(request), desk.now()
    role = Role(data.role) if data.role in [*Role] else None
    if role is None or not _is_registered(desk, role, data.person):
        return _people_page(request, desk, problem="invite_unknown")
    key, _ = desk.accounts.invite(
        role, data.person, data.name or data.person, by=viewer.account.id, now=now
    )
    desk.audit.note(
        at=now, actor=viewer.account.id, role=viewer.account.role, action="account.invited",
        about=data.person, purpose=role,
    )  # fmt: skip
    return _people_page(request, desk, link=f"{desk.settings.web.url}/join/{key}")


@post("/people/close", guards=[only(Role.OPERATOR)])
@threaded
def close(request: Asked, desk: Served, data: URLEncodedBody[Chosen]) -> Redirect:
    """Close an account, and end its sessions and tokens at once."""
    viewer, now = viewer_of(request), desk.now()
    if data.id == viewer.account.id:
        raise ValidationException("nobody closes their own account")
    desk.accounts.close(data.id, now)
    desk.audit.note(
        at=now, actor=viewer.account.id, role=viewer.account.role, action="account.closed",
        about=data.id,
    )  # fmt: skip
    return back("/people")


@post("/people/sharing", guards=[only(Role.OPERATOR)])
@threaded
def share(request: Asked, desk: Served, data: URLEncodedBody[Shares]) -> Redirect:
    """Note what a resident said that her family may see."""
    viewer, now = viewer_of(request), desk.now()
    if data.level not in [*Level] or data.resident not in desk.known.living:
        raise ValidationException("somebody who is registered, and one of the levels")
    grid, resident = desk.known.living[data.resident]
    changed = structs.replace(resident, sharing=data.level)
    kept = desk.outbox.register(grid, Registered(at=now, record=changed))
    desk.post.hurry()
    desk.audit.note(
        at=now, actor=viewer.account.id, role=viewer.account.role, action="sharing.changed",
        about=data.resident, purpose=data.level,
    )  # fmt: skip
    desk.live.wait_for(lambda: desk.arrived(grid, kept), desk.arrives_s)
    return back("/people")


@get("/audit", guards=[only(Role.OPERATOR)])
@threaded
def audit(request: Asked, desk: Served, about: FromQuery[str] = "") -> Template:
    """Show who looked at whom, and whether the log is whole."""
    return page(
        request, desk, "audit.html", entries=desk.audit.newest(200, about or None),
        broken_at=desk.audit.broken_at(), about=about,
    )  # fmt: skip


def _drills(request: Asked, desk: Desk) -> list[tuple[str, int, int, int]]:
    """Return, for each grid: people who were tested this month, reached, and answered."""
    found = []
    with desk.stores.lent() as store:
        for grid in desk.known.grids:
            tongue = tongue_of(request, desk, grid)
            month = tongue.day(desk.now())[:7]
            people = tested(store, grid, month)
            reached = sum(one.delivery == "sent" for one in people)
            answered = sum(one.answered for one in people)
            if people:
                found.append((grid, len(people), reached, answered))
    return found


def _is_registered(desk: Desk, role: Role, person: str) -> bool:
    known = desk.known
    if role is Role.FAMILY:
        return person in known.named_by
    if role is Role.RESIDENT:
        return person in known.living
    if role is Role.OFFICE:
        return bool(person)
    return person in known.team_of


def _people_page(request: Asked, desk: Desk, link: str = "", problem: str = "") -> Template:
    known = desk.known
    choices = [
        *(("family", one) for one in sorted(known.named_by)),
        *(("resident", one) for one in sorted(known.living)),
        *(("staff", one) for one in sorted(known.team_of)),
    ]
    sharing = [
        (one, level_of(one))
        for grid in known.grids
        for one in known.of(grid, Resident)
    ]  # fmt: skip
    return page(
        request, desk, "people.html", status=422 if problem else 200,
        accounts=desk.accounts.all(), invitations=desk.accounts.invitations(desk.now()),
        link=link, problem=problem, roles=[*Role], choices=choices, sharing=sharing,
        levels=[*Level],
    )  # fmt: skip


def _registry_page(request: Asked, desk: Desk, **report: object) -> Template:
    counts: dict[str, int] = {}
    for _, kind, _ in desk.known.entered:
        counts[kind] = counts.get(kind, 0) + 1
    staff = [one for grid in desk.known.grids for one in desk.known.of(grid, Staff)]
    return page(
        request, desk, "registry.html", counts=sorted(counts.items()), staff=staff,
        **{"rows": None, **report},  # type: ignore[arg-type]  # words for the page
    )  # fmt: skip


def _loaded(request: Asked, desk: Desk, name: str, content: bytes, load: bool) -> Template:
    viewer, settings = viewer_of(request), desk.settings
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        rows = read([path], desk.known.grids)
    records = [one.record for one in rows if one.record is not None]
    refused = [one for one in rows if one.record is None]
    loaded = wanted = None
    if load and records:
        broker = f"{settings.broker.host}:{settings.broker.port}"
        try:
            loaded, wanted = publish(
                records, broker=broker, community=settings.community, timeout_s=IMPORT_S_MAX,
                grids=desk.known.grids,
            )  # fmt: skip
        except OSError:
            loaded, wanted = 0, len(records)
        desk.audit.note(
            at=desk.now(), actor=viewer.account.id, role=viewer.account.role,
            action="registry.loaded", about=Path(name).name[:64], purpose=f"{len(records)} records",
        )  # fmt: skip
    return _registry_page(
        request, desk, rows=rows, refused=refused, taken=len(records), loaded=loaded, wanted=wanted
    )


HANDLERS = (
    community, board, statistics, devices, registry, load, people, invite, close, share, audit,
)  # fmt: skip
