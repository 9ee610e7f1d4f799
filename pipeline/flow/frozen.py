"""What seats remember, as bytes: MessagePack, of the types that the rules say.

What rules remember is most of it, and only a rule knows of what type its states are. So these are
kept apart, by rule, and read once it is known whose they are. Pickled it took four times as long.
"""

import zlib
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import msgspec
from msgspec.structs import replace

from pipeline.brain.identify.base import Rule
from pipeline.brain.identify.in_turn import state_type
from pipeline.flow.seat import Handed, SeatState

K = TypeVar("K", SeatState, Handed)

_ENCODER = msgspec.msgpack.Encoder()


def freeze(kept: SeatState | Handed) -> bytes:
    """Return what a seat remembers as bytes."""
    brain = kept.brain
    if brain is None:
        return zlib.compress(_ENCODER.encode((kept, {})), 1)
    states = brain.identify.states
    bare = replace(kept, brain=replace(brain, identify=replace(brain.identify, states={})))
    return zlib.compress(_ENCODER.encode((bare, states)), 1)


def thaw(data: bytes, kind: type[K], rules: Iterable[Rule[Any]]) -> K:
    """Return what a seat remembered.

    Args:
        data: As `freeze` returned it.
        kind: Of what it was.
        rules: Those of the brain that made it; another brain's states are of other types.

    Raises:
        msgspec.DecodeError: The bytes are not whole, or another brain made them.
    """
    layout: Any = tuple[kind, dict[str, msgspec.Raw]]  # type: ignore[valid-type]  # known as it runs
    try:
        kept, parts = msgspec.msgpack.decode(zlib.decompress(data), type=layout)
    except zlib.error as error:
        raise msgspec.DecodeError(str(error)) from error
    if kept.brain is None:
        return cast(K, kept)
    types: dict[str, Any] = {rule.name: dict[str, state_type(rule)] for rule in rules}  # type: ignore[misc]
    states = {name: msgspec.msgpack.decode(part, type=types[name]) for name, part in parts.items()}
    brain = replace(kept.brain, identify=replace(kept.brain.identify, states=states))
    return cast(K, replace(kept, brain=brain))
