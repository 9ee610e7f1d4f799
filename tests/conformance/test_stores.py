"""What every store promises. A new store adds one line to `STORES`, and no test."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sinks import arrow, rows
from sinks.anteroom import Anteroom
from sinks.client import StoreClient
from sinks.duckdb_store import DuckDBStore
from sinks.rows import EXPORTED
from sinks.store import READABLE, Filter, Store, StoreRefusedError, every, place, table_of
from sinks.timescale_store import TimescaleStore
from tests.sinks import postgres
from tests.sinks.made import (
    ONE_OF_EACH,
    T0,
    command,
    due_visit,
    hazard,
    incident,
    journals,
    kept,
    loss,
    notice,
    outcome,
    rejected,
    risk,
    score,
    task,
)
from tests.sinks.serving import served, until_ready
from weinao import logging
from weinao.clock import now_ms
from weinao.messages import Vitals
from weinao.outage import Outage
from weinao.outcomes import (
    Command,
    DueVisit,
    HealthScore,
    Incident,
    IncidentState,
    Kept,
    Loss,
    Notice,
    Outcome,
    Phase,
    Reason,
    Rejected,
    Task,
)


def _direct(folder: Path, stack: ExitStack) -> Store:
    return stack.enter_context(closing(DuckDBStore(folder / "weinao.duckdb")))


def _served(folder: Path, stack: ExitStack) -> Store:
    return stack.enter_context(closing(StoreClient(stack.enter_context(served(folder)))))


def _fronted(folder: Path, stack: ExitStack) -> Store:
    made = Anteroom(
        DuckDBStore(folder / "weinao.duckdb"),
        folder / "anteroom.sqlite",
        Outage(logging.logger(), "database", now_ms),
        patience_s=20,
    )
    stack.enter_context(closing(made))
    return until_ready(made)


def _apache(folder: Path, stack: ExitStack) -> Store:
    return _timescale(postgres.apache().dsn, folder, stack)


def _plain(folder: Path, stack: ExitStack) -> Store:
    return _timescale(postgres.plain().dsn, folder, stack)


def _full(folder: Path, stack: ExitStack) -> Store:
    return _timescale(postgres.full_dsn(), folder, stack)


def _timescale(dsn: str, folder: Path, stack: ExitStack) -> Store:
    return stack.enter_context(closing(TimescaleStore(postgres.fresh(dsn, folder))))


STORES: dict[str, Callable[[Path, ExitStack], Store]] = {
    "duckdb": _direct,
    "served": _served,
    "anteroom": _fronted,
    "timescale": _apache,
    "timescale, full licence": _full,
    "postgresql": _plain,
}

Reopen = Callable[[], Store]


@pytest.fixture(params=STORES)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Open the store; called again, close it and open what it left behind."""
    with ExitStack() as stack:

        def again() -> Store:
            stack.close()
            return STORES[request.param](tmp_path, stack)

        yield again


@pytest.fixture
def store(reopen: Reopen) -> Store:
    return reopen()


def test_a_batch_sent_twice_is_kept_once(store: Store) -> None:
    assert store.write([outcome(1), outcome(2)]) == 2
    assert store.write([outcome(1), outcome(2)]) == 0


def test_a_crash_may_cut_the_outcomes_of_one_record_apart(store: Store) -> None:
    assert store.write([outcome(1, 0)]) == 1
    assert store.write([outcome(1, 0), outcome(1, 1), outcome(2, 0)]) == 2


def test_grids_come_along_each_at_its_own_pace(store: Store) -> None:
    store.write([outcome(9, grid="grid-2"), outcome(1), outcome(5)])

    assert store.write([outcome(5), outcome(6), outcome(9, grid="grid-2")]) == 1
    assert store.progress() == {"grid-1": (6, 0), "grid-2": (9, 0)}


def test_an_empty_batch_is_nothing(store: Store) -> None:
    assert store.write([]) == 0
    assert store.progress() == {}


@pytest.mark.parametrize("value", ONE_OF_EACH, ids=lambda value: type(value).__name__)
def test_what_is_read_is_what_was_written(store: Store, value: object) -> None:
    made = outcome(7, 2, value)

    store.write([made])

    table = table_of(value)
    assert [*every(store, table, Filter())] == [made]
    if isinstance(value, Incident | Task | Notice | Command):
        assert [found.outcome for found in store.outgoing()] == [made]
    assert store.counts()["distinct"][table] == 1


def test_everything_survives_a_restart(reopen: Reopen) -> None:
    store = reopen()
    store.write([outcome(1, index, value) for index, value in enumerate(ONE_OF_EACH)])
    store.set_cursor("notify", 3)
    before = _contents(store), store.cursor("notify")

    again = reopen()

    assert (_contents(again), again.cursor("notify")) == before
    last = len(ONE_OF_EACH) - 1
    assert again.write([outcome(1, last), outcome(1, last + 1, notice(2))]) == 1
    assert [found.seq for found in again.outgoing()] == [1, 2, 3, 4, 5]


def test_an_incident_is_read_as_its_latest_change_left_it(store: Store) -> None:
    states = [IncidentState.OPEN, IncidentState.DISPATCHED, IncidentState.ACCEPTED]
    changes = [outcome(n, 0, incident(1, state)) for n, state in enumerate(states)]

    store.write(changes[:2])
    store.write(changes[1:])

    assert store.incidents(Filter()) == [changes[-1]]
    assert [found.outcome for found in store.incident_changes()] == changes


def test_incidents_of_one_name_in_two_grids_stay_two(store: Store) -> None:
    here, there = (
        outcome(1, 0, incident(1, grid=grid), grid=grid) for grid in ("grid-1", "grid-2")
    )

    store.write([there, here])

    assert store.incidents(Filter()) == [here, there]
    assert store.incidents(Filter(grid="grid-2")) == [there]


def test_a_gap_is_read_as_it_stands_and_what_was_given_up_stays(store: Store) -> None:
    ledger = [
        outcome(1, 0, loss(3, 9)),
        outcome(2, 0, loss(3, 9, "thinned")),
        outcome(2, 1, loss(3, 9, "filled")),
    ]

    store.write(ledger)

    assert {found.value.state for found in store.losses(Filter())} == {"thinned", "filled"}
    assert store.losses(Filter(state="missing")) == []


def test_a_risk_is_read_as_its_latest_change_left_it_and_its_changes_stay(store: Store) -> None:
    raised, over = outcome(1, 0, risk()), outcome(2, 0, risk(phase=Phase.CLEARED))

    store.write([raised])
    store.write([raised, over])

    assert store.risks(Filter()) == [over]
    assert store.risks(Filter(state="raised")) == []
    assert store.risk_changes(Filter(id="r-1")) == [raised, over]
    assert store.counts()["risk_changes"] == {"raised": 1, "cleared": 1}


def test_a_day_scored_again_takes_the_place_of_its_first_score(store: Store) -> None:
    batch = [outcome(1, 0, score(1)), outcome(1, 1, score(2)), outcome(2, 0, score(1, 40.0))]

    store.write(batch)

    assert store.scores(Filter(subject="resident-1")) == [batch[2], batch[1]]
    assert store.counts()["scores"] == {"2026-01": 2}
    assert store.counts()["distinct"]["scores"] == 2


def test_a_visit_is_due_as_it_was_said_last_of_its_home(store: Store) -> None:
    batch = [
        outcome(1, 0, due_visit(1)), outcome(1, 1, due_visit(2)), outcome(2, 0, due_visit(1, T0))
    ]  # fmt: skip

    store.write(batch)

    assert store.due_visits(Filter(household="home-1")) == [batch[2]]
    assert store.due_visits(Filter()) == [batch[2], batch[1]]


def test_what_is_neither_told_nor_done_is_not_followed(store: Store) -> None:
    store.write([outcome(1, 0, risk()), outcome(1, 1, score()), outcome(1, 2, hazard())])

    assert store.outgoing() == []


def test_what_belongs_to_an_incident_is_found_by_it(store: Store) -> None:
    batch = [
        outcome(1, index, value)
        for index, value in enumerate([task(), notice(), command(), hazard(), kept(1)])
    ]
    store.write(batch)

    mine, other = Filter(incident="i-1"), Filter(incident="i-2")
    assert [store.tasks(mine), store.notices(mine), store.commands(mine)] == [
        [one] for one in batch[:3]
    ]
    assert store.tasks(other) == store.notices(other) == store.commands(other) == []
    assert store.hazards(Filter(id="h-1", household="home-1")) == [batch[3]]
    assert store.observations(Filter(id=batch[4].value.id)) == [batch[4]]


def test_phases_of_one_moment_are_read_in_order_and_none_is_left_out(store: Store) -> None:
    phases = [outcome(n, 0, hazard(1, phase)) for n, phase in enumerate(Phase)]
    store.write(phases)

    assert [*every(store, "hazards", Filter(limit=1))] == phases
    assert store.hazards(Filter(newest=True, limit=2)) == phases[-2:]


def test_filters_narrow_what_is_read(store: Store) -> None:
    batch = [outcome(n, 0, kept(n, device=f"strap-{n % 2}")) for n in range(12)]
    store.write(batch)

    vitals = store.observations(Filter(kind="vitals", device="strap-0"))
    window = store.observations(Filter(since=batch[3].value.at, until=batch[5].value.at))
    newest = store.observations(Filter(newest=True, limit=2))

    assert all(isinstance(found.value.observation, Vitals) for found in vitals)
    assert vitals == [batch[0], batch[6]]
    assert window == batch[3:5]
    assert newest == batch[-2:]
    assert store.observations(Filter(subject="nobody")) == []


def test_dead_letters_are_found_by_their_reason(store: Store) -> None:
    batch = [outcome(n, 0, rejected(reason)) for n, reason in enumerate(Reason)]
    store.write(batch)

    assert [found.value.reason for found in store.deadletters(Filter(kind="future"))] == ["future"]
    assert store.deadletters(Filter()) == batch


def test_a_filter_that_the_table_has_not_is_refused(store: Store) -> None:
    with pytest.raises(StoreRefusedError, match="deadletters have no state"):
        store.deadletters(Filter(state="open"))


def test_reading_goes_on_where_it_ended_even_among_equal_times(store: Store) -> None:
    batch = [
        outcome(n, 0, kept(n, at=T0), grid=grid) for n in range(7) for grid in ("grid-1", "grid-2")
    ]
    store.write(batch)

    found = [*every(store, "observations", Filter(limit=3))]

    assert found == sorted(batch, key=place)


def test_followers_read_what_is_new_in_the_order_of_positions(store: Store) -> None:
    batch = [
        outcome(1, index, value)
        for index, value in enumerate([kept(1), incident(), task(), hazard(), notice(), command()])
    ]
    store.write(batch[:3])
    store.write(batch[3:])

    first = store.outgoing(limit=2)
    rest = store.outgoing(after=first[-1].seq)

    assert [found.outcome for found in first + rest] == [batch[n] for n in (1, 2, 4, 5)]
    assert store.outgoing(after=rest[-1].seq) == []


def test_a_cursor_stays_where_it_was_put(store: Store) -> None:
    assert store.cursor("notify") == 0

    store.set_cursor("notify", 4)
    store.set_cursor("notify", 9)
    store.set_cursor("portal", 1)

    assert (store.cursor("notify"), store.cursor("portal")) == (9, 1)


UNFIT = {
    "no score": replace(score(), score=float("nan")),
    "no trend": replace(score(), trend=float("inf")),
    "no share": replace(risk(), confidence=-0.1),
    "no number": replace(hazard(), confidence=float("nan")),
    "out of range": replace(hazard(), confidence=1.5),
    "no text": replace(incident(), subject="half a pair \ud83d"),
    "no integer of ours": replace(loss(3, 5), last=2**80),
    "no fact": replace(incident(), facts={"impact_g": float("inf")}),
    "no text, even as a dead letter": replace(rejected(), detail="half a pair \udc00"),
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT.keys())
def test_what_no_store_can_hold_becomes_a_dead_letter_and_blocks_nothing(
    store: Store, unfit: object
) -> None:
    batch = [outcome(n) for n in range(9)]
    batch[4] = replace(batch[4], value=unfit)

    assert store.write(batch) == 9
    assert store.write(batch) == 0

    [letter] = store.deadletters(Filter())
    assert letter.position == batch[4].position
    assert letter.value.reason is Reason.UNSTORABLE
    assert "cannot be stored" in letter.value.detail
    assert store.observations(Filter()) == batch[:4] + batch[5:]


IN_A_DATABASE = ("duckdb", "timescale", "postgresql")


@pytest.mark.parametrize("name", IN_A_DATABASE)
@given(journals(), st.data())
@settings(deadline=None, max_examples=25)
def test_however_it_is_batched_cut_and_sent_again_the_same_is_kept(
    name: str, journal: list[Outcome], data: st.DataObject
) -> None:
    rng = data.draw(st.randoms(use_true_random=False))
    with TemporaryDirectory() as whole, TemporaryDirectory() as parts, ExitStack() as stack:
        at_once, cut = STORES[name](Path(whole), stack), STORES[name](Path(parts), stack)

        at_once.write(journal)
        _write_as_an_engine_does(cut, journal, rng)

        assert _contents(cut) == _contents(at_once)


@pytest.mark.parametrize("name", IN_A_DATABASE)
@given(journals())
@settings(deadline=None, max_examples=15)
def test_the_order_in_which_grids_arrive_changes_nothing_that_is_read(
    name: str, journal: list[Outcome]
) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other, ExitStack() as stack:
        mixed, apart = STORES[name](Path(one), stack), STORES[name](Path(other), stack)

        mixed.write(journal)
        apart.write(sorted(journal, key=lambda made: (made.grid, made.position)))

        assert _read(apart) == _read(mixed)


def _write_as_an_engine_does(store: Store, journal: list[Outcome], rng: random.Random) -> None:
    """Send batches of any size; now and then go back, as after a crash, and send again."""
    at = 0
    while at < len(journal):
        end = rng.randint(at, len(journal))
        store.write(journal[at:end])
        at = rng.randint(0, end) if rng.random() < 0.3 else end


def _read(store: Store) -> dict[str, list[Outcome]]:
    return {table: [*every(store, table, Filter())] for table in READABLE}


def _contents(store: Store) -> object:
    return (
        _read(store),
        store.incident_changes(),
        store.outgoing(),
        store.counts(),
        store.progress(),
    )


def test_rejected_and_kept_outcomes_are_counted_by_kind(store: Store) -> None:
    store.write([outcome(n) for n in range(6)] + [outcome(6, 0, rejected())] * 2)

    counts = store.counts()

    assert counts["observations"] == {"vitals": 2, "home": 2, "motion": 2}
    assert counts["deadletters"] == {"syntax": 1}
    assert counts["distinct"]["observations"] == 6
    assert isinstance(store.observations(Filter())[0].value, Kept)
    assert isinstance(store.deadletters(Filter())[0].value, Rejected)


def test_what_follows_from_a_stretch_of_the_journal_is_exported_whole_and_once(
    store: Store,
) -> None:
    batch = [
        outcome(offset, index, value)
        for offset in (1, 5)
        for index, value in enumerate(ONE_OF_EACH)
        if not isinstance(value, Loss | HealthScore | DueVisit)
    ]
    store.write([*batch, outcome(3, 0, kept(3), grid="grid-2")])

    cuts = [(-1, -1), (1, 0), (1, 4), (5, 2), store.progress()["grid-1"]]
    for table in EXPORTED:
        parts = [
            arrow.from_bytes(store.exported(table, "grid-1", after, until))
            for after, until in pairwise(cuts)
        ]
        found = pa.concat_tables(parts)
        expected = [made.position for made in batch if _exported_as(made) == table]
        offsets = zip(
            found["journal_offset"].to_pylist(), found["journal_index"].to_pylist(), strict=True
        )
        assert [*offsets] == expected, table
        assert found.column_names == [*arrow.columns_exported(table)]
        assert [part.schema for part in parts] == [found.schema] * len(parts)


def test_what_stands_now_is_exported_as_it_stands(store: Store) -> None:
    store.write([outcome(1, 0, score(1)), outcome(2, 0, score(1, 40.0))])

    found = arrow.from_bytes(store.exported("scores", "grid-1", (-1, -1), (2, 0)))

    assert found["score"].to_pylist() == [40.0]


def test_an_exported_observation_and_dead_letter_say_all(store: Store) -> None:
    seen, letter = outcome(1, 0, kept(3)), outcome(1, 1, rejected())
    store.write([seen, letter])

    [row] = arrow.from_bytes(store.exported("observations", "grid-1", (-1, -1), (9, 0))).to_pylist()
    [set_aside] = arrow.from_bytes(
        store.exported("deadletters", "grid-1", (-1, -1), (9, 0))
    ).to_pylist()

    assert rows.observation(tuple(row[name] for name in rows.OBSERVATION)) == seen.value
    assert set_aside["payload"] == letter.value.payload
    assert set_aside["detail"] == letter.value.detail


def test_a_table_that_is_not_exported_is_refused(store: Store) -> None:
    with pytest.raises(StoreRefusedError, match="is not exported"):
        store.exported("progress", "grid-1", (-1, -1), (9, 0))


def _exported_as(made: Outcome) -> str:
    table = table_of(made.value)
    return rows.HISTORIES.get(table, table)
