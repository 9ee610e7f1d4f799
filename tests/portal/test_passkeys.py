"""Passkeys: what holds, and all that must not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portal.accounts import Role
from portal.passkeys import CHALLENGE_S, FRESH_S, PER_ACCOUNT_MAX, place_of
from tests.portal.authenticator import PRESENT, Authenticator
from tests.portal.town import PASSWORD, Town, send, town

ORIGIN = "http://localhost:8480"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path, url=ORIGIN) as made:
        yield made


def added(client: Any) -> Authenticator:
    """Let somebody who is signed in add a passkey."""
    device = Authenticator(ORIGIN, "localhost")
    options = send(client, "/account/passkeys/ask").json()
    form = {"credential": device.made(options), "label": "值班手机"}
    assert send(client, "/account/passkeys", form).status_code == 303
    return device


def asked(client: Any) -> Any:
    return send(client, "/passkeys/ask").json()


def enters(client: Any, credential: str) -> Any:
    return send(client, "/passkeys/sign-in", {"credential": credential})


def test_a_passkey_is_added_lets_in_without_a_password_and_is_used_again(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    device = added(head)
    assert "值班手机" in head.get("/account").text
    assert "还没有用过" in head.get("/account").text

    for _ in range(2):
        client = there.client
        answered = enters(client, device.signed(asked(client)))
        assert answered.headers["location"] == "/tasks"
        assert client.get("/tasks").status_code == 200

    assert "上次使用" in head.get("/account").text
    actions = [one.action for one in there.desk.audit.newest() if one.actor == "head-1"]
    assert actions == ["passkey.used", "passkey.used", "passkey.made"]


def test_several_passkeys_and_a_removed_one_ends_with_what_it_opened(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    lost, kept = added(head), added(head)
    on_lost, on_kept = there.client, there.client
    enters(on_lost, lost.signed(asked(on_lost)))
    enters(on_kept, kept.signed(asked(on_kept)))

    names = [one.id for one in there.desk.passkeys.of("head-1")]
    other = there.signed_in(Role.OPERATOR, "operator-1")
    send(other, "/account/passkeys/end", {"id": names[0]})  # another's
    assert [one.id for one in there.desk.passkeys.of("head-1")] == names
    send(head, "/account/passkeys/end", {"id": names[0]})

    assert on_lost.get("/tasks").status_code == 401
    assert on_kept.get("/tasks").status_code == head.get("/tasks").status_code == 200
    again = there.client
    refused = enters(again, lost.signed(asked(again)))
    assert refused.status_code == 403
    assert "可能已被删除" in refused.text
    assert again.get("/tasks").status_code == 401


def test_ending_all_other_sessions_ends_those_that_passkeys_opened(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    device, phone = added(head), there.client
    enters(phone, device.signed(asked(phone)))

    send(head, "/account/sessions/end", {"id": "others"})

    assert phone.get("/tasks").status_code == 401
    there.desk.accounts.close("head-1", there.now)
    assert enters(phone, device.signed(asked(phone))).status_code == 403


def test_a_challenge_holds_once_for_one_browser_and_not_for_long(there: Town) -> None:
    device = added(there.signed_in(Role.STAFF, "head-1"))
    client, other = there.client, there.client

    def signed() -> str:
        device.count = -1  # it does not count, so that nothing but the challenge tells
        return device.signed(asked(client))

    first = signed()
    assert enters(other, first).status_code == 403  # it was asked of another browser
    assert enters(client, first).status_code == 303
    client.cookies.delete("session")
    replayed = enters(client, first)
    assert replayed.status_code == 403
    assert "已经用过" in replayed.text
    spoilt = signed()
    assert enters(client, "{}").status_code == 403  # a wrong answer uses it up, too
    assert enters(client, spoilt).status_code == 403
    second = signed()
    asked(client)
    assert enters(client, second).status_code == 403  # asked anew meanwhile
    third = signed()
    there.now += CHALLENGE_S * 1_000
    assert enters(client, third).status_code == 403  # too late
    assert client.get("/tasks").status_code == 401
    assert enters(client, signed()).status_code == 303


def test_what_was_signed_for_another_address_or_without_its_owner_lets_nobody_in(
    there: Town,
) -> None:
    device = added(there.signed_in(Role.STAFF, "head-1"))
    client = there.client

    device.origin = "http://localhost.evil.example:8480"
    assert enters(client, device.signed(asked(client))).status_code == 403
    device.origin = "http://localhost:9999"
    assert enters(client, device.signed(asked(client))).status_code == 403
    device.origin, device.domain = ORIGIN, "evil.example"
    assert enters(client, device.signed(asked(client))).status_code == 403
    device.domain = "localhost"
    assert enters(client, device.signed(asked(client), flags=PRESENT)).status_code == 403
    assert client.get("/tasks").status_code == 401


def test_nobody_enters_as_somebody_else(there: Town) -> None:
    mine = added(there.signed_in(Role.STAFF, "head-1"))
    hers = added(there.signed_in(Role.OPERATOR, "operator-1"))
    client = there.client

    mine.handle, handle = hers.handle, mine.handle
    assert enters(client, mine.signed(asked(client))).status_code == 403  # her name, my key
    mine.handle = handle
    mine.id, own = hers.id, mine.id
    assert enters(client, mine.signed(asked(client))).status_code == 403  # her key's name, my key
    mine.handle = hers.handle
    assert enters(client, mine.signed(asked(client))).status_code == 403  # and her name, too
    mine.id, mine.handle = own, handle
    assert enters(client, mine.signed(asked(client))).headers["location"] == "/tasks"


def test_a_passkey_of_one_account_is_not_taken_for_another(there: Town) -> None:
    mine = added(there.signed_in(Role.STAFF, "head-1"))
    operator = there.signed_in(Role.OPERATOR, "operator-1")
    options = send(operator, "/account/passkeys/ask").json()

    form = {"credential": mine.made(options), "label": "x"}
    assert send(operator, "/account/passkeys", form).status_code == 403

    assert there.desk.passkeys.of("operator-1") == []
    assert len(there.desk.passkeys.of("head-1")) == 1


def test_a_counter_that_goes_back_is_a_copy_and_stands_in_the_audit_log(there: Town) -> None:
    device = added(there.signed_in(Role.STAFF, "head-1"))
    client = there.client
    device.count = 10
    assert enters(client, device.signed(asked(client))).status_code == 303
    client.cookies.delete("session")

    for count in (10, 3, -1):
        device.count = count
        refused = enters(client, device.signed(asked(client)))
        assert refused.status_code == 403
        assert "可能被复制" in refused.text
    assert client.get("/tasks").status_code == 401
    noted = [one.actor for one in there.desk.audit.newest() if one.action == "passkey.copied"]
    assert noted == ["head-1"] * 3


def test_a_device_that_does_not_count_is_let_in(there: Town) -> None:
    device = added(there.signed_in(Role.STAFF, "head-1"))
    client = there.client

    for _ in range(3):
        device.count = -1
        assert enters(client, device.signed(asked(client))).status_code == 303


def test_too_many_wrong_ones_and_even_the_right_one_is_refused_for_a_while(there: Town) -> None:
    device = added(there.signed_in(Role.STAFF, "head-1"))
    client = there.client
    limits = there.desk.settings.sign_in
    for _ in range(10 * limits.failures_max):
        assert enters(client, "{}").status_code == 403

    assert enters(client, device.signed(asked(client))).status_code == 429
    there.now += limits.failures_min * 60_000
    assert enters(client, device.signed(asked(client))).status_code == 303
    # Nor does it let in past a password that somebody is guessing.
    client.cookies.delete("session")
    for _ in range(limits.failures_max):
        there.client.get("/sign-in")
        send(there.client, "/sign-in", {"account": "head-1", "password": "wrong"})
    assert enters(client, device.signed(asked(client))).status_code == 429


def test_a_passkey_is_added_only_right_after_signing_in_and_not_without_end(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    for _ in range(PER_ACCOUNT_MAX):
        added(head)
    assert send(head, "/account/passkeys/ask").status_code == 403
    there.desk.passkeys.remove("head-1", there.desk.passkeys.of("head-1")[0].id, there.now)
    late = send(head, "/account/passkeys/ask").json()
    device = Authenticator(ORIGIN, "localhost")

    there.now += FRESH_S * 1_000 + 1
    assert send(head, "/account/passkeys/ask").status_code == 403
    form = {"credential": device.made(late), "label": "x"}
    assert send(head, "/account/passkeys", form).status_code == 403
    assert "请先退出并重新登录" in send(head, "/account/passkeys", {"label": "x"}).text
    assert len(there.desk.passkeys.of("head-1")) == PER_ACCOUNT_MAX - 1


def test_one_made_for_another_page_or_session_or_unverified_is_not_kept(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    unverified = {"flags": PRESENT}
    for origin, domain, more in (
        (ORIGIN, "localhost", unverified), ("https://evil.example", "localhost", {}),
        (ORIGIN, "evil.example", {}),
    ):  # fmt: skip
        device = Authenticator(origin, domain)
        options = send(head, "/account/passkeys/ask").json()
        form = {"credential": device.made(options, **more)}
        assert send(head, "/account/passkeys", form).status_code == 403
    operator = there.signed_in(Role.OPERATOR, "operator-1")
    device = Authenticator(ORIGIN, "localhost")
    form = {"credential": device.made(send(operator, "/account/passkeys/ask").json())}
    assert send(head, "/account/passkeys", form).status_code == 403  # asked of somebody else
    assert send(operator, "/account/passkeys", form).status_code == 303
    assert send(operator, "/account/passkeys", form).status_code == 403  # replayed
    assert there.desk.passkeys.of("head-1") == []


def test_families_have_a_password_and_no_form_works_from_another_site(there: Town) -> None:
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    assert "通行密钥" not in daughter.get("/account").text
    assert send(daughter, "/account/passkeys/ask").status_code == 403
    assert send(there.client, "/account/passkeys/ask").status_code == 401
    for path in (
        "/passkeys/ask",
        "/passkeys/sign-in",
        "/account/passkeys",
        "/account/passkeys/ask",
    ):
        assert there.client.post(path, data={}).status_code == 403, path


def test_where_browsers_know_no_passkeys_the_page_says_so(tmp_path: Path) -> None:
    with town(tmp_path) as plain:  # http, and an address of numbers
        head = plain.signed_in(Role.STAFF, "head-1")

        assert "需用 https 网址或 localhost" in head.get("/account").text
        assert "用通行密钥登录" not in head.get("/sign-in").text
        assert send(head, "/account/passkeys/ask").status_code == 403
        assert send(plain.client, "/passkeys/ask").status_code == 403
        assert send(plain.client, "/passkeys/sign-in", {"credential": "{}"}).status_code == 403


@pytest.mark.parametrize(
    ("url", "domain", "origin"),
    [
        ("https://portal.example", "portal.example", "https://portal.example"),
        ("https://portal.example:443/", "portal.example", "https://portal.example"),
        ("https://Portal.example:8443", "portal.example", "https://portal.example:8443"),
        ("http://localhost:8480", "localhost", "http://localhost:8480"),
        ("http://portal.example", "", ""),
        ("http://127.0.0.1:8480", "", ""),
        ("https://[2001:db8::1]", "", ""),
        ("https://", "", ""),
    ],
)
def test_passkeys_belong_to_an_address_that_has_a_name(url: str, domain: str, origin: str) -> None:
    place = place_of(url)

    assert (place.domain if place else "", place.origin if place else "") == (domain, origin)


def test_whatever_is_sent_the_answer_is_no_and_nothing_breaks(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    device = added(head)
    right: Any = msgspec.json.decode(device.signed(asked(there.client)))
    wrong: list[Any] = [None, [], 1, "", "x", {}, {"id": right["id"]}]
    wrong += [
        {**right, "response": {**right["response"], part: value}}
        for part, said in right["response"].items()
        for value in (None, "", "AAAA", "!", 7, [], "A" * 300, said[:-8])
    ]
    client = there.client
    for one in wrong:
        said = msgspec.json.encode(one).decode()
        asked(client)
        assert enters(client, said).status_code == 403, one
        send(head, "/account/passkeys/ask")
        form = {"credential": said, "label": "x"}
        assert send(head, "/account/passkeys", form).status_code == 403, one
    assert len(there.desk.passkeys.of("head-1")) == 1


def test_a_password_still_lets_in(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    added(head)
    client = there.client
    there.now += 60_000

    form = {"account": "head-1", "password": PASSWORD, "code": there.code("head-1")}
    assert send(client, "/sign-in", form).headers["location"] == "/tasks"
    assert re.search(
        r"data-passkey=\"http://localhost:8480\" hidden", there.client.get("/sign-in").text
    )
