"""PostgreSQL servers of the tests, each with a data folder and a port of its own.

`plain` is what the system has, or else the one that `.ci/timescaledb` unpacks, without its
extension; `apache` is the unpacked one; `timescale` is a server with the full licence that somebody
gives us (`WEINAO_TEST_TSL_DSN`). What is not there is skipped, with the reason.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from weinao.cli.postgres import Server, system_programs

UNPACKED = Path(os.environ.get("WEINAO_TEST_TIMESCALEDB", "/var/cache/weinao/timescaledb"))
UNPACKED_BIN = UNPACKED / "usr/lib/postgresql/17/bin"


@cache
def plain() -> Server:
    """Return PostgreSQL without TimescaleDB, or skip."""
    programs = system_programs()
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
    programs = system_programs() or _unpacked_programs("no PostgreSQL on this machine")
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
