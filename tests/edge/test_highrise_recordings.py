"""Real throws: one event each, where it began, and no other alarm."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from weinao.cli.evaluate.highrise import figures, score_clip

CLIPS = ("office1.mp4", "office2.mp4")


def frames_of(path: Path, fps: float) -> Any:
    film = cv2.VideoCapture(str(path))
    index = 0
    while True:
        there, frame = film.read()
        if not there:
            return
        yield index / fps, np.asarray(frame, np.uint8)
        index += 1


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIPS)
def test_a_real_throw_is_one_event_and_begins_where_it_began(name: str, recordings: Path) -> None:
    folder = recordings / "falling"
    if not (folder / name).exists():
        pytest.skip(f"{folder / name} is not there: it is shared, and never part of the product")
    truth = json.loads((folder / "truth.json").read_text())[name]

    score = score_clip(truth, frames_of(folder / name, truth["container_fps"]))

    assert figures([score])["found"] == 1
    assert score.near == (True,)
    assert score.false_s == ()
