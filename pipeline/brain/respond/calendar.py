"""What is told by date and not by danger: reminders, and each family's monthly test alarm.

    reminder due -> done lately? -> a notice to her, or to the first of the family
    drill day    -> a notice to every contact with a channel of their own -> answered, or not

A test alarm goes the whole way that an alarm goes, but for the danger: notice, channel, link,
answer. Each home has its day of the month, so that a community is not tested all at once.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.perceive.registered import Registered
from pipeline.brain.perceive.seen import Seen
from pipeline.brain.respond.policy import Policy, within
from weinao.ids import derived
from weinao.messages import Action, Feedback, Home, Sensor, Vitals
from weinao.outcomes import Fact, Notice, Severity
from weinao.registry import Contact, Reminder, Resident

CATCH_UP_MIN = 30
"""What a pause of the clock hid for longer is not made up for: a pill at noon is no pill at six."""

DONE_WITHIN_MS = {"medicine": 3_600_000, "wear": 900_000, "charge": 12 * 3_600_000}
"""So lately done, a thing needs no reminder. Ours: pills an hour early, a watch seen worn, a charge
that lasts the night."""

CHARGED_PCT = 40.0
"""A watch for three days lasts more than one on it; ours, as in the portal."""

_DAY_MIN, _DRILL_DAYS, _KEPT_MS = 1_440, 28, 62 * 86_400_000
_ANSWERS = (Action.ACK, Action.ACCEPT)


class DrillRefusedError(Exception):
    """An answer to a test alarm that is no answer to it; the message says why."""


class Drill(Struct, frozen=True, kw_only=True):
    """One test alarm of one home: who was told, and who has answered."""

    household: str
    at: int
    told: tuple[str, ...]
    answered: tuple[str, ...] = ()


class CalendarState(Struct, frozen=True):
    """What a calendar remembers.

    Attributes:
        reached_at: Up to when it has looked; 0 before it ever did.
        done: When somebody, or a home, last did what they are reminded of.
        drills: Test alarms of the last two months, by id.
    """

    reached_at: int = 0
    done: dict[tuple[str, str], int] = {}
    drills: dict[str, Drill] = {}


class Calendar:
    """The calendar of one grid.

    Args:
        policy: When test alarms are, and when people sleep.
        resume: What an earlier calendar remembered.
    """

    def __init__(self, policy: Policy, resume: CalendarState) -> None:
        self._policy, self._reached_at = policy, resume.reached_at
        self._done, self._drills = dict(resume.done), dict(resume.drills)

    def snapshot(self) -> CalendarState:
        """Return all that is remembered."""
        return CalendarState(self._reached_at, dict(self._done), dict(self._drills))

    def observe(self, seen: Seen) -> None:
        """Note what somebody did of their own accord."""
        said = seen.observation
        if isinstance(said, Home) and said.sensor is Sensor.MEDICINE and said.value:
            self._did("medicine", seen.household, said.at)
        elif isinstance(said, Vitals):
            if said.worn:
                self._did("wear", seen.subject, said.at)
            if said.battery_pct is not None and said.battery_pct >= CHARGED_PCT:
                self._did("charge", seen.subject, said.at)

    def pass_time(self, known: Registered, now: int) -> Iterator[Notice]:
        """The community's clock has reached `now`: tell what is due by it."""
        minute, before = now // 60_000, self._reached_at // 60_000
        self._reached_at = now
        if before == minute or not before:
            return
        for one in range(max(before + 1, minute - CATCH_UP_MIN), minute + 1):
            local = (one + known.tz_offset_min) % _DAY_MIN
            for resident, reminder in known.reminders_at.get(local, ()):
                yield from self._remind(known, resident, reminder, one * 60_000, now)
            if self._policy.drills and local == self._policy.drill_at_min:
                yield from self._drill(known, one * 60_000, now)

    def knows(self, drill: str) -> bool:
        """Say whether an id is that of a test alarm."""
        return drill in self._drills

    def take_answer(self, said: Feedback) -> str:
        """Note that somebody answered a test alarm; return the home it tested.

        Raises:
            DrillRefusedError: It was not theirs to answer, or that is no answer to it.
        """
        drill = self._drills[said.incident]
        if said.actor not in drill.told:
            raise DrillRefusedError(f"{said.actor} was not told of test alarm {said.incident}")
        if said.action not in _ANSWERS:
            raise DrillRefusedError(f"a test alarm is answered by {', '.join(_ANSWERS)}")
        answered = tuple(dict.fromkeys((*drill.answered, said.actor)))
        self._drills[said.incident] = replace(drill, answered=answered)
        return drill.household

    def _did(self, what: str, who: str, at: int) -> None:
        key = (what, who)
        self._done[key] = max(at, self._done.get(key, 0))

    def _remind(
        self, known: Registered, resident: Resident, reminder: Reminder, due: int, now: int
    ) -> Iterator[Notice]:
        local = _local(known, due)
        if reminder.weekdays and local.isoweekday() not in reminder.weekdays:
            return
        who = resident.household if reminder.what == "medicine" else resident.id
        if (
            due - self._done.get((reminder.what, who), -DONE_WITHIN_MS[reminder.what])
            < (DONE_WITHIN_MS[reminder.what])
        ):
            return
        step = f"reminder.{reminder.what}.{local:%Y-%m-%dT%H:%M}"
        facts: dict[str, Fact] = {"text": reminder.text} if reminder.text else {}
        for person in self._whom(known, resident, reminder, due):
            yield Notice(
                id=derived("n", resident.id, person.id, step),
                incident="",
                recipient=person.id,
                channels=person.channels,
                language=person.language,
                step=step,
                at=now,
                kind=None,
                severity=Severity.INFO,
                subject=resident.id,
                happened_at=due,
                reason=f"reminder.{reminder.what}" + (".text" if reminder.text else ""),
                facts=facts,
            )

    def _whom(
        self, known: Registered, resident: Resident, reminder: Reminder, due: int
    ) -> Iterable[Contact]:
        """Return who is reminded: she herself, where she can be told; the family never at night."""
        minute = (due // 60_000 + known.tz_offset_min) % _DAY_MIN
        asleep = within(minute, self._policy.quiet_from_min, self._policy.quiet_until_min)
        herself = known.as_contact(resident.id) if resident.channels else ()
        family = () if asleep else resident.contacts[:1]
        return (*herself, *family) if reminder.family or not herself else herself

    def _drill(self, known: Registered, due: int, now: int) -> Iterator[Notice]:
        local = _local(known, due)
        self._drills = {
            name: one for name, one in self._drills.items() if due - one.at < _KEPT_MS
        }  # fmt: skip
        for home in known.households:
            if drill_day(home.id) != local.day:
                continue
            people = [one for one in known.contacts_of("", home.id) if _has_channel(one)]
            if not people:
                continue
            step = f"drill.{local:%Y-%m}"
            name = derived("drill", home.id, step)
            told = tuple(one.id for one in people)
            self._drills[name] = Drill(household=home.id, at=due, told=told)
            for person in people:
                yield Notice(
                    id=derived("n", name, person.id, step),
                    incident=name,
                    recipient=person.id,
                    channels=person.channels,
                    language=person.language,
                    step=step,
                    at=now,
                    kind=None,
                    severity=Severity.INFO,
                    subject=home.id,
                    happened_at=due,
                    reason="drill.monthly",
                )


def drill_day(household: str) -> int:
    """Return the day of the month on which a home is tested, 1 to 28."""
    return crc32(household.encode()) % _DRILL_DAYS + 1


def _has_channel(who: Contact) -> bool:
    """Say whether somebody has a channel with an address: what is only read rings nobody."""
    return any(":" in one for one in who.channels)


def _local(known: Registered, at: int) -> datetime:
    ahead = timedelta(minutes=known.tz_offset_min)
    return datetime.fromtimestamp(at / 1_000, tz=UTC).replace(tzinfo=None) + ahead
