"""PostgreSQL servers of the tests, each with a data folder and a port of its own.

`plain` is what the system has, or else the one that `.ci/timescaledb` unpacks, without its
extension; `apache` is the unpacked one; `timescale` is a server with the full licence that somebody
gives us (`WEINAO_TEST_TSL_DSN`). What is not there is skipped, with the reason.
"""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

UNPACKED = Path(os.environ.get("WEINAO_TEST_TIMESCALEDB", "/var/cache/weinao/timescaledb"))
UNPACKED_BIN = UNPACKED / "usr/lib/postgresql/17/bin"
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
        self.port = _free_port()
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

    def _popen(self, program: str, *arguments: object) -> "subprocess.Popen[bytes]":
        # It goes when we do, even when we are killed.
        command = ["setpriv", "--pdeathsig", "INT", self._programs / program, *arguments]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(part) for part in command], stdout=log, stderr=log, cwd="/", **self._as()
            )

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(part) for part in (self._programs / program, *arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/", **self._as()
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def _as(self) -> dict[str, object]:
        if self._who is None:
            return {}
        return {"user": self._who.pw_uid, "group": self._who.pw_gid, "extra_groups": []}


@cache
def plain() -> Server:
    """Return PostgreSQL without TimescaleDB, or skip."""
    programs = _system_programs()
    if programs is None:
        programs = _unpacked_programs("no PostgreSQL on this machine (apt-get install postgresql)")
    return Server(programs, "fsync = off\n")


@cache
def apache() -> Server:
    """Return TimescaleDB under its Apache licence, or skip."""
    programs = _unpacked_programs("no TimescaleDB")
    return Server(programs, "fsync = off\nshared_preload_libraries = 'timescaledb'\n")


def own(edition: str) -> Server:
    """Return a server that a test may kill: its disk is as safe as can be."""
    if edition == "timescale":
        programs, preload = _unpacked_programs("no TimescaleDB"), "'timescaledb'"
        return Server(programs, f"shared_preload_libraries = {preload}\n")
    programs = _system_programs() or _unpacked_programs("no PostgreSQL on this machine")
    return Server(programs)


@contextmanager
def small_disk(server: Server, mib: int) -> Iterator[Path]:
    """Give a folder of that server on a disk of its own, or skip where none can be made."""
    folder = server.folder / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        server.remove()
        pytest.skip(f"no small disk can be made here: {mounted.stderr.strip()}")
    try:
        (folder / "space").mkdir()
        server.give(folder / "space")
        yield folder / "space"
    finally:
        server.remove()
        subprocess.run(["umount", folder], check=False)


def full_dsn() -> str:
    """Return the DSN of a server with the full licence, or skip."""
    dsn = os.environ.get("WEINAO_TEST_TSL_DSN")
    if not dsn:
        pytest.skip("no TimescaleDB with its full licence: set WEINAO_TEST_TSL_DSN to one's DSN")
    return dsn


def fresh(dsn: str, name: object) -> str:
    """Return a DSN to a schema of that name, made when absent."""
    schema = "t_" + blake2b(str(name).encode(), digest_size=8).hexdigest()
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    return f"{dsn} options='-csearch_path={schema}'"


def drop(dsn: str) -> None:
    """Remove what `fresh` made."""
    schema = conninfo_to_dict(dsn)["options"].removeprefix("-csearch_path=")
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute(f"DROP SCHEMA {schema} CASCADE")


def _unpacked_programs(what: str) -> Path:
    if not (UNPACKED / "ready").exists():
        pytest.skip(f"{what}: `.ci/timescaledb {UNPACKED}` unpacks one, or set"
                    " WEINAO_TEST_TIMESCALEDB to where it is")  # fmt: skip
    return UNPACKED_BIN


def _system_programs() -> Path | None:
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


def _unprivileged() -> "pwd.struct_passwd | None":
    """Return as whom a server runs: PostgreSQL refuses to be run by root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
