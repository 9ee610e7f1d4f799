"""Which seeds may be learnt from, and which may only be tested on; they never mix.

A scene's seed alone decides everything in it. Whoever trains asks for a training seed and whoever
tests for a testing one, and is refused the other.
"""

from typing import Literal

Purpose = Literal["train", "test"]

TRAIN = range(1, 100_000)
TEST = range(500_000, 1_000_000)
"""Far apart, so that counting on from a training seed never reaches a testing one."""


class SeedError(ValueError):
    """A seed was asked for that is not for this purpose; choose one inside the range named."""


def check(seed: int, purpose: Purpose) -> int:
    """Return a seed that may be used for a purpose.

    Raises:
        SeedError: It is kept for the other purpose, or for none.
    """
    allowed = TRAIN if purpose == "train" else TEST
    if seed not in allowed:
        raise SeedError(
            f"seed {seed} is not for purpose {purpose}: expected {allowed.start} to "
            f"{allowed.stop - 1}"
        )
    return seed


def purpose_of(seed: int) -> Purpose:
    """Return what a seed is for.

    Raises:
        SeedError: It is for nothing.
    """
    if seed in TRAIN:
        return "train"
    if seed in TEST:
        return "test"
    raise SeedError(
        f"seed {seed} is for nothing: expected {TRAIN.start} to {TRAIN.stop - 1} to train, "
        f"{TEST.start} to {TEST.stop - 1} to test"
    )
