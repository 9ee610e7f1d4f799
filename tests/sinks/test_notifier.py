"""Everything is published in order, at least once, wherever the notifier or its peers break off."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from structlog.testing import capture_logs

from sinks.announce import Message
from sinks.duckdb_store import DuckDBStore
from sinks.mqtt import BrokerUnavailableError
from sinks.notifier import Notifier
from sinks.store import StoreUnavailableError
from tests.sinks.made import T0, incident, kept, notice, outcome, task
from weinao import logging
from weinao.outcomes import IncidentState


class Heard:
    """A channel that keeps what it took; it fails, before or after taking, when told to."""

    bytes_max = 262_144

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.failing: Callable[[], str] = lambda: ""

    def publish(self, messages: Sequence[Message]) -> None:
        failing = self.failing()
        if failing == "before":
            raise BrokerUnavailableError("away")
        self.taken += messages
        if failing == "after":
            raise BrokerUnavailableError("no PUBACK")

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.taken]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    with closing(DuckDBStore(tmp_path / "s.duckdb")) as made:
        yield made


def notifier(store: DuckDBStore, channel: Heard, batch_max: int = 3) -> Notifier:
    return Notifier(
        store,
        channel,
        community="c",
        batch_max=batch_max,
        now=lambda: T0,
        log=logging.logger(),
    )


def test_what_is_new_is_published_in_order_and_once(store: DuckDBStore) -> None:
    channel = Heard()
    store.write([outcome(1, n, notice(n)) for n in range(5)] + [outcome(2), outcome(3, 0, task(9))])
    told = notifier(store, channel)

    counts = [told.step() for _ in range(4)]

    assert counts == [3, 3, 0, 0]
    assert channel.ids == [f"n-{n}" for n in range(5)] + ["t-9"]


def test_another_start_goes_on_where_the_broker_had_acknowledged(store: DuckDBStore) -> None:
    channel = Heard()
    store.write([outcome(1, n, notice(n)) for n in range(4)])
    notifier(store, channel).step()

    notifier(store, channel).step()

    assert channel.ids == ["n-0", "n-1", "n-2", "n-3"]


def test_what_was_not_acknowledged_is_published_again(store: DuckDBStore) -> None:
    channel = Heard()
    store.write([outcome(1, n, notice(n)) for n in range(2)])
    channel.failing = iter(["before", "after", ""]).__next__
    told = notifier(store, channel)

    for _ in range(2):
        with pytest.raises(BrokerUnavailableError):
            told.step()
    told.step()

    assert channel.ids == ["n-0", "n-1"] * 2
    assert store.cursor("notify") == 2


class Forgetful(DuckDBStore):
    """A store that cannot note how far anybody is: its disk is full."""

    full = True

    def set_cursor(self, name: str, seq: int) -> None:
        if self.full:
            raise StoreUnavailableError("full")
        super().set_cursor(name, seq)


def test_while_the_store_cannot_note_it_nothing_is_said_over_and_over(tmp_path: Path) -> None:
    channel = Heard()
    with closing(Forgetful(tmp_path / "s.duckdb")) as store:
        store.write([outcome(1, n, notice(n)) for n in range(2)])
        told = notifier(store, channel)
        for _ in range(3):
            with suppress(StoreUnavailableError):
                told.step()
        store.full = False
        store.write([outcome(2, 0, notice(2))])
        told.step()

        assert channel.ids == ["n-0", "n-1", "n-2"]
        assert store.cursor("notify") == 3


def test_a_message_over_the_limit_blocks_nothing_and_is_named(store: DuckDBStore) -> None:
    channel = Heard()
    channel.bytes_max = 1_000
    long = replace(incident(7), told=("a" * 60,) * 20)
    store.write([outcome(1, 0, notice(1)), outcome(1, 1, long), outcome(1, 2, notice(2))])

    with capture_logs() as logs:
        notifier(store, channel).step()

    assert channel.ids == ["n-1", "n-2"]
    assert [(line["event"], line["id"]) for line in logs] == [("message.refused", "i-7")]


@given(st.lists(st.sampled_from(["before", "after", ""])), st.integers(1, 12), st.integers(1, 5))
@settings(deadline=None, max_examples=20)
def test_however_it_breaks_off_nothing_is_skipped_and_order_is_kept(
    failures: list[str], count: int, batch_max: int
) -> None:
    channel = Heard()
    channel.failing = chain(failures, repeat("")).__next__
    with TemporaryDirectory() as folder, closing(DuckDBStore(Path(folder) / "s.duckdb")) as store:
        store.write([outcome(n, 0, notice(n)) for n in range(count)])
        while store.cursor("notify") < count:
            with suppress(BrokerUnavailableError):
                notifier(store, channel, batch_max).step()

    first_times = [*dict.fromkeys(channel.ids)]
    assert first_times == [f"n-{n}" for n in range(count)]


def test_observations_alone_move_nothing(store: DuckDBStore) -> None:
    store.write([outcome(1, 0, kept(1))])

    assert notifier(store, Heard()).step() == 0
    assert store.cursor("notify") == 0


def test_each_change_of_an_incident_is_told(store: DuckDBStore) -> None:
    channel = Heard()
    states = [IncidentState.OPEN, IncidentState.ACCEPTED, IncidentState.RESOLVED]
    store.write([outcome(9 + n, 0, incident(1, state)) for n, state in enumerate(states)])

    notifier(store, channel).step()

    assert channel.ids == ["i-1"] * 3
