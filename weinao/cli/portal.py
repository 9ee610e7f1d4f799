"""`weinao portal`: the web face for families, residents, grid staff and operators."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from weinao import logging, metrics
from weinao.cli.clocks import ClockOption, told_time
from weinao.cli.ending import Ended
from weinao.cli.options import Address, Name, Port, host_and_port
from weinao.clock import now_ms

if TYPE_CHECKING:
    from portal.desk import Desk
    from portal.settings import PortalSettings

app = App(name="portal", help="The web face for families, residents, staff and operators.")

FOLDER = "portal"
SOCKET = "store.sock"


@app.command
def run(
    *,
    data: Path,
    settings: Path | None = None,
    community: Name | None = None,
    broker: Address | None = None,
    address: str | None = None,
    port: Port | None = None,
    metrics_port: Port | None = None,
    log_json: bool = False,
    clock: ClockOption = "",
) -> None:
    """Serve the portal until told to end.

    Args:
        data: Folder of the system; the store's socket is in it, and `portal/` with accounts.
        settings: A file like `configs/portal.toml`; without one, `community` is needed.
        community: The community in the topics.
        broker: Where the broker speaks MQTT 5, `host:port`.
        address: Listen here.
        port: Listen on this port.
        metrics_port: Serve Prometheus metrics on this port; 0 picks one.
        log_json: Log lines as JSON.
        clock: Of a story that is played.
    """
    import uvicorn

    from portal.app import application

    chosen = chosen_settings(settings, community, broker, port)
    logging.configure(json=log_json or chosen.log.json, level=chosen.log.level)
    log = logging.logger(community=chosen.community)
    serves = metrics_port if metrics_port is not None else chosen.metrics.port
    log.info("metrics.served", port=metrics.serve(serves, chosen.metrics.address))
    desk = desk_of(data, chosen, told_time(clock))
    config = uvicorn.Config(
        application(desk),
        host=address or chosen.web.address,
        port=chosen.web.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Open pages are streams without an end: they are cut, and come again.
        timeout_graceful_shutdown=1,
    )
    log.info("portal.started", address=config.host, port=config.port)
    Ended()  # uvicorn hands a signal on once it has ended; that is no other end
    uvicorn.Server(config).run()
    log.info("portal.ended")


@app.command
def invite(
    role: str,
    person: str,
    /,
    *,
    data: Path,
    name: str = "",
    settings: Path | None = None,
    community: Name = "demo",
    url: str = "",
) -> None:
    """Print an invitation, as for the first operator: nobody else can make one yet.

    Args:
        role: One of family, resident, staff, operator, office.
        person: Their id in the registry; of an operator, that of their record as staff.
        data: Folder of the system.
        name: How to call them.
        settings: A file like `configs/portal.toml`.
        community: Whose portal it is, where no file says so.
        url: What people type to reach the portal; without it, that of the settings.
    """
    from portal.accounts import Role

    if role not in [*Role]:
        sys.exit(f"weinao portal: expected a role of {', '.join(Role)}, got {role}")
    _refuse_nowhere(data, "invite")
    chosen = chosen_settings(settings, community, None)
    desk = desk_of(data, chosen)
    key, made = desk.accounts.invite(
        Role(role), person, name or person, by="command", now=now_ms()
    )  # fmt: skip
    desk.audit.note(
        at=made.expires_at - chosen.sign_in.invitation_days * 86_400_000,
        actor="command",
        role="command",
        action="account.invited",
        about=person,
        purpose=role,
    )
    desk.book.close()
    print(f"{url or chosen.web.url}/join/{key}")  # noqa: T201  # asked for


@app.command
def link(
    incident: str,
    person: str,
    /,
    *,
    data: Path,
    settings: Path | None = None,
    community: Name = "demo",
) -> None:
    """Print a link that lets one person answer one incident once, as notices carry it.

    Args:
        incident: Its id.
        person: The id of a contact, a member of staff, or the reporter.
        data: Folder of the system.
        settings: A file like `configs/portal.toml`.
        community: Whose portal it is, where no file says so.
    """
    _refuse_nowhere(data, "link")
    chosen = chosen_settings(settings, community, None)
    desk = desk_of(data, chosen)
    text = desk.links.make(incident, person, now_ms() + chosen.sign_in.link_h * 3_600_000)
    desk.book.close()
    print(f"{chosen.web.url}/a/{text}")  # noqa: T201  # asked for


def _refuse_nowhere(data: Path, command: str) -> None:
    # A portal made for the purpose would have a secret of its own, and nobody would let anybody in.
    if not data.is_dir():
        sys.exit(f"weinao portal {command}: {data}: no system there; `weinao up` makes one")


def desk_of(data: Path, chosen: "PortalSettings", now: Callable[[], int] = now_ms) -> "Desk":
    """Put the portal of a system together."""
    from portal.desk import made
    from sinks.client import StoreClient

    return made(
        chosen,
        data / FOLDER,
        lambda: StoreClient(data / SOCKET),
        now=now,
        log=logging.logger(community=chosen.community),
    )


def chosen_settings(
    settings: Path | None, community: str | None, broker: str | None, port: int | None = None
) -> "PortalSettings":
    """Return the settings of a file, with what the command line says instead."""
    from msgspec.structs import replace

    from portal.settings import PortalSettings, WebSettings
    from weinao.settings import SettingsError, from_table, load

    try:
        if settings is not None:
            chosen = load(settings, PortalSettings)
        else:
            table = {"community": community} if community else {}
            chosen = from_table(table, PortalSettings, "weinao portal")
    except SettingsError as error:
        sys.exit(f"weinao portal: {error}")
    if community:
        chosen = replace(chosen, community=community)
    if port is not None:
        # What people type follows the port, unless a file says what it is.
        own = chosen.web.url != WebSettings().url
        url = chosen.web.url if own else f"http://127.0.0.1:{port}"
        chosen = replace(chosen, web=replace(chosen.web, port=port, url=url))
    if broker:
        host, speaks = host_and_port(broker)
        chosen = replace(chosen, broker=replace(chosen.broker, host=host, port=speaks))
    return chosen
