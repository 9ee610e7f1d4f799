"""A courier tells each person each step once, tries the next channel, and survives being killed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import REGISTRY

from sinks.book import Book
from sinks.channels import ChannelError, Channels
from sinks.client import StoreClient
from sinks.courier import Courier
from sinks.ledger import DONE, MIGRATIONS, Entry, Ledger
from sinks.notice_settings import ChannelSettings, DeliverySettings
from sinks.outbox import Outbox
from sinks.ringing import Bell
from tests.sinks.made import incident, notice, outcome
from tests.sinks.provider import Provider, provider, settings
from tests.sinks.serving import served
from weinao import codec, logging
from weinao.cli.system import free_port
from weinao.clock import now_ms
from weinao.codec import Arrival
from weinao.messages import Ack, Delivery, Registered
from weinao.outcomes import IncidentState, Kept, Notice, Severity
from weinao.registry import Contact, Resident

ROOT = Path(__file__).parents[2]
NOW = 1_795_600_000_000
TRY_S = 4.0
"""How long a try may take where one hangs; others do not on any machine at work."""


class Desk:
    """A courier over a real store and a real provider; time is what the test says."""

    def __init__(
        self, folder: Path, store: StoreClient, plays: Provider, **patience: float
    ) -> None:
        self.now, self.plays, self.store = NOW, plays, store
        self.folder, self._patience, self._offset = folder, patience, 10
        self.open()
        self.tell(
            Kept(
                id="x:00000001-a:1.0", device="x", at=NOW, received_at=NOW, subject="r-1",
                household="",
                observation=Registered(at=NOW, record=Resident(
                    id="resident-1", household="home-1", name="王秀兰",
                    contacts=(Contact(id="daughter-1"), Contact(id="son-1")),
                )),
            )
        )  # fmt: skip

    def open(self) -> None:
        book = Book(self.folder / "notify.sqlite", MIGRATIONS)
        self.ledger = Ledger(book)
        self.outbox = Outbox(book, "demo", "courier", lambda: self.now)
        names = ("works", "fails", "hangs")
        url = f"json://127.0.0.1:{self.plays.port}"
        self.courier = Courier(
            self.store, self.ledger, self.outbox,
            Channels({one: ChannelSettings(url=f"{url}/{one}/{{to}}") for one in names}),
            Bell(8),
            settings=DeliverySettings(**{"try_s_max": 30.0, **self._patience}),  # type: ignore[arg-type]
            link_of=lambda one: f"https://portal.example/a/{one.id}",
            now=lambda: self.now,
            log=logging.logger(),
        )  # fmt: skip

    def tell(self, *values: Notice | Kept | object) -> None:
        self._offset += 1
        self.store.write([outcome(self._offset, n, one) for n, one in enumerate(values)])  # type: ignore[arg-type]

    def work(self) -> dict[str, Entry]:
        """Let the courier do all it has to do, and return the ledger."""
        while self.courier.step() or self.courier.busy:
            time.sleep(0.01)
        return {one.id: one for one in self.ledger.entries()}

    def said(self) -> list[Delivery]:
        found = [
            codec.decode(one.topic, one.payload, received_at=self.now)
            for one in self.outbox.waiting()
        ]
        told = [seen for one in found if isinstance(one, Arrival) for seen in one.pack.obs]
        return [one for one in told if isinstance(one, Delivery)]


@pytest.fixture(scope="module")
def plays() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path, plays: Provider) -> Iterator[Desk]:
    with served(tmp_path) as socket, closing(StoreClient(socket)) as store:
        yield Desk(tmp_path, store, plays)


def told(n: int, *channels: str, **more: object) -> Notice:
    made = replace(notice(n), channels=channels, at=NOW, happened_at=NOW - 5_000)
    return replace(made, **more)


def test_the_first_notice_that_reaches_nobody_is_seen_to_come() -> None:
    for state in DONE:  # Prometheus sees no increase where a counter begins with one
        name = ("weinao_sinks_notices_total", {"state": state})
        assert REGISTRY.get_sample_value(*name) is not None


def test_a_notice_is_told_once_whatever_the_store_repeats(desk: Desk) -> None:
    desk.tell(incident(), told(1, "works:once"))
    desk.work()
    desk.store.set_cursor("courier", 0)
    desk.open()

    entries = desk.work()

    assert entries["n-1"].state == "sent"
    assert len(desk.plays.reached("once")) == 1
    assert [one.ok for one in desk.said()] == [True]


def test_the_next_channel_is_tried_and_then_the_brain_hears_of_it(desk: Desk) -> None:
    desk.tell(told(1, "fails:a", "unknown:b", "works:c"), told(2, "fails:d", "fails:e"))

    entries = desk.work()

    assert [(t.channel, t.result) for t in entries["n-1"].tries] == [
        ("fails", "refused"), ("works", "sent")
    ]  # fmt: skip
    assert entries["n-2"].state == "failed"
    said = {one.notice: (one.ok, one.channel, one.tries, one.detail) for one in desk.said()}
    assert said == {"n-1": (True, "works", 2, ""), "n-2": (False, "fails", 2, "http_500")}


def test_who_has_no_channel_is_reported_so_that_the_next_person_is_asked(desk: Desk) -> None:
    desk.tell(told(1), told(2, "unknown:b"))

    entries = desk.work()

    assert [entries[one].state for one in ("n-1", "n-2")] == ["nowhere", "nowhere"]
    assert [(one.ok, one.detail) for one in desk.said()] == [(False, "no_channel")] * 2


def test_a_courier_that_a_system_begun_anew_does_not_know_is_registered_there_again(
    desk: Desk,
) -> None:
    desk.tell(told(1, "fails:a"))
    desk.work()
    for one in desk.outbox.waiting():
        desk.outbox.acked(one.grid, one.device, Ack(boot=one.boot, seq=one.seq))
    desk.open()  # its book stays; the journal and the store that knew it are gone
    desk.tell(told(2, "fails:b"), told(3, "fails:c"))

    desk.work()

    kinds = [one.topic.split("/")[4] for one in desk.outbox.waiting()]
    assert sorted(kinds) == ["registry", "up", "up"]


def test_what_is_over_by_then_rings_nobody(desk: Desk) -> None:
    desk.tell(incident(1, IncidentState.CLOSED), told(1, "works:over"))

    assert desk.work()["n-1"].state == "void"
    assert desk.plays.reached("over") == []
    assert desk.said() == []


def test_what_may_not_be_told_yet_waits_over_a_restart(desk: Desk) -> None:
    desk.tell(incident(), told(1, "works:later", not_before=NOW + 60_000, step="verify.2"))
    waiting = desk.work()["n-1"].state
    desk.open()
    desk.now += 60_000

    entries = desk.work()

    assert (waiting, entries["n-1"].state) == ("waiting", "sent")
    assert len(desk.plays.reached("later")) == 1


def test_how_long_a_notice_waits_is_counted_from_when_it_was_due(desk: Desk) -> None:
    def measured(name: str) -> float:
        return REGISTRY.get_sample_value(f"weinao_sinks_{name}") or 0

    desk.tell(incident(), told(1, "works:night", not_before=NOW + 60_000, step="verify.2"))
    desk.work()
    desk.now += 50_000
    not_due = measured("notice_oldest_seconds")
    desk.now += 13_000
    took = measured("told_seconds_sum")
    desk.courier._due_since = desk.ledger.due_since(desk.now)  # as a step does before it rings
    due = measured("notice_oldest_seconds")
    desk.work()
    desk.now += 7_000
    desk.work()

    assert (not_due, due, measured("notice_oldest_seconds")) == (0, 3, 0)
    assert measured("told_seconds_sum") - took == pytest.approx(3)


def test_old_news_is_told_only_where_a_life_is_in_danger(desk: Desk) -> None:
    desk.now += 3 * 3_600_000
    desk.tell(
        told(1, "works:old", severity=Severity.MAJOR),
        told(2, "works:grave", severity=Severity.CRITICAL),
    )

    entries = desk.work()

    assert (entries["n-1"].state, entries["n-1"].detail) == ("void", "late")
    assert entries["n-2"].state == "sent"


def test_who_reported_it_reads_nobodys_name(desk: Desk) -> None:
    desk.tell(
        incident(),
        told(1, "works:reporter", recipient="stranger-1", step="rate"),
        told(2, "works:family"),
    )

    desk.work()

    [reporter], [family] = desk.plays.reached("reporter"), desk.plays.reached("family")
    assert "王秀兰" not in reporter
    assert "王秀兰" in family
    assert "https://portal.example/a/n-1" in reporter


def test_a_provider_that_hangs_holds_up_no_other(tmp_path: Path, plays: Provider) -> None:
    with served(tmp_path) as socket, closing(StoreClient(socket)) as store:
        desk = Desk(tmp_path, store, plays, try_s_max=TRY_S)
        hanging = [told(n, "hangs:x") for n in range(10, 22)]
        desk.tell(*hanging, told(1, "works:free"))
        began = time.monotonic()

        entries = desk.work()

        assert time.monotonic() - began < 12 * TRY_S  # not one after the other
        assert entries["n-1"].state == "sent"
        results = {t.result for n in range(10, 22) for t in entries[f"n-{n}"].tries}
        assert results <= {"timeout", "busy"}


@given(st.lists(st.sampled_from(["take", "begin", "end", "done"]), max_size=20))
def test_the_ledger_holds_a_notice_once_and_forgets_no_try(doings: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = Book(Path(folder) / "notify.sqlite", MIGRATIONS)
        ledger, begun, new = Ledger(book), 0, 0
        new += ledger.take("grid-1", told(1), NOW)
        for doing in doings:
            if doing == "take":
                new += ledger.take("grid-1", told(1), NOW)
            elif doing == "begin":
                begun = ledger.begin("n-1", "works", NOW)
            elif doing == "end":
                ledger.end("n-1", begun, ("refused", ""), NOW)
            else:
                ledger.done("n-1", "failed", "works", "", NOW)
        [entry] = ledger.entries()
        book.close()

    assert new == 1
    assert len(entry.tries) == doings.count("begin")
    assert entry.state in ("waiting", "trying", *DONE)


def test_a_secret_is_read_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cr3t\n")
    kept = ChannelSettings(url="ntfy://{secret}@h/{to}", secret_file=str(tmp_path / "secret"))
    way = Channels({"ntfy": kept}).way("ntfy:a/b?c")

    assert way is not None
    assert way.reveal() == "ntfy://s3cr3t@h/a%2Fb%3Fc"
    assert "s3cr3t" not in repr(way)
    with pytest.raises(ChannelError, match=r"channels\.x\.secret_env: NOT_THERE is not set"):
        Channels({"x": ChannelSettings(url="ntfy://{secret}", secret_env="NOT_THERE")}, {})


# -- killed between ringing and writing ---------------------------------------------------------


def test_killed_after_it_rang_and_before_that_was_concluded_it_does_not_ring_again(
    desk: Desk,
) -> None:
    desk.tell(
        incident(),
        told(1, "works:again-1", "works:again-2"),
        told(2, "works:again-3"),
        told(3, "fails:again-4"),
    )
    desk.courier._take(0.0)
    for name, result in (("n-1", ("sent", "")), ("n-2", ("sent", "")), ("n-3", ("refused", "x"))):
        n = desk.ledger.begin(name, "fails" if name == "n-3" else "works", NOW)
        desk.ledger.end(name, n, result, NOW)
    desk.open()
    desk.courier.recover()

    entries = desk.work()

    assert [entries[f"n-{n}"].state for n in (1, 2, 3)] == ["sent", "sent", "failed"]
    assert not any(desk.plays.reached(f"again-{n}") for n in range(1, 5))
    said = {one.notice: (one.ok, one.channel, one.detail) for one in desk.said()}
    assert said == {
        "n-1": (True, "works", ""), "n-2": (True, "works", ""), "n-3": (False, "fails", "x"),
    }  # fmt: skip


@contextmanager
def running(folder: Path, port: int, **delivery: float) -> Iterator[subprocess.Popen[bytes]]:
    """Run the courier as a process; in the end it is killed, not stopped."""
    chosen = folder / "notify.toml"
    chosen.write_text(settings(port, **delivery))
    process = subprocess.Popen(
        [sys.executable, "-m", "weinao.cli.main", "notify", "run", "--data", str(folder),
         "--settings", str(chosen), "--broker", f"127.0.0.1:{free_port()}", "--metrics-port", "0"],
        cwd=ROOT, stderr=subprocess.DEVNULL, env={**os.environ, "PROVIDER_SECRET": "x"},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.service
@pytest.mark.slow
def test_killed_while_it_rings_it_rings_again_for_a_danger_and_never_twice_for_the_rest(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as socket, closing(StoreClient(socket)) as store, provider() as plays:
        grave = replace(told(1, "holds:grave"), at=now_ms())
        slight = replace(told(2, "holds:slight"), at=now_ms(), severity=Severity.MINOR)
        store.write([outcome(1, 0, grave), outcome(1, 1, slight)])
        with running(tmp_path, plays.port, try_s_max=15):
            _until(lambda: plays.asked_for("holds/grave") and plays.asked_for("holds/slight"))
        plays.let_go.set()
        with running(tmp_path, plays.port, try_s_max=15):
            _until(lambda: _state(tmp_path, "n-1") == "sent" and _state(tmp_path, "n-2"))

        assert _state(tmp_path, "n-2") == "unsure"
        assert len(plays.reached("grave")) == 2
        assert len(plays.reached("slight")) == 1
        book = Book(tmp_path / "notify" / "notify.sqlite", MIGRATIONS)
        results = [one.result for one in Ledger(book).tries("n-1")]
        book.close()
        assert results == ["crashed", "sent"]


def _state(folder: Path, name: str) -> str:
    book = Book(folder / "notify" / "notify.sqlite", MIGRATIONS)
    found = {one.id: one.state for one in Ledger(book).entries()}
    book.close()
    return found[name] if found.get(name) in DONE else ""


def _until(so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
