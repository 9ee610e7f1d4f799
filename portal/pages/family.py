"""What a family sees: how she is now, her day, and what happened."""

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template
from msgspec.structs import replace

from portal.accounts import Role
from portal.desk import Desk, Viewer
from portal.pages.shown import (
    Asked,
    Served,
    language_of,
    only,
    page,
    threaded,
    tongue_of,
    viewer_of,
)
from portal.reach import Reach
from portal.sharing import level_of
from portal.views.person import Around, Person, glance, person
from portal.views.tongue import Tongue
from sinks.store import Store
from weinao.catalogue import Language
from weinao.registry import Resident

HISTORY_SHOWN = 20


@get("/family", guards=[only(Role.FAMILY)])
@threaded
def family(request: Asked, desk: Served) -> Template | Redirect:
    """Show the one whom somebody cares for; a list, where there are several."""
    reach = desk.reach(viewer_of(request))
    near = sorted(reach.residents)
    if len(near) == 1:
        grid, resident = near[0]
        return _shown(request, desk, grid, resident)
    people = []
    with desk.stores.lent() as store:
        for grid, name in near:
            found = desk.known.record(grid, Resident, name)
            assert found is not None, "reach comes from the registry"
            around = _around(desk, reach, tongue_of(request, desk, grid), store)
            people.append((found, glance(grid, found, around)))
    return page(request, desk, "families.html", people=people)


@get("/family/{resident:str}", guards=[only(Role.FAMILY)])
@threaded
def one(request: Asked, desk: Served, resident: FromPath[str]) -> Template:
    """Show one of those whom somebody cares for."""
    reach = desk.reach(viewer_of(request))
    grids = [grid for grid, name in reach.residents if name == resident]
    if not grids:
        raise NotFoundException("nobody of that name")
    return _shown(request, desk, grids[0], resident)


def person_seen(desk: Desk, viewer: Viewer, grid: str, resident: str, language: Language) -> Person:
    """Return how somebody is, for who may know.

    Raises:
        NotFoundException: There is nobody of that id, or nobody whom they may see.
    """
    reach = desk.reach(viewer)
    found = desk.known.record(grid, Resident, resident)
    if found is None or (grid, resident) not in reach.residents:
        raise NotFoundException("nobody of that name")
    with desk.stores.lent() as store:
        around = _around(desk, reach, desk.tongue(language, grid), store)
        return person(grid, found, replace(around, level=level_of(found)))


def _shown(request: Asked, desk: Desk, grid: str, resident: str) -> Template:
    shown = person_seen(desk, viewer_of(request), grid, resident, language_of(request))
    return page(
        request, desk, "family.html", grid=grid, person=shown,
        history=shown.history[:HISTORY_SHOWN],
    )  # fmt: skip


def _around(desk: Desk, reach: Reach, tongue: Tongue, store: Store) -> Around:
    return Around(
        reach=reach,
        known=desk.known,
        tongue=tongue,
        store=store,
        board=desk.live.board.all(),
    )


HANDLERS = (family, one)
