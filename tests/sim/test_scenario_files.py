"""A scenario says what is wrong with it, all at once."""

from pathlib import Path

import pytest

from sim.scenarios import ScenarioError, parse
from sim.world.world import UnknownSubjectError, World

GOOD = """
title = "A quiet day"
seed = 1
starts_at = 2026-03-02T00:00:00+08:00
lasts_s = 3_600

[[home]]
id = "home-1"
people = ["elder"]
"""


def test_every_problem_of_a_file_is_named_at_once():
    text = """
    title = 3
    seed = "one"
    starts_at = 2026-03-02
    lasts_s = 0
    colour = "red"

    [[home]]
    id = "home-1"
    people = ["dragon"]

    [[happening]]
    at_s = 1
    kind = "explodes"
    subject = "home-1"

    [[fault]]
    kind = "uplink_down"
    target = "home-1"
    from_s = "soon"
    until_s = 2

    [[expect]]
    subject = "home-1"

    [[never]]
    hazard = "dragons"
    """

    with pytest.raises(ScenarioError) as caught:
        parse(text)

    told = str(caught.value)
    for word in (
        "title", "seed", "starts_at", "lasts_s", "colour", "dragon", "explodes", "fault 1",
        "expect 1", "never 1",
    ):  # fmt: skip
        assert word in told


def test_every_senseless_expectation_is_named_at_once():
    text = (
        GOOD
        + """
    [[expect]]
    risk = "dragons"

    [[expect]]
    risk = "weight"
    hazard = "fall"

    [[expect]]
    risk = "weight"
    phase = "confirmed"

    [[expect]]
    risk = "weight"
    state = "closed"

    [[expect]]
    incident = "fall"
    phase = "raised"

    [[expect]]
    hazard = "fall"
    between_s = [9, 3]

    [[expect]]
    score = { subject = "resident-1", day = 2026-03-09, above = 80 }

    [[expect]]
    score = { subject = "resident-1", day = 2026-03-02 }

    [[expect]]
    score = { subject = "resident-1", day = 2026-03-02, above = 80, below = 60 }

    [[expect]]
    score = { subject = "resident-1", day = 2026-03-02, above_day = 2026-03-02 }

    [[expect]]
    subject = "resident-1"
    score = { subject = "resident-1", day = 2026-03-02, above = 3 }

    [[never]]
    hazard = "fall"
    count = 1
    """
    )

    with pytest.raises(ScenarioError) as caught:
        parse(text)

    told = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in told] == [
        *(f"expect {number}" for number in range(1, 12)),
        "never 1",
    ]


def test_every_senseless_home_is_named_at_once():
    text = GOOD.replace(
        'people = ["elder"]',
        'people = ["elder"]\nextras = ["piano"]\nwindows = 1_000\n'
        '[[home]]\nid = "home-2"\npeople = []\n',
    ).replace("lasts_s", 'beat_s = 0\ntick_s = 600\ncommons = ["moat"]\nlasts_s')

    with pytest.raises(ScenarioError) as caught:
        parse(text)

    for word in ("piano", "windows", "home 2", "beat_s", "tick_s", "commons"):
        assert word in str(caught.value)


def test_a_happening_to_nobody_is_refused_by_name():
    story = parse(GOOD + '[[happening]]\nat_s = 1\nkind = "falls"\nsubject = "resident-9"\n')

    with pytest.raises(UnknownSubjectError, match="resident-9"):
        World(story, 1)


@pytest.mark.parametrize(("homes", "people"), [(10, 30), (3, 3), (7, 40)])
def test_a_community_has_exactly_the_people_it_names(homes, people):
    table = f"[community]\nhomes = {homes}\npeople = {people}\ndangers = 1\n"
    story = parse(GOOD.split("[[home]]", maxsplit=1)[0] + table)

    world = World(story, 5)

    assert len(world.homes) == homes
    assert sum(len(home.people) for home in world.homes) == people


def test_every_shipped_scenario_parses():
    for path in (Path(__file__).parents[2] / "configs" / "scenarios").glob("*.toml"):
        World(parse(path.read_text(encoding="utf-8")), 1)
