"""What came of a story that was played: what held, and whether anything was lost."""

from collections.abc import Collection, Iterator
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from sim.audit import Audit
from sim.expected import Expectation
from sim.scenarios import Scenario
from sim.verdict import Came, Noticed, NoticedRisk, Verdict, judge
from sim.world.world import World
from sinks.store import Filter, Store, every
from weinao.outcomes import Hazard, HealthScore, Incident, Risk

T = TypeVar("T")

NOT_LIVE = {
    "duplicate": "the link is TCP, which repeats nothing; reconnecting agents send again anyway",
    "reorder": "the link is TCP, which keeps the order; alarms overtake in the outbox anyway",
}
"""Faults that a live system cannot be made to suffer, and why."""


LATE_S = 1.0
"""So much later than planned, by the wall, a fault may begin before we say so."""


class Performed(Struct, frozen=True, kw_only=True):
    """How a story was played.

    Attributes:
        speed: Of the story's clock.
        took_s: By the wall, starting and draining included.
        late_s: How much later than planned, by the wall, the story or a fault began at most.
        restarts: Programs that died of themselves and were started again.
        complete: Whether everything had arrived in the end.
    """

    seed: int
    speed: float
    took_s: float
    late_s: float
    restarts: tuple[str, ...]
    complete: bool


class Report(Struct, frozen=True, kw_only=True):
    """What came of a story, as `--json` prints it.

    Attributes:
        sent: Packs that agents made durable and handed over,
        stored: of those, how many the store has,
        lost: how many are neither stored nor named,
        twice: what stands in the store more than once.
        not_live: Faults of the scenario that were left out, and why.
        not_played: Whom expectations were about that were left out.
    """

    title: str
    performed: Performed
    agents: int
    incidents: int
    sent: int
    stored: int
    lost: int
    twice: int
    not_live: tuple[str, ...]
    not_played: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def sound(self) -> bool:
        """Everything expected came, nothing was lost, and nothing counts twice."""
        return (
            self.performed.complete
            and not self.lost
            and not self.twice
            and all(one.held for one in self.verdicts)
        )


def report(
    story: Scenario,
    world: World,
    agents: Collection[str],
    *,
    store: Store,
    account: Audit,
    performed: Performed,
) -> Report:
    """Hold what came of a story against what was expected of those who played."""
    concluded = _came(store)
    asked, left_out = _playable(story, world, agents)
    broken = {one.kind for one in world.faults}
    return Report(
        title=story.title,
        performed=performed,
        agents=len(agents),
        incidents=len(concluded.incidents),
        sent=account.sent,
        stored=account.stored,
        lost=len(account.lost),
        twice=len(account.duplicated) + len(account.torn),
        not_live=tuple(f"{kind}: {why}" for kind, why in NOT_LIVE.items() if kind in broken),
        not_played=tuple(left_out),
        verdicts=tuple(judge(asked, concluded)),
    )


def tell(console: Console, came: Report) -> None:
    """Print what came of a story, for people."""
    how = came.performed
    for one in came.verdicts:
        console.print(f"[green]held[/]   {one.told}" if one.held else f"[red]broken[/] {one.told}")
    for left_out in came.not_live:
        console.print(f"[yellow]not live[/] {left_out}")
    for subject in came.not_played:
        console.print(f"[yellow]not played[/] what is expected of {subject}")
    colour = "red" if came.lost or came.twice else "green"
    console.print(
        f"packs: sent {came.sent}, stored {came.stored},"
        f" [{colour}]lost {came.lost}, twice {came.twice}[/]"
    )
    if how.restarts:
        console.print(f"[yellow]died and were started again: {', '.join(how.restarts)}[/]")
    if how.late_s > LATE_S:
        console.print(
            f"[yellow]this machine was up to {how.late_s:.1f} s late: at a lower --speed the story"
            " is told more truly[/]"
        )
    console.print(f"{came.agents} agents, {came.incidents} incidents, {how.took_s:.1f} s")


def _came(store: Store) -> Came:
    """Return everything that the store holds of what was concluded."""

    def all_of(table: str, kind: type[T]) -> Iterator[tuple[T, int]]:
        for one in every(store, table, Filter()):
            if isinstance(one.value, kind):
                yield one.value, one.received_at

    return Came(
        hazards=[Noticed(*one) for one in all_of("hazards", Hazard)],
        incidents=[one for one, _ in all_of("incidents", Incident)],
        risks=[NoticedRisk(*one) for one in all_of("risk_changes", Risk)],
        scores=[one for one, _ in all_of("scores", HealthScore)],
    )


def _playable(story: Scenario, world: World, agents: Collection[str]) -> tuple[Scenario, list[str]]:
    """Return a story without what is expected of homes that do not play, and whose those are."""

    def plays(wanted: Expectation) -> bool:
        return world.agent_of(wanted.subject) in (*agents, "")

    both = (*story.expect, *story.never)
    left_out = [one.subject for one in both if not plays(one)]
    return (
        replace(
            story,
            expect=tuple(filter(plays, story.expect)),
            never=tuple(filter(plays, story.never)),
        ),
        left_out,
    )
