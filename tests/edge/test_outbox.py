"""What the outbox promises, whatever is put, acknowledged, thinned, killed, and opened again."""

import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.lanes import Lane
from edge.outbox import Entry, Outbox
from edge.settings import OutboxSettings, UplinkSettings
from pipeline.brain.perceive.delivery import BOOTS_MAX, Delivered, accept
from tests.edge.made import NOW, entry, home, outbox
from weinao.messages import Ack, Pack
from weinao.outcomes import Reason

LANES = st.sampled_from(Lane)
DEVICES = st.sampled_from(["a", "b", "agent"])


class OutboxMachine(RuleBasedStateMachine):
    """Puts, acks, thinning, kills and restarts, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.folders = 0
        self.disk_free = 2**40
        self.now = NOW
        self.durable: set[tuple[str, str, int]] = set()
        self.acked: set[tuple[str, str, int]] = set()
        self.boots: list[str] = []
        self.outbox = self.opened(self.root / "0")

    def opened(self, folder: Path) -> Outbox:
        made = outbox(
            folder,
            OutboxSettings(items_max=100, bytes_max=65_536),
            now=self.now,
            disk_free=lambda: self.disk_free,
        )
        assert all(made.boot > earlier for earlier in self.boots)
        self.boots.append(made.boot)
        return made

    @rule(puts=st.lists(st.tuples(DEVICES, LANES, st.integers(1, 3)), min_size=1, max_size=90))
    def put(self, puts: list[tuple[str, Lane, int]]) -> None:
        self.now += 10
        entries = [Entry(device=d, lane=lane, obs=(home(self.now),) * n) for d, lane, n in puts]
        for placed in self.outbox.put(entries, self.now):
            number = (placed.device, placed.boot, placed.seq)
            assert number not in self.durable
            assert placed.seq == 1 or (placed.device, placed.boot, placed.seq - 1) in self.durable
            self.durable.add(number)

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        device, boot = data.draw(DEVICES), data.draw(st.sampled_from(self.boots))
        upto = data.draw(st.integers(0, 40))
        above = data.draw(st.lists(st.integers(1, 60), max_size=3))
        ack = Ack(boot=boot, seq=upto, also=tuple((n, n + 5) for n in above))
        covered = {*range(1, upto + 1), *(m for n in above for m in range(n, n + 6))}
        before = self.waiting()

        self.outbox.acknowledge(device, ack)

        gone = before - self.waiting()
        assert {number for number in gone if number[:2] != (device, boot)} == set()
        assert {seq for *_, seq in gone} <= covered
        self.acked |= gone

    @rule(short=st.booleans())
    def disk(self, short: bool) -> None:
        self.disk_free = 0 if short else 2**40

    @rule(torn=st.booleans())
    def kill_and_restart(self, torn: bool) -> None:
        old = self.root / str(self.folders)
        self.folders += 1
        new = self.root / str(self.folders)
        if torn:
            self.outbox._db.execute("BEGIN IMMEDIATE")
            self.outbox._place(entry("a"), self.now)
        shutil.copytree(old, new)  # as the disk is at the instant of the kill
        self.outbox.close()
        self.outbox = self.opened(new)

    @precondition(lambda self: self.folders < 5)
    @rule()
    def restart(self) -> None:
        self.outbox.close()
        self.outbox = self.opened(self.root / str(self.folders))

    @invariant()
    def nothing_disappears_but_acknowledged(self) -> None:
        assert self.waiting() == self.durable - self.acked

    @invariant()
    def what_is_given_up_is_named(self) -> None:
        named = {
            (device, boot, seq)
            for device, boot, first, last, *_ in self.outbox.ledger()
            for seq in range(first, last + 1)
        }
        assert named <= self.durable
        thinned = {
            (pack.device, pack.boot, seq)
            for pack in self.packs()
            if pack.thinned is not msgspec.UNSET
            for seq in range(pack.thinned.first, pack.seq + 1)
        }
        assert thinned <= named

    @invariant()
    def it_stays_within_its_bounds(self) -> None:
        depth = self.outbox.depth()
        assert depth.total == len(self.packs())
        assert depth.total <= 100 or all(p.thinned is not msgspec.UNSET for p in self.packs())

    @invariant()
    def the_highest_numbers_are_remembered(self) -> None:
        highest: dict[tuple[str, str], int] = {}
        for device, boot, seq in self.durable:
            highest[device, boot] = max(seq, highest.get((device, boot), 0))
        assert highest.items() <= self.outbox.issued().items()

    def packs(self) -> list[Pack]:
        rows = self.outbox._db.execute("SELECT payload FROM items")
        return [msgspec.json.decode(payload, type=Pack) for (payload,) in rows]

    def waiting(self) -> set[tuple[str, str, int]]:
        return {
            (pack.device, pack.boot, seq)
            for pack in self.packs()
            for seq in range(
                pack.seq if pack.thinned is msgspec.UNSET else pack.thinned.first, pack.seq + 1
            )
        }

    def teardown(self) -> None:
        self.outbox.close()
        shutil.rmtree(self.root)


# Every step looks at the whole file, so a run is short, and `soak` does many.
OutboxMachine.TestCase.settings = hypothesis_settings(
    hypothesis_settings.default,
    max_examples=max(hypothesis_settings.default.max_examples // 5, 20),
    stateful_step_count=25,
)
test_whatever_happens_nothing_is_lost_unnamed = OutboxMachine.TestCase


def test_alarms_go_first_and_each_lane_oldest_first(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    lanes = [Lane.MEDIA, Lane.ROUTINE, Lane.STATUS, Lane.ROUTINE, Lane.ALARM, Lane.ALARM]
    box.put([entry(f"d{index}", lane=lane) for index, lane in enumerate(lanes)], NOW)

    batch = box.next_batch(10, 0, NOW)

    assert [item.device for item in batch] == ["d4", "d5", "d2", "d1", "d3", "d0"]


def test_a_full_window_still_lets_an_alarm_through(tmp_path: Path) -> None:
    box = outbox(tmp_path, uplink=UplinkSettings(unacked_max=5))
    box.put([entry() for _ in range(50)], NOW)
    assert len(box.next_batch(20, 8, NOW)) == 5

    box.put([entry("sos-1", lane=Lane.ALARM)], NOW)

    assert [item.device for item in box.next_batch(0, 8, NOW)] == ["sos-1"]
    assert box.next_batch(20, 8, NOW) == []


def test_what_nobody_acknowledges_comes_again_after_a_while_and_at_once_after_a_rewind(
    tmp_path: Path,
) -> None:
    box = outbox(tmp_path, uplink=UplinkSettings(resend_s=10))
    box.put([entry(), entry()], NOW)

    first = box.next_batch(10, 0, NOW)
    assert box.next_batch(10, 0, NOW + 9_999) == []
    assert [item.seq for item in box.next_batch(10, 0, NOW + 10_000)] == [1, 2]
    box.acknowledge("pir-1", Ack(boot=box.boot, seq=1))
    box.rewind()

    assert [item.seq for item in box.next_batch(10, 0, NOW + 10_000)] == [2]
    assert not any(item.again for item in first)


def test_a_clock_that_steps_back_does_not_hold_packs(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    box.put([entry()], NOW)
    box.next_batch(10, 0, NOW)

    assert len(box.next_batch(10, 0, NOW - 3_600_000)) == 1


def test_the_word_about_time_waits_for_the_oldest_observation_that_is_no_status(
    tmp_path: Path,
) -> None:
    box = outbox(tmp_path)
    box.put([entry("agent", NOW - 9_000, Lane.STATUS)], NOW)
    assert box.complete_to(NOW) == NOW

    box.put([entry("a", NOW - 5_000), entry("b", NOW - 7_000, Lane.ALARM)], NOW)
    assert box.complete_to(NOW) == NOW - 7_000

    box.acknowledge("b", Ack(boot=box.boot, seq=1))
    assert box.complete_to(NOW) == NOW - 5_000
    box.acknowledge("a", Ack(boot=box.boot, seq=1))
    assert box.complete_to(NOW) == NOW


def test_the_lowest_lane_is_thinned_first_and_the_journal_hears_of_it(tmp_path: Path) -> None:
    box = outbox(tmp_path, OutboxSettings(items_max=100))
    box.put([entry("w", lane=Lane.ALARM)], NOW)
    box.put([entry("w") for _ in range(150)], NOW + 1)

    batch = box.next_batch(200, 0, NOW)
    given_up = msgspec.json.decode(batch[1].payload, type=Pack)

    assert batch[0].seq == 1
    assert batch[1].kind == "thinned"
    assert given_up.thinned is not msgspec.UNSET
    assert (given_up.thinned.first, given_up.thinned.lane) == (2, "routine")
    assert given_up.thinned.observations == given_up.seq - 1
    assert [item.seq for item in batch[2:]] == list(range(given_up.seq + 1, 152))
    assert box.ledger() == [
        ("w", box.boot, 2, given_up.seq, "routine", given_up.thinned.observations)
    ]


def test_what_was_sent_and_then_given_up_is_sent_anew(tmp_path: Path) -> None:
    box = outbox(tmp_path, OutboxSettings(items_max=100))
    box.put([entry() for _ in range(100)], NOW)
    box.next_batch(100, 0, NOW)
    box.put([entry()], NOW)

    batch = box.next_batch(100, 0, NOW + 1)

    assert [item.kind for item in batch] == ["thinned", "home"]


def test_a_short_disk_stops_growth_and_no_more(tmp_path: Path) -> None:
    free = [2**40]
    box = outbox(tmp_path, disk_free=lambda: free[0])
    box.put([entry() for _ in range(8_000)], NOW)
    size = box.depth().bytes
    free[0] = 1_000

    for _ in range(20):
        box.put([entry()], NOW)

    assert size * 0.7 < box.depth().bytes <= size


def test_a_mark_becomes_durable_with_its_observation(tmp_path: Path) -> None:
    box = outbox(tmp_path)
    box.put([Entry(device="a", obs=(home(),), mark=("replay/a", "1 2 3"))], NOW)
    box.put([Entry(device="a", mark=("other", "x"))], NOW)
    box.close()

    [mark] = outbox(tmp_path).marks("replay/")

    assert (mark.value, mark.placed.boot, mark.placed.seq) == ("1 2 3", box.boot, 1)


def test_on_a_short_disk_what_is_on_its_way_is_not_given_up(tmp_path: Path) -> None:
    box = outbox(tmp_path, disk_free=lambda: 1_000)
    sent = []
    for number in range(1, 100):
        box.put([entry("agent", lane=Lane.STATUS), entry("sos-1", lane=Lane.ALARM)], NOW)
        sent += [one.kind for one in box.next_batch(20, 8, NOW)]
        box.acknowledge("sos-1", Ack(boot=box.boot, seq=number))
        box.acknowledge("agent", Ack(boot=box.boot, seq=number))

    assert sent == ["home", "home"] * 99
    assert box.ledger() == []


def test_a_new_file_counts_on_from_where_no_earlier_one_can_have_been(tmp_path: Path) -> None:
    old = outbox(tmp_path / "old")
    old.close()
    again = outbox(tmp_path / "old", now=NOW + 1)

    after_a_new_card = outbox(tmp_path / "new", now=NOW + 86_400_000)

    assert old.boot < again.boot < after_a_new_card.boot


def test_an_agent_whose_new_card_knew_no_time_is_heard_once_its_clock_is_right(
    tmp_path: Path,
) -> None:
    known = Delivered()
    for day in range(BOOTS_MAX + 9):  # many starts, and then the card breaks
        old = outbox(tmp_path / "old", now=NOW + day * 86_400_000)
        [placed] = old.put([entry()], NOW + day * 86_400_000)
        known, refused, _ = accept(known, _pack(placed.boot, placed.seq))
        assert refused is None
        old.close()
    later = NOW + 90 * 86_400_000
    box = outbox(tmp_path / "new", now=0)
    [early] = box.put([entry(lane=Lane.ALARM)], 10_000)
    [right] = box.put([entry(lane=Lane.ALARM)], later)
    box.close()
    again = outbox(tmp_path / "new", now=later + 1_000)
    [restarted] = again.put([entry(lane=Lane.ALARM)], later + 1_000)

    _, refused, _ = accept(known, _pack(early.boot, early.seq))
    known, heard, _ = accept(known, _pack(right.boot, right.seq))
    _, heard_again, _ = accept(known, _pack(restarted.boot, restarted.seq))

    assert refused is Reason.STALE_BOOT
    assert (heard, heard_again) == (None, None)
    assert (early.seq, right.seq, restarted.seq) == (1, 1, 1)
    assert early.boot < right.boot < restarted.boot
    assert [one.boot for one in again.next_batch(9, 0, later)] == [
        early.boot, right.boot, restarted.boot
    ]  # fmt: skip


def _pack(boot: str, seq: int) -> Pack:
    return Pack(v=1, device="pir-1", boot=boot, seq=seq, sent=0, obs=(home(),))
