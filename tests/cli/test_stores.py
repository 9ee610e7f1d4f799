"""Which store a command uses, and where its password may come from."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from sinks.client import StoreClient
from sinks.settings import DatabaseSettings, StoreSettings
from sinks.store import Filter, StoreUnavailableError
from sinks.timescale_store import TimescaleStore
from tests.sinks import postgres
from tests.sinks.made import ONE_OF_EACH, incident, outcome
from tests.sinks.test_timescale_store import _until
from weinao.cli import stores

ROOT = Path(__file__).parents[2]
EDITIONS = {"timescale": postgres.apache, "postgresql": postgres.plain}


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(stores.VARIABLE, raising=False)


def _settings(**database: str) -> StoreSettings:
    return StoreSettings(database=DatabaseSettings(**database))


def test_the_command_line_goes_before_the_environment_before_settings_before_the_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(dsn="host=settings")
    assert stores.dsn_of(data=tmp_path) == ""

    stores.note(tmp_path, "host=note")
    assert stores.dsn_of(data=tmp_path) == "host=note"
    assert stores.dsn_of(None, settings, tmp_path) == "host=settings"
    monkeypatch.setenv(stores.VARIABLE, "password=sesame host=environment")
    assert stores.dsn_of(None, settings, tmp_path) == "password=sesame host=environment"
    assert stores.dsn_of("host=command", settings, tmp_path) == "host=command"


def test_a_password_comes_from_a_file_and_is_in_no_note(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame\n")
    settings = _settings(dsn="host=db user=weinao", password_file=str(tmp_path / "secret"))

    dsn = stores.dsn_of(settings=settings)
    stores.note(tmp_path, dsn)

    assert "password=sesame" in dsn
    assert "sesame" not in (tmp_path / stores.NOTE).read_text()
    (tmp_path / "secret").unlink()
    with pytest.raises(stores.WhereError, match="password_file"):
        stores.dsn_of(settings=settings)


@pytest.mark.parametrize("said", ["host=db password=sesame", "postgresql://u:sesame@db/weinao"])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(said: str) -> None:
    with pytest.raises(stores.WhereError, match="others could read") as caught:
        stores.dsn_of(said)

    assert "sesame" not in str(caught.value)


def test_what_is_no_dsn_is_refused() -> None:
    with pytest.raises(stores.WhereError, match="cannot be read"):
        stores.dsn_of("sesame open")


@pytest.mark.service
@pytest.mark.parametrize("edition", EDITIONS)
def test_a_store_on_a_server_is_owned_asked_and_read_by_the_same_commands(
    edition: str, tmp_path: Path
) -> None:
    dsn = postgres.fresh(EDITIONS[edition]().dsn, tmp_path)
    batch = [outcome(1, index, value) for index, value in enumerate(ONE_OF_EACH)]
    with _owner(tmp_path, "--dsn", dsn) as owner, closing(
        StoreClient(tmp_path / stores.SOCKET)
    ) as store:  # fmt: skip
        _until(lambda: _answers(store))
        assert store.write(batch) == len(batch)
        assert [one["id"] for one in _read(tmp_path, "incidents")] == ["i-1"]
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(120) == 0

    # Nobody owns it now: the note says where it is.
    assert [one["id"] for one in _read(tmp_path, "incidents")] == ["i-1"]
    assert not (tmp_path / stores.FILE).exists()
    with closing(TimescaleStore(dsn)) as store:
        assert store.write([*batch, outcome(2, 0, incident(2))]) == 1


@pytest.mark.service
def test_an_owner_waits_for_its_database_and_says_so_once(tmp_path: Path) -> None:
    server = postgres.own("postgresql")
    dsn = postgres.fresh(server.dsn, tmp_path)
    server.stop()
    with _owner(tmp_path, "--dsn", dsn, "--log-json") as owner:
        log = tmp_path / "log"
        _until(lambda: "peer.lost" in log.read_text())
        server.start()
        _until(lambda: "peer.restored" in log.read_text())
        with closing(StoreClient(tmp_path / stores.SOCKET)) as store:
            assert store.write([outcome(1)]) == 1
            assert store.observations(Filter()) == [outcome(1)]
        _until(lambda: "database.opened" in log.read_text())  # looked for once a second
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(120) == 0
    events = [msgspec.json.decode(line)["event"] for line in log.read_text().splitlines()]
    assert sorted(events) == [
        "database.opened", "metrics.served", "peer.lost", "peer.restored", "store.closed",
        "store.opened",
    ]  # fmt: skip
    assert events.index("peer.lost") < events.index("peer.restored")
    server.remove()


def _answers(store: StoreClient) -> bool:
    try:
        store.progress()
    except StoreUnavailableError:
        return False
    return True


@contextmanager
def _owner(data: Path, *more: str) -> "Iterator[subprocess.Popen[bytes]]":
    # Patient, so that nothing waits for the database unless it is away.
    (data / "store.toml").write_text("[database]\npatience_s = 20\n")
    command = [sys.executable, "-m", "weinao.cli.main", "store", "run", "--data", str(data),
               "--settings", str(data / "store.toml"), "--metrics-port", "0", *more]  # fmt: skip
    with (data / "log").open("wb") as log, subprocess.Popen(
        command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def _read(data: Path, table: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = msgspec.json.decode(_weinao(table, "--data", data, "--json"))
    return found


@pytest.mark.slow
@pytest.mark.service
@pytest.mark.timeout(900)
@pytest.mark.parametrize("edition", EDITIONS)
def test_a_flow_concludes_the_same_to_the_byte_into_a_server_as_into_a_file(
    edition: str, tmp_path: Path
) -> None:
    dsn = postgres.fresh(EDITIONS[edition]().dsn, tmp_path)
    simulated, nowhere = tmp_path / "sim", tmp_path / "nowhere"
    _weinao("sim", "run", "configs/scenarios/fall.toml", "--out", simulated)

    for _ in range(2):  # the second time, everything is there already
        _weinao("flow", "run", "--data", simulated, "--dsn", dsn, "--until-end", "--no-recovery",
                "--runner", "plain")  # fmt: skip

        for table in ("incidents", "observations", "scores", "deadletters"):
            kept = _weinao(table, "--data", nowhere, "--json", **{stores.VARIABLE: dsn})
            assert kept == _weinao(table, "--data", simulated, "--json")
            assert len(kept) > 2


def _weinao(*arguments: object, **environment: str) -> bytes:
    command = [sys.executable, "-m", "weinao.cli.main", *(str(part) for part in arguments)]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, check=True, env={**os.environ, **environment}
    )
    return ran.stdout
