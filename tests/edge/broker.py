"""A real MQTT 5 broker on this machine, that a test can kill and start again."""

from pathlib import Path

from iotcore import Broker

from weinao.cli.system import free_port

_CONFIG = """
id = 0
[router]
id = 0
max_connections = 200
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v4.1]
name = "v4"
listen = "127.0.0.1:{v4}"
next_connection_delay_ms = 1
[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
[v5.1]
name = "v5"
listen = "127.0.0.1:{v5}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""


_TLS = """
[v5.1.tls]
certpath = "{folder}/server.pem"
keypath = "{folder}/server.key"
"""


class RealBroker:
    """The broker; its port stays the same over restarts, its memory does not."""

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        self.port = free_port()
        self._config = folder / "broker.toml"
        text = _CONFIG.format(v4=free_port(), v5=self.port)
        self._config.write_text(text + _TLS.format(folder=folder) if tls else text)
        self._broker: Broker | None = None

    def start(self) -> None:
        self._broker = Broker(config_path=str(self._config)).start(timeout=60)

    def kill(self) -> None:
        assert self._broker
        assert self._broker._process
        self._broker._process.kill()
        self._broker._process.wait()
        self._broker.stop()
        self._broker = None

    def stop(self) -> None:
        if self._broker:
            self._broker.stop()
