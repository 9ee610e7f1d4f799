"""Report: a resident says by phone that something is wrong, and every report is answered for.

What sensors see of the same thing is the same incident: the desk puts the two together.
"""

from collections.abc import Sequence

from msgspec import Struct

from pipeline.brain.identify.bounds import SeverityName
from pipeline.brain.perceive.seen import Seen
from weinao.ids import derived
from weinao.messages import Report
from weinao.outcomes import Hazard, HazardKind, Phase, Severity


class Categories(Struct, frozen=True, kw_only=True):
    """How grave a report of each category is. Ours: who calls about danger to life is believed."""

    fire: SeverityName = "critical"
    gas: SeverityName = "critical"
    help: SeverityName = "critical"
    missing: SeverityName = "critical"
    leak: SeverityName = "major"
    falling_object: SeverityName = "major"
    fire_lane: SeverityName = "major"
    stranger: SeverityName = "major"
    other: SeverityName = "minor"

    def of(self, category: str) -> Severity:
        """Return the severity of a category; what is none of these is `other`."""
        known = category if category in self.__struct_fields__ else "other"
        return Severity[str(getattr(self, known)).upper()]


class ReportState(Struct, frozen=True):
    """A report stands by itself: nothing is remembered of those before."""


class Reported(Struct, frozen=True, kw_only=True):
    """Raise for every report of a resident; people say when it is over.

    Args:
        severities: How grave each category is.

    References:
        Ours: who calls about danger to life is believed until somebody has looked.
    """

    name: str = "report"
    ordered: bool = False
    communal: bool = False
    severities: Categories = Categories()

    def subject_of(self, seen: Seen) -> str | None:
        return seen.device if isinstance(seen.observation, Report) else None

    def initial(self, subject: str, household: str) -> ReportState:  # noqa: ARG002  # nothing known
        return ReportState()

    def observe(self, state: ReportState, seen: Seen) -> tuple[ReportState, Sequence[Hazard]]:
        said = seen.observation
        if not isinstance(said, Report):
            return state, ()
        at_home = said.place in ("", seen.household)
        hazard = Hazard(
            id=derived("h", HazardKind.REPORT, seen.id),
            kind=HazardKind.REPORT,
            phase=Phase.RAISED,
            subject=said.place or seen.household or seen.device,
            household=seen.household if at_home else "",
            at=seen.at,
            severity=self.severities.of(said.category),
            evidence=(seen.id,),
            reason="report.told",
            facts={
                "category": said.category,
                "place": said.place or seen.household,
                "reporter": seen.resident.id if seen.resident else "",
            },
        )
        return state, (hazard,)

    def pass_time(self, state: ReportState, at: int) -> tuple[ReportState, Sequence[Hazard]]:  # noqa: ARG002  # no time ends it
        return state, ()

    def lose_sight(self, state: ReportState, at: int) -> ReportState:  # noqa: ARG002  # as above
        return state
