"""`weinao demo`: a small community lives for some minutes, and everything that happens is handled.

Real programs, real agents, a real broker on loopback; simulated homes always, and people from
recordings where a folder of them is at hand. At the end what happened is held against what came
out: exit code 1 if anything was lost or counted twice.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.live import Live

from sim.audit import Audit, Expected
from sim.cast import TEAM
from sim.faults.link import Link
from sim.people import Manner, always
from weinao import kept, logging
from weinao.catalogue import Language
from weinao.cli import demo_cameras, showing
from weinao.cli.demo_report import summary
from weinao.cli.folders import emptied
from weinao.cli.options import Runner, Span
from weinao.cli.rehearsal import Rehearsal
from weinao.cli.screen import Screen
from weinao.cli.stage import Happening, Home, Stage
from weinao.cli.supervisor import NotReadyError, arguments
from weinao.cli.up import has_portal
from weinao.clock import now_ms
from weinao.registry import Record

ROUND_S = 120
"""The script repeats itself so often where no end was asked for."""

ROUNDS_MAX = 240
DRAIN_S = 15
HEARTBEAT_S = 4.0
CUT_S = (20, 50)
DEAD_S = (25, 70)
FILMS, FILMS_S = "films", 25
"""Where the cameras' films are, and how long they take to play and to be handled."""
CUT_HOME, DEAD_HOME = "105", "104"


class _Ended(KeyboardInterrupt):
    """Somebody asked us to end."""


def demo(
    *,
    minutes: Span | None = None,
    folder: Path = Path("run/demo"),
    recordings: Path | None = None,
    runner: Runner = "bytewax",
    seed: int = 7,
    lang: Language = "zh",
) -> None:
    """Run a small community, from sensor to handled incident.

    Args:
        minutes: End by itself so long after all of it runs; otherwise Ctrl-C ends it.
        folder: Everything is kept in it; what an earlier demo left there is removed.
        recordings: Folder with `falls/`, `vitals/`, `home/`; `../shared/data` if there is one.
        runner: `bytewax`, or `plain`.
        seed: Of the story.
        lang: Language of the table.
    """
    logging.configure(level="warning")
    signal.signal(signal.SIGTERM, _end)
    console = showing.console()
    folder = emptied(folder, "demo")
    cameras = _cameras(folder, console)
    epoch = now_ms() + 8_000
    homes = [*simulated(minutes), *_recorded(recordings, folder, epoch, seed), *cameras]
    stage = DemoStage(folder, homes, epoch=epoch, heartbeat_s=HEARTBEAT_S, seed=seed)
    moods = always(Manner(delay_s=(1.0, 3.0)))
    rehearsal = Rehearsal(stage, folder, runner=runner, seed=seed, moods=moods, portal=has_portal())
    show = Demo(rehearsal, console, lang, folder)
    try:
        verdict = show.play(None if minutes is None else minutes * 60, epoch)
    except NotReadyError as error:
        raise SystemExit(f"weinao demo: {error}") from error
    finally:
        show.close()
    console.print(summary(verdict, lang))
    show.tell_of_pictures()
    raise SystemExit(0 if verdict.sound and show.complete else 1)


def simulated(minutes: Span | None) -> list[Home]:
    """Return the homes that need no recordings."""
    rounds = 1 if minutes is not None else ROUNDS_MAX

    def script(*events: tuple[float, str, str]) -> tuple[Happening, ...]:
        return tuple(
            Happening(at_s + ROUND_S * number, kind, device)
            for number in range(rounds)
            for at_s, kind, device in events
        )

    rooms = (("pir-bed-{}", "pir", "bedroom"), ("pir-kitchen-{}", "pir", "kitchen"))

    def moving(name: str) -> tuple[tuple[str, str, str], ...]:
        return tuple((device.format(name), kind, room) for device, kind, room in rooms)

    return [
        Home(name="101", about="falls, and calls for help", worn=(("watch-101", "wrist"),),
             sensors=(*moving("101"), ("sos-101", "sos", "bedroom")),
             happenings=script((4, "sos", "sos-101"), (45, "fall", "watch-101"))),
        Home(name="102", about="smoke, gas, water; its valve closes when it is told to",
             actuators={"valve-102": ("close_gas_valve", "close_water_valve")},
             sensors=(("smoke-102", "smoke", "kitchen"), ("gas-102", "gas", "kitchen"),
                      ("leak-102", "leak", "bathroom")),
             happenings=script((10, "smoke", "smoke-102"), (30, "gas", "gas-102"),
                               (55, "leak", "leak-102"))),
        Home(name="103", about="falls ill", worn=(("watch-103", "wrist"),),
             happenings=script((2, "deterioration", "watch-103"))),
        Home(name=DEAD_HOME, about=f"its agent is dead from {DEAD_S[0]} s to {DEAD_S[1]} s",
             sensors=(*moving(DEAD_HOME), ("co-104", "co", "kitchen")),
             happenings=script((85, "co", "co-104"))),
        Home(name=CUT_HOME, about=f"its uplink is cut from {CUT_S[0]} s to {CUT_S[1]} s",
             sensors=(*moving(CUT_HOME), ("sos-105", "sos", "bathroom")),
             happenings=script((32, "sos", "sos-105"))),
        Home(name="106", about="a sensor dies",
             sensors=(("thermo-106", "temperature", "bedroom"),), beating=("thermo-106",),
             happenings=(Happening(15, "sensor_dies", "thermo-106"),)),
    ]  # fmt: skip


class DemoStage(Stage):
    """Homes, and cameras where what they need is installed."""

    def records(self) -> list[Record]:
        cameras = demo_cameras.records(now_ms())
        return [*super().records(), *(cameras if self._films else ())]

    @property
    def _films(self) -> bool:
        return any(one.cameras for one in self.homes)


class Demo:
    """One performance: a rehearsal, what is done to it, and the screen.

    Args:
        rehearsal: Ready to be opened.
        console: To tell what happens.
        lang: Language of what is told.
        folder: For pictures of incidents.
    """

    def __init__(
        self, rehearsal: Rehearsal, console: Console, lang: Language, folder: Path
    ) -> None:
        self._rehearsal, self._console, self._folder = rehearsal, console, folder
        self._lang = lang
        self._pictures: list[demo_cameras.Shown] = []
        self._films: demo_cameras.Films | None = None
        self._inviting: subprocess.Popen[str] | None = None
        self._screen = Screen(console, rehearsal.store, lang, _clock)
        self._link: Link | None = None
        self._extra: list[Expected] = []
        self.complete = False

    def play(self, length_s: float | None, epoch: int) -> Audit:
        """Play until the end, or until somebody ends it; return the account.

        Args:
            length_s: How long; None for ever.
            epoch: When the stories begin, at the earliest: once everybody is there, however long a
                busy machine takes for that.
        """
        started_at = time.monotonic()
        self._set_up()
        epoch = max(epoch, now_ms())
        self._console.print(f"programs run after {time.monotonic() - started_at:.1f} s")
        for one in self._rehearsal.stage.homes:
            self._console.print(f"  {one.agent}: {one.about}", highlight=False)
        self._invite()
        acts = self._acts(epoch)
        screen = Live(console=self._console, refresh_per_second=2, transient=True)
        with screen if self._console.is_terminal else nullcontext():
            try:
                while length_s is None or now_ms() < epoch + (length_s - DRAIN_S) * 1_000:
                    while acts and now_ms() >= acts[-1][0]:
                        acts.pop()[1]()
                    self._roll(epoch, length_s)
                    self._tell_of_portal()
                    self._rehearsal.turn()
                    self._screen.show(screen)
            except (_Ended, KeyboardInterrupt):
                self._console.print("ending: what was sensed is still being delivered")
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._drain()
        self._console.print(self._screen.table())
        store = self._rehearsal.store
        pictured = demo_cameras.pictures(store, self._evidence, self._folder / "pictures")
        self._pictures = list(pictured)
        return self._rehearsal.account([*self._extra, *demo_cameras.said(store)])

    def tell_of_pictures(self) -> None:
        """Say which incidents have a picture, and where it is."""
        if not any(one.cameras for one in self._rehearsal.stage.homes):
            return
        for line in demo_cameras.lines(self._pictures, self._lang):
            self._console.print(line, highlight=False, soft_wrap=True)

    @property
    def _evidence(self) -> Path:
        return self._rehearsal.plan.data / kept.FOLDER

    def _invite(self) -> None:
        """Say where the portal is, and let somebody of the staff in."""
        port = self._rehearsal.plan.portal_port
        if port is None:
            return
        told = arguments(
            "portal", "invite", "staff", TEAM[0][0], "--data", self._rehearsal.plan.data,
            "--community", self._rehearsal.plan.community, "--url", f"http://127.0.0.1:{port}",
        )  # fmt: skip
        command = [sys.executable, "-m", "weinao.cli.main", *told]
        self._inviting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603

    def _tell_of_portal(self) -> None:
        """Print the invitation once it is made; nobody waits for it."""
        if self._inviting is None or self._inviting.poll() is None:
            return
        made, _ = self._inviting.communicate()
        self._inviting = None
        if made.strip():
            line = f"portal, as {TEAM[0][0]}: {made.strip()}"
            self._console.print(line, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """End every program."""
        if self._link is not None:
            self._link.close()
        if self._films is not None:
            self._films.close()
        if self._inviting is not None:
            self._inviting.terminate()
            self._inviting.communicate()
        self._rehearsal.close()

    def _set_up(self) -> None:
        if any(one.cameras for one in self._rehearsal.stage.homes):
            self._films = demo_cameras.Films(self._folder / FILMS)
        self._rehearsal.open()
        self._link = Link("127.0.0.1", self._rehearsal.plan.broker_port)
        for one in self._rehearsal.stage.homes:
            if not one.cameras:  # their films begin when everybody is there
                self._rehearsal.enter(one, self._link.port if one.name == CUT_HOME else None)

    def _drain(self) -> None:
        """Mend what is still broken, and wait until everything has arrived."""
        assert self._link is not None
        self._link.mend()
        for one in self._rehearsal.stage.homes:
            away = self._rehearsal.supervisor.pid(one.agent) is None
            if away and not one.cameras:
                self._rehearsal.enter(one)
        missing = self._rehearsal.drained(2 * DRAIN_S)
        self.complete = missing is None
        if missing is not None:
            self._console.print(f"[red]not everything had arrived in time[/]: {missing}")

    def _roll(self, epoch: int, length_s: float | None) -> None:
        """Let the cameras begin once their films are made, if there is time enough left."""
        if self._films is None or not self._films.ready:
            return
        self._films = None
        left_s = float("inf") if length_s is None else length_s - (now_ms() - epoch) / 1_000
        if left_s < FILMS_S + DRAIN_S:
            self._console.print("the cameras' films were ready too late to be played")
            return
        for one in self._rehearsal.stage.homes:
            if one.cameras:
                self._rehearsal.enter(one)

    def _acts(self, epoch: int) -> list[tuple[int, Callable[[], object]]]:
        """Return what is done to the system, and when: the last first."""
        assert self._link is not None
        [dead] = [one for one in self._rehearsal.stage.homes if one.name == DEAD_HOME]
        acts: list[tuple[float, Callable[[], object]]] = [
            (CUT_S[0], self._link.cut),
            (CUT_S[1], self._link.mend),
            (DEAD_S[0], lambda: self._kill(dead)),
            (DEAD_S[1], lambda: self._rehearsal.enter(dead)),
        ]
        return sorted(
            ((epoch + round(at_s * 1_000), act) for at_s, act in acts),
            key=lambda planned: -planned[0],
        )

    def _kill(self, one: Home) -> None:
        self._rehearsal.supervisor.stop(one.agent)
        about = (one.agent, f"home-{one.name}")
        self._extra.append(Expected(at=now_ms(), kind="agent_silent", about=about))


def _clock(at: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at / 1_000))


def _recorded(folder: Path | None, into: Path, epoch: int, seed: int) -> list[Home]:
    data = folder or Path("../shared/data")
    if not data.is_dir():
        return []
    from weinao.cli.recordings import residents

    return residents(data, into / "tracks", epoch, seed)


def _cameras(folder: Path, console: Console) -> list[Home]:
    """Return the cameras as one more home; without what they need, say what that is."""
    if lacking := demo_cameras.missing():
        console.print(f"no cameras in this demo; for them: {lacking}", highlight=False)
        return []
    return [demo_cameras.home(folder / FILMS, folder / "data" / kept.FOLDER)]


def _end(*_: object) -> None:
    raise _Ended
