"""The agent as a program: settings, log and metrics, and then the agent."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from random import SystemRandom

import msgspec
from msgspec.structs import replace

from edge.agent import Agent, FolderInUseError
from edge.reading import read_settings
from edge.settings import CameraDevice, EdgeSettings
from weinao import logging, metrics
from weinao.clock import clock_of
from weinao.mishaps import in_words


def main(file: str, overrides: str = "{}") -> None:
    """Run an agent until it is told to end."""
    settings = read_settings(Path(file), msgspec.json.decode(overrides, type=dict))
    settings = _with_models(settings, os.environ)
    logging.configure(json=settings.log_json, level=settings.log_level)
    with in_words("edge run"):
        try:
            asyncio.run(_run(settings))
        except FolderInUseError as error:
            sys.exit(f"weinao edge run: {error}")


def _with_models(settings: EdgeSettings, environment: Mapping[str, str]) -> EdgeSettings:
    """Return settings in which every camera knows where its weights are."""
    if not any(isinstance(one, CameraDevice) and not one.models for one in settings.device):
        return settings
    from models.vision.store import default_folder  # noqa: PLC0415  # brings numpy

    folder = str(default_folder(environment))
    return replace(
        settings,
        device=tuple(
            replace(one, models=one.models or folder) if isinstance(one, CameraDevice) else one
            for one in settings.device
        ),
    )


async def _run(settings: EdgeSettings) -> None:
    log = logging.logger(agent=settings.agent, grid=settings.grid)
    port = metrics.serve(settings.metrics.port, settings.metrics.address)
    log.info("metrics.served", port=port)
    clock = clock_of(settings.simulation.clock)
    await Agent(settings, log=log, clock=clock, rng=SystemRandom()).run()
