"""How people walk among each other, queue and stand in groups; how vehicles drive and stop.

People follow the social force model: everyone accelerates towards where they want to go, and away
from whom and what is near.

References:
    Helbing & Molnar 1995, Social force model for pedestrian dynamics, Phys. Rev. E 51, 4282;
    relaxation time and ranges after Johansson, Helbing & Shukla 2007.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.scenes.camera import Array

STEP_S = 0.1
_RELAX_S = 0.5
_PUSH_MS2, _REACH_M, _ROOM_M = 2.2, 0.25, 0.5
_ARRIVED_M = 0.4
_QUEUE_M = 0.8
"""Between two people in a queue."""
_BRAKE_MS2 = 1.8
STANDS_MS = 0.05
"""A vehicle below this stands."""


@dataclass(frozen=True)
class Step:
    """A place somebody goes to.

    Attributes:
        at: (2,) x and z in metres; of a queue, where its head stands.
        stays_s: How long to stand there; for the head of a queue, how long it is served.
        faces: Heading while standing; None keeps that of the walk.
        queue: Direction (2,) in which a queue stretches from here; None for none.
    """

    at: Array
    stays_s: float = 0.0
    faces: float | None = None
    queue: Array | None = None


@dataclass(frozen=True)
class Errand:
    """What somebody came for."""

    begins_s: float
    start: Array
    steps: tuple[Step, ...]
    pace_ms: float
    stride_m: float


@dataclass(frozen=True)
class Walk:
    """Where somebody was, every `STEP_S`.

    Attributes:
        begins_s: The first instant.
        points: (N, 2) x and z in metres.
        headings: (N,) radians.
        phases: (N,) of the gait, radians.
        speeds: (N,) m/s.
        queues: (N,) 1 while waiting in a queue.
    """

    begins_s: float
    points: Array
    headings: Array
    phases: Array
    speeds: Array
    queues: Array

    @property
    def ends_s(self) -> float:
        return self.begins_s + (len(self.points) - 1) * STEP_S


@dataclass
class _Walker:
    errand: Errand
    place: Array
    moves: Array = field(default_factory=lambda: np.zeros(2))
    heading: float = 0.0
    phase: float = 0.0
    step: int = 0
    stood_s: float = 0.0
    began_s: float = 0.0
    rows: list[tuple[float, float, float, float, float, float]] = field(default_factory=list)

    @property
    def goal(self) -> Step:
        return self.errand.steps[self.step]


Obstacles = Callable[[float], Array]
"""At an instant, (N, 3) x, z and radius of what stands in the way."""


def walked(errands: Sequence[Errand], lasts_s: float, obstacles: Obstacles) -> list[Walk]:
    """Return how people went about their errands together, in their order."""
    walkers = [_Walker(errand, errand.start.copy()) for errand in errands]
    queue: list[_Walker] = []
    first = min([0.0, *(errand.begins_s for errand in errands)])
    for tick in range(int(np.floor(first / STEP_S)), int(lasts_s / STEP_S) + 2):
        t_s = tick * STEP_S
        present = [
            one
            for one in walkers
            if one.errand.begins_s <= t_s and one.step < len(one.errand.steps)
        ]
        for one in present:
            one.began_s = t_s if not one.rows else one.began_s
        if present:
            _advance(present, queue, obstacles(t_s))
    return [_kept(one) for one in walkers]


def _advance(present: list[_Walker], queue: list[_Walker], obstacles: Array) -> None:
    places = np.array([one.place for one in present])
    pushes = _pushed(places, obstacles)
    for one, push in zip(present, pushes, strict=True):
        goal = one.goal
        target = goal.at
        if goal.queue is not None:
            if one not in queue:
                queue.append(one)
            target = goal.at + goal.queue * _QUEUE_M * queue.index(one)
        way = target - one.place
        away = float(np.hypot(*way))
        near = away < _ARRIVED_M
        wanted = (
            np.zeros(2) if near else way / away * one.errand.pace_ms * min(1.0, away / 0.8 + 0.2)
        )
        # Whoever stands is pushed less than whoever walks.
        one.moves = (
            one.moves + ((wanted - one.moves) / _RELAX_S + push * (0.25 if near else 1)) * STEP_S
        )
        speed = float(np.hypot(*one.moves))
        if speed > 1.3 * one.errand.pace_ms:
            one.moves *= 1.3 * one.errand.pace_ms / speed
        if near and speed < 0.12:
            one.moves = np.zeros(2)
        one.place = one.place + one.moves * STEP_S
        speed = float(np.hypot(*one.moves))
        _face(one, near, speed)
        one.phase += 2 * np.pi * speed * STEP_S / (one.errand.stride_m * _share(speed, one))
        waits = goal.queue is not None
        row = (*one.place, one.heading, one.phase, speed, float(waits))
        one.rows.append(tuple(map(float, row)))  # type: ignore[arg-type]
        if near and (not waits or queue[0] is one):
            one.stood_s += STEP_S
            if one.stood_s >= goal.stays_s:
                one.step, one.stood_s = one.step + 1, 0.0
                if waits:
                    queue.remove(one)


def _share(speed: float, one: _Walker) -> float:
    """Return how long a stride is against one at a comfortable pace: slower walkers take less."""
    return max(0.35, min(1.2, speed / one.errand.pace_ms))


def _face(one: _Walker, near: bool, speed: float) -> None:
    faces = one.goal.faces if near else None
    if faces is None and speed > 0.15:
        faces = float(np.arctan2(one.moves[0], one.moves[1]))
    if faces is not None:
        turn = (faces - one.heading + np.pi) % (2 * np.pi) - np.pi
        one.heading += turn if len(one.rows) == 0 else float(np.clip(turn, -0.35, 0.35))


def _pushed(places: Array, obstacles: Array) -> Array:
    """Return (N, 2) m/s² away from other people and from obstacles."""
    apart = places[:, None] - places[None]
    far = np.hypot(apart[..., 0], apart[..., 1])
    strong = _PUSH_MS2 * np.exp((_ROOM_M - far) / _REACH_M)
    np.fill_diagonal(strong, 0)
    push = (apart / np.maximum(far, 0.05)[..., None] * np.minimum(strong, 12)[..., None]).sum(1)
    if len(obstacles):
        apart = places[:, None] - obstacles[None, :, :2]
        far = np.hypot(apart[..., 0], apart[..., 1])
        strong = _PUSH_MS2 * np.exp((obstacles[None, :, 2] + 0.3 - far) / _REACH_M)
        away = apart / np.maximum(far, 0.05)[..., None]
        push += (away * np.minimum(strong, 14)[..., None]).sum(1)
    return np.asarray(push)


def _kept(one: _Walker) -> Walk:
    rows = np.array(one.rows or [(*one.place, 0.0, 0.0, 0.0, 0.0)])
    began_s = one.began_s if one.rows else one.errand.begins_s
    return Walk(began_s, rows[:, :2], rows[:, 2], rows[:, 3], rows[:, 4], rows[:, 5])


@dataclass(frozen=True)
class Drive:
    """Where a vehicle was, every `STEP_S`; the fields are those of `Walk`."""

    begins_s: float
    points: Array
    headings: Array
    speeds: Array

    @property
    def ends_s(self) -> float:
        return self.begins_s + (len(self.points) - 1) * STEP_S


def driven(
    begins_s: float,
    start: Array,
    end: Array,
    speed_ms: float,
    stops: Sequence[tuple[float, float]] = (),
    *,
    under_way: bool = True,
    until_s: float = 1e9,
) -> Drive:
    """Return a drive along a straight way.

    Args:
        begins_s: When it is at the start.
        start: (2,) metres.
        end: (2,) metres.
        speed_ms: Where nothing stops it.
        stops: Metres from the start and seconds of standing, in their order.
        under_way: Whether it is already moving at the start.
        until_s: When the drive is of no more interest.
    """
    length = float(np.hypot(*(end - start)))
    ahead = (end - start) / max(length, 1e-6)
    heading = float(np.arctan2(ahead[0], ahead[1]))
    gone, speed, waited = 0.0, speed_ms if under_way else 0.0, 0.0
    left = list(stops)
    rows: list[tuple[float, float]] = []
    while gone < length and begins_s + len(rows) * STEP_S < until_s:
        rows.append((gone, speed))
        room = left[0][0] - gone if left else np.inf
        if room < 0.05:
            speed, waited = 0.0, waited + STEP_S
            if waited >= left[0][1]:
                left, waited = left[1:], 0.0
            continue
        most = min(speed_ms, float(np.sqrt(2 * _BRAKE_MS2 * room)) if left else speed_ms)
        speed = min(speed + 1.2 * STEP_S, most)
        gone += min(max(speed, 0.06) * STEP_S, room)
    columns = np.array(rows or [(0.0, 0.0)])
    return Drive(
        begins_s,
        start + ahead * columns[:, :1],
        np.full(len(columns), heading),
        columns[:, 1],
    )


def at_time(track: Walk | Drive, column: Array, t_s: float) -> Array:
    """Return a column of a track at an instant; before and after, its ends."""
    step = (t_s - track.begins_s) / STEP_S
    low = int(np.clip(np.floor(step), 0, len(column) - 1))
    high = min(low + 1, len(column) - 1)
    share = float(np.clip(step - low, 0, 1))
    return np.asarray(column[low] * (1 - share) + column[high] * share)
