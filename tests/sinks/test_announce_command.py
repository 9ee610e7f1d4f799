"""The real notifier between a real store and a real broker; each of them dies on the way."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import REGISTRY

from sinks.client import StoreClient
from sinks.mqtt import BrokerUnavailableError, Publisher
from sinks.settings import BrokerSettings
from sinks.store import StoreUnavailableError
from tests.edge.broker import RealBroker
from tests.sinks.made import command, incident, notice, outcome, task
from tests.sinks.serving import served
from weinao.cli.system import free_port

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.service


class Subscriber:
    """Hears everything that is published; comes back when the broker does."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, str]] = []
        self.subscribed = 0
        self._client = Client(CallbackAPIVersion.VERSION2, "hearing", protocol=MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("weinao/v1/#", qos=1)
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_subscribe(self, *_: object) -> None:
        self.subscribed += 1

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        where = message.topic.removeprefix("weinao/v1/demo/grid-1/")
        self.heard.append((where, msgspec.json.decode(message.payload)["id"]))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RealBroker]:
    made = RealBroker(tmp_path)
    made.start()
    yield made
    made.stop()


@contextmanager
def notifying(folder: Path, port: int) -> Iterator[None]:
    """Run the notifier; in the end it is killed, not stopped."""
    process = subprocess.Popen(
        [sys.executable, "-m", "weinao.cli.main", "announce", "--data", str(folder),
         "--community", "demo", "--broker", f"127.0.0.1:{port}", "--metrics-port", "0"],
        cwd=ROOT, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_everything_is_told_though_each_of_them_dies(tmp_path: Path, broker: RealBroker) -> None:
    said = [("out/incident", "i-1"), ("out/task", "t-1"), ("down/agent-1/command", "c-1")]
    fresh = replace(command(), expires_at=4_000_000_000_000)

    with closing(StoreClient(tmp_path / "store.sock")) as store, ExitStack() as stack:
        owner = stack.enter_context(ExitStack())
        owner.enter_context(served(tmp_path))
        hearing = stack.enter_context(closing(Subscriber(broker.port)))
        _until(lambda: hearing.subscribed == 1)

        with notifying(tmp_path, broker.port):
            store.write([outcome(1, n, value) for n, value in enumerate([incident(), task()])])
            store.write([outcome(2, 0, fresh)])
            _until(lambda: store.cursor("notify") == 3)
        with notifying(tmp_path, broker.port):
            store.write([outcome(3, 0, notice(3))])
            _until(lambda: ("out/notice", "n-3") in hearing.heard)
            broker.kill()
            store.write([outcome(4, 0, notice(4))])
            broker.start()
            _until(lambda: store.cursor("notify") == 5)
            _until(lambda: hearing.subscribed >= 2)
            owner.close()
            owner.enter_context(served(tmp_path))
            _until(lambda: _written(store))
            _until(lambda: ("out/notice", "n-5") in hearing.heard)

    assert hearing.heard[:3] == said
    assert hearing.heard.count(said[0]) == 1
    # What the broker had acknowledged when it died may have reached nobody: it keeps nothing.
    assert {*hearing.heard[3:]} - {("out/notice", "n-4")} == {
        ("out/notice", "n-3"), ("out/notice", "n-5")
    }  # fmt: skip


def _written(store: StoreClient) -> bool:
    with suppress(StoreUnavailableError):
        return store.write([outcome(5, 0, notice(5))]) >= 0
    return False


def test_a_command_void_by_now_is_not_sent(tmp_path: Path, broker: RealBroker) -> None:
    with ExitStack() as stack:
        store = StoreClient(stack.enter_context(served(tmp_path)))
        stack.enter_context(closing(store))
        hearing = stack.enter_context(closing(Subscriber(broker.port)))
        _until(lambda: hearing.subscribed == 1)
        with notifying(tmp_path, broker.port):
            store.write([outcome(1, 0, command()), outcome(1, 1, notice())])
            _until(lambda: hearing.heard != [])

    assert hearing.heard == [("out/notice", "n-1")]


def test_a_broker_that_is_away_is_said_to_be_away() -> None:
    publisher = Publisher(BrokerSettings(port=free_port()), "notify-demo")

    with pytest.raises(BrokerUnavailableError, match="refused"):
        publisher.connect()
    with pytest.raises(BrokerUnavailableError):
        publisher.publish([])
    assert not publisher.connected


def test_whether_there_is_a_broker_is_counted_by_who_has_it(broker: RealBroker) -> None:
    publisher = Publisher(BrokerSettings(port=broker.port), "notify-demo")
    seen = [REGISTRY.get_sample_value("weinao_sinks_broker_connected")]
    publisher.connect()
    seen.append(REGISTRY.get_sample_value("weinao_sinks_broker_connected"))
    broker.kill()
    with suppress(BrokerUnavailableError):
        _until(lambda: publisher.tend() is not None)
    seen.append(REGISTRY.get_sample_value("weinao_sinks_broker_connected"))

    assert seen == [0, 1, 0]


def _until(met: Callable[[], bool], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)
