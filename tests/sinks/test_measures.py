"""Latency is counted where it ends: at the commit."""

from prometheus_client import REGISTRY

from sinks.measures import Measures, raised_incidents
from tests.sinks.made import T0, incident, kept, outcome, rejected
from weinao.outcomes import Outcome


def raised(offset: int) -> Outcome:
    made = outcome(offset, 1)
    at = made.received_at - 400
    return outcome(offset, 1, incident(offset, at=at))


def test_an_incident_is_timed_from_the_observation_that_raised_it() -> None:
    batch = [outcome(5, 0, kept(5)), raised(5)]

    assert raised_incidents(batch) == [(batch[1].value, kept(5).at)]


def test_where_time_raised_it_or_the_batch_was_cut_the_record_counts() -> None:
    assert raised_incidents([raised(5)]) == [(raised(5).value, raised(5).received_at)]


def test_a_later_change_is_not_timed_again() -> None:
    assert raised_incidents([outcome(9, 0, incident(5))]) == []


def test_a_commit_is_counted_by_table_kind_and_reason() -> None:
    names = [
        ("weinao_sinks_rows_total", {"table": "observations"}),
        ("weinao_sinks_rejected_total", {"reason": "syntax"}),
        ("weinao_sinks_incidents_total", {"kind": "fall"}),
        ("weinao_observation_to_incident_seconds_count", {}),
        ("weinao_observation_to_incident_seconds_sum", {}),
        ("weinao_sinks_record_seconds_count", {}),
    ]
    before = [REGISTRY.get_sample_value(*name) or 0 for name in names]

    batch = [outcome(5, 0, kept(5)), raised(5), outcome(6, 0, rejected())]
    Measures(lambda: T0 + 5_000 + 1_750).kept(batch)

    after = [REGISTRY.get_sample_value(*name) or 0 for name in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1, 1, 2.0, 2]
