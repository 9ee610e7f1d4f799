"""Real programs for the tests marked `service`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.edge.broker import RealBroker
from tests.edge.journal import SmallJournal
from tests.edge.made import opened


@pytest.fixture(autouse=True)
def _closed_outboxes() -> Iterator[None]:
    yield
    while opened:
        opened.pop().close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RealBroker]:
    made = RealBroker(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def journal(broker: RealBroker) -> Iterator[Callable[[], SmallJournal]]:
    """Makes a small journal that is connected; one at a time."""
    made: list[SmallJournal] = []

    def connect() -> SmallJournal:
        one = SmallJournal(broker.port)
        one.connect()
        made.append(one)
        return one

    yield connect
    for one in made:
        one.close()
