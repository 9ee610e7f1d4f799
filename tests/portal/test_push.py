"""Allowing notices in a browser: who may, what is taken, and when it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import asdict

from portal.accounts import Role
from portal.secret import kept_secret
from portal.vapid import VAPID, new_pem, public_of
from tests.portal.town import Town, send, town
from tests.sinks.push_service import Browser

HERE = "http://127.0.0.1:9/201/x"
FOREIGN = (
    "https://evil.example/x", "https://push.example/x", "https://xpush.example/x",
    "http://sub.push.example/x", "https://sub.push.example@evil.example/x",
    "https://a:b@sub.push.example/x", "http://127.0.0.1.evil.example/x", "file:///etc/passwd",
    "https://[::1]/x", "https://sub.push.example:port/x", "", "x" * 2_000,
    "https://sub.push.example/" + "x" * 2_000,
)  # fmt: skip


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as made:
        yield made


def test_a_family_and_staff_are_offered_it_on_their_page_and_the_office_is_not(
    there: Town,
) -> None:
    for role, person, page in (
        (Role.FAMILY, "daughter-1", "/family"), (Role.STAFF, "head-1", "/tasks")
    ):  # fmt: skip
        text = there.signed_in(role, person).get(page).text
        assert text.count("允许在这台设备上响铃") == 1
        assert f'data-key="{there.desk.push_key}"' in text
        # Without scripts there is nothing to press: it stands in the page, and is not shown.
        assert 'data-where="home" hidden' in text
    office = there.signed_in(Role.OFFICE, "office-1")
    assert "允许在这台设备上响铃" not in office.get("/account").text
    assert send(office, "/push", asdict(Browser(HERE).subscription)).status_code == 403


def test_a_browser_is_kept_shown_and_given_up(there: Town) -> None:
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    phone = Browser(HERE).subscription

    assert send(daughter, "/push/seen", {"endpoint": HERE}).json() == {"rings": False}
    assert send(daughter, "/push", asdict(phone)).json() == {"rings": True}
    assert send(daughter, "/push/seen", {"endpoint": HERE}).json() == {"rings": True}
    assert there.desk.subscriptions.of("daughter-1") == [phone]
    [one] = there.desk.subscriptions.allowed("daughter-1")
    assert one.id in daughter.get("/account").text
    assert phone.endpoint not in daughter.get("/account").text

    son = there.signed_in(Role.FAMILY, "son-1")
    send(son, "/push/end", {"id": one.id})  # another's
    assert there.desk.subscriptions.of("daughter-1") == [phone]
    send(daughter, "/push/end", {"id": one.id})
    assert there.desk.subscriptions.of("daughter-1") == []
    actions = [one.action for one in there.desk.audit.newest() if one.actor == "daughter-1"]
    assert actions == ["push.ended", "push.allowed"]


def test_signing_out_ends_the_ringing_there(there: Town) -> None:
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    send(daughter, "/push", asdict(Browser(HERE).subscription))

    send(daughter, "/sign-out")

    assert there.desk.subscriptions.of("daughter-1") == []


def test_with_too_many_browsers_the_one_unused_for_longest_goes(there: Town) -> None:
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    most = there.desk.settings.push.per_account_max
    for n in range(most):
        there.now += 1_000
        send(daughter, "/push", asdict(Browser(f"{HERE}{n}").subscription))
    there.now += 1_000
    send(daughter, "/push/seen", {"endpoint": f"{HERE}0"})
    send(daughter, "/push", asdict(Browser(f"{HERE}new").subscription))

    found = {one.endpoint for one in there.desk.subscriptions.of("daughter-1")}

    assert found == {f"{HERE}{n}" for n in ("0", "2", "3", "4", "5", "new")}


def test_we_send_to_no_address_but_that_of_a_service_we_know(there: Town) -> None:
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    keys = asdict(Browser(HERE).subscription)

    for endpoint in FOREIGN:
        answered = send(daughter, "/push", {**keys, "endpoint": endpoint})
        assert answered.status_code == 400, endpoint
    assert there.desk.subscriptions.of("daughter-1") == []
    for known in (HERE, "https://sub.push.example/x"):
        assert send(daughter, "/push", {**keys, "endpoint": known}).status_code == 200


def test_what_is_no_key_is_not_taken(there: Town) -> None:
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    form = asdict(Browser(HERE).subscription)

    for wrong in (
        {"p256dh": ""}, {"p256dh": "AAAA"}, {"p256dh": "!"}, {"p256dh": "é" * 40}, {"auth": ""},
        {"auth": "AAAA"}, {"auth": "A" * 43},
    ):  # fmt: skip
        assert send(daughter, "/push", {**form, **wrong}).status_code == 400, wrong
    assert there.desk.subscriptions.of("daughter-1") == []


def test_nobody_else_can_press_the_button(there: Town) -> None:
    form = asdict(Browser(HERE).subscription)
    daughter = there.signed_in(Role.FAMILY, "daughter-1")

    assert there.client.post("/push", data=form).status_code == 403  # no token of a form
    assert send(there.client, "/push", form).status_code == 401  # nobody signed in
    assert daughter.post("/push", data=form).status_code == 403  # another site's form
    assert there.desk.subscriptions.of("daughter-1") == []


def test_the_key_is_made_once_and_is_its_owners_alone(there: Town, tmp_path: Path) -> None:
    path = tmp_path / "portal" / VAPID

    assert path.stat().st_mode & 0o777 == 0o600
    assert there.desk.push_key == public_of(kept_secret(path, new_pem))
    assert there.desk.push_key != public_of(kept_secret(tmp_path / "another", new_pem))
    page = there.signed_in(Role.FAMILY, "daughter-1").get("/family").text
    assert there.desk.push_key in page
    assert path.read_text().splitlines()[1] not in page
