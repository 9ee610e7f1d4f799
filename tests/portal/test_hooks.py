"""Webhooks: signed, for who may see it, tried again until taken, and gone with their token."""

import hmac
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portal.accounts import Role, Scope
from portal.hooks import GIVEN_UP_S, SIGNATURE, Call
from tests.portal.town import WEST, Town, town

ALL = (Scope.INCIDENTS, Scope.HOOKS)


class Other:
    """Another system, which takes calls, or not."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status, self.url = 200, ""
        self.answers = threading.Event()
        self.answers.set()

    def said(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(body) for _, body in self.heard]


@contextmanager
def other() -> Iterator[Other]:
    made = Other()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.heard.append(({key.lower(): value for key, value in self.headers.items()}, body))
            made.answers.wait(20)
            self.send_response(made.status)
            self.send_header("location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.answers.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as made:
        yield made


@pytest.fixture
def system() -> Iterator[Other]:
    with other() as made:
        yield made


def made(there: Town, system: Other, headers: dict[str, str]) -> dict[str, str]:
    answer = there.client.post("/api/v1/webhooks", json={"url": system.url}, headers=headers)
    assert answer.status_code == 201, answer.text
    there.desk.caller.look()  # what was before is nobody's
    found: dict[str, str] = answer.json()
    return found


def works(there: Town) -> None:
    """Let the caller do what is due, and wait until it has."""
    there.desk.caller.look()
    _until(lambda: not there.desk.caller._calling)


def test_a_change_is_told_signed_to_who_may_see_it_and_to_nobody_else(
    there: Town, system: Other
) -> None:
    family = there.token(Role.FAMILY, "daughter-1", *ALL)
    hook = made(there, system, family)

    there.sos("sos-9", WEST)
    incident = there.sos()
    for _ in range(6):
        works(there)

    assert {one["id"] for one in system.said()} == {incident.id}
    headers, body = system.heard[0]
    at, said = (part.split("=")[1] for part in headers[SIGNATURE].split(","))
    expected = hmac.new(hook["secret"].encode(), f"{at}.".encode() + body, sha256).hexdigest()
    assert hmac.compare_digest(said, expected)
    assert "王秀兰" not in body.decode()
    [kept] = there.client.get("/api/v1/webhooks", headers=family).json()
    assert kept == {"id": hook["id"], "url": system.url, "waiting": 0}


@pytest.mark.parametrize("status", [500, 302, 404])
def test_what_is_not_taken_is_tried_again_later_in_order_and_over_a_restart(
    there: Town, system: Other, status: int
) -> None:
    made(there, system, there.token(Role.FAMILY, "daughter-1", *ALL))
    system.status = status
    incident = there.sos()
    there.answered(incident, "daughter-1", "accept")
    works(there)
    works(there)  # not yet: it waits
    first = len(system.heard)

    there.desk.caller.close()
    there.desk.__post_init__()  # as a new start: what waits stands in the book
    system.status = 200
    for _ in range(8):
        there.now += 3_600_000
        works(there)

    assert first == 1
    steps = [one["steps"] for one in system.said()[1:]]
    assert steps == sorted(steps)
    calls = [headers["weinao-call"] for headers, _ in system.heard[1:]]
    assert len({*calls}) == len(calls)
    assert there.desk.hooks.waiting() == 0


def test_a_call_that_is_taken_while_it_is_looked_for_what_is_due_is_not_made_again(
    there: Town, system: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(there, system, there.token(Role.FAMILY, "daughter-1", *ALL))
    there.sos()
    system.answers.clear()
    there.desk.caller.look()
    _until(lambda: system.heard)
    found = there.desk.hooks.due(there.now)

    def due(_now: int) -> list[Call]:
        system.answers.set()
        _until(lambda: not there.desk.caller._calling)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(there.desk.hooks, "due", due)
        there.desk.caller.call()
    works(there)

    calls = [headers["weinao-call"] for headers, _ in system.heard]
    assert len({*calls}) == len(calls) > 0


def test_who_calls_goes_on_after_our_own_disk_has_refused(
    there: Town, system: Other, tmp_path: Path
) -> None:
    made(there, system, there.token(Role.FAMILY, "daughter-1", *ALL))
    [book] = tmp_path.rglob("portal.sqlite")
    with closing(sqlite3.connect(book, isolation_level=None)) as disk:
        disk.execute(
            "CREATE TRIGGER full BEFORE INSERT ON calls"
            " BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        there.sos()
        there.desk.caller.open()
        there.desk.caller._stop.wait(1)
        disk.execute("DROP TRIGGER full")

    _until(lambda: system.heard)


def test_after_a_day_it_is_given_up_and_the_log_says_so(there: Town, system: Other) -> None:
    made(there, system, there.token(Role.FAMILY, "daughter-1", *ALL))
    system.status = 500
    there.sos()
    works(there)

    there.now += GIVEN_UP_S * 1_000 + 1
    for _ in range(6):
        works(there)

    assert there.desk.hooks.waiting() == 0


def test_a_hook_ends_with_its_token_and_without_its_scope_there_is_none(
    there: Town, system: Other
) -> None:
    headers = there.token(Role.FAMILY, "daughter-1", *ALL)
    made(there, system, headers)
    there.desk.accounts.close("daughter-1.api", there.now)

    there.sos()
    works(there)

    assert system.heard == []
    assert there.desk.hooks.all() == []
    plain = there.token(Role.STAFF, "head-1", Scope.INCIDENTS)
    refused = there.client.post("/api/v1/webhooks", json={"url": system.url}, headers=plain)
    assert refused.status_code == 403


def test_another_tokens_hook_cannot_be_ended(there: Town, system: Other) -> None:
    mine = there.token(Role.FAMILY, "daughter-1", *ALL)
    hook = made(there, system, mine)
    theirs = there.token(Role.FAMILY, "daughter-2", *ALL)
    path = f"/api/v1/webhooks/{hook['id']}"

    assert there.client.delete(path, headers=theirs).status_code == 404
    assert there.client.delete(path, headers=mine).status_code == 204
    assert there.client.get("/api/v1/webhooks", headers=mine).json() == []


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "https://evil.example/x", "http://hooks.example.org/x",
     "https://hooks.example.org@evil.example/", "https://u:p@hooks.example.org/", "ftp://127.0.0.1/",
     "https://hooks.example.org.evil.example/", "http://]x", "https://hooks.example.org:99999/"],
)  # fmt: skip
def test_only_hosts_that_the_settings_name_are_ever_called(there: Town, url: str) -> None:
    headers = there.token(Role.FAMILY, "daughter-1", *ALL)

    answer = there.client.post("/api/v1/webhooks", json={"url": url}, headers=headers)

    assert answer.status_code in (400, 403)
    assert there.desk.hooks.all() == []


def _until(so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
