"""Passkeys in Chromium, with a device of its own making (CDP): added, used, and taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from portal.accounts import Role
from portal.app import application
from tests.portal.pictures import chromium, serving
from tests.portal.town import Town, town
from weinao.cli.system import free_port

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium"),
]

DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
    "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
ENTER, ADD = "用通行密钥登录", "添加通行密钥"


class Device:
    """The device of a browser, as CDP lets us reach it."""

    def __init__(self, session: Any, name: str) -> None:
        self._session, self._name = session, name

    def send(self, method: str, more: dict[str, Any] | None = None) -> Any:
        return self._session.send(method, {"authenticatorId": self._name, **(more or {})})


@contextmanager
def on_a_phone(folder: Path, **device: Any) -> Iterator[tuple[Town, Any, Device, str]]:
    """Run a town, and give a page of a browser with a device that knows passkeys."""
    port = free_port()
    url = f"http://localhost:{port}"
    with (
        town(folder, url=url, requests_per_min=10_000) as there,
        serving(application(there.desk, opens=False), port),
        sync_api.sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 360, "height": 780}).new_page()
        page.set_default_timeout(120_000)
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        made = session.send("WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, **device}})
        yield there, page, Device(session, made["authenticatorId"]), url
        browser.close()


def signs_in(there: Town, page: Any, url: str) -> None:
    """Let the head of the grid sign in with password and code."""
    there.account(Role.STAFF, "head-1")
    key = there.desk.accounts.open_session(
        next(one for one in there.desk.accounts.all() if one.id == "head-1"), "test", there.now
    )
    page.context.add_cookies([{"name": "session", "value": key, "url": url}])
    page.goto(f"{url}/account")


def test_added_on_her_page_it_signs_her_in_until_she_takes_it_back(tmp_path: Path) -> None:
    with on_a_phone(tmp_path) as (there, page, _, url):
        signs_in(there, page, url)
        page.get_by_label("给它取个名字").fill("值班手机")
        page.get_by_role("button", name=ADD).click()
        page.get_by_text("还没有用过").wait_for()

        page.get_by_role("button", name="退出登录", exact=True).click()
        page.wait_for_url(lambda at: "/account" not in at)
        page.goto(f"{url}/sign-in")
        page.get_by_role("button", name=ENTER).click()
        page.wait_for_url(f"{url}/tasks")
        page.goto(f"{url}/account")
        page.get_by_text("上次使用").wait_for()

        page.get_by_role("button", name="删除，并退出用它登录的设备").click()
        page.wait_for_url(f"{url}/sign-in")  # it opened this very session
        page.get_by_role("button", name=ENTER).click()
        page.get_by_text("可能已被删除").wait_for()
        actions = [one.action for one in there.desk.audit.newest() if one.actor == "head-1"]
    assert actions == ["passkey.removed", "passkey.used", "passkey.made"]


def test_a_device_that_cannot_tell_its_owner_makes_and_opens_nothing(tmp_path: Path) -> None:
    with on_a_phone(tmp_path, isUserVerified=False) as (there, page, _, url):
        signs_in(there, page, url)
        page.get_by_label("给它取个名字").fill("x")
        page.get_by_role("button", name=ADD).click()
        page.get_by_text("没有完成").wait_for()

        assert there.desk.passkeys.of("head-1") == []
        page.context.clear_cookies()
        page.goto(f"{url}/sign-in")
        page.get_by_role("button", name=ENTER).click()
        page.get_by_text("没有完成").wait_for()


def test_a_copy_of_a_device_is_told_from_the_device(tmp_path: Path) -> None:
    with on_a_phone(tmp_path) as (there, page, device, url):
        signs_in(there, page, url)
        page.get_by_label("给它取个名字").fill("x")
        page.get_by_role("button", name=ADD).click()
        page.get_by_text("还没有用过").wait_for()
        [copy] = device.send("WebAuthn.getCredentials")["credentials"]
        for _ in range(2):
            page.context.clear_cookies()
            page.goto(f"{url}/sign-in")
            page.get_by_role("button", name=ENTER).click()
            page.wait_for_url(f"{url}/tasks")

        device.send("WebAuthn.clearCredentials")
        device.send("WebAuthn.addCredential", {"credential": copy})
        page.context.clear_cookies()
        page.goto(f"{url}/sign-in")
        page.get_by_role("button", name=ENTER).click()
        page.get_by_text("可能被复制").wait_for()

        assert there.desk.audit.newest()[0].action == "passkey.copied"


def test_at_another_name_of_the_same_server_the_page_says_where_to_go(tmp_path: Path) -> None:
    with on_a_phone(tmp_path) as (there, page, _, url):
        other = url.replace("localhost", "127.0.0.1")
        signs_in(there, page, other)

        page.get_by_text(f"通行密钥只能在 {url} 使用").wait_for()
        assert not page.get_by_role("button", name=ADD).is_visible()
        page.context.clear_cookies()
        page.goto(f"{other}/sign-in")
        assert not page.get_by_role("button", name=ENTER).is_visible()
