"""What is true of a clip of a yard or a gate: boxes and tracks, counts, flow, and what stands.

A box reaches as far as the thing does inside the picture, whatever hides it; `seen` says which
share of it can be seen. The camera's shaking, of a few pixels, is not in it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.scenes.camera import Array, Camera
from sim.scenes.yards.cast import Cast
from sim.scenes.yards.paint import Lamp
from sim.scenes.yards.pieces import bounds, fill
from sim.scenes.yards.plan import Plan
from sim.scenes.yards.things import Person, Thing, Vehicle

Mask = NDArray[np.bool_]

SEEN_MIN = 0.25
"""Share of a person or vehicle that must be seen for it to count as such."""
STOOD_S_MIN = 2.0
"""Shorter stops are traffic."""
_COARSE = 4
_INSIDE_MIN, _HIGH_PX_MIN = 0.2, 8.0
"""A thing is in the picture from this share of its box and this height in pixels."""


def told(
    plan: Plan,
    cast: Cast,
    *,
    fps: float,
    count: int,
    present: Callable[[float], list[Thing]],
    lamp: Lamp,
) -> dict[str, Any]:
    """Return the truth of a clip.

    Args:
        plan: The place.
        cast: Who and what moves in it.
        fps: Frames a second.
        count: Frames.
        present: What stands before the camera at an instant, the farthest first.
        lamp: How it is lit.
    """
    boxes: dict[int, list[list[float]]] = {}
    shapes = _Shapes(plan.camera, lamp)
    for index in range(count):
        for track, row in _boxes(present(index / fps), index / fps, plan.camera, shapes):
            boxes.setdefault(track, []).append([index, *row])
    return {
        "zones": [_zone(plan, zone.name) for zone in plan.zones],
        "lines": [
            {
                "name": plan.line.name,
                "ends_xy": _px(plan, plan.line.ends),
                "inward_xy": _px(plan, np.array([plan.line.ends.mean(0) + plan.line.inward]))[0],
            }
        ],
        "ground_to_px": [[round(float(x), 8) for x in row] for row in plan.ground_to_px()],
        "things": [_thing(one, boxes[one.track]) for one in cast.all
                   if one.track in boxes],
        **_counts(plan, cast, boxes, fps, count),
        "crossings": crossings(plan, cast, fps, count),
        "standing": _standing(plan, cast, boxes, fps, count),
    }  # fmt: skip


def crossings(plan: Plan, cast: Cast, fps: float, count: int) -> list[dict[str, Any]]:
    """Return who crossed the line of a place, when and which way, in the order of time."""
    line = plan.line
    along = line.ends[1] - line.ends[0]
    found = []
    for one in cast.all:
        before: Array | None = None
        for index in range(count):
            t_s = index / fps
            if not one.begins_s <= t_s <= one.ends_s:
                before = None
                continue
            foot = one.foot(t_s)
            if before is not None:
                was, now = ((place - line.ends[0]) @ line.inward for place in (before, foot))
                share = float((foot - line.ends[0]) @ along / (along @ along))
                if (was < 0) != (now < 0) and 0 <= share <= 1:
                    found.append({
                        "line": line.name, "track": one.track, "kind": one.sort, "frame": index,
                        "at_s": round(t_s, 3), "direction": "in" if now >= 0 else "out",
                    })  # fmt: skip
            before = foot
    return sorted(found, key=lambda one: (one["frame"], one["track"]))


def _px(plan: Plan, points: Array) -> list[list[float]]:
    on_ground = np.column_stack([points[:, 0], np.zeros(len(points)), points[:, 1]])
    return [[round(float(u), 1), round(float(v), 1)] for u, v in plan.camera.project(on_ground)]


def _zone(plan: Plan, name: str) -> dict[str, Any]:
    zone = next(one for one in plan.zones if one.name == name)
    return {
        "name": name,
        "lane": zone.lane,
        "area_m2": round(zone.area_m2, 2),
        "corners_m": zone.corners.round(3).tolist(),
        "corners_xy": _px(plan, zone.corners),
    }


def _thing(one: Person | Vehicle, rows: list[list[float]]) -> dict[str, Any]:
    found: dict[str, Any] = {"track": one.track, "kind": one.sort}
    if isinstance(one, Person):
        found["age"] = one.look.age
        if one.rides is not None:
            found["rides"] = one.rides.track
    return found | {"boxes": rows}


class _Shapes:
    """Silhouettes, coarse; those of what stands are made once."""

    def __init__(self, camera: Camera, lamp: Lamp) -> None:
        self._camera, self._lamp = camera, lamp
        self._kept: dict[int, tuple[Array, Mask]] = {}

    def of(self, thing: Thing, t_s: float) -> tuple[Array, Mask]:
        """Return the bounds (4,) of a thing in pixels, and where it is."""
        still = thing.stands(t_s)
        if still and id(thing) in self._kept:
            return self._kept[id(thing)]
        pieces = thing.pieces(t_s, self._camera, self._lamp)
        mask = np.zeros((self._camera.height // _COARSE, self._camera.width // _COARSE), np.uint8)
        for piece in pieces:
            fill(mask, piece.shape / _COARSE, 1, smooth=False)
        found = bounds(pieces), mask > 0
        self._kept.pop(id(thing), None)
        if still:
            self._kept[id(thing)] = found
        return found


def _boxes(
    present: list[Thing], t_s: float, camera: Camera, shapes: _Shapes
) -> list[tuple[int, list[float]]]:
    """Return track, left, top, right, bottom and seen share of what is in the picture."""
    owner = np.zeros((camera.height // _COARSE, camera.width // _COARSE), np.uint16)
    rows: list[tuple[int, list[float], int, int]] = []
    for number, thing in enumerate(present, 1):
        (left, top, right, bottom), mask = shapes.of(thing, t_s)
        owner[mask] = number
        if not thing.track:
            continue
        inside = [max(left, 0), max(top, 0), min(right, camera.width), min(bottom, camera.height)]
        wide, tall = inside[2] - inside[0], inside[3] - inside[1]
        whole = max((right - left) * (bottom - top), 1e-6)
        if wide > 2 and tall >= _HIGH_PX_MIN and wide * tall >= _INSIDE_MIN * whole:
            rows.append((thing.track, inside, int(mask.sum()), number))
    visible = np.bincount(owner.ravel(), minlength=len(present) + 1)
    return [
        (track, [*(round(float(x), 1) for x in box), round(visible[number] / max(area, 1), 2)])
        for track, box, area, number in rows
    ]


def _counts(
    plan: Plan, cast: Cast, boxes: dict[int, list[list[float]]], fps: float, count: int
) -> dict[str, Any]:
    """Return for each zone and frame how many people and vehicles there are, and how many queue."""
    found = {
        zone.name: {name: [0] * count for name in ("people", "people_seen", "vehicles")}
        for zone in plan.zones
    }
    queue = [0] * count
    for one in cast.all:
        for row in boxes.get(one.track, []):
            index = int(row[0])
            foot = one.foot(index / fps)[None]
            for zone in plan.zones:
                if not zone.holds(foot)[0]:
                    continue
                if not isinstance(one, Person):
                    found[zone.name]["vehicles"][index] += 1
                    continue
                found[zone.name]["people"][index] += 1
                found[zone.name]["people_seen"][index] += int(row[5] >= SEEN_MIN)
            if isinstance(one, Person) and one.queues(index / fps):
                queue[index] += 1
    return {"counts": found, "queue": queue}


def _standing(
    plan: Plan, cast: Cast, boxes: dict[int, list[list[float]]], fps: float, count: int
) -> list[dict[str, Any]]:
    """Return when vehicles stand, as far as they are in the picture."""
    found = []
    for one in cast.vehicles:
        frames = {int(row[0]) for row in boxes.get(one.track, [])}
        still = [index in frames and one.stands(index / fps) for index in range(count)]
        edges = np.flatnonzero(np.diff([0, *map(int, still), 0]))
        for first, after in edges.reshape(-1, 2):
            if (after - first) / fps < STOOD_S_MIN:
                continue
            foot = one.foot(float(first) / fps)[None]
            zone = next((zone.name for zone in plan.zones if zone.lane and zone.holds(foot)[0]), "")
            found.append({
                "track": one.track, "kind": one.sort, "zone": zone,
                "from_frame": int(first), "until_frame": int(after) - 1,
                "from_s": round(float(first) / fps, 3), "until_s": round(float(after - 1) / fps, 3),
            })  # fmt: skip
    return found
