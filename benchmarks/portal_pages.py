"""How soon an incident reaches open pages: 300 of them, 50 incidents a minute, one portal.

    this program ─► store (a process) ─► portal (a process) ─► 300 streams of server-sent events

All pages are operators' pages, so that each hears of every incident; every fifth one fetches its
page anew at each change, as a browser does. Prints the share of changes heard within a second.
"""

import asyncio
import socket
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pyotp

from portal.accounts import Role
from sinks.client import StoreClient
from weinao.cli.portal import chosen_settings, desk_of
from weinao.cli.supervisor import Program, Supervisor, arguments
from weinao.cli.system import free_port
from weinao.clock import now_ms
from weinao.messages import Action, Registered
from weinao.outcomes import (
    HazardKind,
    Incident,
    IncidentState,
    Kept,
    Outcome,
    Severity,
    Step,
)
from weinao.registry import Grid, Staff
from weinao.registry import Role as StaffRole

PAGES = 300
FETCHING_EVERY = 5
INCIDENTS = 25
PER_MIN = 50
SOON_MS = 1_000
GRID = "grid-1"


class Came:
    """What came to the pages: after how many milliseconds a change was heard, and shown."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.fetched: list[int] = []
        self.written: dict[str, int] = {}
        self.ready = asyncio.Semaphore(0)


def main() -> None:
    """Run it and print what came out."""
    with tempfile.TemporaryDirectory() as folder:
        data, port = Path(folder), free_port()
        supervisor = Supervisor(data / "logs")
        try:
            _start(supervisor, data, port)
            cookies = _signed_in(data)
            heard, fetched = asyncio.run(_watch(data, port, cookies))
        finally:
            supervisor.close()
    heard.sort()
    expected = PAGES * INCIDENTS
    soon = sum(ms <= SOON_MS for ms in heard)
    print(f"changes heard       {len(heard)} of {expected}")
    print(f"within one second   {100 * soon / expected:.2f} %")
    print(f"median, p99         {heard[len(heard) // 2]} ms, {heard[len(heard) * 99 // 100]} ms")
    if fetched:
        fetched.sort()
        print(f"page fetched anew   p50 {fetched[len(fetched) // 2]} ms after the incident")


def _start(supervisor: Supervisor, data: Path, port: int) -> None:
    store = arguments("store", "run", "--data", data, "--metrics-port", 0)
    supervisor.start(Program("store", store, (data / "store.sock").exists), timeout_s=60)
    with_store = StoreClient(data / "store.sock")
    records = (
        Grid(id=GRID, community="demo"),
        *(Staff(id=f"operator-{n}", role=StaffRole.OPERATOR) for n in range(10)),
    )
    with_store.write(
        [
            _outcome(
                n,
                Kept(
                    id=f"loader:1:{n}.0",
                    device="loader",
                    at=now_ms(),
                    received_at=now_ms(),
                    subject=record.id,
                    household="",
                    observation=Registered(at=now_ms(), record=record),
                ),
            )
            for n, record in enumerate(records)
        ]
    )
    with_store.close()
    settings = data / "portal.toml"
    settings.write_text('community = "demo"\n[limits]\nrequests_per_min = 100000\n')
    told = arguments(
        "portal", "run", "--data", data, "--settings", settings, "--port", port,
        "--metrics-port", 0,
    )  # fmt: skip
    supervisor.start(Program("portal", told, lambda: _listens(port)), timeout_s=60)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _signed_in(data: Path) -> list[str]:
    """Return the keys of sessions, ten accounts' in turn."""
    desk = desk_of(data, chosen_settings(None, "demo", None))
    keys = []
    for n in range(10):
        key, _ = desk.accounts.invite(
            Role.OPERATOR, f"operator-{n}", "x", by="bench", now=now_ms()
        )  # fmt: skip
        secret = pyotp.random_base32()
        code = pyotp.TOTP(secret).now()
        found = desk.accounts.join(
            key, f"op-{n}", "a long enough password", (secret, code), now_ms()
        )
        keys += [
            desk.accounts.open_session(found, "bench", now_ms()) for _ in range(PAGES // 10)
        ]  # fmt: skip
    desk.book.close()
    return keys


async def _watch(data: Path, port: int, cookies: list[str]) -> tuple[list[int], list[int]]:
    came = Came()
    pages = [
        asyncio.create_task(_page(port, key, came, fetches=n % FETCHING_EVERY == 0))
        for n, key in enumerate(cookies)
    ]
    for _ in pages:
        await came.ready.acquire()
    await asyncio.to_thread(_happen, data, came.written)
    await asyncio.sleep(3)
    for page in pages:
        page.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return came.heard, came.fetched


async def _page(port: int, key: str, came: "Came", *, fetches: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request("/events", key))
    try:
        while line := await reader.readline():
            if line.startswith(b"event: hello"):
                came.ready.release()
            elif line.startswith(b"data: {") and b'"id"' in line:
                change = msgspec.json.decode(line[6:].strip())
                came.heard.append(now_ms() - came.written[change["id"]])
                if fetches:
                    await _fetch(port, key)
                    came.fetched.append(now_ms() - came.written[change["id"]])
    finally:
        writer.close()


async def _fetch(port: int, key: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_request("/board", key, "connection: close\r\nx-part: main\r\n"))
    while await reader.read(65_536):
        pass
    writer.close()


def _request(path: str, key: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: x\r\ncookie: session={key}\r\n{more}\r\n".encode()


def _happen(data: Path, written: dict[str, int]) -> None:
    store = StoreClient(data / "store.sock")
    began = time.monotonic()
    for n in range(INCIDENTS):
        time.sleep(max(0.0, began + n * 60 / PER_MIN - time.monotonic()))
        now = now_ms()
        step = Step(at=now, action=Action.OPEN, actor="brain", state=IncidentState.OPEN)
        made = Incident(
            id=f"i-{n:016x}", grid=GRID, kind=HazardKind.SOS, severity=Severity.CRITICAL,
            state=IncidentState.OPEN, subject=f"home-{n}", household=f"home-{n}", at=now,
            noticed_at=now, steps=(step,), due_at=now + 60_000,
        )  # fmt: skip
        written[made.id] = now
        store.write([_outcome(1_000 + n, made)])
    store.close()


def _outcome(offset: int, value: Kept | Incident) -> Outcome:
    return Outcome(grid=GRID, offset=offset, index=0, received_at=now_ms(), value=value)


if __name__ == "__main__":
    sys.exit(main())
