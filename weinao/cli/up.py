"""`weinao up`: broker, ingest, store, flow, announcer, portal and courier as one system."""

import signal
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec import Struct

from weinao import logging
from weinao.cli import stores, system
from weinao.cli.flow import grids_of
from weinao.cli.flows import change, stays_of
from weinao.cli.minds import policy_of, rules_of
from weinao.cli.options import Count, Name, Names, Port, Runner, Span
from weinao.cli.registry import publish, read
from weinao.cli.supervisor import NotReadyError, Supervisor
from weinao.settings import SettingsError, load
from weinao.stays import FIRST, dealt, settled


class _Ended(Exception):  # noqa: N818  # a signal, not an error
    """Somebody asked us to end."""


def up(
    *,
    data: Path = Path("run/data"),
    community: Name = "demo",
    grids: Names = ("grid-1",),
    flows: Count = 1,
    registry: Sequence[Path] = (),
    broker_port: Port = 1884,
    metrics_port: Port = 9464,
    runner: Runner = "bytewax",
    rules: Path | None = None,
    policy: Path | None = None,
    store: Path | None = None,
    dsn: str | None = None,
    portal_port: Port = 8480,
    portal: Path | None = None,
    no_portal: Annotated[bool, Parameter(negative="")] = False,
    lake: bool = False,
    lake_every_s: Span = 300.0,
    notify: Path | None = None,
    no_notify: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Run a whole system on this machine, and start again what dies, until Ctrl-C.

    Args:
        data: Its folder; made when absent, gone on with when not.
        community: Whose it is.
        grids: Its grids.
        flows: Over so many flows, each with an ingest and a journal of its own, the grids are
            spread: those that have lived nowhere, in the order of names, to the flow with fewest.
            Where one lives it stays until `weinao flow move`.
        registry: Files to load at the start.
        broker_port: Of the embedded broker, MQTT 5, on loopback.
        metrics_port: Seven ports from the next on serve metrics: ingest, store, flow, announce,
            portal, notify, lake. Ingest and flow of each further flow have the same, ten higher
            each.
        runner: `bytewax`, or `plain` where there is none.
        rules: A file of thresholds, as configs/rules.toml; without it, the defaults.
        policy: How incidents are handled, as configs/policy.toml; without it, the one we ship.
        store: Settings of the store, as configs/store.toml.
        dsn: A PostgreSQL database as store, as libpq understands it; no password.
        portal_port: Where people reach the portal, on loopback; it runs if the extra is installed.
        portal: Its settings, as configs/portal.toml; without it, the defaults.
        no_portal: Run no portal.
        lake: Keep a lake of Parquet files, too, in the folder `lake`.
        lake_every_s: Seconds between two rounds of it.
        notify: The channels to people, as configs/notify.toml; without it, the ledger of notices
            says of each that there was none.
        no_notify: Carry no notices; it takes the extra `notify`.
    """
    logging.configure()
    log = logging.logger(community=community)
    data = data.absolute()
    if notify is not None and find_spec("apprise") is None:
        raise SystemExit("weinao up: --notify needs the extra `notify`")
    # Before anything starts: a flow that cannot would be started for ever.
    rules_of(rules, "up")
    policy_of(policy, "up")
    try:
        stores.dsn_of(dsn, data=data)
    except stores.WhereError as error:
        raise SystemExit(f"weinao up: {error}") from error
    names = _spread(data, tuple(grids), flows)
    plan = system.Plan(
        data=data,
        community=community,
        grids=tuple(grids),
        flows=names,
        broker_port=broker_port,
        metrics_port=metrics_port,
        runner=runner,
        rules=None if rules is None else rules.absolute(),
        policy=None if policy is None else policy.absolute(),
        store=_store(store, dsn),
        portal_port=None if no_portal or not has_portal() else portal_port,
        portal=None if portal is None else portal.absolute(),
        lake_every_s=lake_every_s if lake else None,
        notify=not no_notify and find_spec("apprise") is not None,
        channels=None if notify is None else notify.absolute(),
        url=f"http://127.0.0.1:{portal_port}" if portal is None else "",
    )
    _settled(plan, registry)
    signal.signal(signal.SIGTERM, _end)
    supervisor = Supervisor(
        data / "logs",
        lambda name: log.warning(
            "program.restarted", name=name, last_words=supervisor.last_words(name)
        ),
    )
    try:
        system.start(supervisor, plan)
        if registry:
            rows = read(registry)
            for row in rows:
                if row.record is None:
                    log.warning("record.refused", where=row.where, problem=row.problem)
            records = [row.record for row in rows if row.record is not None]
            loaded, of = publish(records, broker=plan.broker, community=community, timeout_s=30)
            log.info("registry.loaded", records=loaded, of=of)
        log.info("system.started", broker=plan.broker, data=str(data), logs=str(data / "logs"))
        while True:
            supervisor.look()
            time.sleep(0.1)
    except NotReadyError as error:
        raise SystemExit(f"weinao up: {error}") from error
    except (_Ended, KeyboardInterrupt):
        log.info("system.ended")
    finally:
        supervisor.close()


def _settled(plan: system.Plan, registry: Sequence[Path]) -> None:
    """Look at what the programs will need: one that lacks it would be started for ever.

    Raises:
        SystemExit: A port is taken, or a file cannot be read.
    """
    for file in registry:
        file.open("rb").close()
    try:
        for path, shape in _files(plan):
            load(path, shape)
    except SettingsError as error:
        raise SystemExit(f"weinao up: {error}") from error
    for name, port in system.taken(plan):
        option = {"broker": "--broker-port", "portal": "--portal-port"}.get(name, "--metrics-port")
        raise SystemExit(
            f"weinao up: port {port}, for {name}, is taken: does a system run here already?"
            f" End what listens there, or choose another by {option}"
        )


def _files(plan: system.Plan) -> Iterator[tuple[Path, type[Struct]]]:
    """Yield the settings of programs, and what they must be."""
    from sinks.notice_settings import CourierSettings
    from sinks.settings import StoreSettings

    if plan.store[:1] == ("--settings",):
        yield Path(plan.store[1]), StoreSettings
    if plan.channels is not None:
        yield plan.channels, CourierSettings
    if plan.portal is not None and plan.portal_port is not None:
        from portal.settings import PortalSettings

        yield plan.portal, PortalSettings


def _spread(data: Path, grids: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return the names of the flows, and give each grid that has lived nowhere one of them.

    Raises:
        SystemExit: There are to be fewer flows than grids live in.
    """
    if count < 1:
        raise SystemExit(f"weinao up: --flows: expected at least 1, got {count}")
    names = tuple(str(number) for number in range(1, count + 1))
    before = stays_of(data)
    left_out = [flow for flow in before.flows if flow not in names and before.living_in(flow)]
    if left_out:
        some = ", ".join(sorted(before.living_in(left_out[0])))
        raise SystemExit(
            f"weinao up: --flows {count} leaves out flow {left_out[0]}, in which {some} live:"
            " move them first, with weinao flow move"
        )
    if count == 1 and not before.grids:
        return names
    # What the journal of a system with one flow has seen lives there.
    seen = () if before.grids else grids_of(data / "journal")
    change(data, lambda known: dealt(settled(known, FIRST, seen), names, grids))
    return names


def _store(settings: Path | None, dsn: str | None) -> tuple[str, ...]:
    chosen = () if settings is None else ("--settings", str(settings.absolute()))
    return chosen if dsn is None else (*chosen, "--dsn", dsn)


def has_portal() -> bool:
    """Say whether the portal's extra is installed."""
    return find_spec("litestar") is not None and find_spec("uvicorn") is not None


def _end(*_: object) -> None:
    raise _Ended
