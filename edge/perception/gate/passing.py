"""What a gate has said of somebody, and what remains to be said.

    votes agree -> first ... better votes -> changed ... track ends -> last
    track ends before anything was said -> whole

Who is followed anew, because she turned her head, goes on with the passing that was begun.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from edge.perception.gate.evidence import Shot
from edge.perception.gate.tracks import Way
from edge.perception.gate.vote import Verdict, Vote, cast
from models.vision.base import Floats

VOTE_GAP_MS = 75
"""Between two votes of a track: frames closer together are the same picture twice. Ours."""
LATER_MS = 400
"""Likewise, once she was spoken of: what may still be corrected is not urgent. Ours."""
CHANGES_MAX = 2
"""So often a word is taken back before the last one, which says it anyway. Ours."""
AGAIN_MS = 15_000
"""Within it, who is followed anew is the same passing. Ours."""
RECENT_MAX = 32

Part = Literal["whole", "first", "changed", "last"]


@dataclass
class Passing:
    """What is known of a track beyond its boxes.

    Attributes:
        name: Joins what is said of it.
        votes: The best of them.
        total: Sum of all directions: what the face looks like.
        voted_at: When it was last compared, milliseconds UTC.
        said: The verdict that was told last; None while there was no word.
        way: How she moved, as it was told last.
        changes: How often a word was corrected.
        seen_at: Of its last word.
        before: The passing that this one goes on with, if she was lost for a moment.
        shot: The best picture so far; None where none is kept.
    """

    name: str
    votes: Sequence[Vote] = ()
    total: Floats | None = None
    voted_at: int = -(10**12)
    said: Verdict | None = None
    way: Way = "unknown"
    changes: int = 0
    seen_at: int = 0
    before: "Passing | None" = None
    shot: Shot | None = None

    def wants(self, at: int) -> bool:
        """Return whether another vote is due."""
        return at - self.voted_at >= (VOTE_GAP_MS if self.said is None else LATER_MS)

    def vote(self, vote: Vote, direction: Floats, at: int) -> None:
        """Take in a vote, and what the face looked like."""
        self.votes, self.voted_at = cast(self.votes, vote), at
        self.total = direction if self.total is None else self.total + direction

    def part(self, verdict: Verdict, way: Way, *, over: bool) -> Part | None:
        """Return which word is to be said now, and note that it was; None for none."""
        begun = self.before or self
        found: Part | None = None
        if begun.said is None:
            found = "whole" if over else "first"
        elif over:
            found = "last" if begun is self or _turned(begun.way, way) else None
        elif verdict.person != begun.said.person and begun.changes < CHANGES_MAX:
            found = "changed"
            begun.changes += 1
        if found is not None:
            begun.said, begun.way = verdict, way
        self.said = begun.said
        return found


def _turned(said: Way, way: Way) -> bool:
    return way not in ("unknown", said)


@dataclass
class Recent:
    """Who was just spoken of.

    Args:
        match_at: Cosine from which two faces are one person's.
    """

    match_at: float
    _passings: deque[Passing] = field(default_factory=lambda: deque(maxlen=RECENT_MAX))

    def note(self, passing: Passing, at: int) -> None:
        """Remember that a passing was seen."""
        begun = passing.before or passing
        begun.seen_at = at
        if not any(one is begun for one in self._passings):
            self._passings.append(begun)

    def same(self, passing: Passing, way: Way, at: int) -> Passing | None:
        """Return the passing that this one goes on with."""
        if passing.total is None:
            return None
        looks = _unit(passing.total)
        for one in reversed(self._passings):
            alike = one.total is not None and float(looks @ _unit(one.total)) >= self.match_at
            on_her_way = way == "unknown" or one.way in (way, "unknown")
            if one is not passing and alike and on_her_way and at - one.seen_at <= AGAIN_MS:
                return one
        return None


def _unit(total: Floats) -> Floats:
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), np.float32)
