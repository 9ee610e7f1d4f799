"""Faces of nobody: drawn, found, and told apart by the gate's own networks."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from models.vision.centerface import CenterFace
from models.vision.faces import aligned, embedder_in_folder
from sim.scenes.portraits import RESIDENT, STRANGER, WATCHED, Portrait, drawn

PEOPLE = {"resident": RESIDENT, "stranger": STRANGER, "watched": WATCHED}


def scene(portrait: Portrait, side: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture, mask = drawn(portrait, side)
    wall = np.random.default_rng(1).normal(140, 3, (540, 960, 3))
    part = wall[60 : 60 + side, 260 : 260 + side]
    part[:] = part * (1 - mask[..., None]) + picture * mask[..., None]
    return np.asarray(np.clip(wall, 0, 255), np.uint8)


@pytest.mark.parametrize("name", PEOPLE)
def test_a_portrait_is_the_same_every_time_and_leaves_its_corners_free(name: str) -> None:
    picture, mask = drawn(PEOPLE[name], 120)
    again, _ = drawn(PEOPLE[name], 120)

    assert picture.shape == (120, 120, 3)
    assert (picture == again).all()
    assert mask[0, 0] == mask[0, -1] == 0
    assert mask[60, 60] == 1


@pytest.mark.slow
def test_the_gate_takes_them_for_three_people_at_any_size(weights: Path) -> None:
    detector, embedder = CenterFace.in_folder(weights), embedder_in_folder(weights)

    def direction(portrait: Portrait, side: int):
        picture = scene(portrait, side)
        found = detector.detect(picture)
        assert found.scores[0] >= 0.5
        return embedder.embed(aligned(picture, found.points[0])[None])[0]

    seen = {name: [direction(one, side) for side in (200, 310)] for name, one in PEOPLE.items()}

    for small, large in seen.values():
        assert float(small @ large) > embedder.match_at + 0.2
    for one, other in combinations(seen.values(), 2):
        assert max(float(a @ b) for a in one for b in other) < embedder.match_at - 0.2
