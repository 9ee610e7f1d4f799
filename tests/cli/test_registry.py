"""Registered data: every row is taken or named with its reason, and what is loaded is durable."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.running import COMMUNITY, Running, running
from weinao import codec
from weinao.cli import registry
from weinao.cli.registry import _packs, read
from weinao.codec import Arrival
from weinao.messages import Pack
from weinao.registry import (
    Building,
    Checkpoint,
    Device,
    Grid,
    Household,
    Record,
    Resident,
    Role,
    Service,
    Staff,
)

TOML = """
[[grid]]
id = "g1"
community = "c-1"
[[grid]]
id = "g2"
community = "c-1"
[[building]]
id = "b1"
grid = "g1"
[[building]]
id = "b2"
grid = "g2"
[[household]]
id = "h1"
building = "b1"
agent = "agent-1"
[[resident]]
id = "r1"
household = "h1"
tags = [{ tag = "lives_alone", basis = "self-declared" }]
contacts = [{ id = "daughter", channels = ["mailto:d@example.org"] }]
[[device]]
id = "band-1"
agent = "agent-1"
wearer = "r1"
[[staff]]
id = "s1"
role = "grid_head"
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def placed(files: list[Path]) -> set[tuple[str, str]]:
    records = [row.record for row in read(files) if row.record is not None]
    return {
        (grid, pack.obs[0].record.id) for grid, _, pack in _packs(records, (), "b", COMMUNITY, NOW)
    }


def test_every_record_goes_to_the_grid_of_its_home_and_the_homeless_to_all(tmp_path: Path) -> None:
    file = write(tmp_path, "all.toml", TOML)

    assert placed([file]) == {
        ("g1", "g1"), ("g2", "g2"), ("g1", "b1"), ("g2", "b2"), ("g1", "h1"), ("g1", "r1"),
        ("g1", "band-1"), ("g1", "s1"), ("g2", "s1"),
    }  # fmt: skip


def test_json_says_the_same_as_toml(tmp_path: Path) -> None:
    toml = write(tmp_path, "all.toml", TOML)
    tables = msgspec.toml.decode(TOML)

    as_json = write(tmp_path, "all.json", json.dumps(tables))

    assert [row.record for row in read([as_json])] == [row.record for row in read([toml])]


def test_a_csv_says_what_it_can_with_a_column_a_field(tmp_path: Path) -> None:
    households = write(tmp_path, "household.csv", "\ufeffid,agent,unit\nh1,a1,2-301\n")
    residents = write(
        tmp_path,
        "resident.csv",
        "id,household,birth_year,tags,spo2_scale_2,name\n"
        "r1,h1,1941,lives_alone;chronic:copd,true,王\nr2,h1,,,,\n",
    )

    rows = read([households, residents], ["g1"])

    assert [row.problem for row in rows] == ["", "", ""]
    _, first, second = [row.record for row in rows]
    assert isinstance(first, Resident)
    assert [grant.tag for grant in first.tags] == ["lives_alone", "chronic:copd"]
    assert (first.birth_year, first.spo2_scale_2, first.name) == (1941, True, "王")
    assert second == Resident(id="r2", household="h1")


@pytest.mark.parametrize(
    ("name", "text", "problems"),
    [
        ("staff.csv", "id,role\ns 1,police\n", ["`str` matching"]),
        ("resident.csv", "id\nr1\n", ["missing required field `household`"]),
        ("wizard.csv", "id\nr1\n", ["no kind wizard: known are community, grid"]),
        ("staff.csv", "id,role\ns,police,s2\n", ["more cells than the first line has columns"]),
        ("resident.csv", b"id,household,name\nr1,h1,\xcd\xf5\n", ["saves it as CSV UTF-8"]),
        ("a.json", "[" * 100_000, ["maximum recursion depth"]),
        ("grid.csv", "id,community\ng,c\ng,c\n", ["is in grid.csv: line 2 already"]),
        ("a.toml", '[[staff]]\nid = "s"\nrole = "chef"\n', ["chef"]),
        ("a.toml", '[staff]\nid = "s"\n', ["expected a list of rows"]),
        ("a.toml", "staff = [1]\n", ["expected fields"]),
        ("a.toml", "[[staff", ["Expected"]),
        ("a.json", "[]", ["expected a list of rows a kind"]),
        ("a.json", '{"staff": [{"id": "s", "role": "police", "x": 1}]}', ["unknown field `x`"]),
        ("device.csv", "id,agent\na,a\n", ["its grid cannot be told"]),
    ],
)
def test_a_row_that_cannot_be_taken_is_named_with_its_reason(
    tmp_path: Path, name: str, text: str | bytes, problems: list[str]
) -> None:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())

    rows = read([file])

    refused = [row for row in rows if row.record is None]
    assert len(refused) == len(problems)
    for row, problem in zip(refused, problems, strict=True):
        assert name in row.where
        assert problem in row.problem


def test_a_file_that_is_not_there_hides_no_other(tmp_path: Path) -> None:
    rows = read([tmp_path / "none.toml", write(tmp_path, "grid.csv", "id,community\ng,c\n")])

    assert [row.record is None for row in rows] == [True, False]


NOW = 1_767_225_600_000


def test_a_device_of_a_shared_place_goes_to_the_grid_that_it_names():
    grids = [Grid(id="g-1", community="c"), Grid(id="g-2", community="c")]
    camera = Device(id="gate-1", agent="gate-1", place="gate", grid="g-2")
    point = Checkpoint(id="point-1", grid="g-1", every_min=60)

    packs = _packs([*grids, camera, point], (), "b", COMMUNITY, NOW)

    placed = {pack.obs[0].record.id: grid for grid, _, pack in packs}
    assert (placed["gate-1"], placed["point-1"]) == ("g-2", "g-1")


IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True)
RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(Grid, id=IDS, community=IDS),
    st.builds(Building, id=IDS, grid=IDS),
    st.builds(Household, id=IDS, building=IDS, agent=IDS),
    st.builds(Resident, id=IDS, household=IDS),
    st.builds(Device, id=IDS, agent=IDS, household=IDS),
    st.builds(Staff, id=IDS, role=st.sampled_from(Role)),
    st.builds(Service, id=IDS, name=st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
)


@given(st.lists(RECORDS, max_size=12))
def test_what_is_published_is_what_the_flow_takes_and_its_numbers_have_no_gaps(
    records: list[Record],
) -> None:
    packs = _packs(records, ["g-0"], "00000001-aaaaaa", COMMUNITY, NOW)

    seqs: dict[str, list[int]] = {}
    for grid, topic, pack in packs:
        came = codec.decode(topic, codec.encode(pack), received_at=pack.sent)
        assert isinstance(came, Arrival)
        assert came.topic.grid == grid
        seqs.setdefault(grid, []).append(pack.seq)
    assert all(numbers == [*range(1, len(numbers) + 1)] for numbers in seqs.values())


def test_check_prints_what_is_wrong_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "staff.csv", "id,role\ns1,police\ns2,chef\n")

    with pytest.raises(SystemExit) as ended:
        registry.check([file], grids=["g1"], json=True)

    report = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert report["taken"] == 1
    [refused] = report["refused"]
    assert refused["where"] == "staff.csv: line 3"
    assert "chef" in refused["problem"]


def test_loading_without_a_broker_says_so(tmp_path: Path) -> None:
    file = write(tmp_path, "all.toml", TOML)

    with pytest.raises(SystemExit, match="no broker at"):
        registry.load([file], broker="127.0.0.1:1")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as made:
        made.broker()
        yield made


@pytest.mark.service
@pytest.mark.slow
def test_load_ends_once_the_journal_has_everything(
    system: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system.ingest()
    staff = tmp_path / "staff.csv"
    with staff.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["id", "role"], *([f"n{n}", "property"] for n in range(500))])

    with pytest.raises(SystemExit) as ended:
        registry.load(
            [write(tmp_path, "all.toml", TOML), staff],
            broker=system.address, community=COMMUNITY, json=True,
        )  # fmt: skip

    assert ended.value.code == 0
    report = json.loads(capsys.readouterr().out)
    assert report == {"taken": 508, "loaded": 1_009, "refused": []}
    seen = {_record(payload.payload) for payload in system.journalled()}
    assert {f"n{n}" for n in range(500)} | {"g1", "b1", "h1", "r1", "band-1", "s1"} <= seen


@pytest.mark.service
@pytest.mark.slow
def test_load_fails_when_nobody_keeps_what_it_publishes(
    system: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "all.toml", TOML)

    with pytest.raises(SystemExit) as ended:
        registry.load([file], broker=system.address, community=COMMUNITY, timeout_s=0.5)

    assert ended.value.code == 1
    assert "is ingest running?" in capsys.readouterr().err


def _record(payload: bytes) -> str:
    return msgspec.json.decode(payload, type=Pack).obs[0].record.id


def test_what_is_wrong_is_printed_as_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "a.toml", '[[staff]]\nid = "s"\nrole = "police"\n"[/x]" = 1\n')

    with pytest.raises(SystemExit):
        registry.check([file])

    assert "unknown field `[/x]`" in capsys.readouterr().out
