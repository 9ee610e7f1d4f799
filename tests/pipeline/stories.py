"""Stories of a small grid, told to a whole brain, and what it concluded of them."""

from hypothesis import strategies as st

from pipeline.brain.grid import GridBrain
from pipeline.brain.respond.policy import Policy
from pipeline.brain.rules import RULES
from tests.pipeline.community import AGREED, GRID, RECORDS, START, Journal
from weinao.messages import (
    Action,
    Feedback,
    Home,
    Motion,
    MotionEvent,
    Receipt,
    Registered,
    Report,
    Sensor,
    Status,
    Vitals,
)
from weinao.outcomes import (
    AnyOutcome,
    Command,
    HazardKind,
    Incident,
    Outcome,
)
from weinao.registry import Contact, Device, Household, Record, Resident, Role, Staff

S, MIN, H = 1_000, 60_000, 3_600_000
NIGHT = START - 8 * H + 2 * H  # 02:00 local of the day whose 08:00 is START
MORE: tuple[Record, ...] = (
    Device(id="valve-1", agent="agent-1", household="home-1", does=("close_gas_valve",)),
    Device(id="siren-1", agent="agent-1", household="home-1", does=("sound_siren", "lights_on")),
    Device(id="gas-1", agent="agent-1", household="home-1", room="kitchen"),
    Device(id="phone-2", agent="agent-2", wearer="resident-2"),
    Device(id="portal", agent="portal"),
)


def brain(policy: Policy | None = None) -> GridBrain:
    return GridBrain(GRID, RULES, policy=policy)


def journal(*records: Record, at: int = START) -> Journal:
    made = Journal(registered=False, at=at)
    for record in (*RECORDS, *MORE, *records):
        made.say("loader", Registered(at=at, record=record))
    return made


def concluded(made: Journal, policy: Policy | None = None) -> list[Outcome]:
    return brain(policy).observe(made.entries)


def of(outcomes: list[Outcome], kind: type) -> list[AnyOutcome]:
    return [one.value for one in outcomes if isinstance(one.value, kind)]


def standing(outcomes: list[Outcome]) -> list[Incident]:
    return list({one.id: one for one in of(outcomes, Incident)}.values())


def about(outcomes: list[Outcome], kind: HazardKind) -> list[Incident]:
    return [one for one in standing(outcomes) if one.kind is kind]


def sos(made: Journal, at: int, button: str = "button-1") -> None:
    made.say(button, Home(at=at, sensor=Sensor.SOS, value=1))


def says(made: Journal, at: int, incident: Incident, actor: str, action: Action, **more) -> None:
    said = Feedback(at=at, incident=incident.id, actor=actor, action=action, **more)
    made.say("phone-1", said)


def handled(made: Journal, at: int, incident: Incident) -> None:
    says(made, at, incident, "head-1", Action.ACCEPT)
    says(made, at + S, incident, "head-1", Action.RESOLVE)
    says(made, at + 2 * S, incident, "property-1", Action.VERIFY)


ASLEEP: tuple[Record, ...] = (
    Staff(id="head-1", role=Role.GRID_HEAD, shift_from_min=480, shift_until_min=1_080),
    Staff(id="property-1", role=Role.PROPERTY, shift_from_min=480, shift_until_min=1_080),
)


def low_pulse(made: Journal, day: int, hr_bpm: float) -> None:
    at = START + day * 24 * H
    made.say("clip-1", Vitals(at=at, hr_bpm=hr_bpm))
    made.say("agent-1", Status(at=at + S, complete_to=at + S))


def warm_homes(
    count: int, temp_c: float = 31.0, *more: Record, at: int = START, quarters: int = 6
) -> Journal:
    """Return a story of homes that are as warm for so many quarters of an hour."""
    records = [
        record
        for n in range(10, 10 + count)
        for record in (
            Household(id=f"home-{n}", building="b-1", agent=f"agent-{n}"),
            Device(id=f"agent-{n}", agent=f"agent-{n}", household=f"home-{n}"),
            Device(id=f"warm-{n}", agent=f"agent-{n}", household=f"home-{n}", room="bedroom"),
            Resident(
                id=f"elder-{n}",
                household=f"home-{n}",
                birth_year=1940,
                consents=AGREED,
                contacts=(Contact(id=f"child-{n}"),),
            ),
        )
    ]
    made = journal(*records, *more, at=at)
    for n in range(10, 10 + count):
        warms(made, n, at, temp_c, quarters=quarters)
    return made


def warms(made: Journal, home: int, at: int, temp_c: float, *, quarters: int = 6) -> None:
    for quarter in range(quarters):
        seen_at = at + quarter * 15 * MIN
        made.say(f"warm-{home}", Home(at=seen_at, sensor=Sensor.TEMPERATURE, value=temp_c))
        made.say(f"agent-{home}", Status(at=seen_at + S, complete_to=seen_at + S))


@st.composite
def histories(draw: st.DrawFn) -> Journal:
    """Draw a story with every way in which an incident can move, and long silences in between."""
    shifts = draw(st.sampled_from([(0, 1_440), (480, 1_080), (1_320, 360)]))
    team = [
        Staff(id="head-1", role=Role.GRID_HEAD, shift_from_min=shifts[0], shift_until_min=shifts[1],
              deputy=draw(st.sampled_from(["", "property-1", "nobody"]))),
        Staff(id="property-1", role=Role.PROPERTY, valid_to=draw(st.sampled_from([None, START]))),
    ]  # fmt: skip
    made = journal(*team)
    seen, shown, at = brain(), 0, START
    outcomes: list[Outcome] = []
    for _ in range(draw(st.integers(1, 30))):
        at += draw(st.sampled_from([0, S, 20 * S, 2 * MIN, 40 * MIN, 9 * H]))
        what = draw(st.integers(0, 9))
        if what == 0:
            sos(made, at)
        elif what == 1:
            sensor = draw(st.sampled_from([Sensor.SMOKE, Sensor.GAS]))
            device = "smoke-1" if sensor is Sensor.SMOKE else "gas-1"
            made.say(device, Home(at=at, sensor=sensor, value=draw(st.sampled_from([0.0, 1.0]))))
        elif what == 2:
            event = draw(st.sampled_from([MotionEvent.FALL, MotionEvent.IMMOBILE]))
            made.say("band-1", Motion(at=at, event=event, confidence=0.9, still_s=60))
        elif what == 3:
            agent = draw(st.sampled_from(["agent-1", "agent-2"]))
            made.say(agent, Status(at=at, complete_to=at, sensors={"smoke-1": at}))
        elif what == 4:
            category = draw(st.sampled_from(["fire", "leak", "noise", "help"]))
            place = draw(st.sampled_from(["", "home-1", "b-1"]))
            made.say("phone-2", Report(at=at, category=category, place=place))
        elif what == 5 and (commands := of(outcomes, Command)):
            command = draw(st.sampled_from(commands))
            made.say("agent-1", Receipt(at=at, command=command.id, ok=draw(st.booleans())))
        elif what <= 7:
            outcomes += seen.observe(made.entries[shown:])
            shown = len(made.entries)
            if incidents := standing(outcomes):
                incident = draw(st.sampled_from(incidents))
                actor = draw(
                    st.sampled_from([incident.assignee or "head-1", "daughter-1", "property-1"])
                )
                action = draw(st.sampled_from(Action))
                rating = draw(st.sampled_from([None, 4]))
                says(made, at, incident, actor, action, rating=rating)
        else:
            made.tick(at)
    return made
