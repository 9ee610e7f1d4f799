"""How incidents were handled, as one picture: how many, how soon, how well."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from weinao.catalogue import Language
from weinao.cli.canvas import canvas
from weinao.handling import ALL, Handled
from weinao.voice import Voice

ROWS_MAX = 60
"""More are not drawn; then only the grids are, each as a whole."""

_ROW_IN, _AROUND_IN, _WIDE_IN = 0.32, 2.2, 15.0
_TICKS_S = (1, 10, 60, 600, 3_600, 36_000)
_GOOD, _BAD, _SOME = "tab:blue", "tab:red", "tab:orange"


def draw(found: Sequence[Handled], language: Language, path: Path) -> None:
    """Draw figures into a PNG file.

    Raises:
        NoPictureError: Matplotlib is not installed, or the file cannot be written.
    """
    rows = drawn(found)
    with canvas(path, language) as (figure, voice):
        figure.set_size_inches(_WIDE_IN, _AROUND_IN + _ROW_IN * len(rows))
        counts, delays, shares, liked = figure.subplots(
            1, 4, sharey=True, width_ratios=(3, 3, 3, 2)
        )  # fmt: skip
        figure.suptitle(voice.words.say("stats", "title"))
        _draw_counts(counts, rows, voice)
        _draw_delays(delays, rows, voice)
        _draw_shares(shares, rows, voice)
        _draw_liked(liked, rows, voice)


def drawn(found: Sequence[Handled]) -> list[Handled]:
    """Return the rows of the picture: all, or where they are too many, those of whole grids."""
    if len(found) <= ROWS_MAX:
        return [*found]
    return [one for one in found if ALL in (one.service, one.grid)][-ROWS_MAX:]


def _draw_counts(axis: Any, rows: Sequence[Handled], voice: Voice) -> None:  # noqa: ANN401  # matplotlib is optional
    over = [one.count - one.open - one.false_alarms for one in rows]
    false = [one.false_alarms for one in rows]
    places = range(len(rows))
    axis.barh(places, over, color=_GOOD, label=voice.words.say("stats", "handled"))
    axis.barh(places, false, left=over, color=_SOME, label=voice.words.say("stats", "false_alarms"))
    axis.barh(places, [one.open for one in rows], color=_BAD,
              left=[a + b for a, b in zip(over, false, strict=True)],
              label=voice.words.say("stats", "open"))  # fmt: skip
    axis.set_yticks(places, [_name(one, voice) for one in rows])
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_xlabel(voice.words.say("stats", "count"))
    axis.legend(fontsize="x-small")
    axis.grid(visible=True, axis="x", alpha=0.3)


def _draw_delays(axis: Any, rows: Sequence[Handled], voice: Voice) -> None:  # noqa: ANN401  # as above
    for height, one in enumerate(rows):
        if one.acknowledge_s_p50 is None or one.acknowledge_s_p90 is None:
            continue
        half, most = (max(value, 1.0) for value in (one.acknowledge_s_p50, one.acknowledge_s_p90))
        axis.plot([half, most], [height] * 2, color=_GOOD, linewidth=2, alpha=0.6)
        axis.plot([half], [height], "o", color=_GOOD)
        axis.plot([most], [height], ">", color=_GOOD)
    axis.set_xscale("log")
    axis.set_xlim(0.8, 1.5 * _TICKS_S[-1])
    axis.set_xticks(_TICKS_S, [voice.span(at * 1_000) for at in _TICKS_S])
    axis.minorticks_off()
    axis.set_xlabel(voice.words.say("stats", "acknowledge"))
    axis.grid(visible=True, alpha=0.3)


def _draw_shares(axis: Any, rows: Sequence[Handled], voice: Voice) -> None:  # noqa: ANN401  # as above
    for height, one in enumerate(rows):
        for offset, value, colour in (
            (-0.2, one.within_deadline_share, _GOOD), (0.2, one.false_alarm_share, _SOME),
        ):  # fmt: skip
            axis.barh(height + offset, value or 0.0, 0.36, color=colour)
    axis.set_xlim(0, 1.02)
    axis.set_xticks((0, 0.5, 1.0), ("0 %", "50 %", "100 %"))
    axis.set_xlabel(voice.words.say("stats", "shares"))
    axis.grid(visible=True, axis="x", alpha=0.3)


def _draw_liked(axis: Any, rows: Sequence[Handled], voice: Voice) -> None:  # noqa: ANN401  # as above
    for height, one in enumerate(rows):
        if one.satisfaction is not None:
            axis.plot([one.satisfaction], [height], "D", color=_GOOD)
            axis.text(5.15, height, str(one.rated), va="center", fontsize="x-small")
    axis.set_xlim(0.8, 5.6)
    axis.set_xticks((1, 2, 3, 4, 5))
    axis.set_xlabel(voice.words.say("stats", "satisfaction"))
    axis.grid(visible=True, axis="x", alpha=0.3)


def _name(one: Handled, voice: Voice) -> str:
    every = voice.words.say("stats", "all")
    grid = every if one.grid == ALL else one.grid
    return f"{grid} · {every if one.service == ALL else voice.words.say('service', one.service)}"
