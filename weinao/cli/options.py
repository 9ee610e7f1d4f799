"""Options that several commands have, and what may be said there.

What cannot be meant ends a command before it has done anything, with exit code 2.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from weinao.messages import Id

PORT_MAX = 65_535

Runner = Literal["bytewax", "plain"]


def host_and_port(text: str) -> tuple[str, int]:
    """Read HOST:PORT.

    Raises:
        ValueError: It is none.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= PORT_MAX:
        raise ValueError("expected HOST:PORT, as 127.0.0.1:1884")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_address(_: object, value: str | None) -> None:
    if value is not None:
        host_and_port(value)


def _is_port(_: object, value: int | None) -> None:
    if value is not None and not 0 <= value <= PORT_MAX:
        raise ValueError(f"expected a port from 0 to {PORT_MAX}")


def _is_count(_: object, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError("expected at least 1")


def _is_span(_: object, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise ValueError("expected a number above 0")


def _is_wait(_: object, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise ValueError("expected 0 or more")


def _is_id(_: object, value: str | None) -> None:
    if value is None:
        return
    try:
        msgspec.convert(value, Id)
    except msgspec.ValidationError:
        raise ValueError(
            f"{value!r}: expected at most 64 letters, digits, _, - and . of ASCII, the first a"
            " letter or a digit"
        ) from None


def _are_ids(kind: object, value: Sequence[str]) -> None:
    for one in value:
        _is_id(kind, one)


Address = Annotated[str, Parameter(validator=_is_address)]
"""HOST:PORT."""

Port = Annotated[int, Parameter(validator=_is_port)]
"""A port; 0 asks for any."""

Count = Annotated[int, Parameter(validator=_is_count)]
"""How many, at least one."""

Span = Annotated[float, Parameter(validator=_is_span)]
"""How long, above 0; whatever is measured in numbers above 0."""

Wait = Annotated[float, Parameter(validator=_is_wait)]
"""How long, 0 for not at all."""

Name = Annotated[str, Parameter(validator=_is_id)]
"""Of a community, a grid, a flow: it becomes part of topics and folders."""

Names = Annotated[Sequence[str], Parameter(validator=_are_ids, negative="")]
"""Several of these."""
