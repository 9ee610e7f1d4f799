"""Policy is data: the shipped file says what the code has, and mistakes are named all at once."""

import tomllib
from pathlib import Path

import pytest

from pipeline.brain.respond.policy import Plan, Policy, within
from pipeline.brain.respond.policy_file import PolicyError, policy_from
from weinao.outcomes import HazardKind, Severity
from weinao.registry import Role

SHIPPED = Path(__file__).parents[2] / "configs" / "policy.toml"


def tables(text: str) -> dict:
    return tomllib.loads(text)


def test_the_shipped_file_says_what_the_code_has():
    assert policy_from(tables(SHIPPED.read_text(encoding="utf-8"))) == Policy()


def test_the_shipped_file_has_a_plan_for_every_kind():
    plans = tables(SHIPPED.read_text(encoding="utf-8"))["plan"]

    assert set(plans) == {kind.value for kind in HazardKind}


def test_the_shipped_file_says_for_every_tag_how_often_it_is_visited():
    assert tables(SHIPPED.read_text(encoding="utf-8"))["visits"] == Policy().visits


def test_a_file_changes_only_what_it_names():
    policy = policy_from(tables("[plan.fall]\naccept_s_max = 30\n[always]\nkept_days = 7\n"))

    assert policy.plans[HazardKind.FALL].accept_s_max == 30
    assert policy.plans[HazardKind.FALL].orders == Policy().plans[HazardKind.FALL].orders
    assert policy.plans[HazardKind.SOS] == Policy().plans[HazardKind.SOS]
    assert (policy.kept_days, policy.quiet_from_min) == (7, Policy().quiet_from_min)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(PolicyError) as raised:
        policy_from(
            tables(
                'colour = 1\n[always]\nkept_days = 0\nquiet = ["25:00", "7"]\n'
                '[plan.earthquake]\n[plan.fall]\naccept = 3\n[plan.sos]\nroles = ["mayor"]\n'
                '[plan.smoke]\nseverity_min = "awful"\n'
                '[[when]]\nkinds = ["fall"]\n[[group]]\nkinds = ["fall"]\nwithin_s = 5\n'
                "[visits]\nlives_alone = 0\n"
            )
        )

    said = str(raised.value)
    for words in (
        "colour: unknown",
        "always.quiet: expected two times",
        "always: Expected `int` >= 1",
        "plan.earthquake: ",
        "plan.fall: accept: unknown; known are family",
        "plan.sos: Invalid enum value 'mayor'",
        "plan.smoke: severity_min: 'awful'; known are info, minor, major, critical",
        "when 1: changes nothing",
        "group 1: ",
        "visits: Expected `int` >= 1",
    ):
        assert words in said
    assert len(said.splitlines()) == 10


def test_kind_tags_and_hour_decide_together():
    policy = policy_from(
        tables(
            '[[when]]\nkinds = ["heat"]\ntags = ["disabled"]\nhours = ["22:00", "07:00"]\n'
            'severity_min = "critical"\nroles = ["police"]\n'
            '[[when]]\ntags = ["disabled"]\naccept_s_max = 45\n'
        )
    )

    by_night = policy.plan(HazardKind.HEAT, ["disabled"], 23 * 60)
    by_day = policy.plan(HazardKind.HEAT, ["disabled"], 12 * 60)

    assert (by_night.severity_min, by_night.roles) == (Severity.CRITICAL, (Role.POLICE,))
    assert (by_day.severity_min, by_day.accept_s_max) == (Severity.INFO, 45)
    assert policy.plan(HazardKind.HEAT, ["dementia"], 23 * 60) == Policy().plans[HazardKind.HEAT]
    assert policy.plan(HazardKind.HEAT, [], 0).accept_s_max == 1_800


def test_a_later_exception_goes_over_an_earlier():
    policy = policy_from(tables("[[when]]\naccept_s_max = 10\n[[when]]\naccept_s_max = 20\n"))

    assert policy.plan(HazardKind.SOS, [], 0).accept_s_max == 20


@pytest.mark.parametrize(
    ("minute", "inside"), [(21 * 60 + 59, False), (22 * 60, True), (0, True), (7 * 60, False)]
)
def test_hours_go_over_midnight(minute, inside):
    assert within(minute, 22 * 60, 7 * 60) is inside


def test_a_plan_asks_somebody():
    with pytest.raises(PolicyError, match=r"plan\.fall"):
        policy_from({"plan": {"fall": {"roles": []}}})
    assert Plan().roles
