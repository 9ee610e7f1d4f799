"""What training again promises: the card's figures are read, and seeds never mix."""

from importlib.resources import files

import pytest

from sim.scenes.seeds import TEST, TRAIN, SeedError
from weinao.cli.models import train
from weinao.cli.training import CARDS, TRAINED
from weinao.cli.yards_examples import LEARN_SEEDS, TEST_SEEDS, gathered, shown


@pytest.mark.parametrize("name", ["fall", "rhythm", "highrise"])
def test_every_figure_that_is_held_against_a_card_stands_in_it(name: str) -> None:
    trained = TRAINED[name]

    says = trained.carded()

    assert len(says) == sum(len(names) for _, names in trained.rows.values())
    assert all(0 <= figure <= 1 for figure in says.values())


@pytest.mark.parametrize("name", TRAINED)
def test_every_trained_file_has_a_card_that_says_how_it_is_trained_again(name: str) -> None:
    card = (CARDS / TRAINED[name].card).read_text(encoding="utf-8")

    assert f"weinao models train {name}" in card
    assert "**Not for**" in card


def test_every_file_that_ships_is_trained_by_somebody() -> None:
    ships = {one.name for one in (files("models") / "weights").iterdir()}

    assert ships <= {file for trained in TRAINED.values() for file in trained.files}


def test_the_detector_of_yards_learns_from_training_seeds_and_is_tested_on_others() -> None:
    assert set(LEARN_SEEDS) <= set(TRAIN)
    assert set(TEST_SEEDS) <= set(TEST)
    with pytest.raises(SeedError):
        next(gathered(TEST_SEEDS))
    with pytest.raises(SeedError):
        next(shown(LEARN_SEEDS))


def test_what_is_not_trained_is_refused_by_name() -> None:
    with pytest.raises(SystemExit, match="known are fall, rhythm, highrise, yards"):
        train("centernet")
