"""How a story speaks: people by name, instants by the local clock, durations as people say them."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from weinao.catalogue import LANGUAGES, Catalogue, Language, catalogue
from weinao.ids import REPORTER
from weinao.outcomes import Fact
from weinao.registry import Device, Grid, Household, Record, Resident, Staff

CHINA_MIN = 480
"""Minutes ahead of UTC where no grid is registered."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


@cache
def story_words(language: Language) -> Catalogue:
    """Return the words of a language, with those that only stories use."""
    folder = Path(__file__).parent / "words"
    story, rules = (
        tomllib.loads((folder / f"{name}.{language}.toml").read_text(encoding="utf-8"))
        for name in ("story", "rules")
    )
    sections = {f"story.{name}": words for name, words in story.items()}
    return Catalogue({**catalogue(language).sections, **sections, **rules})


@cache
def _room_keys() -> dict[str, str]:
    """Return the key of each room by its name in any language: registries are written in one."""
    return {
        word: key
        for language in LANGUAGES
        for key, word in story_words(language).sections["story.room"].items()
    }


class Voice:
    """Speaks one language about what is registered.

    Args:
        language: Which.
        records: What was registered then.
    """

    def __init__(self, language: Language, records: Iterable[Record]) -> None:
        self.language = language
        self.words = story_words(language)
        self.records = tuple(records)
        self._names = dict(self._named(self.records))
        grid = next((found for found in self.records if isinstance(found, Grid)), None)
        self._ahead = timedelta(minutes=grid.tz_offset_min if grid else CHINA_MIN)

    def say(self, section: str, key: str, **facts: Fact) -> str:
        """Return a sentence of the story, filled in."""
        words = self.words.sections[f"story.{section}"].get(key, key)
        told = words.format_map(_Told(facts, self.words.say("table", "unknown")))
        return told.replace("） ", "）")  # a full-width bracket is wide enough

    def knows(self, section: str, key: str) -> bool:
        """Say whether there is a sentence for a key."""
        return key in self.words.sections[f"story.{section}"]

    def local(self, at: int) -> datetime:
        """Return an instant as the clocks of this grid showed it."""
        return datetime.fromtimestamp(at / 1_000, tz=UTC).replace(tzinfo=None) + self._ahead

    def clock(self, at: int, day_of: int | None = None) -> str:
        """Return the time of day; with the day, where it is another than that of `day_of`."""
        here = self.local(at)
        other = day_of is not None and here.date() != self.local(day_of).date()
        return here.strftime("%m-%d %H:%M:%S" if other else "%H:%M:%S")

    def span(self, ms: int) -> str:
        """Return a duration in the two units that matter."""
        if ms < 50:  # noqa: PLR2004  # it would be rounded to nothing
            return self.say("span", "now")
        if ms < 10_000:  # noqa: PLR2004  # where a tenth of a second is still worth telling
            return self.say("span", "ms", n=f"{ms / 1_000:.1f}")
        seconds = round(ms / 1_000)
        for unit, part, whole, key in (
            (_DAY_S, _HOUR_S, _DAY_S, "d"), (_HOUR_S, _MINUTE_S, _HOUR_S, "h"),
            (_MINUTE_S, 1, _MINUTE_S, "min"),
        ):  # fmt: skip
            if seconds >= whole:
                more = seconds % unit // part
                name = key if not more else {"d": "d_h", "h": "h_min", "min": "min_s"}[key]
                return self.say("span", name, n=seconds // unit, m=more)
        return self.say("span", "s", n=seconds)

    def who(self, person: str) -> str:
        """Return a person by role and name, or what else an id is known as."""
        if person.startswith(f"{REPORTER}-"):
            return self.say("who", "reporter")
        return self._names.get(person, person) or self.words.say("table", "unknown")

    def people(self, ids: Iterable[str]) -> str:
        """Return some people, as in a sentence."""
        return self.listed(self.who(one) for one in ids)

    def listed(self, parts: Iterable[str]) -> str:
        """Return some phrases, as in a sentence."""
        known = [*parts]
        comma, last = self.say("join", "comma"), self.say("join", "and")
        return last.join([comma.join(known[:-1]), known[-1]] if len(known) > 1 else known)

    def together(self, sentences: Iterable[str]) -> str:
        """Return some sentences, one after the other."""
        return self.say("join", "stop").join(sentences)

    def room(self, room: str) -> str:
        """Return a room by its name."""
        key = _room_keys().get(room, room.lower().replace(" ", "_")) if room else "nowhere"
        return self.say("room", key) if self.knows("room", key) else room

    def direction(self, direction: str) -> str:
        """Return which way somebody went."""
        return self.say("direction", direction)

    def because(self, reason: str, facts: Mapping[str, Fact]) -> str:
        """Return what a hazard's reason stands for, its rooms and limits in words."""
        told = dict(facts)
        for name, word in (
            ("room", self.room), ("rooms", self.room), ("beyond", self._limb),
            ("direction", self.direction),
        ):  # fmt: skip
            if text := str(told.get(name, "")):
                told[name] = self.listed(word(part) for part in text.split(", "))
        return self.words.because(reason, told)

    def _limb(self, limb: str) -> str:
        return self.say("limb", limb)

    def _named(self, records: Iterable[Record]) -> Iterable[tuple[str, str]]:
        yield "brain", self.say("who", "brain")
        for record in records:
            if isinstance(record, Resident):
                yield record.id, record.name or record.id
                for contact in record.contacts:
                    known = contact.name or contact.id
                    yield contact.id, self.say("who", "contact", name=known)
        for record in records:
            if isinstance(record, Staff):
                role = self.say("who", record.role)
                yield record.id, self.say("who", "staff", name=record.name or record.id, role=role)


class _Told(dict[str, Fact]):
    """Facts of a sentence; one that is missing is said to be unknown, an empty one is empty."""

    def __init__(self, facts: Mapping[str, Fact], unknown: str) -> None:
        super().__init__(facts)
        self._unknown = unknown

    def __missing__(self, name: str) -> str:
        return self._unknown


def household_of(records: Iterable[Record], household: str) -> Household | None:
    """Return a household's record, if there is one."""
    found = (one for one in records if isinstance(one, Household) and one.id == household)
    return next(found, None)


def device_of(records: Iterable[Record], device: str) -> Device | None:
    """Return a device's record, if there is one."""
    found = (one for one in records if isinstance(one, Device) and one.id == device)
    return next(found, None)
