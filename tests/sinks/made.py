"""Outcomes for the tests of stores, one of each kind and arbitrary ones."""

from hypothesis import strategies as st
from msgspec import json

from weinao.messages import (
    Action,
    Acvpu,
    AnyObservation,
    Crowd,
    Feedback,
    Gate,
    Highrise,
    Home,
    Match,
    Motion,
    MotionEvent,
    Patrol,
    Receipt,
    Registered,
    Report,
    Rhythm,
    Sensor,
    Status,
    Utility,
    Vitals,
)
from weinao.outcomes import (
    Adjustment,
    AnyOutcome,
    Command,
    DueVisit,
    Hazard,
    HazardKind,
    HealthScore,
    Incident,
    IncidentState,
    Kept,
    Loss,
    Notice,
    Outcome,
    Phase,
    Reason,
    Rejected,
    Risk,
    RiskKind,
    ScorePart,
    Severity,
    Step,
    Task,
)
from weinao.registry import Household

T0 = 1_767_225_600_000
"""2026-01-01T00:00Z in milliseconds."""


def outcome(
    offset: int, index: int = 0, value: AnyOutcome | None = None, grid: str = "grid-1"
) -> Outcome:
    """Return an outcome that a record at `offset` caused."""
    return Outcome(
        grid=grid,
        offset=offset,
        index=index,
        received_at=T0 + offset * 1_000,
        value=value or kept(offset, index),
    )


def kept(number: int, index: int = 0, device: str = "strap-1", at: int | None = None) -> Kept:
    """Return an observation; equal numbers give equal ones."""
    at = T0 + number * 1_000 - 250 if at is None else at
    said = (
        Vitals(at=at, hr_bpm=60.5 + number % 40, spo2_pct=97.0, worn=True),
        Home(at=at, sensor=Sensor.PIR, value=1.0, room="kitchen"),
        Motion(at=at, event=MotionEvent.FALL, confidence=0.97, impact_g=3.4),
    )[number % 3]
    return Kept(
        id=f"{device}:00000001-c0ffee:{number}.{index}",
        device=device,
        at=at,
        received_at=at + 250,
        subject="resident-1",
        household="home-1",
        observation=said,
    )


def hazard(number: int = 1, phase: Phase = Phase.RAISED) -> Hazard:
    """Return a fall."""
    return Hazard(
        id=f"h-{number}",
        kind=HazardKind.FALL,
        phase=phase,
        subject="resident-1",
        household="home-1",
        at=T0 + number,
        severity=Severity.MAJOR,
        confidence=0.9,
        evidence=("strap-1:00000001-c0ffee:1.0",),
        reason="fall.detected",
        facts={"device": "strap-1", "impact_g": 3.0, "count": 2, "alone": True},
    )


def incident(
    number: int = 1,
    state: IncidentState = IncidentState.OPEN,
    *,
    note: str = "",
    grid: str = "grid-1",
    at: int | None = None,
) -> Incident:
    """Return an incident after a step that led to `state`."""
    at = T0 + number if at is None else at
    return Incident(
        id=f"i-{number}",
        grid=grid,
        kind=HazardKind.FALL,
        severity=Severity.CRITICAL,
        state=state,
        subject="resident-1",
        household="home-1",
        at=at,
        noticed_at=at + 400,
        confidence=0.97,
        hazards=(f"h-{number}",),
        evidence=("strap-1:00000001-c0ffee:1.0",),
        reason="fall.detected",
        facts={"impact_g": 3.0, "room": "卧室"},
        assignee="staff-1",
        told=("staff-1", "daughter-1"),
        due_at=at + 60_000,
        round=1,
        steps=(Step(at=at, action=Action.OPEN, actor="brain", state=state, note=note),),
    )


def task(number: int = 1) -> Task:
    """Return a task of an incident."""
    return Task(
        id=f"t-{number}",
        incident="i-1",
        assignee="staff-1",
        want=Action.ACCEPT,
        due_at=T0 + 60_000,
    )


def notice(number: int = 1) -> Notice:
    """Return a notice about an incident."""
    return Notice(
        id=f"n-{number}",
        incident="i-1",
        recipient="daughter-1",
        channels=("sms",),
        language="zh",
        step="dispatch.1",
        at=T0,
        kind=HazardKind.FALL,
        severity=Severity.CRITICAL,
        subject="resident-1",
        reason="fall.detected",
    )


def command(number: int = 1) -> Command:
    """Return a command to an agent."""
    return Command(
        id=f"c-{number}",
        device="agent-1",
        do="siren_on",
        incident="i-1",
        at=T0,
        expires_at=T0 + 60_000,
    )


def adjustment(number: int = 1) -> Adjustment:
    """Return a threshold that somebody's word has moved."""
    return Adjustment(
        id=f"a-{number}",
        rule="inactivity",
        subject="resident-1",
        household="home-1",
        threshold="quiet_s_max",
        before=14_400.0,
        after=16_200.5,
        bound=28_800.0,
        at=T0 + number,
        incident="i-1",
        actor="daughter-1",
    )


def due_visit(number: int = 1, due_at: int | None = None) -> DueVisit:
    """Return by when a home should be visited."""
    return DueVisit(
        id=f"v-{number}",
        household=f"home-{number}",
        at=T0 + number,
        why=("lives_alone", "risk:sleep"),
        last_at=T0 - 86_400_000,
        due_at=due_at,
    )


def risk(number: int = 1, phase: Phase = Phase.RAISED, at: int | None = None) -> Risk:
    """Return a resting heart rate that drifts."""
    return Risk(
        id=f"r-{number}",
        kind=RiskKind.HEART_RATE,
        phase=phase,
        subject="resident-1",
        household="home-1",
        at=T0 + number if at is None else at,
        confidence=0.8,
        reason="heart_rate.drifts",
        facts={"by_bpm": 9.5, "days": 14},
        propose="visit",
        role="building_head",
    )


def score(number: int = 1, value: float = 82.5) -> HealthScore:
    """Return the score of a day in January, with one part."""
    return HealthScore(
        id=f"s-{number}",
        subject="resident-1",
        household="home-1",
        day=f"2026-01-{number:02d}",
        at=T0 + number * 86_400_000,
        score=value,
        low=value - 10,
        high=value,
        coverage=0.6,
        parts=(ScorePart(name="vitals", score=80.0, coverage=0.5, facts={"hr_bpm": 71}),),
        trend=None,
        advice=("walk",),
    )


def loss(first: int, last: int, state: str = "missing") -> Loss:
    """Return an entry of the ledger."""
    return Loss(
        device="strap-1", boot="00000001-c0ffee", first=first, last=last, state=state, at=T0 + first
    )


def rejected(reason: Reason = Reason.SYNTAX) -> Rejected:
    """Return a dead letter, with bytes that are no text and a text with a NUL."""
    return Rejected(
        reason=reason,
        detail="expected JSON\x00, got \N{BELL} 乱码",
        topic="weinao/v1/c/grid-1/up/home/x",
        device="x",
        payload=b"\xff\x00{",
        size=3,
        received_at=T0,
    )


ONE_OF_EACH: tuple[AnyOutcome, ...] = (
    kept(1), hazard(), incident(), task(), notice(), command(), loss(3, 5), rejected(),
    risk(), score(), adjustment(), due_visit(),
)  # fmt: skip


def as_before_schema_4(made: Outcome, *, whole: bool) -> dict[str, object]:
    """Return the row of an observation as older versions kept it.

    Args:
        made: Of an observation.
        whole: Its body is the outcome, as in DuckDB, and not only what was observed.
    """
    value = made.value
    assert isinstance(value, Kept)
    row: dict[str, object] = {
        "grid": made.grid, "journal_offset": made.offset, "journal_index": made.index,
        "received_at": made.received_at, "event_at": value.at, "id": value.id,
        "kind": str(value.observation.__struct_config__.tag), "device": value.device,
        "subject": value.subject, "household": value.household,
        "hr_bpm": getattr(value.observation, "hr_bpm", None),
        "body": json.encode(value if whole else value.observation).decode(),
    }  # fmt: skip
    return row if whole else {**row, "arrived_at": value.received_at}


OF_EVERY_KIND: tuple[AnyObservation, ...] = (
    Vitals(at=T0, hr_bpm=61.5, spo2_pct=97, steps=7, worn=True, consciousness=Acvpu.ALERT),
    Vitals(at=T0),
    Motion(at=T0, event=MotionEvent.FALL, confidence=0.97, impact_g=3.4, posture="lying"),
    Rhythm(at=T0, rr_ms=(812.5, 640.0), irregular=True),
    Home(at=T0, sensor=Sensor.DOOR, value=1.0, room="卧室"),
    Gate(at=T0, match=Match.RESIDENT, person="p-1", score=0.8, live=0.99, direction="in"),
    Highrise(at=T0, building="b-1", floor=12, track=(0.0, 1.5, 30.0)),
    Crowd(at=T0, zone="square", people=12, blocked=True),
    Utility(at=T0, meter="water-1", value=12.75, unit="m3"),
    Report(at=T0, category="leak", text="It drips.\n厨房", photo="photo-1"),
    Patrol(at=T0, checkpoint="cp-1", staff="guard-1"),
    Feedback(at=T0, incident="i-1", actor="daughter-1", action=Action.RATE, rating=4),
    Receipt(at=T0, command="c-1", ok=False, detail="stuck"),
    Status(at=T0, complete_to=T0 - 5, queue_len=3, sensors={"pir-1": T0 - 9}),
    Registered(at=T0, record=Household(id="home-1", agent="agent-1")),
)
"""An observation of every kind, one with defaults only."""


@st.composite
def values(draw: st.DrawFn) -> AnyOutcome:
    """Any kind of outcome, often about the same few incidents and gaps."""
    number = draw(st.integers(1, 3))
    states = st.sampled_from(IncidentState)
    return draw(
        st.one_of(
            st.builds(kept, st.integers(1, 50), at=st.integers(T0, T0 + 3)),
            st.builds(hazard, st.just(number), st.sampled_from(Phase)),
            st.builds(
                incident,
                st.just(number),
                states,
                note=st.text(max_size=3, alphabet=st.characters(codec="utf-8")),
                at=st.integers(T0, T0 + 3),
            ),
            st.builds(loss, st.integers(1, 3), st.integers(3, 9), st.sampled_from(_STATES)),
            st.builds(risk, st.just(number), st.sampled_from(Phase), at=st.integers(T0, T0 + 3)),
            st.builds(score, st.just(number), st.sampled_from([40.0, 82.5])),
            st.builds(due_visit, st.just(number), st.sampled_from([None, T0])),
            st.builds(rejected, st.sampled_from(Reason)),
            st.sampled_from([task(number), notice(number), command(number), adjustment(number)]),
        )
    )


@st.composite
def journals(draw: st.DrawFn) -> list[Outcome]:
    """Outcomes of two grids, each in order of position, interleaved in some order."""
    waiting = [
        [
            outcome(offset, index, value, grid)
            for offset, few in enumerate(draw(st.lists(st.lists(values(), max_size=3), max_size=5)))
            for index, value in enumerate(few)
        ]
        for grid in ("grid-1", "grid-2")
    ]
    mixed: list[Outcome] = []
    while any(waiting):
        mixed.append(draw(st.sampled_from([grid for grid in waiting if grid])).pop(0))
    return mixed


_STATES = ("missing", "filled", "thinned")
