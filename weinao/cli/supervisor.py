"""A few programs as one system: started in order, started again when they die, ended together."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

RESTART_S_MIN = 0.2
RESTART_S_MAX = 10.0
SETTLED_S = 20.0
"""Who has run for so long starts again without waiting, should it die."""

START_S_MAX = 90.0
"""How long a program may take to be usable: on a small machine, Python alone takes many seconds."""

STOP_S_MAX = 5.0
"""How long a program may take to end when asked; every one of them survives being killed."""


ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
    # glibc keeps a heap for each thread otherwise, and what large snapshots have once needed.
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "262144",
}
"""Of every program; systemd units should say the same."""


class Program(Struct, frozen=True):
    """How to start one program.

    Args:
        name: Of its log file, too.
        arguments: Of the `weinao` command.
        ready: Says whether it can be used; None for at once.
        command: Of a program that is none of ours; `arguments` are then its own.
    """

    name: str
    arguments: tuple[str, ...]
    ready: Callable[[], bool] | None = None
    command: tuple[str, ...] = ()


class NotReadyError(Exception):
    """A program did not become usable in time; its log says why."""


class Supervisor:
    """Keeps programs running.

    Args:
        logs: Folder for one log file a program.
        on_restart: Told the name of each program that was started again.
    """

    def __init__(self, logs: Path, on_restart: Callable[[str], object] | None = None) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs, self._on_restart = logs, on_restart
        self._programs: dict[str, Program] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started_at: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._again_at: dict[str, float] = {}

    def start(self, program: Program, timeout_s: float = START_S_MAX) -> None:
        """Start a program, and wait until it can be used.

        Raises:
            NotReadyError: It could not, within `timeout_s`.
        """
        self.stop(program.name)
        self._programs[program.name] = program
        self._spawn(program)
        deadline = time.monotonic() + timeout_s
        while program.ready is not None and not program.ready():
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"{program.name} was not ready after {timeout_s:.0f} s;"
                    f" see {self._logs / program.name}.log:\n{self.tail(program.name)}"
                )
            self.look()
            time.sleep(0.05)

    def look(self) -> None:
        """Start again what has died, sooner the longer it had run."""
        now = time.monotonic()
        for name, process in [*self._running.items()]:
            if process.poll() is None:
                continue
            if name not in self._again_at:
                ran_s = now - self._started_at[name]
                failures = 0 if ran_s > SETTLED_S else self._failures.get(name, 0) + 1
                self._failures[name] = failures
                wait_s = min(RESTART_S_MAX, RESTART_S_MIN * 2 ** max(0, failures - 1))
                self._again_at[name] = now + wait_s
            if now >= self._again_at[name]:
                del self._again_at[name]
                self._spawn(self._programs[name])
                if self._on_restart is not None:
                    self._on_restart(name)

    def pid(self, name: str) -> int | None:
        """Return the process id of a program that runs."""
        process = self._running.get(name)
        return process.pid if process is not None and process.poll() is None else None

    def stop(self, name: str) -> None:
        """End one program, and leave it ended."""
        process = self._running.pop(name, None)
        self._programs.pop(name, None)
        self._again_at.pop(name, None)
        self._failures.pop(name, None)
        if process is not None:
            _end([process])

    def close(self) -> None:
        """End everything, the last started first."""
        processes = [*self._running.values()][::-1]
        self._running.clear()
        self._programs.clear()
        _end(processes)

    def log(self, name: str) -> str:
        """Return a program's log, without colours."""
        path = self._logs / f"{name}.log"
        return _COLOUR.sub("", path.read_text(errors="replace"))

    def tail(self, name: str) -> str:
        """Return the end of a program's log."""
        return "\n".join(self.log(name).splitlines()[-10:])

    def last_words(self, name: str) -> str:
        """Return the last line of a program's log: of one that has just died, why."""
        return self.tail(name).rpartition("\n")[2]

    def _spawn(self, program: Program) -> None:
        with (self._logs / f"{program.name}.log").open("ab") as log:
            self._running[program.name] = subprocess.Popen(  # noqa: S603  # our own command
                [*(program.command or _OURS), *program.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # one system call, no locks
                env={**os.environ, **ENVIRONMENT},
            )
        self._started_at[program.name] = time.monotonic()


def arguments(*parts: object) -> tuple[str, ...]:
    """Return command line arguments from whatever they are given as."""
    return tuple(str(part) for part in parts)


_OURS = (sys.executable, "-m", "weinao.cli.main")


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_S_MAX
    for process in processes:
        try:
            process.wait(timeout=max(0.05, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PR_SET_PDEATHSIG = 1

# Looked for now, not between fork and exec: that takes locks which another thread may hold there.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def _die_with_parent() -> None:
    # Where the kernel has no such call, a killed supervisor leaves its programs behind.
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
