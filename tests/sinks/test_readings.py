"""An observation as columns: what is told there, and that nothing of it is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from sinks import readings
from tests.sinks.made import OF_EVERY_KIND
from weinao.messages import Acvpu, AnyObservation, Home, Sensor, Status, Vitals
from weinao.outcomes import Kept

AT = 1_767_225_600_000


def _kept(said: AnyObservation, at: int = AT) -> Kept:
    return Kept(
        id="d:b:1.0", device="d", at=at, received_at=at + 5, subject="r", household="h",
        observation=said,
    )  # fmt: skip


def _again(value: Kept) -> Kept:
    return readings.kept(value.id, value.at, readings.row(value))


@given(
    st.builds(
        Vitals,
        at=st.just(AT),
        hr_bpm=st.none() | st.floats(0, 350),
        battery_pct=st.none() | st.floats(0, 100),
        steps=st.none() | st.integers(0, 200_000),
        worn=st.none() | st.booleans(),
        on_oxygen=st.none() | st.booleans(),
        consciousness=st.none() | st.sampled_from(Acvpu),
    )
)
def test_vital_signs_stand_in_columns_whole(said: Vitals) -> None:
    row = readings.row(_kept(said))

    assert row[-1] == readings.IN_COLUMNS
    assert _again(_kept(said)) == _kept(said)


@given(st.sampled_from(Sensor), st.floats(-1e6, 1e9), st.text("abc 卧室", max_size=9))
def test_home_sensors_stand_in_columns_whole(sensor: Sensor, value: float, room: str) -> None:
    said = _kept(Home(at=AT, sensor=sensor, value=value, room=room))

    assert readings.row(said)[-1] == readings.IN_COLUMNS
    assert _again(said) == said


@pytest.mark.parametrize("said", OF_EVERY_KIND, ids=lambda said: type(said).__name__)
def test_an_observation_of_any_kind_comes_back_as_it_was(said: AnyObservation) -> None:
    assert _again(_kept(said, said.at)) == _kept(said, said.at)


def test_an_observation_that_tells_another_time_than_its_row_keeps_it() -> None:
    value = replace(_kept(Vitals(at=AT - 7, hr_bpm=61.5)), at=AT)

    assert _again(value) == value


def test_what_is_as_by_default_is_not_written() -> None:
    assert readings.sparse(Status(at=AT, complete_to=AT - 1)) == (
        f'{{"kind":"status","at":{AT},"complete_to":{AT - 1}}}'
    )


def test_every_vital_sign_has_a_column() -> None:
    assert {field.name for field in fields(Vitals)} == {"at", *readings.MEASURED}
