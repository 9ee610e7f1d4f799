"""Whatever breaks on the way: numbers stay whole, words hold, alarms go first."""

from hypothesis import given
from hypothesis import strategies as st

from sim.faults.plan import Fault
from sim.faults.transport import Uplink
from sim.world.said import Said
from weinao.messages import Home, Sensor, Status

START = 1_767_225_600_000
LASTS_S = 7_200

_WORDS = st.lists(
    st.tuples(
        st.integers(1, LASTS_S - 1),
        st.sampled_from(["pir-1", "smoke-1"]),
    ),
    max_size=60,
).map(sorted)
_FAULTS = st.lists(
    st.builds(
        lambda kind, a, b, share: Fault(
            kind=kind, target="agent-1", from_s=min(a, b), until_s=max(a, b), share=share
        ),
        st.sampled_from(["uplink_down", "agent_dies", "duplicate", "reorder"]),
        st.integers(0, LASTS_S),
        st.integers(0, LASTS_S),
        st.floats(0, 1),
    ),
    max_size=5,
)


def _said(words):
    sensors = {"pir-1": Sensor.PIR, "smoke-1": Sensor.SMOKE}
    for at_s, device in words:
        at = START + at_s * 1_000
        yield Said(at, device, Home(at=at, sensor=sensors[device], value=1.0))


def _delivered(words, faults):
    uplink = Uplink("agent-1", {}, faults, start=START, until=START + LASTS_S * 1_000, seed=1)
    return list(uplink.deliver(_said(words)))


@given(words=_WORDS, faults=_FAULTS)
def test_what_arrives_is_in_the_order_of_arrival_and_lacks_no_number(words, faults):
    arrived = _delivered(words, faults)

    assert [one.received_at for one in arrived] == sorted(one.received_at for one in arrived)
    numbers = {}
    for one in arrived:
        numbers.setdefault((one.pack.device, one.pack.boot), set()).add(one.pack.seq)
    assert all(found == set(range(1, len(found) + 1)) for found in numbers.values())


@given(words=_WORDS, faults=_FAULTS)
def test_nothing_new_comes_from_before_an_agents_word(words, faults):
    promised = 0
    for one in _delivered(words, faults):
        said = one.pack.obs[0]
        if isinstance(said, Status):
            promised = max(promised, said.complete_to)
        elif not one.again:
            assert said.at >= promised


@given(words=_WORDS)
def test_alarms_overtake_what_waited_through_an_outage(words):
    fault = Fault(kind="uplink_down", target="agent-1", from_s=0, until_s=LASTS_S)

    arrived = [
        one.pack.device
        for one in _delivered(words, [fault])
        if not isinstance(one.pack.obs[0], Status)
    ]

    assert len(arrived) == len(words)
    assert arrived == sorted(arrived, reverse=True)  # all of smoke-1 before all of pir-1
