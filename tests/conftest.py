"""How far the property tests look: `pytest --hypothesis-profile=soak` looks furthest."""

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import settings

settings.register_profile("check", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=10_000)
settings.load_profile("check")

ROOT = Path(__file__).parent.parent

_NEED_VISION = [
    "cli/test_demo_cameras.py",
    "cli/test_evaluate_*",
    "edge/vision/*",
    "edge/test_highrise_*",
    "models/test_faces.py",
    "models/test_people.py",
    "models/test_yards.py",
    "sim/test_portraits.py",
    "sim/test_scenes.py",
    "sim/test_yards.py",
]
if TYPE_CHECKING:
    from models.vision.base import Picture

_HAS_VISION = all(importlib.util.find_spec(one) for one in ("cv2", "cryptography", "openvino"))
collect_ignore_glob = [] if _HAS_VISION else _NEED_VISION


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was not even collected: these files cannot be imported without the extra."""
    if not _HAS_VISION:
        for one in _NEED_VISION:
            terminalreporter.write_line(f"SKIPPED tests/{one}: the extra `vision` is not installed")


@pytest.fixture(autouse=True)
def _fresh_logs() -> None:
    """Let no test inherit the log level that a command set in the one before it."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("WEINAO_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no recordings: set WEINAO_DATA to a folder with falls/, vitals/ and home/")
    return folder


@pytest.fixture
def street(recordings: Path) -> "Picture":
    """A photograph of four persons and a bus in a street."""
    from models.vision.pictures import read_picture  # noqa: PLC0415  # only for those who need it

    path = recordings / "faces" / "multi" / "bus.jpg"
    if not path.exists():
        pytest.skip(f"no recordings: {path.name}")
    return read_picture(path)


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of models; tests that need it skip where a file is missing."""
    from models.vision.catalogue import WEIGHTS  # noqa: PLC0415  # only for those who need it
    from models.vision.store import Held, default_folder, held  # noqa: PLC0415

    folder = default_folder(os.environ)
    missing = [one.name for one in WEIGHTS if held(folder, one) is not Held.GOOD]
    if missing:
        pytest.skip(f"no weights of {', '.join(missing)}: run `weinao models pull`")
    return folder
