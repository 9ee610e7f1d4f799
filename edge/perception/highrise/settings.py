"""What people draw once for each camera: floor lines, an outline, shields, zones.

All pixels are of a picture of `width_px` x `height_px`; another stream of the same camera may be
larger or smaller.
"""

from typing import Annotated

import numpy as np
from msgspec import Meta, Struct, field

from edge.perception.highrise.facade import (
    CalibrationError,
    Facade,
    FloorLine,
    from_floor_lines,
    from_outline,
)
from edge.perception.highrise.gate import Limits
from weinao.messages import Word

Pixel = tuple[float, float]
Polygon = tuple[Pixel, ...]


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """The lower edge of a floor, from the facade's left edge to its right edge."""

    floor: Annotated[int, Meta(ge=-5, le=200)]
    left: Pixel
    right: Pixel


class Zone(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the facade that is another building, or another entrance."""

    building: Word
    outline: Polygon


class HighriseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera before one facade.

    Attributes:
        building: As the registry calls it.
        width_px: Of the picture in which the lines were drawn.
        height_px: Of the same.
        width_m: Between the left and the right end of the floor lines.
        floor_m: Height of a floor.
        columns: Flats side by side.
        lines: Two or more; without any the scale is unknown, and so is the floor.
        outline: Around the facade; by default what the lines span.
        shields: Polygons in which nothing is looked at: trees, flags, a road.
        zones: Parts with a name of their own.
        keep_s: Seconds of film kept before an event.
        limits: What a fall must show.
    """

    building: Word
    width_px: Annotated[int, Meta(ge=64, le=16_384)]
    height_px: Annotated[int, Meta(ge=64, le=16_384)]
    width_m: Annotated[float, Meta(gt=0, le=500)] = 20.0
    floor_m: Annotated[float, Meta(gt=1, le=10)] = 3.0
    columns: Annotated[int, Meta(ge=1, le=100)] = 1
    lines: tuple[Line, ...] = ()
    outline: Polygon = ()
    shields: tuple[Polygon, ...] = ()
    zones: tuple[Zone, ...] = ()
    keep_s: Annotated[float, Meta(ge=1, le=30)] = 6.0
    limits: Limits = field(default_factory=Limits)


def facade_of(settings: HighriseSettings, size: tuple[int, int]) -> Facade:
    """Return the facade for frames of a size.

    Raises:
        CalibrationError: The lines do not describe a facade, or there is nothing drawn at all.
    """
    across, down = size[0] / settings.width_px, size[1] / settings.height_px

    def scaled(polygon: Polygon) -> list[list[float]]:
        return [[u * across, v * down] for u, v in polygon]

    shields = [scaled(shield) for shield in settings.shields]
    if not settings.lines:
        if not settings.outline:
            raise CalibrationError("neither floor lines nor an outline are drawn")
        return from_outline(scaled(settings.outline), shields)
    lines = []
    for line in settings.lines:
        left, right = scaled((line.left, line.right))
        lines.append(FloorLine(line.floor, (left[0], left[1]), (right[0], right[1])))
    return from_floor_lines(
        lines,
        width_m=settings.width_m,
        floor_m=settings.floor_m,
        columns=settings.columns,
        outline=scaled(settings.outline) if settings.outline else None,
        shields=shields,
    )


def building_at(settings: HighriseSettings, pixel: Pixel, size: tuple[int, int]) -> str:
    """Return the building that a pixel of a frame is of."""
    u, v = pixel[0] / size[0] * settings.width_px, pixel[1] / size[1] * settings.height_px
    for zone in settings.zones:
        if _holds(zone.outline, u, v):
            return zone.building
    return settings.building


def _holds(outline: Polygon, u: float, v: float) -> bool:
    """Return whether a polygon holds a point: a ray to the right crosses its edge oddly often."""
    corners = np.array(outline)
    ahead = np.roll(corners, -1, axis=0)
    crosses = (corners[:, 1] > v) != (ahead[:, 1] > v)
    edge = ahead[crosses] - corners[crosses]
    at = corners[crosses, 0] + (v - corners[crosses, 1]) / edge[:, 1] * edge[:, 0]
    return bool((at > u).sum() % 2)
