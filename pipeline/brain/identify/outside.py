"""Who is at home, by door, movement and wearable; and what time it is there.

movement inside ... the outside door moves ... nothing moves inside -> left, since that door
                        +-- movement inside, too, soon or twice .... -> somebody is at home
                        +-- a worn wearable is heard, later ........ -> somebody is at home

A home's agent hears a wearable only within the home, so that one heard there is there. Its silence
says nothing here: it may be off, or empty. Which of several is out is for `child_alone`.
"""

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brain.identify.bounds import Seconds, Words
from pipeline.brain.perceive.seen import Seen
from weinao.messages import Home, Motion, Rhythm, Sensor, Vitals

POSITIONS_MAX = 64
"""Contacts of one home whose position is remembered; the longest known go first."""

CONTACTS = (Sensor.DOOR, Sensor.WINDOW, Sensor.BED, Sensor.CHAIR, Sensor.MEDICINE)
"""What only a person moves, as far as it is inside."""

DAY_MS = 86_400_000
MINUTE_MS = 60_000
_DAY_MIN = 1_440


class Outside(Struct, frozen=True, kw_only=True):
    """What leads out of a home; every rule about homes goes by the same.

    Args:
        rooms: A door in one of these rooms leads out of the home. Lower case; the empty name is
            for doors whose room nobody registered.
        settle_s: Movement beside the outside door counts as inside once the door has been left
            alone for so long.
        near_s: A wearable heard sooner after the outside door moved may still be on its way: in the
            stairwell, at the lift. Ours.
        return_s_max: Who comes in is seen inside so soon after the door. Later, while the home is
            presumed empty, one movement is a ghost
        ghost_s_max: unless there is another within so many seconds: sensors that see somebody where
            nobody is do so a few times a day. Ours.

    References:
        docs/decisions/0003-inactivity.md: the first two, and the homes they were chosen on.
    """

    rooms: Words = ("", "entrance", "hall", "hallway", "outside")
    settle_s: Seconds = 15
    near_s: Seconds = 300
    return_s_max: Seconds = 300
    ghost_s_max: Seconds = 3_600

    def leads_out(self, room: str) -> bool:
        """Say whether a door in a room leads out of the home."""
        return room.lower() in self.rooms

    def is_door(self, seen: Seen) -> bool:
        """Say whether an observation is about a door that leads out of a home."""
        said = seen.observation
        return (
            isinstance(said, Home)
            and said.sensor is Sensor.DOOR
            and bool(seen.household)
            and self.leads_out(seen.room)
        )

    def is_ghost(self, at: int, door_at: int, ghost_at: int | None) -> bool:
        """Say whether a movement in a home that all have left is a sensor's own.

        Args:
            at: When it was.
            door_at: When the outside door last moved.
            ghost_at: When a sensor last moved by itself, since they left.
        """
        if at < door_at + self.return_s_max * 1_000:
            return False
        return ghost_at is None or at > ghost_at + self.ghost_s_max * 1_000

    def is_inside(self, seen: Seen) -> bool:
        """Say whether an observation can tell that somebody moved inside a home."""
        said = seen.observation
        if not isinstance(said, Home) or self.is_door(seen):
            return False
        return is_movement(seen) or (said.sensor in CONTACTS and bool(seen.household))


class Presence(Struct, frozen=True, kw_only=True):
    """What the doors and the movements of one home say.

    Attributes:
        newest: Time and id of the newest observation taken in.
        moved_at: When somebody last moved inside.
        door_at: When an outside door last moved.
        left_at: When an outside door first moved since somebody last moved inside; None while
            somebody is at home, and while nothing is known.
        open: The outside doors that stand open, each with when it was opened and by which word.
        closed: The outside doors known to be closed.
        inside: The last position of each contact inside.
        ghost_at: When a sensor last saw somebody by itself, since all had left.
    """

    newest: tuple[int, str] = (-1, "")
    moved_at: int | None = None
    door_at: int | None = None
    left_at: int | None = None
    left_by: str = ""
    open: dict[str, tuple[int, str]] = {}
    closed: frozenset[str] = frozenset()
    inside: dict[str, float] = {}
    ghost_at: int | None = None

    def late(self, seen: Seen) -> bool:
        """Say whether something newer, or the same, is known already."""
        return (seen.at, seen.id) <= self.newest

    def after(self, seen: Seen, outside: Outside) -> "Presence":
        """Return what is known with one more observation, which is not late."""
        said = seen.observation
        known = replace(self, newest=(seen.at, seen.id))
        if outside.is_door(seen) and isinstance(said, Home):
            return _door_moved(known, seen, opened=bool(said.value))
        if is_worn_at_home(seen):
            return _heard(known, seen, outside)
        if not outside.is_inside(seen) or not isinstance(said, Home):
            return known
        return _moved_inside(known, seen, said, outside)


def is_worn_at_home(seen: Seen) -> bool:
    """Say whether the agent of a home heard a wearable on somebody who lives there."""
    said = seen.observation
    if not isinstance(said, Vitals | Motion | Rhythm) or seen.resident is None:
        return False
    worn = not isinstance(said, Vitals) or bool(said.worn)
    return worn and bool(seen.household) and seen.place == seen.household


def is_movement(seen: Seen) -> bool:
    """Say whether a motion sensor of a home saw somebody."""
    said = seen.observation
    return (
        isinstance(said, Home)
        and said.sensor is Sensor.PIR
        and bool(said.value)
        and bool(seen.household)
    )


def local_min(at: int, tz_offset_min: int) -> float:
    """Return the minute of the local day, from 0 to 1440."""
    return (at / MINUTE_MS + tz_offset_min) % _DAY_MIN


def within(at: int, tz_offset_min: int, from_min: int, until_min: int) -> bool:
    """Say whether an instant is in a part of the local day, which may reach over midnight."""
    minute = local_min(at, tz_offset_min)
    if from_min <= until_min:
        return from_min <= minute < until_min
    return minute >= from_min or minute < until_min


def next_begin(at: int, tz_offset_min: int, from_min: int) -> int:
    """Return the first instant from `at` on at which the local day reaches a minute."""
    ahead = (from_min - local_min(at, tz_offset_min)) % _DAY_MIN
    return at + round(ahead * MINUTE_MS)


def _moved_inside(known: Presence, seen: Seen, said: Home, outside: Outside) -> Presence:
    if said.sensor is not Sensor.PIR:
        before = known.inside.get(seen.device)
        others = [(name, one) for name, one in known.inside.items() if name != seen.device]
        inside = dict([*others, (seen.device, said.value)][-POSITIONS_MAX:])
        known = replace(known, inside=inside)
        if before is None or before == said.value:
            return known  # battery contacts repeat their position every hour
    beside = known.door_at is not None and outside.leads_out(seen.room)
    if beside and seen.at < (known.door_at or 0) + outside.settle_s * 1_000:
        return known
    by_itself = said.sensor is Sensor.PIR and known.left_at is not None
    if by_itself and outside.is_ghost(seen.at, known.door_at or 0, known.ghost_at):
        return replace(known, ghost_at=seen.at)
    return replace(known, moved_at=seen.at, left_at=None, left_by="", ghost_at=None)


def _heard(known: Presence, seen: Seen, outside: Outside) -> Presence:
    if known.door_at is None or seen.at < known.door_at + outside.near_s * 1_000:
        return known
    return replace(known, left_at=None, left_by="", ghost_at=None)


def _door_moved(known: Presence, seen: Seen, *, opened: bool) -> Presence:
    was_open, was_closed = seen.device in known.open, seen.device in known.closed
    if (was_open and opened) or (was_closed and not opened):
        return known  # battery contacts repeat their position every hour
    open_ = {door: since for door, since in known.open.items() if door != seen.device}
    if opened:
        open_[seen.device] = (seen.at, seen.id)
    closed = known.closed - {seen.device} if opened else known.closed | {seen.device}
    known = replace(
        known,
        open=dict([*open_.items()][-POSITIONS_MAX:]),
        closed=frozenset(sorted(closed)[-POSITIONS_MAX:]),
    )
    if not (opened or was_open):
        return known  # the first word of a closed door: it did not move
    if known.left_at is not None or known.moved_at is None:
        return replace(known, door_at=seen.at)
    return replace(known, door_at=seen.at, left_at=seen.at, left_by=seen.id)
