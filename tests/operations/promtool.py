"""Where promtool is: on the path, or where `.ci/promtool` unpacks it. Without it, tests skip."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

UNPACKED = Path(os.environ.get("WEINAO_TEST_PROMTOOL", "/var/cache/weinao/promtool/promtool"))


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run promtool and return what became of it, or skip."""
    found = shutil.which("promtool") or (str(UNPACKED) if UNPACKED.is_file() else None)
    if found is None:
        pytest.skip("no promtool: .ci/promtool /var/cache/weinao/promtool unpacks it")
    return subprocess.run(
        [found, *map(str, arguments)], capture_output=True, text=True, timeout=250, check=False
    )
