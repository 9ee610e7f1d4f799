"""What a bridge's job is, as values: whose readings, what they are worth, and what follows.

Written down in a TOML file; `configs/bridge.toml` says every key in a sentence.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import fields

from weinao.messages import Vitals
from weinao.packed import STEPS

Name = Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Of a field of a message, or of a column of a table."""

Message = tuple[str, bytes]
"""Topic and payload of what is published."""

Text = Annotated[str, Meta(min_length=1, max_length=200)]


class Value(Struct, frozen=True, kw_only=True):
    """A number that every reading holds; outside its range, the reading is set aside.

    Args:
        name: Of its field in the message, and its name here.
        min: The smallest that is possible.
        max: The largest that is possible.
    """

    name: Name
    min: float
    max: float


class Reading(Struct, frozen=True, kw_only=True):
    """What one message looks like: a JSON object with these fields, and any others.

    Args:
        values: What it measures.
        form: `json`, or `pack` for binary packs of vital signs (`weinao/packed.py`), whose values
            have the names that vital signs have; the fields below are not looked for then.
        device: Field of the device's name.
        number: Field of a number that counts a device's readings: one twice is a copy.
        at: Field of the time, as RFC 3339 has it, with its zone.
    """

    values: Annotated[tuple[Value, ...], Meta(min_length=1)]
    form: Literal["json", "pack"] = "json"
    device: Name = "device"
    number: Name = "seq"
    at: Name = "ts"


class People(Struct, frozen=True, kw_only=True):
    """Who wears what: columns of a CSV file with a head.

    Args:
        file: Its path; relative to the settings.
        device: Column of the device's name.
        grid: Column of the grid.
        tags: Column of tags, separated by semicolons.
        say: Columns that an alert repeats, each under the name that is its key.
    """

    file: Text
    device: str = "device"
    grid: str = "grid"
    tags: str = "tags"
    say: dict[str, str] = {}


class Band(Struct, frozen=True, kw_only=True):
    """Points for a value: of the first step whose bound is not below it, else the last.

    Args:
        of: Which value.
        steps: Bounds, ascending, each with the points up to it, included.
        last: Points above all bounds.
        tag: For people with this tag only, instead of the band of the same value without one.
    """

    of: Name
    steps: tuple[tuple[float, int], ...]
    last: int = 0
    tag: str = ""


class Alert(Struct, frozen=True, kw_only=True):
    """When the points call for somebody.

    Args:
        topic: Where it is published; `{grid}` stands for the grid.
        rule: The name that it carries.
        points: A reading with so many counts towards an alert.
        in_a_row: So many of them, one after the other, raise it.
        clear_below: A reading below this counts towards its end.
        clear_in_a_row: So many of them end it; only then can another begin.
    """

    topic: Text
    rule: str = "score"
    points: int = 5
    in_a_row: Annotated[int, Meta(ge=1)] = 3
    clear_below: int = 3
    clear_in_a_row: Annotated[int, Meta(ge=1)] = 5


class Window(Struct, frozen=True, kw_only=True):
    """Means over stretches of event time, one after the other.

    Args:
        of: Which values.
        length_s: How long a stretch is.
        lateness_s: It closes when the newest reading is so much later than its end.
        topic: Where they are published if there is no store; `{grid}` stands for the grid.
    """

    of: tuple[Name, ...]
    length_s: Annotated[int, Meta(ge=1, le=86_400)] = 60
    lateness_s: Annotated[int, Meta(ge=0, le=86_400)] = 10
    topic: str = ""


class Community(Struct, frozen=True, kw_only=True):
    """The community whose brain sees what is not well, and now and then what is.

    Args:
        community: Its name, in topics.
        vitals: The value that each vital sign is, by what it is called in `Vitals`.
        every_s: Of who is well, a reading each so many seconds.
        worn: Whether these are readings of something worn, which persist before they count; else
            each is one that somebody took on purpose.
        heartbeat: Whether a device also says, as an agent does, up to when it has told everything:
            for households whose registered agent is the wearable itself. Where a gateway is the
            agent, the gateway says so.
        boot: Which start of the device its packs belong to; another one if the bridge's memory was
            thrown away.
    """

    community: Annotated[str, Meta(min_length=1, max_length=64)]
    vitals: dict[Name, Name]
    every_s: Annotated[int, Meta(ge=1, le=86_400)] = 60
    worn: bool = True
    heartbeat: bool = True
    boot: Annotated[str, Meta(min_length=1, max_length=64)] = "00000001-bridge"


class Table(Struct, frozen=True, kw_only=True):
    """A table of a database that takes rows.

    Args:
        name: Its name.
        columns: What each of its columns holds: `device`, `number`, `at`, `score`, a value, or a
            column of the people's file; of means, `device`, `start`, `n`, or a value.
    """

    name: Name
    columns: dict[Name, Name]


class Store(Struct, frozen=True, kw_only=True):
    """Where rows go.

    Args:
        readings: One row for each reading.
        means: One row for each device and stretch.
    """

    readings: Table | None = None
    means: Table | None = None


class Job(Struct, frozen=True, kw_only=True):
    """All of it.

    Args:
        topic: Filter of the messages.
        dead_topic: Where what cannot be used is published, as it came.
        reading: What a message looks like.
        people: Who wears what.
        score: How readings are scored.
        alert: What follows from the score.
        window: What is averaged; None for nothing.
        store: Where rows go.
        community: Whose brain is told; None for nobody's.
    """

    topic: Text
    dead_topic: Text
    reading: Reading
    people: People
    score: tuple[Band, ...] = ()
    alert: Alert | None = None
    window: Window | None = None
    store: Store = Store()
    community: Community | None = None


def problems(job: Job) -> list[str]:
    """Return what in a job names what there is not."""
    values = {value.name for value in job.reading.values}
    signs = {field.name for field in fields(Vitals)}
    used = {band.of: "score" for band in job.score}
    used |= dict.fromkeys(job.window.of if job.window else (), "window")
    passed = job.community.vitals if job.community else {}
    used |= dict.fromkeys(passed.values(), "community")
    found = [
        f"{where}: no value {name!r}; there are {', '.join(sorted(values))}"
        for name, where in sorted(used.items())
        if name not in values
    ]
    unknown = set(passed) - signs
    if job.reading.form == "pack":
        unknown |= values - set(STEPS)
    return [*found, *(f"no vital sign is called {name}" for name in sorted(unknown))]
