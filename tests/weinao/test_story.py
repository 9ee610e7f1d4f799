"""Stories of incidents: small journals through the brain, and what a grid head would read."""

from contextlib import closing
from pathlib import Path
from string import Formatter
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from pipeline.brain.entries import Entry
from sinks.duckdb_store import DuckDBStore
from tests.pipeline.community import AGREED, START, Journal, journals, run
from weinao.catalogue import LANGUAGES, Language
from weinao.cli.explain import NoIncidentError, case_of
from weinao.messages import (
    Action,
    Feedback,
    Home,
    Motion,
    MotionEvent,
    Registered,
    Sensor,
    Status,
    Vitals,
)
from weinao.observed import observed
from weinao.outcomes import HazardKind, Incident, Kept, Phase
from weinao.registry import Contact, Resident, Role, Tag, TagGrant
from weinao.story import Story, stages, tell
from weinao.voice import Voice, story_words


def said(story: Story, chapter: str) -> str:
    """Return the sentences of a chapter, with their clocks."""
    [found] = [one for one in story.chapters if one.name == chapter]
    return "\n".join(f"{line.clock} {line.text}" for line in found.lines)


def first_incident(entries: list[Entry]) -> str:
    return next(o.value.id for o in run(entries) if isinstance(o.value, Incident))


def story_of(journal: Journal, folder: Path, language: Language = "en") -> Story:
    """Run a journal, keep what came of it, and tell its first incident from the store."""
    outcomes = run(journal.entries)
    with closing(DuckDBStore(folder / "store.duckdb")) as store:
        store.write(outcomes)
        incident = next(o.value.id for o in outcomes if isinstance(o.value, Incident))
        return tell(case_of(store, incident), language)


def answer(journal: Journal, at: int, actor: str, action: Action, note: str = "") -> None:
    incident = first_incident(journal.entries)
    journal.say(
        "phone-1", Feedback(at=at, incident=incident, actor=actor, action=action, note=note)
    )


def a_fall() -> Journal:
    """Nobody answers in time but the son; he finds her, and the grid head checks."""
    journal = Journal()
    journal.say("pir-1", Home(at=START + 5_000, sensor=Sensor.PIR, value=1.0))
    fall = Motion(at=START + 10_000, event=MotionEvent.FALL, confidence=0.9, impact_g=3.42)
    journal.say("band-1", fall)
    journal.tick(START + 11_000)
    journal.tick(START + 71_000)
    answer(journal, START + 90_000, "son-1", Action.ACCEPT)
    answer(journal, START + 290_000, "son-1", Action.ARRIVE)
    answer(journal, START + 400_000, "son-1", Action.RESOLVE, "she is up, no injury")
    answer(journal, START + 460_000, "head-1", Action.VERIFY)
    return journal


def test_a_fall_is_told_from_the_impact_to_the_closing(tmp_path: Path) -> None:
    story = story_of(a_fall(), tmp_path)

    assert story.title == "fall · resident-1 · major · closed"
    assert "08:00:10 band-1: a fall, with an impact of 3.4 g; 90% sure" in said(story, "sensed")
    assert "resident-1, 86 years old, of home home-1." in said(story, "known")
    assert "BMJ 2008;337:a2227" in said(story, "rule")
    steps = said(story, "steps").splitlines()
    assert steps[:2] == [
        "08:00:10 Danger found: band-1 detected a fall, impact 3.42 g.",
        "08:00:10 The system opens an incident.",
    ]
    assert steps[2] == (
        "08:00:10 The system asks daughter-1 (contact) to take it on;"
        " an answer is due within 1 min, by 08:01:10."
    )
    assert steps[3].startswith("08:01:11 The deadline passes: daughter-1 (contact) has not")
    assert "asks son-1 (contact)" in steps[4]
    assert steps[5] == "08:01:30 son-1 (contact) answers: I take it on (19 s after being asked)."
    assert "In their words: “she is up, no injury”" in said(story, "steps")
    assert steps[-2].endswith("The system closes the incident.")
    assert steps[-1].endswith("Asked how well it was handled: daughter-1 (contact).")


def test_what_each_stage_took_is_told(tmp_path: Path) -> None:
    story = story_of(a_fall(), tmp_path)

    ended = said(story, "ended")
    assert "People asked, one after the other: 2; deadlines missed: 1." in ended
    assert "until somebody took it on: 1 min 20 s." in ended
    assert "until somebody was on the spot: 3 min 20 s." in ended
    assert "From beginning to end: 7 min 30 s." in ended


def test_a_call_for_help_tells_who_else_was_told_and_who_is_awaited(tmp_path: Path) -> None:
    journal = Journal()
    journal.say("button-1", Home(at=START + 1_000, sensor=Sensor.SOS, value=1.0))

    story = story_of(journal, tmp_path)

    assert "button-1 in the bedroom: the help button is pressed" in said(story, "sensed")
    assert "Also told: son-1 (contact)." in said(story, "steps")
    assert "daughter-1 (contact) is awaited until 08:01:01" in said(story, "ended")
    assert "Nobody has taken it on so far." in said(story, "summary")


def test_vital_signs_are_told_with_their_units_and_the_rule_that_counted(tmp_path: Path) -> None:
    journal = Journal()
    for number in range(5):
        reading = Vitals(
            at=START + 30_000 * (number + 1), hr_bpm=134.0, spo2_pct=88.0, resp_per_min=28,
            worn=True,
        )  # fmt: skip
        journal.say("band-1", reading)
    journal.say("agent-1", Status(at=START + 200_000, complete_to=START + 200_000))

    story = story_of(journal, tmp_path)

    assert "pulse 134/min, blood oxygen 88 %, breathing 28/min" in said(story, "sensed")
    assert "3 of the last 5 readings" in said(story, "rule")
    assert "NEWS2 (2017)" in said(story, "rule")


def test_a_silent_gateway_tells_its_last_sign_of_life_and_heals(tmp_path: Path) -> None:
    journal = Journal()
    journal.say("agent-1", Status(at=START + 5_000, complete_to=START + 5_000))
    journal.tick(START + 40_000)
    journal.say("agent-1", Status(at=START + 60_000, complete_to=START + 60_000))

    story = story_of(journal, tmp_path)

    assert "agent-1 is the gateway of home home-1, with 5 devices behind it" in said(story, "known")
    sensed = said(story, "sensed")
    assert "The last sign of life came at 08:00:05; since then, nothing for 30 s" in sensed
    assert "The next sign of life came at 08:01:00." in sensed
    assert "The sensors say that it is over." in said(story, "steps")
    assert "It passed by itself and was closed by the system." in said(story, "ended")


def test_a_fall_with_steps_after_it_is_taken_back(tmp_path: Path) -> None:
    journal = Journal()
    journal.say("band-1", Motion(at=START, event=MotionEvent.FALL, confidence=0.9))
    for device, at in (("pir-1", 20_000), ("pir-2", 30_000)):
        journal.say(device, Home(at=START + at, sensor=Sensor.PIR, value=1.0))

    story = story_of(journal, tmp_path, "zh")

    assert "误报" in story.title
    assert "跌倒后已起身走动（卧室 和 厨房）" in said(story, "steps")
    assert "系统自行撤回" in said(story, "ended")


def test_what_was_registered_then_is_told_and_not_what_came_later(tmp_path: Path) -> None:
    journal = Journal()
    who = Resident(
        id="resident-1", name="Li", household="home-1", consents=AGREED,
        contacts=(Contact(id="c-1", name="Wang"),),
        tags=(TagGrant(tag="lives_alone"), TagGrant(tag="chronic:copd")),
    )  # fmt: skip
    journal.say("loader", Registered(at=START, record=who))
    journal.say("smoke-1", Home(at=START + 1_000, sensor=Sensor.SMOKE, value=1.0))
    later = replace(who, name="Zhao", tags=())
    journal.say("loader", Registered(at=START + 2_000, record=later))

    story = story_of(journal, tmp_path)

    assert story.title == "smoke · the home of Li · critical · dispatched"
    assert "Marked as: lives alone and chronic illness (copd)." in said(story, "known")
    assert "Wang (contact)" in said(story, "known")
    assert "Zhao" not in said(story, "known")


@given(journals())
@settings(deadline=None, max_examples=20)
def test_every_incident_has_a_story_in_both_languages_and_in_order(entries: list[Entry]) -> None:
    outcomes = run(entries)
    with TemporaryDirectory() as folder, closing(DuckDBStore(Path(folder) / "s.duckdb")) as store:
        store.write(outcomes)
        for incident in {o.value.id for o in outcomes if isinstance(o.value, Incident)}:
            case = case_of(store, incident)
            for language in LANGUAGES:
                _check(tell(case, language), len(case.incident.steps))
            assert all(span >= 0 for _, span in stages(case))


def _check(story: Story, steps_min: int) -> None:
    lines = [line for chapter in story.chapters for line in chapter.lines]
    steps = next(one for one in story.chapters if one.name == "steps").lines
    assert len(steps) >= steps_min
    assert [line.at for line in steps] == sorted(line.at for line in steps)
    assert all(line.text and "{" not in line.text for line in lines)


def test_an_incident_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with (
        closing(DuckDBStore(tmp_path / "store.duckdb")) as store,
        pytest.raises(NoIncidentError, match="no incident i-9"),
    ):
        case_of(store, "i-9")


def test_evidence_that_the_store_has_not_is_counted(tmp_path: Path) -> None:
    outcomes = run(a_fall().entries)
    without = [
        o for o in outcomes if not (isinstance(o.value, Kept) and o.value.device == "band-1")
    ]
    with closing(DuckDBStore(tmp_path / "store.duckdb")) as store:
        store.write(without)
        incident = next(o.value.id for o in outcomes if isinstance(o.value, Incident))
        story = tell(case_of(store, incident), "en")

    assert "1 observations named as evidence are no longer in the store." in said(story, "sensed")


def test_both_languages_hold_the_same_sentences_with_the_same_facts() -> None:
    zh, en = (story_words(language).sections for language in LANGUAGES)

    assert {name: [*words] for name, words in zh.items()} == {
        name: [*words] for name, words in en.items()
    }
    for name, words in zh.items():
        for key, text in words.items():
            assert _named(text) == _named(en[name][key]), f"{name}.{key}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_hazard_has_its_rule_threshold_and_source(language: Language) -> None:
    sections = story_words(language).sections

    for name in ("rule", "threshold", "source"):
        assert set(HazardKind) <= set(sections[name])
        assert all(sections[name].values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sensor", Sensor)
def test_every_sensor_is_told_in_words(language: Language, sensor: Sensor) -> None:
    voice = Voice(language, ())

    for value in (0.0, 1.0):
        seen = Kept(
            id="x:00000001-a:1.0", device="x", at=START, received_at=START, subject="home-1",
            household="home-1", observation=Home(at=START, sensor=sensor, value=value),
        )  # fmt: skip
        text = observed(seen, voice)
        assert f"{sensor}." not in text
        assert len(text) > len("x: ")


def test_rooms_are_told_in_the_language_of_the_story_whatever_the_registry_speaks() -> None:
    zh, en = Voice("zh", ()), Voice("en", ())

    assert (zh.room("bedroom"), zh.room("卧室"), en.room("卧室")) == ("卧室", "卧室", "the bedroom")
    assert en.room("Winter garden") == "Winter garden"


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_can_happen_to_an_incident_has_a_sentence(language: Language) -> None:
    sections = story_words(language).sections

    assert {*Action, *Phase} <= set(sections["story.step"])
    assert set(Role) <= set(sections["story.who"])
    assert set(Tag) <= set(sections["story.tag"])


@pytest.mark.parametrize(
    ("ms", "text"),
    [(12, "less than 0.1 s"), (2_700, "2.7 s"), (60_000, "1 min"), (200_000, "3 min 20 s"),
     (7_500_000, "2 h 5 min"), (97_200_000, "1 days 3 h")],
)  # fmt: skip
def test_durations_are_told_in_the_units_that_matter(ms: int, text: str) -> None:
    assert Voice("en", ()).span(ms) == text


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
