"""Serves HTTP on a free port of loopback, for those who play a service."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], let_go: threading.Event) -> Iterator[int]:
    """Serve, a thread a call, and give the port; at the end let go of who is kept waiting."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        let_go.set()
        server.shutdown()
        server.server_close()
