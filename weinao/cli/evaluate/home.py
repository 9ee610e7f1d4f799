"""How well the inactivity rule does on recorded homes, with its shipped thresholds.

Each log is streamed through the rule as it is, and learns its own routine on the way; its first
week is left out. No log holds an emergency, so every alarm in it is false, unless the resident is
known by label to have been out. Emergencies are made by silencing the log: from random moments on,
at which somebody is at home and something moved within the hour, nothing moves any more.

No log holds heartbeats either. Hours without an event are taken as quiet hours, gaps of the
recording included, so that the false alarms counted here are at least those of the person.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.brain.identify.inactivity import Inactivity, InactivityState
    from pipeline.brain.perceive.seen import Seen
    from sim.importers.homes import HomeLog

WARM_UP_MS = 7 * 86_400_000
MOMENTS = 1_000
FOUND_MS_MAX = 4 * 3_600_000
GIVEN_UP_MS = 48 * 3_600_000
"""A silence in which no alarm has come by then counts as found after so long."""

_ACTIVE_MS = 3_600_000
_DAY_MS = 86_400_000
_UP_FROM_H, _UP_UNTIL_H = 7, 22


@dataclass(frozen=True)
class Streamed:
    """What one home's log gave: when alarms were raised, and how long each silence took."""

    alarms: tuple[int, ...]
    delays_ms: tuple[int, ...]


def evaluate_home(
    folder: Path, *, seed: int = 0, progress: Callable[[str], None] | None = None
) -> dict[str, dict[str, float]]:
    """Return false alarms a day and the delay of true ones, for every home of a folder.

    Args:
        folder: Holds `<home>_events.csv.gz` and `<home>_activities.csv.gz`.
        seed: Decides the moments at which the homes fall silent.
        progress: Is told the name of each home before it is evaluated.

    Returns:
        By home: `false_per_day`; `median_delay_h`; `found_in_4h`, a share. A home with less than
        a day after its first week is left out.

    Raises:
        FileNotFoundError: The folder holds no home.
    """
    from sim.importers.homes import read_homes

    scores = {}
    for log in read_homes(folder):
        if progress:
            progress(log.home)
        if log.events and log.events[-1].at - log.events[0].at >= WARM_UP_MS + _DAY_MS:
            scores[log.home] = evaluate_log(log, seed)
    return scores


def evaluate_log(log: "HomeLog", seed: int) -> dict[str, float]:
    """Return the scores of one home, under the keys of `evaluate_home`."""
    from pipeline.brain.identify.inactivity import Inactivity

    rule = Inactivity()
    start, end = log.events[0].at + WARM_UP_MS, log.events[-1].at
    # By name and not by `hash`, which differs from run to run.
    moments = _moments(log, start, end, random.Random(f"{seed}:{log.home}"))  # noqa: S311
    streamed = _stream(rule, log, moments)
    false = [at for at in streamed.alarms if start <= at <= end and not _out(log, at)]
    found = sum(delay <= FOUND_MS_MAX for delay in streamed.delays_ms)
    return {
        "false_per_day": len(false) / ((end - start) / _DAY_MS),
        "median_delay_h": median(streamed.delays_ms or [GIVEN_UP_MS]) / 3_600_000,
        "found_in_4h": found / max(len(moments), 1),
    }


def _stream(rule: "Inactivity", log: "HomeLog", moments: Sequence[int]) -> Streamed:
    """Run the log through the rule, leaving it at every moment to see how a silence would end."""
    from pipeline.brain.identify.base import advance
    from weinao.outcomes import Hazard, Phase

    state = rule.initial(log.home, log.home)
    alarms: list[int] = []
    delays: list[int] = []
    waiting = list(reversed(moments))
    for seen in _seen(log):
        while waiting and waiting[-1] < seen.at:
            delays.append(_delay_ms(rule, state, waiting.pop()))
        state, hazards = advance(rule, state, seen)
        raised = (one for one in hazards if isinstance(one, Hazard) and one.phase is Phase.RAISED)
        alarms += [hazard.at for hazard in raised]
    _, hazards = rule.pass_time(state, log.events[-1].at)
    alarms += [hazard.at for hazard in hazards]
    delays += [_delay_ms(rule, state, moment) for moment in reversed(waiting)]
    return Streamed(tuple(alarms), tuple(delays))


def _delay_ms(rule: "Inactivity", state: "InactivityState", moment: int) -> int:
    _, hazards = rule.pass_time(state, moment + GIVEN_UP_MS)
    raised = state.raised or (hazards[0] if hazards else None)
    return max(raised.at - moment, 0) if raised else GIVEN_UP_MS


def _moments(log: "HomeLog", start: int, end: int, rng: random.Random) -> list[int]:
    """Draw moments by day at which somebody is at home and something moved within the hour."""
    from sim.importers.homes import leads_out, observation

    told = [event for event in log.events if observation(event) is not None]
    moved = [event for event in told if event.on or event.kind in ("contact", "pressure")]
    times = [event.at for event in moved]
    moments: list[int] = []
    for _ in range(MOMENTS * 50):
        at = rng.randrange(start, end)
        last = moved[bisect_right(times, at) - 1]
        up = _UP_FROM_H <= datetime.fromtimestamp(at / 1_000, UTC).hour < _UP_UNTIL_H
        if up and at - last.at <= _ACTIVE_MS and not leads_out(last) and not _out(log, at):
            moments.append(at)
        if len(moments) == MOMENTS:
            break
    return sorted(moments)


def _out(log: "HomeLog", at: int) -> bool:
    return any(begun <= at <= ended for begun, ended in log.absences)


def _seen(log: "HomeLog") -> Iterator["Seen"]:
    from pipeline.brain.perceive.seen import Seen
    from sim.importers.homes import observation

    for number, event in enumerate(log.events):
        said = observation(event)
        if said is not None:
            yield Seen(
                id=f"{log.home}:{number}",
                device=event.sensor,
                at=event.at,
                received_at=event.at,
                observation=said,
                subject=log.home,
                household=log.home,
                room=said.room,
                alone=True,
                tz_offset_min=0,  # the importer keeps local times as if they were UTC
            )
