"""What the vital alarm promises, whatever it is shown."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.brain.identify.vitals import VitalAlarm, VitalsState
from pipeline.brain.perceive.seen import Seen
from tests.pipeline.community import START
from weinao.messages import Vitals
from weinao.outcomes import Hazard, Phase, Severity
from weinao.registry import Resident, VitalLimits

RULE = VitalAlarm()
WELL = Vitals(
    at=START, hr_bpm=72, spo2_pct=97, resp_per_min=15, temp_c=36.8, sbp_mmhg=128, worn=True
)
ILL = replace(WELL, hr_bpm=125, spo2_pct=92, resp_per_min=23)
DYING = replace(ILL, spo2_pct=88, resp_per_min=28)
SOMEBODY = Resident(id="resident-1", household="home-1", birth_year=1945)


def run(
    readings: list[Vitals], *, every_s: int = 30, resident: Resident = SOMEBODY
) -> list[Hazard]:
    state, found = VitalsState(), []
    for number, reading in enumerate(readings):
        at = START + number * every_s * 1_000
        seen = Seen(
            id=f"band:{number}",
            device="band",
            at=at,
            received_at=at,
            observation=replace(reading, at=at),
            subject=resident.id,
            household="home-1",
            resident=resident,
        )
        state, hazards = RULE.observe(state, seen)
        found += hazards
    return found


@given(st.lists(st.sampled_from([WELL, ILL, DYING]), max_size=30))
def test_fewer_than_three_urgent_readings_of_five_raise_nothing(readings: list[Vitals]) -> None:
    rare = [
        reading if number % 5 < 2 else WELL
        for number, reading in enumerate(readings)
    ]  # fmt: skip

    assert run(rare) == []


@given(st.lists(st.sampled_from([WELL, ILL, DYING]), max_size=40))
def test_one_hazard_stands_at_a_time_and_each_ends_before_the_next(readings: list[Vitals]) -> None:
    phases = [hazard.phase for hazard in run(readings) if hazard.phase is not Phase.CONFIRMED]

    assert (
        phases
        == [Phase.RAISED, Phase.CLEARED] * (len(phases) // 2) + phases[len(phases) // 2 * 2 :]
    )
    assert phases[::2] == [Phase.RAISED] * len(phases[::2])


def test_persisting_urgency_is_raised_and_an_emergency_confirmed() -> None:
    hazards = run([WELL] * 3 + [ILL] * 4 + [DYING] * 4)

    assert [(hazard.phase, hazard.severity) for hazard in hazards] == [
        (Phase.RAISED, Severity.MAJOR),
        (Phase.CONFIRMED, Severity.CRITICAL),
    ]


def test_three_bad_readings_within_seconds_are_not_yet_persisting() -> None:
    assert run([ILL] * 5, every_s=5) == []
    assert run([ILL] * 5, every_s=20) != []


def test_how_often_a_device_reads_does_not_matter() -> None:
    for every_s in (1, 4, 7, 20, 60):
        assert run([ILL] * (200 // every_s), every_s=every_s) != []
        assert run([ILL] * (55 // every_s), every_s=every_s) == []


def test_it_clears_only_once_all_is_calm() -> None:
    between = replace(WELL, hr_bpm=112, resp_per_min=21)  # four points: neither urgent nor calm

    assert [hazard.phase for hazard in run([ILL] * 5 + [between] * 20)] == [Phase.RAISED]
    assert run([ILL] * 5 + [WELL] * 5)[-1].phase is Phase.CLEARED


def test_what_a_band_says_off_the_wrist_does_not_count() -> None:
    assert run([replace(DYING, worn=False)] * 10) == []


@given(st.lists(st.booleans(), min_size=10, max_size=60))
def test_a_band_that_errs_in_one_sign_only_now_and_then_raises_nothing(loose: list[bool]) -> None:
    errs = [one and index % 10 > 0 for index, one in enumerate(loose)]

    assert run([replace(WELL, spo2_pct=84) if one else WELL for one in errs]) == []


def test_one_sign_alone_has_to_last_for_ten_minutes() -> None:
    low = replace(WELL, spo2_pct=88)

    assert run([low] * 20) == []
    [raised] = run([low] * 40)
    assert raised.at >= START + 600_000


def test_a_sign_that_is_not_read_again_is_no_second_reading() -> None:
    walking = replace(WELL, moving=True)

    assert run([WELL, replace(WELL, spo2_pct=84), *[walking] * 40]) == []


def test_scale_two_knows_that_ninety_per_cent_can_be_the_target() -> None:
    low = replace(WELL, spo2_pct=90)

    assert run([low] * 25) != []
    assert run([low] * 25, resident=replace(SOMEBODY, spo2_scale_2=True)) == []


def test_a_residents_own_limits_stand_in_for_the_charts() -> None:
    slow = replace(WELL, hr_bpm=38)
    athlete = replace(SOMEBODY, limits=VitalLimits(hr_bpm_min=35, hr_bpm_max=150))

    assert run([slow] * 25) != []
    assert run([slow] * 25, resident=athlete) == []
    assert run([replace(WELL, hr_bpm=160)] * 25, resident=athlete) != []


def test_children_are_not_judged_by_a_chart_for_adults() -> None:
    assert run([replace(WELL, hr_bpm=135)] * 10, resident=replace(SOMEBODY, birth_year=2022)) == []


def test_one_cuff_reading_beyond_its_action_limit_counts_at_once() -> None:
    good = Vitals(at=START, sbp_mmhg=128, dbp_mmhg=80, hr_bpm=70)
    high = replace(good, sbp_mmhg=172)

    hazards = run([good, good, high, high, good], every_s=12 * 3_600)

    # Half a day later it is worth telling again; somebody may have closed the first.
    assert [hazard.phase for hazard in hazards] == [Phase.RAISED, Phase.RAISED, Phase.CLEARED]
    assert hazards[0].at == START + 2 * 12 * 3_600_000


def test_a_slow_band_alarms_and_clears_as_a_quick_one_does() -> None:
    hazards = run([ILL] * 6 + [WELL] * 6, every_s=1_200)

    assert [hazard.phase for hazard in hazards] == [Phase.RAISED, Phase.CLEARED]


def test_what_goes_on_for_hours_is_raised_anew_for_those_who_closed_it() -> None:
    usual = replace(WELL, hr_bpm=112, resp_per_min=21)  # four points: never calm

    hazards = run([ILL] * 10 + [usual] * 600 + [ILL] * 10)

    assert [hazard.phase for hazard in hazards] == [Phase.RAISED, Phase.RAISED]
    assert hazards[0].id != hazards[1].id


def test_a_clip_that_shows_a_breathless_person_counts_at_once() -> None:
    clip = Vitals(at=START, hr_bpm=80, spo2_pct=84)

    assert [hazard.phase for hazard in run([clip])] == [Phase.RAISED]
    assert run([replace(clip, spo2_pct=97)]) == []
