"""Each latent risk has its evidence, a proposed action for a role, and words in both languages."""

from collections.abc import Callable
from string import Formatter

import pytest

from tests.pipeline import (
    test_balcony,
    test_battery,
    test_circuit,
    test_fire_lane_often,
    test_overdue,
    test_risk_health,
    test_water_leak,
)
from weinao.catalogue import LANGUAGES, catalogue
from weinao.outcomes import Phase, Risk, RiskKind
from weinao.registry import Role


def _health(kind: RiskKind) -> Callable[[], list[Risk]]:
    def story() -> list[Risk]:
        usual = test_risk_health.usual
        return test_risk_health.close([*usual(24), *test_risk_health.worse(kind, 8), *usual(20)])

    return story


def _pressure() -> list[Risk]:
    return test_risk_health.close([({"sbp_mmhg": 142.0}, ())] * 5)


def _gain() -> list[Risk]:
    return test_risk_health.close([({"weight_kg": 70.0 + 1.2 * day}, ()) for day in range(3)])


STORIES: dict[str, tuple[RiskKind, Callable[[], list[Risk]]]] = {
    **{kind.value: (kind, _health(kind)) for kind in test_risk_health.WORSE},
    "pressure": (RiskKind.BLOOD_PRESSURE, _pressure),
    "gain": (RiskKind.WEIGHT, _gain),
    "balcony": (
        RiskKind.BALCONY,
        lambda: test_balcony.run(*map(test_balcony.track, (0, 3, 9)), until_day=60),
    ),
    "water": (
        RiskKind.WATER_LEAK,
        lambda: test_water_leak.run(test_water_leak.nights(6.0, 6.0, 6.0, 0.0)),
    ),
    "circuit": (
        RiskKind.CIRCUIT,
        lambda: test_circuit.run(*(test_circuit.evening(day, 8_000) for day in range(3))),
    ),
    "battery low": (
        RiskKind.BATTERY,
        lambda: test_battery.run(*(test_battery.level(hour, 12) for hour in range(5))),
    ),
    "battery falling": (
        RiskKind.BATTERY,
        lambda: test_battery.run(*(test_battery.level(24 * d, 80 - 9 * d) for d in range(9))),
    ),
    "overdue": (
        RiskKind.TEST_OVERDUE,
        lambda: test_overdue.run(test_overdue.entered(test_overdue.SMOKE), 40),
    ),
    "lane": (
        RiskKind.FIRE_LANE_OFTEN,
        lambda: test_fire_lane_often.run(0, 3, 7, until_day=22),
    ),
}


def test_every_kind_of_risk_has_a_story() -> None:
    assert {kind for kind, _ in STORIES.values()} == {*RiskKind}


@pytest.mark.parametrize("name", STORIES)
def test_a_risk_has_evidence_a_proposal_a_role_and_words(name: str) -> None:
    kind, story = STORIES[name]

    risks = story()

    raised = [risk for risk in risks if risk.phase is Phase.RAISED]
    assert {risk.kind for risk in raised} == {kind}
    for risk in raised:
        assert all(risk.evidence)
        assert 1 <= len(risk.evidence) <= 16
        assert risk.propose
        assert risk.role in ("", *Role)  # empty stands for the family
        assert 0 < risk.confidence <= 1
    for risk in risks:
        for language in LANGUAGES:
            known = catalogue(language).sections["reason"]
            assert {risk.reason, risk.propose} <= set(known)
            fields = {name for _, name, _, _ in Formatter().parse(known[risk.reason]) if name}
            assert fields <= set(risk.facts), "nothing in the sentence is unknown"
