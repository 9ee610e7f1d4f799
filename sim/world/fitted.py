"""What simulated people have in common with recorded ones: a few numbers, fitted to recordings.

`weinao sim fit DIR` makes `fitted.toml` beside this module. It holds shares and averages over
people and days, and nothing of any one moment.

References:
    docs/decisions/0006-simulated-people.md: the recordings, what was fitted, and how close it is.
"""

import random
import tomllib
from bisect import bisect_right
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
"""The shares of a spread at which its values are kept."""


class Spread(Struct, frozen=True, forbid_unknown_fields=True):
    """How something is spread.

    Attributes:
        n: How many values were seen.
        values: What the shares of `SHARES` do not exceed.
    """

    n: int
    values: tuple[float, float, float, float, float, float, float, float, float]

    def draw(self, rng: random.Random) -> float:
        """Return a value as frequent as it was seen; the outermost hundredths are cut off."""
        return self.at(rng.random())

    def at(self, share: float) -> float:
        """Return the value that a share of all do not exceed."""
        share = min(max(share, SHARES[0]), SHARES[-1])
        right = min(bisect_right(SHARES, share), len(SHARES) - 1)
        before, after = SHARES[right - 1], SHARES[right]
        low, high = self.values[right - 1], self.values[right]
        return low + (high - low) * (share - before) / (after - before)

    @property
    def median(self) -> float:
        """The middle."""
        return self.values[SHARES.index(0.5)]


class Habit(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that people do each in their own way, and not every day alike.

    Attributes:
        people: How many were seen.
        mean: Over people.
        between: Standard deviation between people.
        within: Standard deviation of the days of one of them.
    """

    people: int
    mean: float
    between: float
    within: float


class Outings(Struct, frozen=True, forbid_unknown_fields=True):
    """How somebody goes out.

    Attributes:
        per_day: How often.
        leaves: When, as a share of the time between getting up and going to bed.
        minutes: For how long.
    """

    per_day: Habit
    leaves: Spread
    minutes: Spread


class Routine(Struct, frozen=True, forbid_unknown_fields=True):
    """How a day goes.

    Attributes:
        up_h: Getting up, local hour.
        bed_h: Going to bed; after midnight it is above 24.
        breakfast_h: Begins to prepare it; so with the other meals.
        meal_share: How many of breakfasts, lunches and dinners are eaten at home.
        meal_min: How long somebody is in the kitchen for one.
        outings: Of who has no work to go to.
        work: Of who has.
        visits_per_h: To the bathroom, for each hour awake at home.
        visit_min: How long.
        night_visits: To the bathroom, in a night.
        night_visit_min: How long somebody is out of bed for one.
        sits_on: How often who has stirred in the living room stays there until the next time,
            by `morning`, `afternoon` and `evening`; else they go elsewhere.
        errands_per_h: Where they go from there, for each hour awake at home, by room.
        errand_min: How long, by room.
        stir_min: Until who stays in a room is noticed again by a sensor that rests three minutes;
            by room, in the living room by the part of the day as well, and `asleep`.
    """

    up_h: Habit
    bed_h: Habit
    breakfast_h: Habit
    lunch_h: Habit
    dinner_h: Habit
    meal_share: tuple[float, float, float]
    meal_min: Spread
    outings: Outings
    work: Outings
    visits_per_h: Habit
    visit_min: Spread
    night_visits: Habit
    night_visit_min: Spread
    sits_on: dict[str, float]
    errands_per_h: dict[str, float]
    errand_min: dict[str, Spread]
    stir_min: dict[str, Spread]


class Sign(Struct, frozen=True, forbid_unknown_fields=True):
    """A sign of the body, in the unit of its name.

    Attributes:
        people: The usual of people, one value each.
        day_sd: How far a day is from its person's usual, standard deviation.
        day_rho: How much of that is left on the next day.
        noise_sd: How far a reading is from its day's, standard deviation.
        noise_rho: How much of that is left after a minute.
    """

    people: Spread
    day_sd: float
    day_rho: float
    noise_sd: float
    noise_rho: float


class Physiology(Struct, frozen=True, forbid_unknown_fields=True):
    """How a body is from morning to night.

    Attributes:
        hr_swing_bpm: By how much the pulse is above its mean at its peak.
        hr_peak_h: When, local hour.
        hr_asleep_bpm: What sleep adds for who has the usual pulse, below 0;
        hr_asleep_share: how much of what somebody's pulse is off the usual is left in sleep;
        hr_asleep_sd: and how far readings of sleepers are from their night's.
        hr_exercise_bpm: What the liveliest minutes of a usual day add.
        resp_asleep: The breaths a minute of sleepers.
        ill_hr_bpm: What an acute illness of the lungs adds to the pulse; so with the others.
    """

    hr_bpm: Sign
    temp_c: Sign
    skin_temp_c: Sign
    sbp_mmhg: Sign
    dbp_mmhg: Sign
    weight_kg: Sign
    resp_asleep: Sign
    spo2_noise_sd: float
    spo2_noise_rho: float
    hr_swing_bpm: float
    hr_peak_h: float
    hr_asleep_bpm: float
    hr_asleep_share: float
    hr_asleep_sd: float
    hr_exercise_bpm: float
    ill_hr_bpm: float
    ill_resp_per_min: float
    ill_temp_c: float


class Fitted(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that was fitted."""

    routine: Routine
    physiology: Physiology


@cache
def shipped() -> Fitted:
    """Return the numbers that the world is made with."""
    return parse(files("sim.world").joinpath("fitted.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Fitted:
    """Return the numbers in a text that `write` made.

    Raises:
        msgspec.ValidationError: Something is missing or unknown.
    """
    return msgspec.convert(tomllib.loads(text), Fitted)


def write(fitted: Fitted) -> str:
    """Return the numbers as TOML, each group a table."""
    return "\n".join(_tables("", msgspec.to_builtins(fitted)))


def _tables(name: str, table: dict[str, object]) -> list[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"[{name}]", *(f"{key} = {_plain(value)}" for key, value in plain.items()), ""]
    found = lines if plain else []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _tables(f"{name}.{key}" if name else key, value)
    return found


def _plain(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_plain, value))}]"
    return repr(value)
