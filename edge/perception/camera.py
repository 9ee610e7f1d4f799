"""What ails a camera, as an observation of the camera itself."""

from edge.lanes import Lane
from edge.perception.base import Finding
from edge.samples import CameraTrouble
from weinao.messages import Utility

METER = "camera_health"
"""The meter's name; its unit names the trouble, its value is 1 while it stands and then 0."""


def perceive_trouble(sample: CameraTrouble) -> list[Finding]:
    """Return that a trouble began or is over; what ails a camera is status, not routine."""
    seen = Utility(at=sample.at, meter=METER, value=float(sample.began), unit=sample.trouble)
    return [Finding(device=sample.device, observation=seen, lane=Lane.STATUS, mark=sample.mark)]
