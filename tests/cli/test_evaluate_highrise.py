"""What is made of a clip's truth that somebody else wrote down."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.perception.highrise.facade import CalibrationError
from tests.edge.test_highrise_watch import LINES, SIZE, falling, shown
from weinao.cli.evaluate.highrise import evaluate_highrise, score_clip
from weinao.cli.evaluate.highrise_truth import TruthError, completed, read_truths

FPS = 25.0


def film(path: Path, times: float = 1.0, lasts_s: float = 6.0, codec: str = "mp4v") -> Path:
    """Write a film of a fall at 3 s, from the 13th floor."""
    size = (round(SIZE[0] * times), round(SIZE[1] * times))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), FPS, size)
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


def test_a_film_that_cannot_be_read_is_named_and_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film")
    (tmp_path / "truth.json").write_text(json.dumps({"a.mp4": whole()}))

    figures = evaluate_highrise(tmp_path)

    assert (figures["clips"], figures["falls"], figures["hours"]) == (0, 0, 0)
    assert figures["unread"] == {"a.mp4": "no video that can be read"}


@pytest.mark.slow
def test_a_film_that_is_cut_off_before_a_fall_does_not_ask_for_it(tmp_path: Path) -> None:
    content = film(tmp_path / "a.avi", codec="MJPG").read_bytes()
    (tmp_path / "a.avi").write_bytes(content[: len(content) // 3])
    (tmp_path / "truth.json").write_text(json.dumps({"a.avi": whole()}))

    figures = evaluate_highrise(tmp_path)

    assert (figures["clips"], figures["falls"], figures["false_alarms"]) == (1, 0, 0)
    assert figures["hours"] > 0
    assert figures["unread"]["a.avi"].startswith("cut off after")


def test_no_bad_clip_ends_the_evaluation_of_the_others(tmp_path: Path) -> None:
    film(tmp_path / "good.mp4", lasts_s=1.0)
    film(tmp_path / "unnamed.mp4", lasts_s=0.4)
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "nowhere.mp4").symlink_to("gone")
    (tmp_path / "still.png").write_bytes(b"")
    whole_and_well = whole() | {"falls": [], "note": "of ours", "width": float(SIZE[0])}
    names = ["good.mp4", "folder.mp4", "nowhere.mp4", "gone.mp4", "null.mp4", "flat.mp4"]
    truths: dict[str, Any] = dict.fromkeys(names, whole_and_well) | {"null.mp4": None}
    film(tmp_path / "flat.mp4", lasts_s=0.4)
    truths["flat.mp4"] = {"facade_roi": [[0, 0], [10, 0], [20, 0]]}
    (tmp_path / "truth.json").write_text("\ufeff" + json.dumps(truths), encoding="utf-8")

    figures = evaluate_highrise(tmp_path)

    assert figures["clips"] == 1
    assert figures["unread"].keys() == {*names, "unnamed.mp4"} - {"good.mp4"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*whole(), *whole()["facade"], *whole()["falls"][0], "floor", "left"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([(), ("facade",), ("falls", 0)]), st.data())
def test_whatever_stands_at_a_clip_it_can_be_used_or_is_named(
    at: tuple[Any, ...], data: st.DataObject
) -> None:
    clip: Any = whole()
    spoilt = clip
    for step in at:
        spoilt = spoilt[step]
    spoilt[data.draw(st.sampled_from(sorted(spoilt)))] = data.draw(JSON)
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.mp4").touch()
        (Path(folder) / "truth.json").write_text(json.dumps({"a.mp4": clip}))

        try:
            usable, unread = read_truths(Path(folder))
        except TruthError:
            return

        assert {*usable} ^ {*unread} == {"a.mp4"}
        for said in usable.values():
            with suppress(CalibrationError):
                score_clip(completed(said, Path(folder) / "a.mp4"), [])


@pytest.mark.parametrize(
    "said", [b"", b"no JSON", b"[]", b"{}", b'{"a.mp4": NaN}', b"\xff\xfe\x00"]
)
def test_a_truth_that_nobody_can_read_is_refused(tmp_path: Path, said: bytes) -> None:
    (tmp_path / "truth.json").write_bytes(said)

    with pytest.raises(TruthError, match=r"truth\.json"):
        evaluate_highrise(tmp_path)


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
