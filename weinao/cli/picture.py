"""The day around an incident as a picture: what it is about as curves, lanes of rooms, handling.

panels     what was measured, with the bounds that count, and the evidence marked
lanes      rooms, doors, gates, signs of life: what was noticed, and when
handling   step by step, from when the system knew
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from weinao.catalogue import Language
from weinao.cli.bounds import METER, Bound, bounds_of
from weinao.cli.canvas import canvas
from weinao.cli.curves import CONTEXT, Curve, Panel, panels, wanted
from weinao.cli.day import (
    AROUND_MS,
    DAY_MS,
    HISTORY_MS,
    Day,
    day_span,
    handled_span,
    noticed_late,
    over_at,
)
from weinao.cli.lanes import Lane, lanes
from weinao.story import Case, about
from weinao.timeline import BRAIN, Moment, timeline
from weinao.voice import Voice

STEPS_MAX = 24
"""What was done is drawn so far; the story tells all of it."""

_TICKS_MAX = 9
_CHARS_MAX = 90
_GAP_MS_MIN, _GAPS_MAX = 1_800_000, 5
_PANEL_IN, _LANE_IN, _STEP_IN, _AROUND_IN, _WIDE_IN = 1.55, 0.3, 0.24, 2.0, 12.0
_COLOURS = {"raised": "tab:red", "confirmed": "darkred", "cleared": "tab:green",
            "withdrawn": "tab:green", "missed": "tab:orange"}  # fmt: skip
_BOUND_COLOUR = "tab:purple"


def draw(case: Case, day: Day, language: Language, path: Path) -> None:
    """Draw the day around an incident into a PNG file.

    Raises:
        NoPictureError: Matplotlib is not installed, or the file cannot be written.
    """
    with canvas(path, language, case.records) as (figure, voice):
        _draw(figure, case, day, voice)


def _draw(figure: Any, case: Case, day: Day, voice: Voice) -> None:  # noqa: ANN401  # matplotlib is optional
    asked = wanted(case)
    curves = panels(case, day.history or day.seen, voice, asked)
    if not asked and case.incident.household:
        curves = panels(case, day.seen, voice, CONTEXT)
    rows = lanes(case, day.seen, voice)
    moments = timeline(case, voice)[:STEPS_MAX]
    heights = [_PANEL_IN] * len(curves)
    heights += [max(1.0, _LANE_IN * (len(rows) + 1))] if rows or not curves else []
    heights.append(max(1.2, _STEP_IN * (len(moments) + 1)))
    figure.set_size_inches(_WIDE_IN, sum(heights) + _AROUND_IN + 0.25 * len(heights))
    axes = [*figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]]
    figure.suptitle(_title(case, voice))
    bounds = bounds_of(case)
    for panel, axis in zip(curves, axes, strict=False):
        _draw_panel(axis, panel, _of_panel(bounds, panel, asked), voice)
        _frame(
            axis, case, day_span(case, (*(day.history or day.seen), *case.evidence), moments), voice
        )
    if len(heights) > len(curves) + 1:
        _draw_lanes(axes[len(curves)], rows, voice)
        _frame(axes[len(curves)], case, day_span(case, day.seen, moments), voice)
    _frame(axes[-1], case, handled_span(case, moments), voice)
    _draw_handling(axes[-1], moments, voice)
    axes[-1].set_xlabel(voice.say("picture", "time"))
    _legend(figure, moments, voice)


def _title(case: Case, voice: Voice) -> str:
    incident = case.incident
    day = voice.local(incident.at).strftime("%Y-%m-%d %H:%M")
    kind = voice.words.word(incident.kind)
    title = voice.say("picture", "title", kind=kind, about=about(incident, voice), day=day)
    late = incident.noticed_at - incident.at
    if not noticed_late(case):
        return title
    return f"{title}\n{voice.say('picture', 'late', delay=voice.span(late))}"


def _of_panel(bounds: Sequence[Bound], panel: Panel, asked: Sequence[str]) -> list[Bound]:
    return [
        bound
        for bound in bounds
        if panel.name in asked
        and (bound.panel == panel.name or (bound.panel == METER and panel.name == asked[0]))
    ]


def _frame(axis: Any, case: Case, span: tuple[int, int], voice: Voice) -> None:  # noqa: ANN401  # as above
    """Set from when to when an axis goes, shade the danger in it, and mark what was done."""
    over = over_at(case)
    until = max(case.incident.at, span[1] if over is None else over)
    axis.axvspan(voice.local(case.incident.at), voice.local(until), color="red", alpha=0.07)
    axis.axvline(voice.local(case.incident.at), color="red", linewidth=0.9)
    axis.axvline(voice.local(case.incident.noticed_at), color="red", linewidth=0.9, linestyle=":")
    for step in case.incident.steps:
        if step.actor != BRAIN:
            axis.axvline(voice.local(step.at), color="tab:blue", linewidth=0.5, alpha=0.5)
    axis.set_xlim(voice.local(span[0]), voice.local(span[1]))
    axis.grid(visible=True, axis="x", alpha=0.3)
    _date(axis, span)


def _date(axis: Any, span: tuple[int, int]) -> None:  # noqa: ANN401  # as above
    """Write days where a span is longer than one, seconds where it is shorter than an hour."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    length = span[1] - span[0]
    written = "%m-%d %H:%M" if length > DAY_MS else "%H:%M"
    if length > HISTORY_MS // 2:
        written = "%m-%d"
    elif length < AROUND_MS // 12:
        written = "%H:%M:%S"
    axis.xaxis.set_major_locator(AutoDateLocator(maxticks=_TICKS_MAX))  # type: ignore[no-untyped-call]  # it ships no types for these
    axis.xaxis.set_major_formatter(DateFormatter(written))  # type: ignore[no-untyped-call]


def _draw_panel(axis: Any, panel: Panel, bounds: Sequence[Bound], voice: Voice) -> None:  # noqa: ANN401  # as above
    for curve in panel.curves:
        times, values = _unbroken(curve, voice)
        style = "steps-post" if curve.stepped else "default"
        axis.plot(times, values, ".-", label=curve.label, linewidth=0.8, drawstyle=style)
    if panel.evidence:
        times = [voice.local(one.at) for one in panel.evidence]
        values = [one.value for one in panel.evidence]
        axis.plot(times, values, "o", color="red", fillstyle="none", markersize=9,
                  label=voice.say("picture", "evidence"))  # fmt: skip
    for bound in bounds:
        axis.axhline(bound.value, color=_BOUND_COLOUR, linestyle="--", linewidth=0.9)
        text = _bound(bound, voice)
        axis.annotate(text, (1.0, bound.value), xycoords=("axes fraction", "data"), xytext=(4, 0),
                      textcoords="offset points", va="center", fontsize="x-small",
                      color=_BOUND_COLOUR)  # fmt: skip
    axis.set_title(panel.title, loc="left", fontsize="small")
    axis.margins(y=0.15)
    axis.grid(visible=True, axis="y", alpha=0.2)
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=6, fontsize="x-small",
                frameon=False)  # fmt: skip


def _bound(bound: Bound, voice: Voice) -> str:
    value = f"{bound.value:g}"
    if bound.source == "rule" and voice.knows("limb_line", bound.limb):
        return voice.say("limb_line", bound.limb, value=value)
    return voice.say("picture", f"limit_{bound.source}", value=value)


def _unbroken(curve: Curve, voice: Voice) -> tuple[list[Any], list[float]]:
    """Return what to draw of a curve, with a hole where nothing was measured for long."""
    gaps = [later.at - one.at for one, later in pairwise(curve.readings)]
    longest = max(_GAP_MS_MIN, _GAPS_MAX * median(gaps)) if gaps else 0
    times: list[Any] = []
    values: list[float] = []
    for index, one in enumerate(curve.readings):
        if index and one.at - curve.readings[index - 1].at > longest and not curve.stepped:
            times.append(voice.local(curve.readings[index - 1].at + 1))
            values.append(float("nan"))
        times.append(voice.local(one.at))
        values.append(one.value)
    return times, values


def _draw_lanes(axis: Any, rows: Sequence[Lane], voice: Voice) -> None:  # noqa: ANN401  # as above
    if not rows:
        text = voice.say("picture", "no_lanes")
        axis.text(0.5, 0.5, text, ha="center", va="center", transform=axis.transAxes)
    for height, row in enumerate(rows):
        times = [voice.local(at) for at in row.at]
        axis.plot(times, [height] * len(times), "|", color=row.colour, markersize=12)
    axis.set_yticks(range(len(rows)), [row.name for row in rows], fontsize="small")
    axis.set_ylim(-0.7, max(1, len(rows)) - 0.3)


def _draw_handling(axis: Any, moments: Sequence[Moment], voice: Voice) -> None:  # noqa: ANN401  # as above
    """Draw a row for each step: its time at the side, and what it was beside its dot."""
    from matplotlib.dates import date2num

    shown = [*reversed(moments)]
    left, right = axis.get_xlim()
    for height, one in enumerate(shown):
        at = voice.local(one.at)
        axis.plot([at], [height], "o", color=_COLOURS.get(one.mark, "tab:blue"))
        early = date2num(at) < (left + right) / 2  # type: ignore[no-untyped-call]  # as below
        axis.annotate(_cut(one.text), (at, height), xytext=(8 if early else -8, 0),
                      textcoords="offset points", va="center", ha="left" if early else "right",
                      fontsize="x-small")  # fmt: skip
    days = {voice.local(one.at).date() for one in shown}
    first = shown[-1].at if len(days) == 1 else 0
    axis.set_yticks(
        range(len(shown)), [voice.clock(one.at, first) for one in shown], fontsize="x-small"
    )
    axis.set_ylim(-0.7, max(1, len(shown)) - 0.3)


def _legend(figure: Any, moments: Sequence[Moment], voice: Voice) -> None:  # noqa: ANN401  # as above
    """Say once, below everything, what lines, shades and dots mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks = {one.mark for one in moments}
    dots = [
        ("raised", "tab:red", marks & {"raised", "confirmed"}),
        ("over", "tab:green", marks & {"cleared", "withdrawn"}),
        ("missed", "tab:orange", marks & {"missed"}),
        ("step", "tab:blue", marks - {*_COLOURS}),
    ]
    handles: list[Any] = [
        Line2D([], [], color="red", label=voice.say("picture", "began")),
        Line2D([], [], color="red", linestyle=":", label=voice.say("picture", "noticed")),
        Patch(color="red", alpha=0.12, label=voice.say("picture", "lasts")),
        Line2D([], [], color="tab:blue", linewidth=0.6, label=voice.say("picture", "answered")),
        *(
            Line2D([], [], color=colour, marker="o", linestyle="",
                   label=voice.say("picture", f"dot_{name}"))
            for name, colour, there in dots if there
        ),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles),
                  fontsize="x-small", frameon=False)  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= _CHARS_MAX else text[: _CHARS_MAX - 1] + "…"
