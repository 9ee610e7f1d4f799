"""What must have followed, held against what did: nothing lost, nothing twice, everything found.

Pure: who reads truth, outboxes and store hands them over as values.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from statistics import median

from msgspec import Struct

from sim.verdict import Noticed
from weinao.outcomes import Incident, IncidentState, Kept, Loss, Phase

Sender = tuple[str, str]
"""Device and boot."""

Pack = tuple[str, str, int]
"""Device, boot and number."""


class Expected(Struct, frozen=True, kw_only=True):
    """Something that happened, and the incident that has to follow.

    Attributes:
        at: When it happened, milliseconds UTC.
        kind: Of its hazard; the incident may have further causes, and the name of a graver one.
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

    Where evidence tells, it is every incident that names it; where only time does, that of the
    nearest hazard.

    Attributes:
        noticed_at: When the record that raised its hazard reached the journal.
    """

    expected: Expected
    incidents: tuple[Incident, ...]
    noticed_at: int | None = None

    @property
    def delay_s(self) -> float | None:
        """From the happening until its record reached the journal."""
        if self.noticed_at is None or not self.expected.recent:
            return None
        return max(0.0, (self.noticed_at - self.expected.at) / 1_000)


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
    noticed: Sequence[Noticed],
    incidents: Sequence[Incident],
    expected: Sequence[Expected],
) -> Audit:
    """Hold what was sent and what happened against what is stored.

    Args:
        issued: For each device and boot, the highest number an outbox gave out.
        waiting: Packs that are in an outbox still; they are neither sent nor lost.
        kept: All observations in the store.
        losses: The loss ledger.
        noticed: All hazards, each with when it was noticed.
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
    # What another incident took in is that other's.
    incidents = [one for one in incidents if one.state is not IncidentState.MERGED]
    findings = _match(expected, incidents, noticed)
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


def _match(
    expected: Sequence[Expected], incidents: Sequence[Incident], noticed: Sequence[Noticed]
) -> tuple[Finding, ...]:
    """Give each expectation its incidents; a hazard that only time connects answers one only."""
    of_hazard = {hazard: incident for incident in incidents for hazard in incident.hazards}
    raised = [one for one in noticed if one.hazard.phase is Phase.RAISED]
    taken: set[str] = set()
    findings = []
    for one in sorted(expected, key=lambda e: (not e.evidence, e.at)):
        if one.evidence:
            findings.append(_told(one, incidents, raised))
            continue
        near = _nearest(one, [it for it in raised if it.hazard.id in {*of_hazard} - taken])
        if near is None:
            findings.append(Finding(expected=one, incidents=()))
            continue
        taken.add(near.hazard.id)
        answers = (of_hazard[near.hazard.id],)
        findings.append(Finding(expected=one, incidents=answers, noticed_at=near.at))
    return tuple(findings)


def _told(one: Expected, incidents: Sequence[Incident], raised: Sequence[Noticed]) -> Finding:
    """Return the incidents that name an observation, and when a hazard first did."""
    answers = tuple(it for it in incidents if _names(it.evidence, one.evidence))
    at = (it.at for it in raised if _names(it.hazard.evidence, one.evidence))
    first = answers[0].noticed_at if answers else None
    return Finding(expected=one, incidents=answers, noticed_at=min(at, default=first))


def _names(evidence: Sequence[str], prefix: str) -> bool:
    return any(seen.startswith(prefix) for seen in evidence)


def _nearest(one: Expected, raised: Sequence[Noticed]) -> Noticed | None:
    near = [
        it
        for it in raised
        if it.hazard.kind == one.kind
        and {it.hazard.subject, it.hazard.household} & set(one.about)
        and abs(it.hazard.at - one.at) <= one.within_s * 1_000
    ]
    return min(near, key=lambda it: abs(it.hazard.at - one.at), default=None)
