"""What happens now: followed from the store, and told to those who may know, as it happens."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from portal.accounts import Role
from portal.app import application
from portal.desk import Viewer
from portal.live import CURSOR, QUEUE_MAX, Hub, Live
from portal.pages.events import BEAT_S, change, stream, told
from sinks.client import StoreClient
from tests.portal.town import EAST, WEST, Town, town
from weinao import logging
from weinao.outcomes import Incident


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as made:
        yield made


def test_who_may_see_an_incident_is_told_of_its_change_and_nobody_else(there: Town) -> None:
    incident = there.sos()
    people = {
        Role.FAMILY: ("daughter-1", True), Role.STAFF: ("head-1", True),
        Role.OPERATOR: ("operator-1", True), Role.OFFICE: ("office-1", False),
        Role.RESIDENT: ("resident-2", False),
    }  # fmt: skip
    for role, (person, wanted) in people.items():
        viewer = Viewer(account=there.account(role, person))
        assert told(there.desk, viewer, incident) is wanted, role
    for role, person in ((Role.FAMILY, "daughter-2"), (Role.STAFF, "head-9")):
        assert not told(there.desk, Viewer(account=there.account(role, person)), incident)


def test_a_change_names_nobody(there: Town) -> None:
    incident = there.sos()

    said = json.loads(change(incident))

    assert said.keys() == {"id", "grid", "state", "severity", "steps"}
    assert said["id"] == incident.id


def test_an_open_page_hears_of_a_change_at_once(there: Town) -> None:
    found = there.account(Role.FAMILY, "daughter-1")

    async def listen() -> list[str]:
        heard = []
        async for message in stream(there.desk, Viewer(account=found), ""):
            heard.append(message.event or "")
            if len(heard) == 1:
                asyncio.get_running_loop().call_later(0.01, press)
            else:
                return heard
        return heard

    def press() -> None:
        there.desk.live.hub.tell(there.sos("sos-2"))
        there.desk.live.hub.tell(there.sos("sos-1"))

    assert asyncio.run(asyncio.wait_for(listen(), 60)) == ["hello", "change"]
    assert len(there.desk.live.hub) == 0


def test_no_change_is_missed_between_the_greeting_and_the_next_word(there: Town) -> None:
    viewer, incident = Viewer(account=there.account(Role.FAMILY, "daughter-1")), there.sos()

    async def listen() -> list[str | None]:
        messages = stream(there.desk, viewer, "")
        heard = [(await anext(messages)).event]
        there.desk.live.hub.tell(incident)
        async with asyncio.timeout(BEAT_S / 2):
            heard.append((await anext(messages)).event)
        await messages.aclose()  # type: ignore[attr-defined]
        return heard

    assert asyncio.run(listen()) == ["hello", "change"]


def test_a_page_made_before_a_change_and_greeted_after_it_can_tell(there: Town) -> None:
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    viewer = Viewer(account=there.account(Role.OPERATOR, "operator-1"))

    async def greeted() -> int:
        messages = stream(there.desk, viewer, "")
        told: int = json.loads(str((await anext(messages)).data))["told"]
        await messages.aclose()  # type: ignore[attr-defined]
        return told

    before = daughter.get("/family").text
    there.desk.live.hub.tell(there.sos())
    told, after = asyncio.run(greeted()), daughter.get("/family").text

    assert f'data-live="{told}"' not in before
    assert f'data-live="{told}"' in after


def test_a_page_that_does_not_keep_up_loses_the_oldest_changes_and_holds_up_nobody(
    there: Town,
) -> None:
    async def flood(incident: Incident) -> int:
        hub = Hub()
        with hub.listening() as queue:
            for _ in range(3 * QUEUE_MAX):
                hub.tell(incident)
            return queue.qsize()

    assert asyncio.run(flood(there.sos())) == QUEUE_MAX


def test_a_portal_that_starts_again_knows_all_and_goes_on_from_where_it_was(there: Town) -> None:
    closed = there.sos("sos-2")
    for actor, action in (
        ("daughter-2", "accept"),
        ("daughter-2", "resolve"),
        ("head-1", "verify"),
    ):
        closed = there.answered(closed, actor, action)
    there.now += 40_000
    standing = there.sos()
    assert there.store.cursor(CURSOR) > 0

    again = Live(there.desk.stores, now=lambda: there.now, log=logging.logger())
    again.look()

    assert [one.id for one in again.board.open()] == [standing.id]
    assert {one.id for one in again.board.all()} == {standing.id, closed.id}
    assert again.known.grids == (EAST, WEST)


def test_what_began_long_ago_and_still_stands_is_there_after_a_start(there: Town) -> None:
    standing = there.sos()
    there.now += 60 * 86_400_000

    again = Live(there.desk.stores, now=lambda: there.now, log=logging.logger())
    again.look()

    assert [one.id for one in again.board.open()] == [standing.id]
    again.board.forget(there.now)
    assert [one.id for one in again.board.open()] == [standing.id]


def test_the_store_away_is_an_outage_and_no_crash(tmp_path: Path) -> None:
    with town(tmp_path) as made:
        made.sos()
        client = TestClient(application(made.desk, opens=False))
        daughter = made.signed_in(Role.FAMILY, "daughter-1")
        board = made.signed_in(Role.OPERATOR, "operator-1")
        made.desk.stores.close()
        made.desk.stores.open = _Gone  # type: ignore[assignment,return-value]

        assert daughter.get("/family").status_code == 503
        assert board.get("/board").status_code == 200  # what was known stands
        assert client.get("/health").status_code == 503


class _Gone:
    """The client of a store whose owner is gone."""

    def __getattr__(self, name: str) -> object:
        return getattr(StoreClient("/nowhere/store.sock"), name)
