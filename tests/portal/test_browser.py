"""From a fall to a closed incident, in real browsers, over the real programs.

A family, a member of staff and an operator each look at a page of their own, and see what the
others do without touching anything; another contact answers by the link of a notice. And two
members of staff write about one home, one of them without network.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyotp
import pytest
from PIL import Image

from portal.accounts import Role
from portal.desk import Desk
from portal.visits import visits_of
from sinks.client import StoreClient
from sinks.store import Filter
from tests.pipeline.running import COMMUNITY, GRID, Sender
from tests.portal.pictures import chromium
from tests.sinks.provider import Provider, provider, settings
from weinao import codec
from weinao.catalogue import Language
from weinao.cli import system
from weinao.cli.explain import case_of
from weinao.cli.portal import chosen_settings, desk_of
from weinao.cli.registry import publish
from weinao.cli.supervisor import Supervisor
from weinao.clock import now_ms
from weinao.messages import Home, Motion, MotionEvent, Pack
from weinao.outcomes import Incident
from weinao.registry import (
    Building,
    Consent,
    Contact,
    Device,
    Grid,
    Household,
    Record,
    Resident,
    Staff,
)
from weinao.registry import Role as StaffRole
from weinao.story import tell

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = [
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium"),
]

SEEN_S_MAX = 2.0
"""How long after the system knew of it an incident may take to stand on an open page: on a machine
that has time for it."""
PAGES = 8
"""On one that others use, no longer than so many pages take there that are loaded one by one: where
a page takes a quarter of a second, as long as `SEEN_S_MAX`."""

STEP_MS_MAX = 120_000
WORKS = "works:daughter-1"
"""Milliseconds in which a page has to change once somebody else pressed a button."""

RECORDS: tuple[Record, ...] = (
    Grid(id=GRID, community=COMMUNITY, name="一号网格"),
    Building(id="b-1", grid=GRID, name="1 号楼", floors=6),
    Household(id="home-1", building="b-1", unit="301", agent="agent-1"),
    Resident(
        id="resident-1", household="home-1", name="王秀兰", birth_year=1943,
        consents=(Consent(purpose="health"), Consent(purpose="home")),
        contacts=(
            Contact(id="daughter-1", name="李梅", channels=("fails:daughter-1", WORKS)),
            Contact(id="son-1", name="李强"),
        ),
    ),
    Staff(id="head-1", name="陈刚", role=StaffRole.GRID_HEAD),
    Staff(id="property-1", name="孙伟", role=StaffRole.PROPERTY),
    Staff(id="operator-1", name="周宁", role=StaffRole.OPERATOR),
    Device(id="agent-1", agent="agent-1", household="home-1"),
    Device(id="band-1", agent="agent-1", wearer="resident-1", model="band"),
    Device(id="sos-1", agent="agent-1", household="home-1", room="bedroom"),
)  # fmt: skip

WATCH = """
addEventListener("DOMContentLoaded", () => {
  const look = () => {
    for (const one of document.querySelectorAll("[data-incident]")) {
      const key = `seen ${one.dataset.incident} ${one.dataset.state}`;
      if (!sessionStorage.getItem(key)) sessionStorage.setItem(key, Date.now());
    }
  };
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  look();
});
"""
"""Notes in the page itself when it first showed an incident in each of its states."""


@pytest.fixture
def plays() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def plan(tmp_path: Path, plays: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[system.Plan]:
    monkeypatch.setenv("PROVIDER_SECRET", "s3cr3t")
    channels, port = tmp_path / "notify.toml", system.free_port()
    channels.write_text(settings(plays.port))
    policy = tmp_path / "policy.toml"
    # Nobody sleeps here, and nobody gets a test alarm because it is ten o'clock.
    policy.write_text('[always]\ndrills = false\nquiet = ["00:00", "00:00"]\n')
    made = system.Plan(
        data=tmp_path / "data", community=COMMUNITY, grids=(GRID,), runner="plain",
        broker_port=system.free_port(), portal_port=port, notify=True, channels=channels,
        policy=policy, url=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    supervisor = Supervisor(tmp_path / "logs")
    try:
        for program in system.programs(made):
            supervisor.start(program, timeout_s=90)  # how fast they start is not asked here
        loaded, wanted = publish(RECORDS, broker=made.broker, community=COMMUNITY, timeout_s=60)
        assert loaded == wanted
        yield made
    finally:
        supervisor.close()


def test_a_fall_is_seen_answered_and_closed_and_everybody_sees_the_same(
    plan: system.Plan, plays: Provider, tmp_path: Path
) -> None:
    desk = desk_of(plan.data, chosen_settings(None, COMMUNITY, None))
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (1600, 1200), "#3366aa").save(photo)
    band = Sender(plan.broker, device="band-1")
    with (
        sync_api.sync_playwright() as play,
        closing(StoreClient(plan.data / "store.sock")) as store,
    ):
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        family = _page(browser, plan, desk, (Role.FAMILY, "daughter-1"), "/family")
        staff = _page(browser, plan, desk, (Role.STAFF, "head-1"), "/tasks")
        operator = _page(browser, plan, desk, (Role.OPERATOR, "operator-1"), "/board")

        fell = Motion(at=now_ms(), event=MotionEvent.FALL, confidence=0.97, impact_g=3.4)
        band.publish("motion", codec.encode(_pack(band, fell)))
        family.wait_for_selector("[data-incident]", timeout=STEP_MS_MAX)

        [found] = store.incidents(Filter(kind="fall"))
        incident = found.value
        assert isinstance(incident, Incident)
        _stands(family, incident, "dispatched")
        loads_s = min(_loads_s(operator) for _ in range(2))
        took_s = (_seen(family, incident, "dispatched") - incident.noticed_at) / 1_000
        assert took_s < max(SEEN_S_MAX, PAGES * loads_s)

        family.get_by_role("button", name="我知道了").click()
        family.get_by_text("知道了 ·").wait_for(timeout=STEP_MS_MAX)
        _until(lambda: plays.reached("daughter-1"))
        [notice] = plays.reached("daughter-1")  # after a channel that answered 500
        assert "王秀兰" in notice
        assert "跌倒" in notice

        staff.get_by_role("link", name="跌倒").click()
        staff.get_by_role("button", name="接单").click()
        _stands(family, incident, "accepted")
        staff.get_by_role("button", name="我到了").click()
        _stands(family, incident, "on_site")
        staff.get_by_label("说明").first.fill("人没事，已扶起。")
        staff.get_by_label("照片（选填）").set_input_files(photo)
        staff.get_by_role("button", name="处置完成").click()
        _stands(family, incident, "resolved")
        family.get_by_role("link", name="跌倒").click()
        picture = family.locator("img.photo")
        picture.wait_for(timeout=STEP_MS_MAX)
        assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") == 1280

        operator.get_by_role("link", name="跌倒").click()
        operator.get_by_role("button", name="核实无误").click()
        _stands(family, incident, "closed")
        operator.goto(f"http://127.0.0.1:{plan.portal_port}/board")
        _stands(operator, incident, "closed")
        _rated_by_link(browser, plays)
        family.reload()
        family.get_by_text("评价：5 分").wait_for(timeout=STEP_MS_MAX)

        browser.close()
        _told_alike(store, incident.id)
    band.close()
    desk.book.close()


def test_a_visit_written_without_network_is_kept_beside_what_another_wrote(
    plan: system.Plan,
) -> None:
    desk = desk_of(plan.data, chosen_settings(None, COMMUNITY, None))
    with (
        sync_api.sync_playwright() as play,
        closing(StoreClient(plan.data / "store.sock")) as store,
    ):
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        away = _page(browser, plan, desk, (Role.STAFF, "head-1"), "/visits")
        away.wait_for_function("navigator.serviceWorker.controller !== null")
        away.reload()  # so that the worker, which is there now, has the page
        near = _page(browser, plan, desk, (Role.STAFF, "property-1"), "/visits")
        away.context.set_offline(True)
        away.goto(f"http://127.0.0.1:{plan.portal_port}/visits")
        away.get_by_text("两人写了同一户，两条都保留").wait_for()  # the rule, where one writes

        _write(away, "well", "没有网络时写的")
        away.get_by_text("有 1 条走访记录等待联网补交").wait_for()
        assert visits_of(store, GRID, "home-1") == []
        _write(near, "needs_help", "有网络时写的")
        _until(lambda: len(visits_of(store, GRID, "home-1")) == 1)
        away.context.set_offline(False)
        away.evaluate("dispatchEvent(new Event('online'))")
        _until(lambda: len(visits_of(store, GRID, "home-1")) == 2)
        away.evaluate("dispatchEvent(new Event('online'))")  # and again: it is the same entry

        both = visits_of(store, GRID, "home-1")
        browser.close()
    assert [(one.staff, one.note) for one in both] == [
        ("property-1", "有网络时写的"), ("head-1", "没有网络时写的")
    ]  # fmt: skip
    desk.book.close()


def _write(page: "sync_api.Page", found: str, note: str) -> None:
    page.locator("details summary").first.click()
    page.locator(f"input[name=found][value={found}]").check()
    page.locator("textarea[name=note]").fill(note)
    page.get_by_role("button", name="记下来").click()


def _rated_by_link(browser: "sync_api.Browser", plays: Provider) -> None:
    """She is asked to rate by a notice, and answers by its link: without signing in, once."""
    _until(lambda: _rating_link(plays))
    phone = browser.new_context(viewport={"width": 360, "height": 780}).new_page()
    phone.goto(_rating_link(plays))
    phone.get_by_role("button", name="5").click()
    phone.get_by_text("谢谢").wait_for(timeout=STEP_MS_MAX)
    again = phone.goto(_rating_link(plays))
    assert again is not None
    assert again.status == 403


def _rating_link(plays: Provider) -> str:
    """Return the link of the notice that asks for a rating; empty while there is none."""
    asked = [text for text in plays.reached("daughter-1") if "请评价" in text]
    return asked[0].split("http", 1)[1].join(["http", ""]).strip() if asked else ""


def _told_alike(store: StoreClient, incident: str) -> None:
    """The command line tells the same story as the pages did."""
    language: Language = "zh"
    case = case_of(store, incident)
    told = "\n".join(line.text for part in tell(case, language).chapters for line in part.lines)
    assert case.incident.rating == 5
    for said in (
        "works 已收下给李梅（联系人）的通知", "李梅（联系人）已看到", "陈刚（网格长）已到现场",
        "人没事，已扶起。", "附照片 1 张", "评价",
    ):  # fmt: skip
        assert said in told, told
    assert "[photo" not in told


def _page(
    browser: "sync_api.Browser", plan: system.Plan, desk: Desk, who: tuple[Role, str], path: str
) -> "sync_api.Page":
    """Let somebody join, and open a page of theirs that is live."""
    role, person = who
    key, _ = desk.accounts.invite(role, person, person, by="test", now=now_ms())
    url = f"http://127.0.0.1:{plan.portal_port}"
    context = browser.new_context(viewport={"width": 360, "height": 780})
    context.set_default_timeout(STEP_MS_MAX)
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(f"{url}/join/{key}")
    page.locator("#account").fill(person)
    page.locator("#password").fill("a long enough password")
    if page.locator("#code").count():
        secret = page.locator("input[name=secret]").get_attribute("value")
        page.locator("#code").fill(pyotp.TOTP(secret or "").now())
    page.get_by_role("button", name="开通").click()
    page.wait_for_url(lambda at: "/join/" not in at)
    _until(lambda: page.goto(url + path).status == 200)  # type: ignore[union-attr]
    return page


def _loads_s(page: "sync_api.Page") -> float:
    """Return how long a page takes that is loaded anew: what the machine has time for just now."""
    began = time.monotonic()
    page.reload()
    return time.monotonic() - began


def _seen(page: "sync_api.Page", incident: Incident, state: str) -> int:
    return int(page.evaluate("key => sessionStorage.getItem(key)", f"seen {incident.id} {state}"))


def _stands(page: "sync_api.Page", incident: Incident, state: str) -> None:
    """The page comes to show an incident in a state, without being touched."""
    page.wait_for_function(
        "key => sessionStorage.getItem(key)", arg=f"seen {incident.id} {state}", timeout=STEP_MS_MAX
    )


def _pack(button: Sender, said: Home | Motion) -> Pack:
    return Pack(v=1, device=button.device, boot=button.boot, seq=1, sent=said.at, obs=(said,))


def _until(so: "object") -> None:
    deadline = time.monotonic() + STEP_MS_MAX / 1_000
    while not so():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.2)
