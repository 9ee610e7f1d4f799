"""A provider of notices on this machine, with the manners that real ones have.

/works/WHO   takes and delivers                /fails/WHO  answers 500
/lies/WHO    says yes, delivers nothing        /hangs/WHO  answers nothing, for long
/holds/WHO   takes, and answers only when told /drips/WHO  answers a byte at a time, for ever
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import msgspec

from tests.sinks.loopback import served

HANGS_S = 20.0


class Provider:
    """What a provider got, and what reached people."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []
        self.delivered: list[tuple[str, str, str]] = []
        self.let_go = threading.Event()
        self.port = 0

    def asked_for(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)

    def reached(self, who: str) -> list[str]:
        """Return the texts that reached somebody, title first."""
        return [f"{title}\n{body}" for to, title, body in self.delivered if to == who]


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said: Any = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
            _, manner, who = self.path.split("?", 1)[0].split("/")
            made.asked.append((f"{manner}/{who}", time.monotonic()))
            if manner in ("works", "holds"):
                made.delivered.append((who, said["title"], said["message"]))
            if manner == "holds":
                made.let_go.wait(HANGS_S)
            if manner == "hangs":
                time.sleep(HANGS_S)
            with suppress(OSError):
                self.send_response(500 if manner == "fails" else 200)
                self.end_headers()
                while manner == "drips" and not made.let_go.is_set():
                    self.wfile.write(b".")
                    self.wfile.flush()
                    time.sleep(0.1)

        def log_message(self, *_: object) -> None: ...

    with served(Handler, made.let_go) as made.port:
        yield made


def settings(port: int, **delivery: float) -> str:
    """Return a file of settings whose channels are the manners of a provider, a secret in each."""
    manners = ("works", "fails", "lies", "hangs", "holds", "drips")
    tables = [
        f'[channels.{one}]\nurl = "json://127.0.0.1:{port}/{one}/{{to}}?+X-Key={{secret}}"\n'
        'secret_env = "PROVIDER_SECRET"'
        for one in manners
    ]
    patience = "\n".join(f"{key} = {value}" for key, value in delivery.items())
    return "\n".join(['community = "c-1"', "[delivery]", patience, *tables])
