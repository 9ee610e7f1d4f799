"""How incidents were handled, in figures: what counts, and what does not."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from weinao.handling import ALL, SERVICES, Handled, handled, service_of
from weinao.messages import Action
from weinao.outcomes import HazardKind, Incident, IncidentState, Severity, Step

T0 = 1_767_225_600_000


def _incident(
    number: int,
    *steps: tuple[float, Action, str],
    state: IncidentState = IncidentState.CLOSED,
    kind: HazardKind = HazardKind.FALL,
    grid: str = "grid-1",
    rating: int | None = None,
) -> Incident:
    return Incident(
        id=f"i-{number}", grid=grid, kind=kind, severity=Severity.MAJOR, state=state,
        subject="r", household="h", at=T0, noticed_at=T0 + 400, rating=rating,
        steps=tuple(
            Step(at=T0 + 400 + round(after_s * 1_000), action=action, actor=actor, state=state)
            for after_s, action, actor in steps
        ),
    )  # fmt: skip


def _one(found: list[Handled], grid: str, service: str) -> Handled:
    [row] = [one for one in found if (one.grid, one.service) == (grid, service)]
    return row


def test_every_kind_of_danger_belongs_to_one_service() -> None:
    kinds = [kind for those in SERVICES.values() for kind in those]

    assert sorted(kinds) == sorted(HazardKind)
    assert service_of(HazardKind.SMOKE) == "emergency"


def test_a_handled_incident_is_told_in_figures() -> None:
    found = handled([
        _incident(1, (1, Action.DISPATCH, "brain"), (61, Action.DECLINE, "brain"),
                  (62, Action.DISPATCH, "brain"), (90, Action.ACCEPT, "staff-1"),
                  (400, Action.RESOLVE, "staff-1"), (500, Action.REOPEN, "family-1"), rating=4),
        _incident(2, (2, Action.DISPATCH, "brain"), (10, Action.DISMISS, "family-1"),
                  state=IncidentState.FALSE_ALARM, rating=5),
        _incident(3, (2, Action.DISPATCH, "brain"), state=IncidentState.DISPATCHED),
    ])  # fmt: skip

    assert _one(found, "grid-1", "health") == Handled(
        grid="grid-1", service="health", count=3, open=1, kinds={"fall": 3}, acknowledged=2,
        acknowledge_s_p50=10.0, acknowledge_s_p90=90.0, resolve_s_p50=400.0, asked=4, missed=1,
        within_deadline_share=0.6667, reopened=1, false_alarms=1, false_alarm_share=0.5,
        satisfaction=4.5, rated=2,
    )  # fmt: skip
    assert _one(found, ALL, ALL).count == 3


def test_where_nothing_happened_nothing_is_claimed() -> None:
    [row] = handled([])

    assert (row.count, row.grid, row.service) == (0, ALL, ALL)
    assert row.acknowledge_s_p50 is row.within_deadline_share is row.satisfaction is None


def test_who_may_still_answer_has_neither_kept_nor_passed_a_deadline() -> None:
    asked = _incident(1, (1, Action.DISPATCH, "brain"), state=IncidentState.DISPATCHED)

    assert _one(handled([asked]), ALL, ALL).within_deadline_share is None


def test_what_was_merged_into_another_counts_with_that_one_only() -> None:
    merged = _incident(1, state=IncidentState.MERGED)

    assert _one(handled([merged, _incident(2)]), ALL, ALL).count == 1


incidents = st.lists(
    st.builds(
        _incident,
        st.integers(0, 99),
        state=st.sampled_from(IncidentState),
        kind=st.sampled_from(HazardKind),
        grid=st.sampled_from(["grid-1", "grid-2"]),
        rating=st.none() | st.integers(1, 5),
    )
)


@given(incidents, st.randoms(use_true_random=False))
def test_services_and_grids_add_up_in_any_order(found: list[Incident], rng: object) -> None:
    rows = handled(found)
    rng.shuffle(found)  # type: ignore[attr-defined]  # hypothesis's own

    assert handled(found) == rows
    for name in ("count", "open", "asked", "rated", "reopened", "false_alarms"):
        total = getattr(_one(rows, ALL, ALL), name)
        by_service = [one for one in rows if one.grid == ALL and one.service != ALL]
        by_grid = [one for one in rows if one.grid != ALL and one.service == ALL]
        cells = [one for one in rows if ALL not in (one.grid, one.service)]
        for parts in (by_service, by_grid, cells):
            assert sum(getattr(one, name) for one in parts) == total


def test_a_person_who_was_faster_than_the_clock_took_no_negative_time() -> None:
    early = replace(_incident(1, (-5, Action.ACK, "family-1")), noticed_at=T0 + 400)

    assert _one(handled([early]), ALL, ALL).acknowledge_s_p50 == 0.0
