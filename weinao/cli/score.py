"""`weinao score`: what the brain made of a simulated community, against its truth."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter
from rich.table import Table

from sim.score import Score, missed, unexplained
from sim.score import score as score_of
from sim.verdict import Noticed
from sim.world.truth import Fact, Sent
from weinao import logging
from weinao.catalogue import Language
from weinao.cli import showing
from weinao.cli.canvas import NoPictureError
from weinao.cli.score_picture import draw_score, in_order, share, too_late
from weinao.outcomes import Hazard, Incident, Notice, Outcome, Reason
from weinao.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinks.store import Store


def score(
    *,
    truth: Path,
    json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    why: Annotated[bool, Parameter(name="--why", negative="")] = False,
    png: Annotated[Path | None, Parameter(name="--png")] = None,
    lang: Language = "zh",
) -> None:
    """Score a simulated community.

    Args:
        truth: Folder that `weinao sim run` wrote.
        json: Print JSON.
        why: Name what was missed, and what was false, as well.
        png: Also draw it into this file (needs the extra `report`).
        lang: Language of the table and the picture.
    """
    from sinks.duckdb_store import DuckDBStore
    from sinks.store import StoreError

    facts, sent = _read_truth(truth / "truth.jsonl")
    try:
        store = DuckDBStore(truth / "store.duckdb", read_only=True)
    except StoreError as error:
        sys.exit(f"weinao score: {error}")
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
    if png is not None:
        logging.configure(level="warning")
        try:
            draw_score(found, lang, png)
        except NoPictureError as error:
            sys.exit(f"weinao score: {error}")
    if json:
        showing.write_json(found)
    else:
        _show(found, lang)
    if why:
        _explain(facts, noticed, incidents)


def _read_truth(path: Path) -> tuple[list[Fact], Sent]:
    text = path.read_bytes()
    try:
        lines = [msgspec.json.decode(line, type=Fact | Sent) for line in text.splitlines()]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        sys.exit(f"weinao score: {path}: not as `weinao sim run` writes it: {error}")
    sent = [line for line in lines if isinstance(line, Sent)]
    if not sent:
        sys.exit(f"weinao score: {path}: it has no end; run `weinao sim run` again")
    return [line for line in lines if isinstance(line, Fact)], sent[0]


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


def _show(found: Score, lang: Language) -> None:
    voice = Voice(lang, ())
    # A file or a pipe has no width; wide enough that no number is cut.
    console = showing.console(160)
    table = Table(title=voice.say("score", "title"))
    for name in _COLUMNS:
        table.add_column(voice.say("score", name), justify="left" if name == "kind" else "right")
    for kind, one in in_order(found):
        bad = one.found < one.expected or one.false or too_late(one)
        table.add_row(
            voice.words.say("hazard", kind),
            str(one.expected),
            str(one.found),
            share(one.recall),
            str(one.false),
            share(one.precision),
            *(_span(s, voice) for s in (one.delay_s_p50, one.delay_s_p95, one.delay_s_max_allowed)),
            style="red" if bad else "",
        )
    console.print(table)
    for line in _sentences(found, voice):
        console.print(line)


_COLUMNS = ("kind", "expected", "found", "recall", "false", "precision", "p50", "p95", "bound")


def _span(seconds: float | None, voice: Voice) -> str:
    return "–" if seconds is None else voice.span(round(seconds * 1_000))


def _sentences(found: Score, voice: Voice) -> "Iterator[str]":
    expected = sum(one.expected for one in found.by_kind.values())
    noticed = sum(one.found for one in found.by_kind.values())
    late = [voice.words.say("hazard", kind) for kind, one in in_order(found) if too_late(one)]
    delay = voice.say("score", "not_in_time" if late else "in_time", kinds=voice.listed(late))
    if noticed < expected:
        yield voice.say("score", "missed", missed=expected - noticed, expected=expected)
    else:
        recall = share(found.acute_recall)
        yield voice.say("score", "all_found", recall=recall, expected=expected, delay=delay)
    false = sum(one.false for one in found.by_kind.values())
    per_day = f"{found.false_acute_per_home_day:g}"
    yield voice.say("score", "false_alarms", false=false, per_day=per_day)
    yield voice.say(
        "score",
        "account",
        lost=found.lost,
        twice=found.duplicated,
        open=found.open_without_deadline,
        told=found.notices_per_person_step_max,
    )
    yield voice.say("score", "answered", answered=share(found.within_deadline_share))


def _explain(facts: list[Fact], noticed: list[Noticed], incidents: list[Incident]) -> None:
    console = showing.console(stderr=True)
    for fact in missed(facts, noticed, incidents):
        console.print(f"missed {fact.happening} {fact.about} at {fact.at}")
    for one in unexplained(facts, noticed, incidents):
        console.print(f"false {one.kind} {one.subject} at {one.at} {one.reason} {one.facts}")
