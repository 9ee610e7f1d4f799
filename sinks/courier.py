"""The courier: carries notices to people, and tells the brain what reached nobody.

    store -> ledger (each notice once) -> due? void? -> channel after channel -> ledger
                                                                              -> delivery -> journal

It decides neither who nor when: the brain wrote that into the notice. What came of one goes back to
the brain as an observation, in one transaction with the ledger, so that the ladder goes on at once
where nothing reached who is asked. A provider that takes a notice and delivers nothing is the
ladder's business: its deadline passes, and the next person is asked.

A crash between ringing and writing leaves a try without an end. What is major or critical then
rings again, perhaps twice; everything else rings at most once (docs/decisions/0014-notices.md).
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from sinks import known as registry
from sinks.attempts import Rung
from sinks.channels import PUSH, Channels, Way
from sinks.known import LATE_MS, Known
from sinks.ledger import DONE, Ledger, Try
from sinks.notice_settings import DeliverySettings
from sinks.outbox import Outbox
from sinks.push import Push, Pusher
from sinks.ringing import Ringer
from sinks.store import Filter, Store, StoreUnavailableError
from weinao.catalogue import Language
from weinao.messages import Delivery, Registered
from weinao.metrics import LATENCY_BUCKETS_S, Counter, Gauge, Histogram
from weinao.outcomes import Incident, Notice, Severity
from weinao.registry import Device
from weinao.timeline import OVER
from weinao.voice import Voice
from weinao.wording import Answering, Text, worded

NOTICES = Counter(
    "weinao_sinks_notices_total", "Notices done with, by what became of them.", ["state"]
)
for _state in DONE:  # from the start, so that the first of each is seen to come
    NOTICES.labels(_state)
TRIES = Counter("weinao_sinks_tries_total", "Tries, by channel and result.", ["channel", "result"])
TOLD_SECONDS = Histogram(
    "weinao_sinks_told_seconds", "From when a notice was due to a channel that took it.",
    buckets=LATENCY_BUCKETS_S,
)  # fmt: skip
OLDEST = Gauge(
    "weinao_sinks_notice_oldest_seconds", "How long the notice that waits longest has been due."
)

BATCH_MAX = 200
REGISTRY_EVERY_MS = 5_000
RINGS_AGAIN = Severity.MAJOR
"""From here on a try that a crash cut off is made again: better twice than never."""

_ABOUT_WHAT_STANDS = ("dispatch", "worse", "sure", "also", "order", "verify", "many")
"""Steps of which nobody needs to hear once the incident is over."""


class Job(Struct, frozen=True, kw_only=True):
    """A notice, ready to be carried."""

    grid: str
    notice: Notice
    text: Text
    ways: tuple[Way | Push, ...]
    tried: tuple[Try, ...]


class Courier:
    """Carries the notices of one system.

    Args:
        store: Followed, and asked about incidents; used by the thread that steps alone.
        ledger: What became of each notice.
        outbox: The way back to the brain, in the same book as the ledger.
        channels: Of this deployment.
        ringer: Hands texts to providers.
        pusher: Rings the browsers in which people allowed it; None where there is no portal.
        settings: How patient it is.
        link_of: Returns the link that answers a notice; empty for none.
        now: The clock of what the brain decides by, in milliseconds.
        log: For what a person may have to know.
        on_done: Called after each notice, when there may be something to send.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        outbox: Outbox,
        channels: Channels,
        ringer: Ringer,
        *,
        settings: DeliverySettings,
        link_of: Callable[[Notice], str],
        now: Callable[[], int],
        log: FilteringBoundLogger,
        on_done: Callable[[], object] = lambda: None,
        pusher: Pusher | None = None,
    ) -> None:
        self._pusher = pusher
        self._store, self._ledger, self._outbox = store, ledger, outbox
        self._channels, self._ringer, self._settings = channels, ringer, settings
        self._link_of, self._now, self._log, self._on_done = link_of, now, log, on_done
        self._seq: int | None = None
        self._known, self._known_at, self._whole = Known(), 0, False
        self._voices: dict[tuple[str, str], tuple[Known, Voice]] = {}
        self._carried: set[str] = set()
        self._introduced: set[str] = set()
        self._lock = threading.Lock()
        self._due_since: int | None = None
        OLDEST.set_function(self._oldest_s)
        self._carriers = ThreadPoolExecutor(settings.at_once_max, thread_name_prefix="carry")

    def recover(self) -> None:
        """Settle what an earlier courier left behind in the middle of a try."""
        for grid, notice, n in self._ledger.interrupted():
            self._ledger.end(notice.id, n, ("crashed", ""), self._now())
            again = notice.severity >= RINGS_AGAIN
            self._log.warning("notice.interrupted", notice=notice.id, again=again)
            if not again:
                channel = self._ledger.tries(notice.id)[-1].channel
                self._done(grid, notice, "unsure", channel, "crashed")

    def step(self, wait_s: float = 0.0) -> int:
        """Take what the store has, and carry what is due; return how many new notices there were.

        Raises:
            StoreUnavailableError: The store is away. What is due was carried all the same.
        """
        try:
            new = self._take(wait_s)
            self._learn()
        finally:
            self._carry()
        return new

    @property
    def busy(self) -> bool:
        """Whether something is being carried."""
        return bool(self._carried)

    def close(self) -> None:
        """Begin nothing new; what is on its way is left to its threads."""
        self._carriers.shutdown(wait=False, cancel_futures=True)

    def _take(self, wait_s: float) -> int:
        if self._seq is None:
            self._seq = self._store.cursor(self._outbox.device)
        found = self._store.outgoing(self._seq, BATCH_MAX, wait_s)
        if not found:
            return 0
        new = 0
        with self._ledger.book.together():
            for one in found:
                if isinstance(one.outcome.value, Notice):
                    new += self._ledger.take(one.outcome.grid, one.outcome.value, self._now())
        self._store.set_cursor(self._outbox.device, found[-1].seq)
        self._seq = found[-1].seq
        return new

    def _learn(self) -> None:
        """Read what is registered, where that was a while ago."""
        now = self._now()
        if self._whole and now - self._known_at < REGISTRY_EVERY_MS:
            return
        since = self._known_at - LATE_MS if self._whole else None
        self._known = registry.read(self._store, self._known, since)
        self._known_at, self._whole = now, True

    def _oldest_s(self) -> float:
        return 0.0 if self._due_since is None else max(0, self._now() - self._due_since) / 1_000

    def _carry(self) -> None:
        self._due_since = self._ledger.due_since(self._now())
        with self._lock:
            room, carried = self._settings.at_once_max - len(self._carried), [*self._carried]
        if room <= 0:
            return
        for grid, notice in self._ledger.due(self._now(), room, carried):
            if not self._knows(grid, notice.recipient):
                self._whole = False
                with suppress(StoreUnavailableError):
                    self._learn()
            incident = self._incident(grid, notice)
            if why := self._void(notice, incident):
                self._done(grid, notice, "void", "", why)
                continue
            with self._lock:
                self._carried.add(notice.id)
            self._carriers.submit(self._carried_out, self._job(grid, notice, incident))

    def _knows(self, grid: str, person: str) -> bool:
        known = self._known
        named = (*known.named_by.get(person, ()), *known.team_of.get(person, ()))
        return person in known.living or any(where == grid for where, _ in named)

    def _incident(self, grid: str, notice: Notice) -> Incident | None:
        """Return the incident of a notice; None where it cannot be read just now."""
        if not notice.incident:
            return None
        try:
            found = self._store.incidents(Filter(grid=grid, id=notice.incident, limit=1))
        except StoreUnavailableError:
            return None  # whom it is about can be said without; that it is said, matters more
        value = found[0].value if found else None
        return value if isinstance(value, Incident) else None

    def _void(self, notice: Notice, incident: Incident | None) -> str:
        """Return why nobody needs to hear of a notice any more; empty where somebody does."""
        step = notice.step.partition(".")[0]
        if incident is not None and incident.state in OVER and step in _ABOUT_WHAT_STANDS:
            return "over"
        age_s = (self._now() - max(notice.at, notice.not_before)) / 1_000
        return "late" if age_s > self._longest_s(notice) else ""

    def _longest_s(self, notice: Notice) -> int:
        """Return for how long a notice is worth telling."""
        grave = notice.severity is Severity.CRITICAL
        return self._settings.late_critical_s_max if grave else self._settings.late_s_max

    def _job(self, grid: str, notice: Notice, incident: Incident | None) -> Job:
        voice = self._voice(grid, "en" if notice.language == "en" else "zh")
        link = self._link_of(notice)
        answering = Answering(link=link, hours=self._settings.link_h)
        push = None
        if self._pusher is not None and self._pusher.reaches(notice.recipient):
            # There the whole of it is a link: the text needs none.
            push = self._push(notice, worded(notice, incident, voice, Answering()), link)
        return Job(
            grid=grid,
            notice=notice,
            text=worded(notice, incident, voice, answering),
            ways=tuple(self._ways(notice.channels, push)),
            tried=self._ledger.tries(notice.id),
        )

    def _ways(self, channels: Sequence[str], push: Push | None) -> Iterator[Way | Push]:
        """Yield the ways to a person: her browsers where the registry has them, else first of all.

        She pressed a button for it, on a device of hers; the others were named by whoever it was.
        """
        places = [n for n, one in enumerate(channels) if one.partition(":")[0] == PUSH]
        if push is not None and not places:
            yield push
        for n, one in enumerate(channels):
            if push is not None and places[:1] == [n]:
                yield push
            elif (way := self._channels.way(one)) is not None:
                yield way

    def _push(self, notice: Notice, text: Text, link: str) -> Push:
        age_s = max(0, self._now() - max(notice.at, notice.not_before)) // 1_000
        return Push(
            person=notice.recipient,
            id=notice.id,
            title=text.title,
            body=text.body,
            link=urlsplit(link).path or "/",
            language=notice.language,
            at=notice.happened_at or notice.at,
            grave=notice.severity >= RINGS_AGAIN,
            keep_s=max(0, self._longest_s(notice) - age_s),
        )

    def _voice(self, grid: str, language: Language) -> Voice:
        kept = self._voices.get((grid, language))
        if kept is not None and kept[0] is self._known:
            return kept[1]
        made = Voice(language, self._known.records(grid))
        self._voices[grid, language] = (self._known, made)
        return made

    def _carried_out(self, job: Job) -> None:
        try:
            state, channel, detail = self._rung(job)
            self._done(job.grid, job.notice, state, channel, detail)
        except Exception as error:  # noqa: BLE001  # a thread's end is seen by nobody
            self._log.error("notice.failed", notice=job.notice.id, error=type(error).__name__)
        finally:
            with self._lock:
                self._carried.discard(job.notice.id)
            self._on_done()

    def _rung(self, job: Job) -> tuple[str, str, str]:
        """Try one channel after the other; return what became of it, on which, and why."""
        began = time.monotonic()
        state, channel, detail = _told_before(job.tried)
        if state == "sent":
            return state, channel, detail
        for way in _untried(job.ways, job.tried):
            left_s = self._settings.notice_s_max - (time.monotonic() - began)
            if left_s <= 0:
                break
            n = self._ledger.begin(job.notice.id, way.channel, self._now())
            rung = self._ring(way, job.text, min(self._settings.try_s_max, left_s))
            self._ledger.end(job.notice.id, n, (rung.result, rung.detail), self._now())
            TRIES.labels(way.channel, rung.result).inc()
            state, channel, detail = "failed", way.channel, rung.detail or rung.result
            if rung.result == "sent":
                due_at = max(job.notice.at, job.notice.not_before)
                TOLD_SECONDS.observe(max(0, self._now() - due_at) / 1_000)
                return "sent", channel, ""
        return state, channel, detail

    def _ring(self, way: Way | Push, text: Text, try_s: float) -> Rung:
        if isinstance(way, Push):
            assert self._pusher is not None, "a push without a pusher"
            return self._pusher.ring(way, try_s=try_s)
        return self._ringer.ring(way, text, try_s=try_s)

    def _done(self, grid: str, notice: Notice, state: str, channel: str, detail: str) -> None:
        """Write down what became of a notice, and let the brain know, both or neither."""
        now = self._now()
        NOTICES.labels(state).inc()
        if state == "failed" or (state == "nowhere" and self._channels.names):
            self._log.warning("notice.undelivered", notice=notice.id, channel=channel, why=detail)
        with self._ledger.book.together():
            self._ledger.done(notice.id, state, channel, detail, now)
            if state == "void" or (state == "nowhere" and not self._channels.names):
                return  # nothing was tried: people look at the portal, or need not be told
            self._stand_for(grid, now)
            said = Delivery(
                at=now,
                notice=notice.id,
                incident=notice.incident,
                recipient=notice.recipient,
                ok=state in ("sent", "unsure"),
                channel=channel,
                tries=len(self._ledger.tries(notice.id)),
                detail=detail,
            )
            self._outbox.sense(grid, said)

    def _stand_for(self, grid: str, now: int) -> None:
        """See to it that the courier is registered in a grid: it speaks as a device there."""
        name = self._outbox.device
        if self._known.record(grid, Device, name) is None and grid not in self._introduced:
            self._introduced.add(grid)
            record = Device(id=name, agent=name, model="courier")
            self._outbox.register(grid, Registered(at=now, record=record))


def _told_before(tried: Sequence[Try]) -> tuple[str, str, str]:
    """Return what tries came to that a crash kept from being concluded; somebody may be told."""
    ended = [one for one in tried if one.result not in ("", "crashed")]
    for one in ended:
        if one.result == "sent":
            return "sent", one.channel, ""
    if not ended:
        return "nowhere", "", "no_channel"
    return "failed", ended[-1].channel, ended[-1].detail or ended[-1].result


def _untried(ways: Sequence[Way | Push], tried: Sequence[Try]) -> Sequence[Way | Push]:
    """Return the ways that are left: each is tried once, one that a crash cut off again."""
    counted = [one.channel for one in tried if one.result != "crashed"]
    left = []
    for way in ways:
        if way.channel in counted:
            counted.remove(way.channel)
        else:
            left.append(way)
    return left
