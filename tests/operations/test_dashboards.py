"""What a dashboard draws is exported, can be evaluated, and is named in both languages."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operations.exported import asked, metrics
from tests.operations.promtool import promtool

FOLDER = Path(__file__).parents[2] / "configs" / "grafana"
BOARD: dict[str, Any] = json.loads((FOLDER / "weinao.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = BOARD["panels"]
DRAWN = [one for one in PANELS if one["type"] != "row"]


def test_every_panel_asks_for_what_our_programs_export() -> None:
    for panel in DRAWN:
        for target in panel["targets"]:
            names, wrong = asked(target["expr"])
            assert names - {*metrics()} == set(), panel["title"]
            assert wrong == set(), panel["title"]


def test_a_legend_names_labels_that_the_series_has() -> None:
    for panel in DRAWN:
        for target in panel["targets"]:
            told = {*re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])}
            kept = {
                label
                for group in re.findall(r"\bby \(([^)]*)\)", target["expr"])
                for label in re.findall(r"\w+", group)
            }
            assert not kept or told <= kept, panel["title"]


def test_rows_tell_the_way_of_a_danger_and_titles_both_languages() -> None:
    titles = [one["title"] for one in PANELS]

    assert len([one for one in PANELS if one["type"] == "row"]) == 8
    for title in titles:
        chinese, english = title.split(" · ") if " · " in title else title.split("· ")
        assert re.search(r"[\u4e00-\u9fff]", chinese), title
        assert re.search(r"[A-Za-z]{3}", english), title
    assert len({one["id"] for one in PANELS}) == len(PANELS)


def test_panels_lie_beside_each_other_and_ask_the_chosen_prometheus() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    [chosen] = BOARD["templating"]["list"]
    assert (chosen["type"], chosen["query"]) == ("datasource", "prometheus")
    for panel in DRAWN:
        for asks in (panel, *panel["targets"]):
            assert asks["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_what_our_programs_count_can_be_seen_somewhere() -> None:
    """Every alert has a panel that draws what it is about."""
    rules = yaml.safe_load((FOLDER.parent / "prometheus" / "alerts.yml").read_text("utf-8"))
    drawn = {
        name for one in DRAWN for target in one["targets"] for name in asked(target["expr"])[0]
    }
    about = {
        name
        for group in rules["groups"]
        for rule in group["rules"]
        for name in asked(rule["expr"])[0]
    }

    unseen = about - drawn

    assert {re.sub(r"_total$", "", one) for one in unseen} <= UNDRAWN


UNDRAWN = {
    "weinao_ingest_commits_failed", "weinao_bridge_commits_failed", "weinao_sinks_batches",
    "weinao_ingest_readers_passed_over", "weinao_pipeline_journal_offset_bytes",
    "weinao_ingest_clock_ahead_seconds",
}  # fmt: skip
"""Zero or not, or seen in what else is drawn: the alert says all there is to say."""


@pytest.mark.slow
def test_every_expression_can_be_evaluated(tmp_path: Path) -> None:
    asks = [target["expr"] for one in DRAWN for target in one["targets"]]
    rules = [
        {"record": f"panel:{n}", "expr": one.replace("$__rate_interval", "1m")}
        for n, one in enumerate(asks)
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")

    done = promtool("check", "rules", path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(asks)} rules found" in done.stdout
