"""Two flows conclude what one flow concludes, also when a grid moves and programs are killed."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from sim.cast import COMMUNITY, home, setting
from sinks.client import StoreClient
from sinks.duckdb_store import DuckDBStore
from sinks.store import Filter, Store, StoreError, every
from tests.conftest import ROOT
from tests.service.senders import Said, Senders
from weinao.cli import flows, system
from weinao.cli.registry import publish
from weinao.cli.supervisor import Supervisor
from weinao.clock import now_ms
from weinao.messages import Home, Sensor
from weinao.outcomes import Incident
from weinao.stays import dealt

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(900)]

GRIDS = ("grid-1", "grid-2", "grid-3", "grid-4")
HOMES = 5
SAID = 3


def story(at: int) -> list[Said]:
    """Every home moves about; in each, somebody calls for help once."""
    said = []
    for turn in range(SAID):
        for number in range(HOMES):
            for grid in GRIDS:
                name, then = f"{grid}-{number}", at + turn * 1_000 + number
                pir = Home(at=then, sensor=Sensor.PIR, value=float(turn % 2), room="hall")
                said.append(Said(grid, "home", f"pir-{name}", turn + 1, pir))
                if turn == 1:
                    sos = Home(at=then, sensor=Sensor.SOS, value=1.0, room="hall")
                    said.append(Said(grid, "home", f"sos-{name}", 1, sos))
    return said


@contextmanager
def town(folder: Path, names: tuple[str, ...]) -> Iterator[tuple[system.Plan, Supervisor]]:
    """Run a system of so many flows, its registry loaded."""
    plan = system.Plan(
        data=folder / "data", community=COMMUNITY, grids=GRIDS, flows=names,
        broker_port=system.free_port(), epoch_s=0.3,
    )  # fmt: skip
    if len(names) > 1:
        flows.change(plan.data, lambda known: dealt(known, names, GRIDS))
    supervisor = Supervisor(folder / "logs")
    records = setting(dict.fromkeys(GRIDS, 480))
    for grid in GRIDS:
        for number in range(HOMES):
            name = f"{grid}-{number}"
            rooms = {f"pir-{name}": "hall", f"sos-{name}": "hall"}
            records += home(name, grid, sensors=rooms, heartbeat_s=600)
    try:
        system.start(supervisor, plan)
        loaded, of = publish(records, broker=plan.broker, community=COMMUNITY, timeout_s=60)
        assert loaded == of
        yield plan, supervisor
    finally:
        supervisor.close()


def kept(plan: system.Plan, supervisor: Supervisor, said: list[Said]) -> dict[str, str]:
    """Wait until all that was said is in the store, once; return the hashes of its incidents."""
    store = StoreClient(plan.data / "store.sock")
    devices = {one.device for one in said}
    ids: list[str] = []
    deadline = time.monotonic() + 120
    while len(set(ids)) < len(said) and time.monotonic() < deadline:
        supervisor.look()
        time.sleep(0.2)
        try:
            found = [one.value for one in every(store, "observations", Filter())]
        except StoreError:
            continue
        ids = [one.id for one in found if one.device in devices]
    assert len(ids) == len(set(ids)) == len(said)
    # What was sent again, because its acknowledgement was killed, is named as what it is.
    assert {*store.counts()["deadletters"]} <= {"duplicate"}
    hashes = hashed(store)
    store.close()
    return hashes


def hashed(store: Store) -> dict[str, str]:
    """Return a hash of each grid's incidents, without what depends on when a message came."""
    told: dict[str, list[object]] = {grid: [] for grid in GRIDS}
    for one in every(store, "incidents", Filter()):
        value = one.value
        assert isinstance(value, Incident)
        told[value.grid].append(
            (value.id, value.kind, value.subject, value.at, value.hazards, value.evidence)
        )
    assert all(len(incidents) == HOMES for incidents in told.values()), told
    return {
        grid: hashlib.sha256(msgspec.json.encode(sorted(found))).hexdigest()
        for grid, found in told.items()
    }


def replay(data: Path, out: Path) -> dict[str, str]:
    """Tell it all anew, from the journals alone, and return the hashes."""
    shutil.rmtree(data / "moves")
    command = (sys.executable, "-m", "weinao.cli.main", "replay", str(data), "--out", str(out))
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    store = DuckDBStore(out / "store.duckdb", read_only=True)
    hashes = hashed(store)
    store.close()
    return hashes


class Mover:
    """Moves grids, and is killed like everybody else; it asks again until it is done."""

    def __init__(self, data: Path, moves: list[tuple[str, str]]) -> None:
        self._data, self._moves = data, moves
        self.process: subprocess.Popen[bytes] | None = None

    def turn(self) -> bool:
        """Go on; False once there is nothing more to move."""
        if self.process is not None and self.process.poll() == 0:
            self._moves.pop(0)
            self.process = None
        elif self.process is not None and self.process.poll() is not None:
            self.process = None
        if not self._moves:
            return False
        if self.process is None:
            grid, to = self._moves[0]
            command = ("flow", "move", grid, "--to", to, "--data", str(self._data))
            self.process = subprocess.Popen(
                [sys.executable, "-m", "weinao.cli.main", *command], cwd=ROOT,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        return True


def killing(
    supervisor: Supervisor, mover: Mover, rng: random.Random, kills: int
) -> Callable[[], bool]:
    """Return what kills now and then, as long as something moves, and says whether it does."""
    victims = ("ingest", "flow", "ingest-2", "flow-2", "mover")
    left, next_at = kills, time.monotonic() + 1.5

    def turn() -> bool:
        nonlocal left, next_at
        supervisor.look()
        moving = mover.turn()
        if left and time.monotonic() > next_at:
            victim = rng.choice(victims)
            pid = mover.process.pid if victim == "mover" and mover.process else None
            pid = pid or supervisor.pid(victim)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                left -= 1
            next_at = time.monotonic() + rng.uniform(0.1, 0.8)
        return moving

    return turn


@pytest.mark.parametrize("seed", [1, 2])
def test_two_flows_with_moves_and_kills_conclude_what_one_flow_does(
    tmp_path: Path, seed: int
) -> None:
    said = story(now_ms())
    with town(tmp_path / "one", ("1",)) as (plan, supervisor):
        senders = Senders(plan.broker_port, COMMUNITY)
        senders.deliver(said, supervisor.look, every_s=0.005, timeout_s=120)
        senders.close()
        expected = kept(plan, supervisor, said)

    with town(tmp_path / "two", ("1", "2")) as (plan, supervisor):
        before = flows.stays_of(plan.data)
        senders = Senders(plan.broker_port, COMMUNITY)
        mover = Mover(plan.data, [("grid-1", "2"), ("grid-2", "1"), ("grid-1", "1")])
        turn = killing(supervisor, mover, random.Random(seed), kills=8)
        senders.deliver(said, turn, every_s=0.1, timeout_s=240)
        deadline = time.monotonic() + 240
        while turn() and time.monotonic() < deadline:
            time.sleep(0.05)
        senders.close()
        found = kept(plan, supervisor, said)
        after = flows.stays_of(plan.data)
    replayed = replay(plan.data, tmp_path / "replayed")

    assert found == expected == replayed
    assert before.living_in("1") == {"grid-1", "grid-3"}
    assert before.living_in("2") == {"grid-2", "grid-4"}
    assert after.of("grid-1") == ("1", "2", "1")
    assert after.of("grid-2") == ("2", "1")
    assert json.loads((plan.data / "flows.json").read_text())["grids"]["grid-4"] == ["2"]
