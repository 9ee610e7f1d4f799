"""What is made of a clip's truth that somebody else wrote down."""

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.edge.test_highrise_watch import LINES, SIZE, falling, shown
from weinao.cli.evaluate.highrise import evaluate_highrise
from weinao.cli.evaluate.highrise_truth import completed

FPS = 25.0


def film(path: Path, times: float = 1.0, lasts_s: float = 6.0) -> Path:
    """Write a film of a fall at 3 s, from the 13th floor."""
    size = (round(SIZE[0] * times), round(SIZE[1] * times))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, size)
    for frame in shown(falling(60, lasts_s=lasts_s)):
        writer.write(cv2.resize(frame, size))
    writer.release()
    return path


def whole() -> dict[str, Any]:
    return {
        "width": SIZE[0], "height": SIZE[1], "container_fps": FPS, "frames": 150,
        "facade_roi": [[60, 45], [420, 45], [420, 630], [60, 630]],
        "facade": {
            "width_m": 24.0, "floor_m": 3.0, "columns": 6,
            "floor_lines": [
                {"floor": floor, "left": [60, v], "right": [420, v]} for floor, v in LINES
            ],
        },
        "falls": [
            {"first_frame": 75, "last_frame": 118, "release_s": 3.0, "start_xy": [200, 60],
             "start_m": [9.3, 38.0], "visible": True}
        ],
    }  # fmt: skip


def scored(folder: Path, truth: dict[str, Any], **how: Any) -> dict[str, float]:
    film(folder / "a.mp4", **how)
    (folder / "truth.json").write_text(json.dumps({"a.mp4": truth}))
    return evaluate_highrise(folder)


@pytest.mark.slow
def test_a_full_truth_gives_all_figures(tmp_path: Path) -> None:
    figures = scored(tmp_path, whole())

    assert (figures["falls"], figures["found"], figures["false_alarms"]) == (1, 1, 0)
    assert figures["start_within_tolerance"] == 1


@pytest.mark.slow
def test_lines_drawn_on_a_smaller_picture_are_brought_to_the_films_size(tmp_path: Path) -> None:
    figures = scored(tmp_path, whole(), times=1.5)

    assert (figures["found"], figures["false_alarms"]) == (1, 0)
    assert figures["start_within_tolerance"] == 1


@pytest.mark.slow
def test_an_outline_and_the_frame_of_a_fall_are_enough(tmp_path: Path) -> None:
    truth = {"facade_roi": whole()["facade_roi"], "falls": [{"first_frame": 75}]}

    figures = scored(tmp_path, truth)

    assert (figures["found"], figures["false_alarms"]) == (1, 0)
    assert "start_within_tolerance" not in figures


@pytest.mark.slow
def test_a_film_shorter_than_the_warm_up_misses_what_falls_in_it(tmp_path: Path) -> None:
    figures = scored(tmp_path, whole(), lasts_s=1.0)

    assert (figures["falls"], figures["found"], figures["false_alarms"]) == (1, 0, 0)


def test_a_film_that_cannot_be_read_is_watched_for_no_time(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film")
    (tmp_path / "truth.json").write_text(json.dumps({"a.mp4": whole()}))

    figures = evaluate_highrise(tmp_path)

    assert (figures["falls"], figures["found"], figures["hours"]) == (1, 0, 0)


def test_what_a_film_says_of_itself_need_not_be_written_down(tmp_path: Path) -> None:
    truth = completed({"facade": None, "falls": None}, film(tmp_path / "a.mp4", lasts_s=0.4))

    assert (truth["width"], truth["height"], truth["container_fps"]) == (*SIZE, FPS)
    assert truth["facade_roi"] == [[0, 0], [480, 0], [480, 640], [0, 640]]


def test_lines_without_a_width_give_no_scale(tmp_path: Path) -> None:
    truth = whole()
    del truth["facade"]["width_m"]

    assert completed(truth, tmp_path / "none.mp4")["facade"] == {}


def test_a_truth_that_is_whole_is_left_as_it_is(tmp_path: Path) -> None:
    truth = whole()

    assert completed(truth, tmp_path / "none.mp4") == truth
