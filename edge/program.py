"""The agent as a program: settings, log and metrics, and then the agent."""

import asyncio
from pathlib import Path
from random import SystemRandom

import msgspec

from edge.agent import Agent
from edge.reading import read_settings
from edge.settings import EdgeSettings
from weinao import logging, metrics
from weinao.clock import clock_of


def main(file: str, overrides: str = "{}") -> None:
    """Run an agent until it is told to end."""
    settings = read_settings(Path(file), msgspec.json.decode(overrides, type=dict))
    logging.configure(json=settings.log_json, level=settings.log_level)
    asyncio.run(_run(settings))


async def _run(settings: EdgeSettings) -> None:
    log = logging.logger(agent=settings.agent, grid=settings.grid)
    port = metrics.serve(settings.metrics.port, settings.metrics.address)
    log.info("metrics.served", port=port)
    clock = clock_of(settings.simulation.clock)
    await Agent(settings, log=log, clock=clock, rng=SystemRandom()).run()
