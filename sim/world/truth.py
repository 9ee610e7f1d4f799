"""What is true: everything that befalls somebody, and the incident that has to follow from it.

A bound is the time from the fact until the brain has to have noticed: what its rule waits for, and
then one heartbeat of the home, without which the rule does not know that nothing else was said.
"""

from msgspec import Struct

from sim.world.households import BEAT_S

_DAY_S = 86_400.0
_WORD_S = BEAT_S + 60.0
"""The home's word, and the tick that follows it."""


class Happening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that befalls a subject, so many seconds after the story begins.

    Attributes:
        subject: A resident, home, device, agent, gate, zone or building.
        lasts_s: How long, where that means something; 0 for as long as such a thing takes.
        by: How far something moves from what is usual, in the unit of its kind; 0 for as far as
            such a thing goes.
    """

    at_s: float
    kind: str
    subject: str
    lasts_s: float = 0.0
    by: float = 0.0


class Must(Struct, frozen=True):
    """What follows from a happening.

    Attributes:
        kind: Of the incident; empty for none.
        allowed_s: Between the fact and its being noticed.
        lasts_s: How long it lasts where nobody says.
        optional: It may lead to an incident or not; both are right.
    """

    kind: str
    allowed_s: float
    lasts_s: float
    optional: bool = False


MUST: dict[str, Must] = {
    "falls": Must("fall", 60, 1_800),
    "falls_gets_up": Must("fall", 60, 60, optional=True),
    "stumbles": Must("", 0, 0),
    "presses_sos": Must("sos", 60, 0),
    "smoke": Must("smoke", 60, 600),
    "gas": Must("gas", 60, 600),
    "co": Must("co", 60, 600),
    "leak": Must("leak", 60, 3_600),
    "self_test": Must("", 0, 0),
    "falls_ill": Must("vitals", 1_800 + _WORD_S, 10_800),
    "exercises": Must("", 0, 2_400),
    "stops_moving": Must("inactivity", 4.5 * 3_600 + _WORD_S, 5.5 * 3_600),
    "goes_out": Must("", 0, 6 * 3_600),
    "arrhythmia": Must("irregular_pulse", 900 + _WORD_S, 1_800),
    "skips_beats": Must("", 0, 60),
    "lies_by_bed": Must("bed_exit", 2_400 + _WORD_S, 7_200),
    "leaves_door_open": Must("door_open", 900 + _WORD_S, 3_600),
    "airs_at_night": Must("", 0, 300),
    "wanders": Must("wandering", 330 + _WORD_S, 3_600),
    "child_leaves": Must("child_alone", 420 + _WORD_S, 2_400),
    "forgets_stove": Must("stove_on", 1_320 + _WORD_S, 4_000),
    "heat_wave": Must("heat", 10_800 + _WORD_S, 8 * 3_600),
    "heating_fails": Must("cold", 10_800 + _WORD_S, 8 * 3_600),
    "airs_room": Must("", 0, 1_800),
    "warm_day": Must("", 0, 9 * 3_600),
    "stays_away": Must("not_back", 12.2 * 3_600 + _WORD_S, 13.9 * 3_600),
    "overloads": Must("meter_anomaly", 1_800 + _WORD_S, 5_400),
    "bakes": Must("", 0, 5_400),
    "reports_noise": Must("report", 60, 0),
    "reports_fire": Must("report", 60, 0, optional=True),
    "watchlisted": Must("watchlist", 60, 0),
    "looks_alike": Must("", 0, 0),
    "tailgates": Must("tailgating", 30 + _WORD_S, 2_400),
    "courier": Must("", 0, 600),
    "drops_object": Must("falling_object", 60, 0),
    "bird": Must("", 0, 0),
    "crowds": Must("congestion", 900 + _WORD_S, 3_000),
    "passes_by": Must("", 0, 100),
    "blocks_lane": Must("fire_lane", 600 + _WORD_S, 2_400),
    "unloads": Must("", 0, 180),
    "skips_rounds": Must("patrol_missed", 126 * 60.0 + 120, 14_400),
    "cries": Must("", 0, 240),
    "takes_off_band": Must("", 0, _DAY_S),
    "pressure_crisis": Must("vitals", 60 + _WORD_S, 0),
    "takes_pressure": Must("", 0, 0),
    "tests_device": Must("", 0, 0),
    "forgets_charger": Must("", 0, 10 * _DAY_S),
    "pulse_drifts": Must("", 0, 14 * _DAY_S),
    "oxygen_drifts": Must("", 0, 14 * _DAY_S),
    "pressure_rises": Must("", 0, 14 * _DAY_S),
    "weight_gains": Must("", 0, 14 * _DAY_S),
    "eats_well": Must("", 0, 21 * _DAY_S),
    "up_at_night": Must("", 0, 7 * _DAY_S),
    "does_less": Must("", 0, 14 * _DAY_S),
    "wakes_early": Must("", 0, 14 * _DAY_S),
    "skips_medicine": Must("", 0, 7 * _DAY_S),
    "drips": Must("", 0, 7 * _DAY_S),
    "heats": Must("", 0, 7_200),
}
"""What can befall somebody, or a place; half of it is there to be left alone.

What only drifts has no incident: it is a latent risk, for a visit and not for an alarm."""


class Fact(Struct, frozen=True, kw_only=True, tag="happening", tag_field="type"):
    """A happening with what must follow, as the truth file holds it.

    Attributes:
        at: When it became so, milliseconds UTC.
        until: When it was over.
        about: Ids that its incident may be about.
        allowed_s: Between `told_at` and the incident's being noticed.
        told_at: When the news of it could leave the home: later than `at` in an outage.
    """

    happening: str
    kind: str
    about: tuple[str, ...]
    at: int
    until: int
    told_at: int
    allowed_s: float
    optional: bool = False
    by: float = 0.0


class Sent(Struct, frozen=True, kw_only=True, tag="sent", tag_field="type"):
    """How many observations were sent and not given up, registry and answers included."""

    observations: int
    packs: int
    home_days: float
    people: int
