"""Orders: what devices are told to do about an incident, until they say that it is done.

    asked -> receipt: done | refused
          -> silence: asked again, a few times -> unanswered

A valve that may not have closed is somebody's business: what failed is told to whom is asked.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.respond.policy import Policy
from weinao.ids import derived
from weinao.messages import Receipt
from weinao.outcomes import Command, Incident, Order, OrderState
from weinao.registry import Device

TRIES_KEPT = 16
"""So many of the newest commands of an order can still be answered; ours."""

_ASKED = OrderState.ASKED


class ReceiptRefusedError(Exception):
    """A receipt from somebody who was not told; the message says who was. Set it aside."""


def give(
    incident: Incident,
    words: Iterable[str],
    known: Registered,
    policy: Policy,
    now: int,
    *,
    again: bool = False,
) -> tuple[Incident, list[Command]]:
    """Tell every device of the home that can, what it was not told before.

    Args:
        incident: Whose orders they are.
        words: What should be done.
        known: The registry.
        policy: How long a device has.
        now: The community's clock.
        again: The danger is back: tell it again, too, but for what is on its way already. A valve
            that was closed may be open by now.
    """
    given = {(order.device, order.do): order for order in incident.orders}
    able = known.able.get(incident.household, ())
    times = (now, now + policy.order_s_max * 1_000)
    commands: list[Command] = []
    for do in words:
        for device in able:
            before = given.get((device.id, do))
            if do not in device.does or (before and (not again or before.state is _ASKED)):
                continue
            tries = before.tries + 1 if before else 1
            command = _command(incident, device, do, tries, times)
            commands.append(command)
            given[device.id, do] = Order(
                command=command.id,
                device=device.id,
                do=do,
                due_at=times[1],
                agent=device.agent,
                tries=tries,
            )
    return replace(incident, orders=tuple(given.values())), commands


def ordered(incident: Incident, command: str) -> Order | None:
    """Return the order that a command was one of the newest tries of; None for none of these."""
    found = (one for one in incident.orders if _asks(incident, one, command))
    return next(found, None)


def answered(
    incident: Incident, found: Order, said: Receipt, sender: str, now: int
) -> tuple[Incident, Order | None]:
    """Note what became of an order; None where that is no news.

    Args:
        incident: Whose order it is.
        found: Which.
        said: The answer to one of its commands,
        sender: and from whom. The agent speaks, or the device itself; nobody else knows.
        now: The community's clock.

    Raises:
        ReceiptRefusedError: The sender is neither.
    """
    # Orders of before agents were noted were told to nobody in particular.
    if found.agent and sender not in (found.agent, found.device):
        raise ReceiptRefusedError(
            f"command {said.command} was told to {found.agent}, for {found.device}:"
            f" it is not {sender}'s to answer"
        )
    if found.state is OrderState.DONE:
        return incident, None
    if found.state is not OrderState.ASKED and not said.ok:
        return incident, None  # people know already that it was not done
    state = OrderState.DONE if said.ok else OrderState.REFUSED
    told = replace(found, state=state, detail=said.detail, answered_at=now)
    return replace(
        incident, orders=tuple(told if one is found else one for one in incident.orders)
    ), told


def chase(
    incident: Incident, known: Registered, policy: Policy, now: int
) -> tuple[Incident, list[Command], list[Order]]:
    """Tell again what was not answered in time.

    Returns:
        The incident, the new commands, and the orders that are given up.
    """
    times = (now, now + policy.order_s_max * 1_000)
    orders: list[Order] = []
    commands: list[Command] = []
    given_up: list[Order] = []
    for order in incident.orders:
        device = known.device(order.device)
        if order.state is not OrderState.ASKED or order.due_at > now:
            orders.append(order)
        elif device is None or order.tries >= policy.order_tries_max:
            given_up.append(replace(order, state=OrderState.UNANSWERED, answered_at=now))
            orders.append(given_up[-1])
        else:
            again = _command(incident, device, order.do, order.tries + 1, times)
            commands.append(again)
            orders.append(
                replace(
                    order,
                    command=again.id,
                    agent=again.device,
                    tries=order.tries + 1,
                    due_at=again.expires_at,
                )
            )
    return replace(incident, orders=tuple(orders)), commands, given_up


def due_at(incident: Incident) -> int | None:
    """Return when the next order counts as unanswered."""
    waiting = (order.due_at for order in incident.orders if order.state is OrderState.ASKED)
    return min(waiting, default=None)


def _asks(incident: Incident, order: Order, command: str) -> bool:
    tried = range(max(1, order.tries - TRIES_KEPT + 1), order.tries + 1)
    return any(command == _name(incident, order.device, order.do, one) for one in tried)


def _name(incident: Incident, device: str, do: str, tries: int) -> str:
    return derived("c", incident.id, device, do, tries)


def _command(
    incident: Incident, device: Device, do: str, tries: int, times: tuple[int, int]
) -> Command:
    at, expires_at = times
    return Command(
        id=_name(incident, device.id, do, tries),
        device=device.agent,
        target=device.id,
        do=do,
        incident=incident.id,
        at=at,
        expires_at=expires_at,
    )
