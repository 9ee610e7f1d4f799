"""What is promised about looks at who went down: the picture turned, and room for a whole body."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.perception.people.look import AROUND, lying_body, whole
from edge.perception.people.pace import Pace, PaceSettings
from edge.perception.people.shapes import Box, middle, overlap, size
from models.vision.base import Picture
from models.vision.movenet import MoveNet

STANDING = (668.0, 395.0, 809.0, 880.0)
"""Somebody in bus.jpg, by hand."""
EDGES = st.floats(-500, 2_000)


@pytest.mark.parametrize("clockwise", [True, False])
def test_who_lies_is_seen_where_she_lies_by_turning_the_picture(
    street: Picture, weights: Path, clockwise: bool
) -> None:
    high, wide = street.shape[:2]
    left, top, right, bottom = STANDING
    if clockwise:
        lying: Box = (high - bottom, left, high - top, right)
        turned = cv2.rotate(street, cv2.ROTATE_90_CLOCKWISE)
    else:
        lying = (top, wide - right, bottom, wide - left)
        turned = cv2.rotate(street, cv2.ROTATE_90_COUNTERCLOCKWISE)
    pose = MoveNet.in_folder(weights)

    seen = [lying_body(np.asarray(turned, np.uint8), lying, times, pose) for times in AROUND]

    found = [one for one in seen if one is not None]
    assert found
    for one in found:
        assert overlap(one.box, lying) > 0.6
        assert one.tilt is not None
        assert 70 < one.tilt < 110


def test_who_stands_does_not_lie(street: Picture, weights: Path) -> None:
    pose = MoveNet.in_folder(weights)

    assert [lying_body(street, STANDING, times, pose) for times in AROUND] == [None] * len(AROUND)


@given(EDGES, EDGES, st.floats(1, 900), st.floats(1, 900), st.floats(1, 900))
def test_a_body_has_room_around_what_is_seen_of_it(left, top, wide, high, length) -> None:
    box = (left, top, left + wide, top + high)

    room = whole(box, length)

    assert size(room) == pytest.approx((max(wide, high, length),) * 2)
    assert middle(room) == pytest.approx(middle(box))


def joints_at(*, followed: bool, fresh: bool, moving: bool = True) -> list[int]:
    """Return at which of the frames of three seconds joints are looked for."""
    pace, frames = Pace(PaceSettings()), range(0, 3_000, 125)
    looks = [
        pace.due(at, moving=moving, followed=followed, fresh=fresh, urgent=False) for at in frames
    ]
    return [at for at, due in zip(frames, looks, strict=True) if due.pose]


def test_joints_are_looked_for_where_something_moves_and_the_detector_saw_nobody() -> None:
    seeking = joints_at(followed=False, fresh=False)

    assert seeking[0] == 0
    assert 5 <= len(seeking) < len(joints_at(followed=True, fresh=False))
    assert joints_at(followed=False, fresh=False, moving=False) == []


def test_who_is_new_is_looked_at_in_every_frame() -> None:
    assert len(joints_at(followed=True, fresh=True)) == 24
