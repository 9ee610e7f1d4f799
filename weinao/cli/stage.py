"""The stage of a rehearsal: homes with real agents, and the account of what came of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sim.audit import Audit, Expected, audit
from sim.cast import COMMUNITY, GRID, home, setting
from sim.verdict import Noticed
from sinks.store import Filter, Store, every
from weinao.cli.supervisor import Program, arguments
from weinao.outcomes import Hazard, Incident, Kept, Loss
from weinao.registry import Record

KINDS = {"deterioration": "vitals", "sensor_dies": "device_silent", "stops_moving": "inactivity"}
"""Happenings whose incident has another name."""


PATIENCE_S = {"vitals": 100, "agent_silent": 40, "device_silent": 40, "fall": 15}
"""How long after it happened an incident may take by its rule: persistence, missed heartbeats, the
detector's window. What is younger than that when the curtain falls cannot be asked for yet."""


class Happening(Struct, frozen=True):
    """Something that befalls a home, some seconds after its agent's story begins."""

    at_s: float
    kind: str
    device: str = ""
    lasts_s: float = 0.0


class Home(Struct, frozen=True, kw_only=True):
    """One home on the stage, with an agent of its own.

    Args:
        worn: Wearables: id and place, `wrist` or `waist`.
        sensors: Home sensors: id, kind and room.
        beating: Sensors whose silence is told.
        actuators: What can be told to do something, each with what.
        happenings: What befalls it; for simulated devices.
        tracks: Recordings in the place of devices: id, file, place worn, mode.
        recorded: Devices that the tracks speak of, with their rooms.
        known: What the recordings must lead to.
        cameras: Settings of its cameras; such a place is no household.
    """

    name: str
    about: str
    grid: str = GRID
    tz_offset_min: int = 480
    worn: tuple[tuple[str, str], ...] = ()
    sensors: tuple[tuple[str, str, str], ...] = ()
    beating: tuple[str, ...] = ()
    actuators: Mapping[str, tuple[str, ...]] = {}
    happenings: tuple[Happening, ...] = ()
    tracks: tuple[tuple[str, Path, str, str], ...] = ()
    recorded: Mapping[str, str] = {}
    known: tuple[Expected, ...] = ()
    cameras: tuple[Mapping[str, Any], ...] = ()

    @property
    def agent(self) -> str:
        """Id of its agent, and name of its program."""
        return f"agent-{self.name}"


class Stage:
    """Homes with agents, in one folder.

    Args:
        folder: `agents/` is made in it.
        homes: On the stage.
        epoch: When their stories begin, milliseconds UTC.
        heartbeat_s: Of every agent.
        seed: Of their stories.
    """

    def __init__(
        self, folder: Path, homes: Sequence[Home], *, epoch: int, heartbeat_s: float, seed: int
    ) -> None:
        self.homes, self._folder = homes, folder / "agents"
        self._epoch, self._heartbeat_s, self._seed = epoch, heartbeat_s, seed
        self.community = COMMUNITY

    def records(self) -> list[Record]:
        """Return everything that is to be registered."""
        records = setting({one.grid: one.tz_offset_min for one in self.homes})
        for one in self.homes:
            if one.cameras:
                continue
            worn = [device for device, _ in one.worn]
            worn += [device for device, _, place, _ in one.tracks if place]
            rooms = {device: room for device, _, room in one.sensors} | dict(one.recorded)
            records += home(
                one.name,
                one.grid,
                worn=tuple(worn),
                sensors=rooms,
                heartbeat_s=self._heartbeat_s,
                beating=one.beating,
                actuators=one.actuators,
            )
        return records

    def registries(self) -> list[list[Record]]:
        """Return the same, in the parts that are to be loaded one after the other."""
        return [self.records()]

    def program(self, one: Home, broker_port: int) -> Program:
        """Write an agent's settings and return how to start it."""
        folder = self._folder / one.agent
        folder.mkdir(parents=True, exist_ok=True)
        settings = self._settings(one, folder, broker_port)
        path = folder / "edge.toml"
        path.write_text(_toml(settings), encoding="utf-8")
        return Program(one.agent, arguments("edge", "run", "--config", path))

    @property
    def grids(self) -> tuple[str, ...]:
        """The grids of its homes."""
        return tuple(dict.fromkeys(one.grid for one in self.homes))

    def issued(self) -> dict[tuple[str, str], int]:
        """Return the highest number that each device's outbox gave out, by device and boot."""
        from edge.outbox_audit import read_issued

        found: dict[tuple[str, str], int] = {}
        for path in self._outboxes():
            found |= read_issued(path)
        return found

    def waiting(self, issued: Mapping[tuple[str, str], int]) -> int:
        """Return how many packs of those that `issued` told of wait in all outboxes."""
        from edge.outbox_audit import count_waiting

        return sum(count_waiting(path, issued) for path in self._outboxes())

    def expected(self) -> list[Expected]:
        """Return what has happened so far and must lead to an incident."""
        found: list[Expected] = []
        for one in self.homes:
            found += one.known
            found += [_expected(told, one) for told in self._truth(one)]
        return [expected for expected in found if expected.kind != "leaves_home"]

    def account(self, store: Store, extra: Sequence[Expected], ended_at: int) -> Audit:
        """Hold what was sent and what happened against the store.

        Args:
            store: To be asked.
            extra: What happened beside the homes' own stories.
            ended_at: When the last agent was ended, milliseconds UTC.
        """
        from edge.outbox_audit import read_waiting

        waiting = {pack for path in self._outboxes() for pack in read_waiting(path)}
        # Who was ended before it could send what it had sensed will send it when it is back.
        unsent = {f"{device}:{boot}:{seq}." for device, boot, seq in waiting}
        expected = [*(one for one in self.expected() if one.evidence not in unsent), *extra]
        return audit(
            issued=self.issued(),
            waiting=waiting,
            kept=_values(store, "observations", Kept),
            losses=_values(store, "losses", Loss),
            noticed=[
                Noticed(outcome.value, outcome.received_at)
                for outcome in every(store, "hazards", Filter())
                if isinstance(outcome.value, Hazard)
            ],
            incidents=list(_values(store, "incidents", Incident)),
            expected=[one for one in expected if _ripe(one, ended_at)],
        )

    def _outboxes(self) -> list[Path]:
        return [self._folder / one.agent / "outbox.sqlite" for one in self.homes]

    def _truth(self, one: Home) -> Iterable[dict[str, Any]]:
        path = self._folder / one.agent / "truth.jsonl"
        for line in path.read_text().splitlines() if path.exists() else ():
            with suppress(json.JSONDecodeError):  # a kill may have torn the last
                yield json.loads(line)

    def _settings(self, one: Home, folder: Path, broker_port: int) -> dict[str, Any]:
        devices = [
            {"driver": "simulated", "id": device, "kind": kind, "subject": f"resident-{one.name}",
             **({"every_s": 5.0} if kind in ("wrist", "waist") else {})}
            for device, kind in one.worn
        ]  # fmt: skip
        devices += [
            {"driver": "simulated", "id": device, "kind": kind, "room": room,
             "subject": f"home-{one.name}", "every_s": 4.0}
            for device, kind, room in one.sensors
        ]  # fmt: skip
        devices += [
            {"driver": "replay", "id": device, "track": str(track), "mode": mode,
             **({"position": place} if place in ("wrist", "waist") else {}),
             "speed": 0.0 if mode == "ends_at_start" else 1.0}
            for device, track, place, mode in one.tracks
        ]  # fmt: skip
        devices += [dict(camera) for camera in one.cameras]
        happenings = [
            {
                "at_s": event.at_s,
                "kind": event.kind,
                "device": event.device,
                "lasts_s": event.lasts_s,
            }
            for event in one.happenings
        ]
        return {
            "agent": one.agent,
            "community": self.community,
            "grid": one.grid,
            "folder": str(folder),
            "broker": {"port": broker_port, "keep_alive_s": 5},
            "uplink": {"resend_s": 3.0, "reconnect_s_min": 0.1, "reconnect_s_max": 2.0},
            "heartbeat": {"every_s": self._heartbeat_s / 2},
            "metrics": {"port": 0},
            "simulation": {"seed": self._seed, "epoch_ms": self._epoch},
            "device": devices,
            "actuator": [
                {"driver": "simulated", "id": device, "does": list(does)}
                for device, does in one.actuators.items()
            ],
            "happening": happenings,
        }


def _expected(told: Mapping[str, Any], one: Home) -> Expected:
    kind = KINDS.get(told["kind"], told["kind"])
    by_silence = kind in ("device_silent", "inactivity")
    return Expected(
        at=told["at"],
        kind=kind,
        about=(told["device"], f"resident-{one.name}", f"home-{one.name}"),
        # A fall or an illness is told by its signal; which pack concludes it is the rule's affair.
        evidence=""
        if by_silence or kind in ("fall", "vitals")
        else f"{told['device']}:{told['boot']}:{told['seq']}.",
    )


def _ripe(one: Expected, ended_at: int) -> bool:
    return one.at + PATIENCE_S.get(one.kind, 0) * 1_000 <= ended_at


def _values(store: Store, table: str, kind: type) -> Iterable[Any]:
    for outcome in every(store, table, Filter()):
        assert isinstance(outcome.value, kind)
        yield outcome.value


def _toml(settings: Mapping[str, Any]) -> str:
    """Write settings as TOML: scalars first, then tables, then arrays of tables."""
    lines = [f"{k} = {_scalar(v)}" for k, v in settings.items() if not isinstance(v, dict | list)]
    for key, table in settings.items():
        tables = table if isinstance(table, list) else [table] if isinstance(table, dict) else []
        head = f"[[{key}]]" if isinstance(table, list) else f"[{key}]"
        for one in tables:
            lines += ["", head, *(f"{name} = {_scalar(value)}" for name, value in one.items())]
    return "\n".join(lines) + "\n"


def _scalar(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_scalar(one)}" for name, one in value.items()) + "}"
    # What JSON writes for text, numbers and truth values is TOML, too.
    return msgspec.json.encode(value).decode()
