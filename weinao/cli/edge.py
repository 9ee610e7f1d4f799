"""`weinao edge`: the agent on community hardware."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

app = App(name="edge", help="Agents on community hardware.")


@app.command
def run(
    *,
    config: Path,
    folder: str | None = None,
    port: Annotated[int | None, Parameter(help="Of the broker.")] = None,
    metrics_port: int | None = None,
    set_: Annotated[tuple[str, ...], Parameter(name="--set")] = (),
) -> None:
    """Run an agent until SIGTERM or Ctrl-C.

    Args:
        config: The agent's settings, a TOML file; `configs/edge.toml` explains every key.
        folder: Where the agent keeps its outbox.
        port: Of the broker.
        metrics_port: Where Prometheus finds the agent; 0 for any free port.
        set_: Any other key and its value as JSON, `heartbeat.every_s=2`; may be given often.
    """
    from edge.reading import read_settings
    from weinao.settings import SettingsError

    named = {"folder": folder, "broker.port": port, "metrics.port": metrics_port}
    overrides: dict[str, object] = {key: value for key, value in named.items() if value is not None}
    try:
        overrides |= dict(_assignment(text) for text in set_)
        read_settings(config, overrides)
    except (SettingsError, ValueError) as error:
        sys.exit(f"weinao edge run: {error}")
    # The agent takes this process over, without the command line's 10 MB.
    arguments = [sys.executable, "-m", "edge", str(config), json.dumps(overrides)]
    os.execve(sys.executable, arguments, os.environ | _LEAN)  # noqa: S606  # no shell wanted


_LEAN = {
    "MALLOC_ARENA_MAX": "2",  # glibc keeps a heap for each thread otherwise
    "OMP_NUM_THREADS": "1",  # numpy's products are small here; threads only cost memory
    "OPENBLAS_NUM_THREADS": "1",
}


def _assignment(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text}: expected key=value")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
