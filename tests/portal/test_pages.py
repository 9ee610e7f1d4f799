"""Pages, as browsers get them: what each shows to whom, from a store that a real brain filled."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image

from portal import drills
from portal.accounts import Role
from portal.photos import PhotoRefusedError, marked
from portal.sharing import Level
from portal.visits import visits_of
from sinks.store import Filter
from tests.portal.town import EAST, Town, answer, send, town
from weinao.cli.explain import case_of
from weinao.messages import Patrol, Registered
from weinao.outcomes import Kept, Notice
from weinao.registry import Contact, Resident
from weinao.story import tell

PAGE_BYTES_MAX = 100_000
"""Of the first page with all that it loads, before compression."""


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as made:
        yield made


def test_a_family_sees_how_she_is_and_has_three_buttons_under_the_alert(there: Town) -> None:
    there.morning()
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    assert "安好" in daughter.get("/family").text

    incident = there.sos()
    page = daughter.get("/family").text
    assert page.index("紧急求助") < page.index("家人现在怎样")
    assert page.index("我知道了") < page.index("我去处理") < page.index("误报")

    assert answer(daughter, incident, "accept").status_code == 303
    there.pump()
    assert 'data-state="accepted"' in daughter.get("/family").text


def test_others_see_who_was_told_and_what_they_answered(there: Town) -> None:
    incident = there.sos()
    there.answered(incident, "daughter-1", "accept")
    son = there.signed_in(Role.FAMILY, "son-1")

    page = son.get("/family").text

    assert "李梅（联系人）" in page
    assert '<span class="ans">去处理 ·' in page


def test_what_must_be_answered_sooner_stands_above_what_may_wait(there: Town) -> None:
    there.morning()
    there.fall()
    there.now += 3_600_000
    there.tick()  # the gateway has been silent meanwhile
    there.look()

    page = there.signed_in(Role.FAMILY, "daughter-1").get("/family").text

    assert page.index(">跌倒<") < page.index(">网关失联<")


def test_who_did_not_answer_in_time_does_not_look_like_an_answer(there: Town) -> None:
    there.sos()
    for _ in range(10):
        there.now += 60_000
        there.tick()
    there.look()

    page = there.signed_in(Role.FAMILY, "daughter-1").get("/family").text

    assert '<span class="none">超时未答 ·' in page
    assert '<span class="ans">' not in page


def test_her_day_is_shown_as_far_as_she_wishes(there: Town) -> None:
    there.morning()
    daughter = there.signed_in(Role.FAMILY, "daughter-1")

    def day() -> str:
        return str(daughter.get("/family").text).split("今天</h2>")[1].split("</section>")[0]

    operator = there.signed_in(Role.OPERATOR, "operator-1")

    def share(level: Level) -> None:
        send(operator, "/people/sharing", {"resident": "resident-1", "level": level})
        there.pump()

    assert "厨房" not in day()
    assert "在家活动" in day()
    share(Level.ROOMS)
    assert "厨房" in day()
    share(Level.NOTHING)
    assert "<svg" not in day()
    record = there.desk.known.record(EAST, Resident, "resident-1")
    assert record is not None
    assert record.sharing == Level.NOTHING  # in the registry, and so in the journal


def test_staff_go_from_task_to_resolved_with_a_photo_and_the_family_verifies(there: Town) -> None:
    incident = there.sos()
    head = there.signed_in(Role.STAFF, "head-1")
    daughter = there.signed_in(Role.FAMILY, "daughter-1")

    for action in ("accept", "arrive"):
        answer(head, incident, action)
        there.pump()
    assert "紧急求助" in head.get("/tasks").text.split("本网格")[0]
    answer(head, incident, "resolve", note="已扶起", photo=_picture())
    there.pump()
    answer(daughter, incident, "verify")
    there.pump()

    closed = there.desk.live.board.find(incident.id)
    assert closed is not None
    assert closed.state == "closed"
    page = daughter.get(f"/incidents/{EAST}/{incident.id}").text
    assert "已扶起" in page
    assert 'class="photo"' in page
    assert "这次处置您满意吗" in page


def test_what_the_brain_refuses_is_said_to_whoever_asked(there: Town) -> None:
    incident = there.sos()
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    son = there.signed_in(Role.FAMILY, "son-1")

    first = answer(daughter, incident, "dismiss")
    late = answer(son, incident, "accept")
    waiting = son.get(late.headers["location"]).text
    there.pump()

    assert "正在送达" in waiting
    assert "已收到" in daughter.get(first.headers["location"]).text
    refused = son.get(late.headers["location"]).text
    assert "系统没有采纳" in refused
    assert "cannot accept" in refused


def test_a_check_point_is_visited_and_the_store_confirms_it(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    assert "还没有人来过" in head.get("/rounds").text

    send(head, f"/rounds/{EAST}/point-1")
    there.pump()

    assert "上次：刚刚" in head.get("/rounds").text
    kept = [one.value for one in there.store.observations(_all("patrol"))]
    assert [
        (one.observation.checkpoint, one.observation.staff)
        for one in kept
        if isinstance(one, Kept) and isinstance(one.observation, Patrol)
    ] == [("point-1", "head-1")]


def test_a_visit_written_twice_is_one_and_two_that_differ_both_stand(there: Town) -> None:
    head = there.signed_in(Role.STAFF, "head-1")
    form = {
        "id": "a1", "grid": EAST, "household": "home-1", "found": "well", "note": "first",
        "at": there.now - 3_600_000,
    }  # fmt: skip

    queued = send(head, "/visits", form, headers={"x-part": "queued"})
    again = send(head, "/visits", {**form, "note": "changed"}, headers={"x-part": "queued"})
    send(head, "/visits", {**form, "id": "a2", "note": "second", "at": there.now + 9_999_999})

    assert (queued.json()["new"], again.json()["new"]) == (True, False)
    there.pump()
    visits = visits_of(there.store, EAST, "home-1")
    assert [one.note for one in visits] == ["second", "first"]
    assert visits[0].at == there.now  # no clock of a phone dates a visit into the future
    assert "1 号楼 301" not in head.get("/visits").text  # nobody is due there for a week


def test_a_report_without_a_name_is_followed_by_its_receipt_alone(there: Town) -> None:
    client = there.client
    made = send(
        client, "/report",
        {"category": "leak", "place": f"{EAST}/b-1", "text": "楼道漏水"},
        files={"photo": ("p.png", _picture("PNG"), "image/png")},
    )  # fmt: skip
    path = made.headers["location"]
    assert "正在送达" in client.get(path).text

    there.pump()  # the portal registers itself first, then reports
    page = client.get(path).text
    assert "正在送达" not in page
    [incident] = there.desk.live.board.open()
    assert (incident.kind, incident.reporter) == ("report", "")
    there.answered(incident, "property-1", "accept")
    assert 'aria-current="step">已接单' in client.get(path).text

    number, key = path.split("?")[0].split("/")[2:]
    assert client.get(f"/r/{number}/{'A' * 16}").status_code == 404
    opened = send(client, "/receipt", {"number": number.lower(), "key": key})
    assert opened.headers["location"] == f"/r/{number}/{key}"
    assert send(client, "/receipt", {"number": number, "key": "x"}).status_code == 403


def test_who_left_no_name_rates_the_handling_by_the_receipt_and_the_brain_hears_it(
    there: Town,
) -> None:
    client = there.client
    made = send(
        client, "/report", {"category": "leak", "place": f"{EAST}/b-1", "text": "楼道漏水"},
        files={"photo": ("p.png", _picture("PNG"), "image/png")},
    )  # fmt: skip
    path = made.headers["location"].split("?")[0]
    there.pump()
    [incident] = there.desk.live.board.open()
    for actor, action in (
        ("property-1", "accept"),
        ("property-1", "resolve"),
        ("head-1", "verify"),
    ):
        incident = there.answered(incident, actor, action)

    send(client, f"{path}/rate", {"rating": 4})
    send(client, f"{path}/rate", {"rating": 1})  # once is enough
    there.pump()

    rated = there.desk.live.board.find(incident.id, EAST)
    assert rated is not None
    assert rated.rating == 4
    story = tell(case_of(there.store, incident.id), "zh")
    assert "上报人（未留名）" in "".join(one.text for part in story.chapters for one in part.lines)


def test_a_test_alarm_is_answered_by_its_link_and_stands_in_the_statistics(there: Town) -> None:
    mail = Contact(id="daughter-1", name="李梅", channels=("sms:1",))
    _, resident = there.desk.known.living["resident-1"]
    there.desk.outbox.register(
        EAST, Registered(at=there.now, record=replace(resident, contacts=(mail,)))
    )
    there.pump()
    there.drill_day()
    found = there.store.notices(Filter(kind="drill.2026-06"))
    notice = found[0].value
    assert isinstance(notice, Notice)
    assert (notice.recipient, notice.kind) == ("daughter-1", None)
    link = there.desk.links.make(notice.incident, "daughter-1", there.now + 60_000)
    client = there.client

    assert "没有人遇险" in client.get(f"/a/{link}").text
    assert "谢谢" in send(client, f"/a/{link}", files={"photo": ("p", b"", "image/jpeg")}).text
    there.pump()

    [person] = drills.tested(there.store, EAST, "2026-06")
    assert (person.household, person.answered, person.delivery) == ("home-1", True, "")
    office = there.signed_in(Role.OPERATOR, "operator-1")
    assert "本月报警测试" in office.get("/statistics").text


def test_a_photo_in_a_note_is_counted_where_the_story_is_told_in_words(there: Town) -> None:
    note = marked("人没事。", there.desk.photos.keep(_picture("JPEG")))
    incident = there.sos()
    there.answered(incident, "head-1", "accept")
    there.answered(incident, "head-1", "resolve", note=note)

    for language, words in (("zh", "人没事。”（附照片 1 张）"), ("en", "(photos: 1)")):
        story = tell(case_of(there.store, incident.id), language)
        told = "".join(one.text for part in story.chapters for one in part.lines)
        assert words in told
        assert "[photo" not in told


def test_a_resident_reports_under_her_name_and_rates_how_it_was_handled(there: Town) -> None:
    resident = there.signed_in(Role.RESIDENT, "resident-1")
    form = {"category": "leak", "place": f"{EAST}/home-1"}
    made = send(resident, "/report", form, files={"photo": ("p", b"", "image/png")})
    path = made.headers["location"].split("?")[0]
    there.pump()
    [incident] = there.desk.live.board.open()
    assert incident.reporter == "resident-1"
    for actor, action in (
        ("property-1", "accept"),
        ("property-1", "resolve"),
        ("head-1", "verify"),
    ):
        incident = there.answered(incident, actor, action)
    assert incident.state == "closed"

    send(resident, f"{path}/rate", {"rating": 4})
    there.pump()

    rated = there.desk.live.board.find(incident.id)
    assert rated is not None
    assert rated.rating == 4
    assert "评价：4 分" in resident.get(path).text


def test_operators_see_the_plan_the_board_the_numbers_and_the_devices(there: Town) -> None:
    there.morning()
    incident = there.sos()
    for actor, action in (
        ("daughter-1", "accept"),
        ("daughter-1", "resolve"),
        ("head-1", "verify"),
    ):
        there.answered(incident, actor, action)
    there.fall("band-2")
    operator = there.signed_in(Role.OPERATOR, "operator-1")

    plan = operator.get("/community").text
    assert "示例小区" in plan
    assert "<polygon" in plan
    assert 'class="tile red"><b>2 号楼' in plan
    assert 'class="tile green"><b>1 号楼' in plan
    board = operator.get("/board").text
    assert board.index("跌倒") < board.index("最近结束") < board.index("紧急求助")
    numbers = operator.get("/statistics?days=1").text
    assert "<td>2</td><td>1</td>" in numbers
    devices = operator.get(f"/devices?grid={EAST}").text
    assert "15%" in devices
    assert devices.count("失联") == 1  # agent-2 never spoke


def test_a_registry_file_is_reported_on_row_by_row(there: Town) -> None:
    operator = there.signed_in(Role.OPERATOR, "operator-1")
    rows = b"id,grid,name,floors\nb-5,grid-east,5,6\nb-6,grid-east,6,many\n"

    said = send(
        operator, "/registry", {}, files={"file": ("building.csv", rows, "text/csv")}
    ).text  # fmt: skip

    assert "可用 1 条，不能用 1 条" in said
    assert "building.csv: line 3" in said
    wrong = {"file": ("building.exe", rows, "text/csv")}
    assert send(operator, "/registry", {}, files=wrong).status_code == 400


def test_a_store_that_falls_silent_is_said_on_every_page(there: Town) -> None:
    daughter = there.signed_in(Role.FAMILY, "daughter-1")
    assert "没有收到数据库的消息" not in daughter.get("/family").text

    there.now += 11_000

    assert "没有收到数据库的消息" in daughter.get("/family").text


def test_all_of_it_can_be_read_in_english(there: Town) -> None:
    there.morning()
    there.sos()
    daughter = there.signed_in(Role.FAMILY, "daughter-1")

    there_and_back = daughter.get("/language/en?to=/family", follow_redirects=False)
    page = daughter.get("/family").text

    assert there_and_back.headers["location"] == "/family"
    for said in ('lang="en"', "call for help", "I will see to it", "Danger", "Vital signs"):
        assert said in page
    for elsewhere in ("//evil.example", "/\\evil.example", "https://evil.example"):
        answered = daughter.get(f"/language/en?to={elsewhere}", follow_redirects=False)
        assert answered.headers["location"] == "/", elsewhere


def test_the_first_page_is_light(there: Town) -> None:
    there.morning()
    there.sos()
    daughter = there.signed_in(Role.FAMILY, "daughter-1")

    loaded = [
        daughter.get(path).content
        for path in ("/family", "/static/portal.css", "/static/portal.js", "/static/icon.svg")
    ]

    assert sum(map(len, loaded)) < PAGE_BYTES_MAX / 2
    assert sum(len(gzip.compress(one)) for one in loaded) < PAGE_BYTES_MAX / 5


def test_it_can_be_installed(there: Town) -> None:
    client = there.client

    manifest = client.get("/manifest.webmanifest").json()

    assert manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        assert client.get(icon["src"]).status_code == 200
    worker = client.get("/sw.js")
    assert "javascript" in worker.headers["content-type"]
    assert "{version}" not in worker.text


def test_photos_lose_everything_but_the_picture(there: Town) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera that says who made it"
    out = io.BytesIO()
    Image.new("RGB", (3_000, 2_000), "#aa8866").save(out, "JPEG", exif=exif)

    name = there.desk.photos.keep(out.getvalue())
    kept = there.desk.photos.content(name)

    assert kept is not None
    with Image.open(io.BytesIO(kept)) as picture:
        assert max(picture.size) == 1_280
        assert not picture.getexif()
    for wrong in (b"", b"GIF89a", b"<svg/>", out.getvalue()[:200]):
        with pytest.raises(PhotoRefusedError):
            there.desk.photos.keep(wrong)
    assert there.desk.photos.content("../secret") is None


def _picture(kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "#225588").save(out, kind)
    return out.getvalue()


def _all(kind: str) -> Filter:
    return Filter(kind=kind)
