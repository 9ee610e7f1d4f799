"""Cameras in the demo, where what they need is installed: films play, an agent looks at them.

Nobody's face is needed: those at the gate are drawn. What the cameras say is held against the
incidents like everything else; that they see it in time is asked of no busy machine, and so whether
they did is told and decides nothing.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from sim.audit import Expected
from sim.cast import GRID
from sinks.store import Filter, Store
from weinao import kept
from weinao.catalogue import Language
from weinao.cli.stage import Home
from weinao.messages import Gate, Highrise, Match
from weinao.outcomes import Incident, Kept
from weinao.registry import Device, Record, WatchEntry

NAME = "cameras"
TOWER, GATE = "cam-tower", "cam-gate"
WATCHED, RESIDENT = "person-9", "person-1"
_NEEDED = ("cv2", "cryptography", "openvino")
_DAY_MS = 86_400_000


class Shown(Struct, frozen=True):
    """An incident, and the picture of it that lies on this machine."""

    incident: Incident
    path: Path


def missing() -> str:
    """Return what to install for cameras, as a command; empty where everything is there."""
    if any(importlib.util.find_spec(one) is None for one in _NEEDED):
        return "pip install 'weinao[vision]'"
    return ""


def weights() -> Path | None:
    """Return the folder of the networks that a gate needs; None where one is missing."""
    from models.vision.catalogue import WEIGHTS
    from models.vision.store import Held, default_folder, held

    folder = default_folder(os.environ)
    wanted = [one for one in WEIGHTS if one.name in ("centerface", "facefeature", "faceliveness")]
    return folder if all(held(folder, one) is Held.GOOD for one in wanted) else None


def home(folder: Path, evidence: Path) -> Home:
    """Return the cameras as one more home on the stage; their films are still to be made.

    Args:
        folder: For films and gallery.
        evidence: Where pictures of incidents are kept.
    """
    key = str(folder / "evidence.key")
    facade = {"drawing": str(folder / "tower.toml"), "evidence": str(evidence), "key_file": key}
    cameras = [_camera(TOWER, folder / "tower.mp4", role="highrise", facade=facade)]
    about = "a tower: something falls"
    if weights() is None:
        about += " (a gate, too, after `weinao models pull`)"
    else:
        door = {"gallery": str(folder / "gallery"), "evidence": str(evidence), "key_file": key,
                "liveness": False}  # fmt: skip  # these faces are drawings, and look it
        cameras.append(_camera(GATE, folder / "gate.mp4", role="gate", gate=door))
        about += "; a gate: a stranger follows a resident, somebody is on the watch-list"
    return Home(name=NAME, about=about, cameras=tuple(cameras))


class Films:
    """Films and gallery, made by a process of its own while everything else starts.

    Args:
        folder: Where they go.
    """

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "weinao.cli.demo_cameras", str(folder)]
        self._making = subprocess.Popen(  # noqa: S603  # our own
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    @property
    def ready(self) -> bool:
        """Whether the cameras can begin."""
        return self._making.poll() == 0

    def close(self) -> None:
        """Make no more."""
        if self._making.poll() is None:
            self._making.terminate()
        self._making.wait()


def prepare(folder: Path) -> None:
    """Render the films, and enrol who is known."""
    from weinao.cli import demo_films

    folder.mkdir(parents=True, exist_ok=True)
    demo_films.tower(folder / "tower.mp4")
    models = weights()
    if models is not None:
        demo_films.gate(folder / "gate.mp4")
        _enrol(folder / "gallery", models)


def records(now: int) -> list[Record]:
    """Return what is registered of the cameras, and of whom the gate must report.

    Nothing is expected to be heard of them: they begin when their films are made.
    """
    agent = f"agent-{NAME}"
    return [
        Device(id=agent, agent=agent, grid=GRID),
        Device(id=TOWER, agent=agent, grid=GRID, place=f"building-{GRID}"),
        Device(id=GATE, agent=agent, grid=GRID, place="gate-1"),
        WatchEntry(
            id="watch-1",
            person=WATCHED,
            reason="demo",
            approver="officer-1",
            valid_from=now - _DAY_MS,
            valid_to=now + _DAY_MS,
        ),
    ]


def said(store: Store) -> Iterator[Expected]:
    """Return what the cameras said that must have led to an incident, each throw and visit once."""
    seen: set[tuple[str, str]] = set()
    for device in (TOWER, GATE):
        for outcome in store.observations(Filter(grid=GRID, device=device)):
            value = outcome.value
            if not isinstance(value, Kept):
                continue
            told = value.observation
            if isinstance(told, Highrise):
                kind, key = "falling_object", (device, str(told.at))
            elif isinstance(told, Gate) and told.match is Match.WATCHLIST:
                kind, key = "watchlist", (device, told.person)
            else:
                continue
            if key not in seen:
                seen.add(key)
                yield Expected(at=value.at, kind=kind, about=(device,), evidence=value.id)


def pictures(store: Store, evidence: Path, into: Path) -> Iterator[Shown]:
    """Write the picture of each incident that has one into a folder, held against its hash."""
    for outcome in store.incidents(Filter(grid=GRID)):
        incident = outcome.value
        wanted = kept.named(incident.facts) if isinstance(incident, Incident) else None
        path = kept.found(evidence, wanted) if wanted else None
        content = kept.still(path) if path else None
        if content is not None and isinstance(incident, Incident):
            into.mkdir(parents=True, exist_ok=True)
            shown = into / f"{incident.id}.jpg"
            shown.write_bytes(content)
            yield Shown(incident, shown)


def lines(shown: list[Shown], lang: Language) -> list[str]:
    """Return what the report says of the pictures."""
    from weinao.catalogue import catalogue

    words = catalogue(lang)
    if not shown:
        return [_NONE[lang]]
    return [f"{words.word(one.incident.kind)} {one.incident.id}: {one.path}" for one in shown]


_NONE = {
    "zh": "摄像头没有及时看到什么：这台机器太忙",
    "en": "the cameras saw nothing in time: this machine is busy",
}


def _camera(name: str, film: Path, **more: object) -> dict[str, object]:
    return {"driver": "camera", "id": name, "source": str(film), "fps_max": 25.0, **more}


def _enrol(folder: Path, models: Path) -> None:
    from edge.perception.gate.enrolling import template_of
    from edge.perception.gate.gallery import KEY, Entry, Gallery, write_gallery
    from edge.perception.gate.seal import make_key
    from models.vision.centerface import CenterFace
    from models.vision.faces import embedder_in_folder
    from sim.scenes import portraits
    from weinao.cli.demo_films import portrait_file

    detector, embedder = CenterFace.in_folder(models), embedder_in_folder(models)

    def template(portrait: portraits.Portrait) -> tuple[bytes]:
        picture = portrait_file(portrait, folder / "face.png")
        found = template_of(picture, detector, embedder)
        picture.unlink()
        return (found,)

    make_key(folder / KEY)
    known = Gallery(embedder=embedder.name)
    known = known.with_entry(
        Entry(person=RESIDENT, kind=Match.RESIDENT, templates=template(portraits.RESIDENT),
              consent="drawn: nobody's face")
    ).with_entry(
        Entry(person=WATCHED, kind=Match.WATCHLIST, templates=template(portraits.WATCHED),
              reason="demo", approver="officer-1", second_approver="grid-head-1",
              valid_to=4_000_000_000_000)
    )  # fmt: skip
    write_gallery(folder, known)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
