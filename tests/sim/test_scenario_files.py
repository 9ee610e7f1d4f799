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
