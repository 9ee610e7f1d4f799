"""Incidents on a screen while they happen: a table where there is a terminal, lines elsewhere."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from sinks.store import Filter, Store, StoreError
from weinao.catalogue import Language, catalogue
from weinao.outcomes import Incident, Severity

SHOWN_MAX = 25
READ_MAX = 200
COLOURS = {
    Severity.CRITICAL: "bold red",
    Severity.MAJOR: "red",
    Severity.MINOR: "yellow",
    Severity.INFO: "white",
}


class Screen:
    """Shows the incidents of a store.

    Args:
        console: To show them on.
        store: To ask.
        lang: Language of the words.
        clock: Writes an instant, milliseconds UTC.
    """

    def __init__(
        self, console: Console, store: Store, lang: Language, clock: Callable[[int], str]
    ) -> None:
        self._console, self._store, self._words = console, store, catalogue(lang)
        self._clock = clock
        self._shown: dict[str, int] = {}

    def show(self, live: Live) -> None:
        """Show what is new."""
        if self._console.is_terminal:
            live.update(self.table())
            return
        for incident in self._incidents():
            if self._shown.get(incident.id, 0) < len(incident.steps):
                self._shown[incident.id] = len(incident.steps)
                step = incident.steps[-1]
                self._console.print(
                    f"{self._clock(step.at)}  {self._words.word(incident.kind)}"
                    f"  {incident.subject}  {self._words.word(incident.state)}  {step.actor}",
                    highlight=False,
                )

    def table(self) -> Table:
        """Return the newest incidents as a table."""
        words = self._words
        table = Table(title="weinao 微脑")
        for name in ("at", "kind", "subject", "state", "assignee", "delay", "steps"):
            table.add_column(words.say("column", name), no_wrap=name == "at")
        for incident in self._incidents()[-SHOWN_MAX:]:
            late_s = (incident.noticed_at - incident.at) / 1_000
            table.add_row(
                self._clock(incident.noticed_at),
                words.word(incident.kind),
                incident.subject,
                words.word(incident.state),
                incident.assignee,
                f"{late_s:.1f}",
                str(len(incident.steps)),
                style=COLOURS[incident.severity] if incident.due_at else "dim",
            )
        return table

    def _incidents(self) -> Sequence[Incident]:
        try:
            found = self._store.incidents(Filter(newest=True, limit=READ_MAX))
        except StoreError:
            return []
        values = [outcome.value for outcome in found if isinstance(outcome.value, Incident)]
        return sorted(values, key=lambda incident: (incident.noticed_at, incident.id))
