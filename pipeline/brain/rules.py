"""All rules, in the order in which their hazards appear."""

from typing import Any

from pipeline.brain.identify.base import Rule
from pipeline.brain.identify.emergency import Emergency
from pipeline.brain.identify.fall import Fall
from pipeline.brain.identify.inactivity import Inactivity
from pipeline.brain.identify.vitals import VitalAlarm

RULES: tuple[Rule[Any], ...] = (Emergency(), Fall(), VitalAlarm(), Inactivity())
