"""The community's clock, which people's deadlines go by: it never falls, and it never stands.

A server without a clock of its own, or with one that keeps local time, is hours ahead until it is
set right. What was journalled by then cannot be taken back; were the community's clock to wait for
the wall's, nobody would be asked again meanwhile, and whoever is silent would not be missed.

    wall's ahead, or level -> the wall's
    wall's behind          -> on from what was journalled, at `PACE`, until the wall's is there
"""

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from weinao import metrics

PACE = 0.8
"""How fast the community's clock runs while it is ahead of the wall's. Ours: who has a minute to
answer gets a quarter more, and eight hours are made good in forty."""

AHEAD_MS_MAX = 1_000
"""By more than this it is said in the log; smaller steps are how a clock is kept right."""

AHEAD = metrics.Gauge(
    "weinao_ingest_clock_ahead_seconds", "How far the community's clock is ahead of the machine's."
)


class Community:
    """Tells the community's time.

    Args:
        wall: The machine's clock, milliseconds UTC; it may be set back.
        elapsed: Seconds, of a clock that nobody sets.
        last_at: What it last showed, before the program began.
        log: Told once when it is ahead, and once when it is not any more.
    """

    def __init__(
        self,
        wall: Callable[[], int],
        elapsed: Callable[[], float],
        last_at: int,
        log: FilteringBoundLogger,
    ) -> None:
        self._wall, self._elapsed, self._last_at, self._log = wall, elapsed, last_at, log
        self._ahead_from: tuple[int, float] | None = None
        self._told = False

    def __call__(self) -> int:
        """Return it, milliseconds UTC."""
        wall = self._wall()
        if wall >= self._last_at:
            self._last_at, self._ahead_from = wall, None
            return wall
        if self._ahead_from is None:
            self._ahead_from = self._last_at, self._elapsed()
        at, since = self._ahead_from
        self._last_at = max(self._last_at, at + int((self._elapsed() - since) * 1_000 * PACE))
        return self._last_at

    def tell(self) -> None:
        """Say how far it is ahead, where that has changed."""
        ahead_ms = max(0, self() - self._wall())
        AHEAD.set(ahead_ms / 1_000)
        if ahead_ms > AHEAD_MS_MAX and not self._told:
            self._told = True
            self._log.warning("clock.set_back", ahead_s=round(ahead_ms / 1_000))
        elif ahead_ms == 0 and self._told:
            self._told = False
            self._log.info("clock.caught_up")
