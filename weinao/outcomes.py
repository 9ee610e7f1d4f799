"""What the brain concludes. Words only; each outcome carries the position that caused it."""

from enum import IntEnum, StrEnum

from msgspec import Struct

from weinao.messages import Action, AnyObservation

Fact = str | int | float | bool
"""One fact of a hazard's evidence, by name; units stand in the name."""

PAYLOAD_KEPT_BYTES_MAX = 4_096
"""How much of an unusable payload a dead letter shows; the journal holds it whole."""


class Severity(IntEnum):
    """How bad it is if nobody comes; what follows from it is policy."""

    INFO = 1
    MINOR = 2
    MAJOR = 3
    CRITICAL = 4


class HazardKind(StrEnum):
    """The dangers the brain knows."""

    FALL = "fall"
    SOS = "sos"
    SMOKE = "smoke"
    GAS = "gas"
    CO = "co"
    LEAK = "leak"
    VITALS = "vitals"
    INACTIVITY = "inactivity"
    AGENT_SILENT = "agent_silent"
    DEVICE_SILENT = "device_silent"
    IRREGULAR_PULSE = "irregular_pulse"
    NOT_BACK = "not_back"
    DOOR_OPEN = "door_open"
    WANDERING = "wandering"
    CHILD_ALONE = "child_alone"
    BED_EXIT = "bed_exit"
    STOVE_ON = "stove_on"
    HEAT = "heat"
    COLD = "cold"
    WATCHLIST = "watchlist"
    TAILGATING = "tailgating"
    FALLING_OBJECT = "falling_object"
    CONGESTION = "congestion"
    FIRE_LANE = "fire_lane"
    METER_ANOMALY = "meter_anomaly"
    PATROL_MISSED = "patrol_missed"
    REPORT = "report"


class RiskKind(StrEnum):
    """Latent dangers (隐患): trends over days and weeks, for a visit and not for an alarm."""

    HEART_RATE = "heart_rate"
    SPO2 = "spo2"
    BLOOD_PRESSURE = "blood_pressure"
    WEIGHT = "weight"
    BATHROOM_NIGHTS = "bathroom_nights"
    ACTIVITY = "activity"
    SLEEP = "sleep"
    MEDICINE = "medicine"
    BALCONY = "balcony"
    WATER_LEAK = "water_leak"
    CIRCUIT = "circuit"
    BATTERY = "battery"
    TEST_OVERDUE = "test_overdue"
    FIRE_LANE_OFTEN = "fire_lane_often"


class Phase(StrEnum):
    """What became of a hazard: it is so, it is surely so, it is over, it never was so."""

    RAISED = "raised"
    CONFIRMED = "confirmed"
    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"


class IncidentState(StrEnum):
    """Where an incident stands (GB/T 30428.8: 立案、处置、结案)."""

    DETECTED = "detected"
    OPEN = "open"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    ON_SITE = "on_site"
    RESOLVED = "resolved"
    VERIFIED = "verified"
    CLOSED = "closed"
    FALSE_ALARM = "false_alarm"
    MERGED = "merged"


class Reason(StrEnum):
    """Why something was set aside."""

    TOPIC = "topic"
    TOO_LARGE = "too_large"
    CONTENT_TYPE = "content_type"
    SYNTAX = "syntax"
    SCHEMA = "schema"
    IDENTITY = "identity"
    FUTURE = "future"
    TOO_OLD = "too_old"
    DUPLICATE = "duplicate"
    UNKNOWN_GRID = "unknown_grid"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_INCIDENT = "unknown_incident"
    NOT_ALLOWED = "not_allowed"
    STALE_BOOT = "stale_boot"
    UNSTORABLE = "unstorable"
    NO_CONSENT = "no_consent"


class Rejected(Struct, frozen=True, kw_only=True, tag="rejected"):
    """A record set aside whole, with its reason; the journal still holds it.

    Attributes:
        detail: What was expected, what came, what to do now.
        payload: Its first bytes.
        size: Length of the payload as it arrived, in bytes.
    """

    reason: Reason
    detail: str
    topic: str
    device: str = ""
    payload: bytes = b""
    size: int = 0
    received_at: int = 0


class Kept(Struct, frozen=True, kw_only=True, tag="kept"):
    """An observation that counted, with who and where it was found to be about."""

    id: str
    device: str
    at: int
    received_at: int
    subject: str
    household: str
    observation: AnyObservation


class Hazard(Struct, frozen=True, kw_only=True, tag="hazard"):
    """A danger about one subject, or what became of it.

    Attributes:
        id: The same in every phase; derived from what caused it.
        subject: The resident, device or household it is about.
        at: When this became true in the world, not when it was noticed.
        confidence: 0 to 1.
        evidence: Ids of the observations behind it, at most sixteen.
        reason: A key of the message catalogue.
        facts: What fills in the message, by name.
    """

    id: str
    kind: HazardKind
    phase: Phase
    subject: str
    household: str
    at: int
    severity: Severity
    confidence: float = 1.0
    evidence: tuple[str, ...] = ()
    reason: str = ""
    facts: dict[str, Fact] = {}


class Risk(Struct, frozen=True, kw_only=True, tag="risk"):
    """A latent danger about one subject, drawn from a trend, or what became of it.

    Attributes:
        phase: `raised` or `cleared`.
        propose: What to do about it, a key of the message catalogue.
        role: Who should; empty for the family.
    """

    id: str
    kind: RiskKind
    phase: Phase
    subject: str
    household: str
    at: int
    confidence: float = 1.0
    evidence: tuple[str, ...] = ()
    reason: str = ""
    facts: dict[str, Fact] = {}
    propose: str = ""
    role: str = ""


class ScorePart(Struct, frozen=True, kw_only=True):
    """One part of a health score; absent where nothing was measured.

    Attributes:
        name: `vitals`, `activity`, `sleep`, `rhythm`.
        score: 0 to 100.
        coverage: Share of what should have been measured, 0 to 1.
        reason: A key of the message catalogue.
    """

    name: str
    score: float
    coverage: float
    reason: str = ""
    facts: dict[str, Fact] = {}


class HealthScore(Struct, frozen=True, kw_only=True, tag="score"):
    """How a resident's day looked, from 0 to 100. Never a diagnosis.

    Attributes:
        day: Local calendar day, ISO 8601.
        at: The end of that day.
        score: Of what was measured.
        low: The score may be as low as this, for want of data.
        high: Or as high as this; never above what the data show.
        coverage: Share of what should have been measured, 0 to 1.
        trend: Points a day over the last fortnight; None while there is no fortnight.
        advice: What follows from it, keys of the message catalogue.
    """

    id: str
    subject: str
    household: str
    day: str
    at: int
    score: float
    low: float
    high: float
    coverage: float
    parts: tuple[ScorePart, ...] = ()
    trend: float | None = None
    reason: str = ""
    facts: dict[str, Fact] = {}
    advice: tuple[str, ...] = ()


UNREACHED = "nothing reached"
"""How the note begins of a step by which the brain turns away from whom no channel reached."""


class Step(Struct, frozen=True, kw_only=True):
    """One action taken on an incident; `actor` is a person's id, or `brain`."""

    at: int
    action: Action
    actor: str
    state: IncidentState
    note: str = ""


class OrderState(StrEnum):
    """What became of a command: on its way, done, refused by its device, or never answered."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class Order(Struct, frozen=True, kw_only=True):
    """Something that a device was told to do about an incident, and what became of it.

    Attributes:
        command: Id of the newest command about it.
        agent: Who was told it.
        tries: How often it was told so far.
        due_at: When it counts as unanswered.
        detail: What the device said to a refusal.
        answered_at: When its state was settled.
    """

    command: str
    device: str
    do: str
    due_at: int
    agent: str = ""
    tries: int = 1
    state: OrderState = OrderState.ASKED
    detail: str = ""
    answered_at: int | None = None


class Incident(Struct, frozen=True, kw_only=True, tag="incident"):
    """A hazard that people answer for, as it stands after its last step.

    Attributes:
        kind: Of the gravest of its hazards.
        at: When the danger began in the world.
        noticed_at: When the record that raised it reached the journal.
        assignee: Who is asked to act now; empty when nobody is.
        due_at: When the brain acts if nobody has; None once nothing is awaited.
        round: How often somebody was asked to act or to verify, so that no two steps are one.
        rung: How far up the ladder that is, since it was opened, or resolved, last.
        standing: Its hazards that are not over.
        unnamed: How many more may stand than it names; only people can say that those are over.
        withdrawn: How many of its hazards never were so.
        hazard_over: The sensors say that the danger has passed; people may still be needed.
        merged_into: The incident that took it in.
        old: Its news came late, from a home that had been cut off.
        orders: What devices were told to do about it.
        reporter: Who reported it, by phone; empty where sensors did.
        rating: How well it was handled, as the family or the reporter sees it: 1 to 5.
    """

    id: str
    grid: str
    kind: HazardKind
    severity: Severity
    state: IncidentState
    subject: str
    household: str
    at: int
    noticed_at: int
    confidence: float = 1.0
    hazards: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    reason: str = ""
    facts: dict[str, Fact] = {}
    assignee: str = ""
    told: tuple[str, ...] = ()
    due_at: int | None = None
    round: int = 0
    rung: int = 0
    standing: tuple[str, ...] = ()
    unnamed: int = 0
    withdrawn: int = 0
    hazard_over: bool = False
    merged_into: str = ""
    old: bool = False
    orders: tuple[Order, ...] = ()
    reporter: str = ""
    rating: int | None = None
    steps: tuple[Step, ...] = ()


class Task(Struct, frozen=True, kw_only=True, tag="task"):
    """What one person should do about an incident, and by when."""

    id: str
    incident: str
    assignee: str
    want: Action
    due_at: int


class Notice(Struct, frozen=True, kw_only=True, tag="notice"):
    """A message to one person about one step of an incident; its id makes repeats harmless.

    Attributes:
        kind: Of the danger; None for what is told by date: a reminder, a test alarm.
        happened_at: When the danger began in the world.
        old: It happened a while ago, and only now was heard of: to be told as such.
        not_before: When it may be delivered; 0 for at once.
    """

    id: str
    incident: str
    recipient: str
    channels: tuple[str, ...]
    language: str
    step: str
    at: int
    kind: HazardKind | None
    severity: Severity
    subject: str
    happened_at: int = 0
    old: bool = False
    not_before: int = 0
    reason: str = ""
    facts: dict[str, Fact] = {}


class Command(Struct, frozen=True, kw_only=True, tag="command"):
    """What a device should do; answered by a `Receipt`. Void after `expires_at`.

    Attributes:
        device: The agent that is told.
        target: The device behind it that should do it; empty for the agent itself.
    """

    id: str
    device: str
    do: str
    target: str = ""
    incident: str
    at: int
    expires_at: int


class DueVisit(Struct, frozen=True, kw_only=True, tag="due_visit"):
    """By when staff should look in on a home (入户走访), as it stands until it changes.

    Attributes:
        id: The same for one home, always.
        at: When this became so.
        why: Tags of who lives there, and `risk:KIND` for risks that stand.
        last_at: When somebody was last met there; None for never.
        due_at: By when; None once nobody lives there.
    """

    id: str
    household: str
    at: int
    why: tuple[str, ...] = ()
    last_at: int | None = None
    due_at: int | None = None


class Adjustment(Struct, frozen=True, kw_only=True, tag="adjustment"):
    """What people's word about false alarms changed for one subject: audited, bounded, reversible.

    Attributes:
        rule: Which rule looks differently now,
        threshold: and at which of its thresholds.
        before: What the threshold was for this subject, in its own unit,
        after: and what it is now,
        bound: and what it never goes beyond.
        incident: The one that somebody called a false alarm, or took that back.
        actor: Who.
    """

    id: str
    rule: str
    subject: str
    household: str
    threshold: str
    before: float
    after: float
    bound: float
    at: int
    incident: str
    actor: str


class Loss(Struct, frozen=True, kw_only=True, tag="loss"):
    """An entry of the loss ledger: numbers of a boot that are missing, filled, or given up.

    Attributes:
        state: `missing`, `filled` once they came, `thinned` once the agent named them lost.
    """

    device: str
    boot: str
    first: int
    last: int
    state: str
    reason: str = ""
    observations: int = 0
    at: int = 0


AnyOutcome = (
    Kept
    | Hazard
    | Risk
    | HealthScore
    | Incident
    | Task
    | Notice
    | Command
    | DueVisit
    | Adjustment
    | Loss
    | Rejected
)


class Outcome(Struct, frozen=True, kw_only=True):
    """Something concluded, and the place in the journal that it follows from.

    Attributes:
        offset: Of the journal record that caused it.
        index: Its place among what that record caused in this grid.
        received_at: When that record reached the journal.
    """

    grid: str
    offset: int
    index: int
    received_at: int
    value: AnyOutcome

    @property
    def position(self) -> tuple[int, int]:
        """How far its grid has come with it."""
        return self.offset, self.index
