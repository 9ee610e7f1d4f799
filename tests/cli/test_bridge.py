"""`weinao bridge`: the file of who wears what, as people bring it."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from weinao.cli.bridge import _job

CONFIG = ROOT / "configs" / "bridge.toml"
CSV = "device,grid,tags,resident_id,age_band,family_contact\nw-1,g-1,copd,r-1,80+,李\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_spreadsheets_file_is_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(CSV, encoding=encoding)

    _, devices = _job(CONFIG, tmp_path / "people.csv")

    assert devices.number == {"w-1": 0}


def test_a_file_in_another_encoding_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(CSV, encoding="gbk")

    with pytest.raises(SystemExit, match=r"people\.csv: .* saves it as CSV UTF-8"):
        _job(CONFIG, tmp_path / "people.csv")


def test_a_file_that_is_away_is_named_with_who_asks_for_it() -> None:
    with pytest.raises(SystemExit, match=r"registry\.csv: No such file .* as `people` of"):
        _job(CONFIG, None)
