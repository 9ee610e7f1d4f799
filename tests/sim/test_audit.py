"""The audit finds what it is there to find."""

from msgspec.structs import replace

from sim.audit import Audit, Expected, audit
from sim.verdict import Noticed
from weinao.messages import Home, Sensor
from weinao.outcomes import (
    Hazard,
    HazardKind,
    Incident,
    IncidentState,
    Kept,
    Loss,
    Phase,
    Severity,
)

AT = 1_767_225_600_000
SENDER = ("sos-1", "00000001-a")
SOS = Incident(
    id="i-1",
    grid="grid-1",
    kind=HazardKind.SOS,
    severity=Severity.CRITICAL,
    state=IncidentState.CLOSED,
    subject="home-1",
    household="home-1",
    at=AT,
    noticed_at=AT + 1_500,
    hazards=("h-1",),
    evidence=("sos-1:00000001-a:2.0",),
)
HAZARD = Hazard(
    id="h-1",
    kind=HazardKind.SOS,
    phase=Phase.RAISED,
    subject="home-1",
    household="home-1",
    at=AT,
    severity=Severity.CRITICAL,
    evidence=SOS.evidence,
)
NOTICED = Noticed(HAZARD, AT + 1_500)
PRESS = Expected(at=AT, kind="sos", about=("home-1",), evidence="sos-1:00000001-a:2.")
FALL = Expected(at=AT, kind="fall", about=("resident-1",))


def kept(seq: int) -> Kept:
    return Kept(
        id=f"sos-1:00000001-a:{seq}.0",
        device="sos-1",
        at=AT,
        received_at=AT,
        subject="home-1",
        household="home-1",
        observation=Home(at=AT, sensor=Sensor.SOS, value=1),
    )


def account(**changes: object) -> Audit:
    given: dict = {
        "issued": {SENDER: 3},
        "waiting": set(),
        "kept": [kept(1), kept(2), kept(3)],
        "losses": [],
        "noticed": [NOTICED],
        "incidents": [SOS],
        "expected": [PRESS],
    }
    return audit(**{**given, **changes})


def test_what_is_all_there_is_sound() -> None:
    verdict = account()

    assert verdict.sound
    assert (verdict.sent, verdict.stored, verdict.found) == (3, 3, 1)
    assert verdict.delay_s_median == 1.5


def test_a_pack_that_nobody_has_is_lost() -> None:
    assert account(kept=[kept(1), kept(3)]).lost == ((*SENDER, 2),)
    assert not account(kept=[kept(1), kept(3)]).sound


def test_a_pack_that_waits_or_was_given_up_by_name_is_not_lost() -> None:
    gave_up = Loss(device=SENDER[0], boot=SENDER[1], first=2, last=2, state="thinned")

    assert account(kept=[kept(1), kept(3)], losses=[gave_up]).sound
    assert account(kept=[kept(1), kept(2)], waiting={(*SENDER, 3)}).sound


def test_an_observation_that_counts_twice_is_found() -> None:
    assert account(kept=[kept(1), kept(2), kept(2), kept(3)]).duplicated == (kept(2).id,)


def test_one_cause_in_two_incidents_is_found() -> None:
    assert account(incidents=[SOS, replace(SOS, id="i-2")]).incidents_duplicated > 0


def test_what_happened_in_vain_is_missed() -> None:
    assert account(incidents=[]).missed == (PRESS,)
    assert not account(incidents=[]).sound


def test_one_incident_does_not_answer_for_two_falls() -> None:
    fell = replace(HAZARD, id="h-3", kind=HazardKind.FALL, subject="resident-1", evidence=())
    fall = replace(SOS, id="i-3", kind=HazardKind.FALL, hazards=("h-3",), evidence=())

    verdict = account(
        noticed=[NOTICED, Noticed(fell, AT)], incidents=[SOS, fall], expected=[PRESS, FALL, FALL]
    )

    assert verdict.found == 2
    assert verdict.missed == (FALL,)


def test_a_fall_that_a_call_for_help_took_in_is_found_and_its_delay_is_its_own() -> None:
    fell = replace(HAZARD, id="h-3", kind=HazardKind.FALL, subject="resident-1", evidence=())
    both = replace(SOS, hazards=("h-1", "h-3"))

    verdict = account(
        noticed=[NOTICED, Noticed(fell, AT + 4_000)], incidents=[both], expected=[PRESS, FALL]
    )

    assert verdict.sound
    assert [one.delay_s for one in verdict.findings] == [1.5, 4.0]


def test_what_another_incident_took_in_counts_once() -> None:
    merged = replace(SOS, id="i-9", state=IncidentState.MERGED, merged_into="i-1")

    assert account(incidents=[SOS, merged]).sound


def test_what_nothing_explains_is_told() -> None:
    assert [found.id for found in account(expected=[]).unexpected] == ["i-1"]
