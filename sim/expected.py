"""What a scenario expects: a hazard, an incident, a latent risk, or a day's health score."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from weinao.outcomes import HazardKind, IncidentState, Phase, RiskKind

ANY = "any"
"""Any kind of incident: that there is exactly one says that nobody was told twice."""


class ScoreTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A health score of one resident and local day.

    Attributes:
        below, above: Between what it lies, 0 to 100, both ends left out.
        above_day: It is higher than that of this earlier day.
        reason: The key of the message that goes with it; empty for any.
    """

    subject: str
    day: date
    below: float | None = None
    above: float | None = None
    above_day: date | None = None
    reason: str = ""


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must follow, one of four things; in `never`, what must not.

    Attributes:
        hazard, risk: A kind that came to `phase`.
        incident: A kind that was opened; `any` for every kind.
        score: A health score.
        between_s: When it became true in the world, seconds since the story began.
        count: How many exactly; None for at least one.
        noticed_s: When the brain has to have noticed, at the latest.
        phase: Of a hazard or risk; empty for `raised`.
        reason: Of a hazard or risk, the key of its message; empty for any.
        state: Where the incident has to stand at the end.
    """

    hazard: str = ""
    incident: str = ""
    risk: str = ""
    score: ScoreTable | None = None
    subject: str = ""
    between_s: tuple[float, float] | None = None
    count: int | None = None
    noticed_s: float | None = None
    phase: str = ""
    reason: str = ""
    state: str = ""

    @property
    def kind(self) -> str:
        """What it is about; empty for a score."""
        return self.hazard or self.incident or self.risk


def senseless(name: str, wanted: Sequence[Expectation], days: Sequence[date]) -> list[str]:
    """Return what is wrong with the tables of one name.

    Args:
        name: `expect` or `never`.
        wanted: The tables.
        days: The local days that the story touches.
    """
    return [
        f"{name} {index + 1}: {problem}"
        for index, one in enumerate(wanted)
        for problem in _problems(name, one, days)
    ]


_HAZARDS = frozenset(HazardKind)
_KNOWN: dict[str, frozenset[str]] = {
    "hazard": _HAZARDS,
    "incident": _HAZARDS | {ANY},
    "risk": frozenset(RiskKind),
}
_PHASES: dict[str, frozenset[str]] = {
    "hazard": frozenset(Phase),
    "risk": frozenset({Phase.RAISED, Phase.CLEARED}),
}


def _problems(name: str, one: Expectation, days: Sequence[date]) -> list[str]:
    given = [what for what in ("hazard", "incident", "risk", "score") if getattr(one, what)]
    if len(given) != 1:
        return [f"expected one of hazard, incident, risk, score; got {', '.join(given) or 'none'}"]
    what, problems = given[0], list[str]()
    if one.score is not None:
        problems += _of_score(one, one.score, days)
    elif one.kind not in _KNOWN[what]:
        problems.append(f"kind {one.kind}, expected one of {', '.join(sorted(_KNOWN[what]))}")
    if one.phase and one.phase not in _PHASES.get(what, ()):
        known = ", ".join(sorted(_PHASES.get(what, ()))) or "none"
        problems.append(f"phase {one.phase} of {what}, expected one of: {known}")
    if one.state and (what != "incident" or one.state not in frozenset(IncidentState)):
        problems.append(f"state {one.state} of {what}, expected an incident's")
    if one.reason and what not in _PHASES:
        problems.append(f"reason {one.reason} of {what}, expected a hazard's or a risk's")
    if one.between_s is not None and one.between_s[0] > one.between_s[1]:
        problems.append(f"between_s {one.between_s[0]:g} to {one.between_s[1]:g} is never")
    if name == "never" and one.count is not None:
        problems.append("count: never is none at all")
    return problems


def _of_score(one: Expectation, score: ScoreTable, days: Sequence[date]) -> list[str]:
    problems = [
        f"score: no day {day} in this story"
        for day in (score.day, score.above_day)
        if day is not None and day not in days
    ]
    if score.below is None and score.above is None and score.above_day is None:
        problems.append("score: expected below, above or above_day")
    if score.below is not None and score.above is not None and score.above >= score.below:
        problems.append(f"score: nothing is above {score.above:g} and below {score.below:g}")
    if score.above_day is not None and score.above_day >= score.day:
        problems.append("score: above_day has to be earlier than day")
    ignored = ("subject", "between_s", "count", "noticed_s")
    problems += [
        f"{key}: a score has none beside its table"
        for key in ignored
        if getattr(one, key) not in ("", None)
    ]
    return problems
