"""A store behind a socket: away and back, news without polling, and what strangers send."""

import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from sinks import wire
from sinks.client import StoreClient
from sinks.store import Filter, StoreRefusedError, StoreUnavailableError
from sinks.wire import Answer, Request
from tests.sinks.made import kept, notice, outcome
from tests.sinks.serving import served

ROOT = Path(__file__).parents[2]


def test_a_client_goes_on_when_the_owner_is_back(tmp_path: Path) -> None:
    client = StoreClient(tmp_path / "store.sock")
    with pytest.raises(StoreUnavailableError, match="is away"):
        client.write([outcome(1)])

    with served(tmp_path):
        assert client.write([outcome(1)]) == 1
    with pytest.raises(StoreUnavailableError, match="is away"):
        client.write([outcome(2)])
    with served(tmp_path):
        assert client.write([outcome(1), outcome(2)]) == 1

    client.close()


def test_a_follower_is_told_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as path, closing(StoreClient(path)) as follower:
        writer = threading.Timer(0.2, _write, (path,))
        writer.start()

        asked_at = time.monotonic()
        found = follower.outgoing(wait_s=20)
        waited_s = time.monotonic() - asked_at
        writer.join()

        assert [item.outcome for item in found] == [outcome(1, 0, notice())]
        assert waited_s < 10
        assert follower.outgoing(after=found[-1].seq, wait_s=0.05) == []


def _write(path: Path) -> None:
    with closing(StoreClient(path)) as client:
        client.write([outcome(1, 0, notice())])


def test_readers_are_answered_while_another_writes(tmp_path: Path) -> None:
    with served(tmp_path) as path, closing(StoreClient(path)) as writer:
        writer.write([outcome(0, n) for n in range(1_000)])
        batches = [[outcome(offset, n) for n in range(500)] for offset in range(1, 9)]
        thread = threading.Thread(target=lambda: [writer.write(batch) for batch in batches])
        thread.start()
        with closing(StoreClient(path)) as reader:
            seen = [sum(reader.counts()["observations"].values()) for _ in range(5)]
        thread.join()

    assert all((count - 1_000) % 500 == 0 for count in seen)
    assert seen == sorted(seen)


def test_an_outcome_of_another_version_becomes_a_dead_letter(tmp_path: Path) -> None:
    strange = msgspec.to_builtins(outcome(2))
    strange["value"] = {"type": "prophecy", "text": "x"}
    batch = [wire.pack(outcome(1)), msgspec.msgpack.encode(strange), wire.pack(outcome(3))]

    with served(tmp_path) as path, closing(StoreClient(path)) as client:
        client._ask(Request(ask="write", batch=tuple(map(msgspec.Raw, batch))), int)

        [letter] = client.deadletters(Filter())
        assert letter.position == (2, 0)
        assert "prophecy" in letter.value.detail
        assert client.observations(Filter()) == [outcome(1), outcome(3)]


def test_an_outcome_without_a_place_is_refused(tmp_path: Path) -> None:
    with served(tmp_path) as path, closing(StoreClient(path)) as client:
        with pytest.raises(StoreRefusedError, match="without a place"):
            client._ask(Request(ask="write", batch=(msgspec.Raw(b"\x80"),)), int)

        assert client.progress() == {}


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x03abc", b"\xff\xff\xff\xff", b"\x00\x00"],
    ids=["another protocol", "no request", "too long", "cut"],
)
def test_what_strangers_send_ends_their_connection_and_no_other(
    tmp_path: Path, sent: bytes
) -> None:
    with served(tmp_path) as path, closing(StoreClient(path)) as client:
        client.write([outcome(1)])
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(10)
            stranger.connect(str(path))
            stranger.sendall(sent)
            stranger.shutdown(socket.SHUT_WR)
            assert stranger.recv(1) == b""

        assert client.write([outcome(2)]) == 1


def test_a_large_batch_is_cut_and_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "WRITE_BYTES_MAX", 2_000)
    batch = [outcome(n, 0, kept(n)) for n in range(40)]

    with served(tmp_path) as path, closing(StoreClient(path)) as client:
        assert client.write(batch) == 40
        assert client.observations(Filter()) == batch


def test_only_the_owner_of_the_socket_may_ask(tmp_path: Path) -> None:
    with served(tmp_path) as path:
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_path_too_long_for_a_socket_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="longer than 107 bytes"):
        StoreClient(tmp_path / ("x" * 120)).progress()


def test_a_long_path_is_shortened_where_it_is_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("x" * 60) / ("y" * 60)
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)

    with served(folder) as path, closing(StoreClient(path)) as client:
        assert client.write([outcome(1)]) == 1


@pytest.mark.parametrize("text", ["127.0.0.1:7781", "run/store.sock", "/a:b/store.sock:1/x"])
def test_addresses_are_ports_or_paths(text: str) -> None:
    assert str(wire.address(text)) == text


def test_an_answer_is_small_when_nothing_is_said() -> None:
    assert wire.frame(Answer()) == b"\x00\x00\x00\x01\x80"


@pytest.mark.service
def test_the_command_keeps_what_it_acknowledged_when_killed(tmp_path: Path) -> None:
    for offset in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "weinao.cli.main", "store", "run",
             "--data", str(tmp_path), "--metrics-port", "0"],
            cwd=ROOT, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with closing(StoreClient(tmp_path / "store.sock")) as client:
                _wait_for(client)
                assert client.progress() == ({"grid-1": (offset - 1, 2)} if offset else {})
                assert client.write([outcome(offset, n) for n in range(3)]) == 3
        finally:
            process.kill()
            process.wait()


def _wait_for(client: StoreClient) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            client.progress()
        except StoreUnavailableError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
