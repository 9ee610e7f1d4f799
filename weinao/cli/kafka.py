"""Where a journal in Kafka is, as the command line says it."""

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.ingest.kafka import Place

_FORM = re.compile(
    r"kafka://(?P<brokers>[^/]+)/(?P<topic>[A-Za-z0-9._-]{1,249})/(?P<partition>\d{1,5})"
)


def place_of(text: str, properties: Path | None, command: str) -> "Place":
    """Return the place that `kafka://HOST:PORT[,HOST:PORT…]/TOPIC/PARTITION` names.

    Args:
        text: As given.
        properties: A TOML file of what else librdkafka is told; secrets belong there.
        command: Whose argument it was.

    Raises:
        SystemExit: It names none, or the extra is not installed.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise SystemExit(
            f"weinao {command}: --journal: expected kafka://HOST:PORT/TOPIC/PARTITION, got {text}"
        )
    try:
        from pipeline.ingest.kafka import Place
    except ModuleNotFoundError as error:
        raise SystemExit(f"weinao {command}: install the extra `kafka`: {error}") from error
    told = tomllib.loads(properties.read_text(encoding="utf-8")) if properties else {}
    return Place(
        brokers=tuple(found["brokers"].split(",")),
        topic=found["topic"],
        partition=int(found["partition"]),
        properties={key: str(value) for key, value in told.items()},
    )
