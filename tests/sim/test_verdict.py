"""An expectation holds when what it names came, and only then."""

from datetime import date

import pytest

from sim.expected import Expectation, ScoreTable
from sim.scenarios import Scenario
from sim.verdict import Came, NoticedRisk, judge
from weinao.outcomes import HealthScore, Phase, Risk, RiskKind

AT = 1_772_380_800_000


def risk(phase=Phase.RAISED, at_s=100, subject="resident-1"):
    return NoticedRisk(
        Risk(
            id="r-1",
            kind=RiskKind.WEIGHT,
            phase=phase,
            subject=subject,
            household="home-1",
            at=AT + at_s * 1_000,
            reason="risk.weight_gain",
        ),
        AT + at_s * 1_000,
    )


def scored(day, score, reason="score.good"):
    return HealthScore(
        id=day, subject="resident-1", household="home-1", day=day, at=AT, score=score, low=score,
        high=score, coverage=1.0, reason=reason,
    )  # fmt: skip


def held(came, **wanted):
    story = Scenario(title="", seed=1, starts_at=AT, lasts_s=1, expect=(Expectation(**wanted),))
    [verdict] = judge(story, came)
    opposite = Scenario(title="", seed=1, starts_at=AT, lasts_s=1, never=story.expect)
    [other] = judge(opposite, came)
    assert verdict.held is not other.held
    return verdict.held


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({"risk": "weight"}, True),
        ({"risk": "weight", "subject": "home-1"}, True),
        ({"risk": "weight", "subject": "resident-2"}, False),
        ({"risk": "sleep"}, False),
        ({"risk": "weight", "phase": "cleared"}, False),
        ({"risk": "weight", "reason": "risk.weight_gain"}, True),
        ({"risk": "weight", "reason": "risk.weight_up"}, False),
        ({"risk": "weight", "between_s": (0, 99)}, False),
        ({"risk": "weight", "noticed_s": 100}, True),
    ],
)
def test_a_risk_is_told_by_kind_subject_phase_reason_and_time(wanted, holds):
    assert held(Came(risks=[risk()]), **wanted) is holds


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({"above": 40}, True),
        ({"below": 40}, False),
        ({"below": 60, "reason": "score.vitals"}, True),
        ({"below": 60, "reason": "score.sleep"}, False),
        ({"above_day": date(2026, 3, 1)}, False),
    ],
)
def test_a_score_is_told_by_day_bounds_and_reason(wanted, holds):
    came = Came(scores=[scored("2026-03-01", 90), scored("2026-03-02", 50, "score.vitals")])

    table = ScoreTable(subject="resident-1", day=date(2026, 3, 2), **wanted)

    assert held(came, score=table) is holds


def test_a_day_without_a_score_meets_no_expectation():
    table = ScoreTable(subject="resident-1", day=date(2026, 3, 3), above=0)

    assert not held(Came(scores=[scored("2026-03-02", 50)]), score=table)
