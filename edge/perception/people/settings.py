"""What people draw once for each camera over a yard, a queue or a lane: zones, lines, the ground.

All pixels are of a picture of `width_px` x `height_px`; another stream of the same camera may be
larger or smaller.
"""

from typing import Annotated

from msgspec import Meta, Struct, field

from edge.perception.people.fall import FallLimits
from edge.perception.people.pace import PaceSettings
from edge.perception.people.shapes import Ground, Pixel
from edge.perception.people.standing import StandingLimits

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Outline = Annotated[tuple[Pixel, ...], Meta(min_length=3, max_length=64)]
FULL_PER_M2 = 2.17
"""People per m² that fill a place: level of service F of a walkway (Fruin, Pedestrian Planning and
Design, 1971), as in `[congestion]` of configs/rules.toml."""
AREA_M2_MIN = 0.5


class ZoneDrawing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place whose people are counted: those who stand in it with their feet.

    Attributes:
        name: As it is told. One that holds a word of `[lanes]` in configs/rules.toml, as
            `fire_lane`, is a fire lane to the brain.
        outline: Around it, on the ground.
        area_m2: 0 to reckon it from `ground`; without either the density is unknown, and told as 0.
        full: How many people fill it; 0 for what its area holds.
        keep_clear: Whether a vehicle that stands in it blocks it.
        queue: Whether who stands in it waits.
    """

    name: Name
    outline: Outline
    area_m2: Annotated[float, Meta(ge=0, le=1e6)] = 0.0
    full: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
    keep_clear: bool = False
    queue: bool = False


class LineDrawing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line whose crossings are counted.

    Attributes:
        zone: Whose way in and out it is.
        left: Its end on the left hand of somebody who goes in,
        right: and on the right hand.
    """

    zone: Name
    left: Pixel
    right: Pixel


class GroundPoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point on the ground: where it is in the picture, and where in metres."""

    px: Pixel
    m: tuple[float, float]


class PeopleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera over people.

    Attributes:
        width_px: Of the picture in which zones were drawn; 0 where none are.
        height_px: Of the same.
        zones: Without any, the whole picture is one, named `view`.
        lines: Ways in and out.
        ground: Four points or more, for areas in m².
        report_s: How often each zone is told.
        falls: Whether a fallen person is looked for.
        pace: How often is looked.
        fall: What a fall must show.
        standing: What stands, rather than passes.
    """

    width_px: Annotated[int, Meta(ge=0, le=16_384)] = 0
    height_px: Annotated[int, Meta(ge=0, le=16_384)] = 0
    zones: Annotated[tuple[ZoneDrawing, ...], Meta(max_length=32)] = ()
    lines: Annotated[tuple[LineDrawing, ...], Meta(max_length=32)] = ()
    ground: Annotated[tuple[GroundPoint, ...], Meta(max_length=64)] = ()
    report_s: Annotated[float, Meta(ge=1, le=600)] = 10.0
    falls: bool = True
    pace: PaceSettings = field(default_factory=PaceSettings)
    fall: FallLimits = field(default_factory=FallLimits)
    standing: StandingLimits = field(default_factory=StandingLimits)


class DrawingError(Exception):
    """What was drawn describes no place; the message says what is wrong with it."""


class Zone(Struct, frozen=True, kw_only=True):
    """A zone in the pixels of the frames as they come.

    Attributes:
        area_m2: 0 where it is unknown.
        full: How many people fill it; 0 where that is unknown.
    """

    name: str
    outline: tuple[Pixel, ...]
    area_m2: float
    full: float
    keep_clear: bool
    queue: bool


class Line(Struct, frozen=True, kw_only=True):
    """A line in the pixels of the frames as they come."""

    zone: str
    left: Pixel
    right: Pixel


class Drawing(Struct, frozen=True):
    """Zones and lines for frames of one size."""

    zones: tuple[Zone, ...]
    lines: tuple[Line, ...]


def drawn(settings: PeopleSettings, size: tuple[int, int]) -> Drawing:
    """Return zones and lines for frames of a size.

    Raises:
        DrawingError: Zones without the size of their picture, a line of no zone, two zones of one
            name, or a ground that is none.
    """
    if not settings.zones:
        if settings.lines:
            raise DrawingError(f"a line of zone {settings.lines[0].zone}: no zone is drawn")
        return Drawing((_whole(size),), ())
    if not settings.width_px or not settings.height_px:
        raise DrawingError(
            "zones are drawn, but width_px and height_px of their picture are not said"
        )
    names = [zone.name for zone in settings.zones]
    for name in names:
        if names.count(name) > 1:
            raise DrawingError(f"zone {name} is drawn twice")
    for line in settings.lines:
        if line.zone not in names:
            raise DrawingError(f"a line of zone {line.zone}: drawn are {', '.join(names)}")
    across, down = size[0] / settings.width_px, size[1] / settings.height_px

    def scaled(at: Pixel) -> Pixel:
        return at[0] * across, at[1] * down

    zones = tuple(
        Zone(
            name=one.name,
            outline=tuple(scaled(corner) for corner in one.outline),
            area_m2=area,
            full=one.full or area * FULL_PER_M2,
            keep_clear=one.keep_clear,
            queue=one.queue,
        )
        for one, area in zip(settings.zones, _areas(settings), strict=True)
    )
    lines = tuple(
        Line(zone=one.zone, left=scaled(one.left), right=scaled(one.right))
        for one in settings.lines
    )
    return Drawing(zones, lines)


def _areas(settings: PeopleSettings) -> list[float]:
    """Return the area of each zone in m²; 0 where it is unknown."""
    if not settings.ground:
        return [zone.area_m2 for zone in settings.zones]
    try:
        ground = Ground([one.px for one in settings.ground], [one.m for one in settings.ground])
    except ValueError as error:
        raise DrawingError(str(error)) from error
    areas = [zone.area_m2 or ground.area_m2(zone.outline) for zone in settings.zones]
    for zone, area in zip(settings.zones, areas, strict=True):
        if not AREA_M2_MIN <= area <= _AREA_M2_MAX:
            raise DrawingError(f"zone {zone.name} would have {area:.3g} m²: is the ground right?")
    return areas


def _whole(size: tuple[int, int]) -> Zone:
    wide, high = size
    corners = ((0.0, 0.0), (wide, 0.0), (wide, high * _BELOW), (0.0, high * _BELOW))
    return Zone(name="view", outline=corners, area_m2=0.0, full=0.0, keep_clear=False, queue=False)


_AREA_M2_MAX = 1e6
_BELOW = 1.5
"""Boxes may reach below the picture, and feet with them."""
