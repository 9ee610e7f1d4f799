"""How much memory the agent holds, in operation; `docs/memory.md` says how it is measured."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from edge.drivers.track import Header, RrLine, encode_track
from tests.edge.broker import RealBroker
from tests.edge.journal import SmallJournal
from tests.edge.process import AgentProcess
from weinao.messages import Motion, Rhythm

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

[[device]]
id = "strap-1"
driver = "replay"
track = "{track}"
mode = "ends_at_start"
speed = 0

[[happening]]
at_s = 3
kind = "fall"
"""


def _irregular_beats() -> Iterator[bytes]:
    dice, lines, t_ms = Random(3), [], 0
    for _ in range(20):
        rr_ms = tuple(round(dice.uniform(420, 1_250)) for _ in range(30))
        t_ms += sum(rr_ms)
        lines.append(RrLine(t_ms=t_ms, rr_ms=rr_ms))
    return encode_track(Header(track=1, lasts_ms=t_ms), lines)


def _largest_resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    [peak_kib] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(peak_kib) * 1_024


def test_an_agent_with_a_wearable_stays_small_through_an_outage_and_a_fall(
    tmp_path: Path, broker: RealBroker, journal: Callable[[], SmallJournal]
) -> None:
    broker.kill()
    track = tmp_path / "beats.jsonl"
    track.write_bytes(b"".join(_irregular_beats()))
    agent = AgentProcess(tmp_path, broker.port, BUSY_HOME.format(track=track))
    try:
        agent.start()
        time.sleep(3)
        broker.start()
        kept = journal()
        for kind in (Motion, Rhythm):
            kept.wait_for(
                lambda packs, kind=kind: any(
                    isinstance(seen, kind) for pack in packs for seen in pack.obs
                )
            )
        peak = _largest_resident(agent.pid)
    finally:
        agent.terminate()

    assert peak <= RESIDENT_MAX, f"{peak / MB:.1f} MB"
