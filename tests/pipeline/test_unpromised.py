"""A home whose agent gives no word of its time goes on without it, and nothing is made of gaps."""

from msgspec.structs import replace

from pipeline.brain.grid import GridBrain
from pipeline.brain.identifying import PATIENCE_MS
from pipeline.brain.rules import RULES
from tests.pipeline.community import GRID, RECORDS, START, Journal
from tests.pipeline.stories import of, standing
from weinao.messages import Home, Registered, Sensor, Status, Vitals
from weinao.outcomes import Hazard, HazardKind
from weinao.registry import Device

S, MIN, H = 1_000, 60_000, 3_600_000
SILENT_MS = 30 * S  # three beats of ten seconds


def _ill(at: int) -> Vitals:
    return Vitals(at=at, hr_bpm=134, spo2_pct=90, resp_per_min=26, temp_c=38.6, worn=True)


def _told(minutes: int, *, beats: bool = False, complete_to: int | None = None) -> list[Hazard]:
    made = Journal()
    for second in range(1, minutes * 60):
        at = START + second * S
        if second % 10 == 0:
            made.say("band-1", _ill(at))
            if beats:
                promised = at if complete_to is None else complete_to
                made.say("agent-1", Status(at=at, complete_to=promised))
        made.tick(at)
    outcomes = GridBrain(GRID, RULES).observe(made.entries)
    return [it for it in of(outcomes, Hazard) if it.kind is HazardKind.VITALS]


def test_who_is_ill_is_told_of_though_the_agent_is_silent():
    with_word, [hazard, *_] = _told(6, beats=True), _told(6)

    assert hazard.id == with_word[0].id
    assert hazard.evidence == with_word[0].evidence  # in the same order, from the same readings


def test_who_is_ill_is_told_of_though_nobody_awaits_the_agent():
    made = Journal(registered=False)
    for record in RECORDS:
        never = isinstance(record, Device) and record.id == "agent-1"
        said = replace(record, heartbeat_s=None) if never else record
        made.say("loader", Registered(at=START, record=said))
    for second in range(1, 240):
        if second % 10 == 0:
            made.say("band-1", _ill(START + second * S))
        made.tick(START + second * S)

    outcomes = GridBrain(GRID, RULES).observe(made.entries)

    assert HazardKind.VITALS in {it.kind for it in of(outcomes, Hazard)}


def test_it_takes_no_longer_than_to_know_that_the_agent_is_silent_and_to_wait_a_while():
    persists = 60 * S  # over so long three readings have to be urgent
    enough = (SILENT_MS + PATIENCE_MS + persists + 30 * S) // MIN + 1

    assert _told(enough)


def test_an_agent_that_is_heard_and_has_older_things_to_say_is_waited_for():
    assert not _told(6, beats=True, complete_to=START)


def test_a_home_that_goes_on_alone_is_never_quiet():
    made = Journal()
    for hour in range(30):
        made.say("band-1", Vitals(at=START + hour * H, hr_bpm=70, spo2_pct=97, worn=True))
        for minute in range(60):
            made.tick(START + hour * H + minute * MIN)
        if hour == 0:
            made.say("pir-1", Home(at=made.now, sensor=Sensor.PIR, value=1.0))
    outcomes = GridBrain(GRID, RULES).observe(made.entries)

    kinds = {incident.kind for incident in standing(outcomes)}
    assert HazardKind.AGENT_SILENT in kinds
    assert HazardKind.INACTIVITY not in kinds


def test_a_brain_that_was_frozen_meanwhile_goes_on_the_same():
    made = Journal()
    for second in range(1, 300):
        made.tick(START + second * S)
        if second % 10 == 0:
            made.say("band-1", _ill(START + second * S))
    whole, half = GridBrain(GRID, RULES), GridBrain(GRID, RULES)
    cut = len(made.entries) // 2
    first = half.observe(made.entries[:cut])
    again = GridBrain(GRID, RULES, resume=half.snapshot())

    assert [*first, *again.observe(made.entries[cut:])] == whole.observe(made.entries)
