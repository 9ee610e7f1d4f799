"""Whether what was expected of a scenario came, and what must not have come did not."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from sim.expected import ANY, Expectation, ScoreTable
from sim.scenarios import Scenario
from weinao.outcomes import Hazard, HealthScore, Incident, IncidentState, Phase, Risk


class Noticed(Struct, frozen=True):
    """A hazard as it was raised, and when the record that raised it was journalled."""

    hazard: Hazard
    at: int


class NoticedRisk(Struct, frozen=True):
    """A latent risk, and when the record that raised it was journalled."""

    risk: Risk
    at: int


class Came(Struct, frozen=True, kw_only=True):
    """Everything that the brain concluded of a story."""

    hazards: Sequence[Noticed] = ()
    incidents: Sequence[Incident] = ()
    risks: Sequence[NoticedRisk] = ()
    scores: Sequence[HealthScore] = ()


class Verdict(Struct, frozen=True):
    """One expectation, and whether it held.

    Attributes:
        told: The expectation and what came, in words.
    """

    told: str
    held: bool


def judge(scenario: Scenario, came: Came) -> list[Verdict]:
    """Hold a scenario's expectations against what came of it."""
    found: list[Verdict] = []
    for wanted in scenario.expect:
        count = _count(wanted, came, scenario.starts_at)
        held = count == wanted.count if wanted.count is not None else count > 0
        found.append(Verdict(f"{_words(wanted)}: {count}", held))
    for wanted in scenario.never:
        count = _count(wanted, came, scenario.starts_at)
        found.append(Verdict(f"never {_words(wanted)}: {count}", count == 0))
    return found


def _count(wanted: Expectation, came: Came, start: int) -> int:
    if wanted.score is not None:
        return _scored(wanted.score, came.scores)
    phase = wanted.phase or Phase.RAISED
    if wanted.hazard:
        return sum(
            _fits(wanted, one.hazard, one.at, start) and one.hazard.phase == phase
            for one in came.hazards
        )
    if wanted.risk:
        return sum(
            _fits(wanted, one.risk, one.at, start) and one.risk.phase == phase for one in came.risks
        )
    return sum(
        _fits(wanted, one, one.noticed_at, start) and wanted.state in _states(one)
        for one in came.incidents
    )


def _states(one: Incident) -> tuple[str, ...]:
    """Return what may be asked of an incident; what another took in counts only by that name."""
    return (one.state,) if one.state is IncidentState.MERGED else ("", one.state)


def _fits(
    wanted: Expectation, about: Hazard | Incident | Risk, noticed_at: int, start: int
) -> bool:
    at_s, noticed_s = (about.at - start) / 1_000, (noticed_at - start) / 1_000
    first, last = wanted.between_s or (float("-inf"), float("inf"))
    return (
        wanted.kind in (about.kind, ANY)
        and wanted.subject in ("", about.subject, about.household)
        and wanted.reason in ("", about.reason)
        and first <= at_s <= last
        and (wanted.noticed_s is None or noticed_s <= wanted.noticed_s)
    )


def _scored(wanted: ScoreTable, scores: Iterable[HealthScore]) -> int:
    own = {one.day: one for one in scores if one.subject == wanted.subject}
    found = own.get(wanted.day.isoformat())
    if found is None or wanted.reason not in ("", found.reason):
        return 0
    before = None
    if wanted.above_day is not None:
        earlier = own.get(wanted.above_day.isoformat())
        if earlier is None:
            return 0
        before = earlier.score
    low = wanted.above is None or found.score > wanted.above
    high = wanted.below is None or found.score < wanted.below
    return int(low and high and (before is None or found.score > before))


def _words(wanted: Expectation) -> str:
    if wanted.score is not None:
        return _score_words(wanted.score)
    what = next(name for name in ("hazard", "incident", "risk") if getattr(wanted, name))
    phase = f" {wanted.phase}" if wanted.phase else ""
    about = f" of {wanted.subject}" if wanted.subject else ""
    when = (
        f" between {wanted.between_s[0]:g} and {wanted.between_s[1]:g} s"
        if wanted.between_s
        else ""
    )
    count = f", exactly {wanted.count}" if wanted.count is not None else ""
    return f"{what} {wanted.kind}{phase}{about}{when}{count}"


def _score_words(wanted: ScoreTable) -> str:
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("above", wanted.above), ("below", wanted.below))
        if bound is not None
    ]
    bounds += [f"above that of {wanted.above_day}"] if wanted.above_day else []
    reason = f" for {wanted.reason}" if wanted.reason else ""
    return f"score of {wanted.subject} on {wanted.day} {' and '.join(bounds)}{reason}"
