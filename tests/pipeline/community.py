"""A small grid for tests: two homes, three residents, a team; and journals about it."""

from collections.abc import Sequence

from hypothesis import strategies as st

from pipeline.brain.entries import Entry, Tick
from pipeline.brain.grid import GridBrain
from pipeline.brain.rules import RULES
from weinao import codec, topics
from weinao.codec import Arrival
from weinao.messages import (
    Action,
    AnyObservation,
    Feedback,
    Home,
    Motion,
    MotionEvent,
    Pack,
    Registered,
    Sensor,
    Status,
)
from weinao.outcomes import Incident, Outcome, Rejected
from weinao.registry import (
    Consent,
    Contact,
    Device,
    Grid,
    Household,
    Record,
    Resident,
    Role,
    Staff,
)

GRID = "grid-1"
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z

AGREED = (Consent(purpose="health"), Consent(purpose="home"))

RECORDS: tuple[Record, ...] = (
    Grid(id=GRID, community="demo"),
    Household(id="home-1", building="b-1", agent="agent-1"),
    Household(id="home-2", building="b-1", agent="agent-2"),
    Resident(
        id="resident-1",
        household="home-1",
        birth_year=1940,
        consents=AGREED,
        contacts=(Contact(id="daughter-1"), Contact(id="son-1")),
    ),
    Resident(
        id="resident-2", household="home-2", consents=AGREED, contacts=(Contact(id="daughter-2"),)
    ),
    Resident(id="resident-3", household="home-2", consents=AGREED),
    Staff(id="head-1", role=Role.GRID_HEAD),
    Staff(id="property-1", role=Role.PROPERTY),
    Device(id="agent-1", agent="agent-1", household="home-1", heartbeat_s=10),
    Device(id="agent-2", agent="agent-2", household="home-2", heartbeat_s=10),
    Device(id="band-1", agent="agent-1", wearer="resident-1"),
    Device(id="band-2", agent="agent-2", wearer="resident-2"),
    Device(id="button-1", agent="agent-1", household="home-1", room="bedroom"),
    Device(id="smoke-1", agent="agent-1", household="home-1", room="kitchen", heartbeat_s=60),
    Device(id="pir-1", agent="agent-1", household="home-1", room="bedroom"),
    Device(id="pir-2", agent="agent-1", household="home-1", room="kitchen"),
)


class Journal:
    """Builds the entries of one grid, with numbers, offsets and times as the real ones have."""

    def __init__(self, *, registered: bool = True, at: int = START) -> None:
        self.entries: list[Entry] = []
        self._seqs: dict[str, int] = {}
        self._now = at
        if registered:
            for record in RECORDS:
                self.say("loader", Registered(at=START, record=record))

    def say(self, device: str, *said: AnyObservation, boot: str = "00000001-a") -> Pack:
        """Append a pack of a device."""
        seq = self._seqs[device] = self._seqs.get(device, 0) + 1
        pack = Pack(v=1, device=device, boot=boot, seq=seq, sent=self._now, obs=said)
        self.send(pack)
        return pack

    def send(self, pack: Pack) -> None:
        """Append a pack as it is."""
        said = pack.obs[0] if pack.obs else None
        if isinstance(said, Registered):
            kind = str(said.record.__struct_config__.tag)
            topic = topics.registry("demo", GRID, kind, said.record.id)
        elif isinstance(said, Feedback):
            topic = topics.feedback("demo", GRID, said.incident)
        else:
            kind = str(said.__struct_config__.tag) if said else "thinned"
            topic = topics.up("demo", GRID, kind, pack.device)
        self._now = max([self._now, *(seen.at for seen in pack.obs)])
        item = codec.decode(topic, codec.encode(pack), received_at=self._now)
        self._append(item)

    @property
    def now(self) -> int:
        """When the last entry reached the journal."""
        return self._now

    def tick(self, at: int) -> None:
        """Let the community's clock reach `at`."""
        self._now = max(self._now, at)
        self._append(Tick())

    def _append(self, item: Arrival | Tick | Rejected) -> None:
        self.entries.append(Entry(GRID, 100 * len(self.entries), self._now, item))


def run(entries: Sequence[Entry], brain: GridBrain | None = None) -> list[Outcome]:
    """Show entries to a brain, a new one unless given."""
    return (brain or GridBrain(GRID, RULES)).observe(entries)


_SAYINGS = st.one_of(
    st.tuples(st.just("button-1"), st.just(Sensor.SOS), st.just(1.0)),
    st.tuples(st.just("smoke-1"), st.just(Sensor.SMOKE), st.sampled_from([0.0, 1.0])),
    st.tuples(st.sampled_from(["pir-1", "pir-2"]), st.just(Sensor.PIR), st.just(1.0)),
)


@st.composite
def journals(draw: st.DrawFn) -> list[Entry]:
    """Draw a story of a grid: sensors, falls, heartbeats, ticks, answers, and packs sent twice."""
    journal = Journal()
    at = START
    sent: list[Pack] = []
    brain, shown = GridBrain(GRID, RULES), 0
    outcomes: list[Outcome] = []
    for _ in range(draw(st.integers(0, 40))):
        at += draw(st.integers(0, 90_000))
        seen_at = at - draw(st.sampled_from([0, 0, 0, 1_000, 60_000]))
        what = draw(st.integers(0, 9))
        if what <= 3:
            device, sensor, value = draw(_SAYINGS)
            sent.append(journal.say(device, Home(at=seen_at, sensor=sensor, value=value)))
        elif what == 4:
            band = draw(st.sampled_from(["band-1", "band-2"]))
            event = draw(st.sampled_from(MotionEvent))
            sent.append(journal.say(band, Motion(at=seen_at, event=event, confidence=0.9)))
        elif what == 5:
            agent = draw(st.sampled_from(["agent-1", "agent-2"]))
            journal.say(agent, Status(at=at, complete_to=seen_at, sensors={"smoke-1": seen_at}))
        elif what == 6:
            journal.tick(at)
        elif what == 7 and sent:
            journal.send(draw(st.sampled_from(sent)))
        else:
            outcomes += run(journal.entries[shown:], brain)
            shown = len(journal.entries)
            found = {o.value.id for o in outcomes if isinstance(o.value, Incident)}
            _answer(journal, sorted(found), at, draw)
    return journal.entries


def _answer(journal: Journal, incidents: list[str], at: int, draw: st.DrawFn) -> None:
    if incidents:
        incident = draw(st.sampled_from(incidents))
        actor = draw(st.sampled_from(["daughter-1", "son-1", "head-1", "property-1", "stranger"]))
        action = draw(st.sampled_from(Action))
        journal.say("phone-1", Feedback(at=at, incident=incident, actor=actor, action=action))
