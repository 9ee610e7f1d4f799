"""Say once that something went away, and once that it came back."""

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger


class Outage:
    """Turn many failures of one peer into two log lines.

    Args:
        log: Already bound to what tells this peer from the others.
        peer: What may be away: `broker`, `device`, `store`.
        now: The wall clock, in milliseconds.
    """

    def __init__(self, log: FilteringBoundLogger, peer: str, now: Callable[[], int]) -> None:
        self._log, self._peer, self._now = log, peer, now
        self._lost_at: int | None = None

    def lost(self, error: object) -> None:
        """Note a failure; only the first in a row is logged."""
        if self._lost_at is None:
            self._lost_at = self._now()
            self._log.warning("peer.lost", peer=self._peer, error=str(error))

    def restored(self) -> None:
        """Note a success; only the first after a failure is logged."""
        if self._lost_at is not None:
            away_s = (self._now() - self._lost_at) / 1_000
            self._lost_at = None
            self._log.info("peer.restored", peer=self._peer, away_s=away_s)
