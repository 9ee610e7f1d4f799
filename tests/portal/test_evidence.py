"""Pictures that cameras kept: for those whose work it is, unchanged, and never without a note."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from portal.accounts import Role
from tests.portal.town import EAST, Town, town
from weinao.messages import Highrise
from weinao.outcomes import Incident

NAME = "fall-1800000000000.jpg"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as made:
        yield made


def fallen(there: Town) -> Incident:
    """Let something fall, with a picture of it on this machine."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 90)).save(out, "JPEG")
    there.desk.evidence.mkdir()
    (there.desk.evidence / NAME).write_bytes(out.getvalue())
    sha256 = hashlib.sha256(out.getvalue()).hexdigest()
    there.now += 1_000
    said = Highrise(
        at=there.now, building="b-1", floor=9, t_fall_s=1.2, confidence=0.95,
        clip=f"{NAME}#sha256={sha256}",
    )  # fmt: skip
    there.say(EAST, "agent-1", said)
    there.look()
    return next(one for one in there.desk.live.board.all() if one.kind == "falling_object")


def test_staff_see_the_picture_and_it_is_noted_that_they_looked(there: Town) -> None:
    incident = fallen(there)
    head = there.signed_in(Role.STAFF, incident.assignee)

    page = head.get(f"/incidents/{EAST}/{incident.id}").text
    shown = head.get(f"/evidence/{EAST}/{incident.id}")

    assert f'src="/evidence/{EAST}/{incident.id}"' in page
    assert NAME in page
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.content == (there.desk.evidence / NAME).read_bytes()
    assert "evidence.read" in {one.action for one in there.desk.audit.newest()}


def test_staff_whom_nobody_asked_see_none(there: Town) -> None:
    incident = fallen(there)
    asked = {incident.assignee, *incident.told}
    others = [one for one in ("head-1", "officer-1", "property-1") if one not in asked]

    away = there.signed_in(Role.STAFF, others[0])

    assert away.get(f"/evidence/{EAST}/{incident.id}").status_code == 403


def test_families_and_strangers_see_none(there: Town) -> None:
    incident = fallen(there)
    daughter = there.signed_in(Role.FAMILY, "daughter-1")

    assert daughter.get(f"/evidence/{EAST}/{incident.id}").status_code in (403, 404)
    away = there.client.get(f"/evidence/{EAST}/{incident.id}", follow_redirects=False)
    assert away.status_code in (302, 303, 401, 403)
    assert "evidence.read" not in {one.action for one in there.desk.audit.newest()}


def test_a_picture_that_was_changed_is_not_shown(there: Town) -> None:
    incident = fallen(there)
    head = there.signed_in(Role.STAFF, incident.assignee)
    with (there.desk.evidence / NAME).open("ab") as file:
        file.write(b"x")

    assert head.get(f"/evidence/{EAST}/{incident.id}").status_code == 404
