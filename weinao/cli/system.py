"""The programs of one system on one machine, and how to know that each is usable."""

import fcntl
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir

from msgspec import Struct

from weinao.cli.flows import folder_of, stays_of
from weinao.cli.supervisor import Program, Supervisor, arguments
from weinao.stays import FIRST


class Plan(Struct, frozen=True, kw_only=True):
    """One system.

    Args:
        data: Its folder.
        community: Whose it is.
        grids: Of all its flows.
        flows: Names of its flows; each has an ingest, a journal and a flow of its own.
        broker_port: Of the embedded broker, MQTT 5.
        metrics_port: The first of eight, in the order of `NAMES`; None to serve none.
        runner: Of the flow.
        epoch_s: Between the flow's snapshots; its own default, if None.
        rules: The flow's file of thresholds, absolute; None for the defaults.
        policy: The flow's policy, likewise.
        clock: What all of them take their time from; the wall's, if empty.
        ingest: Settings of ingest; its own, if None.
        store: Arguments for the owner of the store: where it is, and how it is kept.
        portal_port: Of the portal; None for no portal.
        portal: Its settings, absolute; None for the defaults.
        lake_every_s: Seconds between two rounds of the lake; None for no lake.
        notify: Whether notices are carried to people,
        channels: and the settings for that, absolute; None for no channels.
        url: What people type to reach the portal; empty for what its settings say.
    """

    data: Path
    community: str
    grids: tuple[str, ...]
    flows: tuple[str, ...] = (FIRST,)
    broker_port: int = 1884
    metrics_port: int | None = None
    runner: str = "bytewax"
    epoch_s: float | None = None
    rules: Path | None = None
    policy: Path | None = None
    clock: str = ""
    ingest: Path | None = None
    store: tuple[str, ...] = ()
    portal_port: int | None = None
    portal: Path | None = None
    lake_every_s: float | None = None
    notify: bool = False
    channels: Path | None = None
    url: str = ""

    @property
    def broker(self) -> str:
        """HOST:PORT of the broker."""
        return f"127.0.0.1:{self.broker_port}"


FREE_PORTS = range(20_000, 32_000)
"""Below those that Linux gives to whoever calls somebody (ip_local_port_range): a program that is
killed and started again finds its port as it left it, and no call of its clients meets itself."""

PORTS_A_FLOW = 10
"""So far apart are the metrics of one flow and the next."""

NAMES = ("broker", "ingest", "store", "flow", "announce", "portal", "notify", "lake")


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
    clock = ("--clock", plan.clock) if plan.clock else ()
    common = (*clock, *data, "--community", plan.community, "--broker", plan.broker)
    first, *further = plan.flows
    return [
        Program("broker", arguments("broker", *data, "--port", plan.broker_port),
                _listening("127.0.0.1", plan.broker_port)),
        _ingest(plan, first, common),
        Program("store", arguments("store", "run", *data, *clock, *plan.store, *_metrics(plan, 2)),
                _answering(plan.data / "store.sock")),
        _flow(plan, first),
        Program("announce", arguments("announce", *common, *_metrics(plan, 4))),
        *_portal(plan, common),
        *_notify(plan, common),
        *_lake(plan, (*data, *clock)),
        *(program for flow in further
          for program in (_ingest(plan, flow, common), _flow(plan, flow))),
    ]  # fmt: skip


def taken(plan: Plan) -> Iterator[tuple[str, int]]:
    """Yield which programs would find a port of theirs taken, and which one."""
    for program in programs(plan):
        for option, value in pairwise(program.arguments):
            port = int(value) if option in ("--port", "--metrics-port") else 0
            if port and not _free(port, closing=True):
                yield program.name, port


def named(program: str, flow: str) -> str:
    """Return the name of a flow's program: plain for the first flow."""
    return program if flow == FIRST else f"{program}-{flow}"


def _ingest(plan: Plan, flow: str, common: Sequence[object]) -> Program:
    config = ("--config", plan.ingest) if plan.ingest else ()
    told = (*common, *config, *_of_flow(plan, flow, grids=False), *_metrics(plan, 1, flow))
    ready = (folder_of(plan.data, flow) / "journal" / "durable").exists
    return Program(named("ingest", flow), arguments("ingest", *told), ready)


def _flow(plan: Plan, flow: str) -> Program:
    rules = () if plan.rules is None else ("--rules", plan.rules)
    policy = () if plan.policy is None else ("--policy", plan.policy)
    clock = ("--clock", plan.clock) if plan.clock else ()
    told = ("--data", plan.data, *clock, *_of_flow(plan, flow, grids=True))
    epoch = () if plan.epoch_s is None else ("--epoch-s", plan.epoch_s)
    engine = ("--runner", plan.runner, *epoch)
    settings = (*engine, *rules, *policy, *_metrics(plan, 3, flow))
    return Program(named("flow", flow), arguments("flow", "run", *told, *settings))


def _of_flow(plan: Plan, flow: str, *, grids: bool) -> Sequence[object]:
    """Return what tells a program of which flow it is; among several, those follow the plan."""
    several = len(plan.flows) > 1
    own = sorted(stays_of(plan.data).living_in(flow)) if several else plan.grids
    told = [part for grid in own for part in ("--grids", grid)] if grids or several else ()
    return ("--flow", flow, *told) if several else told


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


def _lake(plan: Plan, common: Sequence[object]) -> list[Program]:
    if plan.lake_every_s is None:
        return []
    told = (*common, "--every-s", plan.lake_every_s, *_metrics(plan, 7))
    return [Program("lake", arguments("lake", "run", *told))]


def _notify(plan: Plan, common: Sequence[object]) -> list[Program]:
    if not plan.notify:
        return []
    settings = () if plan.channels is None else ("--settings", plan.channels)
    url = ("--url", plan.url) if plan.url else ()
    told = ("run", *common, *settings, *url, *_metrics(plan, 6))
    book = plan.data / "notify" / "notify.sqlite"
    return [Program("notify", arguments("notify", *told), book.exists)]


def free_port(count: int = 1) -> int:
    """Return a port of loopback that nobody uses just now, and that nobody is given unasked.

    Nor is it given to anybody else who asks, here or in another program, as long as this one
    lives: between the answer and its use, a system takes many seconds to start.

    Args:
        count: So many ports in a row are free; the first of them is returned.
    """
    while True:
        first = FREE_PORTS[secrets.randbelow(len(FREE_PORTS) - count + 1)]
        ports = range(first, first + count)
        if all(_free(port, closing=False) for port in ports) and _claimed(ports):
            return first


def _free(port: int, *, closing: bool) -> bool:
    """Return whether a port may be bound; `closing`: also what an earlier system just closed."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, closing)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


_given: set[int] = set()


def _claimed(ports: range) -> bool:
    """Claim ports, all or none; False where somebody who lives was given one of them."""
    if not _given.isdisjoint(ports):
        return False
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, len(ports), ports[0])
    except OSError:
        return False
    _given.update(ports)
    return True


@cache
def _claims() -> int:
    """Return a file of which each byte is a port: the kernel unlocks what a program leaves."""
    path = Path(gettempdir()) / f"weinao-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _metrics(plan: Plan, place: int, flow: str = FIRST) -> Sequence[object]:
    above = PORTS_A_FLOW * plan.flows.index(flow) if flow in plan.flows else 0
    port = 0 if plan.metrics_port is None else plan.metrics_port + place + above
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
