"""What devices say, in their own terms. Words only: a driver yields them, perception reads them."""

from typing import TYPE_CHECKING

from msgspec import Struct

from weinao.messages import Acvpu, AnyObservation, Sensor

if TYPE_CHECKING:  # a home without wearables does not pay for numpy
    import numpy as np
    from numpy.typing import NDArray

    from models.vision.base import Picture


class Sample(Struct, frozen=True, kw_only=True):
    """What one device said at one time.

    Attributes:
        device: Its id.
        at: When the world was so: milliseconds UTC; of a signal, its last point.
        mark: Name and value that become durable with what follows from the sample.
    """

    device: str
    at: int
    mark: tuple[str, str] | None = None


class Acceleration(Sample, frozen=True, kw_only=True):
    """A piece of a signal; pieces follow each other.

    Attributes:
        t_ms: (n,) int64, milliseconds of the sensor's own clock, ascending; only differences mean
            something, and they stay true where a recording is played faster.
        acc_ms2: (n, 3) float32 in m/s², in the axes of the device.
        gyro_rads: (n, 3) float32 in rad/s, or None where there is no gyroscope.
    """

    t_ms: "NDArray[np.int64]"
    acc_ms2: "NDArray[np.float32]"
    gyro_rads: "NDArray[np.float32] | None" = None


class RrIntervals(Sample, frozen=True, kw_only=True):
    """Intervals between heart beats that follow each other, in ms; `at` is the last beat."""

    rr_ms: tuple[float, ...]
    moving: bool = False


class VitalsReading(Sample, frozen=True, kw_only=True):
    """What a wearable read; a value is absent where it was not measured.

    Attributes:
        worn: What the device itself says about being worn; None if it says nothing.
        flat_line: The device says that its signal does not vary as a body's does.
    """

    hr_bpm: float | None = None
    spo2_pct: float | None = None
    resp_per_min: float | None = None
    temp_c: float | None = None
    skin_temp_c: float | None = None
    sbp_mmhg: float | None = None
    dbp_mmhg: float | None = None
    glucose_mmol_l: float | None = None
    weight_kg: float | None = None
    steps: int | None = None
    worn: bool | None = None
    moving: bool | None = None
    on_oxygen: bool | None = None
    consciousness: Acvpu | None = None
    battery_pct: float | None = None
    flat_line: bool = False


class HomeEvent(Sample, frozen=True, kw_only=True):
    """What a home sensor reported; `value` as in `weinao.messages.Home`."""

    sensor: Sensor
    value: float
    room: str = ""


class Observed(Sample, frozen=True, kw_only=True):
    """What was perceived before, in our terms: its time is the sample's.

    Attributes:
        offset_ms: How far ahead of the sample the device's own clock dated it.
    """

    observation: AnyObservation
    offset_ms: int = 0


class SignalEnded(Sample, frozen=True, kw_only=True):
    """A recording is over: nothing more will come of any of its devices."""


class Frame(Sample, frozen=True, kw_only=True):
    """One picture of a camera.

    Attributes:
        number: Within its stream, counting those that were passed over.
        picture: (h, w, 3) uint8, blue first.
        troubled: What it shows is not to be trusted: the camera is black, frozen or the like.
        unsteady: It may be looked at, but its camera is not well: frames come too slowly, or have
            only just begun to come again.
    """

    number: int
    picture: "Picture"
    troubled: bool = False
    unsteady: bool = False


class CameraTrouble(Sample, frozen=True, kw_only=True):
    """Something ails a camera, or no longer does.

    Attributes:
        trouble: As in `edge.drivers.camera.health.Trouble`.
        began: Whether it began, rather than ended.
        detail: For whoever mends it; no secret stands in it.
    """

    trouble: str
    began: bool
    detail: str = ""


def is_word_of_the_device(sample: Sample) -> bool:
    """Say whether a sample shows its device at work; a camera that shows nothing is silent."""
    match sample:
        case CameraTrouble():
            return False
        case Frame():
            return not (sample.troubled or sample.unsteady)
    return True


class Nothing(Sample, frozen=True, kw_only=True):
    """Nothing was sensed; the sample only carries its mark."""
