"""`weinao score`: what the brain made of a simulated community, against its truth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from sim.score import Score, missed, unexplained
from sim.score import score as score_of
from sim.verdict import Noticed
from sim.world.truth import Fact, Sent
from weinao.outcomes import Hazard, Incident, Notice, Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinks.store import Store


def score(
    *,
    truth: Path,
    json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    why: Annotated[bool, Parameter(name="--why", negative="")] = False,
) -> None:
    """Score a simulated community.

    Args:
        truth: Folder that `weinao sim run` wrote.
        json: Print JSON.
        why: Name what was missed, and what was false, as well.
    """
    from sinks.duckdb_store import DuckDBStore

    facts, sent = _read_truth(truth / "truth.jsonl")
    store = DuckDBStore(truth / "store.duckdb")
    noticed = [
        Noticed(value, outcome.received_at)
        for outcome in _all(store, "hazards")
        if isinstance(value := outcome.value, Hazard)
    ]
    incidents = [
        value for one in _all(store, "incidents") if isinstance(value := one.value, Incident)
    ]
    notices = (value for one in _all(store, "notices") if isinstance(value := one.value, Notice))
    lost, repeated = _deliveries(store, sent)
    found = score_of(
        facts=facts,
        home_days=sent.home_days,
        noticed=noticed,
        incidents=incidents,
        notices=notices,
        lost=lost,
        repeated=repeated,
    )
    store.close()
    if json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())  # noqa: T201  # asked for
    else:
        _show(found)
    if why:
        _explain(facts, noticed, incidents)


def _read_truth(path: Path) -> tuple[list[Fact], Sent]:
    lines = [msgspec.json.decode(line, type=Fact | Sent) for line in path.read_bytes().splitlines()]
    sent = next(line for line in lines if isinstance(line, Sent))
    return [line for line in lines if isinstance(line, Fact)], sent


def _all(store: "Store", table: str) -> "Iterator[Outcome]":
    from sinks.store import Filter, every

    return every(store, table, Filter())


def _deliveries(store: "Store", sent: Sent) -> tuple[int, int]:
    """Return how many observations were lost, and how many stand twice."""
    counts = store.counts()
    kept = sum(counts["observations"].values())
    distinct = counts["distinct"]["observations"]
    named = sum(
        count
        for reason, count in counts.get("deadletters", {}).items()
        if reason != Reason.DUPLICATE
    )
    return sent.observations - distinct - named, kept - distinct


def _show(found: Score) -> None:
    console = Console()
    table = Table(
        "kind", "expected", "found", "recall", "false", "precision", "p50 s", "p95 s", "≤ s"
    )
    for kind, one in found.by_kind.items():
        cells = (
            one.expected, one.found, one.recall, one.false, one.precision, one.delay_s_p50,
            one.delay_s_p95, one.delay_s_max_allowed,
        )  # fmt: skip
        table.add_row(kind, *("" if cell is None else f"{cell:g}" for cell in cells))
    console.print(table)
    for name in Score.__struct_fields__:
        if name != "by_kind":
            console.print(f"{name}: {getattr(found, name)}")


def _explain(facts: list[Fact], noticed: list[Noticed], incidents: list[Incident]) -> None:
    console = Console(stderr=True)
    for fact in missed(facts, noticed, incidents):
        console.print(f"missed {fact.happening} {fact.about} at {fact.at}")
    for one in unexplained(facts, noticed, incidents):
        console.print(f"false {one.kind} {one.subject} at {one.at} {one.reason} {one.facts}")
