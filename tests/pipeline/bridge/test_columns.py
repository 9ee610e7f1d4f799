"""A job done in columns comes to what plain code comes to, however the messages come in lots."""

import json
import pickle
from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns.job import Answers, Worker, spoken
from pipeline.columns.moved import moved
from pipeline.columns.people import Devices, PeopleError, read
from pipeline.columns.settings import Job
from tests.pipeline.bridge import plainly
from tests.pipeline.bridge.made import BAD, HEAD, JOB, START, message, payloads, registered
from weinao.settings import SettingsError, from_table

DEVICES = registered(4)
NAMES = [*DEVICES.number]
END = message(3, 5_000, 3_000)
"""So late that every stretch before it closes."""


def told(worker: Worker, lots: Sequence[Sequence[bytes]]) -> dict[str, object]:
    made = [worker.answer(lot) for lot in lots]
    return {
        "dead": sum(len(each.dead) for each in made),
        "rows": [row for each in made for row in _rows(each)],
        "alerts": [
            (said["device"], said["seq"], said["score"])
            for each in made
            for said in (json.loads(payload) for _, payload in each.alerts)
        ],
        "means": {
            (NAMES[device], means.start // 1_000_000): (count, *values)
            for each in made
            for means in each.means
            for device, count, *values in zip(
                means.device, means.count, *means.values.values(), strict=True
            )
        },
    }


def _rows(answers: Answers) -> list[tuple[str, int, int]]:
    readings = answers.readings
    return [
        (NAMES[device], int(number), int(score))
        for device, number, score in zip(
            readings.device, readings.number, answers.points, strict=True
        )
    ]


def lots(sent: Sequence[bytes], cuts: Sequence[int]) -> list[Sequence[bytes]]:
    ends = sorted({min(cut, len(sent)) for cut in cuts} | {len(sent)})
    return [sent[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@given(payloads(), st.lists(st.integers(0, 60), max_size=6))
def test_columns_come_to_what_plain_code_comes_to(sent: list[bytes], cuts: list[int]) -> None:
    expected = plainly.answers([*sent, END], JOB, DEVICES)
    got = told(Worker(JOB, DEVICES), [*lots(sent, cuts), [END]])

    assert got["dead"] == expected["dead"]
    assert got["rows"] == expected["rows"]
    assert got["alerts"] == expected["alerts"]
    del expected["means"][("w-3", int(START.timestamp()) + 3_000)]  # open still
    assert got["means"].keys() == expected["means"].keys()  # type: ignore[attr-defined]
    for key, mean in expected["means"].items():
        assert got["means"][key] == pytest.approx(mean)  # type: ignore[index]


@given(payloads(), st.integers(0, 60), st.booleans())
def test_who_goes_on_from_a_memory_says_what_one_who_never_stopped_says(
    sent: list[bytes], cut: int, reordered: bool
) -> None:
    never = Worker(JOB, DEVICES)
    first = told(never, [sent[:cut]])
    rest = told(never, [sent[cut:], [END]])

    stopped = Worker(JOB, DEVICES)
    assert told(stopped, [sent[:cut]]) == first
    memory = pickle.loads(pickle.dumps(stopped.memory()))
    devices = DEVICES
    if reordered:
        devices = Devices(
            {name: place for place, name in enumerate(reversed(NAMES))},
            DEVICES.rows[::-1],
            DEVICES.settings,
        )
        there = moved(memory, NAMES, NAMES[::-1])
        memory = moved(there, NAMES[::-1], NAMES)
        assert msgspec.to_builtins(
            moved(memory, NAMES, NAMES[::-1]), enc_hook=np.ndarray.tolist
        ) == msgspec.to_builtins(there, enc_hook=np.ndarray.tolist)
    assert told(Worker(JOB, DEVICES, memory), [sent[cut:], [END]]) == rest
    assert len(devices.rows) == len(NAMES)


def test_who_has_moved_out_is_forgotten_and_who_moved_in_begins_anew() -> None:
    worker = Worker(JOB, DEVICES)
    worker.answer([message(n, 1, 0) for n in range(4)] + [message(1, 5, 1)])
    others = registered(5, "w-{}")
    names = ["w-4", "w-1", "new"]
    kept = moved(worker.memory(), NAMES, names).copies

    assert kept.last.tolist() == [0, 6, 0]  # numbers are counted from 1 in there
    assert [*kept.gaps] == [1]
    assert len(others.rows) == 5


def test_a_device_that_counts_anew_is_believed_and_a_copy_is_not() -> None:
    worker = Worker(JOB, DEVICES)
    worker.answer([message(1, n, n) for n in range(1, 50)])

    assert worker.answer([message(1, 3, 3)]).copies == 1
    again = worker.answer([message(1, 1, 60), message(1, 2, 61), message(1, 2, 61)])
    assert [*again.readings.number] == [1, 2]
    assert again.copies == 1


def test_a_first_number_may_be_any_even_nought() -> None:
    worker = Worker(JOB, DEVICES)

    first = worker.answer([message(1, 0, 0), message(2, 7_000, 0), message(2, 6_999, 0.5)])

    assert [*first.readings.number] == [0, 7_000, 6_999]
    assert worker.answer([message(2, 7_001, 1), message(2, 7_000, 0)]).copies == 1


def test_who_skips_about_for_ever_is_remembered_in_little() -> None:
    worker = Worker(JOB, DEVICES)
    for number in range(1, 5_000, 2):
        assert len(worker.answer([message(1, number, number)]).readings) == 1

    assert len(worker.memory().copies.gaps[1].above) <= 1_000


def test_what_comes_after_its_stretch_has_closed_is_stored_and_not_averaged() -> None:
    worker = Worker(JOB, DEVICES)
    worker.answer([message(1, 1, 30), message(1, 2, 90)])

    late = worker.answer([message(2, 1, 40), message(2, 2, 80)])

    assert len(late.readings) == 2
    closing = worker.answer([message(1, 3, 500)])
    assert [(m.start // 1_000_000, [*m.device], [*m.count]) for m in closing.means] == [
        (int(START.timestamp()) + 60, [1, 2], [1, 1])
    ]


def test_an_alert_says_who_where_and_whom_to_tell_under_an_id_that_it_always_has() -> None:
    sent = [message(2, n, n, **BAD) for n in range(1, 4)]

    [(topic, payload)] = Worker(JOB, DEVICES).answer(sent).alerts
    again = Worker(JOB, DEVICES).answer(sent).alerts

    said = json.loads(payload)
    assert topic == "c1/alerts/g0"
    assert said["family"] == "tel:2"
    assert said["resident"] == "res-2"
    assert said["at"] == int(START.timestamp() + 3) * 1_000
    assert [(topic, payload)] == again


def test_means_are_told_by_message_where_there_is_no_database() -> None:
    worker = Worker(JOB, DEVICES)
    answers = worker.answer([message(0, 1, 0), message(1, 1, 1), message(1, 2, 75)])

    told = [message for means in answers.means for message in spoken(JOB, DEVICES, means)]

    assert [topic for topic, _ in told] == ["c1/windows/g0", "c1/windows/g1"]
    assert json.loads(told[1][1])["hr"] == 70
    assert datetime.fromtimestamp(json.loads(told[1][1])["start"], START.tzinfo) == START


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["device,grid"], "no column age_band, family_contact, resident_id, tags"),
        ([HEAD, "w-1,r,,65,g,t", "w-1,r,,65,g,t"], "line 3: w-1 is there twice"),
        ([HEAD, "w-1,r"], "line 2: expected 6 columns"),
        ([], "there are none"),
    ],
)
def test_a_file_of_people_that_cannot_be_used_is_refused(lines: list[str], why: str) -> None:
    with pytest.raises(PeopleError, match=why):
        read(lines, JOB.people)


def test_settings_name_every_problem() -> None:
    with pytest.raises(SettingsError, match="dead_topic: missing"):
        from_table({"topic": "a/b"}, Job, "bridge.toml")
