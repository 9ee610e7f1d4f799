"""Who somebody is, by the votes of several frames: one frame alone decides nothing.

a vote: the nearest person of the gallery, and how near
VOTES_MIN agree, and are most of all votes  -> that person
VOTES_MAX, or the track is over             -> unknown
"""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

VOTES_MIN = 3
"""Frames that must agree: research and this project's issue ask for three."""
VOTES_MAX = 9
"""After so many, nobody who is known would still be missed: one true frame in sixteen fails."""
AGREE_MIN = 0.6
"""Share of the votes that must name the same person. Ours."""


class Vote(Struct, frozen=True):
    """What one frame says.

    Attributes:
        person: The nearest of the gallery; empty where there is none.
        score: Cosine to that person.
        quality: From 0 to 1.
        live: From 0 to 1; None where it was not looked at.
    """

    person: str
    score: float
    quality: float
    live: float | None = None


class Verdict(Struct, frozen=True):
    """Who somebody is; `person` is empty for nobody of the gallery."""

    person: str
    score: float
    quality: float
    live: float | None


def decide(votes: Sequence[Vote], match_at: float, *, over: bool) -> Verdict | None:
    """Return the verdict, or None while it is too early.

    Args:
        votes: In any order; it makes no difference.
        match_at: Cosine from which a vote counts for the person it names.
        over: No more votes will come.
    """
    naming: dict[str, list[Vote]] = {}
    for vote in votes:
        if vote.person and vote.score >= match_at:
            naming.setdefault(vote.person, []).append(vote)
    if naming:
        person, agreed = max(naming.items(), key=lambda item: (len(item[1]), item[0]))
        if len(agreed) >= VOTES_MIN and len(agreed) >= AGREE_MIN * len(votes):
            return _verdict(person, agreed)
    if len(votes) >= VOTES_MAX or (over and len(votes) >= VOTES_MIN):
        return _verdict("", votes)
    return None


def _verdict(person: str, votes: Sequence[Vote]) -> Verdict:
    live = [vote.live for vote in votes if vote.live is not None]
    return Verdict(
        person=person,
        score=median(vote.score for vote in votes),
        quality=median(vote.quality for vote in votes),
        live=median(live) if live else None,
    )
