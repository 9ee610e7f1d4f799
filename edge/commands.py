"""Commands that come down, and the receipts that go up for them. Every command gets an answer."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from edge import metrics
from weinao.messages import Receipt
from weinao.outcomes import Command

ANSWERED_MAX = 1_000
"""Commands remembered, so that one that comes twice is done once; beyond it the oldest go."""

DETAIL_CHARS_MAX = 500
"""Of what broke while a command was carried out; the rest is cut off."""


class Commands:
    """Does what an agent can do when told.

    Args:
        able: What it can do itself, by the command's word.
        now: Milliseconds UTC.
        devices: How to tell each device behind it what to do: takes the command's word, returns
            why it was not done, or nothing.
    """

    def __init__(
        self,
        able: Mapping[str, Callable[[], None]],
        now: Callable[[], int],
        devices: Mapping[str, Callable[[str], Awaitable[str]]] | None = None,
    ) -> None:
        self._able, self._now, self._devices = able, now, devices or {}
        self._answered: OrderedDict[str, None] = OrderedDict()

    async def take(self, command: Command) -> Receipt | None:
        """Carry a command out, and return the answer; None if it was answered before."""
        if command.id in self._answered:
            return None
        self._answered[command.id] = None
        if len(self._answered) > ANSWERED_MAX:
            self._answered.popitem(last=False)
        detail = self._refusal(command) or await self._done(command)
        metrics.COMMANDS.labels(str(not detail).lower()).inc()
        return Receipt(at=self._now(), command=command.id, ok=not detail, detail=detail)

    async def _done(self, command: Command) -> str:
        """Carry a command out; return why it could not be, or nothing.

        Whatever breaks on the way is an answer, too: who waits for one would take silence for a
        device that is slow.
        """
        try:
            if command.target:
                return await self._devices[command.target](command.do)
            self._able[command.do]()
        except Exception as error:  # noqa: BLE001  # an actuator may raise anything
            return f"failed: {type(error).__name__}: {error}"[:DETAIL_CHARS_MAX]
        return ""

    def _refusal(self, command: Command) -> str:
        late_ms = self._now() - command.expires_at
        if late_ms > 0:
            return f"expired {late_ms} ms ago"
        if command.target:
            known = ", ".join(sorted(self._devices)) or "none"
            unknown = f"no device {command.target[:100]} here that can be told; there are: {known}"
            return "" if command.target in self._devices else unknown
        if command.do not in self._able:
            known = ", ".join(sorted(self._able))
            return f"cannot {command.do[:100]}; this agent can: {known}"
        return ""
