"""What our programs export, and what a PromQL expression asks for.

Read from the registry of prometheus_client after importing every module that has a metric, so that
a name is known here if and only if some program can export it.
"""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

from prometheus_client import PROCESS_COLLECTOR, REGISTRY, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

ROOT = Path(__file__).parents[2]

SCRAPED = {"job", "instance", "program", "flow"}
"""Labels that `configs/prometheus/prometheus.yml` gives, and Prometheus itself."""

OF_PROMETHEUS = {"up": set[str](), "ALERTS": {"alertname", "alertstate"}}
"""What Prometheus itself says: of a target, and of what rings."""

_WORDS = {
    "and", "or", "unless", "on", "ignoring", "group_left", "group_right", "by", "without", "bool",
    "offset", "inf", "nan", "vector", "time",
}  # fmt: skip


@cache
def metrics() -> dict[str, set[str]]:
    """Return the labels of each series that our programs export, by its name."""
    for path in sorted(_with_metrics()):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = dict(OF_PROMETHEUS)
    for family in PROCESS_COLLECTOR.collect():
        found |= {one.name: set(one.labels) for one in family.samples}
    for metric in {*REGISTRY._collector_to_names}:
        if isinstance(metric, MetricWrapperBase) and metric._name.startswith("weinao_"):
            labels, name = set(metric._labelnames), metric._name
            if isinstance(metric, Histogram):
                found |= {f"{name}_bucket": labels | {"le"}}
                found |= {f"{name}_sum": labels, f"{name}_count": labels}
            else:
                found[f"{name}_total" if isinstance(metric, Counter) else name] = labels
    return found


def asked(expression: str) -> tuple[set[str], set[str]]:
    """Return the names of metrics in an expression, and what it asks of labels that none has."""
    bare = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
    known, wrong, all_labels = metrics(), set(), set(SCRAPED)
    names = set()
    for name, matchers in re.findall(
        r"([A-Za-z_:]\w*)\s*(?:\{([^}]*)\})?(?!\w)(?!\s*\()", _plain(bare)
    ):
        if name in _WORDS:
            continue
        names.add(name)
        labels = known.get(name, set()) | SCRAPED
        all_labels |= labels
        told = {one.strip() for one in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)}
        wrong |= {f"{name}{{{label}}}" for label in told - labels}
    for group in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", bare):
        wrong |= {one for one in re.findall(r"\w+", group) if one not in all_labels}
    return names, wrong


def _plain(expression: str) -> str:
    """Return an expression without what looks like a metric and is none."""
    grouped = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"
    return re.sub(r"\[[^\]]*\]|\b\d[\w.]*", " ", re.sub(grouped, " ", expression))


def _with_metrics() -> set[Path]:
    rooms = ("edge", "models", "pipeline", "portal", "sinks", "weinao")
    found = set()
    for room in rooms:
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if '"weinao_' in text and any(
                isinstance(node, ast.Constant) and str(node.value).startswith("weinao_")
                for node in ast.walk(ast.parse(text))
            ):
                found.add(path)
    return found
