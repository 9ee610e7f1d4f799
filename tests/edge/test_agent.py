"""The whole agent, as a process that is killed and started again."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.edge.broker import RealBroker
from tests.edge.journal import SmallJournal
from tests.edge.process import AgentProcess
from weinao.messages import Home, Pack, Receipt, Status

pytestmark = pytest.mark.service

Connect = Callable[[], SmallJournal]

HOME = """
[[device]]
id = "pir-1"
driver = "simulated"
kind = "pir"
every_s = 0.1

[[device]]
id = "smoke-1"
driver = "simulated"
kind = "smoke"
subject = "home-1"

[[device]]
id = "sos-1"
driver = "simulated"
kind = "sos"

[[happening]]
at_s = 1
kind = "smoke"
lasts_s = 1

[[happening]]
at_s = 1.5
kind = "sos"
"""


def _until(met: Callable[[], bool], timeout_s: float = 60) -> None:
    ends = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < ends, f"not met within {timeout_s} s"
        time.sleep(0.05)


def told(agent: AgentProcess) -> set[tuple[object, object, object]]:
    return {(one["device"], one["boot"], one["seq"]) for one in agent.truth()}


def _alarms(packs: list[Pack]) -> list[Pack]:
    return [
        pack
        for pack in packs
        if isinstance(pack.obs[0], Home) and pack.device != "pir-1" and pack.obs[0].value
    ]


def test_killed_in_an_outage_and_started_again_it_loses_nothing_and_repeats_no_happening(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    broker.kill()
    agent = AgentProcess(tmp_path, broker.port, HOME)
    try:
        for round_ in range(1, 4):
            agent.start()
            _until(lambda enough=8 * round_: len(agent.issued()) >= enough)
            _until(lambda times=round_: agent.log().count("peer.lost") == times)
            agent.kill()
        broker.start()
        kept = journal()
        agent.start()
        _until(lambda: len(agent.truth()) == 2)
        _until(lambda: len({boot for _, boot, _ in kept.distinct()}) == 4)
        code = agent.terminate()
        agent.start()
        _until(lambda: len(agent.waiting()) <= 1)
    finally:
        agent.terminate()

    assert code == 0
    assert agent.issued() - agent.waiting() <= kept.distinct()
    assert len(agent.waiting()) < 5
    assert {one["kind"]: one["seq"] > 0 for one in agent.truth()} == {"smoke": True, "sos": True}
    assert told(agent) == {(pack.device, pack.boot, pack.seq) for pack in _alarms(kept.packs)}
    assert agent.log().count("peer.lost") == 3


def test_after_an_outage_alarms_come_first(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    broker.kill()
    agent = AgentProcess(tmp_path, broker.port, HOME)
    try:
        agent.start()
        _until(lambda: len(agent.truth()) == 2)
        _until(lambda: told(agent) <= agent.waiting())
        agent.send(signal.SIGSTOP)  # until there is somebody to hear it
        broker.start()
        kept = journal()
        agent.send(signal.SIGCONT)
        kept.wait_for(lambda packs: len(packs) > 15)
    finally:
        agent.send(signal.SIGCONT)
        agent.terminate()

    assert [pack.device for pack in kept.packs[:2]] == ["smoke-1", "sos-1"]


def test_an_agent_that_is_ended_sends_what_it_has_sensed_first(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    kept = journal()
    agent = AgentProcess(tmp_path, broker.port, HOME, resend_s=0.3)
    try:
        agent.start()
        kept.wait_for(lambda packs: len(packs) > 5)
        kept.withhold = True
        _until(lambda: len(agent.waiting()) > 5)
        agent.send(signal.SIGTERM)
        kept.withhold = False
        code = agent.terminate()
    finally:
        agent.terminate()

    assert code == 0
    assert {device for device, _, _ in agent.waiting()} <= {"agent-1"}  # its heartbeats


def test_heartbeats_promise_only_what_the_journal_has(
    tmp_path: Path, broker: RealBroker, journal: Connect
) -> None:
    kept = journal()
    kept.withhold = True
    agent = AgentProcess(tmp_path, broker.port, HOME)

    def promises() -> list[int]:
        return [
            seen.complete_to
            for pack in list(kept.packs)
            for seen in pack.obs
            if isinstance(seen, Status)
        ]

    try:
        agent.start()
        kept.wait_for(lambda packs: len(packs) > 12)
        _until(lambda: len(promises()) > 0)
        oldest = min(o.at for p in kept.packs for o in p.obs if not isinstance(o, Status))
        assert max(promises()) <= oldest
        held_back = promises()[-1]
        kept.withhold = False
        _until(lambda: promises()[-1] > oldest)
    finally:
        agent.terminate()

    assert held_back <= oldest


def test_every_command_gets_a_receipt(tmp_path: Path, broker: RealBroker, journal: Connect) -> None:
    kept = journal()
    agent = AgentProcess(tmp_path, broker.port, HOME)
    far = 4_000_000_000_000
    try:
        agent.start()
        kept.wait_for(lambda packs: len(packs) > 3)
        for name, do, expires_at in (("c1", "heartbeat", far), ("c2", "fly", far), ("c3", "x", 1)):
            for _ in range(2):
                kept.command(
                    "agent-1", id=name, device="agent-1", do=do, incident="i", at=1,
                    expires_at=expires_at,
                )  # fmt: skip
        kept.wait_for(lambda packs: len(_receipts(packs)) >= 3)
    finally:
        agent.terminate()

    receipts = {one.command: one for one in _receipts(kept.packs)}
    assert {name: one.ok for name, one in receipts.items()} == {
        "c1": True,
        "c2": False,
        "c3": False,
    }
    assert receipts["c2"].detail == "cannot fly; this agent can: heartbeat, resend"
    assert Counter(one.command for one in _receipts(kept.packs)) == Counter(["c1", "c2", "c3"])


def _receipts(packs: list[Pack]) -> list[Receipt]:
    distinct = {(pack.device, pack.boot, pack.seq): pack for pack in packs}
    return [seen for pack in distinct.values() for seen in pack.obs if isinstance(seen, Receipt)]
