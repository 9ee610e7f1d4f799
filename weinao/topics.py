"""The names of MQTT topics, made and taken apart in one place.

weinao/v1/{community}/{grid}/up/{kind}/{device}         a pack of observations of one kind
weinao/v1/{community}/{grid}/registry/{record}/{id}     a pack with a registry record
weinao/v1/{community}/{grid}/feedback/{incident}        a pack with a person's answer
weinao/v1/{community}/{grid}/status/{device}            retained birth, last will
weinao/v1/{community}/{grid}/down/{device}/command|ack  to a device
weinao/v1/{community}/{grid}/out/incident|alert|task|notice  to any other system
weinao/v1/{community}/ingest                            ingest listens, from now on
weinao/v1/{community}/tick                              in the journal only: time has passed
weinao/v1/{community}/{grid}/departs|arrives            likewise: a grid changes its flow
"""

import re
from enum import StrEnum

from msgspec import Struct

ROOT = "weinao/v1"


class Way(StrEnum):
    """What a message that reaches the journal is about."""

    UP = "up"
    REGISTRY = "registry"
    FEEDBACK = "feedback"
    TICK = "tick"
    DEPARTS = "departs"
    ARRIVES = "arrives"


OURS = frozenset({Way.TICK, Way.DEPARTS, Way.ARRIVES})
"""What only ingest itself writes into the journal; nobody can send it."""


class Topic(Struct, frozen=True):
    """A topic taken apart.

    Attributes:
        kind: The observations' kind, or `registered` or `feedback`.
        name: The device, `record/id`, or incident that the topic names.
    """

    way: Way
    community: str
    grid: str = ""
    kind: str = ""
    name: str = ""


_WORD = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_FORMS = re.compile(
    rf"{ROOT}/(?P<community>{_WORD})/(?:tick|(?P<grid>{_WORD})/(?:"
    rf"up/(?P<up>[a-z]{{1,16}})/(?P<device>{_WORD})"
    rf"|registry/(?P<record>[a-z]{{1,16}}/{_WORD})"
    rf"|feedback/(?P<incident>{_WORD})|(?P<moves>departs|arrives)))"
)


def parse(topic: str) -> Topic | None:
    """Take a topic apart; None where it is none that the journal takes."""
    found = _FORMS.fullmatch(topic)
    if found is None:
        return None
    community, grid = found["community"], found["grid"]
    if grid is None:
        return Topic(Way.TICK, community)
    if found["up"]:
        return Topic(Way.UP, community, grid, found["up"], found["device"])
    if found["record"]:
        return Topic(Way.REGISTRY, community, grid, "registered", found["record"])
    if found["moves"]:
        return Topic(Way(found["moves"]), community, grid)
    return Topic(Way.FEEDBACK, community, grid, "feedback", found["incident"])


def path(topic: Topic) -> str:
    """Return a parsed topic as it came."""
    return {
        Way.UP: lambda: up(topic.community, topic.grid, topic.kind, topic.name),
        Way.REGISTRY: lambda: registry(topic.community, topic.grid, *topic.name.split("/")),
        Way.FEEDBACK: lambda: feedback(topic.community, topic.grid, topic.name),
        Way.TICK: lambda: tick(topic.community),
        Way.DEPARTS: lambda: moves(topic.community, topic.grid, Way.DEPARTS),
        Way.ARRIVES: lambda: moves(topic.community, topic.grid, Way.ARRIVES),
    }[topic.way]()


def up(community: str, grid: str, kind: str, device: str) -> str:
    """Return where a device's observations of one kind go."""
    return f"{ROOT}/{community}/{grid}/up/{kind}/{device}"


def registry(community: str, grid: str, record: str, record_id: str) -> str:
    """Return where a registry record goes."""
    return f"{ROOT}/{community}/{grid}/registry/{record}/{record_id}"


def feedback(community: str, grid: str, incident: str) -> str:
    """Return where answers about an incident go."""
    return f"{ROOT}/{community}/{grid}/feedback/{incident}"


def status(community: str, grid: str, device: str) -> str:
    """Return where birth and last will of a device stand, retained."""
    return f"{ROOT}/{community}/{grid}/status/{device}"


def command(community: str, grid: str, device: str) -> str:
    """Return where a device listens for commands."""
    return f"{ROOT}/{community}/{grid}/down/{device}/command"


def ack(community: str, grid: str, device: str) -> str:
    """Return where a device hears what is durable."""
    return f"{ROOT}/{community}/{grid}/down/{device}/ack"


def out(community: str, grid: str, what: str) -> str:
    """Return where changes are published: `incident`, `alert`, `task`, `notice`."""
    return f"{ROOT}/{community}/{grid}/out/{what}"


def ingest(community: str) -> str:
    """Return where ingest says that it listens, retained: what was sent before may be gone."""
    return f"{ROOT}/{community}/ingest"


def tick(community: str) -> str:
    """Return the topic under which a tick stands in the journal."""
    return f"{ROOT}/{community}/tick"


def moves(community: str, grid: str, way: Way) -> str:
    """Return the topic under which a grid's leaving or coming stands in the journal."""
    return f"{ROOT}/{community}/{grid}/{way}"


def wanted(community: str, grids: tuple[str, ...] = ()) -> list[str]:
    """Return the filters that `ingest` subscribes to, for these grids or for all."""
    return [
        f"{ROOT}/{community}/{grid}/{way}/#"
        for grid in (grids or ("+",))
        for way in (Way.UP, Way.REGISTRY, Way.FEEDBACK)
    ]
