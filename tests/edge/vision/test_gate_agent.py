"""The gate's agent as its users run it, and everything that leaves it."""

import base64
import hashlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edge.perception.gate.evidence import Kept
from edge.perception.gate.gallery import FILE, KEY, read_gallery
from edge.perception.signing import hmac_signer
from models.vision.base import Picture
from tests.edge.broker import RealBroker
from tests.edge.process import ROOT, AgentProcess
from tests.edge.vision.made import empty, walking, write_video
from weinao.messages import Match

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.usefixtures("weights")]

PICTURE = re.compile(r"gate-cam-1-[0-9]{13}-[0-9]+\.jpg#sha256=[0-9a-f]{64}")
"""The one long word that may leave a gate: the name of a picture that stays."""

CAMERA = """
[[device]]
id = "cam-1"
driver = "camera"
source = "{video}"
role = "gate"
repeat = true
gate = {{gallery = "{gallery}", evidence = "{evidence}/kept", key_file = "{evidence}/own.key"}}

[[device]]
id = "cam-2"
driver = "camera"
source = "{broken}"
role = "gate"
"""


class Wiretap:
    """Everything that passes through a broker, as bytes."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._changed = threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, "wiretap", protocol=MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda one, *_: one.subscribe("#", 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def wait_for(self, met, timeout_s: float) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: met(self.observations()), timeout_s), (
                self.observations()
            )

    def observations(self) -> list[dict[str, object]]:
        return [
            {**seen, "device": pack["device"]}
            for topic, payload in self.heard
            if "/up/" in topic
            for pack in [msgspec.json.decode(payload)]
            for seen in pack.get("obs", ())
        ]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        with self._changed:
            self.heard.append((message.topic, message.payload))
            self._changed.notify_all()


@pytest.fixture
def faces(recordings: Path) -> Path:
    folder = recordings / "faces" / "images"
    if not folder.is_dir():
        pytest.skip("no recordings of faces")
    return folder


def picture_of(faces: Path, person: str, number: int) -> Path:
    return faces / person / f"{person}_{number:04}.jpg"


def weinao(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "weinao.cli.main", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def enrolled(folder: Path, faces: Path) -> None:
    """Enrol a resident and somebody on the watch-list, as its users do."""
    for command in (
        ("init", folder),
        ("enrol", folder, "p-resident", picture_of(faces, "Hideki_Matsui", 1),
         "--consent", "form 7, signed 2026-11-01, office safe"),
        ("watch", folder, "p-watched", picture_of(faces, "Liu_Mingkang", 1), "--reason", "order 12",
         "--approver", "officer-1", "--second-approver", "head-1", "--until", "2099-01-01"),
    ):  # fmt: skip
        done = weinao("gate", *command)
        assert done.returncode == 0, done.stderr


def test_a_gate_plays_and_no_face_leaves_it(
    tmp_path: Path, broker: RealBroker, faces: Path
) -> None:
    gallery = tmp_path / "gallery"
    enrolled(gallery, faces)

    def passing() -> Iterator[Picture]:
        for person in ("Hideki_Matsui", "Liu_Mingkang", "Zhang_Ziyi"):
            seen = np.asarray(cv2.imread(str(picture_of(faces, person, 2))), np.uint8)
            yield from walking(seen, frames=25)
            yield from empty(15)

    video = write_video(tmp_path / "gate.avi", chain(empty(30), passing()))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    tap = Wiretap(broker.port)
    devices = CAMERA.format(video=video, gallery=gallery, broken=broken, evidence=tmp_path)
    agent = AgentProcess(tmp_path, broker.port, devices)
    try:
        agent.start()
        tap.wait_for(
            lambda seen: {"resident", "watchlist", "unknown"} <= {one.get("match") for one in seen},
            timeout_s=250,
        )
        tap.wait_for(lambda seen: any(one["kind"] == "utility" for one in seen), timeout_s=250)
        code = agent.terminate()
    finally:
        agent.terminate()
        tap.close()

    assert code == 0, agent.log()
    said = tap.observations()
    gates = [one for one in said if one["kind"] == "gate"]
    assert {(one["person"], one["match"]) for one in gates if one.get("person")} == {
        ("p-resident", "resident"),
        ("p-watched", "watchlist"),
    }
    _is_kept_and_signed(tmp_path, gates)
    # Nobody acknowledges here, so that packs are sent again; each counts once.
    troubles = {(one["device"], one["unit"], one["value"], one["at"])
                for one in said if one["kind"] == "utility"
                # A machine that others use may be slow at it; that is said, too.
                if (one["device"], one["unit"]) != ("cam-1", "slow")}  # fmt: skip
    [(device, trouble, value, _)] = troubles
    assert (device, trouble, value) == ("cam-2", "unreadable", 1)
    # A camera that shows nothing is not heard of, so that its silence is noticed.
    heard = {one for beat in said if beat["kind"] == "status" for one in beat.get("sensors", ())}
    assert heard == {"cam-1"}
    _holds_no_face([payload for _, payload in tap.heard], gallery)
    _holds_no_face([path.read_bytes() for path in agent.folder.glob("outbox*")], gallery)
    for payload in tap.heard:
        _has_only_words(msgspec.json.decode(payload[1]))


def _is_kept_and_signed(folder: Path, gates: list[dict[str, object]]) -> None:
    """Hold every picture that was named against what lies on the device."""
    named = {str(one["picture"]) for one in gates if one.get("picture")}
    assert {one["match"] for one in gates if one.get("picture")} >= {"watchlist"}
    assert not any(one.get("picture") for one in gates if one["match"] == "resident")
    signer = hmac_signer((folder / "own.key").read_bytes())
    for said in named:
        name, _, digest = said.partition("#sha256=")
        content = (folder / "kept" / name).read_bytes()
        record = msgspec.json.decode(
            (folder / "kept" / name).with_suffix(".json").read_bytes(), type=Kept
        )
        assert hashlib.sha256(content).hexdigest() == digest == record.sha256
        assert record.signature == signer(record.signed_bytes())


def _holds_no_face(contents: list[bytes], gallery: Path) -> None:
    """Refuse pictures, and any run of the numbers that faces are compared by."""
    templates = [one for entry in read_gallery(gallery).entries for one in entry.templates]
    assert templates
    for content in contents:
        assert not re.search(rb"\xff\xd8\xff|\x89PNG|RIFF|JFIF|data:image|ftyp|/9j/|iVBOR", content)
        for template in templates:
            for start in range(0, len(template) - 8, 2):
                assert template[start : start + 8] not in content
            text = base64.b64encode(template)
            for start in range(0, len(text) - 16, 4):
                assert text[start : start + 16] not in content


def _has_only_words(value: object) -> None:
    """Refuse whatever could hide a template or a picture: long texts, and lists of numbers."""
    if isinstance(value, dict):
        for one in value.values():
            _has_only_words(one)
    elif isinstance(value, list):
        assert all(isinstance(one, dict) for one in value)
        for one in value:
            _has_only_words(one)
    elif isinstance(value, str) and not PICTURE.fullmatch(value):
        assert len(value) <= 64


def test_the_gallery_is_kept_by_its_commands(tmp_path: Path, faces: Path) -> None:
    folder = tmp_path / "gallery"
    enrolled(folder, faces)
    picture = picture_of(faces, "Zhang_Ziyi", 2)

    again = weinao("gate", "init", folder)
    without = weinao("gate", "enrol", folder, "p-3", picture, "--consent", " ")
    alone = weinao(
        "gate", "watch", folder, "p-4", picture, "--reason", "x", "--approver", "a",
        "--second-approver", "a", "--until", "2099-01-01",
    )  # fmt: skip
    shown = weinao("gate", "list", folder)
    forgotten = weinao("gate", "forget", folder, "p-resident")

    assert again.returncode == without.returncode == alone.returncode == 1
    assert "nothing was changed" in again.stderr
    assert "consent" in without.stderr
    assert "second approver" in alone.stderr
    assert "p-resident" in shown.stdout
    assert "2099" in shown.stdout
    assert forgotten.returncode == 0
    [left] = read_gallery(folder).entries
    assert (left.person, left.kind) == ("p-watched", Match.WATCHLIST)
    (folder / KEY).unlink()
    closed = weinao("gate", "list", folder)
    assert closed.returncode == 1
    assert "p-watched" not in closed.stdout + closed.stderr
    assert b"p-watched" not in (folder / FILE).read_bytes()
