"""What the importer of recorded homes makes of a folder."""

import gzip
from pathlib import Path

import pytest

from sim.importers.homes import HomeEvent, leads_out, observation, read_home, read_homes
from weinao.messages import Sensor

HEADER = "home,ts,sensor,room,kind,value"


def write(folder: Path, name: str, *lines: str) -> None:
    with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def event(sensor: str, kind: str, room: str = "", on: bool = True) -> HomeEvent:
    return HomeEvent(at=0, sensor=sensor, room=room, kind=kind, on=on)


def test_every_home_of_a_folder_is_found_by_its_file_name(tmp_path: Path) -> None:
    write(tmp_path, "b_events", HEADER, "b,2020-01-01T00:00:00,PIR,Hall,motion,ON")
    write(tmp_path, "a_2_events", HEADER, "a_2,2020-01-01T00:00:00,PIR,Hall,motion,ON")
    write(tmp_path, "a_2_activities", "home,start,end,activity")

    assert [log.home for log in read_homes(tmp_path)] == ["a_2", "b"]


def test_a_folder_without_homes_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="_events"):
        list(read_homes(tmp_path))


def test_an_unreadable_row_is_counted_and_the_rest_is_read_in_order(tmp_path: Path) -> None:
    write(
        tmp_path,
        "h_events",
        HEADER,
        "h,1970-01-01T00:00:02.500,PIR,Hall,motion,on,one column too many",
        "h,not a time,PIR,Hall,motion,ON",
        "h,1970-01-01T00:00:03,PIR,Hall,motion,maybe",
        "h,1970-01-01T00:00:03",
        "",
        "h,1970-01-01T00:00:01,Door,Hall,contact,CLOSE",
    )

    log = read_home(tmp_path, "h")

    assert [(item.at, item.on) for item in log.events] == [(1_000, False), (2_500, True)]
    assert log.unreadable == 3


def test_an_absence_is_a_label_of_its_own_or_lasts_from_leaving_to_entering(
    tmp_path: Path,
) -> None:
    at = "1970-01-01T00:00:"
    head = "home,start,end,activity"
    write(tmp_path, "spans_events", HEADER)
    write(tmp_path, "spans_activities", head, f"s,{at}10,{at}20,Leaving", f"s,{at}30,{at}40,Sleep")
    write(tmp_path, "marks_events", HEADER)
    write(
        tmp_path,
        "marks_activities",
        head,
        f"m,{at}10,{at}11,Leave_Home",
        f"m,{at}12,{at}13,Sleep_Out_Of_Bed",
        f"m,{at}20,{at}21,Enter_Home",
        f"m,{at}30,{at}31,Leave_Home",
        f"m,{at}40,{at}41,Enter_Home",
    )

    assert read_home(tmp_path, "spans").absences == ((10_000, 20_000),)
    assert read_home(tmp_path, "marks").absences == ((10_000, 21_000), (30_000, 41_000))


@pytest.mark.parametrize(
    ("sensor", "room", "outside"),
    [
        ("Frontdoor", "Entrance", True),
        ("OutsideDoor.contact", "OutsideDoor", True),
        ("Entrance.Maindoor.contact", "Entrance", True),
        ("Door", "Foyer", True),
        ("Foyer closet", "Foyer", False),
        ("Hall-Bathroom door", "Bathroom", False),
        ("Fridge", "Kitchen", False),
    ],
)
def test_the_door_that_leads_out_is_known_by_its_name_or_room(
    sensor: str, room: str, outside: bool
) -> None:
    assert leads_out(event(sensor, "contact", room)) is outside


def test_what_an_agent_would_have_said_of_each_kind_of_sensor() -> None:
    bed = observation(event("Bedroom.Bed.pressure", "pressure", "Bedroom"))
    seat = observation(event("Living.Seat.pressure", "pressure", "Living", on=False))
    door = observation(event("Frontdoor", "contact", "Hall"))
    flush = observation(event("ToiletFlush", "flush", "Toilet"))

    assert bed is not None
    assert (bed.sensor, bed.value, bed.room) == (Sensor.BED, 1.0, "bedroom")
    assert seat is not None
    assert (seat.sensor, seat.value) == (Sensor.CHAIR, 0.0)
    assert door is not None
    assert (door.sensor, door.room) == (Sensor.DOOR, "entrance")
    assert flush is not None
    assert flush.sensor is Sensor.PIR
    assert observation(event("ToiletFlush", "flush", "Toilet", on=False)) is None
    assert observation(event("Meter", "voltage")) is None
