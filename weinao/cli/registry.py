"""`weinao registry`: check what people entered, and bring it to the journal.

A file is TOML with an array of tables a kind (`[[resident]]`, `[[device]]`, …), or CSV named after
its kind (`resident.csv`), a column a field; values of a list are separated by `;`.
"""

import csv
import json as codec_json
import secrets
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from cyclopts import App
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.console import Console

from weinao import codec, topics
from weinao.clock import now_ms
from weinao.messages import Ack, Pack, Registered
from weinao.numbers import Numbers
from weinao.registry import Building, Device, Grid, Household, Record, Resident

app = App(name="registry", help="Check registered data, and load it.")

DEVICE = "registry-loader"
RESEND_S = 3.0


class Row(Struct, frozen=True):
    """One row as it was read: where it stands, and the record or what is wrong with it."""

    where: str
    record: Record | None
    problem: str = ""


@app.command
def check(files: Sequence[Path], /, *, json: bool = False) -> None:
    """Say what a load would do, row by row, and why rows cannot be taken.

    Args:
        files: TOML or CSV.
        json: Print JSON.
    """
    raise SystemExit(_report(read(files), loaded=None, as_json=json))


@app.command
def load(
    files: Sequence[Path],
    /,
    *,
    broker: str = "127.0.0.1:1884",
    community: str = "demo",
    timeout_s: float = 30,
    json: bool = False,
) -> None:
    """Publish what can be taken, and wait until the journal has it.

    Args:
        files: TOML or CSV.
        broker: HOST:PORT of its MQTT 5 listener.
        community: Whose registry it is; its grids are those the records name.
        timeout_s: How long to wait for the journal.
        json: Print JSON.
    """
    rows = read(files)
    records = [row.record for row in rows if row.record is not None]
    loaded, wanted = publish(records, broker=broker, community=community, timeout_s=timeout_s)
    code = _report(rows, loaded=loaded, as_json=json)
    if loaded < wanted:
        late = f"the journal has {loaded} of {wanted} after {timeout_s:.0f} s: is ingest running?"
        Console(stderr=True).print(late)
        code = 1
    raise SystemExit(code)


def read(files: Sequence[Path]) -> list[Row]:
    """Read files; what cannot be taken comes back with its problem, and nothing else is lost."""
    rows: list[Row] = []
    for file in files:
        try:
            found = _csv(file) if file.suffix == ".csv" else _toml(file)
        except (OSError, ValueError) as error:
            rows.append(Row(str(file), None, str(error)))
            continue
        rows += [_row(where, kind, fields) for where, kind, fields in found]
    return rows


def publish(
    records: Sequence[Record], *, broker: str, community: str, timeout_s: float
) -> tuple[int, int]:
    """Publish records, and again until the journal has them; return how many it has of how many."""
    boot = f"{now_ms():013d}-{secrets.token_hex(3)}"
    packs = _packs(records, boot, community)
    durable: dict[str, Numbers] = {}
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"{DEVICE}-{boot}",
        protocol=MQTTProtocolVersion.MQTTv5,
    )

    def heard(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        ack = msgspec.json.decode(message.payload, type=Ack)
        if ack.boot == boot:
            durable[message.topic.split("/")[3]] = Numbers(ack.seq, tuple(ack.also))

    client.on_message = heard
    client.on_connect = lambda c, *_: c.subscribe(topics.ack(community, "+", DEVICE), qos=1)
    host, _, port = broker.rpartition(":")
    client.connect(host, int(port))
    client.loop_start()
    deadline = time.monotonic() + timeout_s
    sent_at = 0.0
    while missing := [p for p in packs if p[2].seq not in durable.get(p[0], Numbers())]:
        if time.monotonic() > deadline:
            break
        if client.is_connected() and time.monotonic() - sent_at > RESEND_S:
            sent_at = time.monotonic()
            for _, topic, pack in missing:
                client.publish(topic, codec.encode(pack), qos=1)
        time.sleep(0.02)
    client.disconnect()
    client.loop_stop()
    return len(packs) - len(missing), len(packs)


def _packs(records: Sequence[Record], boot: str, community: str) -> list[tuple[str, str, Pack]]:
    """Return grid, topic and pack for each record and each grid that needs it."""
    seqs: dict[str, int] = {}
    packs: list[tuple[str, str, Pack]] = []
    layout, now = _Layout(records), now_ms()
    for record in records:
        kind = str(record.__struct_config__.tag)
        for grid in layout.grids(record):
            seqs[grid] = seqs.get(grid, 0) + 1
            said = Registered(at=now, record=record)
            pack = Pack(v=1, device=DEVICE, boot=boot, seq=seqs[grid], sent=now, obs=(said,))
            packs.append((grid, topics.registry(community, grid, kind, record.id), pack))
    return packs


class _Layout:
    """Which grids need a record: its own where it says so by itself or by its home, or else all."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._all = [record.id for record in records if isinstance(record, Grid)]
        building_grid = {r.id: r.grid for r in records if isinstance(r, Building)}
        self._home_grid = {
            r.id: building_grid.get(r.building, "") for r in records if isinstance(r, Household)
        }
        self._home_of = {r.id: r.household for r in records if isinstance(r, Resident)}

    def grids(self, record: Record) -> list[str]:
        """Return the grids that need a record."""
        if isinstance(record, Grid):
            return [record.id]
        if isinstance(record, Building):
            return [record.grid]
        home = ""
        if isinstance(record, Household):
            home = record.id
        elif isinstance(record, Resident):
            home = record.household
        elif isinstance(record, Device):
            home = self._home_of.get(record.wearer, record.household)
        grid = self._home_grid.get(home)
        return [grid] if grid else self._all


def _toml(file: Path) -> list[tuple[str, str, dict[str, Any]]]:
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    found: list[tuple[str, str, dict[str, Any]]] = []
    for kind, rows in tables.items():
        if not isinstance(rows, list):
            raise ValueError(f"{kind}: expected [[{kind}]] tables, got {type(rows).__name__}")  # noqa: TRY004  # a mistake in a file
        found += [(f"{file.name}: {kind} {n}", kind, row) for n, row in enumerate(rows, 1)]
    return found


def _csv(file: Path) -> list[tuple[str, str, dict[str, Any]]]:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    return [
        (f"{file.name}: line {number}", file.stem, {k: v for k, v in row.items() if k and v})
        for number, row in enumerate(rows, 2)
    ]


def _row(where: str, kind: str, fields: dict[str, Any]) -> Row:
    shaped = {key: _shaped(key, value) for key, value in fields.items()}
    try:
        record: Record = msgspec.convert({"type": kind, **shaped}, Record, strict=False)
    except msgspec.ValidationError as error:
        return Row(where, None, str(error))
    return Row(where, record)


def _shaped(key: str, value: Any) -> Any:  # noqa: ANN401  # as the file has it
    """Give the cells of a CSV the shape of a record's field."""
    if not isinstance(value, str):
        return value
    if key == "tags":
        return [{"tag": tag} for tag in value.split(";")]
    if key == "contacts":
        return [{"id": contact} for contact in value.split(";")]
    return value.split(";") if key in ("channels", "consents", "buildings") else value


def _report(rows: Sequence[Row], *, loaded: int | None, as_json: bool) -> int:
    """Print what was read; return the exit code: 1 if any row could not be taken."""
    refused = [row for row in rows if row.record is None]
    taken = len(rows) - len(refused)
    if as_json:
        report = {
            "taken": taken,
            "loaded": loaded,
            "refused": [{"where": row.where, "problem": row.problem} for row in refused],
        }
        print(codec_json.dumps(report, ensure_ascii=False, indent=2))  # noqa: T201  # asked for
    else:
        console = Console()
        for row in refused:
            console.print(f"[red]refused[/] {row.where}: {row.problem}", highlight=False)
        console.print(f"{taken} records can be taken, {len(refused)} refused")
        if loaded is not None:
            console.print(f"{loaded} are in the journal")
    return 1 if refused else 0
