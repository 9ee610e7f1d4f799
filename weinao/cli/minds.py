"""What decides, assembled: the rules in their order, with their thresholds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.flow.steps import Mind


def mind_of(grids: Sequence[str]) -> "Mind":
    """Return what decides for these grids, with the thresholds we ship."""
    from pipeline.brain.rules import RULES
    from pipeline.flow.steps import Mind

    return Mind(grids=frozenset(grids), rules=RULES)
