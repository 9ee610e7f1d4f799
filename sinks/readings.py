"""An observation as columns, and back: the same in every database. Pure.

Most of what is kept are vital signs and home sensors, and all that they say stands in columns. Only
what has no column goes into `body`, as JSON without what is as it is by default; it is empty where
the columns tell all. Rows of older versions told everything in `body`, and are read as they are.
"""

from functools import cache
from typing import Any

import msgspec
from msgspec import NODEFAULT
from msgspec.structs import fields

from weinao.messages import Acvpu, AnyObservation, Home, Observation, Sensor, Vitals
from weinao.outcomes import Kept

HOT = ("hr_bpm", "spo2_pct", "resp_per_min", "temp_c", "sbp_mmhg", "dbp_mmhg")
"""What is read off a body most, and is rolled up."""

SELDOM = ("skin_temp_c", "glucose_mmol_l", "weight_kg", "battery_pct")
"""What else is a number there."""

FLAGS = ("worn", "moving", "on_oxygen")

MEASURED = (*HOT, *SELDOM, "steps", *FLAGS, "consciousness")
"""All that vital signs may hold, in the order of their columns."""

SENSED = ("sensor", "room", "value")
"""All that a home sensor says."""

COLUMNS = ("kind", "device", "subject", "household", *MEASURED, *SENSED, "arrived_at", "body")
"""What a row of an observation has after its place, its time and its id."""

IN_COLUMNS = ""
"""The body of what columns tell whole."""


def row(value: Kept) -> tuple[Any, ...]:
    """Return an observation as `COLUMNS`.

    Raises:
        ValueError: Something in it cannot be kept.
    """
    said = value.observation
    kind = str(said.__struct_config__.tag)
    about = (kind, value.device, value.subject, value.household)
    if isinstance(said, Vitals):
        measured = (
            said.hr_bpm, said.spo2_pct, said.resp_per_min, said.temp_c, said.sbp_mmhg,
            said.dbp_mmhg, said.skin_temp_c, said.glucose_mmol_l, said.weight_kg,
            said.battery_pct, said.steps, said.worn, said.moving, said.on_oxygen,
            None if said.consciousness is None else said.consciousness.value,
        )  # fmt: skip
        return (*about, *measured, *_NOTHING_SENSED, value.received_at, _rest(value))
    if isinstance(said, Home):
        sensed = (said.sensor.value, said.room, said.value)
        return (*about, *_NOTHING_MEASURED, *sensed, value.received_at, _rest(value))
    nothing = (*_NOTHING_MEASURED, *_NOTHING_SENSED)
    return (*about, *nothing, value.received_at, sparse(said))


def kept(id_: str, at: int, columns: tuple[Any, ...]) -> Kept:
    """Return the observation that a row holds.

    Args:
        id_: Of the observation.
        at: When the world was so.
        columns: As `COLUMNS`.
    """
    kind, device, subject, household, *told, received_at, body = columns
    said = _decode(body) if body else _said(kind, at, told)
    return Kept(
        id=id_,
        device=device,
        at=at,
        received_at=received_at,
        subject=subject,
        household=household,
        observation=said,
    )


def sparse(said: Observation) -> str:
    """Return an observation as JSON, without what is as it is by default."""
    told: dict[str, object] = {"kind": said.__struct_config__.tag}
    for name, default in _defaults(type(said)):
        value = getattr(said, name)
        if value != default:
            told[name] = value
    return msgspec.json.encode(told).decode()


_NOTHING_MEASURED = (None,) * len(MEASURED)
_NOTHING_SENSED = (None,) * len(SENSED)

_decode = msgspec.json.Decoder(AnyObservation).decode


def _rest(value: Kept) -> str:
    # Its own time is that of the row, unless somebody made it otherwise.
    return IN_COLUMNS if value.observation.at == value.at else sparse(value.observation)


def _said(kind: str, at: int, told: list[Any]) -> AnyObservation:
    if kind == "home":
        sensor, room, value = told[len(MEASURED) :]
        return Home(at=at, sensor=Sensor(sensor), room=room, value=value)
    measured = dict(zip(MEASURED, told, strict=False))
    if measured["consciousness"] is not None:
        measured["consciousness"] = Acvpu(measured["consciousness"])
    return Vitals(at=at, **measured)


@cache
def _defaults(kind: type[Observation]) -> tuple[tuple[str, object], ...]:
    return tuple(
        (
            field.name,
            field.default if field.default_factory is NODEFAULT else field.default_factory(),
        )
        for field in fields(kind)
    )
