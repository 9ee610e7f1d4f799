"""A brain that begins where the journal was cut knows what people know, and loses none of it."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from pipeline import journal as journals_on_disk
from pipeline.brain import bequest
from pipeline.brain.bequest import Told
from pipeline.brain.entries import Entry, Tick
from pipeline.brain.respond.lifecycle import OVER
from pipeline.brain.rules import RULES
from pipeline.flow.bequests import BequestError, Bequests, beginning, seats_at
from pipeline.flow.mind import Mind
from pipeline.flow.plain import Checkpoint, PlainRunner
from pipeline.flow.seat import SeatState
from pipeline.flow.steps import marked
from pipeline.journal import JournalGoneError, JournalReader, JournalWriter
from tests.pipeline.community import GRID, RECORDS, START, Journal, journals
from weinao import codec, topics
from weinao.codec import Arrival
from weinao.messages import Action, Feedback, Home, Registered, Sensor, Visit
from weinao.outage import Outage
from weinao.outcomes import DueVisit, Incident, IncidentState, Outcome, Rejected
from weinao.registry import Device

MIND = Mind(grids=frozenset({GRID}), rules=RULES)
SEGMENT = 2_000
HOUR = 3_600_000


def write(folder: Path, entries: list[Entry]) -> None:
    writer = JournalWriter(folder, segment_bytes_max=SEGMENT)
    for entry in entries:
        if isinstance(entry.item, Tick):
            writer.append(topics.tick("demo"), b"", received_at=entry.received_at)
        elif isinstance(entry.item, Arrival):
            payload = codec.encode(entry.item.pack)
            writer.append(topics.path(entry.item.topic), payload, received_at=entry.received_at)
        writer.commit()
    writer.close()


def kept(folder: Path) -> Bequests:
    return Bequests(folder, Outage(structlog.get_logger(), "bequests", lambda: 0))


def run(
    folder: Path, resume: Checkpoint | None = None, mind: Mind = MIND
) -> tuple[list[Outcome], Checkpoint]:
    found: list[Outcome] = []
    loop = PlainRunner(mind, found.extend, resume, leave=kept(folder).keep)
    reader = JournalReader(folder, resume.offset if resume else None)
    while records := reader.read(5):
        loop.take(marked(records, reader))
    return [one for one in found if one.grid == GRID], loop.checkpoint(reader.offset)


def incidents(outcomes: list[Outcome]) -> dict[str, Incident]:
    return {one.value.id: one.value for one in outcomes if isinstance(one.value, Incident)}


def told(outcomes: list[Outcome]) -> Told:
    return Told(upto=outcomes[-1].position, incidents=incidents(outcomes))


def cut(folder: Path, base: int) -> None:
    for one in journals_on_disk.segments(folder):
        if one < base:
            journals_on_disk.remove(folder, one)


def another(folder: Path, before: list[Outcome], mind: Mind = MIND) -> Checkpoint:
    """Return where a brain begins that has another's word, and the store's."""
    begins = beginning(folder)
    seats = seats_at(folder, begins)
    if before:
        seat = seats.get(GRID) or SeatState(grid=GRID, stay=0, here=mind.begins_here(GRID))
        seats[GRID] = msgspec.structs.replace(seat, told=told(before))
    return Checkpoint(begins, seats)


def new_in_store(before: list[Outcome], after: list[Outcome]) -> list[Outcome]:
    upto = before[-1].position if before else (-1, -1)
    return [one for one in after if one.position > upto]


@given(journals(), st.data())
@limits(max_examples=40)
def test_another_brain_answers_for_every_incident_that_people_know_and_opens_none_twice(
    story: list[Entry], data: st.DataObject
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, story)
        before, _ = run(folder)
        bases = journals_on_disk.segments(folder)
        cut(folder, data.draw(st.sampled_from(bases), label="begins"))
        open_before = {k: v for k, v in incidents(before).items() if v.state not in OVER}
        late = [Entry(GRID, 0, story[-1].received_at + 40 * HOUR, Tick())]
        write(folder, late)

        after, _ = run(folder, another(folder, before))

    store = incidents(before + new_in_store(before, after))
    new = [one.value for one in new_in_store(before, after) if isinstance(one.value, Incident)]
    assert {one.id for one in new} >= {*open_before}, "each was chased when its time had come"
    # A hazard that was open is not opened once more under another name.
    known = {hazard: name for name, one in incidents(before).items() for hazard in one.hazards}
    for one in new:
        if one.id not in open_before and one.state not in OVER:
            assert not [h for h in one.hazards if known.get(h) in open_before]
    about = [(one.kind, one.subject) for one in store.values() if one.state not in OVER]
    assert len(about) == len({*about})


@given(journals(), st.integers(1, 9))
@limits(max_examples=25)
def test_leaving_word_changes_no_conclusion(story: list[Entry], batch: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, story)
        expected: list[Outcome] = []
        loop, reader = PlainRunner(MIND, expected.extend), JournalReader(folder)
        while records := reader.read(batch):
            loop.take(records)

        found, _ = run(folder)

    assert found == [one for one in expected if one.grid == GRID]


@given(journals())
@limits(max_examples=25)
def test_what_is_handed_down_is_read_as_it_was_meant(story: list[Entry]) -> None:
    with TemporaryDirectory() as name:
        write(Path(name), story)
        _, stood = run(Path(name))
    seat = stood.seats[GRID]
    assert seat.brain is not None

    left = bequest.bequest_of(seat.brain, grid=GRID, offset=7, stay=0, here=True, last=seat.last)
    read = bequest.decode(bequest.encode(left))

    assert read == left
    again = bequest.snapshot_of(read)
    assert again is not None
    kept_as_it_was = ("records", "delivered", "liveness", "calendar")
    assert [getattr(again, it) for it in kept_as_it_was] == [
        getattr(seat.brain, it) for it in kept_as_it_was
    ]
    assert again.identify.clocks == seat.brain.identify.clocks
    assert {*again.identify.waiting} == {*seat.brain.identify.waiting}


def test_what_the_first_version_has_left_is_read_by_this_one() -> None:
    left = bequest.decode((Path(__file__).parent / "bequest_v1.msgpack.z").read_bytes())

    again = bequest.snapshot_of(left)

    assert again is not None
    assert len(again.records) == len(RECORDS)
    assert {*again.delivered} == {"registry/loader", "button-1", "agent-1", "pir-1"}
    [one] = again.desk.docket.incidents.values()
    assert (one.kind, one.state, one.subject) == ("sos", IncidentState.DISPATCHED, "home-1")
    assert again.desk.docket.active == {("sos", "home-1"): one.id}
    waits = again.identify.clocks["home-1"].runs
    assert [len(run.items) for run in waits] == [1], "it waits for its time"
    assert again.liveness.heard["agent-1"].at == START + 5_000


def test_who_begins_late_still_knows_who_lives_where_and_finds_the_next_danger(
    tmp_path: Path,
) -> None:
    story = Journal()
    for minute in range(60):
        story.tick(START + minute * 60_000)
    write(tmp_path, story.entries)
    run(tmp_path)
    cut(tmp_path, max(journals_on_disk.segments(tmp_path)))
    assert journals_on_disk.oldest(tmp_path) > story.entries[len(story.entries) // 2].offset
    late = Journal(registered=False, at=START + HOUR)
    late.say("button-1", Home(at=START + HOUR, sensor=Sensor.SOS, value=1.0))
    write(tmp_path, late.entries)

    found, _ = run(tmp_path, another(tmp_path, []))

    assert not [one for one in found if isinstance(one.value, Rejected)]
    assert [one.kind for one in incidents(found).values() if one.subject == "home-1"] == ["sos"]


def test_an_open_incident_whose_beginning_was_trimmed_can_be_answered_and_ended(
    tmp_path: Path,
) -> None:
    story = Journal()
    story.say("button-1", Home(at=START + 1_000, sensor=Sensor.SOS, value=1.0))
    for second in range(2, 60):
        story.tick(START + second * 1_000)
    write(tmp_path, story.entries)
    before, _ = run(tmp_path)
    [sos] = [one for one in incidents(before).values() if one.kind == "sos"]
    cut(tmp_path, max(journals_on_disk.segments(tmp_path)))
    answers = Journal(registered=False, at=START + 60_000)
    for who, action in (
        ("daughter-1", Action.ACCEPT),
        ("daughter-1", Action.RESOLVE),
        ("head-1", Action.VERIFY),  # nobody verifies what they resolved
    ):
        said = Feedback(at=answers.now + 1_000, incident=sos.id, actor=who, action=action)
        answers.say("phone-1", said)
    write(tmp_path, answers.entries)

    after, _ = run(tmp_path, another(tmp_path, before))

    new = incidents(new_in_store(before, after))
    assert new[sos.id].state is IncidentState.CLOSED
    assert [one.id for one in new.values() if one.kind == "sos"] == [sos.id]


def test_a_hazard_that_goes_on_joins_the_incident_that_another_brain_has_opened(
    tmp_path: Path,
) -> None:
    story = Journal()
    story.say("smoke-1", Home(at=START + 1_000, sensor=Sensor.SMOKE, value=1.0))
    for second in range(2, 60):
        story.tick(START + second * 1_000)
    write(tmp_path, story.entries)
    before, _ = run(tmp_path)
    [smoke] = [one for one in incidents(before).values() if one.kind == "smoke"]
    cut(tmp_path, max(journals_on_disk.segments(tmp_path)))
    more = Journal(registered=False, at=START + 60_000)
    more.say("smoke-1", Home(at=START + 61_000, sensor=Sensor.SMOKE, value=1.0), boot="00000002-b")
    write(tmp_path, more.entries)

    after, _ = run(tmp_path, another(tmp_path, before))

    found = [one.id for one in incidents(after).values() if one.kind == "smoke"]
    assert set(found) <= {smoke.id}


def test_who_was_visited_before_the_journal_was_cut_is_not_due_for_it(tmp_path: Path) -> None:
    story = Journal()
    portal = Device(id="portal", agent="portal")
    story.say("loader", Registered(at=START, record=portal))
    seen = Visit(at=START, entry="e-1", household="home-1", staff="head-1", found="well")
    story.say("portal", seen)
    for second in range(60):
        story.tick(START + second * 1_000)
    write(tmp_path, story.entries)
    before, _ = run(tmp_path)
    cut(tmp_path, max(journals_on_disk.segments(tmp_path)))
    write(tmp_path, [Entry(GRID, 0, START + HOUR, Tick())])

    after, _ = run(tmp_path, another(tmp_path, before))

    dues = [one.value for one in before if isinstance(one.value, DueVisit)]
    assert [one.last_at for one in dues if one.household == "home-1"] == [START]
    assert not [one for one in after if isinstance(one.value, DueVisit)]


def test_what_a_disk_refuses_is_no_place_to_begin(tmp_path: Path) -> None:
    story = Journal()
    write(tmp_path, story.entries)
    (tmp_path / "bequests").write_text("in the way")

    found, _ = run(tmp_path)

    assert found
    assert journals_on_disk.oldest(tmp_path) == beginning(tmp_path) == 0


def test_a_journal_cut_where_nobody_left_word_is_said_so_and_read_from_its_oldest_record(
    tmp_path: Path,
) -> None:
    write(tmp_path, Journal().entries)
    last = max(journals_on_disk.segments(tmp_path))
    cut(tmp_path, last)

    with structlog.testing.capture_logs() as said:
        begins = beginning(tmp_path)
        seats = seats_at(tmp_path, begins, structlog.get_logger())

    assert (begins, seats) == (last, {})
    assert [line["event"] for line in said] == ["journal.begins_late"]


def test_a_bequest_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, Journal().entries)
    run(tmp_path)
    last = max(journals_on_disk.segments(tmp_path))
    cut(tmp_path, last)
    [file] = (tmp_path / "bequests" / f"{last:020d}").iterdir()
    file.write_bytes(b"\xc1")

    with pytest.raises(BequestError, match=file.name):
        seats_at(tmp_path, last)


def test_who_asks_for_what_was_trimmed_is_told_where_the_journal_begins(tmp_path: Path) -> None:
    write(tmp_path, Journal().entries)
    last = max(journals_on_disk.segments(tmp_path))
    cut(tmp_path, last)

    with pytest.raises(JournalGoneError, match=str(last)):
        JournalReader(tmp_path, 0).read(1)
    assert JournalReader(tmp_path).read(1)[0].offset == last


def test_a_segment_that_goes_while_it_is_about_to_be_read_is_said_to_be_gone(
    tmp_path: Path,
) -> None:
    write(tmp_path, Journal().entries)
    reader = JournalReader(tmp_path)
    first, second, *_ = journals_on_disk.segments(tmp_path)
    while reader.offset < second:
        reader.read(1)
    shutil.copytree(tmp_path, copy := tmp_path.with_name("copy"))
    for base in (first, second):
        journals_on_disk.remove(tmp_path, base)

    with pytest.raises(JournalGoneError):
        reader.read(1)
    assert JournalReader(copy, second).read(1)
