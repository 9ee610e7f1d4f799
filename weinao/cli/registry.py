"""`weinao registry`: check what people entered, and bring it to the journal.

A file is TOML with an array of tables a kind (`[[resident]]`, `[[device]]`, …), JSON of the same
shape, or CSV named after its kind (`resident.csv`), a column a field; in a CSV, values of a list
are separated by `;`. Nothing is left out silently: what cannot be taken is named, with the reason.
"""

import csv
import json as codec_json
import secrets
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import paho.mqtt.client as mqtt
from cyclopts import App
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.text import Text

from weinao import codec, topics
from weinao.cli import showing
from weinao.cli.options import Address, Name, Names, Span, host_and_port
from weinao.clock import now_ms
from weinao.messages import Ack, Pack, Registered
from weinao.numbers import Numbers
from weinao.registry import Building, Checkpoint, Device, Grid, Household, Record, Resident

app = App(name="registry", help="Check registered data, and load it.")

DEVICE = "registry-loader"
RESEND_S = 3.0
"""What the journal has not got is sent again after so long without news."""


_Unshaped = tuple[str, str, Any]
"""Where a row stands, of which kind it is, and what is in it, as a file has it."""

_KINDS = tuple(str(kind.__struct_config__.tag) for kind in get_args(Record))


class Row(Struct, frozen=True):
    """One row as it was read: where it stands, and the record or what is wrong with it."""

    where: str
    record: Record | None
    problem: str = ""


@app.command
def check(files: Sequence[Path], /, *, grids: Names = (), json: bool = False) -> None:
    """Say what a load would do, and why rows cannot be taken; exit code 1 if there are such.

    Args:
        files: TOML, JSON or CSV.
        grids: Where records belong whose grid the files do not tell.
        json: Print JSON.
    """
    raise SystemExit(_report(read(files, grids), loaded=None, as_json=json))


@app.command
def load(
    files: Sequence[Path],
    /,
    *,
    broker: Address = "127.0.0.1:1884",
    community: Name = "demo",
    grids: Names = (),
    timeout_s: Span = 30,
    json: bool = False,
) -> None:
    """Publish what can be taken, and wait until the journal has it; exit code 1 if not all of it.

    Args:
        files: TOML, JSON or CSV.
        broker: HOST:PORT of its MQTT 5 listener.
        community: Whose registry it is.
        grids: Where records belong whose grid the files do not tell.
        timeout_s: How long to wait while the journal says nothing new.
        json: Print JSON.
    """
    rows = read(files, grids)
    records = [row.record for row in rows if row.record is not None]
    try:
        loaded, wanted = publish(
            records, broker=broker, community=community, timeout_s=timeout_s, grids=grids
        )
    except OSError as error:
        raise SystemExit(f"weinao registry: no broker at {broker}: {error}") from error
    code = _report(rows, loaded=loaded, as_json=json)
    if loaded < wanted:
        late = f"the journal has {loaded} of {wanted}, and no more came: is ingest running?"
        showing.console(stderr=True).print(late)
        code = 1
    raise SystemExit(code)


def read(files: Sequence[Path], grids: Sequence[str] = ()) -> list[Row]:
    """Read files; what cannot be taken comes back with its problem, and nothing else is lost."""
    rows: list[Row] = []
    for file in files:
        try:
            found = _csv(file) if file.suffix == ".csv" else _tables(file)
        except OSError as error:
            rows.append(Row(str(file), None, error.strerror or str(error)))
            continue
        except UnicodeDecodeError:
            rows.append(
                Row(str(file), None, "no text in UTF-8; a spreadsheet saves it as CSV UTF-8")
            )
            continue
        except (ValueError, csv.Error, RecursionError) as error:
            rows.append(Row(str(file), None, str(error)))
            continue
        rows += [one if isinstance(one, Row) else _row(*one) for one in found]
    rows = _once_each(rows)
    layout = _Layout([row.record for row in rows if row.record is not None], grids)
    return [_placed(row, layout) for row in rows]


def publish(
    records: Sequence[Record],
    *,
    broker: str,
    community: str,
    timeout_s: float,
    grids: Sequence[str] = (),
    now: Callable[[], int] = now_ms,
) -> tuple[int, int]:
    """Publish records, and again until the journal has them; return how many it has of how many.

    A record counts once for each grid that needs it. Gives up after `timeout_s` without news.

    Raises:
        OSError: There is no broker.
    """
    boot = f"{now():013d}-{secrets.token_hex(3)}"
    packs = _packs(records, grids, boot, community, now())
    durable: dict[str, Numbers] = {}
    client = _client(boot, community, durable)
    host, port = host_and_port(broker)
    client.connect(host, port)
    client.loop_start()
    missing, news_at = packs, time.monotonic()
    again_at = news_at
    while missing and time.monotonic() - news_at < timeout_s:
        if client.is_connected() and time.monotonic() >= again_at:
            again_at = time.monotonic() + RESEND_S
            for _, topic, pack in missing:
                client.publish(topic, codec.encode(pack), qos=1)
        time.sleep(0.02)
        still = [p for p in missing if p[2].seq not in durable.get(p[0], Numbers())]
        if len(still) < len(missing):
            missing, news_at = still, time.monotonic()
            again_at = news_at + RESEND_S
    client.disconnect()
    client.loop_stop()
    return len(packs) - len(missing), len(packs)


def _client(boot: str, community: str, durable: dict[str, Numbers]) -> mqtt.Client:
    """Return a client that notes what the journal has of a boot, for each grid."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"{DEVICE}-{boot}",
        protocol=MQTTProtocolVersion.MQTTv5,
    )

    def heard(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        ack = msgspec.json.decode(message.payload, type=Ack)
        if ack.boot.startswith(boot):
            durable[message.topic.split("/")[3]] = Numbers(ack.seq, tuple(ack.also))

    client.on_message = heard
    client.on_connect = lambda c, *_: c.subscribe(topics.ack(community, "+", DEVICE), qos=1)
    return client


def _packs(
    records: Sequence[Record], grids: Sequence[str], boot: str, community: str, now: int
) -> list[tuple[str, str, Pack]]:
    """Return grid, topic and pack for each record and each grid that needs it.

    Numbers are contiguous within a grid, as each grid counts for itself.
    """
    seqs: dict[str, int] = {}
    packs: list[tuple[str, str, Pack]] = []
    layout = _Layout(records, grids)
    for record in records:
        kind = str(record.__struct_config__.tag)
        for grid in layout.grids(record):
            seqs[grid] = seqs.get(grid, 0) + 1
            said = Registered(at=now, record=record)
            # A boot of its own for each grid: numbers are contiguous, and ids unique, in both.
            pack = Pack(
                v=1,
                device=DEVICE,
                boot=f"{boot}.{grid}"[:64],
                seq=seqs[grid],
                sent=now,
                obs=(said,),
            )
            packs.append((grid, topics.registry(community, grid, kind, record.id), pack))
    return packs


class _Layout:
    """Which grids need a record: that of its building or home; all, if it has none by nature.

    What belongs to a home that is not known here belongs to the only grid, if there is but one.
    """

    def __init__(self, records: Sequence[Record], grids: Sequence[str]) -> None:
        named = [record.id for record in records if isinstance(record, Grid)]
        building_grid = {r.id: r.grid for r in records if isinstance(r, Building)}
        self._all = [*dict.fromkeys([*grids, *named, *building_grid.values()])]
        self._home_grid = {
            r.id: building_grid[r.building]
            for r in records
            if isinstance(r, Household) and r.building in building_grid
        }
        self._home_of = {r.id: r.household for r in records if isinstance(r, Resident)}

    def grids(self, record: Record) -> list[str]:
        """Return the grids that need a record; none if that cannot be told."""
        if isinstance(record, Grid):
            return [record.id]
        if isinstance(record, Building | Checkpoint) or (
            isinstance(record, Device) and record.grid
        ):
            return [record.grid]
        if not isinstance(record, Household | Resident | Device):
            return self._all
        grid = self._home_grid.get(self._home(record))
        if grid:
            return [grid]
        return self._all if len(self._all) == 1 else []

    def _home(self, record: Household | Resident | Device) -> str:
        if isinstance(record, Household):
            return record.id
        if isinstance(record, Resident):
            return record.household
        return self._home_of.get(record.wearer, record.household)


def _once_each(rows: Sequence[Row]) -> list[Row]:
    """Refuse a record that another row holds already: only one of them can be meant."""
    seen: dict[tuple[object, str], str] = {}
    kept: list[Row] = []
    for row in rows:
        where = row.where
        if row.record is not None:
            where = seen.setdefault((type(row.record), row.record.id), row.where)
        problem = "" if row.record is None else f"{row.record.id}: is in {where} already"
        kept.append(row if where is row.where else Row(row.where, None, problem))
    return kept


def _placed(row: Row, layout: _Layout) -> Row:
    if row.record is None or layout.grids(row.record):
        return row
    problem = f"{row.record.id}: its grid cannot be told; load it with its home, or name one grid"
    return Row(row.where, None, problem)


def _tables(file: Path) -> list[_Unshaped | Row]:
    text = file.read_text(encoding="utf-8-sig")
    tables = codec_json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    if not isinstance(tables, dict):
        raise ValueError(f"expected a list of rows a kind, got {type(tables).__name__}")  # noqa: TRY004  # a mistake in a file
    found: list[_Unshaped | Row] = []
    for kind, rows in tables.items():
        if not isinstance(rows, list):
            raise ValueError(f"{kind}: expected a list of rows, got {type(rows).__name__}")  # noqa: TRY004  # a mistake in a file
        found += [(f"{file.name}: {kind} {n}", kind, row) for n, row in enumerate(rows, 1)]
    return found


def _csv(file: Path) -> list[_Unshaped | Row]:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    return [
        Row(f"{file.name}: line {number}", None, "more cells than the first line has columns")
        if None in row
        else (f"{file.name}: line {number}", file.stem, {k: v for k, v in row.items() if v})
        for number, row in enumerate(rows, 2)
    ]


def _row(where: str, kind: str, fields: Any) -> Row:  # noqa: ANN401  # as the file has it
    if kind not in _KINDS:
        return Row(where, None, f"no kind {kind}: known are {', '.join(_KINDS)}")
    if not isinstance(fields, dict):
        return Row(where, None, f"expected fields with values, got {type(fields).__name__}")
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
    if key == "consents":
        return [{"purpose": purpose} for purpose in value.split(";")]
    return value.split(";") if key in ("channels", "buildings") else value


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
        showing.write_json(report)
    else:
        console = showing.console()
        for row in refused:
            told = Text.assemble(("refused", "red"), f" {row.where}: {row.problem}")
            console.print(told, soft_wrap=True)
        console.print(f"{taken} records can be taken, {len(refused)} refused")
        if loaded is not None:
            console.print(f"{loaded} are in the journal")
    return 1 if refused else 0
