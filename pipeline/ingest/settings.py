"""What an operator may choose for `weinao ingest`; `configs/ingest.toml` says it in sentences."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from pipeline.ingest.gate import Rhythm
from pipeline.mqtt.broker import Broker
from pipeline.trimming import Keep


class IngestSettings(Struct, frozen=True, kw_only=True):
    """Settings of one ingest.

    Args:
        client: What speaks MQTT: `paho`, or the compiled `mqtt5`, which takes a quarter of the
            CPU time a message (`benchmarks/clients.py`).
    """

    broker: Broker = Broker()
    client: Literal["paho", "mqtt5"] = "paho"
    rhythm: Rhythm = Rhythm()
    keep: Keep = Keep()
    free_bytes_min: Annotated[int, Meta(ge=0)] = 256 * 2**20
    segment_bytes_max: Annotated[int, Meta(ge=1_000_000)] = 64 * 2**20
