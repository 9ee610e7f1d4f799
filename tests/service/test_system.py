"""The whole system, as real programs on loopback: nothing lost, nothing twice, the same again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.journal import JournalReader
from sim.people import Manner, always
from tests.conftest import ROOT
from weinao import topics
from weinao.cli.rehearsal import Rehearsal
from weinao.cli.stage import Happening, Home, Stage
from weinao.clock import now_ms
from weinao.topics import Way

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(900)]


def weinao(*arguments: object, code: int = 0) -> str:
    """Run the command and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "weinao.cli.main", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=880,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_killing_programs_loses_nothing_and_every_runner_concludes_the_same(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "chaos"

    figures = json.loads(weinao("chaos", "--rounds", 8, "--seed", 3, "--folder", folder, "--json"))

    assert figures["sent"] == figures["stored"] > 0
    assert figures["incidents_found"] == figures["incidents_expected"] > 0
    assert figures["lost"] == figures["duplicated"] == figures["incidents_duplicated"] == 0

    # The same journal under every runner, the recovery store left behind.
    live = weinao("incidents", "--data", folder / "data", "--json")
    for number, runner in enumerate([("plain", 1), ("bytewax", 1), ("bytewax", 2)]):
        out = tmp_path / f"replay-{number}"
        weinao("replay", folder, "--out", out, "--runner", runner[0], "--workers", runner[1])
        assert weinao("incidents", "--data", out, "--json") == live


def test_the_demo_ends_by_itself_with_everything_accounted_for(tmp_path: Path) -> None:
    nothing = tmp_path / "no-recordings"

    printed = weinao(
        "demo", "--minutes", 2, "--folder", tmp_path / "demo", "--recordings", nothing,
        "--lang", "en",
    )  # fmt: skip

    rows = [line.split("│") for line in printed.splitlines() if line.startswith("│")]
    table = {row[1].strip(): [cell.strip() for cell in row[2:4]] for row in rows}
    assert table["lost"] == ["0", "0"]
    assert table["counted twice"] == ["0", "0"]
    assert table["missed"] == ["0", "0"]
    for kind in ("call for help", "smoke", "gas leak", "fall", "gateway silent", "water leak"):
        expected, found = table[kind]
        assert expected == found != "0", printed


def test_bad_messages_all_become_dead_letters_and_the_flow_goes_on(tmp_path: Path) -> None:
    figures = json.loads(
        weinao("fuzz", "--messages", 10_000, "--folder", tmp_path / "fuzz", "--json")
    )

    assert figures["dead_letters"] == 10_000
    assert figures["flow_survived"]


def test_an_agent_whose_broker_was_away_delivers_everything_alarms_first(tmp_path: Path) -> None:
    home = Home(
        name="301",
        about="cut off from the start",
        sensors=(
            ("pir-301", "pir", "bedroom"),
            ("thermo-301", "temperature", "bedroom"),
            ("sos-301", "sos", "bedroom"),
        ),
        happenings=(Happening(12, "sos", "sos-301"),),
    )
    stage = Stage(tmp_path, [home], epoch=now_ms(), heartbeat_s=4, seed=1)
    rehearsal = Rehearsal(stage, tmp_path, runner="plain", seed=1, moods=always(Manner()))
    try:
        rehearsal.open()
        rehearsal.supervisor.stop("broker")
        rehearsal.enter(home)
        # Long enough to call for help after other things were sensed, however late it began.
        began, waited = time.monotonic(), 0
        while time.monotonic() - began < 18 or not stage.expected() or waited <= 3:
            assert time.monotonic() - began < 180
            rehearsal.turn()
            if stage.expected():
                waited = stage.waiting(stage.issued())
        [broker, *_] = [p for p in rehearsal.programs() if p.name == "broker"]
        # What reaches a broker that ingest is not back at reaches nobody: the agent waits for it.
        agent = rehearsal.supervisor.pid(home.agent)
        assert agent is not None
        os.kill(agent, signal.SIGSTOP)
        rehearsal.supervisor.start(broker)
        while "peer.restored" not in rehearsal.supervisor.log("ingest"):
            rehearsal.turn()
        os.kill(agent, signal.SIGCONT)
        assert rehearsal.drained(120) is None
        verdict = rehearsal.account([])
    finally:
        rehearsal.close()

    assert waited > 3
    assert verdict.sound
    assert verdict.found == len(verdict.findings) == 1
    assert _first_sensed(rehearsal.plan.data / "journal") == "sos-301"


def test_a_flow_that_stands_still_is_waited_for_and_nothing_taken_for_lost(tmp_path: Path) -> None:
    home = Home(
        name="301",
        about="calls for help",
        sensors=(("sos-301", "sos", "bedroom"),),
        happenings=(Happening(3, "sos", "sos-301"),),
    )
    stage = Stage(tmp_path, [home], epoch=now_ms(), heartbeat_s=4, seed=1)
    rehearsal = Rehearsal(stage, tmp_path, runner="plain", seed=1, moods=always(Manner()))
    try:
        rehearsal.open()
        flow = rehearsal.supervisor.pid("flow")
        assert flow is not None
        os.kill(flow, signal.SIGSTOP)
        rehearsal.enter(home)
        while not stage.expected():
            rehearsal.turn()
        again = threading.Timer(12, os.kill, (flow, signal.SIGCONT))
        again.start()
        missing = rehearsal.drained(120)
        again.join()
        verdict = rehearsal.account([])
    finally:
        rehearsal.close()

    assert missing is None
    assert verdict.sound
    assert verdict.found == len(verdict.findings) == 1


def test_a_fall_is_played_live_and_answered(tmp_path: Path) -> None:
    # Noticed within a minute, says the story: one second here, from an agent to the brain.
    shipped = (ROOT / "configs" / "scenarios" / "fall.toml").read_text(encoding="utf-8")
    story = tmp_path / "fall.toml"
    story.write_text(shipped.replace("lasts_s = 7_200", "lasts_s = 3_600"), encoding="utf-8")

    figures = _played(story, tmp_path, speed=60)

    assert figures["sent"] == figures["stored"] > 100
    assert figures["lost"] == figures["twice"] == 0
    assert figures["performed"]["complete"]
    assert all(one["held"] for one in figures["verdicts"])


def test_a_fall_during_an_outage_is_played_live_and_nothing_is_lost(tmp_path: Path) -> None:
    story = tmp_path / "outage.toml"
    story.write_text(OUTAGE, encoding="utf-8")

    figures = _played(story, tmp_path, speed=30)

    assert figures["sent"] == figures["stored"] > 50
    assert figures["lost"] == figures["twice"] == 0
    assert [left_out.partition(":")[0] for left_out in figures["not_live"]] == ["duplicate"]
    assert len(figures["verdicts"]) == 4
    assert all(one["held"] for one in figures["verdicts"])


def _played(scenario: object, folder: Path, *, speed: int) -> dict[str, Any]:
    printed = weinao("sim", "play", scenario, "--speed", speed, "--out", folder / "play", "--json")
    figures: dict[str, Any] = json.loads(printed)
    return figures


OUTAGE = """
title = "A fall while the uplink is down; next door an agent dies and comes back"
seed = 3
starts_at = 2026-03-02T09:00:00+08:00
lasts_s = 2_700
[[home]]
id = "home-1"
people = ["elder"]
[[home]]
id = "home-2"
people = ["elder"]
[[happening]]
at_s = 900
kind = "falls"
subject = "resident-1"
[[fault]]
from_s = 600
until_s = 1_800
kind = "uplink_down"
target = "home-1"
[[fault]]
from_s = 600
until_s = 1_900
kind = "agent_dies"
target = "home-2"
[[fault]]
from_s = 0
until_s = 2_700
kind = "duplicate"
target = "all"
share = 0.5
[[expect]]                   # dated by when it was, told as soon as it could be
hazard = "fall"
subject = "resident-1"
between_s = [900, 901]
noticed_s = 1_900
[[expect]]
incident = "fall"
subject = "resident-1"
count = 1
[[expect]]
incident = "agent_silent"
count = 2
[[never]]
incident = "inactivity"
"""


def _first_sensed(journal: Path) -> str:
    """Return the device of the first observation in a journal that is no heartbeat."""
    reader = JournalReader(journal)
    records = reader.read(100_000)
    parsed = [topic for record in records if (topic := topics.parse(record.topic)) is not None]
    sensed = [topic for topic in parsed if topic.way is Way.UP and topic.kind != "status"]
    return sensed[0].name
