"""What the second dashboard asks of the database is answered, and names nobody."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sinks.settings import KeepSettings
from sinks.timescale_store import TimescaleStore
from sinks.timescale_upkeep import Upkeep
from tests.sinks import postgres
from tests.sinks.made import ONE_OF_EACH, T0, outcome
from tests.sinks.test_timescale_store import _dsns

pytestmark = pytest.mark.service

FILE = Path(__file__).parents[2] / "configs" / "grafana" / "community.json"
BOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
ASKED = {one["title"]: one["targets"][0]["rawSql"] for one in BOARD["panels"]}
FOR_GOOD = KeepSettings(
    observations_days=0, hazards_days=0, deadletters_days=0, minutes_days=0, compress_after_days=0
)


@pytest.fixture(params=_dsns())
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    made = postgres.fresh(_dsns()[request.param](), tmp_path)
    yield made
    postgres.drop(made)


def test_every_panel_has_an_answer_in_every_edition(dsn: str) -> None:
    with closing(TimescaleStore(dsn)) as store:
        store.write([outcome(1, n, one) for n, one in enumerate(ONE_OF_EACH)])
    with closing(Upkeep(dsn, FOR_GOOD)) as upkeep:
        upkeep.step(T0 + 3_600_000)

    with psycopg.connect(dsn) as db:
        for title, sql in ASKED.items():
            within = sql.replace("$__from", str(T0 - 86_400_000)).replace("$__to", str(T0 * 2))
            found = db.execute(within)  # type: ignore[call-overload]
            names = [one.name for one in found.description]
            assert len(found.fetchall()) == 1, title
            assert names[:2] == ["time", "metric"] or "time" not in names, title


def test_what_the_guide_lets_grafana_read_is_enough_and_no_more(dsn: str) -> None:
    guide = (FILE.parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    [told] = re.findall(r"```sql\n(.*?)```", guide, flags=re.DOTALL)
    schema = dsn.rpartition("search_path=")[2].rstrip("'")
    role = f"grafana_{schema}"
    with closing(TimescaleStore(dsn)) as store:
        store.write([outcome(1, n, one) for n, one in enumerate(ONE_OF_EACH)])

    with psycopg.connect(dsn) as db:  # rolled back in the end, the role too
        db.execute(re.sub(r"\bgrafana\b", role, told))
        db.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}; SET ROLE {role}")
        for sql in ASKED.values():
            db.execute(sql.replace("$__from", "0").replace("$__to", str(T0 * 2)))  # type: ignore[call-overload]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("SELECT subject, body FROM incidents")
        db.rollback()


def test_it_asks_for_numbers_and_for_nobody() -> None:
    for title, sql in ASKED.items():
        chosen = sql.partition("FROM")[0]
        assert not re.search(r"\b(subject|device|body|id)\b", sql), title
        assert not re.search(r"(?<!DISTINCT )household", chosen), title
        assert re.fullmatch(r"[^A-Za-z]*[\u4e00-\u9fff][^A-Za-z]* · [A-Z][^\u4e00-\u9fff]*", title)
