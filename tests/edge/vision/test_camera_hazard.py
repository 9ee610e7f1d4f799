"""A camera that shows nothing becomes a hazard, through the words of its agent alone."""

import pytest

from edge.drivers.camera.health import Trouble
from edge.perception.camera import METER, perceive_trouble
from edge.samples import CameraTrouble
from pipeline.brain.identify.camera import METER as BRAIN_METER
from pipeline.brain.identify.camera import TROUBLES
from tests.pipeline.community import START, Journal, run
from weinao.catalogue import LANGUAGES
from weinao.messages import Registered, Status
from weinao.outcomes import Hazard, HazardKind, Incident, Kept, Phase, Rejected
from weinao.registry import Device
from weinao.voice import Voice

BEAT_S = 10


def beats(journal: Journal, from_s: int, until_s: int, heard_s: int | None = None) -> None:
    """Let an agent report on its camera, which it hears all the time or last heard then."""
    for second in range(from_s, until_s, BEAT_S):
        at = START + second * 1_000
        last = at if heard_s is None else START + heard_s * 1_000
        journal.say("agent-9", Status(at=at, complete_to=at, sensors={"cam-1": last}))
        journal.tick(at)


def test_a_frozen_camera_is_missed_with_its_reason_beside_it_until_it_is_well_again() -> None:
    journal = Journal()
    for record in (
        Device(id="agent-9", agent="agent-9", heartbeat_s=BEAT_S),
        Device(id="cam-1", agent="agent-9", heartbeat_s=BEAT_S, place="gate-1"),
    ):
        journal.say("loader", Registered(at=START, record=record))
    beats(journal, 0, 60)
    for at_s, began in ((60, True), (200, False)):
        [finding] = perceive_trouble(
            CameraTrouble(device="cam-1", at=START + at_s * 1_000, trouble="frozen", began=began)
        )
        assert finding.observation
        journal.say(finding.device, finding.observation)
        beats(journal, at_s, at_s + 140, heard_s=50 if began else None)

    outcomes = run(journal.entries)

    values = [one.value for one in outcomes]
    hazards = [one for one in values if isinstance(one, Hazard) and one.subject == "cam-1"]
    assert {one.kind for one in hazards} == {HazardKind.DEVICE_SILENT}
    assert [(one.reason, one.phase) for one in hazards[:2]] == [
        ("device_silent.camera_frozen", Phase.RAISED),
        ("device_silent.not_heard", Phase.RAISED),
    ]
    assert [one.phase for one in hazards[2:]] == [Phase.CLEARED] * 2
    assert hazards[0].at == START + 60_000
    incidents = {one.id: one for one in values
                 if isinstance(one, Incident) and one.subject == "cam-1"}  # fmt: skip
    [incident] = incidents.values()
    assert incident.hazard_over
    said = [one for one in values if isinstance(one, Kept) and one.device == "cam-1"]
    assert [one.observation.unit for one in said] == ["frozen", "frozen"]  # type: ignore[union-attr]
    assert not any(isinstance(one, Rejected) for one in values)


@pytest.mark.parametrize("trouble", [*Trouble])
def test_every_trouble_is_a_hazard_at_once_with_words_in_both_languages(trouble: Trouble) -> None:
    journal = Journal()
    journal.say("loader", Registered(at=START, record=Device(id="agent-9", agent="agent-9")))
    camera = Device(id="cam-1", agent="agent-9", place="gate-1")
    journal.say("loader", Registered(at=START, record=camera))
    for at_s, began in ((10, True), (10, True), (20, False), (15, True)):
        [finding] = perceive_trouble(
            CameraTrouble(device="cam-1", at=START + at_s * 1_000, trouble=trouble, began=began)
        )
        assert finding.observation
        journal.say("cam-1", finding.observation)

    hazards = [one.value for one in run(journal.entries) if isinstance(one.value, Hazard)]

    assert [one.phase for one in hazards] == [Phase.RAISED, Phase.CLEARED]
    assert hazards[0].reason == f"device_silent.camera_{trouble}"
    for language in LANGUAGES:
        for hazard in hazards:
            said = Voice(language, ()).because(hazard.reason, hazard.facts)
            assert said != hazard.reason
            assert "{" not in said


def test_the_agent_and_the_brain_have_the_same_words_for_what_ails_a_camera() -> None:
    assert set(Trouble) == TROUBLES
    assert METER == BRAIN_METER
