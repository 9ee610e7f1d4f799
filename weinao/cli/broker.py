"""`weinao broker`: the embedded MQTT 5 broker, for one machine and for rehearsals.

It keeps nothing over a restart and knows no device identities: the agents' outboxes cover the one,
its being bound to loopback the other. In production, take mosquitto.
"""

import signal
import sys
import time
from pathlib import Path

from weinao import logging
from weinao.cli.options import Port

PAYLOAD_BYTES_MAX = 1_048_576
"""Larger than anything `ingest` takes whole, so that what is too large can be named there."""

_CONFIG = """\
id = 0

[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10

[v5.1]
name = "v5"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {payload}
max_inflight_count = 1000
dynamic_filters = true
"""


class _Ended(Exception):  # noqa: N818  # a signal, not an error
    """Somebody asked us to end."""


def broker(*, data: Path, port: Port = 1884, host: str = "127.0.0.1") -> None:
    """Run a broker until told to end.

    Args:
        data: Folder of the system; the broker's own settings are written into it.
        port: For MQTT 5.
        host: Address to bind; the broker knows no identities, so leave it on loopback.
    """
    logging.configure()
    log = logging.logger(port=port)
    from iotcore import Broker

    data.mkdir(parents=True, exist_ok=True)
    config = data / "broker.toml"  # its own defaults listen on every address
    config.write_text(_CONFIG.format(host=host, port=port, payload=PAYLOAD_BYTES_MAX))
    signal.signal(signal.SIGTERM, _end)
    try:
        child = Broker(config_path=str(config))
    except ValueError:
        sys.exit(f"weinao broker: cannot listen on {host}:{port}: expected an address of numbers")
    try:
        # Its end of our pipe closes when we are killed, and then it ends, too.
        child.start()
        log.info("broker.started")
        while child.is_running:
            time.sleep(0.1)
    except (_Ended, KeyboardInterrupt):
        child.stop()
        log.info("broker.ended")
        return
    except (OSError, RuntimeError) as error:
        sys.exit(f"weinao broker: {error}")
    log.error("broker.died")
    sys.exit(1)


def _end(*_: object) -> None:
    raise _Ended
