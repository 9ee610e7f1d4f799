"""Outcomes as tables for people: local time, colour by severity, their own language."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec import json
from rich.table import Table
from rich.text import Text

from weinao.catalogue import Catalogue
from weinao.outcomes import (
    Adjustment,
    DueVisit,
    HealthScore,
    Incident,
    IncidentState,
    Kept,
    Loss,
    Outcome,
    Phase,
    Rejected,
    Risk,
    Severity,
)

STYLES = {
    Severity.INFO: "dim",
    Severity.MINOR: "cyan",
    Severity.MAJOR: "yellow",
    Severity.CRITICAL: "bold red",
}
"""Colour by severity, while somebody has to act."""

OVER = (IncidentState.CLOSED, IncidentState.FALSE_ALARM, IncidentState.MERGED)

VALUE_CHARS_MAX = 80
"""How much of an observation or of an explanation a row shows; `--json` shows it whole."""


def incidents(found: Iterable[Outcome], words: Catalogue) -> Table:
    """Return a table of incidents."""
    table = _table(
        words,
        "incidents",
        ("at", "severity", "kind", "state", "subject", "reason", "assignee", "id", "grid"),
    )
    for outcome in found:
        if isinstance(outcome.value, Incident):
            table.add_row(*_incident(outcome.value, words))
    return table


def observations(found: Iterable[Outcome], words: Catalogue) -> Table:
    """Return a table of observations."""
    table = _table(
        words, "observations", ("at", "kind", "device", "subject", "value", "id", "grid")
    )
    for outcome in found:
        if isinstance(outcome.value, Kept):
            table.add_row(*_observation(outcome.value, words), outcome.grid)
    return table


def deadletters(found: Iterable[Outcome], words: Catalogue) -> Table:
    """Return a table of what was set aside."""
    table = _table(words, "deadletters", ("at", "reason", "device", "detail", "topic", "size"))
    for outcome in found:
        value = outcome.value
        if isinstance(value, Rejected):
            table.add_row(
                local(value.received_at),
                words.word(value.reason),
                _plain(value.device),
                _plain(value.detail),
                _plain(value.topic),
                str(value.size),
            )
    return table


def losses(found: Iterable[Outcome], words: Catalogue) -> Table:
    """Return the loss ledger as a table."""
    table = _table(
        words, "losses", ("at", "state", "device", "boot", "numbers", "reason", "grid")
    )  # fmt: skip
    for outcome in found:
        value = outcome.value
        if isinstance(value, Loss):
            table.add_row(
                local(value.at),
                Text(words.say("loss", value.state), "green" if value.state == "filled" else "red"),
                value.device,
                value.boot,
                f"{value.first}–{value.last}",
                _plain(value.reason),
                outcome.grid,
            )
    return table


def risks(found: Iterable[Outcome], words: Catalogue) -> Table:
    """Return a table of latent dangers."""
    table = _table(
        words,
        "risks",
        ("at", "kind", "state", "subject", "reason", "propose", "role", "id", "grid"),
    )
    for outcome in found:
        value = outcome.value
        if isinstance(value, Risk):
            style = "yellow" if value.phase is Phase.RAISED else "dim"
            table.add_row(
                local(value.at),
                Text(words.word(value.kind), style),
                words.word(value.phase),
                value.subject,
                _plain(words.because(value.reason, value.facts)),
                _plain(words.because(value.propose, value.facts)),
                value.role,
                value.id,
                outcome.grid,
            )
    return table


def scores(found: Iterable[Outcome], words: Catalogue) -> Table:
    """Return a table of health scores, each with the band that want of data leaves open."""
    table = _table(
        words, "scores", ("day", "subject", "score", "band", "coverage", "trend", "reason", "grid")
    )
    for outcome in found:
        value = outcome.value
        if isinstance(value, HealthScore):
            table.add_row(
                value.day,
                value.subject,
                Text(f"{value.score:.0f}", _style_of(value.score)),
                f"{value.low:.0f}–{value.high:.0f}",
                f"{value.coverage:.0%}",
                "–" if value.trend is None else f"{value.trend:+.1f}",
                _plain(words.because(value.reason, value.facts)),
                outcome.grid,
            )
    return table


def due_visits(found: Iterable[Outcome], words: Catalogue) -> Table:
    """Return a table of the homes that staff should look in on, the most pressing first."""
    table = _table(words, "due_visits", ("due_at", "household", "why", "last_at", "grid"))
    dues = [(one.value, one.grid) for one in found if isinstance(one.value, DueVisit)]
    for value, grid in sorted(dues, key=lambda it: (it[0].due_at is None, it[0].due_at)):
        table.add_row(
            "–" if value.due_at is None else local(value.due_at),
            value.household,
            ", ".join(_reason_to_visit(one, words) for one in value.why),
            "–" if value.last_at is None else local(value.last_at),
            grid,
        )
    return table


def adjustments(found: Iterable[Outcome], words: Catalogue) -> Table:
    """Return a table of what people's word about false alarms has changed."""
    table = _table(
        words,
        "adjustments",
        ("at", "rule", "subject", "threshold", "before", "after", "bound", "incident", "actor"),
    )
    for outcome in found:
        value = outcome.value
        if isinstance(value, Adjustment):
            table.add_row(
                local(value.at),
                value.rule,
                value.subject,
                value.threshold,
                f"{value.before:g}",
                f"{value.after:g}",
                f"{value.bound:g}",
                value.incident,
                value.actor,
            )
    return table


def local(at: int) -> str:
    """Return an instant as the clock on this wall shows it, or as a number if no clock could."""
    try:
        shown = datetime.fromtimestamp(at / 1_000, tz=UTC).astimezone()
    except (ValueError, OverflowError):  # it was read from a file that is damaged
        return str(at)
    return shown.strftime("%Y-%m-%d %H:%M:%S")


def _table(words: Catalogue, title: str, columns: Sequence[str]) -> Table:
    table = Table(title=words.say("table", title), header_style="bold")
    for column in columns:
        # Ids are copied and pasted: they are shown whole, or not at all.
        table.add_column(words.say("column", column), no_wrap=column in ("at", "id"))
    return table


def _reason_to_visit(why: str, words: Catalogue) -> str:
    kind, _, name = why.partition(":")
    if kind == "risk":
        return words.say("risk", name)
    return words.say("story.tag", kind, name=name)


def _incident(value: Incident, words: Catalogue) -> tuple[str | Text, ...]:
    style = "dim" if value.state in OVER else STYLES[value.severity]
    return (
        local(value.at),
        Text(words.word(value.severity), style),
        Text(words.word(value.kind), style),
        words.word(value.state),
        value.subject,
        _plain(words.because(value.reason, value.facts)),
        value.assignee,
        value.id,
        value.grid,
    )


def _observation(value: Kept, words: Catalogue) -> tuple[str | Text, ...]:
    said = value.observation
    shown = {
        name: found
        for name, found in json.decode(json.encode(said)).items()
        if found is not None and name not in ("kind", "at")
    }
    text = ", ".join(f"{name} {found}" for name, found in shown.items())
    kind = words.say("observation", str(said.__struct_config__.tag))
    return local(value.at), kind, value.device, value.subject, _plain(text), value.id


def _style_of(score: float) -> str:
    return "green" if score >= _WELL else "yellow" if score >= _POORLY else "red"


_WELL, _POORLY = 80, 60
"""Colours of a score only; what follows from one is decided by the brain."""


def _plain(text: str) -> Text:
    """Return text that came from outside, without what a terminal would obey."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return Text(shown if len(shown) <= VALUE_CHARS_MAX else shown[: VALUE_CHARS_MAX - 1] + "…")
