"""What the rule about latent risks of residents promises, whatever the days bring."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.identify.days import Day
from pipeline.brain.identify.risk_health import RiskHealth
from tests.pipeline.test_days import HOUR, MIDNIGHT, seen
from weinao.messages import Home, Sensor, Vitals
from weinao.outcomes import Phase, Risk, RiskKind

RULE = RiskHealth()
HOME = "home-1"
DAY_MS = 24 * HOUR
FIRST = 20_000

USUAL = {
    "rest_bpm": 62.0,
    "spo2_pct": 97.0,
    "sbp_mmhg": 126.0,
    "dbp_mmhg": 76.0,
    "weight_kg": 70.0,
    "active_min": 240.0,
    "sleep_min": 450.0,
    "toilet_visits": 1.0,
    "medicine_openings": 1.0,
}
TAKEN = (8 * 60,)

WORSE = {
    RiskKind.HEART_RATE: {"rest_bpm": 74.0},
    RiskKind.SPO2: {"spo2_pct": 93.0},
    RiskKind.BLOOD_PRESSURE: {"sbp_mmhg": 148.0},
    RiskKind.WEIGHT: {"weight_kg": 66.4},
    RiskKind.BATHROOM_NIGHTS: {"toilet_visits": 5.0},
    RiskKind.ACTIVITY: {"active_min": 120.0},
    RiskKind.SLEEP: {"sleep_min": 340.0},
    RiskKind.MEDICINE: {"medicine_openings": 0.0},
}


Closing = tuple[dict[str, float], tuple[int, ...]]
"""A day's figures, and when medicine was taken out."""

STEADY = ("toilet_visits", "weight_kg")


def wobble(day: int, figures: dict[str, float]) -> dict[str, float]:
    """Return figures that differ a little from day to day, as everybody's do."""
    return {
        name: value if name in STEADY else value * (1 + 0.01 * ((day * 7) % 5 - 2))
        for name, value in figures.items()
    }  # fmt: skip


def close(days: list[Closing | None], rule: RiskHealth = RULE) -> list[Risk]:
    """Close one day after the other; None for a day on which nothing was measured."""
    state, found = rule.initial(HOME, HOME), list[Risk]()
    for number, one in enumerate(days):
        if one is None:
            continue
        day = Day(
            day=FIRST + number,
            at=(FIRST + number + 1) * DAY_MS,
            subject="resident-1",
            household=HOME,
            alone=True,
            figures=wobble(number, one[0]),
            openings=one[1],
            evidence=(f"o:{number}",),
        )
        state, risks = rule.close(state, day)
        found += risks
    return found


def usual(days: int) -> list[Closing | None]:
    return [(USUAL, TAKEN)] * days


def worse(kind: RiskKind, days: int) -> list[Closing | None]:
    taken = () if kind is RiskKind.MEDICINE else TAKEN
    return [({**USUAL, **WORSE[kind]}, taken)] * days


@pytest.mark.parametrize("kind", [*WORSE])
def test_a_lasting_change_is_raised_once_and_cleared_when_it_is_over(kind: RiskKind) -> None:
    slowly = [({**USUAL, "weight_kg": 66.4 + 0.6 * day}, TAKEN) for day in range(1, 6)]
    back = slowly if kind is RiskKind.WEIGHT else []

    risks = close([*usual(24), *worse(kind, 8), *back, *usual(14)])

    assert [(risk.kind, risk.phase) for risk in risks] == [
        (kind, Phase.RAISED),
        (kind, Phase.CLEARED),
    ]
    raised, cleared = risks
    assert raised.id == cleared.id
    assert raised.at < cleared.at
    assert raised.evidence
    assert len(raised.evidence) <= 16
    assert raised.propose.startswith("propose.")
    assert {"now", "usual", "figure", "days"} <= set(raised.facts)


@pytest.mark.parametrize("kind", [*WORSE])
def test_one_bad_day_is_no_trend(kind: RiskKind) -> None:
    if kind is RiskKind.WEIGHT:
        return  # two kilograms in three days are one, and weigh upwards only

    assert close([*usual(24), *worse(kind, 1), *usual(14)]) == []


@pytest.mark.parametrize("kind", [kind for kind in WORSE if kind is not RiskKind.BLOOD_PRESSURE])
def test_nothing_is_compared_before_ten_days_are_known(kind: RiskKind) -> None:
    assert close([*usual(5), *worse(kind, 4)]) == []


@given(st.lists(st.booleans(), min_size=60, max_size=60))
def test_days_without_data_are_no_sign_of_anything(measured: list[bool]) -> None:
    assert (
        close([one if keep else None for one, keep in zip(usual(60), measured, strict=True)]) == []
    )


@given(st.lists(st.sampled_from([None, *WORSE]), min_size=10, max_size=50))
def test_risks_of_a_kind_are_raised_and_cleared_in_turn(changes: list[RiskKind | None]) -> None:
    days = [
        *usual(20),
        *(day for one in changes for day in (usual(2) if one is None else worse(one, 2))),
    ]

    risks = close(days)

    for watch in RULE.watches():
        phases = [risk.phase for risk in risks if risk.kind is watch.kind]
        assert (
            phases
            == [Phase.RAISED, Phase.CLEARED] * (len(phases) // 2) + phases[len(phases) // 2 * 2 :]
        )
        assert phases[-1:] in ([], [Phase.RAISED], [Phase.CLEARED])
    raised = [risk.id for risk in risks if risk.phase is Phase.RAISED]
    assert len(set(raised)) == len(raised)


def test_a_home_pressure_of_135_for_days_needs_no_past() -> None:
    high = {**USUAL, "sbp_mmhg": 142.0}

    risks = close([(high, TAKEN)] * 6)

    assert [risk.kind for risk in risks] == [RiskKind.BLOOD_PRESSURE]
    assert risks[0].reason == "risk.blood_pressure_high"


def test_nights_that_were_all_alike_are_still_a_measure_of_more() -> None:
    alike, more = {**USUAL, "toilet_visits": 3.0}, {**USUAL, "toilet_visits": 4.0}

    risks = close([(alike, TAKEN)] * 15 + [(more, TAKEN)] * 4 + [(alike, TAKEN)] * 4)

    assert [(risk.kind, risk.phase) for risk in risks] == [
        (RiskKind.BATHROOM_NIGHTS, Phase.RAISED),
        (RiskKind.BATHROOM_NIGHTS, Phase.CLEARED),
    ]


def test_two_kilograms_in_three_days_are_raised_and_half_a_kilogram_is_not() -> None:
    def gaining(kg: float) -> list[Closing | None]:
        return [({**USUAL, "weight_kg": 70.0 + kg * day}, TAKEN) for day in range(1, 4)]

    assert [risk.reason for risk in close([*usual(15), *gaining(0.8)])] == ["risk.weight_gain"]
    assert close([*usual(15), *gaining(0.15)]) == []


def test_three_visits_a_night_are_nothing_new_to_whoever_has_them_always() -> None:
    always = [({**USUAL, "toilet_visits": 3.0 + day % 2}, TAKEN) for day in range(30)]

    assert close([*always, *[({**USUAL, "toilet_visits": 4.0}, TAKEN)] * 5]) == []


def test_medicine_hours_late_counts_as_not_taken_and_an_hour_does_not() -> None:
    def late(minutes: int) -> list[Closing | None]:
        return [(USUAL, (8 * 60 + minutes,))] * 3

    assert close([*usual(15), *late(90)]) == []
    assert [risk.facts["usual_minute"] for risk in close([*usual(15), *late(135)])] == [480]


def test_what_lasts_for_months_becomes_the_usual() -> None:
    risks = close([*usual(24), *worse(RiskKind.ACTIVITY, 90)])

    assert [risk.reason for risk in risks] == ["risk.activity_down", "risk.new_usual"]


@given(st.integers(0, 40), st.integers(0, 5))
def test_from_observation_to_risk_neither_repetition_nor_a_crash_matters(
    cut: int, again: int
) -> None:
    story = []
    for day in range(24):
        at = MIDNIGHT + day * DAY_MS
        kg = 70.0 if day < 20 else 72.6
        story.append(seen(Vitals(at=at + 7 * HOUR, weight_kg=kg), 2 * day, "", "scale"))
        pir = Home(at=at + 9 * HOUR, sensor=Sensor.PIR, value=1)
        story.append(seen(pir, 2 * day + 1, "kitchen"))

    def run(*, disturbed: bool) -> list[Risk]:
        state, found = RULE.initial(HOME, HOME), list[Risk]()
        for index, one in enumerate(story):
            shown = [one, *([story[max(index - again, 0)]] if disturbed else [])]
            for twice in shown:
                state, risks = RULE.observe(state, twice)
                found += risks
            if disturbed and index == cut:
                state = pickle.loads(pickle.dumps(state))  # our own
        return found + list(RULE.pass_time(state, MIDNIGHT + 24 * DAY_MS)[1])

    undisturbed = run(disturbed=False)

    assert [(risk.reason, risk.subject) for risk in undisturbed] == [
        ("risk.weight_gain", "resident-1")
    ]
    assert run(disturbed=True) == undisturbed


def test_medicine_usually_taken_at_eleven_is_taken_a_little_before_eleven_too() -> None:
    eleven = [(USUAL, (11 * 60 + 5 + day % 3,)) for day in range(15)]

    assert close([*eleven, *[(USUAL, (10 * 60 + 45,))] * 4]) == []
    assert close([*eleven, *[(USUAL, (7 * 60,))] * 4]) != []
