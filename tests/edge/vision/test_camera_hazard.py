"""A camera that shows nothing becomes a hazard, through the words of its agent alone."""

from edge.perception.camera import perceive_trouble
from edge.samples import CameraTrouble
from tests.pipeline.community import START, Journal, run
from weinao.messages import Registered, Status
from weinao.outcomes import Hazard, HazardKind, Kept, Phase, Rejected
from weinao.registry import Device

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
    assert [(one.kind, one.phase) for one in hazards] == [
        (HazardKind.DEVICE_SILENT, Phase.RAISED),
        (HazardKind.DEVICE_SILENT, Phase.CLEARED),
    ]
    assert hazards[0].at <= START + 100_000
    said = [one for one in values if isinstance(one, Kept) and one.device == "cam-1"]
    assert [one.observation.unit for one in said] == ["frozen", "frozen"]  # type: ignore[union-attr]
    assert not any(isinstance(one, Rejected) for one in values)
