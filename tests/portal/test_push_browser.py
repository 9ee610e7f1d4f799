"""From the button to the answer, in Chromium: allowed, rung, pressed, answered.

The one thing that is not real is the service of Chromium's maker, which this machine may not
reach: `subscribe` is played in the page, with real keys, and a service on this machine takes its
place. The message is the one that arrived there, opened by the browser's private key; Chromium
delivers it to the service worker itself (CDP), and shows what that asks for.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portal.accounts import Role
from portal.app import application
from sinks.book import Book
from sinks.channels import Channels
from sinks.courier import Courier
from sinks.ledger import MIGRATIONS, Entry, Ledger
from sinks.notice_settings import DeliverySettings
from sinks.outbox import Outbox
from sinks.push import Pusher
from sinks.ringing import Bell
from tests.portal.pictures import chromium, serving
from tests.portal.town import Town, town
from tests.sinks.push_service import PushService, push_service
from weinao import logging
from weinao.clock import now_ms
from weinao.outage import Outage
from weinao.outcomes import Incident

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium"),
]

BUTTON = "允许在这台设备上响铃"

MAKERS_SERVICE = """
([endpoint, p256dh, auth]) => {
  const made = (key) => ({
    endpoint, options: { applicationServerKey: key },
    toJSON: () => ({ endpoint, expirationTime: null, keys: { p256dh, auth } }),
    unsubscribe: async () => (localStorage.removeItem("played"), true),
  });
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    localStorage.setItem("played", Array.from(applicationServerKey).join());
    return made(applicationServerKey);
  };
  PushManager.prototype.getSubscription = async () => {
    const kept = localStorage.getItem("played");
    return kept ? made(new Uint8Array(kept.split(",").map(Number)).buffer) : null;
  };
}
"""


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path, requests_per_min=10_000) as made:
        yield made


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as made:
        yield made


@contextmanager
def looking(there: Town, who: tuple[Role, str], *, may: bool) -> Iterator[tuple[Any, str]]:
    """Give a page of somebody's who is signed in, and the portal's address."""
    found = there.account(*who)
    with (
        serving(application(there.desk, opens=False)) as url,
        sync_api.sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 360, "height": 780})
        context.set_default_timeout(120_000)
        if may:
            context.grant_permissions(["notifications"], origin=url)
        session = there.desk.accounts.open_session(found, "Chromium", there.now)
        context.add_cookies([{"name": "session", "value": session, "url": url}])
        yield context.new_page(), url
        browser.close()


def test_a_family_allows_it_is_rung_and_answers_by_a_press(
    there: Town, service: PushService, tmp_path: Path
) -> None:
    phone = service.browser("phone")
    with looking(there, (Role.FAMILY, "daughter-1"), may=True) as (page, url):
        played = [phone.subscription.endpoint, phone.subscription.p256dh, phone.subscription.auth]
        page.add_init_script(f"({MAKERS_SERVICE})({msgspec.json.encode(played).decode()})")
        page.goto(f"{url}/family")
        page.get_by_role("button", name=BUTTON).click()
        page.get_by_text("出事时，这台设备会响。").last.wait_for()
        assert there.desk.subscriptions.of("daughter-1") == [phone.subscription]
        page.reload()
        page.locator("#push[data-state=on]").wait_for(state="attached")
        assert not page.get_by_role("button", name=BUTTON).is_visible()

        incident = there.fall()
        entries = _carried(there, tmp_path)
        told = [one for one in entries if one.recipient == "daughter-1"]
        assert [(one.state, one.channel) for one in told] == [("sent", "push")]
        [said] = service.reached(phone)
        _delivered(page, url, said, heard=True)
        _delivered(page, url, said, heard=False)  # a service may deliver twice

        shown = page.evaluate(_SHOWN)
        assert [(one["title"], one["tag"], one["silent"]) for one in shown] == [
            (said["title"], said["id"], True)  # the second one, in the place of the first: unheard
        ]
        assert "王秀兰" in shown[0]["title"]
        _pressed(page)
        page.wait_for_url("**/a/*")
        page.get_by_role("button", name="我去处理").click()
        page.get_by_text("谢谢").wait_for()
        there.pump()
    assert _accepted_by(there, incident) == "daughter-1"


def test_the_first_is_heard_and_a_later_notice_is_heard_again(there: Town) -> None:
    with looking(there, (Role.OPERATOR, "operator-1"), may=True) as (page, url):
        page.goto(f"{url}/board")
        for name in ("n-1", "n-2"):
            said = {"id": name, "title": name, "body": "", "link": "https://evil.example/",
                    "lang": "en", "at": there.now, "grave": True}  # fmt: skip
            _delivered(page, url, said, heard=True)

        shown = {one["tag"]: one for one in page.evaluate(_SHOWN)}
        assert {name: one["silent"] for name, one in shown.items()} == {"n-1": False, "n-2": False}
        assert all(one["requireInteraction"] for one in shown.values())
        page.goto(f"{url}/people")
        _pressed(page)
        page.wait_for_timeout(300)
        assert page.url == f"{url}/people"  # somebody may be writing there
        page.goto(f"{url}/board")
        _pressed(page)
        page.wait_for_url(f"{url}/community")  # home, and no other site, whatever a link says


def test_where_the_browser_says_no_the_page_says_how_to_change_that(there: Town) -> None:
    with looking(there, (Role.FAMILY, "daughter-1"), may=False) as (page, url):
        page.goto(f"{url}/account")
        box = page.locator("#push[data-state]")
        box.wait_for()
        if box.get_attribute("data-state") == "off":
            page.get_by_role("button", name=BUTTON).click()

        page.get_by_text("这台设备不让本站发通知").wait_for()
    assert there.desk.subscriptions.of("daughter-1") == []


def test_where_the_service_cannot_be_reached_the_page_says_so(there: Town) -> None:
    with looking(there, (Role.FAMILY, "daughter-1"), may=True) as (page, url):
        page.goto(f"{url}/family")
        page.evaluate(
            "() => { PushManager.prototype.subscribe ="
            " async () => { throw new DOMException('push service error', 'AbortError'); }; }"
        )
        page.get_by_role("button", name=BUTTON).click()

        page.get_by_text("没有成功").wait_for()
        assert page.get_by_role("button", name=BUTTON).is_visible()
    assert there.desk.subscriptions.of("daughter-1") == []


_SHOWN = """
async () => {
  const ready = await navigator.serviceWorker.ready;
  return (await ready.getNotifications()).map(
    ({ title, tag, silent, requireInteraction }) => ({ title, tag, silent, requireInteraction }));
}
"""


def _delivered(page: Any, url: str, said: Any, *, heard: bool) -> None:
    """Let Chromium deliver a message to the service worker, and wait until it is shown so."""
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    session = page.context.new_cdp_session(page)
    found: list[Any] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated", lambda one: found.extend(one["registrations"])
    )
    session.send("ServiceWorker.enable")
    deadline = time.monotonic() + 120
    while not found:
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    message = {
        "origin": url, "registrationId": found[0]["registrationId"],
        "data": msgspec.json.encode(said).decode(),
    }  # fmt: skip
    shown, again_at = [said["id"], not heard], 0.0
    while shown not in [[one["tag"], one["silent"]] for one in page.evaluate(_SHOWN)]:
        assert time.monotonic() < deadline
        if time.monotonic() >= again_at:  # a worker that is just being stopped loses what it gets
            session.send("ServiceWorker.deliverPushMessage", message)
            again_at = time.monotonic() + 30
        page.wait_for_timeout(20)
    session.detach()


def _pressed(page: Any) -> None:
    """Press a notification: without a screen nothing draws it, so the worker is told of a press."""
    worker = page.context.service_workers[0]
    worker.evaluate(
        "async () => { const [one] = await registration.getNotifications();"
        " dispatchEvent(new NotificationEvent('notificationclick', { notification: one })); }"
    )


def _carried(there: Town, folder: Path) -> list[Entry]:
    """Let the courier do all that it has to do."""
    book = Book(folder / "notify.sqlite", MIGRATIONS)
    ledger = Ledger(book)
    key = (folder / "portal" / "vapid.pem").read_text()
    courier = Courier(
        there.store, ledger, Outbox(book, "demo", "courier", lambda: there.now), Channels({}),
        Bell(8),
        settings=DeliverySettings(),
        link_of=lambda one: "https://portal.example/a/" + there.desk.links.make(
            one.incident, one.recipient, there.now + 60_000
        ),
        now=lambda: there.now,
        log=logging.logger(),
        pusher=Pusher(
            there.desk.subscriptions, key, "mailto:alarm@example.org", now_ms,
            Outage(logging.logger(), "portal", now_ms),
        ),
    )  # fmt: skip
    while courier.step() or courier.busy:
        time.sleep(0.01)
    entries = [*ledger.entries()]
    courier.close()
    book.close()
    return entries


def _accepted_by(there: Town, incident: Incident) -> str:
    found = there.desk.live.board.find(incident.id, incident.grid)
    assert found is not None
    assert found.state == "accepted"
    return found.assignee
