"""Reminders come when they are due and not yet done; test alarms once a month, and are answered."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.respond.calendar import drill_day
from pipeline.brain.respond.policy import Policy
from tests.pipeline.stories import MIN, brain, journal, of
from weinao.messages import Action, Feedback, Home, Sensor, Vitals
from weinao.outcomes import Kept, Notice, Outcome, Reason, Rejected
from weinao.registry import Consent, Contact, Device, Reminder, Resident

H, DAY = 3_600_000, 86_400_000
EIGHT = 1_767_225_600_000  # 2026-01-01T08:00 in China
AGREED = (Consent(purpose="health"), Consent(purpose="home"))
PILL = Reminder(what="medicine", at_min=8 * 60 + 30, text="降压药")
WEAR = Reminder(what="wear", at_min=8 * 60 + 30)


def her(*reminders: Reminder, channels: tuple[str, ...] = ("sms:1",), **more) -> Resident:
    return Resident(
        id="resident-1", household="home-1", consents=AGREED, reminders=reminders,
        channels=channels, contacts=(Contact(id="daughter-1", channels=("sms:2",)),), **more,
    )  # fmt: skip


def day(*records, said=(), hours: float = 2, start: int = EIGHT) -> list[Outcome]:
    made = journal(*records, at=start)
    made.tick(start)
    for device, seen in said:
        made.say(device, seen)
    for minute in range(1, round(hours * 60) + 1):
        made.tick(start + minute * MIN)
    return brain().observe(made.entries)


def reminders(outcomes: list[Outcome]) -> list[Notice]:
    return [one for one in of(outcomes, Notice) if one.step.startswith("reminder.")]


def test_a_reminder_comes_at_its_minute_once_to_herself() -> None:
    [told] = reminders(day(her(PILL)))

    assert (told.recipient, told.channels, told.incident) == ("resident-1", ("sms:1",), "")
    assert told.at == EIGHT + 30 * MIN
    assert (told.reason, told.facts) == ("reminder.medicine.text", {"text": "降压药"})


def test_who_has_no_channel_is_reminded_by_the_family_but_never_at_night() -> None:
    night = Reminder(what="medicine", at_min=23 * 60)

    by_day = reminders(day(her(PILL, channels=())))
    by_night = reminders(day(her(night, channels=()), start=EIGHT + 14 * H))

    assert [one.recipient for one in by_day] == ["daughter-1"]
    assert by_night == []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("medicine", ("box-1", Home(at=EIGHT + 5 * MIN, sensor=Sensor.MEDICINE, value=1.0))),
        ("wear", ("band-1", Vitals(at=EIGHT + 20 * MIN, hr_bpm=70.0, worn=True))),
        ("charge", ("band-1", Vitals(at=EIGHT + 20 * MIN, hr_bpm=70.0, battery_pct=90.0))),
    ],
)
def test_what_is_done_already_needs_no_reminder(what: str, said: tuple) -> None:
    box = Device(id="box-1", agent="agent-1", household="home-1")
    due = Reminder(what=what, at_min=8 * 60 + 30)

    assert len(reminders(day(box, her(due)))) == 1
    assert reminders(day(box, her(due), said=[said])) == []


def test_weekdays_are_those_of_the_local_calendar() -> None:
    thursday = Reminder(what="medicine", at_min=8 * 60 + 30, weekdays=(4,))
    friday = Reminder(what="medicine", at_min=8 * 60 + 30, weekdays=(5,))

    assert len(reminders(day(her(thursday)))) == 1  # 2026-01-01 is a Thursday
    assert reminders(day(her(friday))) == []


@given(st.lists(st.integers(1, 600), min_size=1, max_size=60))
def test_however_the_clock_ticks_nobody_is_reminded_twice(pauses_s: list[int]) -> None:
    made, at = journal(her(PILL, WEAR), at=EIGHT), EIGHT
    made.tick(at)
    for pause_s in pauses_s:
        at += pause_s * 1_000
        made.tick(at)

    told = reminders(brain().observe(made.entries))

    due = at >= EIGHT + 30 * MIN
    assert sorted(one.step.split(".")[1] for one in told) == (["medicine", "wear"] if due else [])


def month(*records, policy: Policy | None = None) -> tuple[list[Outcome], int]:
    """Let January pass at ten o'clock, and return what followed, and when the home's day was."""
    made = journal(*records, at=EIGHT)
    for n in range(31):
        ten = EIGHT + n * DAY + 2 * H
        made.tick(ten - MIN)
        made.tick(ten)
    return brain(policy).observe(made.entries), EIGHT + (drill_day("home-1") - 1) * DAY + 2 * H


def drills(outcomes: list[Outcome]) -> list[Notice]:
    return [one for one in of(outcomes, Notice) if one.step.startswith("drill.")]


def test_each_family_is_tested_once_a_month_on_a_day_of_its_own() -> None:
    outcomes, at = month(her())

    [told] = drills(outcomes)

    assert (told.recipient, told.step, told.at) == ("daughter-1", "drill.2026-01", at)
    assert drills(month(her(), policy=Policy(drills=False))[0]) == []


def test_nobody_is_tested_who_has_no_channel_to_test() -> None:
    alone = Resident(id="resident-1", household="home-1", contacts=(Contact(id="daughter-1"),))

    assert drills(month(alone)[0]) == []


@given(st.text(min_size=1, max_size=20))
def test_every_home_has_a_day_that_every_month_has(home: str) -> None:
    assert 1 <= drill_day(home) <= 28


def test_an_answer_is_kept_and_a_strangers_is_refused() -> None:
    made = journal(her(), at=EIGHT)
    _, at = month(her())
    made.tick(at - MIN)
    made.tick(at)
    [told] = drills(brain().observe(made.entries))
    for actor, action in (("stranger", Action.ACK), ("daughter-1", Action.RESOLVE),
                          ("daughter-1", Action.ACK)):  # fmt: skip
        said = Feedback(at=at + MIN, incident=told.incident, actor=actor, action=action)
        made.say("phone-1", said)

    outcomes = brain().observe(made.entries)

    refused = [one for one in of(outcomes, Rejected) if one.reason is Reason.NOT_ALLOWED]
    kept = [one for one in of(outcomes, Kept) if isinstance(one.observation, Feedback)]
    assert len(refused) == 2
    assert [(one.subject, one.household) for one in kept] == [(told.incident, "home-1")]
    assert datetime.fromtimestamp(told.at / 1_000, UTC) + timedelta(hours=8) == datetime(
        2026, 1, drill_day("home-1"), 10, tzinfo=UTC
    )
