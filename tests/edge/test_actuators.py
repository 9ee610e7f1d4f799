"""What an agent does when a device behind it is told something, and what it answers."""

import asyncio
import sys

import pytest

from edge.actuators import actuators
from edge.commands import Commands
from edge.settings import ProgramActuator, SimulatedActuator
from weinao.messages import Receipt
from weinao.outcomes import Command

NOW = 1_767_225_600_000


def answer(command: Command, *chosen: ProgramActuator | SimulatedActuator) -> Receipt | None:
    commands = Commands({}, lambda: NOW, actuators(chosen))
    return asyncio.run(commands.take(command))


def told(do: str, target: str = "valve-1", expires_at: int = NOW + 1_000) -> Command:
    return Command(
        id=f"c-{do}-{target}", device="agent-1", target=target, do=do, incident="i-1", at=NOW,
        expires_at=expires_at,
    )  # fmt: skip


def program(code: str, timeout_s: float = 60.0) -> ProgramActuator:
    does = {"close_gas_valve": (sys.executable, "-c", code)}
    return ProgramActuator(id="valve-1", does=does, timeout_s=timeout_s)


def test_a_program_that_ends_well_has_done_it(tmp_path):
    mark = tmp_path / "closed"

    receipt = answer(told("close_gas_valve"), program(f"open({str(mark)!r}, 'w').close()"))

    assert receipt == Receipt(at=NOW, command="c-close_gas_valve-valve-1", ok=True)
    assert mark.exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('relay 1 does not answer')", "ended with 1: relay 1 does not"),
        ("import time; time.sleep(60)", "did not end within 0.3 s"),
    ],
)
def test_a_program_that_fails_says_why(code, said):
    receipt = answer(
        told("close_gas_valve"), program(code, timeout_s=0.3 if "sleep" in code else 60)
    )

    assert receipt is not None
    assert not receipt.ok
    assert said in receipt.detail


def test_a_program_that_is_not_there_is_no_crash():
    actuator = ProgramActuator(id="valve-1", does={"close_gas_valve": ("/no/such/program",)})

    receipt = answer(told("close_gas_valve"), actuator)

    assert receipt is not None
    assert not receipt.ok
    assert "/no/such/program" in receipt.detail


def test_what_is_void_unknown_or_not_there_is_refused_with_a_reason():
    valve = SimulatedActuator(id="valve-1", does=("close_gas_valve",))

    for command, said in [
        (told("close_gas_valve", expires_at=NOW - 5), "expired 5 ms ago"),
        (told("open_door"), "this device can: close_gas_valve"),
        (told("close_gas_valve", target="valve-2"), "there are: valve-1"),
    ]:
        receipt = answer(command, valve)
        assert receipt is not None
        assert not receipt.ok
        assert said in receipt.detail


def test_a_command_that_comes_twice_is_done_once():
    valve = SimulatedActuator(id="valve-1", does=("close_gas_valve",))
    commands = Commands({}, lambda: NOW, actuators([valve]))

    first = asyncio.run(commands.take(told("close_gas_valve")))
    second = asyncio.run(commands.take(told("close_gas_valve")))

    assert first is not None
    assert first.ok
    assert second is None


@pytest.mark.parametrize("target", ["", "valve-1"])
def test_what_breaks_while_it_is_done_is_answered_with_the_reason(target):
    def breaks() -> None:
        raise ConnectionResetError("the relay went away")

    async def breaks_too(_do: str) -> str:
        breaks()
        return ""

    commands = Commands({"close_gas_valve": breaks}, lambda: NOW, {"valve-1": breaks_too})

    receipt = asyncio.run(commands.take(told("close_gas_valve", target=target)))

    assert receipt is not None
    assert not receipt.ok
    assert receipt.detail == "failed: ConnectionResetError: the relay went away"
