"""What a brain must hand down where its journal is cut, in words that another brain understands.

A snapshot fits only the brain that made it. A bequest holds what any brain must know whose journal
begins here: what is registered, which numbers have come, the incidents, who was heard, what waits
for the time of its home, who was visited. It leaves out what rules remember: each learns again from
what is left.
"""

import zlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.grid import SNAPSHOT_VERSION, Snapshot
from pipeline.brain.homes import HomeClock
from pipeline.brain.identifying import IdentifyState
from pipeline.brain.liveness import LivenessState
from pipeline.brain.perceive.delivery import Delivered
from pipeline.brain.perceive.registered import key_of
from pipeline.brain.respond.calendar import CalendarState
from pipeline.brain.respond.causes import Matter, matter_of
from pipeline.brain.respond.desk import DeskState
from pipeline.brain.respond.docket import DocketState
from pipeline.brain.respond.lifecycle import OVER
from pipeline.brain.respond.visits import VisitsState
from weinao.outcomes import Incident
from weinao.registry import Record


class Bequest(Struct, frozen=True, kw_only=True):
    """What one grid's brain hands down.

    Its shape is a promise: a field may be added with a default, none may change its meaning; what
    an older version has left must be read by every newer one. So it is made of what wire and store
    know, as far as can be, and not of how a desk keeps it; a recorded one is read in a test.

    Attributes:
        offset: Where the journal is cut; what follows from it follows from this.
        stay: Which stay of the grid it was.
        here: Whether the grid lived in this flow.
        last: The position of its last outcome, if there was one.
        known: Whether its brain ever had an entry; if not, the rest is empty.
        incidents: Those that are open or can be reopened.
        active: For each matter, the incident that takes in further hazards about it.
        told: For each person, when notices were told them that count against their budget.
    """

    grid: str
    offset: int
    stay: int
    here: bool
    last: tuple[int, int] | None
    known: bool = False
    records: tuple[Record, ...] = ()
    delivered: dict[str, Delivered] = {}
    clocks: dict[str, HomeClock] = {}
    liveness: LivenessState = LivenessState()
    incidents: tuple[Incident, ...] = ()
    active: dict[Matter, str] = {}
    told: dict[str, tuple[int, ...]] = {}
    calendar: CalendarState = CalendarState()
    visits: VisitsState = VisitsState()


def bequest_of(
    snapshot: Snapshot | None,
    *,
    grid: str,
    offset: int,
    stay: int,
    here: bool,
    last: tuple[int, int] | None,
) -> Bequest:
    """Return what a brain hands down, as its snapshot has it."""
    if snapshot is None:
        return Bequest(grid=grid, offset=offset, stay=stay, here=here, last=last)
    return Bequest(
        grid=grid,
        offset=offset,
        stay=stay,
        here=here,
        last=last,
        known=True,
        records=tuple(snapshot.records.values()),
        delivered=snapshot.delivered,
        clocks=snapshot.identify.clocks,
        liveness=snapshot.liveness,
        incidents=tuple(snapshot.desk.docket.incidents.values()),
        active=snapshot.desk.docket.active,
        told=snapshot.desk.told,
        calendar=snapshot.calendar,
        # Which risks stand is a matter of rules, and they learn it again.
        visits=replace(snapshot.visits, risks={}),
    )


def snapshot_of(left: Bequest) -> Snapshot | None:
    """Return the snapshot of a brain that begins with a bequest."""
    if not left.known:
        return None
    return Snapshot(
        version=SNAPSHOT_VERSION,
        grid=left.grid,
        delivered=left.delivered,
        records={key_of(record): record for record in left.records},
        identify=IdentifyState(clocks=left.clocks, waiting=_waiting(left.clocks)),
        liveness=left.liveness,
        desk=_orphaned(left),
        calendar=left.calendar,
        visits=left.visits,
    )


class Told(Struct, frozen=True, kw_only=True):
    """What people were told of a grid by the brain that was here before, as the store has it.

    Attributes:
        upto: The position of its last outcome: what is concluded anew up to there, nobody hears.
        incidents: As they stood then: all that were open, and those that ended lately.
    """

    upto: tuple[int, int]
    incidents: dict[str, Incident] = {}


def adopted(own: Snapshot, told: Told) -> Snapshot:
    """Return a brain that has come to where another stopped: its rules, and the other's desk.

    What people were told, and what they answered, is history and no opinion: the store has it, and
    skips what is concluded anew of the same records. So the incidents are those that people know:
    none of them is lost, and none is opened twice. What this brain alone has found is kept if it
    still stands: nobody has heard of it.
    """
    docket = own.desk.docket
    named = {hazard for one in docket.incidents.values() for hazard in one.hazards}
    known = _silent(own.liveness) | named
    incidents = {name: _left(one, known) for name, one in told.incidents.items()}
    active = {matter_of(one): name for name, one in incidents.items() if one.state not in OVER}
    for matter, name in docket.active.items():
        found = docket.incidents[name]
        if name in incidents and found.state not in OVER and incidents[name].state not in OVER:
            active.setdefault(matter, name)  # it took in hazards of further kinds
        elif name not in incidents and found.standing and matter not in active:
            incidents[name], active[matter] = found, name
    for name, found in docket.incidents.items():
        if found.state in OVER:
            incidents.setdefault(name, found)
        elif name not in incidents and (heir := active.get(matter_of(found))):
            incidents[heir] = _heir(incidents[heir], found, incidents.values())
    desk = replace(own.desk, docket=DocketState(incidents, active))
    return replace(own, desk=desk)


def encode(left: Bequest) -> bytes:
    """Return the bytes of a bequest."""
    return zlib.compress(msgspec.msgpack.encode(left), 1)


def decode(data: bytes) -> Bequest:
    """Return the bequest that some version of a brain has left.

    Raises:
        msgspec.DecodeError: It is none that this version can read.
    """
    try:
        return _DECODER.decode(zlib.decompress(data))
    except zlib.error as error:
        raise msgspec.DecodeError(str(error)) from error


def _orphaned(left: Bequest) -> DeskState:
    """Return a desk whose hazards no rule knows any more, so that none will ever say: over.

    Its incidents stay open, for people to end. What still is dangerous is raised again, and joins.
    Silence alone is still known of: who was heard is handed down.
    """
    silent = _silent(left.liveness)
    incidents = {one.id: _left(one, silent) for one in left.incidents}
    return DeskState(docket=DocketState(incidents, left.active), told=left.told)


def _waiting(clocks: dict[str, HomeClock]) -> dict[str, int]:
    found = {place: clock.waiting for place, clock in clocks.items() if clock.runs}
    since = {place: min(seen.received_at for seen in found[place]) for place in found}
    return dict(sorted(since.items(), key=lambda it: it[1]))


def _silent(liveness: LivenessState) -> set[str]:
    return {one.raised.id for one in liveness.heard.values() if one.raised is not None}


def _heir(heir: Incident, found: Incident, all_of_them: Iterable[Incident]) -> Incident:
    """Return an incident that answers for the hazards of one that nobody has heard of, too."""
    taken = {hazard for one in all_of_them for hazard in one.hazards}
    more = tuple(hazard for hazard in found.hazards if hazard not in taken)
    return replace(heir, hazards=(*heir.hazards, *more))


def _left(incident: Incident, known: set[str]) -> Incident:
    return replace(incident, standing=tuple(one for one in incident.standing if one in known))


_DECODER = msgspec.msgpack.Decoder(Bequest)
