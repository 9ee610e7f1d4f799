"""What decides, before anything has come: rules, policy, limits, and for which grids. Pure."""

from typing import Any

from msgspec import Struct

from pipeline.brain.grid import GridBrain, Snapshot
from pipeline.brain.identify.base import Rule
from pipeline.brain.identify.silence import Silence
from pipeline.brain.respond.policy import Policy
from weinao.codec import DEFAULT, Limits

NOWHERE = "_"
"""The key of what cannot be brought to any grid of this flow."""


class Mind(Struct, frozen=True, kw_only=True):
    """All that decides, as values: what makes a brain, and what a message may be.

    Args:
        grids: The grids of this flow, also those that have left it or have yet to come; what
            names another is set aside.
        guests: Those of them that do not begin here, but come from another flow.
        nowhere: The key of what is set aside; each flow of a store has its own.
        rules: In the order in which their hazards appear.
    """

    grids: frozenset[str]
    guests: frozenset[str] = frozenset()
    nowhere: str = NOWHERE
    rules: tuple[Rule[Any], ...]
    silence: Silence = Silence()
    policy: Policy = Policy()
    limits: Limits = DEFAULT

    def brain(self, grid: str, resume: Snapshot | None) -> GridBrain:
        """Make the brain of one grid."""
        return GridBrain(grid, self.rules, silence=self.silence, policy=self.policy, resume=resume)

    def begins_here(self, grid: str) -> bool:
        """Return whether a grid lives here before the journal says that it comes."""
        return grid == self.nowhere or grid in self.grids - self.guests
