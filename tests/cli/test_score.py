"""`weinao score`: the account of a rehearsal for people and for programs, and its picture."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.score import KindScore, Score
from weinao.cli.score import score
from weinao.cli.score_picture import draw_score, in_order, too_late
from weinao.cli.sim import rehearse, story_of

Output = Callable[[], str]


@pytest.fixture
def output(capfdbinary: pytest.CaptureFixture[bytes]) -> Output:
    def read_out() -> str:
        return capfdbinary.readouterr().out.decode()

    return read_out


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fall")
    rehearse(story_of("fall"), folder, None)
    return folder


def _kind(**more: float | None) -> KindScore:
    usual = {
        "recall": 1.0, "precision": 1.0, "expected": 2, "found": 2, "false": 0,
        "delay_s_p50": 1.0, "delay_s_p95": 2.0, "delay_s_max_allowed": 60.0,
    }  # fmt: skip
    return KindScore(**{**usual, **more})


MIXED = Score(
    acute_recall=0.75, acute_precision=0.8, false_acute_per_home_day=0.01, delay_s_p50=1.0,
    delay_s_p95=90.0, lost=0, duplicated=0, notices_per_person_step_max=1,
    open_without_deadline=0, within_deadline_share=0.9,
    by_kind={
        "inactivity": _kind(delay_s_p50=9_000.0, delay_s_p95=9_500.0, delay_s_max_allowed=16_200.0),
        "fall": _kind(delay_s_p95=90.0),
        "report": _kind(recall=None, expected=0, found=0, false=1, precision=0.0,
                        delay_s_p50=None, delay_s_p95=None, delay_s_max_allowed=None),
        "smoke": _kind(recall=0.5, found=1),
    },
)  # fmt: skip


def test_people_get_a_table_in_their_language(truth: Path, output: Output) -> None:
    score(truth=truth)
    zh = output()
    score(truth=truth, lang="en")
    en = output()

    [fall] = [line for line in en.splitlines() if line.startswith("│ fall ")]
    assert [cell.strip() for cell in fall.split("│")[2:7]] == ["1", "1", "100%", "0", "100%"]
    assert (
        "Everything that had to be noticed was noticed, 100% of 1, and in the time allowed." in en
    )
    assert "应获知的险情全部获知（1 起，100%），都在允许时间内。" in zh


def test_programs_get_json_and_nothing_else(truth: Path, output: Output) -> None:
    score(truth=truth, json=True)

    assert json.loads(output())["by_kind"]["fall"]["recall"] == 1.0


def test_what_must_be_noticed_soonest_comes_first() -> None:
    assert [kind for kind, _ in in_order(MIXED)] == ["fall", "smoke", "inactivity", "report"]


def test_a_kind_is_late_when_one_in_twenty_takes_longer_than_allowed() -> None:
    assert [kind for kind, one in in_order(MIXED) if too_late(one)] == ["fall"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_score_is_drawn_whatever_is_missing_in_it(tmp_path: Path, lang: str) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    picture = tmp_path / "score.png"

    draw_score(MIXED, lang, picture)

    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000


def test_a_picture_that_cannot_be_written_is_said_to_be_so(truth: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")

    with pytest.raises(SystemExit, match="cannot be written"):
        score(truth=truth, png=tmp_path / "nowhere" / "score.png")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [(b"\x9c\x00", "not as `weinao sim run` writes it"), (b"", "it has no end")],
)
def test_what_no_rehearsal_wrote_is_refused_in_words(
    text: bytes, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "truth.jsonl").write_bytes(text)

    with pytest.raises(SystemExit, match=complaint):
        score(truth=tmp_path)


def test_a_truth_without_its_store_gets_none(truth: Path, tmp_path: Path) -> None:
    (tmp_path / "truth.jsonl").write_bytes((truth / "truth.jsonl").read_bytes())

    with pytest.raises(SystemExit, match=r"weinao score: .*no such store yet"):
        score(truth=tmp_path)

    assert not (tmp_path / "store.duckdb").exists()
