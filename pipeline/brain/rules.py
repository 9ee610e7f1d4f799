"""All rules, in the order in which their findings appear."""

from typing import Any

from pipeline.brain.identify.balcony import Balcony
from pipeline.brain.identify.base import Rule
from pipeline.brain.identify.battery import Battery
from pipeline.brain.identify.bed_exit import BedExit
from pipeline.brain.identify.camera import Camera
from pipeline.brain.identify.child_alone import ChildAlone
from pipeline.brain.identify.child_vitals import ChildVitals
from pipeline.brain.identify.circuit import Circuit
from pipeline.brain.identify.climate import Climate
from pipeline.brain.identify.congestion import Congestion
from pipeline.brain.identify.emergency import Emergency
from pipeline.brain.identify.fall import Fall
from pipeline.brain.identify.falling_object import FallingObject
from pipeline.brain.identify.fire_lane import FireLane
from pipeline.brain.identify.fire_lane_often import FireLaneOften
from pipeline.brain.identify.flat_line import FlatLine
from pipeline.brain.identify.gate import Tailgating, Watchlist
from pipeline.brain.identify.health_score import HealthDay
from pipeline.brain.identify.in_turn import InTurn
from pipeline.brain.identify.inactivity import Inactivity
from pipeline.brain.identify.irregular_pulse import IrregularPulse
from pipeline.brain.identify.meter import MeterAnomaly
from pipeline.brain.identify.night_door import NightDoor
from pipeline.brain.identify.not_back import NotBack
from pipeline.brain.identify.overdue import OverdueTest
from pipeline.brain.identify.patrol import PatrolMissed
from pipeline.brain.identify.report import Reported
from pipeline.brain.identify.risk_health import RiskHealth
from pipeline.brain.identify.smoke import Smoke
from pipeline.brain.identify.stove import Stove
from pipeline.brain.identify.vitals import VitalAlarm
from pipeline.brain.identify.water_leak import WaterLeak

_PEOPLE: tuple[Rule[Any], ...] = (
    Emergency(),
    Smoke(),
    Fall(),
    VitalAlarm(),
    ChildVitals(),
    FlatLine(),
    IrregularPulse(),
    InTurn(ChildAlone()),
    InTurn(NightDoor()),
    BedExit(),
    Stove(),
    NotBack(),
    InTurn(Climate()),
    Inactivity(),
)
_PLACES: tuple[Rule[Any], ...] = (
    Watchlist(),
    Tailgating(),
    FallingObject(),
    Congestion(),
    FireLane(),
    MeterAnomaly(),
    PatrolMissed(),
    Reported(),
    Camera(),
)
_LATENT: tuple[Rule[Any], ...] = (
    Balcony(),
    WaterLeak(),
    Circuit(),
    Battery(),
    FireLaneOften(),
    OverdueTest(),
    RiskHealth(),
    HealthDay(),
)

RULES: tuple[Rule[Any], ...] = (*_PEOPLE, *_PLACES, *_LATENT)
