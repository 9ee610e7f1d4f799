"""A PostgreSQL server for a rehearsal, to be killed: beside the system, with a folder of its own.

Its settings are the safe ones (`fsync` on): what it says to have committed must survive SIGKILL.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from weinao.cli.supervisor import Program
from weinao.cli.system import free_port

NAME = "database"

_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 50
max_worker_processes = 16
max_locks_per_transaction = 512
shared_buffers = '64MB'
"""

_PRELOAD = """
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
"""


@contextmanager
def server(programs: Path) -> Iterator[tuple[Program, str]]:
    """Make a database; give how its server is started, and its DSN. Nothing of it is left.

    Args:
        programs: Where `initdb` and `postgres` are.

    Raises:
        SystemExit: There is no such server, or it cannot be made.
    """
    if not (programs / "initdb").exists():
        raise SystemExit(f"weinao chaos: there is no initdb in {programs}")
    port, who = free_port(), _unprivileged()
    with TemporaryDirectory(prefix="weinao-chaos-") as name:
        if who is not None:
            os.chown(name, who.pw_uid, who.pw_gid)
        data = Path(name) / "data"
        _make(programs, data, who)
        dsn = f"host=127.0.0.1 port={port} dbname=postgres user=weinao"
        as_whom = () if who is None else _as(who)
        command = (*as_whom, str(programs / "postgres"), "-D", str(data), "-p", str(port))
        yield Program(NAME, (), Ready(dsn), command), dsn


def cut_off(dsn: str) -> None:
    """End all our connections to a database, in the middle of whatever they do."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True, application_name="chaos") as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'weinao' AND pid <> pg_backend_pid()"
        )


def _make(programs: Path, data: Path, who: pwd.struct_passwd | None) -> None:
    made = subprocess.run(  # noqa: S603  # a program that we were told to use
        [programs / "initdb", "-D", data, "-A", "trust", "-U", "weinao", "-E", "UTF8", "-N",
         "--locale=C.UTF-8"],
        cwd="/", capture_output=True, text=True, check=False,
        user=who.pw_uid if who else None, group=who.pw_gid if who else None,
        extra_groups=[] if who else None,
    )  # fmt: skip
    if made.returncode != 0:
        raise SystemExit(f"weinao chaos: initdb: {made.stderr.strip()}")
    timescale = any(programs.parents[3].glob("share/postgresql/*/extension/timescaledb.control"))
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(_SETTINGS + (_PRELOAD if timescale else ""))


class Ready:
    """Says whether a server lets somebody in."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def __call__(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self._dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _unprivileged() -> pwd.struct_passwd | None:
    """Return as whom it runs: PostgreSQL refuses to be run by root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as(who: pwd.struct_passwd) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SystemExit("weinao chaos: PostgreSQL does not run as root, and there is no setpriv")
    ids = (f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups")
    return (setpriv, *ids, "--pdeathsig=KILL", "--")
