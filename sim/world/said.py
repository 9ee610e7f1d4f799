"""What a simulated device says, before any agent, link or clock has touched it."""

import random

from msgspec import Struct

from weinao.messages import AnyObservation, Gate, Highrise, Home, Match, Motion, Sensor

ALARMS = (Sensor.SMOKE, Sensor.GAS, Sensor.CO, Sensor.LEAK, Sensor.SOS)
"""Home sensors whose word overtakes what waits."""

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Said(Struct, frozen=True):
    """One observation of one device, at its true time, milliseconds UTC."""

    at: int
    device: str
    observation: AnyObservation

    @property
    def alarm(self) -> bool:
        """Say whether it goes by the alarm lane of an outbox."""
        said = self.observation
        if isinstance(said, Home):
            return said.sensor in ALARMS
        if isinstance(said, Gate):
            return said.match is Match.WATCHLIST
        return isinstance(said, Motion | Highrise)


def dice(*parts: object) -> random.Random:
    """Return the dice of one thing in one world, so that no other thing's throws shift them."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311  # a rehearsal, no secret
