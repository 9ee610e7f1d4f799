"""What every rule about a home promises, and the words to show it something with."""

import pickle
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.base import Finding, Rule, advance
from pipeline.brain.perceive.seen import Seen
from weinao.messages import AnyObservation, Home, Registered, Sensor, Vitals
from weinao.outcomes import Hazard, Phase
from weinao.registry import Resident, TagGrant

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
MIDNIGHT = 1_767_196_800_000  # 2026-01-01T00:00:00+08:00


def shown(at: int, said: AnyObservation, device: str, **about: Any) -> Seen:
    """Return an observation as the grid shows it to a rule."""
    known = {"subject": "home-1", "household": "home-1", "place": "home-1", **about}
    return Seen(
        id=f"{device}:{at}", device=device, at=at, received_at=at, observation=said, **known
    )


def home(at: int, sensor: Sensor, value: float, room: str, *, alone: bool = True) -> Seen:
    said = Home(at=at, sensor=sensor, value=value, room=room)
    return shown(at, said, f"{sensor}-{room}", room=room, alone=alone)


def pir(at: int, room: str = "kitchen", *, alone: bool = True) -> Seen:
    return home(at, Sensor.PIR, 1.0, room, alone=alone)


def door(at: int, value: float, *, alone: bool = True) -> Seen:
    return home(at, Sensor.DOOR, value, "entrance", alone=alone)


def band(at: int, who: Resident, **said: Any) -> Seen:
    """Return a reading of somebody's wearable."""
    reading = Vitals(at=at, **{"worn": True, "hr_bpm": 80, **said})
    return shown(at, reading, f"band-{who.id}", subject=who.id, resident=who)


def entered(*people: Resident) -> list[Seen]:
    """Return the registry's word on who lives in the home."""
    return [
        replace(shown(0, Registered(at=0, record=who), f"loader-{who.id}"), subject=who.id)
        for who in people
    ]


def person(name: str, birth_year: int | None, *tags: str) -> Resident:
    granted = tuple(TagGrant(tag=tag) for tag in tags)
    return Resident(id=name, household="home-1", birth_year=birth_year, tags=granted)


def run(
    rule: Rule[Any], log: Sequence[Seen], until: int | None = None, state: Any = None
) -> tuple[Any, list[Finding]]:
    """Show a rule a log as the grid does, and let time pass to the end."""
    state = rule.initial("home-1", "home-1") if state is None else state
    found: list[Finding] = []
    for seen in log:
        if rule.subject_of(seen) is not None:
            take_in = advance if rule.ordered else _observe
            state, more = take_in(rule, state, seen)
            found += more
    if until is not None:
        state, more = rule.pass_time(state, until)
        found += more
    return state, found


def phases(rule: Rule[Any], log: Sequence[Seen], until: int | None = None) -> list[Phase]:
    return [one.phase for one in run(rule, log, until)[1] if isinstance(one, Hazard)]


def check_promises(rule: Rule[Any], log: list[Seen], data: st.DataObject) -> None:
    """Hold a rule to what all promise, on a log in the order of its time.

    Sent twice counts once; a crash anywhere and how often time passes change nothing; what
    arrives in another order gives the same; one hazard ends before the next of its id begins.
    """
    end = max(seen.at for seen in log) + DAY
    state, found = run(rule, log, end)

    assert run(rule, log, end, state) == (state, []), "sent twice"
    cut = data.draw(st.integers(0, len(log)), label="crash after")
    saved = pickle.loads(pickle.dumps(run(rule, log[:cut])[0]))
    assert run(rule, log[cut:], end, saved)[1] == run(rule, log, end)[1][_count(rule, log, cut) :]
    moments = data.draw(st.lists(st.integers(MIDNIGHT, end), max_size=10), label="ticks")
    assert _ticked(rule, log, sorted(moments), end) == found, "how often time passes"
    if not rule.ordered:
        known = [seen for seen in log if isinstance(seen.observation, Registered)]
        others = [seen for seen in log if not isinstance(seen.observation, Registered)]
        shuffled = data.draw(st.permutations(others), label="as it arrives")
        assert run(rule, [*known, *shuffled], end)[1] == found, "order of arrival"
    _check_lives(found)


def _count(rule: Rule[Any], log: Sequence[Seen], cut: int) -> int:
    return len(run(rule, log[:cut])[1])


def _ticked(rule: Rule[Any], log: Sequence[Seen], moments: list[int], end: int) -> list[Finding]:
    state, found = rule.initial("home-1", "home-1"), []
    for seen in log:
        while moments and moments[0] <= seen.at and seen.at > 0:
            state, more = rule.pass_time(state, moments.pop(0))
            found += more
        state, more = run(rule, [seen], None, state)
        found += more
    for at in (*moments, end):
        state, more = rule.pass_time(state, at)
        found += more
    return found


def _check_lives(found: Sequence[Finding]) -> None:
    lives: dict[str, list[Hazard]] = {}
    for one in found:
        assert isinstance(one, Hazard)
        assert one.reason
        assert len(one.evidence) <= 16
        lives.setdefault(one.id, []).append(one)
    for life in lives.values():
        said = [one.phase for one in life if one.phase is not Phase.CONFIRMED]
        assert said in ([Phase.RAISED], [Phase.RAISED, Phase.CLEARED])
        assert [one.at for one in life] == sorted(one.at for one in life)


def _observe(rule: Rule[Any], state: Any, seen: Seen) -> tuple[Any, Sequence[Finding]]:
    return rule.observe(state, seen)


@st.composite
def logs(draw: st.DrawFn, kinds: Sequence[str], gap_min_max: int = 90) -> list[Seen]:
    """Draw what sensors of a home said, in the order of time, beginning in the evening."""
    at = MIDNIGHT + draw(st.integers(18, 30)) * HOUR
    log: list[Seen] = []
    for _ in range(draw(st.integers(1, 30))):
        at += draw(st.integers(1, gap_min_max * MINUTE))
        kind = draw(st.sampled_from(kinds))
        value = draw(st.sampled_from((0.0, 1.0)))
        log.append(_SAYINGS[kind](at, value))
    return log


_SAYINGS = {
    "door": door,
    "bed": lambda at, value: home(at, Sensor.BED, value, "bedroom"),
    "kitchen": lambda at, _: pir(at),
    "bathroom": lambda at, _: pir(at, "bathroom"),
    "entrance": lambda at, _: pir(at, "entrance"),
    "stove": lambda at, value: home(at, Sensor.POWER, 1_500 * value, "kitchen"),
    "warm": lambda at, value: home(at, Sensor.TEMPERATURE, 25 + 8 * value, "bedroom"),
    "cool": lambda at, value: home(at, Sensor.TEMPERATURE, 22 - 8 * value, "bedroom"),
    "humid": lambda at, value: home(at, Sensor.HUMIDITY, 40 + 50 * value, "bedroom"),
    "child": lambda at, _: band(at, CHILD),
    "mother": lambda at, _: band(at, MOTHER),
}

ELDER = person("elder-1", 1940)
CHILD = person("child-1", 2022, "preschool")
MOTHER = person("mother-1", 1990)
