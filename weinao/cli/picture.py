"""The day around an incident as a picture: lanes of rooms, doors, vital signs, danger, handling."""

import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from weinao.catalogue import Language
from weinao.messages import Home, Motion, Sensor, Vitals
from weinao.outcomes import Hazard, Kept, Phase
from weinao.registry import Record, Resident, Staff
from weinao.story import Case, about
from weinao.timeline import Moment, timeline
from weinao.voice import Voice, device_of

if TYPE_CHECKING:
    from sinks.store import Store

AROUND_MS = 12 * 3_600_000
"""How much is drawn at most before an incident began, and after its last step."""

MARGIN_MS = 5_000
"""How much is drawn around what was done, at least."""

SEEN_MAX = 20_000
"""Observations that one picture is made of."""

STEPS_MAX = 24
"""What was done is drawn so far; the story tells all of it."""

Signs = dict[str, list[tuple[int, float]]]
"""Curves by their label: instants in milliseconds UTC, and values."""

_CHINESE = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei",
            "WenQuanYi Zen Hei", "SimHei", "Microsoft YaHei", "PingFang SC")  # fmt: skip
_CONTACTS = (Sensor.DOOR, Sensor.WINDOW, Sensor.BED, Sensor.CHAIR, Sensor.MEDICINE)
_ALARMS = (Sensor.SMOKE, Sensor.GAS, Sensor.CO, Sensor.LEAK, Sensor.SOS)
_COLOURS = {"raised": "tab:red", "confirmed": "darkred", "cleared": "tab:green",
            "withdrawn": "tab:green", "missed": "tab:orange"}  # fmt: skip


class NoPictureError(Exception):
    """The picture cannot be drawn here; the message says what is missing."""


class Lane(Struct, frozen=True):
    """What belongs in one row: a room, the door, a danger. `at` in milliseconds UTC."""

    name: str
    at: tuple[int, ...]
    colour: str


def day_of(store: "Store", case: Case) -> list[Kept]:
    """Read what was observed of the person or home around an incident, by time."""
    from sinks.store import Filter, every

    incident = case.incident
    last = max([incident.at, incident.noticed_at, *(step.at for step in incident.steps)])
    around = Filter(
        grid=incident.grid,
        since=incident.at - AROUND_MS,
        until=min(last, incident.at + AROUND_MS) + AROUND_MS,
        limit=1_000,
    )
    home = incident.household
    where = {"household": home} if home else {"device": incident.subject}
    people = {one.id for one in case.records if isinstance(one, Resident)} - {incident.subject}
    # What is about one person is drawn without what others of the home wear.
    others = people if incident.subject not in (home, "") else set[str]()
    read = every(store, "observations", replace(around, **where))
    found = (one.value for one in islice(read, SEEN_MAX) if isinstance(one.value, Kept))
    return [kept for kept in found if kept.subject not in others]


def lanes(seen: Sequence[Kept], voice: Voice) -> list[Lane]:
    """Return the rows of a picture, from the bottom up: rooms, contacts, what wearables felt."""
    found: dict[str, list[int]] = {}
    colours: dict[str, str] = {}
    for kept in seen:
        name, colour = _lane_of(kept, voice)
        if name:
            found.setdefault(name, []).append(kept.at)
            colours.setdefault(name, colour)
    order = ("tab:blue", "tab:brown", "tab:red")
    rows = [Lane(name, tuple(at), colours[name]) for name, at in found.items()]
    return sorted(rows, key=lambda row: (order.index(row.colour), row.name))


def draw(case: Case, seen: Sequence[Kept], language: Language, path: Path) -> None:
    """Draw the day around an incident into a PNG file.

    Raises:
        NoPictureError: Matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NoPictureError(
            "--png needs matplotlib: install weinao with its extra `report`,"
            " as in pip install 'weinao[report]'"
        ) from error
    font = _chinese_font() if language == "zh" else None
    # Better the other language, and ids for names, than a row of empty boxes.
    voice = Voice("zh", case.records) if font else Voice("en", map(_nameless, case.records))
    # What people wrote may hold letters that no font here has; they are drawn as boxes.
    with (
        warnings.catch_warnings(),
        rc_context({"font.family": [font, "DejaVu Sans"] if font else ["DejaVu Sans"]}),
    ):
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure = Figure(figsize=(12, 7), layout="constrained")
        _draw(figure, case, seen, voice)
        try:
            figure.savefig(path, dpi=120, format="png")
        except OSError as error:
            raise NoPictureError(f"{path} cannot be written: {error}") from error


def day_span(case: Case, seen: Sequence[Kept]) -> tuple[int, int]:
    """Return from when to when to draw the day: all that was observed, and what happened."""
    first, last = handled_span(case)
    return min([first, *(kept.at for kept in seen)]), max([last, *(kept.at for kept in seen)])


def handled_span(case: Case) -> tuple[int, int]:
    """Return from when to when to draw what was done: from the danger on, with a margin."""
    incident = case.incident
    happened = [incident.at, incident.noticed_at, *(step.at for step in incident.steps)]
    happened += [one.received_at for one in case.hazards]
    margin = max(MARGIN_MS, (max(happened) - min(happened)) // 20)
    return min(happened) - margin, max(happened) + margin


def _lane_of(kept: Kept, voice: Voice) -> tuple[str, str]:
    said = kept.observation
    if isinstance(said, Motion):
        return f"{kept.device}: {voice.words.say('observation', 'motion')}", "tab:red"
    if not isinstance(said, Home):
        return "", ""
    device = device_of(voice.records, kept.device)
    room = voice.room(said.room or (device.room if device else ""))
    if said.sensor is Sensor.PIR and said.value:
        return room, "tab:blue"
    if said.sensor in _CONTACTS:
        return f"{voice.say('sensor', said.sensor)}, {room}", "tab:brown"
    if said.sensor in _ALARMS and said.value:
        return f"{voice.say('sensor', said.sensor)}, {room}", "tab:red"
    return "", ""


def _draw(figure: Any, case: Case, seen: Sequence[Kept], voice: Voice) -> None:  # noqa: ANN401  # matplotlib is optional
    rows, signs = lanes(seen, voice), _signs(seen, voice)
    drawn = [name for name, there in (("lanes", rows or not signs), ("signs", signs)) if there]
    heights = [*(3 if name == "lanes" else 2 for name in drawn), 3]
    axes = [*figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]]
    figure.suptitle(_title(case, voice))
    for name, axis in zip(drawn, axes, strict=False):
        if name == "lanes":
            _draw_lanes(axis, rows, voice)
        else:
            _draw_signs(axis, signs, voice)
        _frame(axis, case, day_span(case, seen), voice)
    _draw_handling(axes[-1], timeline(case, voice), voice)
    _frame(axes[-1], case, handled_span(case), voice)
    axes[-1].set_xlabel(voice.say("picture", "time"))


def _title(case: Case, voice: Voice) -> str:
    incident = case.incident
    day = voice.local(incident.at).strftime("%Y-%m-%d")
    kind = voice.words.word(incident.kind)
    return voice.say("picture", "title", kind=kind, about=about(incident, voice), day=day)


def _frame(axis: Any, case: Case, span: tuple[int, int], voice: Voice) -> None:  # noqa: ANN401  # as above
    """Set from when to when an axis goes, and shade the danger in it."""
    over = [
        one.received_at
        for one in case.hazards
        if isinstance(one.value, Hazard) and one.value.phase in (Phase.CLEARED, Phase.WITHDRAWN)
    ]
    until = max([case.incident.at, *over]) if over else span[1]
    axis.axvspan(voice.local(case.incident.at), voice.local(until), color="red", alpha=0.07)
    axis.axvline(voice.local(case.incident.at), color="red", linewidth=0.8)
    axis.set_xlim(voice.local(span[0]), voice.local(span[1]))
    axis.grid(visible=True, axis="x", alpha=0.3)
    axis.xaxis.set_major_formatter(_clock(span[1] - span[0]))


def _draw_lanes(axis: Any, rows: Sequence[Lane], voice: Voice) -> None:  # noqa: ANN401  # as above
    if not rows:
        text = voice.say("picture", "no_lanes")
        axis.text(0.5, 0.5, text, ha="center", va="center", transform=axis.transAxes)
    for height, row in enumerate(rows):
        times = [voice.local(at) for at in row.at]
        axis.plot(times, [height] * len(times), "|", color=row.colour, markersize=14)
    axis.set_yticks(range(len(rows)), [row.name for row in rows])
    axis.set_ylim(-0.7, max(1, len(rows)) - 0.3)


def _draw_signs(axis: Any, signs: Signs, voice: Voice) -> None:  # noqa: ANN401  # as above
    for name, values in signs.items():
        times = [voice.local(at) for at, _ in values]
        shown = [value for _, value in values]
        axis.plot(times, shown, ".-", label=name, linewidth=0.8)
    axis.legend(loc="center left", fontsize="small")


def _draw_handling(axis: Any, moments: Sequence[Moment], voice: Voice) -> None:  # noqa: ANN401  # as above
    shown = [*reversed(moments[:STEPS_MAX])]
    for height, one in enumerate(shown):
        axis.plot([voice.local(one.at)], [height], "o", color=_COLOURS.get(one.mark, "tab:blue"))
    labels = [_cut(f"{voice.clock(one.at)} {one.text}") for one in shown]
    axis.set_yticks(range(len(shown)), labels, fontsize="x-small")
    axis.set_ylim(-0.7, len(shown) - 0.3)


def _signs(seen: Iterable[Kept], voice: Voice) -> Signs:
    """Return the curves of vital signs by their label; each person has their own."""
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for kept in seen:
        said = kept.observation
        if isinstance(said, Vitals):
            for name, value in (("pulse", said.hr_bpm), ("oxygen", said.spo2_pct)):
                if value is not None:
                    found.setdefault((kept.subject, name), []).append((kept.at, value))
    several = len({subject for subject, _ in found}) > 1
    return {
        voice.say("picture", name) + (f" · {voice.who(subject)}" if several else ""): values
        for (subject, name), values in found.items()
    }


def _clock(length_ms: int) -> Any:  # noqa: ANN401  # as above
    from matplotlib.dates import DateFormatter

    return DateFormatter(  # type: ignore[no-untyped-call]  # it ships no types for this
        "%H:%M:%S" if length_ms < AROUND_MS // 12 else "%H:%M"
    )


def _chinese_font() -> str | None:
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return next((name for name in _CHINESE if name in there), None)


def _nameless(record: Record) -> Record:
    if isinstance(record, Resident):
        contacts = tuple(replace(one, name="") for one in record.contacts)
        return replace(record, name="", contacts=contacts)
    return replace(record, name="") if isinstance(record, Staff) else record


def _cut(text: str) -> str:
    return text if len(text) <= _CHARS_MAX else text[: _CHARS_MAX - 1] + "…"


_CHARS_MAX = 64
