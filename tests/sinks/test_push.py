"""Web Push, against a service that is one: what arrives is opened with the browser's own key."""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from py_vapid import Vapid02

from portal.accounts import Account, Accounts, Role
from portal.book import opened
from portal.secret import kept_secret
from portal.settings import PushSettings, SignInSettings
from portal.subscriptions import Subscriptions
from portal.vapid import VAPID, new_pem, public_of
from sinks.book import Book
from sinks.client import StoreClient
from sinks.push import PADDED_TO_BYTES, SEALED_BYTES_MAX, SIGNED_S, Push, Pusher, sealable
from tests.sinks.made import incident, outcome
from tests.sinks.provider import Provider, provider
from tests.sinks.push_service import Browser, PushService, push_service
from tests.sinks.serving import served
from tests.sinks.test_courier import NOW, ROOT, Desk, running, told
from weinao import logging
from weinao.clock import now_ms
from weinao.outage import Outage
from weinao.outcomes import Severity

KEY = new_pem()


class Phones:
    """A portal's book, in which people allow notices; and a courier that rings them."""

    def __init__(self, folder: Path, store: StoreClient, plays: Provider) -> None:
        self._book = opened(folder / "portal")
        self.accounts = Accounts(self._book, SignInSettings())
        self.subscriptions = Subscriptions(self._book)
        self.desk = Desk(folder, store, plays)
        self.ring_too()

    def ring_too(self) -> None:
        self.desk.courier._pusher = Pusher(
            self.subscriptions,
            KEY,
            "mailto:alarm@example.org",
            lambda: NOW,
            Outage(logging.logger(), "portal", lambda: NOW),
        )

    def account(self, person: str) -> Account:
        key, _ = self.accounts.invite(Role.FAMILY, person, person, by="test", now=NOW)
        return self.accounts.join(key, person, "a long enough password", ("", ""), NOW)

    def allow(self, account: Account, *browsers: Browser) -> list[str]:
        """Let somebody press the button in each of some browsers; return the sessions."""
        sessions = []
        for n, one in enumerate(browsers):
            session = self.accounts.session(self.accounts.open_session(account, "x", NOW), NOW)
            assert session is not None
            self.subscriptions.keep(
                one.subscription, PushSettings(hosts=["127.0.0.1"]), account=account.id,
                session=session[1], device="a phone", now=NOW + n,
            )  # fmt: skip
            sessions.append(session[1])
        return sessions


@pytest.fixture(scope="module")
def plays() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture(scope="module")
def service() -> Iterator[PushService]:
    with push_service() as made:
        yield made


@pytest.fixture
def phones(tmp_path: Path, plays: Provider) -> Iterator[Phones]:
    with served(tmp_path) as socket, closing(StoreClient(socket)) as store:
        yield Phones(tmp_path, store, plays)


def hers(n: int, *channels: str, **more: Any) -> Any:
    return told(n, *channels, recipient="daughter-1", **more)


def test_a_notice_arrives_sealed_in_her_language_with_its_link(
    phones: Phones, service: PushService
) -> None:
    phone = service.browser("zh")
    phones.allow(phones.account("daughter-1"), phone)
    phones.desk.tell(incident(), hers(1, "works:sms", severity=Severity.CRITICAL))

    entries = phones.desk.work()

    [said] = service.reached(phone)
    assert "王秀兰" in said["title"]
    assert (said["id"], said["link"], said["lang"]) == ("n-1", "/a/n-1", "zh-CN")
    assert "http" not in said["body"]  # a press answers; nobody types
    assert [(one.channel, one.result) for one in entries["n-1"].tries] == [("push", "sent")]
    assert phones.desk.plays.reached("sms") == []  # one step, one person, one channel


def test_nothing_leaves_unsealed_but_when_and_how_urgent(
    phones: Phones, service: PushService
) -> None:
    phone = service.browser("plain")
    phones.allow(phones.account("daughter-1"), phone)
    ids = ("notice-of-a-grave-one", "notice-of-a-slight-one")
    grave = replace(hers(1), id=ids[0])
    slight = replace(hers(2, severity=Severity.MINOR, language="en"), id=ids[1])
    phones.desk.tell(incident(), grave, slight)

    phones.desk.work()

    got = [one for one in service.got if one[0] == phone.path]
    assert len(got) == 2
    # Chance alone writes what is short into what looks like noise, sealed bytes and a signature:
    # in them only what is long is looked for.
    long = ("王秀兰", "daughter-1", "resident-1", *ids, "/a/notice-", "跌倒")
    for path, headers, sealed in got:
        vouched = headers["authorization"]
        head = path + "".join(headers.values()).replace(vouched, str(_claims(vouched)))
        for detail in (*long, "/a/", "fall", '"kind"'):
            assert detail not in head, detail
        for detail in long:
            assert detail.encode() not in sealed + vouched.encode(), detail
        assert Vapid02.verify(headers["authorization"])
        assert headers["authorization"].endswith(f"k={public_of(KEY)}")
        claims = _claims(headers["authorization"])
        assert claims["aud"] == f"http://127.0.0.1:{service.port}"
        assert claims["exp"] == NOW // 1_000 + SIGNED_S
        assert headers["content-encoding"] == "aes128gcm"
    assert len({len(sealed) for _, _, sealed in got}) == 1  # and its length tells no kind
    assert {one[1]["urgency"] for one in got} == {"high", "normal"}
    assert len({one[1]["topic"] for one in got}) == 2
    assert {one["lang"] for one in service.reached(phone)} == {"zh-CN", "en"}


def test_all_her_browsers_ring_and_one_that_takes_it_is_enough(
    phones: Phones, service: PushService
) -> None:
    phone, tablet = service.browser("phone"), service.browser("tablet")
    broken = service.browser("broken", "500")
    phones.allow(phones.account("daughter-1"), phone, tablet, broken)
    phones.desk.tell(incident(), hers(1))

    entries = phones.desk.work()

    assert (entries["n-1"].state, entries["n-1"].channel) == ("sent", "push")
    _until(lambda: service.reached(phone) and service.reached(tablet))


@pytest.mark.parametrize(
    ("manner", "result", "detail"),
    [("500", "refused", "http_500"), ("429", "refused", "http_429"), ("403", "refused", "http_403"),
     ("404", "refused", "gone"), ("410", "refused", "gone"), ("307", "refused", "http_307"),
     ("hangs", "timeout", "")],
)  # fmt: skip
def test_whatever_a_service_does_the_next_channel_is_tried(
    phones: Phones, service: PushService, manner: str, result: str, detail: str
) -> None:
    phone = service.browser(f"next-{manner}", manner)
    phones.allow(phones.account("daughter-1"), phone)
    phones.desk.courier._settings = replace(
        phones.desk.courier._settings, try_s_max=4.0 if manner == "hangs" else 30.0
    )
    phones.desk.tell(incident(), hers(1, f"works:after-{manner}"))

    entries = phones.desk.work()

    assert [(one.channel, one.result, one.detail) for one in entries["n-1"].tries] == [
        ("push", result, detail), ("works", "sent", "")
    ]  # fmt: skip
    assert len(phones.desk.plays.reached(f"after-{manner}")) == 1
    # Gone is forgotten; what only fails is tried the next time.
    assert bool(phones.subscriptions.of("daughter-1")) == (detail != "gone")


def test_with_no_other_channel_the_brain_hears_that_it_reached_nobody(
    phones: Phones, service: PushService
) -> None:
    phones.allow(phones.account("daughter-1"), service.browser("lone", "410"))
    phones.desk.tell(incident(), hers(1))

    phones.desk.work()

    assert [(one.ok, one.channel, one.detail) for one in phones.desk.said()] == [
        (False, "push", "gone")
    ]


def test_where_the_registry_names_a_place_for_it_the_others_before_it_are_tried_first(
    phones: Phones, service: PushService
) -> None:
    phone = service.browser("placed")
    phones.allow(phones.account("daughter-1"), phone)
    phones.desk.tell(
        incident(), hers(1, "works:before", "push:app"), hers(2, "fails:x", "push:app", "works:x")
    )

    entries = phones.desk.work()

    assert [one.channel for one in entries["n-1"].tries] == ["works"]
    assert [one.channel for one in entries["n-2"].tries] == ["fails", "push"]
    assert [one["id"] for one in service.reached(phone)] == ["n-2"]


def test_nobody_rings_another_persons_browser_by_what_stands_in_the_registry(
    phones: Phones, service: PushService
) -> None:
    phone = service.browser("mine")
    phones.allow(phones.account("daughter-1"), phone)
    phones.desk.tell(incident(), told(1, "push:daughter-1", recipient="son-1"))

    entries = phones.desk.work()

    assert entries["n-1"].state == "nowhere"
    assert service.reached(phone) == []


def test_a_notice_rings_once_whatever_the_store_repeats(
    phones: Phones, service: PushService
) -> None:
    phone = service.browser("once")
    phones.allow(phones.account("daughter-1"), phone)
    phones.desk.tell(incident(), hers(1))
    phones.desk.work()
    phones.desk.store.set_cursor("courier", 0)
    phones.desk.open()
    phones.ring_too()

    phones.desk.work()

    assert len(service.reached(phone)) == 1


def test_a_portals_book_that_cannot_be_read_holds_up_no_other_channel(
    phones: Phones, service: PushService
) -> None:
    phone = service.browser("unread")
    phones.allow(phones.account("daughter-1"), phone)
    phones._book.do("ALTER TABLE subscriptions RENAME TO elsewhere")
    phones.desk.tell(incident(), hers(1, "works:unread"))

    entries = phones.desk.work()

    assert [(one.channel, one.result) for one in entries["n-1"].tries] == [("works", "sent")]
    phones._book.do("ALTER TABLE elsewhere RENAME TO subscriptions")
    phones.desk.tell(hers(2))
    assert phones.desk.work()["n-2"].channel == "push"


def test_a_browser_rings_no_more_once_its_session_or_account_ended(
    phones: Phones, service: PushService
) -> None:
    account = phones.account("daughter-1")
    kept, ended = service.browser("kept"), service.browser("ended")
    _, session = phones.allow(account, kept, ended)

    phones.accounts.end_sessions(account.id, NOW, session)
    assert phones.subscriptions.of("daughter-1") == [kept.subscription]
    # It only got old: whoever has seen nothing to worry about for a year is rung all the same.
    assert phones.accounts.session(session, NOW + 365 * 86_400_000) is None
    phones.accounts.close(account.id, NOW)
    assert phones.subscriptions.of("daughter-1") == []


def test_who_presses_the_button_last_has_the_browser(phones: Phones, service: PushService) -> None:
    phone = service.browser("shared")
    phones.allow(phones.account("daughter-1"), phone)
    phones.allow(phones.account("son-1"), phone)

    assert phones.subscriptions.of("daughter-1") == []
    assert phones.subscriptions.of("son-1") == [phone.subscription]


@given(
    title=st.text(), body=st.text(), link=st.text("/abc-_", max_size=300), grave=st.booleans()
)  # fmt: skip
def test_whatever_it_says_it_fits_and_can_be_read(
    title: str, body: str, link: str, *, grave: bool
) -> None:
    push = Push(
        person="p", id="n-0123456789abcdef", title=title * 20, body=body * 200, link=link,
        language="zh", at=NOW, grave=grave, keep_s=60,
    )  # fmt: skip

    content = sealable(push)

    said = msgspec.json.decode(content)
    assert len(content) <= SEALED_BYTES_MAX
    assert len(content) % PADDED_TO_BYTES == 0
    assert push.title.startswith(said["title"].removesuffix("…"))
    assert push.body.startswith(said["body"].removesuffix("…"))
    assert (said["link"], said["grave"]) == (link, grave)


@pytest.mark.service
@pytest.mark.slow
def test_killed_while_it_rings_the_same_notice_comes_again_under_the_same_id(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as socket, closing(StoreClient(socket)) as store, push_service() as hung:
        phone = hung.browser("killed", "hangs")
        book = opened(tmp_path / "portal")
        _allowed(book, phone)
        grave = replace(told(1, recipient="daughter-1"), at=now_ms())
        slight = replace(
            told(2, recipient="daughter-1"), at=now_ms(), severity=Severity.MINOR
        )  # fmt: skip
        store.write([outcome(1, 0, grave), outcome(1, 1, slight)])
        with running(tmp_path, 1, try_s_max=15):
            _until(lambda: len(hung.got) == 2)
        hung.let_go.set()
        with running(tmp_path, 1, try_s_max=15):
            _until(lambda: len(hung.got) == 3)

        assert sorted(one["id"] for one in hung.reached(phone)) == ["n-1", "n-1", "n-2"]
        topics = {headers["topic"] for _, headers, _ in hung.got}
        assert len(topics) == 2  # so a phone that is off finds each of them once
        key = kept_secret(tmp_path / "portal" / VAPID)
        assert all(headers["authorization"].endswith(public_of(key)) for _, headers, _ in hung.got)
        book.close()


@pytest.mark.service
@pytest.mark.slow
def test_an_operator_tries_out_somebodys_browsers(tmp_path: Path) -> None:
    (tmp_path / "notify.toml").write_text('community = "demo"\n')
    with push_service() as there:
        phone = there.browser("tried")
        book = opened(tmp_path / "portal")
        _allowed(book, phone)
        command = [
            sys.executable, "-m", "weinao.cli.main", "notify", "test", "push:daughter-1",
            "push:nobody", "--settings", str(tmp_path / "notify.toml"), "--data", str(tmp_path),
            "--json",
        ]  # fmt: skip
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        book.close()

        assert [(one["result"], one["detail"]) for one in msgspec.json.decode(ran.stdout)] == [
            ("sent", ""), ("refused", "gone")
        ]  # fmt: skip
        assert ran.returncode == 1
        [said] = there.reached(phone)
        assert (said["title"], said["link"]) == ("【测试】微脑通知渠道测试", "/")


def _allowed(book: Book, browser: Browser) -> None:
    """Let the daughter press the button."""
    accounts = Accounts(book, SignInSettings())
    now = now_ms()
    key, _ = accounts.invite(Role.FAMILY, "daughter-1", "", by="test", now=now)
    account = accounts.join(key, "daughter-1", "a long enough password", ("", ""), now)
    session = accounts.session(accounts.open_session(account, "x", now), now)
    assert session is not None
    Subscriptions(book).keep(
        browser.subscription, PushSettings(hosts=["127.0.0.1"]), account=account.id,
        session=session[1], device="a phone", now=now,
    )  # fmt: skip


def _claims(authorization: str) -> Any:
    token = authorization.partition("t=")[2].partition(",")[0].split(".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def _until(so: Any) -> None:
    deadline = time.monotonic() + 60
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
