"""How people look, from birth and from the wardrobe: every age, in what the weather asks for."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.scenes.camera import Array

Age = Literal["adult", "child", "elder"]
AGES: tuple[Age, ...] = ("adult", "child", "elder")

SWING = 0.38
"""Radians of a thigh from the vertical at a comfortable pace of 1.3 m/s."""
_LEG = 0.491
"""Thigh and shank, share of stature."""

_SKIN = np.array([[150, 185, 228], [130, 165, 210], [110, 145, 190]], np.float64)
_HAIR = np.array([[25, 22, 22], [40, 35, 38], [35, 45, 60]], np.float64)
_GREY = np.array([[170, 170, 172], [120, 122, 126], [205, 205, 205]], np.float64)
_CLOTH = np.array(
    [
        [40, 40, 45], [70, 60, 55], [120, 70, 40], [60, 60, 170], [200, 200, 205], [225, 225, 225],
        [90, 130, 60], [60, 140, 190], [150, 110, 170], [130, 130, 130], [50, 80, 120],
        [180, 150, 90],
        [70, 170, 220], [35, 35, 110], [95, 60, 25],
    ],
    np.float64,
)  # fmt: skip
_LOWER = np.array(
    [
        [45, 40, 40], [90, 65, 45], [130, 95, 65], [70, 70, 75], [40, 50, 60], [150, 150, 155],
        [100, 120, 140],
    ],
    np.float64,
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How somebody looks, from birth and from the wardrobe.

    Attributes:
        age: Decides proportions and gait.
        stature_m: Height of the upright body.
        girth: Factor on every thickness.
        stoop: Radians of the trunk forward.
        long_coat: Down to the knees, as a share of the thigh; 0 for none.
        sleeves: Whether forearms are covered.
        bag: Where one hangs: none, on the back, or in a hand.
        umbrella: Whether one is open over the head.
    """

    age: Age
    stature_m: float
    girth: float
    stoop: float
    upper: Array
    lower: Array
    shoes: Array
    skin: Array
    hair: Array
    long_hair: bool
    long_coat: float
    sleeves: bool
    shorts: bool
    tucked: bool
    bag: Literal["", "back", "hand"]
    bag_colour: Array
    hat: Array | None
    umbrella: Array | None

    @property
    def stride_m(self) -> float:
        """Way of two steps at a comfortable pace."""
        return 4 * _LEG * self.stature_m * float(np.sin(SWING))


def dressed(age: Age, rng: np.random.Generator, *, cold: bool, wet: bool) -> Look:
    """Return somebody of an age, in what the weather asks for.

    References:
        GB/T 10000-2023: adults' stature 1.45 to 1.83 m from the 1st to the 99th percentile;
        GB/T 26158-2010: children of 4 to 12, 0.98 to 1.6 m.
    """
    stature = {
        "adult": rng.normal(1.66, 0.07), "child": rng.uniform(0.98, 1.45),
        "elder": rng.normal(1.58, 0.06),
    }[age]  # fmt: skip
    hairs = _GREY if age == "elder" and rng.random() < 0.75 else _HAIR
    bright = 1.25 if age == "child" else 1.0
    hood = rng.random() < (0.35 if cold else 0.12)
    return Look(
        age=age,
        stature_m=float(np.clip(stature, 0.95, 1.88)),
        girth=float(rng.normal(1.0, 0.07)) * (1.1 if cold else 1.0),
        stoop=float(rng.uniform(0.08, 0.4)) if age == "elder" else float(rng.uniform(0.0, 0.08)),
        upper=np.clip(_pick(_CLOTH, rng, 14) * bright, 5, 250),
        lower=_pick(_LOWER, rng, 10),
        shoes=_pick(np.array([[35.0, 35, 35], [220, 220, 220], [60, 70, 100]]), rng, 6),
        skin=_pick(_SKIN, rng, 5),
        hair=_pick(hairs, rng, 5),
        long_hair=bool(rng.random() < 0.4),
        long_coat=float(rng.uniform(0.4, 1.05)) if rng.random() < (0.4 if cold else 0.22) else 0.0,
        sleeves=cold or bool(rng.random() < 0.5),
        shorts=not cold and bool(rng.random() < 0.25),
        tucked=bool(rng.random() < 0.4),
        bag=("", "", "back", "hand")[int(rng.integers(4))],
        bag_colour=_pick(_CLOTH, rng, 10),
        hat=_pick(_CLOTH, rng, 10) if hood else None,
        umbrella=_pick(_CLOTH, rng, 20) if wet and age != "child" and rng.random() < 0.6 else None,
    )


def _pick(colours: Array, rng: np.random.Generator, spread: float) -> Array:
    one = colours[int(rng.integers(len(colours)))]
    return np.asarray(np.clip(one + rng.normal(0, spread, 3) * 0.5 + rng.normal(0, spread), 5, 250))
