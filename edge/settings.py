"""What an operator may choose for one agent. `configs/edge.toml` says it all in sentences."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from weinao.clock import ClockText
from weinao.messages import Id, Millis, Word

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
Folder = Annotated[str, Meta(min_length=1)]

Wearable = Literal["wrist", "waist"]
HomeSensor = Literal[
    "pir", "door", "bed", "smoke", "gas", "co", "leak", "temperature", "humidity", "sos"
]
Kind = Literal[
    "fall",
    "sos",
    "smoke",
    "gas",
    "co",
    "leak",
    "deterioration",
    "leaves_home",
    "stops_moving",
    "sensor_dies",
]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file; keys that it does not know are refused."""


class TlsSettings(Section, frozen=True, kw_only=True):
    """Files in PEM form; without a certificate the agent does not name itself to the broker."""

    ca: Folder
    certificate: str = ""
    key: str = ""


class BrokerSettings(Section, frozen=True, kw_only=True):
    """Where the broker listens for MQTT 5."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1884
    keep_alive_s: Annotated[int, Meta(ge=5, le=3_600)] = 30
    tls: TlsSettings | None = None


class OutboxSettings(Section, frozen=True, kw_only=True):
    """How much waits at most, and how long a commit may gather company.

    Attributes:
        bytes_max: Payload kept; above it the lowest lane is thinned, oldest first.
        items_max: Packs kept; likewise.
        disk_free_bytes_min: Below it the outbox stops growing, likewise, but for a mebibyte.
        linger_ms: How long a commit waits for others; alarms never wait.
        group_max: Packs in one commit; the next ones wait for the next.
    """

    bytes_max: Annotated[int, Meta(ge=65_536)] = 268_435_456
    items_max: Annotated[int, Meta(ge=100)] = 2_000_000
    disk_free_bytes_min: Annotated[int, Meta(ge=0)] = 67_108_864
    linger_ms: Annotated[float, Meta(ge=0, le=1_000)] = 5.0
    group_max: Annotated[int, Meta(ge=1, le=10_000)] = 512


class UplinkSettings(Section, frozen=True, kw_only=True):
    """How the outbox drains.

    Attributes:
        in_flight_max: Packs that await the broker's PUBACK; alarms may be `URGENT_EXTRA` more.
        unacked_max: Packs sent that await the journal's ack; routine waits above it.
        resend_s: After this long without the journal's ack a pack is sent again.
        reconnect_s_min: First pause before connecting again; it doubles, jittered.
        reconnect_s_max: The longest.
    """

    in_flight_max: Annotated[int, Meta(ge=1, le=1_000)] = 20
    unacked_max: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    resend_s: Positive = 10.0
    reconnect_s_min: Positive = 0.5
    reconnect_s_max: Positive = 30.0
    encoding: Literal["json", "msgpack"] = "json"


class HeartbeatSettings(Section, frozen=True, kw_only=True):
    """How often the agent speaks of itself, and how far its clock is to be trusted.

    Attributes:
        clock: `auto` asks the system; the others are taken at their word.
    """

    every_s: Positive = 10.0
    clock: Literal["auto", "synced", "holdover", "unsynced"] = "auto"


class MetricsSettings(Section, frozen=True, kw_only=True):
    """Where Prometheus finds the agent; a port of 0 takes any free one."""

    port: Port = 9_464
    address: str = "127.0.0.1"


class ReplayDevice(Section, frozen=True, kw_only=True, tag_field="driver", tag="replay"):
    """A recording in the place of a device, or of several.

    Attributes:
        id: Whose the samples are that name no device of their own.
        track: The file; `edge/drivers/track.py` defines its form.
        position: Where an accelerometer was worn.
        mode: `ends_at_start`: the recording's last moment is the agent's first start.
            `starts_at_start`: it plays from then on.
        speed: Seconds of recording per second; 0 for as fast as it goes, which only a
            recording that has ended can.
        epoch_ms: When a recording that plays begins; 0 for the agent's first start.
    """

    id: Id
    track: Folder
    position: Wearable = "wrist"
    mode: Literal["ends_at_start", "starts_at_start"] = "starts_at_start"
    speed: NotNegative = 1.0
    epoch_ms: Millis = 0


class SimulatedDevice(Section, frozen=True, kw_only=True, tag_field="driver", tag="simulated"):
    """A device of a home that does not exist.

    Attributes:
        kind: What it is; `wrist` and `waist` are wearables.
        subject: Who or what it is about; stands in `truth.jsonl` only.
        every_s: Mean seconds between routine samples; 0 for what is usual for its kind.
    """

    id: Id
    kind: Wearable | HomeSensor
    subject: Word = ""
    room: Word = ""
    every_s: NotNegative = 0.0


class ProgramActuator(Section, frozen=True, kw_only=True, tag_field="driver", tag="program"):
    """A device that is told what to do by running a program of the integrator's.

    Attributes:
        does: For each word, the program and its arguments; an exit code of 0 says that it is done.
        timeout_s: A program that takes longer is ended, and has not done it.
    """

    id: Id
    does: dict[Word, Annotated[tuple[Folder, ...], Meta(min_length=1)]]
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0


class SimulatedActuator(Section, frozen=True, kw_only=True, tag_field="driver", tag="simulated"):
    """A device of a home that does not exist; it does what it is told."""

    id: Id
    does: tuple[Word, ...]


Actuator = ProgramActuator | SimulatedActuator


class GateSettings(Section, frozen=True, kw_only=True):
    """What a camera at a gate compares faces with, and how it looks.

    Attributes:
        gallery: The folder of the sealed gallery; empty for none: everybody is unknown.
        inside: How somebody moves in the picture who goes in.
        liveness: Whether a picture held up to the camera is looked out for.
        evidence: Folder of the pictures of those who may become an incident; empty for none.
        key_file: The device's secret, with which they are signed; made at the first start.
        shown: Whose face may be seen in them: `nobody`, or whom they concern. All others are never.
        pre_roll_s: Seconds before, which are kept as a film beside the picture; 0 for none.
        keep_days: After so many days a picture goes.
    """

    gallery: str = ""
    inside: Literal["towards", "away", "left", "right"] = "towards"
    liveness: bool = True
    evidence: str = ""
    key_file: Folder = "evidence.key"
    shown: Literal["nobody", "concerned"] = "nobody"
    pre_roll_s: Annotated[float, Meta(ge=0, le=30)] = 0.0
    keep_days: Annotated[int, Meta(ge=1, le=366)] = 30


class FacadeSettings(Section, frozen=True, kw_only=True):
    """What a high-rise camera watches, and what it keeps.

    Attributes:
        drawing: The file with floor lines, shields and zones, as configs/highrise.toml.
        evidence: Folder of the films of what fell.
        key_file: The device's secret, with which films are signed; made at the first start.
    """

    drawing: str = ""
    evidence: Folder = "evidence"
    key_file: Folder = "evidence.key"


class PeopleRoleSettings(Section, frozen=True, kw_only=True):
    """What a camera over a yard, a queue or a lane watches.

    Attributes:
        drawing: The file with zones, lines and the ground, as configs/people.toml; empty for the
            whole picture as one zone.
    """

    drawing: str = ""


class CameraDevice(Section, frozen=True, kw_only=True, tag_field="driver", tag="camera"):
    """A camera: a file, a V4L2 device or an RTSP stream.

    Attributes:
        source: A path, `/dev/video0`, or `rtsp://user:{password}@host/path`.
        password_file: What stands in it takes the place of `{password}`.
        role: What is looked for: `gate`, faces; `highrise`, things that fall along a facade;
            `people`, how many there are, what blocks a lane, who fell.
        fps_max: Frames a second that are looked at; others are dropped.
        width_max: Wider frames are made smaller; 0 leaves them as they are.
        repeat: Whether a file begins again at its end.
        models: The folder of weights; empty for the user's cache.
    """

    id: Id
    source: Folder
    role: Literal["gate", "highrise", "people"]
    password_file: str = ""
    fps_max: Annotated[float, Meta(gt=0, le=240)] = 25.0
    width_max: Annotated[int, Meta(ge=0, le=16_384)] = 1_920
    repeat: bool = False
    models: str = ""
    gate: GateSettings = GateSettings()
    facade: FacadeSettings = FacadeSettings()
    people: PeopleRoleSettings = PeopleRoleSettings()


class Happening(Section, frozen=True, kw_only=True):
    """Something that befalls the simulated home.

    Attributes:
        at_s: Seconds after the simulation's `epoch_ms`.
        device: What senses it; empty for the first that can.
        lasts_s: How long it goes on; 0 for what is usual for its kind.
    """

    at_s: NotNegative
    kind: Kind
    device: str = ""
    lasts_s: NotNegative = 0.0


class SimulationSettings(Section, frozen=True, kw_only=True):
    """The story that all simulated devices share.

    Attributes:
        epoch_ms: When it begins; 0 for the agent's first start. One that is killed goes on
            where the wall clock is.
        chunk_s: Length of one piece of the accelerometer's signal.
        clock: What the agent takes its time from, as `weinao.clock` names it; empty for the
            machine's own clock.
    """

    seed: int = 1
    epoch_ms: Millis = 0
    chunk_s: Annotated[float, Meta(ge=0.04, le=5)] = 0.2
    clock: ClockText = ""


class EdgeSettings(Section, frozen=True, kw_only=True):
    """Everything one agent is told."""

    agent: Id
    community: Id
    grid: Id
    folder: Folder
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_json: bool = False
    broker: BrokerSettings = BrokerSettings()
    outbox: OutboxSettings = OutboxSettings()
    uplink: UplinkSettings = UplinkSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    metrics: MetricsSettings = MetricsSettings()
    simulation: SimulationSettings = SimulationSettings()
    device: tuple[ReplayDevice | SimulatedDevice | CameraDevice, ...] = ()
    actuator: tuple[Actuator, ...] = ()
    happening: tuple[Happening, ...] = ()
