"""`weinao announce`: tell others what was concluded, through the broker."""

import random
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from weinao import logging, metrics
from weinao.cli.clocks import ClockOption, told_time
from weinao.cli.options import Address, Name, Port, host_and_port
from weinao.clock import now_ms
from weinao.outage import Outage

if TYPE_CHECKING:
    from sinks.mqtt import Publisher
    from sinks.notifier import Notifier
    from sinks.settings import AnnounceSettings

STORE_PAUSE_S_MAX = 1.0
"""The store is on this machine: asking again costs nothing, and alarms wait for it."""


def announce(
    *,
    data: Path,
    settings: Path | None = None,
    community: Name | None = None,
    broker: Address | None = None,
    metrics_port: Port | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Publish incidents, tasks, notices and commands as the store gets them.

    Args:
        data: Folder of the system; the store's socket is in it.
        settings: A file like `configs/announce.toml`; without one, `community` is needed.
        community: The community in the topics.
        broker: Where the broker speaks MQTT 5, `host:port`.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
        clock: Of a story that is played.
    """
    from sinks.client import StoreClient
    from sinks.mqtt import Publisher
    from sinks.notifier import Notifier
    from weinao.cli.stores import SOCKET

    chosen = _chosen(settings, community, broker)
    logging.configure(json=log_json or chosen.log.json, level=chosen.log.level)
    log = logging.logger(community=chosen.community)
    port = metrics_port if metrics_port is not None else chosen.metrics.port
    log.info("metrics.served", port=metrics.serve(port, chosen.metrics.address))
    store = StoreClient(data / SOCKET)
    publisher = Publisher(chosen.broker, f"{chosen.name}-{chosen.community}")
    notifier = Notifier(
        store,
        publisher,
        community=chosen.community,
        name=chosen.name,
        batch_max=chosen.batch_max,
        now=told_time(clock),
        log=log,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _follow(notifier, publisher, chosen, stop)
    publisher.close()
    store.close()


def _follow(
    notifier: "Notifier", publisher: "Publisher", chosen: "AnnounceSettings", stop: threading.Event
) -> None:
    from sinks.mqtt import BrokerUnavailableError
    from sinks.store import StoreUnavailableError

    log = logging.logger(community=chosen.community)
    broker, store = Outage(log, "broker", now_ms), Outage(log, "store", now_ms)
    rng, failures = random.Random(), 0  # noqa: S311  # jitter is no secret
    while not stop.is_set():
        try:
            if not publisher.connected:
                publisher.connect()
                broker.restored()
            notifier.step(chosen.wait_s)
            store.restored()
            publisher.tend()
            failures = 0
            continue
        except BrokerUnavailableError as error:
            broker.lost(error)
            longest_s = chosen.broker.reconnect_s_max
        except StoreUnavailableError as error:
            store.lost(error)
            longest_s = STORE_PAUSE_S_MAX
        stop.wait(_pause_s(failures, chosen.broker.reconnect_s_min, longest_s, rng))
        failures += 1


def _pause_s(failures: int, first_s: float, longest_s: float, rng: random.Random) -> float:
    return rng.uniform(0.5, 1) * min(first_s * 2.0 ** min(failures, 20), longest_s)


def _chosen(
    settings: Path | None, community: str | None, broker: str | None
) -> "AnnounceSettings":  # fmt: skip
    from msgspec.structs import replace

    from sinks.settings import AnnounceSettings
    from weinao.settings import SettingsError, from_table, load

    try:
        if settings is not None:
            chosen = load(settings, AnnounceSettings)
        else:
            table = {"community": community} if community else {}
            chosen = from_table(table, AnnounceSettings, "weinao announce")
    except SettingsError as error:
        sys.exit(f"weinao announce: {error}")
    if community:
        chosen = replace(chosen, community=community)
    if broker:
        host, port = host_and_port(broker)
        chosen = replace(chosen, broker=replace(chosen.broker, host=host, port=port))
    return chosen
