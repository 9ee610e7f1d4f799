"""Draws every page of the portal, at the size of a phone and of a desk: for people who look.

Run as `python -m tests.portal.pictures FOLDER`; needs Chromium.
"""

import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar
from msgspec.structs import replace
from PIL import Image
from playwright.sync_api import sync_playwright

from portal.accounts import Role
from portal.app import application
from portal.sharing import Level
from sinks.store import Filter
from tests.portal.town import EAST, WEST, Town, town
from weinao.cli.system import free_port
from weinao.messages import Action, Feedback, Registered, Visit
from weinao.outcomes import Notice
from weinao.registry import Contact

SIZES = {"phone": (360, 780), "desk": (1440, 900)}
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def chromium() -> str | None:
    """Return the browser of this machine, if it has one."""
    return next((path for path in CHROMIUM if Path(path).exists()), None)


@contextmanager
def serving(app: Litestar, port: int = 0) -> Iterator[str]:
    """Serve an application on a port of loopback, a free one if none is said; give its address."""
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        listening.close()


def story(made: Town) -> dict[str, str]:
    """Let a few things happen, and return the pages that there are then."""
    made.morning()
    grid, resident = made.desk.known.living["resident-1"]
    shared = Registered(at=made.now, record=replace(resident, sharing=Level.ROOMS))
    made.desk.outbox.register(grid, shared)
    old = made.sos("sos-2")
    for actor, action in (
        ("daughter-2", "accept"),
        ("daughter-2", "resolve"),
        ("head-1", "verify"),
    ):
        old = made.answered(old, actor, action)
    made.sos("sos-9", WEST)
    made.now += 120_000
    fall = made.fall()
    made.answered(fall, "daughter-1", "ack")
    made.desk.stands_for(EAST)
    visit = Visit(at=made.now - 86_400_000 * 3, entry="v-1", staff="head-1", household="home-2",
                  found="well", note="血压药已备好。")  # fmt: skip
    made.desk.ledger.add(EAST, visit, made.now)
    made.pump()
    made.now += 45_000
    made.look()
    return {"fall": f"/incidents/{EAST}/{fall.id}", "old": f"/incidents/{EAST}/{old.id}"}


def _drill(made: Town) -> str:
    """Let this month's test alarm go to a family that has been answered, and return its id."""
    grid, resident = made.desk.known.living["resident-1"]
    contacts = (Contact(id="daughter-1", name="李梅", channels=("sms:1",)),)
    record = replace(resident, contacts=contacts)
    made.desk.outbox.register(grid, Registered(at=made.now, record=record))
    made.pump()
    made.drill_day()
    found = made.store.notices(Filter(kind="drill.2026-06"))
    notice = found[0].value
    assert isinstance(notice, Notice)
    said = Feedback(at=made.now, incident=notice.incident, actor="daughter-1", action=Action.ACK)
    made.desk.outbox.answer(grid, said)
    made.pump()
    return notice.incident


Tour = dict[str, tuple[tuple[Role, str] | None, dict[str, str]]]
"""By a name for each: who looks, and at which pages."""


def tour(made: Town) -> Tour:
    """Let a few things happen in a town, and return all pages that there are then."""
    paths = story(made)
    who: Tour = {
        "nobody": (
            None,
            {
                "front": "/", "sign-in": "/sign-in", "report": "/report",
                "receipt": "/receipt", "lost": "/nowhere",
            },
        ),
        "family": (
            (Role.FAMILY, "daughter-1"),
            {"family": "/family", "incident": paths["fall"], "account": "/account"},
        ),
        "staff": (
            (Role.STAFF, "head-1"),
            {
                "tasks": "/tasks", "visits": "/visits", "rounds": "/rounds",
                "incident": paths["old"], "card": f"/residents/{EAST}/resident-2",
            },
        ),
        "operator": (
            (Role.OPERATOR, "operator-1"),
            {
                "community": "/community", "board": "/board", "statistics": "/statistics",
                "devices": f"/devices?grid={EAST}", "registry": "/registry",
                "people": "/people", "audit": "/audit", "account": "/account",
            },
        ),
    }  # fmt: skip
    key, _ = made.desk.accounts.invite(Role.STAFF, "property-1", "孙伟", by="test", now=made.now)
    link = made.desk.links.make(paths["fall"].rsplit("/", 1)[1], "son-1", made.now + 10_000_000)
    drill = made.desk.links.make(_drill(made), "daughter-1", made.now + 10_000_000)
    drill_path = {"drill": f"/a/{drill}"}
    who["nobody"][1].update({"join": f"/join/{key}", "link": f"/a/{link}", **drill_path})
    return who


def sessions(made: Town, who: Tour, url: str) -> dict[str, list[Any]]:
    """Let everybody on a tour sign in; return the cookies of each."""
    found: dict[str, list[Any]] = {}
    for name, (account, _) in who.items():
        found[name] = []
        if account is not None:
            session = made.desk.accounts.open_session(made.account(*account), "Chromium", made.now)
            found[name].append({"name": "session", "value": session, "url": url})
    return found


def main(folder: Path) -> None:
    """Draw all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://localhost:{port}"  # by name: passkeys have no other address
    with (
        tempfile.TemporaryDirectory() as data,
        town(Path(data), url=url, requests_per_min=10_000) as made,
    ):
        who = tour(made)
        app = application(made.desk, opens=False)
        with serving(app, port), sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            signed_in = sessions(made, who, url)
            for name, (_, pages) in who.items():
                for size, (width, height) in SIZES.items():
                    for lang in ("zh", "en"):
                        context = browser.new_context(viewport={"width": width, "height": height})
                        context.grant_permissions(["notifications"], origin=url)
                        context.add_cookies(
                            [*signed_in[name], {"name": "lang", "value": lang, "url": url}]
                        )
                        tab = context.new_page()
                        for page, path in pages.items():
                            if lang == "en" and page not in (
                                "family",
                                "tasks",
                                "front",
                                "board",
                                "drill",
                                "account",
                                "sign-in",
                            ):
                                continue
                            tab.goto(url + path)
                            tab.wait_for_timeout(120)
                            if tab.locator("#push").count():
                                tab.locator("#push[data-state]").wait_for(state="attached")
                            shot = folder / f"{name}-{page}-{size}-{lang}.png"
                            tab.screenshot(path=shot, full_page=size == "phone")
                            _shrink(shot)
                            wide = tab.evaluate("document.documentElement.scrollWidth")
                            if wide > width:
                                print(f"{shot.name}: {wide} px wide")  # noqa: T201  # for who looks
                        context.close()
            browser.close()


def _shrink(shot: Path) -> None:
    """Keep as few colours as pages have: a third of the bytes."""
    few = Image.open(shot).convert("RGB").quantize(48, dither=Image.Dither.NONE)
    few.save(shot, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
