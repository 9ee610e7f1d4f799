"""`weinao policy`: what is wrong with a policy, and where it differs from the one we ship."""

import json
from pathlib import Path

import pytest

from weinao.cli.main import app
from weinao.cli.minds import policy_of

SHIPPED = Path(__file__).parents[2] / "configs" / "policy.toml"


def run(*tokens):
    app([*map(str, tokens)], result_action="return_value")


def test_the_shipped_policy_differs_from_itself_in_nothing(capsys):
    run("policy", "check", SHIPPED)

    assert "the policy that we ship" in capsys.readouterr().out


def test_each_difference_is_named_with_both_values(tmp_path, capsys):
    mine = tmp_path / "mine.toml"
    mine.write_text("[plan.fall]\naccept_s_max = 30\n")

    run("policy", "check", mine, "--json")

    assert json.loads(capsys.readouterr().out) == [
        {"where": "plan.fall.accept_s_max", "shipped": "60", "here": "30"}
    ]


def test_a_policy_that_cannot_be_used_is_refused_before_anything_starts(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("[plan.fall]\naccept = 30\n[always]\nold = 1\n")

    with pytest.raises(SystemExit) as raised:
        policy_of(mine, "flow run")

    assert "mine.toml: 2 problems" in str(raised.value)
    assert "plan.fall: accept: unknown" in str(raised.value)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_plan_is_shown(lang, capsys):
    run("policy", "show", "--lang", lang)

    assert ("跌倒" if lang == "zh" else "fall") in capsys.readouterr().out
