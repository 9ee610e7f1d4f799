"""What becomes of a folder of clips that holds more than clips."""

from pathlib import Path

import numpy as np

from tests.edge.vision.made import empty, write_video
from weinao.cli.evaluate.people import evaluate_people


def test_a_clip_that_cannot_be_read_is_named_and_is_no_fall_that_was_missed(
    tmp_path: Path, weights: Path
) -> None:
    well = write_video(tmp_path / "Fall 1.AVI", empty(10)).read_bytes()
    (tmp_path / "fall-2.mp4").write_bytes(b"")
    (tmp_path / "fall-3.avi").write_bytes(well[: len(well) // 2])
    (tmp_path / "fall-4.ts").write_bytes(b"no film")
    write_video(tmp_path / "fall-5.avi", [np.full((360, 640, 3), 90, np.uint8)] * 12)
    (tmp_path / "README.md").write_text("no clip")

    found = evaluate_people(tmp_path, models=weights)

    assert (found["falls"], found["falls_found"], found["false"]) == (1, 0, 0)
    said = found["unread"]
    assert said.keys() == {"fall-2.mp4", "fall-3.avi", "fall-4.ts", "fall-5.avi"}
    assert said["fall-2.mp4"] == "an empty file"
    assert said["fall-3.avi"].startswith("cut off after ")
    assert said["fall-4.ts"] == "no video that can be read"
    assert "all the same" in said["fall-5.avi"]
