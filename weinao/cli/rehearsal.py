"""A rehearsal: system, agents and people of a stage, set up, kept going, and drained."""

import random
import re
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from sim.audit import Audit, Expected
from sim.people import Moods, People
from sinks.client import StoreClient
from sinks.store import StoreError
from weinao.cli import system
from weinao.cli.registry import publish
from weinao.cli.stage import Home, Stage
from weinao.cli.supervisor import NotReadyError, Program, Supervisor
from weinao.clock import WALL, Clock, now_ms

LAG_S_MAX = 60.0
"""How long the flow may be behind its journal after the last agent has ended."""

QUIET_S = 2.0
"""So long nothing new has to come out before we believe that nothing more will."""

_SERVED = re.compile(r"metrics\.served.* port=(\d+)")
_OFFSET = re.compile(r"^weinao_pipeline_journal_offset_bytes (\S+)$", re.MULTILINE)


class Rehearsal:
    """Real programs on loopback, and people who answer.

    Args:
        stage: The homes.
        folder: Everything is kept in it.
        runner: Of the flow.
        seed: Of the people's dice.
        moods: Of the people.
        clock: Of everybody.
        ingest: Settings of ingest; its own, if None.
        rules: A file of thresholds, and
        policy: one of how incidents are handled; the ones we ship, if None.
        dsn: A PostgreSQL database as store; the embedded file, if None.
        portal: Whether people can look at it in the portal.

    Attributes:
        restarts: Names of the programs that died by themselves, each time.
    """

    def __init__(
        self,
        stage: Stage,
        folder: Path,
        *,
        runner: str,
        seed: int,
        moods: Moods,
        clock: Clock = WALL,
        ingest: Path | None = None,
        rules: Path | None = None,
        policy: Path | None = None,
        dsn: str | None = None,
        portal: bool = False,
    ) -> None:
        self.stage = stage
        self.plan = system.Plan(
            data=folder / "data",
            community=stage.community,
            grids=stage.grids,
            broker_port=system.free_port(),
            runner=runner,
            epoch_s=1.0,  # many snapshots, so that some are cut short by a kill
            clock="" if clock is WALL else str(clock),
            ingest=ingest,
            rules=rules.resolve() if rules else None,
            policy=policy.resolve() if policy else None,
            store=("--dsn", dsn) if dsn else (),
            portal_port=system.free_port() if portal else None,
        )
        self.restarts: list[str] = []
        self.supervisor = Supervisor(folder / "logs", self.restarts.append)
        self.store = StoreClient(self.plan.data / "store.sock")
        self._seed, self._moods, self._clock = seed, moods, clock
        self._people: People | None = None
        self._agent_ports: dict[str, int] = {}
        self._ended_at = 0

    def open(self) -> None:
        """Start the system, load the registry, and let people listen.

        Raises:
            NotReadyError: A program did not become usable; the message says which, and why.
        """
        system.start(self.supervisor, self.plan)
        for records in self.stage.registries():
            loaded, wanted = publish(
                records,
                broker=self.plan.broker,
                community=self.plan.community,
                timeout_s=90,
                now=self._clock,
            )
            if loaded < max(wanted, len(records)):
                raise NotReadyError(
                    f"only {loaded} of {len(records)} registry records are in the journal"
                )
        self._people = People(
            "127.0.0.1",
            self.plan.broker_port,
            self.plan.community,
            moods=self._moods,
            rng=random.Random(self._seed),  # noqa: S311  # a rehearsal
            now=self._clock,
            timer=now_ms,
        )

    def programs(self) -> list[Program]:
        """Return the system's programs, in the order in which they need each other."""
        return system.programs(self.plan)

    def enter(self, one: Home, broker_port: int | None = None) -> None:
        """Start a home's agent; at another port if its way to the broker leads through one."""
        port = broker_port or self._agent_ports.get(one.name) or self.plan.broker_port
        self._agent_ports[one.name] = port
        self.supervisor.start(self.stage.program(one, port))

    def turn(self, wait_s: float = 0.2) -> None:
        """Start again what died, let people work, and wait a moment."""
        self.supervisor.look()
        if self._people is not None:
            self._people.work()
        time.sleep(wait_s)

    def drained(self, timeout_s: float) -> str | None:
        """Go on until what was sensed by now is stored and nothing more follows from it.

        The agents are ended then, and what they said last is waited for as long as more of it
        comes out: a slow machine has lost nothing. What an agent had no time to send stays in its
        outbox, and is not waited for.

        Returns:
            What was still missing when the time was over, if anything was.
        """
        deadline = time.monotonic() + timeout_s
        issued = self.stage.issued()
        missing = self._quiet(deadline, issued)
        self._ended_at = self._clock()
        for one in self.stage.homes:
            self.supervisor.stop(one.agent)
        return missing or self._quiet(max(deadline, time.monotonic() + LAG_S_MAX), None)

    def account(self, extra: list[Expected]) -> Audit:
        """Hold what happened against what is stored."""
        return self.stage.account(self.store, extra, self._ended_at)

    def close(self) -> None:
        """End every program."""
        if self._people is not None:
            self._people.close()
        self.supervisor.close()
        self.store.close()

    def _quiet(self, deadline: float, issued: Mapping[tuple[str, str], int] | None) -> str | None:
        """Wait until the packs issued so far are delivered and nothing new comes out.

        Args:
            deadline: Give up then.
            issued: Of each device; None if no agent lives that would send or observe more.

        Returns:
            What was last seen to be missing or changing, if time was over.
        """
        still_s = QUIET_S if issued is not None else 2 * QUIET_S
        since, before, waiting = time.monotonic(), "nobody could look", 0
        end = self._journal_end()
        while time.monotonic() < deadline:
            self.turn()
            waiting = self.stage.waiting(issued) if issued is not None else 0
            if waiting:
                end = self._journal_end()
            now = self._stored(whole=issued is None)
            # Nothing comes out of a flow, either, that was killed and takes its time to start.
            if now is None or waiting or now != before or self._read_upto() < end:
                since, before = time.monotonic(), now or "the store is away"
            elif time.monotonic() - since > still_s:
                return None
        read = f"{self._read_upto()} of {end} bytes of the journal read"
        return f"{waiting} packs wait in outboxes; {read}; stored: {before}"

    def _journal_end(self) -> int:
        from pipeline.journal import JournalReader

        reader = JournalReader(self.plan.data / "journal")
        end = reader.end
        reader.close()
        return end

    def _read_upto(self) -> int:
        """Return how much of the journal the flow says it has read; 0 if it says nothing."""
        [*_, port] = [0, *_SERVED.findall(self.supervisor.log("flow"))]
        asked = HTTPConnection("127.0.0.1", int(port), timeout=5)
        try:
            asked.request("GET", "/metrics")
            said = _OFFSET.search(asked.getresponse().read().decode())
        except (OSError, HTTPException):
            return 0
        finally:
            asked.close()
        return int(float(said[1])) if said else 0

    def _stored(self, *, whole: bool) -> str | None:
        """Return something that stays the same when nothing new comes out; None: no store.

        Args:
            whole: Observations count, too: no agent lives that would make more of them.
        """
        try:
            counts = self.store.counts()
        except StoreError:
            return None
        tables = ("incidents", "deadletters", *(("observations",) if whole else ()))
        return str({table: n for table, n in counts.items() if table in tables})
