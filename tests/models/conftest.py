"""What tests of the networks need: their weights, if they have been fetched."""

import os
from pathlib import Path

import pytest

from models.vision.catalogue import weights_named
from models.vision.store import Held, default_folder, held


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of models; tests that need it skip where a file is missing."""
    folder = default_folder(os.environ)
    missing = [
        name
        for name in ("centerface", "facefeature", "mobilefacenet", "faceliveness")
        if held(folder, weights_named(name)) is not Held.GOOD
    ]
    if missing:
        pytest.skip(f"no weights of {', '.join(missing)}: run `weinao models pull`")
    return folder
