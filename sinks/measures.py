"""What the owner of a store counts, at the moment of the commit.

Three latencies, each ending there: of a record from the journal, of an observation from its event,
and of an incident from the newest observation that raised it.
"""

from collections import Counter as Tally
from collections.abc import Callable, Sequence

from sinks.store import table_of
from weinao.metrics import LATENCY_BUCKETS_S, Counter, Gauge, Histogram
from weinao.outcomes import Incident, Kept, Outcome, Rejected

ROWS = Counter("weinao_sinks_rows_total", "Outcomes kept, by table.", ["table"])
BATCHES = Counter("weinao_sinks_batches_total", "Batches committed.")
REJECTED = Counter("weinao_sinks_rejected_total", "Dead letters kept, by reason.", ["reason"])
INCIDENTS = Counter("weinao_sinks_incidents_total", "Incidents raised, by kind.", ["kind"])
WRITE_SECONDS = Histogram(
    "weinao_sinks_write_seconds", "From taking a batch to its commit.", buckets=LATENCY_BUCKETS_S
)
RECORD_SECONDS = Histogram(
    "weinao_sinks_record_seconds",
    "From the journal to the commit, of each record that led to an outcome.",
    buckets=LATENCY_BUCKETS_S,
)
OBSERVATION_SECONDS = Histogram(
    "weinao_sinks_observation_seconds",
    "From the event to the commit, of each observation.",
    buckets=LATENCY_BUCKETS_S,
)
INCIDENT_SECONDS = Histogram(
    "weinao_observation_to_incident_seconds",
    "From the newest observation that raised an incident to the incident's commit.",
    buckets=LATENCY_BUCKETS_S,
)
LAST_COMMIT = Gauge("weinao_sinks_last_commit_timestamp_seconds", "When a batch was last kept.")


class Measures:
    """Counts what was kept.

    Args:
        now: The wall clock, in milliseconds.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now

    def kept(self, new: Sequence[Outcome]) -> None:
        """Count a batch that has just been committed."""
        now = self._now()
        BATCHES.inc()
        LAST_COMMIT.set(now / 1_000)
        for table, rows in Tally(table_of(outcome.value) for outcome in new).items():
            ROWS.labels(table).inc(rows)
        for outcome in new:
            _count(outcome, now)
        for _, received_at in {(made.offset, made.received_at) for made in new}:
            RECORD_SECONDS.observe(_seconds(received_at, now))
        for raised, at in raised_incidents(new):
            INCIDENTS.labels(raised.kind).inc()
            INCIDENT_SECONDS.observe(_seconds(at, now))


def raised_incidents(new: Sequence[Outcome]) -> list[tuple[Incident, int]]:
    """Return each incident that a batch raised, with the time of the observation that raised it.

    Where time itself raised it, or the batch was cut between the two, that is when the journal
    record arrived.
    """
    seen_at: dict[tuple[str, int], int] = {}
    raised: dict[str, tuple[Incident, int]] = {}
    for made in new:
        key = (made.grid, made.offset)
        if isinstance(made.value, Kept):
            seen_at[key] = max(made.value.at, seen_at.get(key, 0))
        elif isinstance(made.value, Incident) and made.value.noticed_at == made.received_at:
            raised.setdefault(made.value.id, (made.value, seen_at.get(key, made.received_at)))
    return [*raised.values()]


def _count(outcome: Outcome, now: int) -> None:
    value = outcome.value
    if isinstance(value, Kept):
        OBSERVATION_SECONDS.observe(_seconds(value.at, now))
    elif isinstance(value, Rejected):
        REJECTED.labels(value.reason).inc()


def _seconds(since: int, now: int) -> float:
    return max(0, now - since) / 1_000
