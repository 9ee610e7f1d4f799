"""`weinao explain`: one incident as a story, from what was sensed to how it ended."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from weinao import kept, logging
from weinao.catalogue import Language
from weinao.cli import showing, stores
from weinao.cli.minds import kept_rules, rules_of
from weinao.cli.read import FOLDER, Json
from weinao.limits import Limits
from weinao.messages import Registered
from weinao.outcomes import Hazard, HazardKind, Incident, Kept, Outcome
from weinao.registry import Record
from weinao.story import Case, Story, tell

if TYPE_CHECKING:
    from pipeline.brain.thresholds import Thresholds
    from sinks.store import Store

EVIDENCE_SHOWN_MAX = 40
"""Observations that a story lists: the first and the last of them."""


class NoIncidentError(Exception):
    """The store has no such incident."""


def explain(
    incident: str,
    /,
    *,
    data: Path = FOLDER,
    rules: Path | None = None,
    lang: Language = "zh",
    json: Json = False,
    png: Annotated[Path | None, Parameter(name="--png")] = None,
    evidence: Path | None = None,
    show: Annotated[bool, Parameter(name="--open", negative="")] = False,
) -> None:
    """Tell the story of an incident: what was sensed, what was known, who did what, how it ended.

    Args:
        incident: Its id, as `weinao incidents` shows it.
        data: Folder of the system.
        rules: The file of thresholds it was found by; without it, the one that `data` was last run
            with, or the defaults.
        lang: Language of the story.
        json: Print the story and all it was made of as one JSON object.
        png: Also draw the day around it into this file (needs the extra `report`).
        evidence: Folder of what cameras kept; `evidence` in `data`, if not said.
        show: Also open what a camera kept of it, with whatever this machine shows pictures with.
    """
    from sinks.store import StoreError

    logging.configure(level="warning")
    try:
        store = stores.to_read(data)
        try:
            case = case_of(store, incident, rules_of(rules or kept_rules(data), "explain"))
            case = _pictured(case, evidence or data / kept.FOLDER)
            if png is not None:
                from weinao.cli.canvas import NoPictureError
                from weinao.cli.day import day_of
                from weinao.cli.picture import draw

                try:
                    draw(case, day_of(store, case), lang, png)
                except NoPictureError as error:
                    sys.exit(f"weinao explain: {error}")
        finally:
            store.close()
    except (StoreError, stores.WhereError, NoIncidentError) as error:
        sys.exit(f"weinao explain: {error}")
    story = tell(case, lang)
    if show and case.picture:
        import webbrowser

        webbrowser.open(Path(case.picture).as_uri())
    if json:
        sys.stdout.buffer.write(told(case, story) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _print(story, case)


def _pictured(case: Case, folder: Path) -> Case:
    """Return a case with the place of what a camera kept of it, if that is on this machine."""
    wanted = kept.named(case.incident.facts)
    path = kept.found(folder, wanted) if wanted else None
    return msgspec.structs.replace(case, picture=str(path.resolve())) if path else case


def case_of(store: "Store", incident: str, rules: "Thresholds | None" = None) -> Case:
    """Gather what a store holds about an incident.

    Args:
        store: To ask.
        incident: Its id.
        rules: By which it was found; None for the thresholds we ship.

    Raises:
        NoIncidentError: There is none of that id.
    """
    from pipeline.brain.thresholds import Thresholds
    from sinks.deliveries import deliveries_of
    from sinks.store import Filter

    shipped = Thresholds()
    found = store.incidents(Filter(id=incident))
    if not found or not isinstance(found[0].value, Incident):
        raise NoIncidentError(f"no incident {incident}; `weinao incidents` lists those there are")
    about = found[0].value
    mine = Filter(grid=about.grid, incident=incident)
    hazards = _hazards(store, about)
    named = _named(about, hazards)
    shown = [*named] if len(named) <= EVIDENCE_SHOWN_MAX else _ends(named)
    evidence = [
        one.value
        for wanted in shown
        for one in store.observations(Filter(grid=about.grid, id=wanted, limit=1))
        if isinstance(one.value, Kept)
    ]
    return Case(
        incident=about,
        hazards=tuple(hazards),
        tasks=_in_order(store.tasks(mine)),
        notices=_in_order(store.notices(mine)),
        commands=_in_order(store.commands(mine)),
        deliveries=deliveries_of(store, about.grid, incident),
        evidence=tuple(sorted(evidence, key=lambda kept: (kept.at, kept.id))),
        unlisted=len(named) - len(shown),
        gone=len(shown) - len(evidence),
        beats=_beats(store, about),
        records=_records(store, about),
        limits=Limits((rules or shipped).values(), shipped.values()),
    )


def told(case: Case, story: Story) -> bytes:
    """Return the story and all that it was made of, as one JSON object with sorted keys."""
    members: dict[str, Any] = {
        "incident": case.incident,
        "story": story,
        "evidence": case.evidence,
        "hazards": [one.value for one in case.hazards],
        "tasks": [one.value for one in case.tasks],
        "notices": [one.value for one in case.notices],
        "commands": [one.value for one in case.commands],
        "deliveries": case.deliveries,
    }
    return msgspec.json.encode(members, order="sorted")


def _hazards(store: "Store", about: Incident) -> list[Outcome]:
    from sinks.store import Filter

    found = [
        one for hazard in about.hazards for one in store.hazards(Filter(grid=about.grid, id=hazard))
    ]
    return sorted(found, key=lambda one: one.position)


def _named(about: Incident, hazards: Iterable[Outcome]) -> tuple[str, ...]:
    """Return the ids of all observations that are named as evidence, each once."""
    further = (
        one for found in hazards if isinstance(found.value, Hazard) for one in found.value.evidence
    )
    return tuple(dict.fromkeys((*about.evidence, *further)))


def _ends(named: Sequence[str]) -> list[str]:
    half = EVIDENCE_SHOWN_MAX // 2
    return [*named[:half], *named[-half:]]


def _beats(store: "Store", about: Incident) -> tuple[Kept, ...]:
    """Return the last sign of life before an agent fell silent, and the first after."""
    from sinks.store import Filter

    if about.kind is not HazardKind.AGENT_SILENT:
        return ()
    mine = Filter(grid=about.grid, device=about.subject, kind="status", limit=1)
    before = msgspec.structs.replace(mine, until=about.at, newest=True)
    after = msgspec.structs.replace(mine, since=about.at)
    found = [*store.observations(before), *store.observations(after)]
    return tuple(one.value for one in found if isinstance(one.value, Kept))


def _records(store: "Store", about: Incident) -> tuple[Record, ...]:
    """Return what was registered of a grid when an incident was noticed, each as it stood."""
    from sinks.store import Filter, every

    known: dict[tuple[str, str], tuple[tuple[int, int], Record]] = {}
    for one in every(store, "observations", Filter(grid=about.grid, kind="registered")):
        said = one.value.observation if isinstance(one.value, Kept) else None
        if not isinstance(said, Registered) or one.received_at > about.noticed_at:
            continue
        key = (str(said.record.__struct_config__.tag), said.record.id)
        if key not in known or known[key][0] < one.position:
            known[key] = (one.position, said.record)
    return tuple(record for _, record in known.values())


def _in_order(found: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(sorted(found, key=lambda one: one.position))


def _print(story: Story, case: Case) -> None:
    from rich.text import Text

    from weinao.cli.tables import STYLES

    # A file or a pipe has no width; wide enough that no sentence is cut.
    console = showing.console(400)
    console.print(Text(_plain(story.title), STYLES[case.incident.severity]))
    console.print(Text(story.incident, "dim"))
    for chapter in story.chapters:
        console.print()
        console.print(Text(chapter.heading, "bold"))
        for line in chapter.lines:
            clock = f"  {line.clock}  " if line.clock else "  "
            console.print(Text(clock, "dim"), Text(_plain(line.text)), sep="")


def _plain(text: str) -> str:
    """Return text that partly came from outside, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)
