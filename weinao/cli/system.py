"""The programs of one system on one machine, and how to know that each is usable."""

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from weinao.cli.supervisor import Program, Supervisor, arguments


class Plan(Struct, frozen=True, kw_only=True):
    """One system.

    Args:
        data: Its folder.
        community: Whose it is.
        grids: Of one flow.
        broker_port: Of the embedded broker, MQTT 5.
        metrics_port: The first of seven, in the order of `NAMES`; None to serve none.
        runner: Of the flow.
        epoch_s: Between the flow's snapshots.
        rules: The flow's file of thresholds, absolute; None for the defaults.
        policy: The flow's policy, likewise.
        clock: What all of them take their time from; the wall's, if empty.
        ingest: Settings of ingest; its own, if None.
        store: Arguments for the owner of the store: where it is, and how it is kept.
        portal_port: Of the portal; None for no portal.
        portal: Its settings, absolute; None for the defaults.
        notify: Whether notices are carried to people,
        channels: and the settings for that, absolute; None for no channels.
        url: What people type to reach the portal; empty for what its settings say.
    """

    data: Path
    community: str
    grids: tuple[str, ...]
    broker_port: int = 1884
    metrics_port: int | None = None
    runner: str = "bytewax"
    epoch_s: float = 1.0
    rules: Path | None = None
    policy: Path | None = None
    clock: str = ""
    ingest: Path | None = None
    store: tuple[str, ...] = ()
    portal_port: int | None = None
    portal: Path | None = None
    notify: bool = False
    channels: Path | None = None
    url: str = ""

    @property
    def broker(self) -> str:
        """HOST:PORT of the broker."""
        return f"127.0.0.1:{self.broker_port}"


NAMES = ("broker", "ingest", "store", "flow", "announce", "portal", "notify")


def start(supervisor: Supervisor, plan: Plan) -> None:
    """Start a system's programs in the order in which they need each other.

    Raises:
        NotReadyError: One did not become usable; the message ends with the end of its log.
    """
    for program in programs(plan):
        supervisor.start(program)


def programs(plan: Plan) -> list[Program]:
    """Return a system's programs, in the order in which they need each other."""
    data = ("--data", plan.data)
    grids = [part for grid in plan.grids for part in ("--grids", grid)]
    rules = () if plan.rules is None else ("--rules", plan.rules)
    policy = () if plan.policy is None else ("--policy", plan.policy)
    clock = ("--clock", plan.clock) if plan.clock else ()
    common = (*clock, *data, "--community", plan.community, "--broker", plan.broker)
    ingest = ("--config", plan.ingest) if plan.ingest else ()
    return [
        Program("broker", arguments("broker", *data, "--port", plan.broker_port),
                _listening("127.0.0.1", plan.broker_port)),
        Program("ingest", arguments("ingest", *common, *ingest, *_metrics(plan, 1)),
                (plan.data / "journal" / "durable").exists),
        Program("store", arguments("store", "run", *data, *clock, *plan.store, *_metrics(plan, 2)),
                _answering(plan.data / "store.sock")),
        Program("flow", arguments("flow", "run", *data, *clock, *grids, "--runner", plan.runner,
                                  "--epoch-s", plan.epoch_s, *rules, *policy, *_metrics(plan, 3))),
        Program("announce", arguments("announce", *common, *_metrics(plan, 4))),
        *_portal(plan, common),
        *_notify(plan, common),
    ]  # fmt: skip


def _portal(plan: Plan, common: Sequence[object]) -> list[Program]:
    if plan.portal_port is None:
        return []
    settings = () if plan.portal is None else ("--settings", plan.portal)
    told = (*common, *settings, "--port", plan.portal_port, *_metrics(plan, 5))
    return [
        Program(
            "portal", arguments("portal", "run", *told), _listening("127.0.0.1", plan.portal_port)
        )
    ]


def _notify(plan: Plan, common: Sequence[object]) -> list[Program]:
    if not plan.notify:
        return []
    settings = () if plan.channels is None else ("--settings", plan.channels)
    url = ("--url", plan.url) if plan.url else ()
    told = ("run", *common, *settings, *url, *_metrics(plan, 6))
    book = plan.data / "notify" / "notify.sqlite"
    return [Program("notify", arguments("notify", *told), book.exists)]


def free_port() -> int:
    """Return a port of loopback that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _metrics(plan: Plan, place: int) -> Sequence[object]:
    port = 0 if plan.metrics_port is None else plan.metrics_port + place
    return ("--metrics-port", port)


def _listening(host: str, port: int) -> Callable[[], bool]:
    def ready() -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            return probe.connect_ex((host, port)) == 0

    return ready


def _answering(path: Path) -> Callable[[], bool]:
    def ready() -> bool:
        # A path for a socket may be short only; relative to its folder it always is.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(0.2)
            return probe.connect_ex(os.path.relpath(path)) == 0

    return ready
