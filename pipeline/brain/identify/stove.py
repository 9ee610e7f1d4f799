"""Stove: it is on, and nobody has been in the kitchen for too long.

    off -> draws power, or gas flows -> on, and nobody moves in the kitchen -> RAISED
        +-- off for `off_s_min`, or somebody comes .................. -> CLEARED

A hob draws in pulses, so that it is off only once it stays off. A kitchen in which no sensor sees
movement is not judged: nobody could be seen to be there.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Litres, Seconds, Watts, Words
from pipeline.brain.identify.outside import is_movement
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Home, Sensor, Utility
from weinao.outcomes import Hazard, HazardKind, Phase, Severity

_HOUR_MS = 3_600_000
_LITRES = {"m3": 1_000.0, "m³": 1_000.0, "l": 1.0}


class StoveState(Struct, frozen=True, kw_only=True):
    """What is remembered of one home.

    Attributes:
        newest: Time and id of the newest observation taken in.
        gas: Time and reading of the gas meter, litres.
        on: The sources that are on, each with since when and by which word.
        low: Those of them that fell below, each with since when.
        moved_at: When somebody last moved in the kitchen.
    """

    household: str
    newest: tuple[int, str] = (-1, "")
    gas: dict[str, tuple[int, float]] = {}
    on: dict[str, tuple[int, str]] = {}
    low: dict[str, int] = {}
    moved_at: int | None = None
    raised: Hazard | None = None


class Stove(Struct, frozen=True, kw_only=True):
    """Raise when a stove is on and nobody moves in the kitchen; clear when either ends.

    Args:
        rooms: A plug or circuit in one of these is the stove's; lower case. Ours.
        kitchens: A motion sensor in one of these sees the cook; lower case. Ours.
        power_w_min: A stove draws at least so much; a fridge or a lamp does not.
        gas_l_per_h_min: The smallest ring burns about so much,
        gas_l_per_h_max: and a whole hob no more: beyond is a boiler's.
        off_s_min: A hob that regulates itself pauses for less.
        away_s_max: How long the cook may be out of the kitchen.

    References:
        Research notes on elders living alone: "stove power or gas on with kitchen empty > 20 min".
        Powers and flows are ours: an electric ring takes 1,000 W and more, a refrigerator up to
        200 W; a ring of 1 kW burns 0.1 m³ of natural gas (10 kWh/m³) in an hour.
    """

    name: str = "stove"
    ordered: bool = True
    communal: bool = False
    rooms: Words = ("stove", "hob", "cooker", "kitchen", "厨房")
    kitchens: Words = ("kitchen", "厨房")
    power_w_min: Watts = 300.0
    gas_l_per_h_min: Litres = 50.0
    gas_l_per_h_max: Litres = 1_200.0
    off_s_min: Seconds = 180
    away_s_max: Seconds = 1_200

    def subject_of(self, seen: Seen) -> str | None:
        counts = self._is_power(seen) or _gas_l(seen) is not None or self._in_kitchen(seen)
        return seen.household or None if counts else None

    def initial(self, subject: str, household: str) -> StoveState:
        return StoveState(household=household or subject)

    def observe(self, state: StoveState, seen: Seen) -> tuple[StoveState, Sequence[Hazard]]:
        if self.subject_of(seen) is None or (seen.at, seen.id) <= state.newest:
            return state, ()
        state = replace(state, newest=(seen.at, seen.id))
        said, litres = seen.observation, _gas_l(seen)
        if self._in_kitchen(seen):
            return self._over(replace(state, moved_at=seen.at), seen.at, seen.id, "stove.attended")
        if litres is not None:
            return self._gas(state, seen, litres), ()
        assert isinstance(said, Home)
        return self._burns(state, seen, burns=said.value >= self.power_w_min), ()

    def pass_time(self, state: StoveState, at: int) -> tuple[StoveState, Sequence[Hazard]]:
        if not state.on:
            return state, ()
        off = {name: since for name, since in state.low.items() if self._is_off(since, at)}
        if off:
            on = {name: since for name, since in state.on.items() if name not in off}
            low = {name: since for name, since in state.low.items() if name not in off}
            state = replace(state, on=on, low=low)
            if not on:
                return self._over(state, max(off.values()), "", "stove.off")
        if state.raised is not None or state.moved_at is None:
            return state, ()
        name, (on_at, by) = min(state.on.items(), key=lambda one: (one[1][0], one[0]))
        due = max(on_at, state.moved_at) + self.away_s_max * 1_000
        if at < due:
            return state, ()
        hazard = Hazard(
            id=derived("h", HazardKind.STOVE_ON, state.household, name, due),
            kind=HazardKind.STOVE_ON,
            phase=Phase.RAISED,
            subject=state.household,
            household=state.household,
            at=due,
            severity=Severity.MAJOR,
            evidence=(by,),
            reason="stove.unattended",
            facts={"on_at": on_at, "away_min": self.away_s_max // 60, "device": name},
        )
        return replace(state, raised=hazard), (hazard,)

    def lose_sight(self, state: StoveState, at: int) -> StoveState:
        """The cook may have been there until now; gas that flowed meanwhile is no rate."""
        if state.moved_at is None:
            return replace(state, gas={})
        return replace(state, gas={}, moved_at=max(state.moved_at, at))

    def _is_power(self, seen: Seen) -> bool:
        said = seen.observation
        power = isinstance(said, Home) and said.sensor is Sensor.POWER
        return power and seen.room.lower() in self.rooms

    def _in_kitchen(self, seen: Seen) -> bool:
        return is_movement(seen) and seen.room.lower() in self.kitchens

    def _is_off(self, low_at: int, at: int) -> bool:
        return at >= low_at + self.off_s_min * 1_000

    def _gas(self, state: StoveState, seen: Seen, litres: float) -> StoveState:
        before = state.gas.get(seen.device)
        state = replace(state, gas={**state.gas, seen.device: (seen.at, litres)})
        if before is None or seen.at <= before[0]:
            return state
        flow = (litres - before[1]) * _HOUR_MS / (seen.at - before[0])
        burns = self.gas_l_per_h_min <= flow <= self.gas_l_per_h_max
        return self._burns(state, seen, burns=burns)

    def _burns(self, state: StoveState, seen: Seen, *, burns: bool) -> StoveState:
        name = seen.device
        if burns:
            low = {one: since for one, since in state.low.items() if one != name}
            return replace(state, on={name: (seen.at, seen.id), **state.on}, low=low)
        if name in state.on and name not in state.low:
            return replace(state, low={**state.low, name: seen.at})
        return state

    def _over(
        self, state: StoveState, at: int, by: str, reason: str
    ) -> tuple[StoveState, Sequence[Hazard]]:
        if state.raised is None:
            return state, ()
        over = replace(
            state.raised,
            phase=Phase.CLEARED,
            at=max(at, state.raised.at),
            evidence=(by,) if by else (),
            reason=reason,
        )
        return replace(state, raised=None), (over,)


def _gas_l(seen: Seen) -> float | None:
    """Return the reading of a home's gas meter, in litres; None for anything else."""
    said = seen.observation
    if not isinstance(said, Utility) or not said.meter.lower().startswith("gas"):
        return None
    factor = _LITRES.get(said.unit.lower())
    return None if factor is None or not seen.household else said.value * factor
