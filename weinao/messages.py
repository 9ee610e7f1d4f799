"""What devices and people say to the brain. Words only: nothing here acts, waits, or asks the time.

A message on the wire is a `Pack`: one or more observations of one device, numbered without gaps
within one start of its agent. The same structs are JSON (default) and MessagePack.

Units stand in the names of the fields. Instants are integer milliseconds UTC. Ranges are what a
working sensor can say at all; what is healthy is decided elsewhere.
"""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from weinao.registry import NO_NUL, Record

Id = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$(?!\n)")
]
Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000, description="ms since the epoch, UTC")]
Seq = Annotated[int, Meta(ge=1, le=2**53)]
Share = Annotated[float, Meta(ge=0, le=1)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Text = Annotated[str, Meta(max_length=2_000, pattern=NO_NUL)]
Word = Annotated[str, Meta(max_length=64, pattern=NO_NUL)]
Place = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
Bpm = Annotated[float, Meta(ge=0, le=350)]
Metres = Annotated[float, Meta(ge=-10_000, le=10_000)]

OBS_PER_PACK_MAX = 1_000


class TimeQuality(StrEnum):
    """How far the agent's clock may be trusted; a Pi has no clock of its own."""

    SYNCED = "synced"
    HOLDOVER = "holdover"
    UNSYNCED = "unsynced"


class Acvpu(StrEnum):
    """Consciousness as NEWS2 counts it; `confusion` means new confusion."""

    ALERT = "alert"
    CONFUSION = "confusion"
    VOICE = "voice"
    PAIN = "pain"
    UNRESPONSIVE = "unresponsive"


class MotionEvent(StrEnum):
    """What a wearable concluded from its accelerometer, or a camera from what it saw."""

    FALL = "fall"
    NEAR_FALL = "near_fall"
    IMMOBILE = "immobile"


class Sensor(StrEnum):
    """What a home sensor senses."""

    PIR = "pir"
    DOOR = "door"
    WINDOW = "window"
    BED = "bed"
    CHAIR = "chair"
    SMOKE = "smoke"
    GAS = "gas"
    CO = "co"
    LEAK = "leak"
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    POWER = "power"
    WATER = "water"
    MEDICINE = "medicine"
    SOS = "sos"


EMERGENCIES = frozenset({Sensor.SOS, Sensor.SMOKE, Sensor.GAS, Sensor.CO, Sensor.LEAK})
"""Sensors whose word alone is an emergency."""


class Match(StrEnum):
    """How a face at the gate compared with the gallery on the device."""

    RESIDENT = "resident"
    WATCHLIST = "watchlist"
    VISITOR = "visitor"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What moves an incident. People send all but the first two."""

    OPEN = "open"
    DISPATCH = "dispatch"
    ACK = "ack"
    ACCEPT = "accept"
    DECLINE = "decline"
    ARRIVE = "arrive"
    RESOLVE = "resolve"
    DISMISS = "dismiss"
    VERIFY = "verify"
    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"
    COMMENT = "comment"
    RATE = "rate"


class Observation(Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """What every observation carries, whatever its kind.

    Attributes:
        at: When the world was so, by the device's corrected clock.
    """

    at: Millis


class Vitals(Observation, frozen=True, kw_only=True, tag="vitals"):
    """What a wearable reads off a body; a value is absent where it was not measured.

    `temp_c` is core temperature; a wrist band's skin temperature is `skin_temp_c` and never
    enters a clinical score.
    """

    hr_bpm: Bpm | None = None
    spo2_pct: Percent | None = None
    resp_per_min: Annotated[float, Meta(ge=0, le=120)] | None = None
    temp_c: Annotated[float, Meta(ge=20, le=46)] | None = None
    skin_temp_c: Annotated[float, Meta(ge=0, le=50)] | None = None
    sbp_mmhg: Annotated[float, Meta(ge=20, le=350)] | None = None
    dbp_mmhg: Annotated[float, Meta(ge=10, le=250)] | None = None
    glucose_mmol_l: Annotated[float, Meta(ge=0, le=60)] | None = None
    weight_kg: Annotated[float, Meta(ge=0, le=400)] | None = None
    steps: Annotated[int, Meta(ge=0, le=200_000)] | None = None
    worn: bool | None = None
    moving: bool | None = None
    on_oxygen: bool | None = None
    consciousness: Acvpu | None = None
    battery_pct: Percent | None = None


class Motion(Observation, frozen=True, kw_only=True, tag="motion"):
    """A conclusion about movement, drawn on the edge from an accelerometer or a camera.

    Attributes:
        confidence: The detector's score, 0 to 1.
        impact_g: Largest magnitude of acceleration, in units of 9.80665 m/s².
        still_s: How long the wearer had been still, or the fallen had lain, when this was sent.
    """

    event: MotionEvent
    confidence: Share = 1.0
    impact_g: Annotated[float, Meta(ge=0, le=64)] | None = None
    still_s: Annotated[float, Meta(ge=0, le=604_800)] | None = None
    posture: Word | None = None


class Rhythm(Observation, frozen=True, kw_only=True, tag="rhythm"):
    """A conclusion about the regularity of the pulse; `rr_ms` are the intervals behind it."""

    rr_ms: Annotated[
        tuple[Annotated[float, Meta(ge=100, le=10_000)], ...], Meta(max_length=512)
    ] = ()
    rmssd_ms: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    irregular: bool = False
    confidence: Share = 1.0


class Home(Observation, frozen=True, kw_only=True, tag="home"):
    """What one sensor of a home said.

    Attributes:
        value: 1 and 0 for on/off, open/closed, wet/dry, occupied/free, alarm/clear; otherwise
            the reading: °C, % relative humidity, W, litres.
    """

    sensor: Sensor
    value: Annotated[float, Meta(ge=-1e6, le=1e9)]
    room: Word = ""


class Gate(Observation, frozen=True, kw_only=True, tag="gate"):
    """A face at the gate: a pseudonym and a score, never an image.

    A camera speaks of a passing as soon as it knows who it is, again should it know better, and
    when the passing is over: only then are its direction and those behind it known.

    Attributes:
        passing: Joins the words about one passing of one device; empty where there is one word.
        part: Which of them it is; `whole` says it all.
        picture: Name of the signed picture that is kept on the device, with its hash; or empty.
    """

    match: Match
    person: Word = ""
    score: Share = 0.0
    quality: Share = 0.0
    live: Share | None = None
    direction: Literal["in", "out", "unknown"] = "unknown"
    queue_len: Annotated[int, Meta(ge=0, le=10_000)] = 0
    passing: Word = ""
    part: Literal["whole", "first", "changed", "last"] = "whole"
    picture: Place = ""


class Highrise(Observation, frozen=True, kw_only=True, tag="highrise"):
    """Something fell along a facade.

    A camera speaks of a fall as soon as it is sure, and again, with the same `at`, when the film is
    kept: only then is the hash known, and the track to its end.

    Attributes:
        part: Which of these words it is; `whole` says it all.
        track: (t_s, x_m, y_m) triples, flattened; metres on the calibrated facade.
        clip: Name of the evidence clip on the device, with its hash.
    """

    building: Word
    floor: Annotated[int, Meta(ge=-5, le=200)]
    column: Word = ""
    t_fall_s: Annotated[float, Meta(ge=0, le=60)] = 0.0
    confidence: Share = 1.0
    track: Annotated[tuple[Metres, ...], Meta(max_length=900)] = ()
    clip: Place = ""
    part: Literal["whole", "first", "last"] = "whole"


class Crowd(Observation, frozen=True, kw_only=True, tag="crowd"):
    """How full a zone is; `density` in people per square metre.

    Attributes:
        queue_len: How many of the people stand in line.
        congestion: From 0, nobody, to 1, as full as the zone can be.
        people_in_5_min: How many there will be in five minutes, as far as the camera can tell.
    """

    zone: Word
    people: Annotated[int, Meta(ge=0, le=100_000)] = 0
    vehicles: Annotated[int, Meta(ge=0, le=100_000)] = 0
    density: Annotated[float, Meta(ge=0, le=20)] = 0.0
    in_per_min: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    out_per_min: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    blocked: bool = False
    queue_len: Annotated[int, Meta(ge=0, le=100_000)] = 0
    congestion: Share = 0.0
    people_in_5_min: Annotated[float, Meta(ge=0, le=100_000)] | None = None


class Utility(Observation, frozen=True, kw_only=True, tag="utility"):
    """One reading of a meter, in `unit`."""

    meter: Word
    value: Annotated[float, Meta(ge=-1e9, le=1e12)]
    unit: Word


class Report(Observation, frozen=True, kw_only=True, tag="report"):
    """What a resident reported by phone.

    Attributes:
        category: What about, as `fire`, `leak`, `fire_lane`; policy says which dangers it may mean.
        place: The id of a home, a building or a zone, where the reporter knows it.
    """

    category: Word
    text: Text = ""
    place: Place = ""
    photo: Place = ""


class Patrol(Observation, frozen=True, kw_only=True, tag="patrol"):
    """A member of staff was at a check-point."""

    checkpoint: Id
    staff: Id


class Feedback(Observation, frozen=True, kw_only=True, tag="feedback"):
    """What a person answered about an incident.

    Attributes:
        rating: How well it was handled, with `rate` only: 1 is bad, 5 is good.
    """

    incident: Id
    actor: Id
    action: Action
    note: Text = ""
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None


class Visit(Observation, frozen=True, kw_only=True, tag="visit"):
    """An entry of the ledger of visits at home (入户走访), dated by when somebody was there.

    Attributes:
        entry: The id it was written down with; an entry brought twice is one.
        staff: Who was there.
        found: How it was; `not_home` is no meeting.
    """

    entry: Id
    household: Id
    staff: Id
    found: Literal["well", "needs_help", "not_home", "moved"]
    note: Text = ""


class Delivery(Observation, frozen=True, kw_only=True, tag="delivery"):
    """What became of a notice on its way to a person.

    Attributes:
        incident: Which the notice is about; empty for none.
        ok: A provider has taken it over; whether anybody has read it, their answer says.
        channel: The name of the one that took it, or that failed last; never an address.
        tries: On all channels together.
        detail: Why it failed, in a word, as `timeout`; empty where it did not.
    """

    notice: Id
    incident: Word = ""
    recipient: Id
    ok: bool
    channel: Word = ""
    tries: Annotated[int, Meta(ge=0, le=1_000)] = 0
    detail: Word = ""


class Receipt(Observation, frozen=True, kw_only=True, tag="receipt"):
    """What became of a command."""

    command: Id
    ok: bool
    detail: Text = ""


class Status(Observation, frozen=True, kw_only=True, tag="status"):
    """An agent's heartbeat, and its word about time.

    Attributes:
        complete_to: Nothing earlier than this is still in the agent's outbox; the clock of its
            home. Rules about the home never look past it.
        sensors: For each device behind the agent, when it was last heard.
    """

    complete_to: Millis
    queue_len: Annotated[int, Meta(ge=0, le=2**53)] = 0
    queue_oldest_s: Annotated[float, Meta(ge=0, le=1e10)] = 0.0
    disk_free_bytes: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    clock: TimeQuality = TimeQuality.SYNCED
    cpu_temp_c: Annotated[float, Meta(ge=-60, le=150)] | None = None
    rss_bytes: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    sensors: Annotated[dict[Id, Millis], Meta(max_length=1_000)] = {}
    version: Word = ""


class Registered(Observation, frozen=True, kw_only=True, tag="registered"):
    """A registry record as somebody entered or changed it."""

    record: Record


AnyObservation = (
    Vitals
    | Motion
    | Rhythm
    | Home
    | Gate
    | Highrise
    | Crowd
    | Utility
    | Report
    | Patrol
    | Visit
    | Delivery
    | Feedback
    | Receipt
    | Status
    | Registered
)


class Thinned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stands in a pack's place for numbers that the agent gave up, by name.

    Attributes:
        first: The first number given up; the pack's own `seq` is the last.
        lane: The outbox lane they were in.
        observations: How many observations went with them.
    """

    first: Seq
    lane: Word
    reason: Place
    observations: Annotated[int, Meta(ge=0, le=2**53)] = 0


class Pack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message: observations of one device.

    Attributes:
        boot: One start of the device's agent; sorts after the boots before it.
        seq: Contiguous from 1 within device and boot.
        sent: When the agent made it durable in its outbox.
        thinned: Set instead of `obs` where the agent had to give observations up.
    """

    v: Literal[1]
    device: Id
    boot: Id
    seq: Seq
    sent: Millis
    time_quality: TimeQuality = TimeQuality.SYNCED
    obs: Annotated[tuple[AnyObservation, ...], Meta(max_length=OBS_PER_PACK_MAX)] = ()
    thinned: Thinned | UnsetType = UNSET


class Ack(Struct, frozen=True, kw_only=True):
    """What the journal holds of one boot of one device; only this empties an outbox.

    Attributes:
        seq: Everything from 1 to here is durable; 0 when the first is missing.
        also: Durable ranges above it, first and last included, lowest first.
    """

    v: Literal[1] = 1
    boot: str
    seq: int
    also: tuple[tuple[int, int], ...] = ()
