"""The physiology of recorded people: what `sim.world.body` lives by."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
from msgspec import Struct

from sim.fitting.spreads import TooFewError, Values, rounded, spread
from sim.importers.vitals import IcuStay, SpotReading
from sim.importers.wearables import Night, PulseDay, Series
from sim.world.fitted import Physiology, Sign
from sim.world.said import DAY_MS, HOUR_MS

READINGS_MIN = 5
"""Who has fewer readings of a sign has no usual."""

ILL_RESP_PER_MIN = 25
"""Three points in NEWS2: who breathes so fast is acutely ill."""

SPOT_SIGNS = ("temp_c", "skin_temp_c", "sbp_mmhg", "dbp_mmhg", "weight_kg")

_ILL_READINGS_MIN = 3
_AGAIN_MS = HOUR_MS
_NIGHT_MS = 2 * HOUR_MS
_BOTH_MIN = 3
_HOUR_MIN = 60


class People(Struct, frozen=True, kw_only=True):
    """What was recorded of people's bodies.

    Attributes:
        signs: Readings at home, by sign and person.
        rested: The pulse of others, sitting still, at all hours.
        nights: On a mat.
        days: By a watch.
        minutes: Of one stay in hospital.
        stays: In intensive care.
    """

    signs: Mapping[str, Series]
    rested: Series
    nights: Sequence[Night]
    days: Sequence[PulseDay]
    minutes: Sequence[SpotReading]
    stays: Sequence[IcuStay]


def fit_physiology(people: People) -> Physiology:
    """Return the physiology of some people.

    Raises:
        TooFewError: Something is not in the recordings.
    """
    pulses = people.signs.get("hr_bpm", {})
    swing, peak_h = _swing([pulses, people.rested])
    still = {
        person: [(at, value - _swing_at(swing, peak_h, at)) for at, value in values]
        for person, values in pulses.items()
    }
    pulse = sign("hr_bpm", still)
    asleep_bpm, asleep_share = _asleep(still, people.nights, pulse.people.median)
    breath = _breath(people.nights)
    _, pulse_rho = _noise([one.signs.get("hr_bpm", np.nan) for one in people.minutes])
    oxygen_sd, oxygen_rho = _noise([one.signs.get("spo2_pct", np.nan) for one in people.minutes])
    _, breath_rho = _noise([one.signs.get("resp_per_min", np.nan) for one in people.minutes])
    ill = _ill(people.stays)
    calm_temp = sign("temp_c", people.signs.get("temp_c", {}))
    return Physiology(
        hr_bpm=Sign(pulse.people, pulse.day_sd, pulse.day_rho, pulse.noise_sd, pulse_rho),
        temp_c=calm_temp,
        skin_temp_c=sign("skin_temp_c", people.signs.get("skin_temp_c", {})),
        sbp_mmhg=sign("sbp_mmhg", people.signs.get("sbp_mmhg", {})),
        dbp_mmhg=sign("dbp_mmhg", people.signs.get("dbp_mmhg", {})),
        weight_kg=sign("weight_kg", people.signs.get("weight_kg", {})),
        resp_asleep=Sign(breath.people, breath.day_sd, breath.day_rho, breath.noise_sd, breath_rho),
        spo2_noise_sd=oxygen_sd,
        spo2_noise_rho=oxygen_rho,
        hr_swing_bpm=rounded(swing),
        hr_peak_h=rounded(peak_h),
        hr_asleep_bpm=rounded(asleep_bpm - _swing_at(swing, peak_h, _NIGHT_MS)),
        hr_asleep_share=rounded(asleep_share),
        hr_asleep_sd=rounded(_mean("pulse within nights", [one.hr_sd for one in people.nights])),
        hr_exercise_bpm=rounded(_exercise(people.days)),
        ill_hr_bpm=rounded(ill["hr_bpm"] - pulse.people.median),
        ill_resp_per_min=rounded(ill["resp_per_min"] - breath.people.median),
        ill_temp_c=rounded(ill["temp_c"] - calm_temp.people.median),
    )


def sign(what: str, series: Series) -> Sign:
    """Return how readings of a sign differ between people, days and readings of a day.

    What two readings of one day share, at least an hour apart, is the day's; what two readings of
    following days share is what is left of it. The rest is the reading's own.

    Raises:
        TooFewError: Fewer than three people have five readings.
    """
    known = {who: one for who, one in series.items() if len(one) >= READINGS_MIN}
    usual = [_median(one) for one in known.values()]
    people = spread(what, usual)
    spreads = [float(np.std([value for _, value in one], ddof=1)) for one in known.values()]
    within = float(np.median(spreads))
    same = min(max(_alike(known, 0), 0.0), 1.0)
    after = min(max(_alike(known, 1), 0.0), same)
    return Sign(
        people=people,
        day_sd=rounded(within * same**0.5),
        day_rho=rounded(after / same if same else 0.0),
        noise_sd=rounded(within * (1 - same) ** 0.5),
        noise_rho=0.0,
    )


def _alike(series: Series, days: int) -> float:
    """Return the correlation of readings so many days apart, about each person's own mean."""
    products: list[float] = []
    for one in series.values():
        values = np.array([value for _, value in one])
        sd = float(values.std())
        if sd == 0:
            continue
        off = [(at, (value - float(values.mean())) / sd) for at, value in one]
        products += [
            a * b
            for (first, a), (second, b) in combinations(off, 2)
            if second // DAY_MS - first // DAY_MS == days
            and (days > 0 or second - first >= _AGAIN_MS)
        ]
    return float(np.mean(products)) if products else 0.0


def _swing(groups: Iterable[Series]) -> tuple[float, float]:
    """Return the swing of the day and the hour of its peak, by least squares over all people."""
    hours: list[float] = []
    off: list[float] = []
    for series in groups:
        for one in series.values():
            if len(one) >= 2 * READINGS_MIN:
                usual = _median(one)
                hours += [at / HOUR_MS % 24 for at, _ in one]
                off += [value - usual for _, value in one]
    if len(hours) < _HOUR_MIN:
        raise TooFewError(f"pulse by hour: expected {_HOUR_MIN} readings, got {len(hours)}")
    angle = 2 * np.pi * np.array(hours) / 24
    basis = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)
    _, along, across = np.linalg.lstsq(basis, np.array(off), rcond=None)[0]
    return float(np.hypot(along, across)), float(np.arctan2(across, along) / (2 * np.pi) * 24 % 24)


def _swing_at(swing: float, peak_h: float, at: int) -> float:
    return float(swing * np.cos(2 * np.pi * (at / HOUR_MS - peak_h) / 24))


def _asleep(still: Series, nights: Sequence[Night], usual_bpm: float) -> tuple[float, float]:
    """Return what sleep adds to the usual pulse, and the share of what is off it that it leaves."""
    usual = {person: _median(one) for person, one in still.items() if len(one) >= READINGS_MIN}
    both = sorted({night.person for night in nights} & set(usual))
    if len(both) < _BOTH_MIN:
        raise TooFewError(f"pulse asleep: expected {_BOTH_MIN} people also awake, got {len(both)}")
    off = np.array([usual[person] - usual_bpm for person in both])
    asleep = [np.median([one.hr_bpm for one in nights if one.person == who]) for who in both]
    share, at_usual = np.polyfit(off, np.array(asleep), 1)
    return float(at_usual) - usual_bpm, min(max(float(share), 0.0), 1.0)


def _breath(nights: Sequence[Night]) -> Sign:
    """Return the breath of sleepers; a mat gives one mean and one spread a night."""
    by_person: Series = {}
    for index, one in enumerate(nights):
        by_person.setdefault(one.person, []).append((index * DAY_MS, one.resp_per_min))
    found = sign("breath asleep", by_person)
    day_sd = (found.day_sd**2 + found.noise_sd**2) ** 0.5
    noise_sd = _mean("breath within nights", [one.resp_sd for one in nights])
    return Sign(found.people, rounded(day_sd), found.day_rho, rounded(noise_sd), 0.0)


def _noise(values: Sequence[float]) -> tuple[float, float]:
    """Return how far minutes are off the hour around them, and how much stays for the next."""
    series = np.asarray(values, dtype=np.float64)
    if np.isfinite(series).sum() < _HOUR_MIN:
        raise TooFewError(f"signs by the minute: expected {_HOUR_MIN}, got {len(values)}")
    half = _HOUR_MIN // 2
    off = np.array([value - _middle(series[max(0, at - half) : at + half + 1])
                    for at, value in enumerate(series)])  # fmt: skip
    both = np.isfinite(off[:-1]) & np.isfinite(off[1:])
    rho = float(np.corrcoef(off[:-1][both], off[1:][both])[0, 1])
    return rounded(float(np.nanstd(off))), rounded(max(0.0, rho))


def _middle(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _exercise(days: Sequence[PulseDay]) -> float:
    if not days:
        raise TooFewError("pulse in movement: expected days with a resting and a highest pulse")
    return float(np.median([one.max_bpm - one.resting_bpm for one in days]))


def _ill(stays: Sequence[IcuStay]) -> dict[str, float]:
    """Return the signs, at the middle of people, of those who breathe fast."""
    found: dict[str, list[float]] = {"hr_bpm": [], "resp_per_min": [], "temp_c": []}
    for stay in stays:
        fast = [
            signs
            for _, signs in stay.readings
            if float(signs.get("resp_per_min", 0)) >= ILL_RESP_PER_MIN
        ]
        if len(fast) >= _ILL_READINGS_MIN:
            for name in found:
                known = [float(signs[name]) for signs in fast if name in signs]
                found[name] += [float(np.median(known))] if known else []
    return {name: spread(f"the ill: {name}", values).median for name, values in found.items()}


def _median(readings: Sequence[tuple[int, float]]) -> float:
    return float(np.median([value for _, value in readings]))


def _mean(what: str, values: Sequence[float]) -> float:
    if not values:
        raise TooFewError(f"{what}: expected somebody, got nobody")
    return float(np.mean(values))
