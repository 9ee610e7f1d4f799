"""Commands that come down, and the receipts that go up for them. Every command gets an answer."""

from collections import OrderedDict
from collections.abc import Callable, Mapping

from edge import metrics
from weinao.messages import Receipt
from weinao.outcomes import Command

ANSWERED_MAX = 1_000
"""Commands remembered, so that one that comes twice is done once; beyond it the oldest go."""


class Commands:
    """Does what an agent can do when told.

    Args:
        able: What it can do, by the command's word.
        now: Milliseconds UTC.
    """

    def __init__(self, able: Mapping[str, Callable[[], None]], now: Callable[[], int]) -> None:
        self._able, self._now = able, now
        self._answered: OrderedDict[str, None] = OrderedDict()

    def take(self, command: Command) -> Receipt | None:
        """Carry a command out, and return the answer; None if it was answered before."""
        if command.id in self._answered:
            return None
        self._answered[command.id] = None
        if len(self._answered) > ANSWERED_MAX:
            self._answered.popitem(last=False)
        detail = self._refusal(command)
        if not detail:
            self._able[command.do]()
        metrics.COMMANDS.labels(str(not detail).lower()).inc()
        return Receipt(at=self._now(), command=command.id, ok=not detail, detail=detail)

    def _refusal(self, command: Command) -> str:
        late_ms = self._now() - command.expires_at
        if late_ms > 0:
            return f"expired {late_ms} ms ago"
        if command.do not in self._able:
            known = ", ".join(sorted(self._able))
            return f"cannot {command.do[:100]}; this agent can: {known}"
        return ""
