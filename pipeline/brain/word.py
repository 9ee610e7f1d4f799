"""How far an agent's word is behind, told without holding its clock against the community's.

Either clock may be wrong by hours: a Pi has none of its own, a server's may be set back. So only
spans are compared. An agent whose last words came as far apart as it made them is in step: what it
says now is of now, and it is behind by what it says itself. One that drains an outage sends its
words all at once, or the first of them long after the last: of that, its clock has to tell.
"""

from msgspec import Struct

IN_STEP = 3
"""So many words in a row have to come as they were made; ours: an outage begins with fewer whose
agent does not know of it yet."""

SILENT_MS_MAX = 900_000
"""Who has said nothing for longer is out of step. Ours: half of what makes news old."""

_JITTER_MS = 5_000


class Word(Struct, frozen=True):
    """An agent's last word about time.

    Attributes:
        heard_at: When it came, by the community's clock,
        at: and when it was given, by the agent's.
        short_ms: How long before it was given what it vouches for ends.
        beats: How many in a row have come as they were made.
    """

    heard_at: int
    at: int
    short_ms: int
    beats: int = 0


def following(before: Word | None, at: int, complete_to: int, now: int) -> Word:
    """Return the word after a heartbeat."""
    short_ms = max(0, at - complete_to)
    if before is None:
        return Word(now, at, short_ms)
    came_ms, made_ms = now - before.heard_at, at - before.at
    in_step = made_ms > 0 and made_ms // 2 <= came_ms <= 2 * made_ms + _JITTER_MS
    return Word(now, at, short_ms, min(before.beats + 1, IN_STEP) if in_step else 0)


def behind_ms(word: Word | None, now: int) -> int | None:
    """Return how long ago, at most, what an agent says happened; None where its clock must tell."""
    if word is None or word.beats < IN_STEP or now - word.heard_at > SILENT_MS_MAX:
        return None
    return word.short_ms + now - word.heard_at
