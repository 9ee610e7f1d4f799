"""axe-core looks at every page, on a phone in Chinese and on a desk in English: nothing serious."""

from pathlib import Path

import pytest

from portal.app import application
from tests.portal.pictures import SIZES, chromium, serving, sessions, tour
from tests.portal.town import town
from weinao.catalogue import LANGUAGES
from weinao.cli.system import free_port

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

pytestmark = [
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: apt-get install chromium"),
]

GRAVE = ("serious", "critical")
PAGES_MIN = 20


def test_axe_finds_nothing_serious_on_any_page(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://localhost:{port}"  # by name: passkeys have no other address
    found, seen = [], set()
    with town(tmp_path, url=url, requests_per_min=10_000) as there:
        who = tour(there)
        with (
            serving(application(there.desk, opens=False), port),
            sync_api.sync_playwright() as play,
        ):
            browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            for name, cookies in sessions(there, who, url).items():
                for size, language in zip(SIZES, LANGUAGES, strict=True):
                    width, height = SIZES[size]
                    context = browser.new_context(
                        viewport={"width": width, "height": height},
                        reduced_motion="reduce",  # what fades in has less contrast meanwhile
                    )
                    context.grant_permissions(["notifications"], origin=url)
                    context.add_cookies([*cookies, {"name": "lang", "value": language, "url": url}])
                    page = context.new_page()
                    for title, path in who[name][1].items():
                        page.goto(url + path)
                        if page.locator("#push").count():
                            page.locator("#push[data-state]").wait_for(state="attached")
                        found += [(name, title, size, *one) for one in _grave(page)]
                        seen.add((name, title))
                    context.close()
            browser.close()

    assert found == []
    assert len(seen) >= PAGES_MIN


def test_axe_would_say_so(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<html lang="en"><title>x</title><main><img src="x">')
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())

        assert [rule for rule, _ in _grave(page)] == ["image-alt"]

        browser.close()


def _grave(page: "sync_api.Page") -> list[tuple[str, str]]:
    """Return the rules that a page breaks gravely, each with where it does so first."""
    broken = axe.Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in broken if one["impact"] in GRAVE]
