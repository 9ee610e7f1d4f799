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
