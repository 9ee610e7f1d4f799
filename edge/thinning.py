"""Giving up what does not fit, by name: the lowest lane first, oldest first.

Runs of packs of one device and boot become one `Thinned` pack, which takes the place of the run's
last: so numbers stay contiguous, and the journal learns of the loss as of anything else. Runs that
meet grow together, so an outage of any length leaves few of them.
"""

import sqlite3
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from edge.lanes import Lane
from weinao.messages import Pack, Thinned

KIND = "thinned"
_AT_A_TIME = 64

Encode = Callable[[Pack], bytes]


class Run(Struct, frozen=True):
    """Packs with contiguous numbers, of one device, boot and lane.

    Attributes:
        ids: Their rows, oldest first; the last one's row will hold the `Thinned` pack.
        at: Event time of the oldest observation.
    """

    ids: tuple[int, ...]
    lane: Lane
    device: str
    boot: str
    first: int
    last: int
    at: int
    put_at: int
    observations: int
    bytes: int


class Done(Struct):
    """What thinning did.

    Attributes:
        packs: How many were given up, by lane.
        items: How many rows each lane lost on balance.
        bytes: How many bytes of payload were freed on balance.
        gone: Ids of rows that are no more.
        changed: Ids of rows whose payload is another now.
    """

    packs: dict[Lane, int]
    items: dict[Lane, int]
    bytes: int
    gone: set[int]
    changed: dict[int, Lane]


def thin(
    db: sqlite3.Connection,
    *,
    items_over: int,
    bytes_over: int,
    reason: str,
    now: int,
    encode: Encode,
) -> Done:
    """Give up packs until so many rows and bytes are freed, or nothing is left to give up."""
    done = Done(dict.fromkeys(Lane, 0), dict.fromkeys(Lane, 0), 0, set(), {})
    for lane in reversed(Lane):
        while sum(done.items.values()) < items_over or done.bytes < bytes_over:
            victims = _oldest(db, lane)
            if not victims:
                break
            for run in _runs(victims):
                _enter_in_ledger(db, run, reason, now)
                below = _thinned_below(db, run)
                whole = _joined(below, run) if below else run
                done.packs[lane] += len(run.ids)
                _replace(db, whole, encode(_named(whole, reason, now)), done)
    return done


def _oldest(db: sqlite3.Connection, lane: Lane) -> list[Run]:
    rows = db.execute(
        "SELECT id, device, boot, first, seq, at, put_at, observations, bytes FROM items"
        " WHERE lane = ? AND kind <> ? ORDER BY id LIMIT ?",
        (lane, KIND, _AT_A_TIME),
    )
    return [Run((id_,), lane, *rest) for id_, *rest in rows]


def _runs(packs: list[Run]) -> list[Run]:
    runs: list[Run] = []
    for pack in sorted(packs, key=lambda one: (one.device, one.boot, one.first)):
        if runs and _follows(runs[-1], pack):
            runs[-1] = _joined(runs[-1], pack)
        else:
            runs.append(pack)
    return runs


def _follows(run: Run, pack: Run) -> bool:
    return (run.device, run.boot, run.last + 1) == (pack.device, pack.boot, pack.first)


def _joined(earlier: Run, later: Run) -> Run:
    return replace(
        earlier,
        ids=(*earlier.ids, *later.ids),
        last=later.last,
        at=min(earlier.at, later.at),
        put_at=min(earlier.put_at, later.put_at),
        observations=earlier.observations + later.observations,
        bytes=earlier.bytes + later.bytes,
    )


def _named(run: Run, reason: str, now: int) -> Pack:
    return Pack(
        v=1,
        device=run.device,
        boot=run.boot,
        seq=run.last,
        sent=now,
        thinned=Thinned(
            first=run.first,
            lane=run.lane.name.lower(),
            reason=reason,
            observations=run.observations,
        ),
    )


def _replace(db: sqlite3.Connection, run: Run, payload: bytes, done: Done) -> None:
    """Put the one pack in the place of the run's last, and remove the others."""
    *gone, kept = run.ids
    db.executemany("DELETE FROM items WHERE id = ?", [(id_,) for id_ in gone])
    db.execute(
        "UPDATE items SET first = ?, seq = ?, kind = ?, at = ?, put_at = ?, observations = ?,"
        " bytes = ?, payload = ? WHERE id = ?",
        (run.first, run.last, KIND, run.at, run.put_at, run.observations, len(payload), payload,
         kept),
    )  # fmt: skip
    done.items[run.lane] += len(gone)
    done.bytes += run.bytes - len(payload)
    done.gone.update(gone)
    for id_ in gone:
        done.changed.pop(id_, None)
    done.changed[kept] = run.lane


def _thinned_below(db: sqlite3.Connection, run: Run) -> Run | None:
    """Return the pack that already names what is lost just below a run."""
    row = db.execute(
        "SELECT id, device, boot, first, seq, at, put_at, observations, bytes FROM items"
        " WHERE device = ? AND boot = ? AND seq = ? AND kind = ? AND lane = ?",
        (run.device, run.boot, run.first - 1, KIND, run.lane),
    ).fetchone()
    return None if row is None else Run((row[0],), run.lane, *row[1:])


def _enter_in_ledger(db: sqlite3.Connection, run: Run, reason: str, now: int) -> None:
    lane = run.lane.name.lower()
    below = db.execute(
        "DELETE FROM ledger WHERE device = ? AND boot = ? AND last = ? AND lane = ?"
        " RETURNING first, observations",
        (run.device, run.boot, run.first - 1, lane),
    ).fetchone()
    first, observations = below or (run.first, 0)
    db.execute(
        "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (run.device, run.boot, first, run.last, lane, reason, observations + run.observations,
         now),
    )  # fmt: skip
