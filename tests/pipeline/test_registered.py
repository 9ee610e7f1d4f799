"""What the view of the registry promises, however its records came."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.brain.perceive.registered import Registered, key_of
from weinao.registry import Contact, Device, Grid, Household, Record, Resident, Role, Staff

NAMES = st.sampled_from([f"n-{number}" for number in range(8)])
RECORDS = st.one_of(
    st.builds(Grid, id=NAMES, community=st.just("c"), tz_offset_min=st.integers(-60, 60)),
    st.builds(Household, id=NAMES, agent=NAMES),
    st.builds(
        Resident,
        id=NAMES,
        household=NAMES,
        contacts=st.lists(st.builds(Contact, id=NAMES), max_size=2).map(tuple),
    ),
    st.builds(Device, id=NAMES, agent=NAMES, wearer=NAMES, household=NAMES),
    st.builds(Staff, id=NAMES, role=st.sampled_from(Role)),
)


def views(known: Registered) -> tuple[object, ...]:
    return (
        known.records,
        known.tz_offset_min,
        known.staff,
        known.devices_of_agent,
        known.residents_of,
        known.households_of_agent,
        [known.contacts_of(f"n-{n}", f"n-{n + 1}") for n in range(8)],
    )


@given(st.lists(RECORDS, max_size=40), st.randoms(use_true_random=False))
def test_a_view_made_record_by_record_is_the_view_of_all(records: list[Record], rng) -> None:
    newest = {key_of(record): record for record in records}
    known = Registered({})
    for record in records:
        before, was = known, views(known)
        known = known.with_record(record)
        assert views(before) == was, "an older view does not change"

    assert known.records == newest
    assert views(known) == views(Registered(newest))
    others = rng.sample([*newest.values()], len(newest))
    assert views(known) == views(Registered({key_of(one): one for one in others}))
    for number in range(8):
        name = f"n-{number}"
        assert known.device(name) == newest.get(("device", name))
        assert known.resident(name) == newest.get(("resident", name))
        assert known.household(name) == newest.get(("household", name))


def test_entering_a_record_copies_a_small_part_of_what_is_registered() -> None:
    known = Registered({})
    for number in range(3_000):
        known = known.with_record(Resident(id=f"resident-{number}", household="home-1"))
    before = known._kinds[Resident]
    after = known.with_record(Resident(id="resident-new", household="home-1"))._kinds[Resident]

    changed = [bucket for bucket, records in after.items() if before.get(bucket) is not records]
    assert len(changed) == 1
    assert len(after[changed[0]]) < 100
