"""Actuators: what an agent can make a device do, and whether it did. Decides nothing.

A `program` carries a word out by running what the integrator wrote for it, as a script that sets a
relay; its exit code is the answer. A `simulated` one is in a home that does not exist.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from edge.settings import Actuator, ProgramActuator

Act = Callable[[str], Awaitable[str]]
"""Does what a word says; returns why it could not, or nothing."""

SAID_CHARS_MAX = 200
"""Of what a program that failed says of it; the rest stays in its own log."""


def actuators(chosen: Iterable[Actuator]) -> dict[str, Act]:
    """Return how each actuator is told what to do, by device."""
    return {
        one.id: _run(one) if isinstance(one, ProgramActuator) else _pretend(one.does)
        for one in chosen
    }


def _pretend(does: tuple[str, ...]) -> Act:
    async def act(do: str) -> str:
        return "" if do in does else _unknown(do, does)

    return act


def _run(actuator: ProgramActuator) -> Act:
    async def act(do: str) -> str:
        if do not in actuator.does:
            return _unknown(do, actuator.does)
        try:
            program = await asyncio.create_subprocess_exec(
                *actuator.does[do],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            return f"cannot run {actuator.does[do][0]}: {error.strerror}"
        try:
            async with asyncio.timeout(actuator.timeout_s):
                _, said = await program.communicate()
        except TimeoutError:
            program.kill()
            await program.wait()
            return f"did not end within {actuator.timeout_s:g} s"
        if program.returncode == 0:
            return ""
        words = said.decode("utf-8", "replace").strip()[-SAID_CHARS_MAX:]
        return f"ended with {program.returncode}" + (f": {words}" if words else "")

    return act


def _unknown(do: str, does: Iterable[str]) -> str:
    return f"cannot {do[:100]}; this device can: {', '.join(sorted(does))}"
