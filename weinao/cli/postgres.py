"""A PostgreSQL server of one's own, with a data folder and a port that nobody else has.

For tests and benchmarks: it holds nothing that anybody wants back.
"""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from weinao.cli.system import free_port

START_S_MAX = 60

SETTINGS = """
listen_addresses = '127.0.0.1'
max_worker_processes = 16
max_connections = 50
max_locks_per_transaction = 512
shared_buffers = '64MB'
timescaledb.telemetry_level = off
"""


class Server:
    """One server; it can be killed and started again, and ends with this process.

    Args:
        programs: Folder of its programs.
        settings: Lines for its `postgresql.conf`.
    """

    def __init__(self, programs: Path, settings: str = "") -> None:
        self._programs = programs
        self._who = _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="weinao-postgres-"))
        self.port = free_port()
        self.give(self.folder)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "weinao", "-E", "UTF8",
                  "--locale=C.UTF-8", "-N")  # fmt: skip
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS + f"unix_socket_directories = '{self.folder}'\n" + settings)
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)
        self.start()

    @property
    def dsn(self) -> str:
        """Of its database, as its owner."""
        return f"host=127.0.0.1 port={self.port} dbname=postgres user=weinao"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def give(self, path: Path) -> None:
        """Let the server write there."""
        if self._who:
            os.chown(path, self._who.pw_uid, self._who.pw_gid)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                # What a killed server left behind may take a moment to go.
                self._process = self._popen("postgres", "-D", self._data, "-p", self.port)
            try:
                psycopg.connect(self.dsn, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError((self.folder / "log").read_text())

    def kill(self) -> None:
        """Kill it as a loss of power would, but for the disk."""
        assert self._process is not None
        children = _children(self._process.pid)
        for pid in (self._process.pid, *children):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()

    def stop(self) -> None:
        """End it; whoever is connected is cut off."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(START_S_MAX)

    def remove(self) -> None:
        """End it, and leave nothing."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(START_S_MAX)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _popen(self, program: str, *arguments: object) -> subprocess.Popen[bytes]:
        # It goes when we do, even when we are killed.
        command = ["setpriv", "--pdeathsig", "INT", self._programs / program, *arguments]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # its own programs
                [str(part) for part in command], stdout=log, stderr=log, cwd="/", **self._as()
            )

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(part) for part in (self._programs / program, *arguments)]
        done = subprocess.run(  # noqa: S603  # its own programs
            command, capture_output=True, text=True, check=False, cwd="/", **self._as()
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def _as(self) -> dict[str, Any]:
        if self._who is None:
            return {}
        return {"user": self._who.pw_uid, "group": self._who.pw_gid, "extra_groups": []}


def system_programs() -> Path | None:
    """Return the folder of the newest PostgreSQL that the system has, if it has one."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


def _unprivileged() -> pwd.struct_passwd | None:
    """Return as whom a server runs: PostgreSQL refuses to be run by root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]
