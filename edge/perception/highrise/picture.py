"""Pictures for people: the calibration to check, and the track of a fall."""

import cv2
import numpy as np

from edge.perception.highrise.facade import Array, Facade, Image
from edge.perception.highrise.relink import Track

RED, GREEN, BLUE, YELLOW = (40, 40, 230), (80, 200, 80), (230, 140, 40), (40, 220, 240)
MOSAIC = 12
"""Pixels of a frame that become one: no face is left at the distance of a facade. Ours."""
CLEAR_PX = 14


def drawn(frame: Image, facade: Facade) -> Image:
    """Return a frame with the facade as the settings say it is: floors, columns, shields."""
    picture = frame.copy()
    _polygon(picture, facade.outline, RED)
    for shield in facade.shields:
        _polygon(picture, shield, BLUE)
    if not facade.metric:
        cv2.putText(picture, "no floor lines: scale unknown", (20, 40), _FONT, 1.0, RED, 2)
        return picture
    places = facade.metres(facade.outline)
    left, right = places[:, 0].min(), places[:, 0].max()
    lowest, highest = places[:, 1].max(), places[:, 1].min()
    for floor in range(int(-lowest / facade.floor_m), int(-highest / facade.floor_m) + 1):
        down = -floor * facade.floor_m
        ends = facade.pixels(np.array([[left, down], [right, down]]))
        _line(picture, ends, GREEN)
        name = str(facade.floor_at(down - 0.1))
        u, v = np.round(ends[1]).astype(int)
        cv2.putText(picture, name, (int(u) + 4, int(v)), _FONT, 0.5, GREEN, 1, cv2.LINE_AA)
    for column in range(int(np.ceil((right - left) / facade.column_m)) + 1):
        across = left + column * facade.column_m
        _line(picture, facade.pixels(np.array([[across, lowest], [across, highest]])), YELLOW)
    return picture


def veiled(frame: Image, facade: Facade, scale: float, clear: Array) -> Image:
    """Return a frame whose facade is a mosaic, but for a circle around what falls.

    Args:
        frame: (H, W, 3) BGR.
        facade: In the pixels of the camera's frames.
        scale: Pixels of this frame for one of the camera's.
        clear: (N, 2) where to leave it as it is, in the camera's pixels.
    """
    tall, wide = frame.shape[:2]
    cells = max(round(MOSAIC * scale), 2)
    small = cv2.resize(
        frame, (max(wide // cells, 1), max(tall // cells, 1)), interpolation=cv2.INTER_AREA
    )
    coarse = cv2.resize(small, (wide, tall), interpolation=cv2.INTER_NEAREST)
    hide = np.zeros((tall, wide), np.uint8)
    cv2.fillPoly(hide, [np.round(facade.outline * scale).astype(np.int32)], 255)
    for place in clear * scale:
        u, v = np.round(place).astype(int)
        cv2.circle(hide, (int(u), int(v)), max(round(CLEAR_PX * scale), 3), 0, -1)
    return np.asarray(cv2.copyTo(coarse, hide, frame.copy()), np.uint8)


def tracked(frame: Image, track: Track, scale: float, until_s: float) -> Image:
    """Return a frame with the track drawn as far as it had come."""
    seen = np.round(track.px[track.t_s <= until_s] * scale).astype(np.int32)
    if len(seen) == 0:
        return frame
    picture = frame.copy()
    cv2.polylines(picture, [seen], isClosed=False, color=YELLOW, thickness=1, lineType=cv2.LINE_AA)
    u, v = seen[-1]
    cv2.circle(picture, (int(u), int(v)), 9, RED, 1, cv2.LINE_AA)
    return picture


_FONT = cv2.FONT_HERSHEY_SIMPLEX


def _polygon(picture: Image, corners: Array, colour: tuple[int, int, int]) -> None:
    cv2.polylines(picture, [np.round(corners).astype(np.int32)], True, colour, 2)  # OpenCV's


def _line(picture: Image, ends: Array, colour: tuple[int, int, int]) -> None:
    one, two = np.round(np.clip(ends, -9_000, 9_000)).astype(int).tolist()
    cv2.line(picture, tuple(one), tuple(two), colour, 1, cv2.LINE_AA)
