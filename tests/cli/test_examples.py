"""The files under `configs/` that a newcomer starts from fit each other."""

import tomllib

from tests.conftest import ROOT
from weinao.cli.registry import read


def test_the_example_registry_can_be_taken_whole() -> None:
    rows = read([ROOT / "configs" / "community.toml"])

    assert [row.problem for row in rows if row.record is None] == []


def test_every_device_of_the_example_agent_is_in_the_example_registry() -> None:
    edge = tomllib.loads((ROOT / "configs" / "edge.toml").read_text(encoding="utf-8"))
    registered = {
        row.record.id
        for row in read([ROOT / "configs" / "community.toml"])
        if row.record is not None
    }

    assert {edge["agent"], *(device["id"] for device in edge["device"])} <= registered
