"""The link to a broker: it comes back by itself, and nothing that was sent at QoS 1 gets lost."""

import random
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mqtt5
import pytest
import structlog.testing

from pipeline.mqtt.broker import Broker
from pipeline.mqtt.link import Link
from tests.pipeline.running import Running
from weinao import logging
from weinao.clock import now_ms

_MADE: list[Link] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _MADE:
        _MADE.pop().close()


def linked(port: int, name: str, filters: tuple[str, ...] = (), **others: object) -> Link:
    broker = Broker(port=port, reconnect_s_max=0.2, keep_alive_s=5)
    made = Link(
        broker, name, filters, rng=random.Random(1), now=now_ms, log=logging.logger(), **others,  # type: ignore[arg-type]
    )  # fmt: skip
    _MADE.append(made)
    return made


def until(done: Callable[[], object], *links: Link, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        for link in links:
            link.work(0.01)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    made.broker()
    yield made
    made.close()


def test_what_is_not_acknowledged_comes_again_and_what_is_does_not(system: Running) -> None:
    got: list[mqtt5.PublishPacket] = []
    sender, taker = linked(system.port, "s"), linked(system.port, "t", ("a/#",))
    until(lambda: sender.up and taker.up, sender, taker)
    for number in range(40):
        sender.publish(f"a/{number}", b"x")

    def take() -> bool:
        got.extend(taker.work(0.01))
        return len({packet.topic for packet in got}) == 40

    until(take, sender)
    taker.ack([packet.packet_id for packet in got if packet.packet_id][:15])
    taker.publish("b", b"x")  # what the broker answers, it read after those
    until(lambda: not taker.unanswered, taker)
    taker.close()
    again = linked(system.port, "t", ("a/#",))
    left: list[str] = []

    def take_left() -> bool:
        left.extend(packet.topic for packet in again.work(0.01))
        return len(set(left)) >= 25

    until(take_left)

    assert not set(left) & {packet.topic for packet in got[:15]}
    until(lambda: not sender.unanswered, sender)


def test_what_was_sent_into_an_outage_arrives_after_it_and_it_is_said_twice(
    system: Running,
) -> None:
    sender = linked(system.port, "s")
    with structlog.testing.capture_logs() as said:
        until(lambda: sender.up, sender)
        system.kill("broker")
        until(lambda: not sender.up, sender)
        for number in range(50):
            sender.publish("a/b", str(number).encode())
        for _ in range(5):
            sender.work(0.2)
        system.broker()
        taker = linked(system.port, "t", ("a/#",))
        got: list[bytes] = []
        until(lambda: taker.up, taker)

        def take() -> bool:
            got.extend(packet.payload for packet in taker.work(0.01))
            return len(set(got)) == 50

        until(take, sender)
    assert [event["event"] for event in said] == ["peer.lost", "peer.restored"]


def test_what_is_urgent_overtakes_what_waits() -> None:
    with played(receive_max=2) as (port, heard):
        link = linked(port, "s")
        until(lambda: link.up, link)
        for number in range(20):
            link.publish("low", str(number).encode())
        link.publish("high", b"!", urgent=True)
        until(lambda: not link.unanswered, link)

    topics = [packet.topic for packet in heard if isinstance(packet, mqtt5.PublishPacket)]
    assert len(topics) == 21
    assert topics.index("high") == 2


@pytest.mark.parametrize(
    "bad", [b"\x20\x03\x00\x87\x00", bytes(4), b"\xff\xff\xff\xff\xff\xff", b"GET / HTTP"]
)
def test_a_peer_that_refuses_or_is_no_broker_is_given_up_and_tried_again(bad: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        link = linked(server.getsockname()[1], "x", ("a",))
        tries = 0

        def answer() -> None:
            nonlocal tries
            while tries < 3:
                peer, _ = server.accept()
                tries += 1
                peer.recv(1_000)
                peer.sendall(bad)
                peer.close()

        thread = threading.Thread(target=answer)
        thread.start()
        until(lambda: tries == 3, link)
        thread.join()
        assert not link.up


def test_a_broker_that_says_nothing_any_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with played(deaf=True) as (port, heard):
        link = linked(port, "x")
        until(lambda: link.up, link)
        start = time.monotonic()
        clock = {"ahead": 0.0}
        monkeypatch.setattr(
            "pipeline.mqtt.link.time.monotonic", lambda: start + clock["ahead"]
        )  # fmt: skip
        for clock["ahead"] in (1.0, 3.0, 6.0, 8.0):
            link.work(0)
        assert not link.up
        for _ in range(1_000):  # the clock stands still; the broker reads in its own time
            if any(isinstance(packet, mqtt5.PingReqPacket) for packet in heard):
                break
            time.sleep(0.01)
        else:
            pytest.fail("no ping was heard")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the package's
def test_a_topic_that_is_no_text_is_told_as_well_as_it_can_be() -> None:
    topic = b"a/\xff"
    body = len(topic).to_bytes(2) + topic + b"\x00\x07" + b"\x00" + b"payload"
    with played(push=bytes((0x32, len(body))) + body) as (port, _):
        link = linked(port, "x", ("a/#",))
        got: list[mqtt5.PublishPacket] = []
        until(lambda: got.extend(link.work(0.01)) or got)

    assert (got[0].topic, got[0].payload, got[0].packet_id) == ("a/�", b"payload", 7)


def test_it_speaks_tls_to_whom_it_trusts_and_to_nobody_else(tmp_path: Path) -> None:
    for name in ("good", "other"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
             "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(tmp_path / "good.pem", tmp_path / "good.key")
    with played(tls=served) as (port, heard):
        link = linked(port, "x", tls=ssl.create_default_context(cafile=tmp_path / "good.pem"))
        until(lambda: link.up, link)
        link.publish("a", b"x" * 100_000)
        until(lambda: not link.unanswered, link)
        wary = linked(port, "y", tls=ssl.create_default_context(cafile=tmp_path / "other.pem"))
        for _ in range(5):
            wary.work(0.1)
        assert not wary.up
    assert [len(one.payload) for one in heard if isinstance(one, mqtt5.PublishPacket)] == [100_000]


@contextmanager
def played(
    *,
    receive_max: int = 100,
    deaf: bool = False,
    push: bytes = b"",
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[int, list[mqtt5.Packet]]]:
    """Play a broker: grant everything, acknowledge everything, and note what is heard."""
    heard: list[mqtt5.Packet] = []
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def talk(peer: socket.socket) -> None:
        data = b""
        try:
            peer = tls.wrap_socket(peer, server_side=True) if tls else peer
            while more := peer.recv(65_536):
                data += more
                while True:
                    try:
                        packet, size = mqtt5.read(memoryview(data))
                    except IndexError:
                        break
                    data = data[size:]
                    heard.append(packet)
                    reply = b""
                    if isinstance(packet, mqtt5.ConnectPacket):
                        reply = mqtt5.ConnAckPacket(receive_max=receive_max).write()
                    elif isinstance(packet, mqtt5.SubscribePacket):
                        granted = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]
                        reply = mqtt5.SubAckPacket(packet.packet_id, granted).write() + push
                    elif isinstance(packet, mqtt5.PublishPacket) and packet.packet_id:
                        reply = mqtt5.PubAckPacket(packet.packet_id).write()
                    elif isinstance(packet, mqtt5.PingReqPacket) and not deaf:
                        reply = mqtt5.PingRespPacket().write()
                    peer.sendall(reply)
        except (OSError, ValueError):
            return
        finally:
            peer.close()

    def serve() -> None:
        while not ended.is_set():
            try:
                peer, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], heard
    finally:
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
