"""Who is not well is seen by the community's brain; who is, now and then."""

import json

from hypothesis import given
from msgspec.structs import replace

from pipeline.brain.entries import Entry
from pipeline.columns.job import Answers, Worker
from pipeline.columns.settings import Community, problems
from tests.pipeline.bridge.made import BAD, JOB, START, message, payloads, registered
from tests.pipeline.community import GRID, RECORDS, Journal, run
from weinao import codec
from weinao.codec import Arrival
from weinao.messages import Pack, Registered, Vitals
from weinao.outcomes import Hazard, HazardKind, Incident
from weinao.registry import Consent, Device, Household, Resident

COMMUNITY = Community(
    community="demo",
    vitals={
        "hr_bpm": "hr", "spo2_pct": "spo2", "temp_c": "temp", "resp_per_min": "rr",
        "sbp_mmhg": "sbp", "battery_pct": "battery",
    },
)  # fmt: skip
PASSING = replace(JOB, community=COMMUNITY)
DEVICES = registered(4)
AT = int(START.timestamp() * 1_000)


def packs(answers: Answers) -> list[Pack]:
    found = []
    for topic, payload in answers.passed:
        got = codec.decode(topic, payload, received_at=AT + 10**7)
        assert isinstance(got, Arrival), got
        found.append(got.pack)
    return found


@given(payloads())
def test_every_reading_of_an_alert_is_passed_on_and_numbers_go_on_by_one(sent: list[bytes]) -> None:
    worker = Worker(PASSING, DEVICES)
    answers = [worker.answer(sent[start : start + 7]) for start in range(0, len(sent), 7)]

    passed = [pack for each in answers for pack in packs(each)]
    for device in DEVICES.number:
        seqs = [pack.seq for pack in passed if pack.device == device]
        assert seqs == [*range(1, len(seqs) + 1)]
    seen = {(pack.device, one.at) for pack in passed for one in pack.obs}
    for each in answers:
        for _, payload in each.alerts:
            alert = json.loads(payload)
            assert (alert["device"], alert["at"]) in seen


def test_of_who_is_well_one_reading_a_minute_is_passed_on() -> None:
    worker = Worker(PASSING, DEVICES)

    passed = [
        one
        for start in range(0, 600, 25)
        for pack in packs(worker.answer([message(1, n + 1, n) for n in range(start, start + 25)]))
        for one in pack.obs
        if isinstance(one, Vitals)
    ]

    assert [(one.at - AT) // 1_000 for one in passed] == [*range(0, 600, 60)]


def test_a_stranger_s_alert_becomes_an_incident_that_stays_open() -> None:
    journal = Journal(registered=False, at=AT)
    records = [
        *RECORDS,
        Household(id="home-9", building="b-1", agent="w-2"),
        Resident(id="res-2", household="home-9", consents=(Consent(purpose="health"),)),
        Device(id="w-2", agent="w-2", wearer="res-2"),
    ]
    for record in records:
        journal.say("loader", Registered(at=AT, record=record))
    worker = Worker(PASSING, DEVICES)
    for number in range(1, 8):
        for topic, payload in worker.answer([message(2, number, number * 20, **BAD)]).passed:
            ours = topic.replace("/g0/", f"/{GRID}/")
            got = codec.decode(ours, payload, received_at=AT + number * 20_000)
            assert isinstance(got, Arrival)
            entry = Entry(GRID, 10_000 + number, AT + number * 20_000, got)
            journal.entries.append(entry)

    values = [outcome.value for outcome in run(journal.entries)]

    kinds = {value.kind for value in values if isinstance(value, Hazard)}
    assert HazardKind.VITALS in kinds
    assert any(
        isinstance(value, Incident) and value.kind is HazardKind.VITALS and value.subject == "res-2"
        for value in values
    )


def test_what_names_what_there_is_not_is_refused_and_all_of_it_is_said() -> None:
    assert problems(PASSING) == []
    wrong = replace(
        JOB,
        community=replace(COMMUNITY, vitals={"pulse": "hr", "hr_bpm": "puls"}),
        window=replace(JOB.window, of=("hr", "height")),
        reading=replace(JOB.reading, form="pack"),
    )

    said = problems(wrong)

    assert said[0].startswith("window: no value 'height'")
    assert said[1].startswith("community: no value 'puls'")
    assert "no vital sign is called pulse" in said
    assert "no vital sign is called temp" in said
