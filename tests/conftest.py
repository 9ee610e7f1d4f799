"""How far the property tests look: `pytest --hypothesis-profile=soak` looks furthest."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("check", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=10_000)
settings.load_profile("check")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("WEINAO_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no recordings: set WEINAO_DATA to a folder with falls/, vitals/ and home/")
    return folder


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of models; tests that need it skip where a file is missing."""
    pytest.importorskip("cv2", reason="the extra `vision` is not installed")
    from models.vision.catalogue import WEIGHTS  # noqa: PLC0415  # only for those who need it
    from models.vision.store import Held, default_folder, held  # noqa: PLC0415

    folder = default_folder(os.environ)
    missing = [one.name for one in WEIGHTS if held(folder, one) is not Held.GOOD]
    if missing:
        pytest.skip(f"no weights of {', '.join(missing)}: run `weinao models pull`")
    return folder
