"""What falling objects promise, and the balconies they fall from."""

import itertools
import pickle

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.falling_object import FallingObject
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Highrise
from weinao.outcomes import Hazard, Phase

RULE = FallingObject()


def track(at_s: float, device: str = "cam-1", confidence: float = 0.9, column: str = "2") -> Seen:
    at = START + round(at_s * 1_000)
    return Seen(
        id=f"{device}:{at}:{column}",
        device=device,
        at=at,
        received_at=at,
        observation=Highrise(
            at=at, building="b-1", floor=11, column=column, confidence=confidence, clip="c.mp4"
        ),
        subject=device,
        household="",
        place="cam-agent",
    )


def run(*tracks: Seen) -> list[Hazard]:
    state, found = RULE.initial("b-1", ""), []
    for seen in tracks:
        if RULE.subject_of(seen) is not None:
            state, hazards = RULE.observe(pickle.loads(pickle.dumps(state)), seen)
            found += hazards
    return found


TRACKS = st.lists(
    st.builds(track, st.integers(0, 120), st.sampled_from(["cam-1", "cam-2"])), max_size=15
)


@given(TRACKS, st.randoms())
def test_every_track_has_a_hazard_and_no_two_hazards_are_near(tracks, random) -> None:
    random.shuffle(tracks)
    near = RULE.same_s * 1_000

    raised = sorted(hazard.at for hazard in run(*tracks) if hazard.phase is Phase.RAISED)

    assert all(b - a >= near for a, b in itertools.pairwise(raised))
    assert all(any(abs(seen.at - at) < near for at in raised) for seen in tracks)


@given(TRACKS)
def test_a_track_sent_twice_counts_once(tracks) -> None:
    assert run(*[seen for seen in tracks for _ in range(2)]) == run(*tracks)


@given(TRACKS)
def test_each_hazard_is_raised_once_and_confirmed_at_most_once_after(tracks) -> None:
    phases: dict[str, list[Phase]] = {}
    for hazard in run(*tracks):
        phases.setdefault(hazard.id, []).append(hazard.phase)

    assert all(
        told in ([Phase.RAISED], [Phase.RAISED, Phase.CONFIRMED]) for told in phases.values()
    )


def test_tracks_and_mirrors_of_one_throw_are_one_hazard_with_its_floor() -> None:
    [hazard] = run(track(0), track(0.4), track(1.2, column="5"))

    assert (hazard.subject, hazard.facts["floor"], hazard.facts["column"]) == ("b-1", 11, "2")


def test_a_second_camera_makes_it_surer() -> None:
    raised, confirmed = run(track(0), track(1, "cam-2"), track(2, "cam-2"))

    assert confirmed.phase is Phase.CONFIRMED
    assert confirmed.id == raised.id
    assert confirmed.confidence > raised.confidence


def test_what_may_be_a_bird_is_nothing() -> None:
    assert run(track(0, confidence=0.3)) == []


@given(st.integers(1, 40))
def test_what_takes_twice_as_long_as_free_fall_hits_nobody(floor: int) -> None:
    free_s = (2 * 3.0 * floor / 9.80665) ** 0.5

    def seen(times: float) -> Seen:
        one = track(0)
        said = replace(one.observation, floor=floor, t_fall_s=free_s * times)
        return replace(one, observation=said)

    assert run(seen(2.0)) == []
    assert [one.phase for one in run(seen(1.1))] == [Phase.RAISED]
    assert [one.phase for one in run(seen(0.4))] == [Phase.RAISED]  # a track that began late


def test_without_floor_lines_nobody_knows_how_long_it_may_take() -> None:
    one = track(0)
    unknown = replace(one, observation=replace(one.observation, floor=0, t_fall_s=1.6))

    assert [found.phase for found in run(unknown)] == [Phase.RAISED]


def test_a_fall_that_is_said_again_with_its_film_stays_one_hazard() -> None:
    first = track(0)
    last = replace(
        first,
        id="later",
        observation=replace(first.observation, part="last", clip="c.mp4#sha256=00", t_fall_s=2.4),
    )

    assert [found.phase for found in run(first, last)] == [Phase.RAISED]
