"""Who somebody is, by the votes of several frames: one frame alone decides nothing.

a vote: the nearest person of the gallery, and how near
VOTES_MIN agree, and are most of all votes           -> that person, at once
UNKNOWN_MIN good ones, VOTES_MAX, or the track is over -> unknown

Later votes may say better; what was said is then corrected. Of more than VOTES_MAX the best count.
"""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

VOTES_MIN = 3
"""Frames that must agree: research and this project's issue ask for three."""
UNKNOWN_MIN, GOOD = 5, 0.4
"""Good frames after which somebody counts as unknown for now, and what good is: the quality from
which the rules of the brain believe in a stranger. Ours."""
VOTES_MAX = 9
"""After so many, nobody who is known would still be missed: one true frame in sixteen fails."""
BETTER = 0.1
"""A frame that is so much better takes the place of the worst of `VOTES_MAX`. Ours."""
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


def cast(votes: Sequence[Vote], vote: Vote) -> Sequence[Vote]:
    """Return the votes with another; the worst gives way where there are enough."""
    return sorted((*votes, vote), key=lambda one: -one.quality)[:VOTES_MAX]


def welcome(votes: Sequence[Vote], quality: float) -> bool:
    """Return whether a frame of a quality would still say something new."""
    return len(votes) < VOTES_MAX or quality >= min(one.quality for one in votes) + BETTER


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
    # Where somebody is near in one of them, the next may decide.
    early = not naming and sum(vote.quality >= GOOD for vote in votes) >= UNKNOWN_MIN
    if early or len(votes) >= VOTES_MAX or (over and len(votes) >= VOTES_MIN):
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
