"""How many agents a machine carries, each a process of its own, and which of a world's play."""

from pathlib import Path

from sim.world.world import World

AGENT_BYTES = 50 * 2**20
"""What one agent keeps in memory; `tests/edge/test_memory.py` measures it."""

SYSTEM_BYTES = 700 * 2**20
"""What broker, ingest, flow, store and notify, and this program, keep in memory together."""

AGENTS_PER_CORE_MAX = 40
"""More agents on one core, and their starts alone take longer than the story."""


class TooManyHomesError(Exception):
    """This machine cannot carry so many agents; the message says how many it can."""


def chosen(world: World, homes: int | None) -> list[str]:
    """Return the agents of a world's first homes, and of what their grids share."""
    kept = world.homes[:homes]
    grids = {home.grid for home in kept}
    own = {home.agent for home in world.homes}
    shared = [agent for agent, grid in world.grid_of.items() if agent not in own and grid in grids]
    return [home.agent for home in kept] + shared


def check(agents: int, free: int, cores: int) -> None:
    """Refuse what a machine cannot carry.

    Args:
        agents: How many are to run.
        free: Bytes of memory.
        cores: Of the machine.

    Raises:
        TooManyHomesError: So many, or so few that nothing can be played.
    """
    carried = min(max(0, free - SYSTEM_BYTES) // AGENT_BYTES, cores * AGENTS_PER_CORE_MAX)
    if not 0 < agents <= carried:
        raise TooManyHomesError(
            f"{agents} agents of about {AGENT_BYTES >> 20} MB each; this machine, with"
            f" {free / 2**30:.1f} GB of free memory and {cores} cores, carries 1 to {carried}."
            " Limit them with --homes; `weinao sim run` plays any number, without live programs"
        )


def free_bytes() -> int:
    """Return how much memory this machine can still give."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
