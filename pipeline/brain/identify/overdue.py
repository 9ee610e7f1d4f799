"""Overdue tests: a detector that nobody has tried for long may be a box on the ceiling.

One memory for a grid: that a device need not be tested any more has to reach what stands.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Days
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Registered
from weinao.outcomes import Phase, Risk, RiskKind
from weinao.registry import Device, Role

_DAY_MS = 86_400_000


class Tested(Struct, frozen=True):
    """One device that has to be tested.

    Attributes:
        since: When it was last tested, or else first known.
        due_at: When the next test is overdue.
        by: The entry in the registry that says so.
    """

    device: Device
    since: int
    due_at: int
    raised: Risk | None = None
    by: str = ""


class OverdueTestState(Struct, frozen=True):
    """The devices of a grid that have to be tested, and when the first of them is overdue."""

    devices: dict[str, Tested] = {}
    next_at: int | None = None


class OverdueTest(Struct, frozen=True, kw_only=True):
    """Raise when a device's last test is older than its record allows; clear with the next test.

    Args:
        grace_days: Nobody has to be there on the day. Ours.

    References:
        Device.test_every_days: the interval is its maker's, and is entered with the device.
    """

    name: str = "test_overdue"
    ordered: bool = False
    communal: bool = True
    grace_days: Days = 1

    def subject_of(self, seen: Seen) -> str | None:
        said = seen.observation
        if isinstance(said, Registered) and isinstance(said.record, Device):
            return self.name
        return None

    def initial(self, subject: str, household: str) -> OverdueTestState:  # noqa: ARG002  # nothing known
        return OverdueTestState()

    def observe(
        self, state: OverdueTestState, seen: Seen
    ) -> tuple[OverdueTestState, Sequence[Risk]]:
        said = seen.observation
        if not isinstance(said, Registered) or not isinstance(said.record, Device):
            return state, ()
        device, known = said.record, state.devices.get(said.record.id)
        if device.test_every_days is None and known is None:
            return state, ()
        devices = dict(state.devices)
        devices.pop(device.id, None)
        if device.test_every_days is not None:
            first_at = known.since if known is not None else max(device.valid_from, seen.at)
            since = first_at if device.tested_at is None else device.tested_at
            days = device.test_every_days + self.grace_days
            devices[device.id] = Tested(device, since, since + days * _DAY_MS, by=seen.id)
        if known is None or known.raised is None:
            return _awaiting(devices), ()
        now = devices.get(device.id)
        if now is not None and now.due_at <= seen.at:
            devices[device.id] = replace(now, raised=known.raised)
            return _awaiting(devices), ()
        over = replace(
            known.raised,
            phase=Phase.CLEARED,
            at=max(seen.at, known.raised.at),
            evidence=(seen.id,),
            reason="test_overdue.tested",
        )
        return _awaiting(devices), (over,)

    def pass_time(
        self, state: OverdueTestState, at: int
    ) -> tuple[OverdueTestState, Sequence[Risk]]:
        if state.next_at is None or at < state.next_at:
            return state, ()
        devices, risks = dict(state.devices), []
        for key, tested in state.devices.items():
            if tested.raised is None and tested.due_at <= at:
                if _gone(tested):
                    del devices[key]
                    continue
                risk = _risk(tested)
                devices[key] = replace(tested, raised=risk)
                risks.append(risk)
        return _awaiting(devices), risks

    def lose_sight(self, state: OverdueTestState, at: int) -> OverdueTestState:  # noqa: ARG002  # the registry is not watched
        return state


def _awaiting(devices: dict[str, Tested]) -> OverdueTestState:
    waiting = [tested.due_at for tested in devices.values() if tested.raised is None]
    return OverdueTestState(devices, min(waiting, default=None))


def _gone(tested: Tested) -> bool:
    """Say whether a device has left before its test was due."""
    until = tested.device.valid_to
    return until is not None and until <= tested.due_at


def _risk(tested: Tested) -> Risk:
    device = tested.device
    return Risk(
        id=derived("r", RiskKind.TEST_OVERDUE, device.id, tested.since),
        kind=RiskKind.TEST_OVERDUE,
        phase=Phase.RAISED,
        subject=device.id,
        household=device.household,
        at=tested.due_at,
        evidence=(tested.by,),
        reason="test_overdue.not_tested",
        facts={
            "room": device.room or device.place,
            "since": tested.since,
            "every_days": device.test_every_days or 0,
        },
        propose="test_overdue.test",
        role=Role.PROPERTY.value,
    )
