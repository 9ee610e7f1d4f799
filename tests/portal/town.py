"""A small town for tests of the portal: two grids, a real brain for each, a real store behind both.

What people say at the portal is taken out of its outbox and shown to the brain, as ingest and flow
would do; nothing is answered in the brain's place.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyotp
from litestar.testing import TestClient

from pipeline.brain.entries import Entry, Tick
from pipeline.brain.grid import GridBrain
from pipeline.brain.respond.calendar import drill_day
from pipeline.brain.rules import RULES
from portal.accounts import WITH_SECOND_FACTOR, Account, Role
from portal.app import application
from portal.desk import Desk, made
from portal.settings import (
    LimitSettings,
    PortalSettings,
    PushSettings,
    WebhookSettings,
    WebSettings,
)
from sinks.client import StoreClient
from tests.sinks.serving import served
from weinao import codec, logging, topics
from weinao.messages import (
    Ack,
    AnyObservation,
    Feedback,
    Home,
    Motion,
    MotionEvent,
    Pack,
    Registered,
    Sensor,
    Status,
    Vitals,
)
from weinao.outcomes import Incident, Outcome
from weinao.registry import (
    Building,
    Checkpoint,
    Community,
    Consent,
    Contact,
    Device,
    Grid,
    Household,
    Record,
    Resident,
    Staff,
    TagGrant,
)
from weinao.registry import (
    Role as StaffRole,
)

START = 1_780_275_600_000  # 2026-06-01T09:00:00+08:00
EAST, WEST = "grid-east", "grid-west"
AGREED = (Consent(purpose="health"), Consent(purpose="home"))
PASSWORD = "a long enough password"

EAST_RECORDS: tuple[Record, ...] = (
    Community(id="demo", name="示例小区"),
    Grid(
        id=EAST, name="东区网格", community="demo",
        outline=((116.30, 39.90), (116.32, 39.90), (116.325, 39.915), (116.30, 39.92)),
    ),
    Building(id="b-1", name="1 号楼", grid=EAST, floors=18),
    Building(id="b-2", name="2 号楼", grid=EAST, floors=6),
    Household(id="home-1", building="b-1", unit="301", agent="agent-1"),
    Household(id="home-2", building="b-2", unit="102", agent="agent-2"),
    Resident(
        id="resident-1", name="王秀兰", household="home-1", birth_year=1943, consents=AGREED,
        tags=(TagGrant(tag="lives_alone", basis="consent"), TagGrant(tag="chronic:heart")),
        contacts=(
            Contact(id="daughter-1", name="李梅", channels=("tel:13900000001",)),
            Contact(id="son-1", name="李强"),
        ),
    ),
    Resident(
        id="resident-2", name="赵国华", household="home-2", birth_year=1950, consents=AGREED,
        contacts=(Contact(id="daughter-2", name="赵敏"),),
    ),
    Staff(id="head-1", name="陈刚", role=StaffRole.GRID_HEAD),
    Staff(id="property-1", name="孙伟", role=StaffRole.PROPERTY),
    Staff(id="operator-1", name="周宁", role=StaffRole.OPERATOR),
    Checkpoint(id="point-1", grid=EAST, place="东门消防栓", every_min=240),
    Device(id="agent-1", agent="agent-1", household="home-1", heartbeat_s=60, model="pi-4"),
    Device(id="agent-2", agent="agent-2", household="home-2", heartbeat_s=60, model="pi-4"),
    Device(id="band-1", agent="agent-1", wearer="resident-1", model="band"),
    Device(id="band-2", agent="agent-2", wearer="resident-2", model="band"),
    Device(id="sos-1", agent="agent-1", household="home-1", room="bedroom"),
    Device(id="sos-2", agent="agent-2", household="home-2", room="bedroom"),
    Device(id="pir-1", agent="agent-1", household="home-1", room="bedroom"),
    Device(id="pir-2", agent="agent-1", household="home-1", room="kitchen"),
)  # fmt: skip
WEST_RECORDS: tuple[Record, ...] = (
    Grid(id=WEST, name="西区网格", community="demo"),
    Building(id="b-9", name="9 号楼", grid=WEST, floors=11),
    Household(id="home-9", building="b-9", unit="501", agent="agent-9"),
    Resident(
        id="resident-9", name="钱芳", household="home-9", birth_year=1938, consents=AGREED,
        contacts=(Contact(id="son-9", name="钱勇"),),
    ),
    Staff(id="head-9", name="吴刚", role=StaffRole.GRID_HEAD),
    Device(id="agent-9", agent="agent-9", household="home-9"),
    Device(id="sos-9", agent="agent-9", household="home-9", room="bathroom"),
)  # fmt: skip


class Town:
    """The town as it runs.

    Args:
        folder: Of its store and its portal.
        socket: Where the store answers.
        url: What people type to reach the portal.
    """

    def __init__(self, folder: Path, socket: Path, url: str = "", **limits: Any) -> None:
        self.now = START
        self.store = StoreClient(socket)
        self.desk: Desk = made(
            PortalSettings(
                community="demo",
                web=WebSettings(url=url) if url else WebSettings(),
                limits=LimitSettings(**limits),
                webhooks=WebhookSettings(hosts=["127.0.0.1", "hooks.example.org"]),
                push=PushSettings(hosts=["127.0.0.1", "*.push.example"]),
            ),
            folder / "portal",
            lambda: StoreClient(socket),
            now=lambda: self.now,
            log=logging.logger(),
        )
        self.desk.arrives_s = 0.0
        self._brains = {grid: GridBrain(grid, RULES) for grid in (EAST, WEST)}
        self._seqs: dict[tuple[str, str], int] = {}
        self._offset = 0
        self._secrets: dict[str, str] = {}
        self._batch: list[Outcome] | None = []
        for grid, records in ((EAST, EAST_RECORDS), (WEST, WEST_RECORDS)):
            for record in records:
                kind = str(record.__struct_config__.tag)
                topic = topics.registry("demo", grid, kind, record.id)
                self.say(grid, "loader", Registered(at=self.now, record=record), topic=topic)
            self.tick(grid)
        self.store.write(self._batch)
        self._batch = None
        self._app = application(self.desk, opens=False)
        self.look()

    @property
    def client(self) -> TestClient[Any]:
        """A browser of its own for whoever asks."""
        return TestClient(self._app)

    def say(self, grid: str, device: str, said: AnyObservation, topic: str = "") -> None:
        """Let a device say something, and the brain conclude what follows."""
        key = (grid, device)
        seq = self._seqs[key] = self._seqs.get(key, 0) + 1
        pack = Pack(v=1, device=device, boot="00000001-a", seq=seq, sent=self.now, obs=(said,))
        kind = str(said.__struct_config__.tag)
        self._show(grid, topic or topics.up("demo", grid, kind, device), codec.encode(pack))

    def tick(self, grid: str = EAST) -> None:
        """Let the community's clock reach the present."""
        self._conclude(grid, Tick())

    def look(self) -> None:
        """Let the portal see what the store has by now."""
        self.desk.live._read_at = self.desk.live._whole_at = 0
        while self.desk.live.look():
            pass

    def pump(self) -> int:
        """Carry what people said to the brain, acknowledge it, and let the portal look."""
        waiting = self.desk.outbox.waiting()
        for one in waiting:
            self._show(one.grid, one.topic, one.payload)
            self.desk.outbox.acked(one.grid, one.device, Ack(boot=one.boot, seq=one.seq))
        self.look()
        return len(waiting)

    def sos(self, device: str = "sos-1", grid: str = EAST) -> Incident:
        """Let somebody press the button, and return the incident."""
        self.now += 1_000
        self.say(grid, device, Home(at=self.now, sensor=Sensor.SOS, value=1.0))
        self.look()
        return next(one for one in self.desk.live.board.all() if one.grid == grid)

    def fall(self, device: str = "band-1", grid: str = EAST) -> Incident:
        """Let somebody fall, and return the incident."""
        self.now += 1_000
        fell = Motion(at=self.now, event=MotionEvent.FALL, confidence=0.9, impact_g=3.2)
        self.say(grid, device, fell)
        self.look()
        return next(one for one in self.desk.live.board.all() if one.grid == grid)

    def morning(self) -> None:
        """Let an ordinary morning pass at home 1."""
        begins = START - 9 * 3_600_000
        for hour, room in ((0, "pir-1"), (3, "pir-1"), (6, "pir-1"), (7, "pir-2"), (8, "pir-2")):
            for minute in (5, 20, 40):
                at = begins + (hour * 60 + minute) * 60_000
                self.say(EAST, room, Home(at=at, sensor=Sensor.PIR, value=1.0))
        self.say(
            EAST, "band-1",
            Vitals(at=self.now - 600_000, hr_bpm=72.0, spo2_pct=93.0, temp_c=36.6, sbp_mmhg=128.0,
                   dbp_mmhg=78.0, steps=2100, worn=True, battery_pct=15.0),
        )  # fmt: skip
        beat = Status(at=self.now, complete_to=self.now, sensors={"pir-1": self.now - 60_000})
        self.say(EAST, "agent-1", beat)
        self.look()

    def drill_day(self, home: str = "home-1") -> None:
        """Let the day of a home's test alarm come, and its hour."""
        ten = START + 3_600_000 + (drill_day(home) - 1) * 86_400_000
        for self.now in (ten - 60_000, ten):
            self.tick()
        self.look()

    def answered(self, incident: Incident, actor: str, action: str, **more: Any) -> Incident:
        """Let somebody answer by other means than the portal."""
        self.now += 1_000
        said = Feedback(
            at=self.now,
            incident=incident.id,
            actor=actor,
            action=action,
            **more,  # type: ignore[arg-type]
        )
        topic = topics.feedback("demo", incident.grid, incident.id)
        self.say(incident.grid, f"phone-{actor}", said, topic=topic)
        self.look()
        found = self.desk.live.board.find(incident.id, incident.grid)
        assert found is not None
        return found

    def account(self, role: Role, person: str, name: str = "") -> Account:
        """Invite somebody, and let them join."""
        key, _ = self.desk.accounts.invite(role, person, person, by="test", now=self.now)
        secret = pyotp.random_base32()
        self._secrets[name or person] = secret
        code = self.code(name or person) if role in WITH_SECOND_FACTOR else ""
        totp = (secret, code) if code else ("", "")
        return self.desk.accounts.join(key, name or person, PASSWORD, totp, self.now)

    def code(self, account: str) -> str:
        """Return what somebody's authenticator shows now."""
        return pyotp.TOTP(self._secrets[account]).generate_otp(self.now // 30_000)

    def signed_in(self, role: Role, person: str) -> TestClient[Any]:
        """Return a browser in which somebody is signed in."""
        found = self.account(role, person)
        client = self.client
        client.cookies.set("session", self.desk.accounts.open_session(found, "test", self.now))
        return client

    def token(self, role: Role, person: str, *scopes: Any) -> dict[str, str]:
        """Return the header of a token of somebody's."""
        found = self.account(role, person, name=f"{person}.api")
        key = self.desk.accounts.new_token(found.id, "test", scopes, 1, self.now)
        return {"authorization": f"Bearer {key}"}

    def close(self) -> None:
        self.desk.caller.close()
        self.desk.stores.close()
        self.desk.book.close()
        self.store.close()

    def _show(self, grid: str, topic: str, payload: bytes) -> None:
        self._conclude(grid, codec.decode(topic, payload, received_at=self.now))

    def _conclude(self, grid: str, item: Any) -> None:
        self._offset += 100
        entry = Entry(grid, self._offset, self.now, item)
        found = self._brains[grid].observe([entry])
        if self._batch is None:
            self.store.write(found)
        else:
            self._batch += found


@contextmanager
def town(folder: Path, **limits: Any) -> Iterator[Town]:
    """Run a town."""
    with served(folder) as socket:
        made_town = Town(folder, socket, **limits)
        try:
            yield made_town
        finally:
            made_town.close()


def csrf(client: TestClient[Any], page: str = "/sign-in") -> str:
    """Return what a form of a page would send along."""
    client.get(page)
    return client.cookies["csrf"]


def send(
    client: TestClient[Any], path: str, data: dict[str, Any] | None = None, **more: Any
) -> Any:
    """Send a form as a browser does, with what the form's page gave along."""
    form = {"_csrf_token": csrf(client), **(data or {})}
    return client.post(path, data=form, follow_redirects=False, **more)


def answer(client: TestClient[Any], incident: Incident, action: str, **more: Any) -> Any:
    """Press a button under an incident."""
    photo = more.pop("photo", None)
    # An empty file makes the form a multipart one, as browsers send it.
    files = {"photo": ("p.jpg", photo or b"", "image/jpeg")}
    path = f"/incidents/{incident.grid}/{incident.id}/answer"
    return send(client, path, {"action": action, **more}, files=files)
