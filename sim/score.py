"""How well the brain did on a simulated community, held against what is true in it. Pure.

An expectation is found when a hazard of its kind about its subject was raised, dated within its
bound, and stands in an incident. An incident is false when no fact, not even an optional one,
explains any of its hazards. A delay runs from when the news could leave the home until the record
that raised the hazard was journalled.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from sim.verdict import Noticed
from sim.world.truth import Fact
from weinao.messages import Action
from weinao.outcomes import Incident, IncidentState, Notice, Phase

EARLY_MS = 900_000
"""A hazard may be dated so much before its fact: a silence begins with what came before it."""

_OVER = (IncidentState.CLOSED, IncidentState.FALSE_ALARM, IncidentState.MERGED)


class KindScore(Struct, frozen=True, kw_only=True):
    """How well one kind of danger was found; None where there was nothing to find.

    Attributes:
        delay_s_max_allowed: The longest that the truth allows.
    """

    recall: float | None
    precision: float | None
    expected: int
    found: int
    false: int
    delay_s_p50: float | None
    delay_s_p95: float | None
    delay_s_max_allowed: float | None


class Score(Struct, frozen=True, kw_only=True):
    """The whole account.

    Attributes:
        lost: Observations that were sent and are neither stored nor named.
        duplicated: Observations that stand twice, and hazards that stand in two incidents.
        within_deadline_share: Of all times that somebody was asked, those not let pass.
    """

    acute_recall: float | None
    acute_precision: float | None
    false_acute_per_home_day: float
    delay_s_p50: float | None
    delay_s_p95: float | None
    lost: int
    duplicated: int
    notices_per_person_step_max: int
    open_without_deadline: int
    within_deadline_share: float | None
    by_kind: dict[str, KindScore]


class Match(Struct, frozen=True):
    """A fact and when it was noticed; None if it never was."""

    fact: Fact
    noticed_at: int | None

    @property
    def delay_s(self) -> float:
        """Seconds until it was noticed."""
        assert self.noticed_at is not None
        return max(0.0, (self.noticed_at - self.fact.told_at) / 1_000)


def score(
    *,
    facts: Sequence[Fact],
    home_days: float,
    noticed: Iterable[Noticed],
    incidents: Sequence[Incident],
    notices: Iterable[Notice],
    lost: int,
    repeated: int,
) -> Score:
    """Hold what was concluded against what is true.

    Args:
        facts: Everything that befell somebody.
        home_days: Homes times days.
        noticed: Hazards as they were raised.
        incidents: As they stand at the end.
        notices: All of them.
        lost: Observations neither stored nor named.
        repeated: Observations that stand twice.
    """
    raised = [one for one in noticed if one.hazard.phase is Phase.RAISED]
    incidents = _standing(incidents)
    causes = Counter(hazard for one in incidents for hazard in one.hazards)
    by_kind = _grouped(raised)
    matches = [_match(fact, by_kind.get(fact.kind, ()), causes) for fact in facts if fact.kind]
    wanted = [one for one in matches if not one.fact.optional]
    explained = {one.hazard.id for one in raised if _explained(one, facts)}
    false = Counter(one.kind.value for one in incidents if not explained.intersection(one.hazards))
    opened = Counter(one.kind.value for one in incidents)
    delays = [one.delay_s for one in wanted if one.noticed_at is not None]
    kinds = sorted({one.fact.kind for one in wanted} | set(opened))
    return Score(
        acute_recall=_share(len(delays), len(wanted)),
        acute_precision=_share(len(incidents) - false.total(), len(incidents)),
        false_acute_per_home_day=round(false.total() / home_days, 5),
        delay_s_p50=_percentile(delays, 0.5),
        delay_s_p95=_percentile(delays, 0.95),
        lost=lost,
        duplicated=repeated + sum(count > 1 for count in causes.values()),
        notices_per_person_step_max=_told_most(notices),
        open_without_deadline=sum(
            one.state not in _OVER and one.due_at is None for one in incidents
        ),
        within_deadline_share=_within_deadline(incidents),
        by_kind={
            kind: _kind_score(
                [one for one in wanted if one.fact.kind == kind], opened[kind], false[kind]
            )
            for kind in kinds
        },
    )


def unexplained(
    facts: Sequence[Fact], noticed: Iterable[Noticed], incidents: Iterable[Incident]
) -> list[Incident]:
    """Return the incidents that nothing in the truth explains."""
    explained = {one.hazard.id for one in noticed if _explained(one, facts)}
    return [one for one in _standing(incidents) if not explained.intersection(one.hazards)]


def missed(
    facts: Iterable[Fact], noticed: Iterable[Noticed], incidents: Iterable[Incident]
) -> list[Fact]:
    """Return the facts that should have been noticed and were not."""
    raised = _grouped([one for one in noticed if one.hazard.phase is Phase.RAISED])
    causes = Counter(hazard for one in _standing(incidents) for hazard in one.hazards)
    wanted = [fact for fact in facts if fact.kind and not fact.optional]
    return [
        fact
        for fact in wanted
        if _match(fact, raised.get(fact.kind, ()), causes).noticed_at is None
    ]


def _standing(incidents: Iterable[Incident]) -> list[Incident]:
    """Return incidents without those that another took in: what is in them is that other's."""
    return [one for one in incidents if one.state is not IncidentState.MERGED]


def _grouped(raised: Iterable[Noticed]) -> dict[str, list[Noticed]]:
    found: dict[str, list[Noticed]] = {}
    for one in raised:
        found.setdefault(one.hazard.kind.value, []).append(one)
    return found


def _match(fact: Fact, raised: Sequence[Noticed], causes: Mapping[str, int]) -> Match:
    latest = fact.at + round(fact.allowed_s * 1_000)
    fitting = [
        one.at
        for one in raised
        if one.hazard.id in causes
        and fact.at - EARLY_MS <= one.hazard.at <= latest
        and {one.hazard.subject, one.hazard.household} & set(fact.about)
    ]
    return Match(fact, min(fitting, default=None))


def _explained(one: Noticed, facts: Sequence[Fact]) -> bool:
    return any(
        fact.kind == one.hazard.kind
        and fact.at - EARLY_MS
        <= one.hazard.at
        <= max(fact.until, fact.at) + round(fact.allowed_s * 1_000)
        and {one.hazard.subject, one.hazard.household} & set(fact.about)
        for fact in facts
    )


def _kind_score(wanted: Sequence[Match], opened: int, false: int) -> KindScore:
    delays = [one.delay_s for one in wanted if one.noticed_at is not None]
    return KindScore(
        recall=_share(len(delays), len(wanted)),
        precision=_share(opened - false, opened),
        expected=len(wanted),
        found=len(delays),
        false=false,
        delay_s_p50=_percentile(delays, 0.5),
        delay_s_p95=_percentile(delays, 0.95),
        delay_s_max_allowed=max((one.fact.allowed_s for one in wanted), default=None),
    )


def _told_most(notices: Iterable[Notice]) -> int:
    told = Counter((one.incident, one.recipient, one.step) for one in notices)
    return max(told.values(), default=0)


def _within_deadline(incidents: Iterable[Incident]) -> float | None:
    asked = passed = 0
    for one in incidents:
        for step in one.steps:
            asked += step.action is Action.DISPATCH
            passed += step.action is Action.DECLINE and step.actor == "brain"
    return _share(asked - passed, asked)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that so many others do not exceed (nearest rank)."""
    if not values:
        return None
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], 1)
