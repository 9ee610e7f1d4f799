"""What the agent loads, because a Pi must carry it and hold it in memory."""

import subprocess
import sys

HEAVY = {
    "bytewax", "cryptography", "cv2", "cyclopts", "duckdb", "iotcore", "numpy", "openvino",
    "pandas", "pyarrow", "pytest", "rich", "scipy", "sklearn", "stamina", "torch",
}  # fmt: skip
_LOADED = """
import sys, runpy
sys.argv = ["edge"]
try:
    runpy.run_module("edge", run_name="__main__")
except TypeError:
    pass
import edge.program
print(*{name.split(".")[0] for name in sys.modules if sys.modules[name] is not None})
"""
_PERCEIVING = """
import sys
import edge.program, edge.perception.fall, edge.perception.rhythm, edge.drivers.movement
print(*{name.split(".")[0] for name in sys.modules if sys.modules[name] is not None})
"""


def _loaded(program: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    return set(ran.stdout.split())


def test_an_agent_without_wearables_loads_nothing_heavy() -> None:
    loaded = _loaded(_LOADED)

    assert "edge" in loaded
    assert loaded & HEAVY == set()


_WITHOUT_THE_EXTRA = """
import sys
for name in ("cv2", "openvino", "cryptography"):
    sys.modules[name] = None
import edge.program
from edge.drivers.base import DriverError
from edge.drivers.choose import choose
from edge.drivers.truth import TruthFile
from edge.settings import CameraDevice, EdgeSettings
from pathlib import Path
camera = CameraDevice(id="cam-1", source="gate.avi", role="gate")
settings = EdgeSettings(agent="a", community="c", grid="g", folder="f", device=(camera,))
[chosen] = choose(settings, TruthFile(Path("none")), 0)
try:
    chosen.make([], lambda: 0)
except DriverError as error:
    print(error)
"""


def test_without_the_extra_an_agent_runs_and_its_camera_says_what_it_lacks() -> None:
    assert "'weinao[vision]'`" in _loaded(_WITHOUT_THE_EXTRA)


def test_an_agent_with_wearables_loads_numpy_and_nothing_else_heavy() -> None:
    assert _loaded(_PERCEIVING) & (HEAVY - {"rich"}) == {"numpy"}
