"""Home sensors: what they report is the observation."""

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.samples import HomeEvent
from weinao.messages import EMERGENCIES, Home


def perceive_home(sample: HomeEvent) -> list[Finding]:
    """Return the observation; what sets an alarm off takes the alarm lane."""
    return [
        Finding(
            device=sample.device,
            observation=Home(
                at=sample.at, sensor=sample.sensor, value=sample.value, room=sample.room
            ),
            lane=Lane.ALARM if sample.sensor in EMERGENCIES and sample.value else Lane.ROUTINE,
            mark=sample.mark,
        )
    ]
