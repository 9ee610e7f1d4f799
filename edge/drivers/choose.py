"""Which driver stands behind which settings."""

from collections.abc import Callable, Iterable
from pathlib import Path
from random import SystemRandom

from msgspec import Struct

from edge.drivers.base import Driver, DriverError
from edge.drivers.replay import ReplayDriver
from edge.drivers.simulated import SimulatedDriver
from edge.drivers.story import Story, schedule
from edge.drivers.truth import MARK_PREFIX, TruthFile
from edge.outbox import Mark
from edge.settings import (
    CameraDevice,
    EdgeSettings,
    ReplayDevice,
    SimulatedDevice,
    Wearable,
)
from weinao.clock import clock_of

EPOCH = "simulation/epoch"


class Chosen(Struct, frozen=True):
    """A driver that is ready to be made, again after each failure.

    Attributes:
        make: Makes it, on what is durable by then, and on a clock.
        position: Where an accelerometer among its devices is worn.
        camera: What is to be seen, if it is a camera.
    """

    device: str
    position: Wearable
    make: Callable[[list[Mark], Callable[[], int]], Driver]
    camera: CameraDevice | None = None


def choose(settings: EdgeSettings, truth: TruthFile, epoch: int) -> list[Chosen]:
    """Return the drivers that the settings ask for.

    Args:
        settings: Of the agent.
        truth: Where simulated devices note what was sensed.
        epoch: When the simulation began, milliseconds UTC.

    Raises:
        DriverError: Nothing in the home could sense one of the happenings.
    """
    simulated = [one for one in settings.device if isinstance(one, SimulatedDevice)]
    schedule(settings.happening, simulated, epoch=epoch, start=epoch, told={})
    pace = _pace(settings)
    chosen = []
    for one in settings.device:
        match one:
            case ReplayDevice():
                chosen.append(_replay(one, pace))
            case SimulatedDevice():
                chosen.append(_simulated(one, settings, truth, epoch))
            case CameraDevice():
                chosen.append(_camera(one))
    return chosen


def _replay(device: ReplayDevice, pace: float) -> Chosen:
    def make(marks: list[Mark], now: Callable[[], int]) -> Driver:
        name = ReplayDriver.mark_name(device.id)
        return ReplayDriver(device, _value(marks, name), now, pace)

    return Chosen(device.id, device.position, make)


def _camera(device: CameraDevice) -> Chosen:
    def make(marks: list[Mark], now: Callable[[], int]) -> Driver:  # noqa: ARG001  # no marks
        try:
            from edge.drivers.camera.driver import CameraDriver  # noqa: PLC0415  # only with a camera
        except ImportError as error:
            raise DriverError(f"{error}: a camera needs `pip install 'weinao[vision]'`") from error
        return CameraDriver(device, now, SystemRandom())

    return Chosen(device.id, "wrist", make, device)


def _simulated(
    device: SimulatedDevice, settings: EdgeSettings, truth: TruthFile, epoch: int
) -> Chosen:
    devices = [one for one in settings.device if isinstance(one, SimulatedDevice)]

    def make(marks: list[Mark], now: Callable[[], int]) -> Driver:
        truth.reconcile([mark for mark in marks if mark.name.startswith(MARK_PREFIX)])
        events = schedule(settings.happening, devices, epoch=epoch, start=now(), told=truth.told)
        return SimulatedDriver(
            device,
            Story(settings.simulation.seed, devices, events),
            chunk_ms=round(settings.simulation.chunk_s * 1_000),
            truth=truth,
            now=now,
            pace=_pace(settings),
        )

    return Chosen(device.id, "waist" if device.kind == "waist" else "wrist", make)


def _pace(settings: EdgeSettings) -> float:
    return clock_of(settings.simulation.clock).speed


def _value(marks: Iterable[Mark], name: str) -> str | None:
    return next((mark.value for mark in marks if mark.name == name), None)


def truth_path(folder: Path) -> Path:
    """Return where an agent notes what happened in its simulated home."""
    return folder / "truth.jsonl"
