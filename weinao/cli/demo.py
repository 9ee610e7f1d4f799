"""`weinao demo`: a small community lives for some minutes, and everything that happens is handled.

Real programs, real agents, a real broker on loopback; simulated homes always, and people from
recordings where a folder of them is at hand. At the end what happened is held against what came
out: exit code 1 if anything was lost or counted twice.
"""

import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from sim.audit import Audit, Expected
from sim.faults.link import Link
from sim.people import Manner, always
from weinao import logging
from weinao.catalogue import Language, catalogue
from weinao.cli.rehearsal import Rehearsal
from weinao.cli.screen import Screen
from weinao.cli.stage import Happening, Home, Stage, settle_folder
from weinao.cli.supervisor import NotReadyError
from weinao.clock import now_ms

ROUND_S = 120
"""The script repeats itself so often where no end was asked for."""

ROUNDS_MAX = 240
DRAIN_S = 15
HEARTBEAT_S = 4.0
CUT_S = (20, 50)
DEAD_S = (25, 70)
CUT_HOME, DEAD_HOME = "105", "104"


class _Ended(Exception):  # noqa: N818  # a signal, not an error
    """Somebody asked us to end."""


def demo(
    *,
    minutes: float | None = None,
    folder: Path = Path("run/demo"),
    recordings: Path | None = None,
    runner: str = "bytewax",
    seed: int = 7,
    lang: Language = "zh",
) -> None:
    """Run a small community, from sensor to handled incident.

    Args:
        minutes: End by itself after so long; otherwise Ctrl-C ends it.
        folder: Everything is kept in it; what an earlier demo left there is removed.
        recordings: Folder with `falls/`, `vitals/`, `home/`; `../shared/data` if there is one.
        runner: `bytewax`, or `plain`.
        seed: Of the story.
        lang: Language of the table.
    """
    logging.configure(level="warning")
    signal.signal(signal.SIGTERM, _end)
    console = Console()
    folder = settle_folder(folder)
    epoch = now_ms() + 8_000
    homes = [*simulated(minutes), *_recorded(recordings, folder, epoch, seed)]
    stage = Stage(folder, homes, epoch=epoch, heartbeat_s=HEARTBEAT_S, seed=seed)
    moods = always(Manner(delay_s=(1.0, 3.0)))
    show = Demo(Rehearsal(stage, folder, runner=runner, seed=seed, moods=moods), console, lang)
    try:
        verdict = show.play(None if minutes is None else minutes * 60, epoch)
    except NotReadyError as error:
        raise SystemExit(f"weinao demo: {error}") from error
    finally:
        show.close()
    console.print(summary(verdict, lang))
    raise SystemExit(0 if verdict.sound and show.complete else 1)


def simulated(minutes: float | None) -> list[Home]:
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


class Demo:
    """One performance: a rehearsal, what is done to it, and the screen."""

    def __init__(self, rehearsal: Rehearsal, console: Console, lang: Language) -> None:
        self._rehearsal, self._console = rehearsal, console
        self._screen = Screen(console, rehearsal.store, lang, _clock)
        self._link: Link | None = None
        self._extra: list[Expected] = []
        self.complete = False

    def play(self, length_s: float | None, epoch: int) -> Audit:
        """Play until the end, or until somebody ends it; return the account."""
        started_at = time.monotonic()
        self._set_up()
        self._console.print(f"programs run after {time.monotonic() - started_at:.1f} s")
        for one in self._rehearsal.stage.homes:
            self._console.print(f"  {one.agent}: {one.about}", highlight=False)
        acts = self._acts(epoch)
        screen = Live(console=self._console, refresh_per_second=2, transient=True)
        with screen if self._console.is_terminal else nullcontext():
            try:
                while length_s is None or now_ms() < epoch + (length_s - DRAIN_S) * 1_000:
                    while acts and now_ms() >= acts[-1][0]:
                        acts.pop()[1]()
                    self._rehearsal.turn()
                    self._screen.show(screen)
            except (_Ended, KeyboardInterrupt):
                self._console.print("ending: what was sensed is still being delivered")
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._drain()
        self._console.print(self._screen.table())
        return self._rehearsal.account(self._extra)

    def close(self) -> None:
        """End every program."""
        if self._link is not None:
            self._link.close()
        self._rehearsal.close()

    def _set_up(self) -> None:
        self._rehearsal.open()
        self._link = Link("127.0.0.1", self._rehearsal.plan.broker_port)
        for one in self._rehearsal.stage.homes:
            self._rehearsal.enter(one, self._link.port if one.name == CUT_HOME else None)

    def _drain(self) -> None:
        """Mend what is still broken, and wait until everything has arrived."""
        assert self._link is not None
        self._link.mend()
        for one in self._rehearsal.stage.homes:
            if self._rehearsal.supervisor.pid(one.agent) is None:
                self._rehearsal.enter(one)
        self.complete = self._rehearsal.drained(2 * DRAIN_S)
        if not self.complete:
            self._console.print("[red]not everything had arrived in time[/]")

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


def summary(verdict: Audit, lang: Language) -> Table:
    """Return the account as people read it."""
    words = catalogue(lang)
    table = Table(title=_TITLE[lang])
    for name in _COLUMNS[lang]:
        table.add_column(name, justify="right")
    for kind in sorted({finding.expected.kind for finding in verdict.findings}):
        findings = [one for one in verdict.findings if one.expected.kind == kind]
        delays = [one.delay_s for one in findings if one.delay_s is not None]
        table.add_row(
            words.say("hazard", kind),
            str(len(findings)),
            str(sum(bool(one.incidents) for one in findings)),
            f"{max(delays):.1f}" if delays else "–",
        )
    table.add_section()
    table.add_row(
        _MISSED[lang], "0", str(len(verdict.missed)), "", style="red" if verdict.missed else "green"
    )
    lost, twice = len(verdict.lost), len(verdict.duplicated) + verdict.incidents_duplicated
    table.add_row(_SENT[lang], str(verdict.sent), str(verdict.stored), "")
    table.add_row(_LOST[lang], "0", str(lost), "", style="red" if lost else "green")
    table.add_row(_TWICE[lang], "0", str(twice), "", style="red" if twice else "green")
    return table


_TITLE = {"zh": "与真实情况对照", "en": "Held against the truth"}
_COLUMNS = {
    "zh": ("", "应有", "实有", "最长延迟 秒"),
    "en": ("", "expected", "found", "longest delay s"),
}
_SENT = {"zh": "消息：已发 / 已存", "en": "packs: sent / stored"}
_MISSED = {"zh": "漏报", "en": "missed"}
_LOST = {"zh": "丢失", "en": "lost"}
_TWICE = {"zh": "重复", "en": "counted twice"}


def _recorded(folder: Path | None, into: Path, epoch: int, seed: int) -> list[Home]:
    data = folder or Path("../shared/data")
    if not data.is_dir():
        return []
    from weinao.cli.recordings import residents

    return residents(data, into / "tracks", epoch, seed)


def _end(*_: object) -> None:
    raise _Ended
