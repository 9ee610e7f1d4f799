"""Pages, as browsers get them: what each shows to whom, from a store that a real brain filled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.accounts import Role
from tests.portal.town import Town, answer, town


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as made:
        yield made


def test_a_family_sees_how_she_is_and_presses_one_of_three_buttons(there: Town) -> None:
    there.morning()
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    assert "安好" in daughter.get("/family").text

    incident = there.sos()
    page = daughter.get("/family").text
    assert "紧急求助" in page
    assert page.index("我知道了") < page.index("我去处理") < page.index("误报")

    assert answer(daughter, incident, "accept").status_code == 303
    there.pump()
    page = daughter.get("/family").text
    assert 'data-state="accepted"' in page
