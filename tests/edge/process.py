"""The agent as its users run it: a process of its own."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]


class AgentProcess:
    """`weinao edge run`, with what it left on the disk."""

    def __init__(self, folder: Path, broker_port: int, devices: str, resend_s: float = 2) -> None:
        self.folder = folder / "agent"
        self._config = folder / "edge.toml"
        self._config.write_text(
            f'agent = "agent-1"\ncommunity = "test"\ngrid = "g1"\nfolder = "{self.folder}"\n'
            "heartbeat = {every_s = 0.3}\nmetrics = {port = 0}\n"
            f"uplink = {{reconnect_s_max = 0.5, resend_s = {resend_s}}}\n" + devices
        )
        self._port = broker_port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "weinao.cli.main", "edge", "run"]
        options = ["--config", str(self._config), "--port", str(self._port)]
        with (self.folder.parent / "agent.log").open("ab") as log:
            self._process = subprocess.Popen([*command, *options], cwd=ROOT, stderr=log)

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Let it stand still, go on, or end."""
        os.kill(self.pid, number)

    def terminate(self) -> int:
        """End it in good order, and return its exit code."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(60) if self._process else 0

    def log(self) -> str:
        return (self.folder.parent / "agent.log").read_text()

    def truth(self) -> list[dict[str, object]]:
        path = self.folder / "truth.jsonl"
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [msgspec.json.decode(line) for line in lines]

    def issued(self) -> set[tuple[str, str, int]]:
        """Every number that the outbox ever gave out: what became durable."""
        rows = self._asked("SELECT device, boot, seq FROM issued")
        return {(device, boot, n) for device, boot, upto in rows for n in range(1, upto + 1)}

    def waiting(self) -> set[tuple[str, str, int]]:
        return set(self._asked("SELECT device, boot, seq FROM items"))

    def _asked(self, query: str) -> list[tuple[str, str, int]]:
        path = self.folder / "outbox.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=60)) as db:
            if not db.execute("PRAGMA user_version").fetchone()[0]:
                return []  # it is being made
            return db.execute(query).fetchall()
