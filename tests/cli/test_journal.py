"""`weinao journal`, and what flow and ingest agree on about a journal that is trimmed."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import structlog

from pipeline import journal as on_disk
from pipeline.brain.respond.policy import Policy
from pipeline.journal import JournalWriter
from pipeline.readers import bookmarks
from pipeline.trimming import Keep, Trimmer
from sinks.duckdb_store import DuckDBStore
from sinks.store import Filter
from tests.pipeline.community import GRID, START, Journal
from tests.pipeline.test_bequests import write
from weinao.cli.flow import Place, run_flow
from weinao.cli.journal import journal
from weinao.cli.options import Runner
from weinao.cli.telling import telling
from weinao.messages import Home, Sensor
from weinao.outcomes import Incident

pytest.importorskip("bytewax", reason="Bytewax has no wheel for this Python")

RUNNERS: tuple[Runner, ...] = ("plain", "bytewax")


def conclude(data: Path, runner: Runner, policy: Policy | None = None) -> None:
    """Let a flow run to the end of its journal, and keep what it concludes."""
    store = DuckDBStore(data / "store.duckdb")
    run_flow(
        data / "journal",
        [GRID],
        lambda: store.write,
        policy=policy,
        runner=runner,
        workers=1,
        recovery=data / "recovery",
        epoch_s=0,
        until_end=True,
        place=Place(data=data, flow="1", guests=frozenset()),
        tell=telling(lambda: nullcontext(store)),
        kept=store.progress,
    )
    store.close()


def trim(folder: Path, keep: Keep, now: int) -> None:
    tick = iter(range(0, 10**9, 60))
    trimmer = Trimmer(
        folder, keep, now=lambda: now, log=structlog.get_logger(), elapsed=lambda: float(next(tick))
    )
    end = JournalWriter(folder)
    while trimmer.step(end.end):
        pass
    end.close()


def found(data: Path) -> list[Incident]:
    store = DuckDBStore(data / "store.duckdb")
    values = [one.value for one in store.incidents(Filter(grid=GRID))]
    store.close()
    return [one for one in values if isinstance(one, Incident)]


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_changed_flow_begins_where_its_journal_does_and_goes_on_with_what_is_open(
    tmp_path: Path, runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Journal()
    story.say("button-1", Home(at=START + 1_000, sensor=Sensor.SOS, value=1.0))
    for second in range(2, 200):
        story.tick(START + second * 1_000)
    write(tmp_path / "journal", story.entries)
    for _ in range(2):  # a flow that ends at once has settled what the one before it kept
        conclude(tmp_path, runner)
    [before] = [one for one in found(tmp_path) if one.kind == "sos"]
    # Nothing is as old as that; the bytes decide.
    trim(tmp_path / "journal", Keep(bytes_max=6_000, free_bytes_wanted=0), now=START)
    begins = on_disk.oldest(tmp_path / "journal")
    journal(data=tmp_path, json=True)
    [said] = json.loads(capsys.readouterr().out)
    journal(data=tmp_path, lang="en")
    shown = capsys.readouterr().out
    journal(data=tmp_path)
    gezeigt = capsys.readouterr().out

    more = Journal(registered=False, at=START + 200_000)
    more.say("button-1", Home(at=START + 201_000, sensor=Sensor.SOS, value=1.0), boot="00000002-b")
    more.say("smoke-1", Home(at=START + 202_000, sensor=Sensor.SMOKE, value=1.0))
    more.tick(START + 203_000)
    write(tmp_path / "journal", more.entries)
    conclude(tmp_path, runner, Policy(kept_days=29))

    after = found(tmp_path)
    assert begins > story.entries[17].offset // 100, "what registered everybody is gone"
    assert [one.id for one in after if one.kind == "sos"] == [before.id]
    assert [one.subject for one in after if one.kind == "smoke"] == ["home-1"]
    assert said["begins"] == begins
    assert said["bytes"] <= 6_000 + 2_000
    assert [one["reader"] for one in said["readers"]] == ["flow"]
    assert said["readers"][0]["must"]
    assert said["places"] >= said["segments"] - 1
    assert "the flow (recovery)" in shown
    assert "日志" in gezeigt or "流程" in gezeigt


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"nonsense" * 1_000),
        _cut_short,
        Path.unlink,
    ],
    ids=["empty", "nonsense", "short", "gone"],
)
@pytest.mark.parametrize("runner", RUNNERS)
def test_a_flow_whose_recovery_is_spoilt_begins_anew_and_tells_nothing_twice(
    tmp_path: Path, runner: Runner, spoil: Callable[[Path], object]
) -> None:
    story = Journal()
    story.say("button-1", Home(at=START + 1_000, sensor=Sensor.SOS, value=1.0))
    for second in range(2, 200):
        story.tick(START + second * 1_000)
    write(tmp_path / "journal", story.entries)
    conclude(tmp_path, runner)
    before = sorted(one.id for one in found(tmp_path))
    kept = [*(tmp_path / "recovery").rglob("p*-0.sqlite3"), *tmp_path.rglob("plain.msgpack")]
    assert kept
    for path in kept:
        spoil(path)

    more = Journal(registered=False, at=START + 200_000)
    more.say("smoke-1", Home(at=START + 202_000, sensor=Sensor.SMOKE, value=1.0))
    write(tmp_path / "journal", more.entries)
    conclude(tmp_path, runner)

    after = found(tmp_path)
    assert sorted(one.id for one in after if one.kind != "smoke") == before
    assert [one.subject for one in after if one.kind == "smoke"] == ["home-1"]


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_flow_whose_recovery_is_older_than_the_journal_goes_on_with_what_is_open(
    tmp_path: Path, runner: Runner
) -> None:
    story = Journal()
    story.say("button-1", Home(at=START + 1_000, sensor=Sensor.SOS, value=1.0))
    story.tick(START + 2_000)
    write(tmp_path / "journal", story.entries)
    conclude(tmp_path, runner)
    shutil.copytree(tmp_path / "recovery", tmp_path / "older")
    later = Journal(registered=False, at=START + 3_000)
    for second in range(4, 300):
        later.tick(START + second * 1_000)
    write(tmp_path / "journal", later.entries)
    for _ in range(2):
        conclude(tmp_path, runner)
    [before] = [one for one in found(tmp_path) if one.kind == "sos"]
    trim(tmp_path / "journal", Keep(bytes_max=6_000, free_bytes_wanted=0), now=START)
    shutil.rmtree(tmp_path / "recovery")
    (tmp_path / "older").rename(tmp_path / "recovery")

    more = Journal(registered=False, at=START + 300_000)
    more.say("smoke-1", Home(at=START + 302_000, sensor=Sensor.SMOKE, value=1.0))
    write(tmp_path / "journal", more.entries)
    conclude(tmp_path, runner)

    after = found(tmp_path)
    assert on_disk.oldest(tmp_path / "journal") > story.entries[-1].offset // 100
    assert [one.id for one in after if one.kind == "sos"] == [before.id]
    assert [one.subject for one in after if one.kind == "smoke"] == ["home-1"]


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_flow_that_is_further_than_its_store_tells_again_what_the_store_has_lost(
    tmp_path: Path, runner: Runner
) -> None:
    story = Journal()
    story.say("button-1", Home(at=START + 1_000, sensor=Sensor.SOS, value=1.0))
    story.tick(START + 2_000)
    write(tmp_path / "journal", story.entries)
    conclude(tmp_path, runner)
    shutil.copy(tmp_path / "store.duckdb", tmp_path / "older")
    later = Journal(registered=False, at=START + 3_000)
    later.say("smoke-1", Home(at=START + 4_000, sensor=Sensor.SMOKE, value=1.0))
    write(tmp_path / "journal", later.entries)
    conclude(tmp_path, runner)
    before = {one.id: one.state for one in found(tmp_path)}
    (tmp_path / "older").replace(tmp_path / "store.duckdb")

    with structlog.testing.capture_logs() as said:
        conclude(tmp_path, runner)
        conclude(tmp_path, runner)

    assert {one.id: one.state for one in found(tmp_path)} == before
    assert {one.kind for one in found(tmp_path)} >= {"sos", "smoke"}
    assert [one["event"] for one in said].count("recovery.discarded") == 1


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_flow_says_what_its_recovery_would_read_again(tmp_path: Path, runner: Runner) -> None:
    story = Journal()
    for second in range(2, 100):
        story.tick(START + second * 1_000)
    write(tmp_path / "journal", story.entries)
    conclude(tmp_path, runner)
    write(tmp_path / "journal", story.entries[-1:])
    conclude(tmp_path, runner)

    [mark] = bookmarks(tmp_path / "journal")

    assert mark.must
    assert mark.needs in {0, *on_disk.segments(tmp_path / "journal")}
    assert 0 < (mark.needs or 0) < JournalWriter(tmp_path / "journal").end


def test_a_folder_without_a_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no journal there"):
        journal(data=tmp_path)
