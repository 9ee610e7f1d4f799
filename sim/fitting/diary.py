"""What one person did, recorded or simulated, in the same few words; all else is counted from it.

Instants are milliseconds by the local clock. Rooms are those of the simulated homes: a recorded
sensor that is in none of them is left out.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from sim.importers.homes import HomeLog, leads_out
from sim.world.routine import OUT, Stay
from sim.world.said import DAY_MS, HOUR_MS, MINUTE_MS

PIR_REST_MS = 3 * MINUTE_MS
"""Recorded sensors that speak more often are heard as those of simulated homes are."""

WATCHED_PER_DAY = 60
"""A home in which fewer movements are told in a day has sensors only where somebody opens things,
so that its quiet is not that of its people."""

MEALS = ("breakfast", "lunch", "dinner")

Span = tuple[int, int]


class Diary(Struct, frozen=True, kw_only=True):
    """What one person did.

    Attributes:
        begun: Midnight of the first whole day,
        ended: and midnight after the last.
        nights: In bed, from going there in the evening to getting up.
        outings: Out of the home.
        meals: In the kitchen for a meal, by its name.
        visits: In the bathroom.
        moves: When and where a movement sensor spoke.
    """

    who: str
    begun: int
    ended: int
    nights: tuple[Span, ...]
    outings: tuple[Span, ...]
    meals: dict[str, tuple[Span, ...]]
    visits: tuple[Span, ...]
    moves: tuple[tuple[int, str], ...]

    @property
    def days(self) -> int:
        """Whole days."""
        return (self.ended - self.begun) // DAY_MS

    @property
    def watched(self) -> bool:
        """Say whether its movements tell how still somebody is."""
        return len(self.moves) >= WATCHED_PER_DAY * max(1, self.days)

    def between(self, begun: int, ended: int) -> "Diary":
        """Return a part of it."""

        def inside(spans: Sequence[Span]) -> tuple[Span, ...]:
            return tuple(one for one in spans if begun <= one[0] < ended)

        return Diary(
            who=self.who,
            begun=begun,
            ended=ended,
            nights=inside(self.nights),
            outings=inside(self.outings),
            meals={name: inside(spans) for name, spans in self.meals.items()},
            visits=inside(self.visits),
            moves=tuple(one for one in self.moves if begun <= one[0] < ended),
        )


def recorded(log: HomeLog) -> Diary:
    """Return the diary of a recorded home, by its labels and its sensors."""
    first, last = log.events[0].at, log.events[-1].at
    begun, ended = -(-first // DAY_MS) * DAY_MS, last // DAY_MS * DAY_MS
    return Diary(
        who=log.home,
        begun=begun,
        ended=ended,
        nights=tuple(_nights(_labelled(log, _SLEEPS), first)),
        outings=log.absences,
        meals={
            name: _merged(_labelled(log, re.compile(name, re.IGNORECASE)), _MEAL_GAP_MIN)
            for name in MEALS
        },
        visits=_merged(_labelled(log, _WASHES), _VISIT_GAP_MIN),
        moves=_moves(log),
    ).between(begun, ended)


def simulated(who: str, stays: Iterable[Stay], moves: Iterable[tuple[int, str]]) -> Diary:
    """Return the diary of somebody simulated, whole days by the local clock."""
    stays = list(stays)
    begun, ended = stays[0].at, stays[-1].until
    return Diary(
        who=who,
        begun=begun,
        ended=ended,
        nights=tuple(_nights([(one.at, one.until) for one in stays if one.asleep], begun)),
        outings=_merged([(one.at, one.until) for one in stays if one.room == OUT], 0),
        meals={
            name: tuple((one.at, one.until) for one in stays if one.meal == name) for name in MEALS
        },
        visits=_merged([(one.at, one.until) for one in stays if one.room == "bathroom"], 0),
        moves=tuple(moves),
    )


def overlap(span: Span, others: Iterable[Span]) -> int:
    """Return for how long a span is within others, which do not overlap."""
    return sum(max(0, min(span[1], end) - max(span[0], start)) for start, end in others)


_SLEEPS = re.compile(r"^(sleep(ing)?|go to bed)$", re.IGNORECASE)
_WASHES = re.compile(r"toilet|bathe|shower|hygiene|groom", re.IGNORECASE)
_ROOMS = {
    "bedroom": "bedroom", "bathroom": "bathroom", "toilet": "bathroom", "kitchen": "kitchen",
    "living": "living", "livingroom": "living", "loungechair": "living", "workarea": "living",
    "entrance": "hall", "outsidedoor": "hall",
}  # fmt: skip
_MEAL_GAP_MIN, _VISIT_GAP_MIN = 15, 5
_NIGHT_GAP_MIN = 90
_NIGHT_MIN = 180
_NAP_BEGINS_H = (11, 19)


def _labelled(log: HomeLog, label: re.Pattern[str]) -> list[Span]:
    return [(begun, ended) for begun, ended, name in log.activities if label.search(name)]


def _merged(spans: Iterable[Span], gap_min: float) -> tuple[Span, ...]:
    """Return spans with those joined that follow each other within some minutes."""
    found: list[Span] = []
    for begun, ended in sorted(spans):
        if found and begun <= found[-1][1] + gap_min * MINUTE_MS:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((begun, ended))
    return tuple(found)


def _nights(sleeps: Iterable[Span], first: int) -> Iterable[Span]:
    """Yield the long sleeps that begin neither by day nor before anything was recorded."""
    for begun, ended in _merged(sleeps, _NIGHT_GAP_MIN):
        hour = begun / HOUR_MS % 24
        by_day = _NAP_BEGINS_H[0] <= hour < _NAP_BEGINS_H[1]
        if ended - begun >= _NIGHT_MIN * MINUTE_MS and not by_day and begun > first:
            yield begun, ended


def _moves(log: HomeLog) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    spoke: dict[str, int] = {}
    for event in log.events:
        room = "hall" if leads_out(event) else _ROOMS.get(event.room.lower(), "")
        if room and event.on and event.at >= spoke.get(room, event.at - PIR_REST_MS) + PIR_REST_MS:
            spoke[room] = event.at
            found.append((event.at, room))
    return tuple(found)


def stays_in(moves: Sequence[tuple[int, str]]) -> list[tuple[int, int, str]]:
    """Return who moved where from when to when: (first, last movement before the next room's)."""
    found: list[tuple[int, int, str]] = []
    for before, move in pairwise([(0, ""), *moves]):
        if found and before[1] == move[1]:
            found[-1] = (found[-1][0], move[0], move[1])
        else:
            found.append((move[0], move[0], move[1]))
    return found
