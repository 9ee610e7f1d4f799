"""A stage whose homes play a simulated world: each agent gets a track of what its devices say."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.drivers.track import AliveLine, AnyLine, Header, SaidLine, encode_track
from sim.world.households import BEAT_S, SENSOR_BEAT_S
from sim.world.said import Said
from sim.world.world import COMMUNITY, Voice, World
from weinao.cli.stage import Home, Stage
from weinao.clock import WALL
from weinao.registry import Device, Household, Record, Resident

RECONNECT_S_MAX = 30.0
"""How long after its uplink is back an agent may take to notice, in the world's seconds."""


class Played(Stage):
    """The agents of a world, or of its first homes.

    Args:
        folder: `agents/` and `tracks/` are made in it.
        world: What they play.
        agents: Which of its agents.
        seed: Of the world.

    Attributes:
        clock: Of everybody; it may be set once the tracks are written.
    """

    def __init__(self, folder: Path, world: World, agents: Sequence[str], *, seed: int) -> None:
        homes = [
            Home(name=agent.removeprefix("agent-"), about="", grid=world.grid_of[agent])
            for agent in agents
        ]
        super().__init__(folder, homes, epoch=world.start, heartbeat_s=BEAT_S / 2, seed=seed)
        self.community = COMMUNITY
        self._world, self._agents, self.clock = world, {*agents}, WALL
        self._tracks = folder / "tracks"

    def write_tracks(self) -> int:
        """Write what every agent's devices say; return how many lines that is."""
        self._tracks.mkdir(parents=True, exist_ok=True)
        lasts_ms = self._world.until - self._world.start
        count = 0
        for voice in self._world.voices():
            if voice.agent in self._agents:
                lines = [*_lines(voice, self._world.start, self._world.until)]
                header = Header(track=1, lasts_ms=lasts_ms, origin="weinao sim play")
                self._track(voice.agent).write_bytes(b"".join(encode_track(header, lines)))
                count += len(lines)
        return count

    def records(self) -> list[Record]:
        """Return what is registered of those on the stage."""
        return [record for part in self.registries() for record in part]

    def registries(self) -> list[list[Record]]:
        """Return it grid by grid: of a device in a shared place, nothing else tells the grid."""
        return [[*self._registry(grid)] for grid in self.grids]

    def _registry(self, grid: str) -> Iterator[Record]:
        found = self._world.records(grid)
        homes = {
            one.id for one in found if isinstance(one, Household) and one.agent in self._agents
        }
        return (one for one in found if self._on_stage(one, homes))

    def _on_stage(self, record: Record, homes: set[str]) -> bool:
        match record:
            case Household():
                return record.id in homes
            case Resident():
                return record.household in homes
            case Device():
                return record.agent in self._agents
            case _:
                return True

    def _track(self, agent: str) -> Path:
        return self._tracks / f"{agent}.jsonl"

    def _settings(self, one: Home, folder: Path, broker_port: int) -> dict[str, Any]:
        settings = super()._settings(one, folder, broker_port)
        slowest_s = max(0.2, RECONNECT_S_MAX / self.clock.speed)
        settings["uplink"] = {"reconnect_s_min": 0.1, "reconnect_s_max": slowest_s}
        settings["heartbeat"] = {"every_s": BEAT_S / 2, "clock": "synced"}
        settings["simulation"] = {"clock": str(self.clock)}
        settings["device"] = [
            {"driver": "replay", "id": f"devices-{one.name}", "track": str(self._track(one.agent)),
             "epoch_ms": self._world.start}
        ]  # fmt: skip
        return settings


def _lines(voice: Voice, start: int, until: int) -> Iterator[AnyLine]:
    """Yield what an agent can hear: nothing while it is dead."""
    lines: Iterable[AnyLine] = heapq.merge(
        (_line(one, start) for one in voice.said if start <= one.at < until),
        _lives(voice, start, until),
        key=lambda line: line.t_ms,
    )
    dead = [(begun - start, ended - start) for begun, ended in voice.dead]
    return (line for line in lines if not any(begun <= line.t_ms < ended for begun, ended in dead))


def _line(one: Said, start: int) -> SaidLine:
    return SaidLine(
        t_ms=one.at - start,
        device=one.device,
        observation=one.observation,
        offset_ms=one.observation.at - one.at,
    )


def _lives(voice: Voice, start: int, until: int) -> Iterator[AliveLine]:
    """Yield the signs of life of battery sensors."""
    for at in range(start, until, round(SENSOR_BEAT_S * 1_000)):
        for device, died in voice.beating.items():
            if died is None or not died[0] <= at < died[1]:
                yield AliveLine(t_ms=at - start, device=device)
