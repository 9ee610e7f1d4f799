"""Whether what was expected of a scenario came, and what must not have come did not."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from sim.scenarios import Expectation, Scenario
from weinao.outcomes import Hazard, Incident, Phase


class Noticed(Struct, frozen=True):
    """A hazard as it was raised, and when the record that raised it was journalled."""

    hazard: Hazard
    at: int


class Verdict(Struct, frozen=True):
    """One expectation, and whether it held.

    Attributes:
        told: The expectation and what came, in words.
    """

    told: str
    held: bool


def judge(
    scenario: Scenario, noticed: Iterable[Noticed], incidents: Iterable[Incident]
) -> list[Verdict]:
    """Hold a scenario's expectations against what came of it."""
    raised = [one for one in noticed if one.hazard.phase is Phase.RAISED]
    opened = list(incidents)
    found: list[Verdict] = []
    for wanted in scenario.expect:
        count = _count(wanted, raised, opened, scenario.starts_at)
        held = count == wanted.count if wanted.count is not None else count > 0
        found.append(Verdict(f"{_words(wanted)}: {count}", held))
    for wanted in scenario.never:
        count = _count(wanted, raised, opened, scenario.starts_at)
        found.append(Verdict(f"never {_words(wanted)}: {count}", count == 0))
    return found


def _count(
    wanted: Expectation, raised: Sequence[Noticed], opened: Sequence[Incident], start: int
) -> int:
    if wanted.hazard:
        return sum(_fits(wanted, one.hazard, one.at, start) for one in raised)
    return sum(
        _fits(wanted, one, one.noticed_at, start) and wanted.state in ("", one.state)
        for one in opened
    )


def _fits(wanted: Expectation, about: Hazard | Incident, noticed_at: int, start: int) -> bool:
    at_s, noticed_s = (about.at - start) / 1_000, (noticed_at - start) / 1_000
    first, last = wanted.between_s or (float("-inf"), float("inf"))
    return (
        about.kind == (wanted.hazard or wanted.incident)
        and wanted.subject in ("", about.subject, about.household)
        and first <= at_s <= last
        and (wanted.noticed_s is None or noticed_s <= wanted.noticed_s)
    )


def _words(wanted: Expectation) -> str:
    what = f"hazard {wanted.hazard}" if wanted.hazard else f"incident {wanted.incident}"
    about = f" of {wanted.subject}" if wanted.subject else ""
    when = (
        f" between {wanted.between_s[0]:g} and {wanted.between_s[1]:g} s"
        if wanted.between_s
        else ""
    )
    count = f", exactly {wanted.count}" if wanted.count is not None else ""
    return f"{what}{about}{when}{count}"
