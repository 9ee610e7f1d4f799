"""An open page shows what is, also what came about while it was being opened."""

from pathlib import Path

import pytest

from portal.accounts import Role
from tests.portal.pictures import chromium
from tests.portal.test_push_browser import looking
from tests.portal.town import town

pytestmark = [
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium"),
]


def test_what_changed_after_a_page_was_made_and_before_it_listened_is_shown(
    tmp_path: Path,
) -> None:
    with (
        town(tmp_path, requests_per_min=10_000) as there,
        looking(there, (Role.FAMILY, "daughter-1"), may=False) as (page, url),
    ):

        def listens(route: object) -> None:
            there.desk.live.hub.tell(there.sos())  # nobody listens yet
            route.continue_()  # type: ignore[attr-defined]

        page.route("**/events", listens, times=1)
        page.goto(f"{url}/family")

        page.locator("[data-incident]").first.wait_for()
