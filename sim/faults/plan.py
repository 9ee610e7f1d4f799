"""Faults as values: what breaks, whose, from when to when."""

from msgspec import Struct

KINDS = {
    "uplink_down": "an agent or home: what it says waits, alarms go first on recovery",
    "agent_dies": "an agent or home: nothing is noticed, and then it starts anew",
    "sensor_dies": "a device: it says nothing any more",
    "sensor_stuck": "a device: it repeats itself every few minutes",
    "duplicate": "an agent, a home or `all`: this share of packs arrives twice",
    "reorder": "an agent, a home or `all`: this share of packs arrives up to a minute late",
    "clock_off": "a device: its clock is off by `offset_s`",
    "false_fall": "a band, once: it takes something else for a fall",
    "ghost_motion": "a movement sensor: it sees somebody every few hours where nobody is",
    "nuisance_alarm": "a detector, once: it reports for minutes, and there is nothing",
    "bed_slips": "a bed sensor: it says that nobody lies there",
    "door_bounces": "a contact: this share of its words comes three times within milliseconds",
    "loose_band": "a band: this share of its readings is wrong",
    "glitches": "a meter or thermometer: this share of its readings never was",
    "ectopy": "a band: this share of its windows of the pulse is called irregular",
    "wrong_match": "a gate, once: it takes a stranger for somebody on the watch-list",
    "mistaken_object": "a facade camera, once: it takes a bird or a bag for something that falls",
}


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that breaks; seconds since the story began.

    Attributes:
        target: Whose; `all` for every agent.
        share: Of packs or words, where it concerns some of them, 0 to 1; of a false fall, the
            detector's confidence, drawn from those of false falls where it is 1.
        offset_s: Of a clock; at most 100 s ahead, or the pipeline refuses what it dates.
    """

    kind: str
    target: str
    from_s: float
    until_s: float
    share: float = 1.0
    offset_s: float = 0.0

    def during(self, at_s: float) -> bool:
        """Say whether it is so at a time."""
        return self.from_s <= at_s < self.until_s
