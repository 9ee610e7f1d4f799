"""A service of browsers on this machine, and browsers that listen to it.

It takes what comes, with the manners that real ones have: /201/WHO answers 201, /410/WHO answers
410 and so on with any status, /hangs/WHO answers nothing for long. What it got, the browser whose
address it is opens with its private key, as browsers do.
"""

import base64
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import http_ece
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sinks.subscription import Subscription
from tests.sinks.loopback import served

HANGS_S = 20.0


def quoted(content: bytes) -> str:
    """Return base64url without filling."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Browser:
    """A browser: its keys, and where its service takes messages for it."""

    def __init__(self, endpoint: str) -> None:
        self._key, self._auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.path = endpoint.split("/", 3)[3]
        self.subscription = Subscription(
            endpoint=endpoint, p256dh=quoted(point), auth=quoted(self._auth)
        )

    def opened(self, sealed: bytes) -> Any:
        """Return what a message says."""
        content = http_ece.decrypt(sealed, private_key=self._key, auth_secret=self._auth)
        return msgspec.json.decode(content)


class PushService:
    """What the service got: path, headers, sealed content."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.let_go = threading.Event()
        self.port = 0

    def browser(self, who: str, manner: str = "201") -> Browser:
        """Return a new browser that listens here."""
        return Browser(f"http://127.0.0.1:{self.port}/{manner}/{who}")

    def sealed_for(self, browser: Browser) -> list[bytes]:
        """Return what came for a browser, as it came."""
        return [content for path, _, content in self.got if path == browser.path]

    def reached(self, browser: Browser) -> list[Any]:
        """Return what came for a browser, opened by it."""
        return [browser.opened(one) for one in self.sealed_for(browser)]


@contextmanager
def push_service() -> Iterator[PushService]:
    """Run a service."""
    made = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.got.append((self.path[1:], headers, content))
            manner = self.path.split("/")[1]
            if manner == "hangs":
                made.let_go.wait(HANGS_S)
            self.send_response(201 if manner == "hangs" else int(manner))
            self.send_header("location", f"http://127.0.0.1:{made.port}/201/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with served(Handler, made.let_go) as made.port:
        yield made
