"""What wakes an operator asks for what we export, says what to do, and rings when it should."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operations.exported import SCRAPED, asked, metrics
from tests.operations.promtool import promtool
from weinao.cli import system

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "configs" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]

_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(params=RULES, ids=NAMES)
def rule(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def test_a_rule_asks_for_what_our_programs_export(rule: dict[str, Any]) -> None:
    names, wrong = asked(rule["expr"])

    assert names
    assert names - {*metrics()} == set()
    assert wrong == set()


def test_a_misspelt_metric_and_a_label_that_it_lacks_are_found() -> None:
    names, wrong = asked('sum by (reader) (rate(weinao_sinks_tries_total{chanel="sms"}[5m])) > 1')

    assert names == {"weinao_sinks_tries_total"}
    assert wrong == {"weinao_sinks_tries_total{chanel}", "reader"}
    assert asked("weinao_sinks_tries > 0")[0] - {*metrics()} == {"weinao_sinks_tries"}


def test_an_alert_says_in_both_languages_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    said = rule["annotations"]
    chinese, english = said["summary"].split(" · ")
    zh, en, command = said["description"].strip().splitlines()

    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("page", "ticket")
    for text in (chinese, zh):
        assert _CHINESE.search(text)
    for text in (english, en):
        assert not _CHINESE.search(text)
        assert re.search(r"[a-z]+ [a-z]+", text)
    assert command.startswith("→ ")


def test_an_alert_names_labels_that_its_series_have(rule: dict[str, Any]) -> None:
    names, _ = asked(rule["expr"])
    have = SCRAPED.union(*(metrics()[name] for name in names)) - {"le"}
    summed = re.match(r"sum(?: by \(([^)]*)\))? ?\(", rule["expr"])
    if summed:
        have = {*re.findall(r"\w+", summed[1] or "")}

    said = "".join(rule["annotations"].values())
    assert {*re.findall(r"\$labels\.(\w+)", said)} <= have


def test_the_commands_to_run_are_ours() -> None:
    told = "\n".join(one["annotations"]["description"] for one in RULES)
    calls = {*re.findall(r"weinao ((?:[a-z]+ ?)+)([^;\n]*)", told)}
    asking = {(call.strip(), *re.findall(r"--[a-z]+", rest)) for call, rest in calls}

    assert len(asking) > 5
    for call, *options in sorted(asking):
        printed = subprocess.run(
            [sys.executable, "-m", "weinao.cli.main", *call.split(), "--help"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert f"weinao {call}" in printed
        for option in options:
            assert option in printed, f"weinao {call} {option}"


def test_the_table_of_what_to_do_has_every_alert() -> None:
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    rows = dict(re.findall(r"^\| `(\w+)` \| (page|ticket) \|", table, flags=re.MULTILINE))

    assert rows == {one["alert"]: one["labels"]["severity"] for one in RULES}


def test_prometheus_looks_where_a_system_serves() -> None:
    text = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    everything = yaml.safe_load(
        re.sub(r"^( +)# (- targets|  labels)", r"\1\2", text, flags=re.MULTILINE)
    )
    [job, _] = everything["scrape_configs"]
    looked_at = {
        target: one["labels"] for one in job["static_configs"] for target in one["targets"]
    }
    plan = system.Plan(
        data=ROOT / "run", community="demo", grids=("grid-1", "grid-2"), flows=("1", "2"),
        metrics_port=9464, portal_port=8480, lake_every_s=300.0, notify=True,
    )  # fmt: skip

    served = {}
    for program in system.programs(plan):
        name, _, flow = program.name.partition("-")
        if "--metrics-port" in program.arguments:
            port = program.arguments[program.arguments.index("--metrics-port") + 1]
            served[f"127.0.0.1:{port}"] = {"program": name} | (
                {"flow": flow or "1"} if name in ("ingest", "flow") else {}
            )
    ours = {where: said for where, said in looked_at.items() if "bridge" not in said["program"]}
    assert ours == served
    assert len(served) == 9
    assert "9471" not in str(yaml.safe_load(text)), "a lake is an extra: without it nobody is woken"


def test_prometheus_takes_the_configuration() -> None:
    done = promtool("check", "config", FOLDER / "prometheus.yml")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


def test_alerts_ring_in_time_and_no_restart_wakes_anybody() -> None:
    stories = ROOT / "tests" / "operations" / "alerts.yml"
    told = stories.read_text(encoding="utf-8")

    done = promtool("test", "rules", stories)

    assert done.returncode == 0, done.stdout + done.stderr
    assert {*re.findall(r'alertname="(\w+)"', told)} == {*NAMES}
