"""The shipped settings of a high-rise camera are its documentation."""

import re
import tomllib
from pathlib import Path

import msgspec

from edge.perception.highrise.gate import Limits
from edge.perception.highrise.settings import HighriseSettings, facade_of
from weinao.settings import load

SHIPPED = Path("configs/highrise.toml")


def test_the_shipped_settings_describe_a_facade() -> None:
    facade = facade_of(load(SHIPPED, HighriseSettings), (1920, 1080))

    assert facade.metric
    assert facade.column_m == 4


def test_what_is_commented_out_stands_at_its_default() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    plain = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    limits = msgspec.convert(tomllib.loads(plain)["limits"], Limits)
    whole, told = plain.split("[[lines]]")[0], plain.split("# Around the facade")[1]
    top = tomllib.loads(whole + "#" + told.split("# What a fall must show")[0])

    assert limits == Limits()
    assert set(msgspec.structs.asdict(Limits())) == set(
        re.findall(r"^(\w+) =", plain.split("[limits]")[1], re.MULTILINE)
    )
    settings = load(SHIPPED, HighriseSettings)
    assert (top["floor_m"], top["keep_s"]) == (settings.floor_m, settings.keep_s)
    assert top["outline"] == list(settings.outline) == []
