"""Delivery: which packs are new, which came twice, and which numbers never came.

A pack counts once, by device, boot and number. Missing numbers are an entry of the loss ledger only
once the agent has said that nothing waits in its outbox: before that they may merely be late,
because alarms overtake what waited.
"""

from collections.abc import Sequence

from msgspec import UNSET, Struct
from msgspec.structs import replace

from weinao.messages import Pack
from weinao.numbers import Numbers
from weinao.outcomes import Loss, Reason

BOOTS_MAX = 64
"""Boots remembered for each device; a pack of an older one is refused as `stale_boot`."""


class Boot(Struct, frozen=True):
    """What came of one start of a device's agent.

    Attributes:
        missing: The gaps that stand in the ledger.
    """

    numbers: Numbers = Numbers()
    missing: tuple[tuple[int, int], ...] = ()


class Delivered(Struct, frozen=True):
    """What came of one device: its boots in order, the newest last.

    Attributes:
        forgotten: Boots up to this one are no longer remembered.
    """

    boots: tuple[tuple[str, Boot], ...] = ()
    forgotten: str = ""


def accept(state: Delivered, pack: Pack) -> tuple[Delivered, Reason | None, Sequence[Loss]]:
    """Note a pack.

    Returns:
        The new state; why the pack does not count, or None if it does; and ledger entries.
    """
    if pack.boot <= state.forgotten:
        return state, Reason.STALE_BOOT, ()
    boots = dict(state.boots)
    boot = boots.get(pack.boot, Boot())
    if pack.seq in boot.numbers:
        return state, Reason.DUPLICATE, ()
    thinned = pack.thinned
    first = pack.seq if thinned is UNSET else thinned.first
    try:
        numbers = boot.numbers.add(first, pack.seq)
    except OverflowError:
        # It skips about, as an outbox does after days in which alarms came in turn with what is
        # routine. What it says now counts; a copy of it would count again.
        numbers = boot.numbers
    came = replace(boot, numbers=numbers)
    losses: list[Loss] = []
    if thinned is not UNSET:
        losses.append(
            Loss(
                device=pack.device,
                boot=pack.boot,
                first=first,
                last=pack.seq,
                state="thinned",
                reason=f"{thinned.lane}: {thinned.reason}",
                observations=thinned.observations,
                at=pack.sent,
            )
        )
    filled, came = _filled(pack.device, pack.boot, came, pack.sent)
    boots[pack.boot] = came
    return _bounded(boots, state.forgotten), None, (*losses, *filled)


def settle(state: Delivered, device: str, at: int) -> tuple[Delivered, Sequence[Loss]]:
    """Enter what is missing in the ledger, now that the agent has nothing more to send.

    An entry of which a part has come is closed, and what is still missing is entered anew.
    """
    if not any(boot.numbers.above or boot.missing for _, boot in state.boots):
        return state, ()  # as nearly always: nothing is missing, and nothing was
    losses: list[Loss] = []
    boots: list[tuple[str, Boot]] = []
    for name, boot in state.boots:
        gaps = boot.numbers.gaps
        changes = [
            *((gap, "filled") for gap in boot.missing if gap not in gaps),
            *((gap, "missing") for gap in gaps if gap not in boot.missing),
        ]
        losses += [
            Loss(device=device, boot=name, first=first, last=last, state=now, at=at)
            for (first, last), now in changes
        ]
        boots.append((name, replace(boot, missing=gaps) if changes else boot))
    return (replace(state, boots=tuple(boots)), losses) if losses else (state, ())


def _filled(device: str, name: str, boot: Boot, at: int) -> tuple[list[Loss], Boot]:
    """Close the ledger entries of gaps of which nothing is missing any more."""
    if not boot.missing:
        return [], boot
    still = tuple(
        (first, last)
        for first, last in boot.missing
        if any(a <= last and first <= b for a, b in boot.numbers.gaps)
    )
    closed = [gap for gap in boot.missing if gap not in still]
    losses = [
        Loss(device=device, boot=name, first=first, last=last, state="filled", at=at)
        for first, last in closed
    ]
    return losses, replace(boot, missing=still)


def _bounded(boots: dict[str, Boot], forgotten: str) -> Delivered:
    names = sorted(boots)
    if len(names) > BOOTS_MAX:
        forgotten = max(forgotten, names[-BOOTS_MAX - 1])
        names = names[-BOOTS_MAX:]
    return Delivered(tuple((name, boots[name]) for name in names), forgotten)
