"""What ingest promises: nothing is acknowledged that a crash could still take back."""

import re
import resource
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import durable
from pipeline.ingest.durable import BOOTS_MAX, Checkpoint, Durable
from pipeline.ingest.durable import Sender as Whom
from pipeline.ingest.gate import Gate, Rhythm, Ticket
from pipeline.ingest.settings import IngestSettings
from pipeline.journal import (
    PAYLOAD_BYTES_MAX,
    PAYLOAD_CUT_BYTES,
    JournalReader,
    JournalWriter,
    Record,
)
from tests.pipeline.running import COMMUNITY, GRID, ROOT, Running, Sender, running
from weinao import codec, logging, settings, topics
from weinao.cli.ingest import ingest
from weinao.messages import Ack, Pack, Thinned
from weinao.numbers import Numbers
from weinao.settings import SettingsError

DEVICES, BOOTS = ("a", "b"), ("00000001-x", "00000002-x")


def record(device: str, boot: str, seq: int, first: int = 0, kind: str = codec.JSON) -> Record:
    gone = {"thinned": Thinned(first=first, lane="routine", reason="full")} if first else {}
    pack = Pack(v=1, device=device, boot=boot, seq=seq, sent=0, **gone)
    topic = topics.up(COMMUNITY, GRID, "home", device)
    payload = codec.encode(pack, kind)
    return Record(0, 0, topic, kind, payload, len(payload))


@st.composite
def packs(draw: st.DrawFn) -> tuple[str, str, int, int]:
    seq = draw(st.integers(1, 12))
    first = draw(st.just(0) | st.integers(1, seq))
    return draw(st.sampled_from(DEVICES)), draw(st.sampled_from(BOOTS)), seq, first


@given(
    st.lists(packs(), max_size=30), st.integers(0, 30), st.sampled_from([codec.JSON, codec.MSGPACK])
)
def test_an_ack_says_exactly_what_came_wherever_a_checkpoint_was_made(
    sent: list[tuple[str, str, int, int]], cut: int, kind: str
) -> None:
    came: dict[tuple[str, str], set[int]] = {}
    state = Durable(Checkpoint())
    for number, (device, boot, seq, first) in enumerate(sent):
        if number == cut:
            saved = msgspec.msgpack.encode(state.checkpoint(1))
            state = Durable(msgspec.msgpack.decode(saved, type=Checkpoint))
        came.setdefault((device, boot), set()).update(range(first or seq, seq + 1))

        whom = state.note(record(device, boot, seq, first, kind))

        assert whom == (GRID, device, boot)
        ack = state.ack(whom)
        assert ack is not None
        numbers = Numbers(ack.seq, ack.also)
        assert {n for n in range(14) if n and n in numbers} == came[device, boot]


def test_what_the_flow_will_reject_is_acknowledged_if_it_says_who_sent_it() -> None:
    poisoned = b'{"v":9,"device":"a","boot":"b1","seq":1,"obs":[{"kind":"nonsense"}],"x":[{}]}'
    state = Durable(Checkpoint())

    whom = state.note(Record(0, 0, topics.up(COMMUNITY, GRID, "home", "a"), "", poisoned, 0))

    assert whom is not None
    assert state.ack(whom) == Ack(boot="b1", seq=1)


@pytest.mark.parametrize(
    ("topic", "content_type", "payload"),
    [
        (topics.up(COMMUNITY, GRID, "home", "a"), "", b"\xff\x00"),
        (topics.up(COMMUNITY, GRID, "home", "a"), "", b"[" * 100_000),
        (topics.up(COMMUNITY, GRID, "home", "a"), "", b'{"device":"a","boot":"b","seq":"1"}'),
        (topics.up(COMMUNITY, GRID, "home", "a"), "", b'{"device":"a","boot":"b","seq":0}'),
        (
            topics.up(COMMUNITY, GRID, "home", "a"),
            "image/png",
            b'{"device":"a","boot":"b","seq":1}',
        ),
        ("weinao/v1/x/y/up/home", "", b'{"device":"a","boot":"b","seq":1}'),
        (topics.tick(COMMUNITY), "", b""),
    ],
)
def test_what_names_no_sender_is_acknowledged_to_nobody(
    topic: str, content_type: str, payload: bytes
) -> None:
    assert Durable(Checkpoint()).note(Record(0, 0, topic, content_type, payload, 0)) is None


def test_nobody_empties_the_outbox_of_another_device() -> None:
    state = Durable(Checkpoint())
    forged = record("a", "b", 9, 1)
    forged = Record(0, 0, topics.up(COMMUNITY, GRID, "home", "z"), "", forged.payload, 0)

    assert state.note(forged) is None
    assert state.ack((GRID, "a", "b")) is None


def test_of_many_boots_the_oldest_without_gaps_is_forgotten_and_never_the_one_just_heard() -> None:
    state = Durable(Checkpoint())
    state.note(record("a", "boot-000", 2))  # 1 is missing
    for number in range(1, BOOTS_MAX):
        state.note(record("a", f"boot-{number:03}", 1))

    state.note(record("a", "boot-999", 1))
    late = state.note(record("a", "boot-001", 7))

    assert state.ack((GRID, "a", "boot-000")) == Ack(boot="boot-000", seq=0, also=((2, 2),))
    assert late is not None
    assert state.ack(late) == Ack(boot="boot-001", seq=0, also=((7, 7),))
    assert state.ack((GRID, "a", "boot-002")) is None


@given(st.binary(max_size=3), st.integers(0, 200))
def test_a_damaged_checkpoint_counts_for_nothing(wrong: bytes, place: int) -> None:
    state = Durable(Checkpoint())
    state.note(record("a", "b", 1))
    with TemporaryDirectory() as name:
        path = Path(name) / "acked.msgpack"
        durable.save(state.checkpoint(7), path)
        good = path.read_bytes()
        path.write_bytes(good[:place] + wrong + good[place + len(wrong) :])
        changed = path.read_bytes() != good

        assert durable.load(path) == (Checkpoint() if changed else state.checkpoint(7))


class Witness:
    """Checks at each acknowledgement that what it is for can be read from the journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pubacks: list[int] = []
        self.acks: list[Ack] = []
        self.at = 1_000

    def puback(self, ticket: Ticket) -> None:
        reader = JournalReader(self.folder)
        assert len([r for r in reader.read(1_000) if r.payload]) >= ticket[1]
        reader.close()
        self.pubacks.append(ticket[1])

    def tell(self, _whom: Whom, ack: Ack) -> None:
        self.acks.append(ack)

    def gate(self, journal: JournalWriter, **rhythm: float) -> Gate:
        return Gate(
            journal,
            self.folder,
            COMMUNITY,
            rhythm=Rhythm(**rhythm),
            puback=self.puback,
            tell=self.tell,
            now=lambda: self.at,
            log=logging.logger(),
            elapsed=lambda: self.at / 1_000,
        )

    def take(self, gate: Gate, seq: int) -> None:
        sent = record("a", "b", seq)
        gate.take(sent.topic, sent.payload, sent.content_type, (1, seq, 1))


def test_nothing_is_acknowledged_before_it_can_be_read_and_then_each_device_once(
    tmp_path: Path,
) -> None:
    witness = Witness(tmp_path)
    gate = witness.gate(JournalWriter(tmp_path))
    for seq in (1, 2, 3):
        witness.take(gate, seq)
    assert (witness.pubacks, witness.acks) == ([], [])

    gate.commit()

    assert witness.pubacks == [1, 2, 3]
    assert witness.acks == [Ack(boot="b", seq=3)]


@pytest.mark.parametrize("damage", [None, b"", b"nonsense"])
@pytest.mark.parametrize("fresh", [False, True])
def test_acks_go_on_after_a_restart_whatever_became_of_the_checkpoint(
    tmp_path: Path, damage: bytes | None, *, fresh: bool
) -> None:
    witness, journal = Witness(tmp_path), JournalWriter(tmp_path, segment_bytes_max=300)
    gate = witness.gate(journal, checkpoint_s=0.001 if fresh else 60.0)
    for seq in (1, 2, 3, 4):
        witness.take(gate, seq)
        gate.commit()
        gate.beat()
    journal.close()
    if damage is not None:
        (tmp_path / "acked.msgpack").write_bytes(damage)

    again = Witness(tmp_path)
    gate = again.gate(JournalWriter(tmp_path))
    again.take(gate, 5)
    gate.commit()

    assert again.acks == [Ack(boot="b", seq=5)]


def test_a_checkpoint_of_another_journal_counts_for_nothing(tmp_path: Path) -> None:
    witness, journal = Witness(tmp_path), JournalWriter(tmp_path)
    other = Durable(Checkpoint())
    other.note(record("a", "b", 9, 1))
    durable.save(other.checkpoint(50), tmp_path / "acked.msgpack")
    witness.take(witness.gate(journal), 1)
    journal.commit()
    journal.close()

    gate = witness.gate(JournalWriter(tmp_path))
    witness.take(gate, 2)
    gate.commit()

    assert witness.acks == [Ack(boot="b", seq=2)]


def test_the_clock_ticks_once_after_a_standstill_and_never_backwards(tmp_path: Path) -> None:
    witness = Witness(tmp_path)
    gate = witness.gate(JournalWriter(tmp_path))
    for at in (1_000, 1_500, 2_000, 60_000, 60_100, 61_000):
        witness.at = at
        gate.beat()

    reader = JournalReader(tmp_path)
    assert [r.received_at for r in reader.read(100)] == [1_000, 2_000, 60_000, 61_000]
    reader.close()


def test_the_shipped_settings_say_the_defaults(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "ingest.toml").read_text()
    uncommented = tmp_path / "ingest.toml"
    uncommented.write_text(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))

    assert settings.load(uncommented, IngestSettings) == IngestSettings()
    keys = set(re.findall(r"^(\w+) =", uncommented.read_text(), flags=re.MULTILINE))
    known = msgspec.to_builtins(IngestSettings())
    alone = {"client", "free_bytes_min", "segment_bytes_max"}
    assert keys == {*alone, *known["broker"], *known["rhythm"], *known["keep"]}


@pytest.mark.parametrize("wrong", ["tick_s = 0", "linger_s_max = -1", "messages_max = 0"])
def test_settings_that_cannot_work_are_refused(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "ingest.toml"
    path.write_text(f"[rhythm]\n{wrong}\n")

    with pytest.raises(SettingsError, match="rhythm"):
        settings.load(path, IngestSettings)


@pytest.fixture(params=["paho", "mqtt5"])
def system(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """Programs of which ingest speaks MQTT by either client: the same is promised of both."""
    with running(tmp_path, f'client = "{request.param}"\n[rhythm]\ntick_s = 0.2\n') as made:
        yield made


@pytest.fixture
def sender(system: Running) -> Iterator[Sender]:
    """A device, once broker and ingest are there and hear it."""
    system.broker()
    system.ingest()
    made = Sender(system.address)
    # A broker hands on only what somebody listens for: say something until it is heard.
    hello = Sender(system.address, "hello")

    def heard() -> bool:
        hello.send(1)
        time.sleep(0.05)
        return bool(hello.acks)

    system.wait(heard)
    hello.close()
    yield made
    made.close()


@pytest.mark.service
@pytest.mark.slow
def test_what_was_acknowledged_survives_kills_of_ingest_and_broker(
    system: Running, sender: Sender
) -> None:
    count, sent, killed = 1_500, 0, 0
    sent_at = time.monotonic()
    while waiting := sender.waiting(count):
        assert time.monotonic() - sent_at < 240
        if sent < count:
            sender.send(*range(sent + 1, sent + 51))
            sent += 50
        elif not sender.client.want_write():
            sender.send(*waiting)
            time.sleep(0.3)
        if sent in (400, 800, 1_200) and killed < sent // 400:
            system.kill("broker" if sent == 800 else "ingest")
            killed += 1
            told = {n for n in range(1, count + 1) if n in sender.numbers}
            assert told <= _numbers(system.journalled())
            if sent == 800:
                system.broker()
            else:
                system.ingest()

    assert killed == 3
    assert _numbers(system.journalled()) == set(range(1, count + 1))
    assert sender.acks[-1].seq == count
    times = [r.received_at for r in system.records()]
    assert times == sorted(times)


@pytest.mark.service
@pytest.mark.slow
def test_everything_is_journalled_as_it_came_and_in_order(system: Running, sender: Sender) -> None:
    poisoned = (
        b'{"v":1,"device":"pir-1","boot":"00000001-aaaaaa","seq":4,"sent":0,"obs":[{"kind":"?"}]}'
    )
    huge = codec.encode(sender.pack(5)) + b" " * PAYLOAD_BYTES_MAX
    sent: list[tuple[bytes, str]] = [
        (codec.encode(sender.pack(1)), ""),
        (b"", ""),
        (bytes(range(256)), ""),
        (codec.encode(sender.pack(2), codec.MSGPACK), codec.MSGPACK),
        (b"{" * 5_000, codec.JSON),
        (codec.encode(sender.pack(3)), "image/\N{GRINNING FACE}"),
        (poisoned, ""),
        (huge, ""),
        (b"x" * 900_000, "a/b"),
    ]
    for payload, content_type in sent:
        sender.publish("home", payload, content_type, retain=payload == poisoned)

    system.wait(lambda: 5 in sender.numbers)

    def arrived() -> list[Record]:
        return [one for one in system.journalled() if one.topic.endswith("pir-1")]

    system.wait(lambda: len(arrived()) >= len(sent))
    found = arrived()
    assert [(r.content_type, r.size) for r in found] == [(kind, len(p)) for p, kind in sent]
    for came, (payload, _) in zip(found, sent, strict=True):
        cut = len(payload) > PAYLOAD_BYTES_MAX
        assert came.payload == (payload[:PAYLOAD_CUT_BYTES] if cut else payload)
    # 3 came with a content type that nobody reads: kept, but from nobody.
    assert sender.acks[-1] == Ack(boot=sender.boot, seq=2, also=((4, 5),))


@pytest.mark.service
@pytest.mark.slow
def test_a_disk_that_refuses_is_said_once_and_nothing_is_acknowledged_meanwhile(
    system: Running, sender: Sender
) -> None:
    ingest = system.processes["ingest"]
    sender.send(1)
    system.wait(lambda: 1 in sender.numbers)

    end = JournalReader(system.folder / "journal").end
    _, most = resource.prlimit(ingest.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(ingest.pid, resource.RLIMIT_FSIZE, (end, most))
    sender.send(2, 3)
    system.wait(lambda: "peer=disk" in system.log("ingest"))
    time.sleep(1.2)  # two further attempts
    assert 2 not in sender.numbers
    assert ingest.poll() is None
    assert system.log("ingest").count("peer=disk") == 1

    resource.prlimit(ingest.pid, resource.RLIMIT_FSIZE, (most, most))
    system.wait(lambda: 3 in sender.numbers)
    assert "peer.restored" in system.log("ingest")


@pytest.mark.service
@pytest.mark.slow
def test_the_clock_ticks_on_without_a_broker_and_ingest_comes_back_by_itself(
    system: Running,
) -> None:
    system.ingest()
    system.wait(lambda: len(system.records()) >= 4)
    system.wait(lambda: "peer.lost" in system.log("ingest"))

    system.broker()
    system.wait(lambda: "peer.restored" in system.log("ingest"))
    sender = Sender(system.address)
    sender.send(1)
    system.wait(lambda: 1 in sender.numbers)
    sender.close()

    assert system.end("ingest") == 0
    assert "ingest.ended" in system.log("ingest")
    assert system.log("ingest").count("peer.lost") == 1
    times = [r.received_at for r in system.records() if r.topic == topics.tick(COMMUNITY)]
    gaps = [b - a for a, b in pairwise(times)]
    assert min(gaps) >= 0
    # As often as it was told, and not once a second as it would be by itself.
    assert 140 <= sorted(gaps)[len(gaps) // 2] < 600


@pytest.mark.service
@pytest.mark.slow
def test_the_broker_listens_on_loopback_alone_and_lives_and_dies_as_one(system: Running) -> None:
    system.broker()
    program = psutil.Process(system.processes["broker"].pid)
    [child] = program.children()
    listening = [c.laddr for c in child.net_connections() if c.status == psutil.CONN_LISTEN]
    assert [(at.ip, at.port) for at in listening] == [("127.0.0.1", system.port)]

    child.kill()
    assert system.processes["broker"].wait(60) == 1

    system.broker()
    [child] = psutil.Process(system.processes["broker"].pid).children()
    system.kill("broker")
    system.wait(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)

    system.broker()
    assert system.end("broker") == 0


def _numbers(records: list[Record]) -> set[int]:
    return {msgspec.json.decode(r.payload)["seq"] for r in records if r.topic.endswith("pir-1")}


def test_a_reserve_that_would_come_too_late_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "ingest.toml"
    config.write_text("free_bytes_min = 2_000\n[keep]\nfree_bytes_wanted = 2_000\n")

    with pytest.raises(SystemExit, match="must be more than free_bytes_min"):
        ingest(data=tmp_path / "data", config=config)
