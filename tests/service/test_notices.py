"""Notices reach people through real programs, however the provider behaves, and the ladder goes on.

broker, ingest, store, flow and courier are processes of their own; a small HTTP server plays the
provider. Five homes report a leak at once, each with contacts whose channels have other manners.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sinks.client import StoreClient
from sinks.store import Filter
from tests.pipeline.running import COMMUNITY, GRID, ROOT, Sender
from tests.sinks.provider import Provider, provider, settings
from weinao import codec
from weinao.cli import system
from weinao.cli.explain import case_of
from weinao.cli.registry import publish
from weinao.cli.supervisor import Supervisor
from weinao.clock import now_ms
from weinao.messages import Action, Home, Pack, Sensor
from weinao.outcomes import Incident, IncidentState, Severity
from weinao.registry import (
    Building,
    Contact,
    Device,
    Grid,
    Household,
    Record,
    Resident,
)
from weinao.story import tell

pytestmark = [pytest.mark.service, pytest.mark.slow]

SECRET, ADDRESS = "s3cr3t-of-the-provider", "13900000001"
ACCEPT_S = 60
"""How long one person has to answer here: the deadline that a bad channel must not eat up. So long
that what a busy machine takes, from a provider to the brain and back, is a small part of it."""

PATIENCE_S = 180

HOMES: dict[str, tuple[tuple[str, ...], ...]] = {
    # The channels of each contact, in the order of the ladder.
    "next-channel": (("fails:first", f"works:{ADDRESS}"),),
    "fails": (("fails:lone",), ("works:after-500",)),
    "hangs": (("hangs:lone",), ("works:after-hanging",)),
    "drips": (("drips:lone",), ("works:after-dripping",)),
    "lies": (("lies:lone",), ("works:after-lying",)),
    "nobody": (("fails:all",), ("hangs:all",)),
}


def records() -> tuple[Record, ...]:
    found: list[Record] = [
        Grid(id=GRID, community=COMMUNITY),
        Building(id="b-1", grid=GRID, name="1 号楼"),
        Device(id="agent-1", agent="agent-1"),
    ]
    for home, ladder in HOMES.items():
        people = tuple(
            Contact(id=f"{home}-{n}", name=f"人{n}", channels=channels)
            for n, channels in enumerate(ladder, 1)
        )
        found += [
            Household(id=home, building="b-1", unit="301", agent="agent-1"),
            Resident(id=f"resident-{home}", name="王秀兰", household=home, contacts=people),
            Device(id=f"leak-{home}", agent="agent-1", household=home, room="kitchen"),
        ]
    return tuple(found)


@pytest.fixture
def plays() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def plan(
    tmp_path: Path, plays: Provider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[system.Plan]:  # fmt: skip
    monkeypatch.setenv("PROVIDER_SECRET", SECRET)
    channels, policy = tmp_path / "notify.toml", tmp_path / "policy.toml"
    channels.write_text(settings(plays.port, try_s_max=4.0, notice_s_max=10.0))
    # No test alarm: one home or another has its own at ten o'clock, whoever looks on.
    policy.write_text(f"[always]\ndrills = false\n[plan.leak]\naccept_s_max = {ACCEPT_S}\n")
    made = system.Plan(
        data=tmp_path / "data", community=COMMUNITY, grids=(GRID,), runner="plain",
        broker_port=system.free_port(), notify=True, channels=channels, policy=policy,
        url="http://portal.example",
    )  # fmt: skip
    supervisor = Supervisor(tmp_path / "logs")
    try:
        for program in system.programs(made):
            supervisor.start(program, timeout_s=90)
        loaded, wanted = publish(records(), broker=made.broker, community=COMMUNITY, timeout_s=60)
        assert loaded == wanted
        yield made
    finally:
        supervisor.close()


def test_whatever_a_provider_does_the_ladder_goes_on_within_its_deadline(
    plan: system.Plan, plays: Provider, tmp_path: Path
) -> None:
    with closing(StoreClient(plan.data / "store.sock")) as store:
        for home in HOMES:
            _leak(plan, home)
        _until(lambda: all(plays.reached(f"after-{how}") for how in ("500", "hanging", "dripping")))
        _until(lambda: plays.reached("after-lying"))
        _until(lambda: len(_deliveries(store)) >= 9)
        incidents = {home: _incident(store, home) for home in HOMES}
        # A channel that failed in whatever way: the next person, long before the deadline.
        for home in ("fails", "hangs", "drips"):
            first, second = _asked(incidents[home])
            assert second - first < ACCEPT_S * 1_000 / 2, home
        # One that says yes and delivers nothing: the deadline itself.
        first, second = _asked(incidents["lies"])
        assert ACCEPT_S * 1_000 <= second - first < 1.5 * ACCEPT_S * 1_000
        # The next channel of one person is the same step: nobody else was asked for that.
        assert len(_asked(incidents["next-channel"], within_s=ACCEPT_S)) == 1
        assert plays.asked_for("works/after-500") == 1
        # Where nothing reaches anybody, the ladder does not turn as fast as providers refuse.
        assert len(_asked(incidents["nobody"], within_s=ACCEPT_S)) == 2
        story = "\n".join(
            line.text
            for chapter in tell(case_of(store, incidents["fails"].id), "en").chapters
            for line in chapter.lines
        )
    entries = {one["recipient"]: one for one in _ledger(plan)}

    assert _tries(entries["next-channel-1"]) == [
        ("fails", "refused", "http_500"), ("works", "sent", "")
    ]  # fmt: skip
    assert _tries(entries["fails-1"]) == [("fails", "refused", "http_500")]
    assert _tries(entries["hangs-1"]) == [("hangs", "timeout", "")]
    assert _tries(entries["drips-1"]) == [("drips", "timeout", "")]
    assert _tries(entries["lies-1"]) == [("lies", "sent", "")]
    assert [entries[one]["state"] for one in ("fails-1", "lies-1", "fails-2")] == [
        "failed", "sent", "sent"
    ]  # fmt: skip
    assert "No channel reached 人1" in story
    assert "works took over the notice to 人2" in story
    assert SECRET not in _written(tmp_path)
    assert ADDRESS not in _logged(tmp_path)


def test_what_people_read_says_what_where_how_sure_what_to_do_and_how_to_answer(
    plan: system.Plan, plays: Provider
) -> None:
    _leak(plan, "next-channel")

    _until(lambda: plays.reached(ADDRESS))
    [text] = plays.reached(ADDRESS)

    for said in ("漏水", "王秀兰", "1 号楼 301", "把握", "关闭水阀", "http://portal.example/a/"):
        assert said in text, text


def _leak(plan: system.Plan, home: str) -> None:
    sensor = Sender(plan.broker, device=f"leak-{home}")
    at = now_ms()
    said = Home(at=at, sensor=Sensor.LEAK, value=1.0)
    pack = Pack(v=1, device=sensor.device, boot=sensor.boot, seq=1, sent=at, obs=(said,))

    def acked() -> bool:
        # Sent again until it is known to be durable, as agents do; it counts once.
        sensor.publish("home", codec.encode(pack))
        time.sleep(0.3)
        return not sensor.waiting(1)

    _until(acked)
    sensor.close()


def _incident(store: StoreClient, home: str) -> Incident:
    [found] = store.incidents(Filter(household=home))
    assert isinstance(found.value, Incident)
    assert found.value.severity < Severity.CRITICAL
    assert found.value.state in (IncidentState.DISPATCHED, IncidentState.OPEN)
    return found.value


def _asked(incident: Incident, within_s: float | None = None) -> list[int]:
    """Return when somebody was asked to act; only the first two, or what was soon enough."""
    at = [step.at for step in incident.steps if step.action is Action.DISPATCH]
    return at[:2] if within_s is None else [one for one in at if one - at[0] < within_s * 1_000]


def _deliveries(store: StoreClient) -> list[Any]:
    return store.observations(Filter(kind="delivery"))


def _ledger(plan: system.Plan) -> list[dict[str, Any]]:
    """Return the ledger's first entry about each person."""
    told = subprocess.run(
        [sys.executable, "-m", "weinao.cli.main", "notify", "ledger", "--data", str(plan.data),
         "--json", "--limit", "1000"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    found: list[dict[str, Any]] = msgspec.json.decode(told.stdout)
    first: dict[str, dict[str, Any]] = {}
    for one in found:
        first.setdefault(one["recipient"], one)
    return [*first.values()]


def _tries(entry: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["channel"], one["result"], one["detail"]) for one in entry["tries"]]


def _written(folder: Path) -> str:
    """Return everything that the programs wrote anywhere."""
    files = (one for one in folder.rglob("*") if one.is_file() and one.name != "notify.toml")
    return "\n".join(one.read_bytes().decode(errors="replace") for one in files)


def _logged(folder: Path) -> str:
    return "\n".join(one.read_text() for one in (folder / "logs").iterdir())


def _until(so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
