"""How much memory the agent holds, in operation; `docs/memory.md` says how it is measured."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.edge.broker import RealBroker
from tests.edge.journal import SmallJournal
from tests.edge.process import AgentProcess
from weinao.messages import Motion

pytestmark = [pytest.mark.service, pytest.mark.slow]

MB = 1_000_000
RESIDENT_MAX = 60 * MB

BUSY_HOME = """
[[device]]
id = "watch-1"
driver = "simulated"
kind = "wrist"

[[device]]
id = "pir-1"
driver = "simulated"
kind = "pir"
every_s = 0.1

[[happening]]
at_s = 3
kind = "fall"
"""


def _largest_resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    [peak_kib] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(peak_kib) * 1_024


def test_an_agent_with_a_wearable_stays_small_through_an_outage_and_a_fall(
    tmp_path: Path, broker: RealBroker, journal: Callable[[], SmallJournal]
) -> None:
    broker.kill()
    agent = AgentProcess(tmp_path, broker.port, BUSY_HOME)
    try:
        agent.start()
        time.sleep(3)
        broker.start()
        kept = journal()
        kept.wait_for(
            lambda packs: any(isinstance(seen, Motion) for pack in packs for seen in pack.obs)
        )
        peak = _largest_resident(agent.pid)
    finally:
        agent.terminate()

    assert peak <= RESIDENT_MAX, f"{peak / MB:.1f} MB"
