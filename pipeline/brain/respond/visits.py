"""Visits (入户走访): by when staff should look in on each home, and why.

    a record, a tag that runs out -> all homes, with the next tick
    a visit made                  -> its home: so many days from then
    a risk that stands or passes  -> the homes it is about: in half the time, or again in the whole

What is due is said when it changes, and not each day. Where nobody has been yet, somebody should go
at once.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from weinao.ids import derived
from weinao.messages import Visit
from weinao.outcomes import DueVisit, Phase, Risk
from weinao.registry import Resident

_DAY_MS = 86_400_000
_NEVER = 2**62


class VisitsState(Struct, frozen=True):
    """What is remembered of visits.

    Attributes:
        met: For each home, when somebody was last met there.
        risks: Those that stand, by id.
        dues: What was said last of each home.
    """

    met: dict[str, int] = {}
    risks: dict[str, Risk] = {}
    dues: dict[str, DueVisit] = {}


class Visits:
    """The visits that one grid should make.

    Args:
        every_days: How often, by tag; `default` for who has none of these.
        resume: What was remembered earlier.
    """

    def __init__(self, every_days: Mapping[str, int], resume: VisitsState) -> None:
        self._every_days = every_days
        self._met, self._risks = dict(resume.met), dict(resume.risks)
        self._dues = dict(resume.dues)
        self._changes_at = 0

    def snapshot(self) -> VisitsState:
        """Return all that is remembered; what comes later does not change it."""
        return VisitsState(dict(self._met), dict(self._risks), dict(self._dues))

    def entered(self) -> None:
        """Note that the registry has changed: what follows from it follows with the next tick."""
        self._changes_at = 0

    def made(self, said: Visit, known: Registered, now: int) -> Iterator[DueVisit]:
        """Take in that somebody was there; `not_home` is no meeting."""
        if said.found != "not_home":
            self._met[said.household] = max(said.at, self._met.get(said.household, 0))
            yield from self._reckon([said.household], known, now)

    def stands(self, risk: Risk, known: Registered, now: int) -> Iterator[DueVisit]:
        """Take in what became of a risk."""
        if risk.phase is Phase.CLEARED:
            self._risks.pop(risk.id, None)
        else:
            self._risks[risk.id] = risk
        resident = known.resident(risk.subject)
        homes = (risk.household, risk.subject, resident.household if resident else "")
        yield from self._reckon([home for home in dict.fromkeys(homes) if home], known, now)

    def pass_time(self, known: Registered, now: int) -> Iterator[DueVisit]:
        """The community's clock has reached `now`."""
        if now < self._changes_at:
            return
        homes = [home.id for home in known.households]
        gone = sorted(self._dues.keys() - set(homes))
        yield from self._reckon([*homes, *gone], known, now)
        ends = (
            grant.valid_to
            for living in known.residents_of.values()
            for who in living
            for grant in who.tags
            if grant.valid_to is not None and grant.valid_to > now
        )
        self._changes_at = min(ends, default=_NEVER)

    def _reckon(self, homes: Iterable[str], known: Registered, now: int) -> Iterator[DueVisit]:
        for home in homes:
            before, due = self._dues.get(home), self._due(home, known, now)
            if due is not None and (before is None or replace(due, at=before.at) != before):
                self._dues[home] = due
                yield due

    def _due(self, home: str, known: Registered, now: int) -> DueVisit | None:
        """Return what is due of a home; None where that is nothing, and nothing was."""
        before = self._dues.get(home)
        living = known.residents_of.get(home, ()) if known.household(home) else ()
        if not living and before is None:
            return None
        tags = [tag for who in living for tag in _tags(who, now)]
        about = {home, *(who.id for who in living)}
        stand = [one.kind for one in self._risks.values() if {one.subject, one.household} & about]
        met_at, days = self._met.get(home), self._days(tags)
        if stand:
            days = max(1, days // 2)
        return DueVisit(
            id=derived("v", home),
            household=home,
            at=now,
            why=tuple(dict.fromkeys((*tags, *(f"risk:{kind}" for kind in stand)))),
            last_at=met_at,
            due_at=self._due_at(before, met_at, days, now) if living else None,
        )

    def _due_at(self, before: DueVisit | None, met_at: int | None, days: int, now: int) -> int:
        if met_at is not None:
            return met_at + days * _DAY_MS
        return before.due_at if before is not None and before.due_at is not None else now

    def _days(self, tags: Iterable[str]) -> int:
        every = self._every_days
        groups = (tag.partition(":")[0] for tag in tags)
        return min([every["default"], *(every[one] for one in groups if one in every)])


def _tags(resident: Resident, now: int) -> list[str]:
    return [one.tag for one in resident.tags if one.valid_to is None or now < one.valid_to]
