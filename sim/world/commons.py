"""What a grid shares: gate, facade, square and fire lane, each with a device that looks."""

import random
from collections.abc import Iterator, Sequence

from sim.world.households import BEAT_S, PLACES
from sim.world.said import DAY_MS, MINUTE_MS, Said, dice
from sim.world.truth import Fact
from weinao.messages import Crowd, Gate, Highrise, Match, Patrol
from weinao.registry import Checkpoint, Device, Record, WatchEntry

COUNT_MS = 2 * MINUTE_MS
"""How often a camera counts."""

PASSES_A_DAY = 120
ROUND_MS = 96 * MINUTE_MS
"""How far apart rounds begin; fifteen fill a day."""

ROUND_MIN_MAX = 120
"""How far apart they may be, minutes."""

COLUMNS = 24
"""Columns of balconies on a facade."""

WATCHED = "person-watched"

_YEAR_MS = 366 * DAY_MS
_ZONES = {"square": "square", "lane": "fire_lane"}


class Commons:
    """The shared places of one grid, behind one agent.

    Args:
        grid: Its id.
        start: When the story begins, milliseconds UTC.
        until: When it ends.
        seed: Of the world.
        places: The devices that are there.
        beat_s: How often its agent speaks.
    """

    def __init__(
        self,
        grid: str,
        *,
        start: int,
        until: int,
        seed: int,
        places: Sequence[str] = PLACES,
        beat_s: float = BEAT_S,
    ) -> None:
        self.grid, self.agent, self.beat_s = grid, f"agent-{grid}", beat_s
        self.id, self.sensors = f"commons-{grid}", {self.device(one): "" for one in places}
        self._start, self._until, self._seed = start, until, seed

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everything that something can befall here."""
        return (self.id, self.agent, *self._walked, *self.sensors)

    @property
    def _walked(self) -> tuple[str, ...]:
        """Return the check-point, where there is a phone to say that somebody was there."""
        return (self.checkpoint,) if self.device("phone") in self.sensors else ()

    @property
    def checkpoint(self) -> str:
        """Id of the check-point that staff pass on their rounds."""
        return f"point-{self.grid}"

    def device(self, what: str) -> str:
        """Return the id of a device: `gate`, `facade`, `square`, `lane` or `phone`."""
        return f"{what}-{self.grid}"

    def about(self, subject: str) -> tuple[str, ...]:
        """Return every id under which an incident about a subject may run."""
        if subject == self.device("facade"):
            return (subject, f"building-{self.grid}")
        return (subject,)

    def records(self) -> list[Record]:
        """Return what people entered about it."""
        return [
            Device(id=self.agent, agent=self.agent, heartbeat_s=self.beat_s),
            *(Device(id=one, agent=self.agent, place=one) for one in self.sensors),
            *(
                Checkpoint(id=one, grid=self.grid, place="garage", every_min=ROUND_MIN_MAX)
                for one in self._walked
            ),
            WatchEntry(
                id=f"watch-{self.grid}",
                person=WATCHED,
                reason="court order: keep away",
                approver=f"officer-1-{self.grid}",
                valid_to=self._start + _YEAR_MS,
            ),
        ]

    def said(self, facts: Sequence[Fact]) -> Iterator[Said]:
        """Yield everything that its devices say, in the order of time."""
        for midnight in range(self._start // DAY_MS * DAY_MS, self._until, DAY_MS):
            rng = dice(self._seed, self.id, midnight)
            said = [*self._passing(midnight, facts, rng), *self._counting(midnight, facts, rng)]
            said += self._rounds(midnight, facts, rng)
            for fact in facts:
                if midnight <= fact.at < midnight + DAY_MS:
                    said += self._tells(fact, rng)
            said = [one for one in said if one.device in self.sensors]
            said.sort(key=lambda one: (one.at, one.device))
            yield from (one for one in said if self._start < one.at < self._until)

    def _passing(self, midnight: int, facts: Sequence[Fact], rng: random.Random) -> Iterator[Said]:
        gap_ms = DAY_MS // PASSES_A_DAY
        for index in range(PASSES_A_DAY):
            at = midnight + index * gap_ms + rng.randrange(gap_ms - 60_000)
            if any(abs(at - fact.at) < MINUTE_MS for fact in facts):
                continue
            match = rng.choices((Match.RESIDENT, Match.VISITOR, Match.UNKNOWN), (8, 1, 1))[0]
            yield self._passes(at, match, inward=rng.getrandbits(1) == 1, quality=0.8)

    def _counting(self, midnight: int, facts: Sequence[Fact], rng: random.Random) -> Iterator[Said]:
        for at in range(midnight + 30_000, midnight + DAY_MS, COUNT_MS):
            on = [fact for fact in facts if fact.at <= at < fact.until]
            now = {fact.happening: (at - fact.at) / 60_000 for fact in on}
            density = rng.uniform(0.02, 0.3)
            if "crowds" in now:
                density = min(3.0, 0.4 + 0.35 * now["crowds"]) + rng.uniform(-0.05, 0.05)
            if "passes_by" in now:
                density = 2.4
            yield self._counts(at, "square", round(density, 2), blocked=False)
            blocked = "blocks_lane" in now or "unloads" in now
            yield self._counts(at, "lane", 0.0, blocked=blocked)

    def _rounds(self, midnight: int, facts: Sequence[Fact], rng: random.Random) -> Iterator[Said]:
        skipped = [fact for fact in facts if fact.happening == "skips_rounds"]
        for index in range(DAY_MS // ROUND_MS):
            at = midnight + index * ROUND_MS + rng.randrange(10 * MINUTE_MS)
            if not any(fact.at <= at < fact.until for fact in skipped):
                staff = f"property-1-{self.grid}"
                said = Patrol(at=at, checkpoint=self.checkpoint, staff=staff)
                yield Said(at, self.device("phone"), said)

    def _tells(self, fact: Fact, rng: random.Random) -> Iterator[Said]:
        if fact.happening in ("watchlisted", "looks_alike"):
            score = 0.74 if fact.happening == "watchlisted" else 0.41
            said = Gate(at=fact.at, match=Match.WATCHLIST, person=WATCHED, score=score, live=0.97,
                        quality=0.8, direction="in")  # fmt: skip
            yield Said(fact.at, self.device("gate"), said)
        if fact.happening in ("tailgates", "courier"):
            behind = 2_500 if fact.happening == "tailgates" else 25_000
            yield self._passes(fact.at - behind, Match.RESIDENT, inward=True, quality=0.9)
            yield self._passes(fact.at, Match.UNKNOWN, inward=True, quality=0.8)
            yield self._passes(fact.until, Match.UNKNOWN, inward=False, quality=0.8)
        if fact.happening in ("drops_object", "bird"):
            sure = 0.93 if fact.happening == "drops_object" else 0.22
            floor, column = rng.randrange(3, 18), rng.randrange(1, COLUMNS + 1)
            seen = Highrise(
                at=fact.at,
                building=f"building-{self.grid}",
                floor=floor,
                column=f"c{round(fact.by) or column}",
                t_fall_s=round((floor * 0.6) ** 0.5, 2),
                confidence=sure,
            )
            yield Said(fact.at, self.device("facade"), seen)

    def _passes(self, at: int, match: Match, *, inward: bool, quality: float) -> Said:
        score = 0.8 if match is Match.RESIDENT else 0.2
        said = Gate(
            at=at,
            match=match,
            score=score,
            quality=quality,
            live=0.98,
            direction="in" if inward else "out",
        )
        return Said(at, self.device("gate"), said)

    def _counts(self, at: int, what: str, density: float, *, blocked: bool) -> Said:
        flow = round(min(density, 1.2) * 20, 1)
        said = Crowd(
            at=at,
            zone=_ZONES[what],
            people=round(density * 200),
            density=max(0.0, density),
            in_per_min=flow,
            out_per_min=flow if density < 1 else round(flow / 20, 1),
            blocked=blocked,
        )
        return Said(at, self.device(what), said)
