"""What must have followed, held against what did: nothing lost, nothing twice, everything found.

Pure: who reads truth, outboxes and store hands them over as values.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from statistics import median

from msgspec import Struct

from weinao.outcomes import Incident, Kept, Loss

Sender = tuple[str, str]
"""Device and boot."""

Pack = tuple[str, str, int]
"""Device, boot and number."""


class Expected(Struct, frozen=True, kw_only=True):
    """Something that happened, and the incident that has to follow.

    Attributes:
        at: When it happened, milliseconds UTC.
        kind: Of the incident.
        about: Ids that the incident may be about: a resident, a home, a device.
        evidence: Prefix of the observation that tells of it; empty where silence does.
        recent: Happened in front of us, so that its delay means something.
        within_s: How far in time an incident without evidence may be from it.
    """

    at: int
    kind: str
    about: tuple[str, ...]
    evidence: str = ""
    recent: bool = True
    within_s: float = 600.0


class Finding(Struct, frozen=True, kw_only=True):
    """One expectation and the incidents that answer it: there should be one.

    Where evidence tells, it is every incident that names it; where only time does, the nearest.
    """

    expected: Expected
    incidents: tuple[Incident, ...]

    @property
    def delay_s(self) -> float | None:
        """From the happening until its record reached the journal."""
        if not self.incidents or not self.expected.recent:
            return None
        return max(0.0, (self.incidents[0].noticed_at - self.expected.at) / 1_000)


class Audit(Struct, frozen=True, kw_only=True):
    """The whole account.

    Attributes:
        sent: Packs that agents made durable and handed over.
        stored: Of those, how many the store has.
        thinned: Of those, how many an agent gave up by name.
        lost: Neither stored nor named.
        duplicated: Observations that stand in the store more than once.
        torn: Hazards that stand in more than one incident.
        unexpected: Incidents that nothing in the truth explains.
    """

    sent: int
    stored: int
    thinned: int
    lost: tuple[Pack, ...]
    duplicated: tuple[str, ...]
    torn: tuple[str, ...]
    findings: tuple[Finding, ...]
    unexpected: tuple[Incident, ...]

    @property
    def found(self) -> int:
        """How many expectations at least one incident answers."""
        return sum(bool(finding.incidents) for finding in self.findings)

    @property
    def incidents_duplicated(self) -> int:
        """How many incidents there are too many of one cause."""
        answers = sum(max(0, len(finding.incidents) - 1) for finding in self.findings)
        return answers + len(self.torn)

    @property
    def delay_s_median(self) -> float | None:
        """Of what happened in front of us."""
        delays = [finding.delay_s for finding in self.findings if finding.delay_s is not None]
        return median(delays) if delays else None

    @property
    def missed(self) -> tuple[Expected, ...]:
        """What happened in front of us and led to nothing; recordings may be missed."""
        return tuple(
            one.expected for one in self.findings if one.expected.recent and not one.incidents
        )

    @property
    def sound(self) -> bool:
        """Nothing was lost, nothing counts twice, and nothing happened in vain."""
        twice = self.duplicated or self.incidents_duplicated
        return not (self.lost or twice or self.missed)


def audit(
    *,
    issued: Mapping[Sender, int],
    waiting: AbstractSet[Pack],
    kept: Iterable[Kept],
    losses: Iterable[Loss],
    incidents: Sequence[Incident],
    expected: Sequence[Expected],
) -> Audit:
    """Hold what was sent and what happened against what is stored.

    Args:
        issued: For each device and boot, the highest number an outbox gave out.
        waiting: Packs that are in an outbox still; they are neither sent nor lost.
        kept: All observations in the store.
        losses: The loss ledger.
        incidents: All incidents, as they stand.
        expected: What happened.
    """
    ids = Counter(one.id for one in kept)
    packs = {_pack(one) for one in ids}
    thinned = {
        (loss.device, loss.boot, number)
        for loss in losses
        if loss.state == "thinned"
        for number in range(loss.first, loss.last + 1)
    }
    made = ((d, b, number) for (d, b), last in issued.items() for number in range(1, last + 1))
    sent = [pack for pack in made if pack not in waiting]
    findings = _match(expected, incidents)
    causes = Counter(hazard for incident in incidents for hazard in incident.hazards)
    explained = {found.id for finding in findings for found in finding.incidents}
    return Audit(
        sent=len(sent),
        stored=sum(pack in packs for pack in sent),
        thinned=sum(pack in thinned for pack in sent),
        lost=tuple(pack for pack in sent if pack not in packs and pack not in thinned),
        duplicated=tuple(one for one, count in ids.items() if count > 1),
        torn=tuple(hazard for hazard, count in causes.items() if count > 1),
        findings=findings,
        unexpected=tuple(found for found in incidents if found.id not in explained),
    )


def _pack(observation: str) -> Pack:
    device, boot, place = observation.rsplit(":", 2)
    return device, boot, int(place.split(".")[0])


def _match(expected: Sequence[Expected], incidents: Sequence[Incident]) -> tuple[Finding, ...]:
    """Give each expectation its incidents; one that only time connects answers one only."""
    taken: set[str] = set()
    findings = []
    for one in sorted(expected, key=lambda e: (not e.evidence, e.at)):
        answers = _answers(one, [found for found in incidents if found.id not in taken])
        if not one.evidence:
            taken.update(answer.id for answer in answers)
        findings.append(Finding(expected=one, incidents=answers))
    return tuple(findings)


def _answers(one: Expected, incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    ours = [incident for incident in incidents if incident.kind == one.kind]
    if one.evidence:
        return tuple(
            incident
            for incident in ours
            if any(seen.startswith(one.evidence) for seen in incident.evidence)
        )
    near = [
        incident
        for incident in ours
        if {incident.subject, incident.household} & set(one.about)
        and abs(incident.at - one.at) <= one.within_s * 1_000
    ]
    return tuple(sorted(near, key=lambda incident: abs(incident.at - one.at))[:1])
