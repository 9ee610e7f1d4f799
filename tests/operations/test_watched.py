"""A real system exports what the rules ask for, and while it is well, nothing rings."""

import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from sim.cast import COMMUNITY, home, setting
from tests.conftest import ROOT
from tests.edge.process import AgentProcess
from tests.operations.exported import asked
from tests.operations.promtool import promtool
from tests.service.senders import Said, Senders
from weinao.cli import system
from weinao.cli.registry import publish
from weinao.cli.supervisor import Supervisor
from weinao.clock import now_ms
from weinao.messages import Home, Sensor

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(600)]

GRID = "grid-1"
ALERTS = ROOT / "configs" / "prometheus" / "alerts.yml"
LOOK_S = 2.0
HOUR = 360
"""Looks in an hour, one every 10 s."""

NOT_OURS = "JournalSlow|NoticesNowhere"
"""How fast this disk is while others use it, and that nobody here has a channel, is no fault."""

Labels = frozenset[tuple[str, str]]
Scrape = dict[tuple[str, Labels], float]

NOT_HERE = {
    "up", "weinao_bridge_commits_failed_total", "weinao_bridge_rows_waiting_bytes",
    "weinao_sinks_waiting_bytes", "weinao_sinks_tries_total", "weinao_ingest_reader_behind_bytes",
    "weinao_sinks_rejected_total",
}  # fmt: skip
"""Of Prometheus, of a bridge, of a database on a server, of channels; and of what has not happened
yet: its label has no value so far."""


def test_a_system_that_is_well_exports_what_the_rules_ask_for_and_rings_nothing(
    tmp_path: Path,
) -> None:
    plan = system.Plan(
        data=tmp_path / "data", community=COMMUNITY, grids=(GRID,), epoch_s=0.3,
        broker_port=system.free_port(), metrics_port=system.free_port(len(system.NAMES)),
        runner="plain", portal_port=system.free_port(), lake_every_s=1.0, notify=True,
    )  # fmt: skip
    supervisor = Supervisor(tmp_path / "logs")
    agent = AgentProcess(tmp_path, plan.broker_port, "")
    try:
        system.start(supervisor, plan)
        agent.start()
        records = setting({GRID: 480})
        records += home("h-1", GRID, sensors={"sos-h-1": "hall", "pir-h-1": "hall"})
        assert publish(records, broker=plan.broker, community=COMMUNITY, timeout_s=60)[0]
        senders = Senders(plan.broker_port, COMMUNITY)
        _say(senders, supervisor, "sos-h-1", Sensor.SOS, 1)
        _until(supervisor, lambda: _unwell(f"http://127.0.0.1:{plan.portal_port}/health"))
        _until(supervisor, lambda: _restless(_scraped(plan, agent)))
        before = _scraped(plan, agent)
        began = time.monotonic()
        _say(senders, supervisor, "pir-h-1", Sensor.PIR, 1)
        _until(supervisor, lambda: [] if time.monotonic() > began + LOOK_S else ["a while"])
        # At rest again, as it was: what is just being told to people is over in a moment.
        after = before

        def moving() -> list[str]:
            nonlocal after
            after = _scraped(plan, agent)
            return _standing(before, after) + _restless(after)

        _until(supervisor, moving)
        took_s = time.monotonic() - began
        senders.close()
    finally:
        agent.kill()
        supervisor.close()

    rules = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    wanted = {name for group in rules for rule in group["rules"] for name in asked(rule["expr"])[0]}
    assert wanted - {name for name, _ in after} <= NOT_HERE
    assert after["weinao_sinks_incidents_total", _labels(program="store", kind="sos")] == 1
    assert _ringing(before, after, took_s, wanted, tmp_path) == ""
    # And the proof that this could fail: the same system, had its flow stood still.
    stood = ("weinao_pipeline_journal_offset_bytes", _labels(program="flow", flow="1"))
    standing = after | {stood: before[stood]}
    assert "FlowBehind" in _ringing(before, standing, took_s, wanted, tmp_path)


def _unwell(url: str) -> list[str]:
    """Return what the portal says against itself: on a busy machine it may wait for its store."""
    try:
        urllib.request.urlopen(url, timeout=60).close()
    except OSError as error:
        return [f"{url}: {error}"]
    return []


def _standing(before: Scrape, after: Scrape) -> list[str]:
    """Return what has not gone on between two scrapes, of what goes on with each message."""
    through = ("weinao_pipeline_journal_offset_bytes", "weinao_sinks_batches_total")
    gone_on = {
        name for (name, labels), value in after.items() if value > before.get((name, labels), 0)
    }
    return [name for name in through if name not in gone_on]


def _ringing(before: Scrape, after: Scrape, took_s: float, wanted: set[str], folder: Path) -> str:
    """Let an hour go on as it went between two scrapes; return what promtool says has rung."""
    series = [
        {"series": _named(name, labels), "values": _values(name, before, value, labels, took_s)}
        for (name, labels), value in after.items()
        if name in wanted or name == "up"
    ]
    rung = f'ALERTS{{alertname!~"{NOT_OURS}", alertstate="firing"}}'
    expr = f"count by (alertname) (count_over_time({rung}[1h]))"
    expects = [{"expr": expr, "eval_time": "1h", "exp_samples": []}]
    path = folder / "hour.yml"
    story = {"interval": "10s", "input_series": series, "promql_expr_test": expects}
    told = {"rule_files": [str(ALERTS)], "evaluation_interval": "30s", "tests": [story]}
    path.write_text(yaml.safe_dump(told), encoding="utf-8")

    done = promtool("test", "rules", path)

    return "" if done.returncode == 0 else done.stdout + done.stderr


def _values(name: str, before: Scrape, value: float, labels: Labels, took_s: float) -> str:
    step = 0.0
    if name == "weinao_lake_filled_timestamp_seconds":
        # promtool's time begins at zero; the lake was filled just before, and is so on and on.
        return f"-1+10x{HOUR}"
    if re.search(r"_(total|bucket|count|sum|offset_bytes|size_bytes)$", name):
        step = (value - before.get((name, labels), value)) / took_s * 10
    return f"{value:f}+{step:f}x{HOUR}"


def _scraped(plan: system.Plan, agent: AgentProcess) -> Scrape:
    """Return all series of a system and of an agent, labelled as prometheus.yml does."""
    assert plan.metrics_port is not None
    found: Scrape = {}
    for place, program in enumerate(system.NAMES):
        if program != "broker":
            flow = {"flow": "1"} if program in ("ingest", "flow") else {}
            told = {"job": "weinao", "program": program, **flow}
            found |= _read(plan.metrics_port + place, told)
    served = re.search(r"metrics\.served.* port=(\d+)", _plain(agent.log()))
    if served:
        found |= _read(int(served[1]), {"job": "weinao-agents", "instance": "agent-1"})
    return found


def _read(port: int, told: dict[str, str]) -> Scrape:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            text = answer.read().decode()
    except OSError:
        return {("up", frozenset(told.items())): 0.0}
    return {("up", frozenset(told.items())): 1.0} | {
        (sample.name, frozenset({**sample.labels, **told}.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _restless(seen: Scrape) -> list[str]:
    """Return what is not as it is once the call for help is kept and its notices are done with."""
    settled = {
        "weinao_sinks_unsaid_messages": 0.0, "weinao_sinks_notice_oldest_seconds": 0.0,
        "weinao_sinks_broker_connected": 1.0, "weinao_edge_broker_connected": 1.0, "up": 1.0,
    }  # fmt: skip
    begun = (
        "weinao_sinks_notices_total", "weinao_sinks_incidents_total",
        "weinao_lake_filled_timestamp_seconds", "weinao_ingest_disk_free_bytes",
        "weinao_edge_broker_connected",
    )  # fmt: skip
    found = [
        _named(name, labels)
        for (name, labels), value in seen.items()
        if value != settled.get(name, value)
    ]
    total = {name: sum(v for (known, _), v in seen.items() if known == name) for name in begun}
    return found + [name for name, value in total.items() if not value]


def _say(senders: Senders, supervisor: Supervisor, device: str, sensor: Sensor, seq: int) -> None:
    what: Any = Home(at=now_ms(), sensor=sensor, value=1.0, room="hall")
    senders.deliver(
        [Said(GRID, "home", device, seq, what)], supervisor.look, every_s=0.01, timeout_s=120
    )


def _until(
    supervisor: Supervisor, missing: Callable[[], list[str]], timeout_s: float = 120
) -> None:
    deadline = time.monotonic() + timeout_s
    while left := missing():
        assert time.monotonic() < deadline, left
        supervisor.look()
        time.sleep(0.2)


def _labels(**told: str) -> Labels:
    return frozenset({"job": "weinao", **told}.items())


def _named(name: str, labels: Labels) -> str:
    told = ", ".join(f'{key}="{value}"' for key, value in sorted(labels))
    return f"{name}{{{told}}}"


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
