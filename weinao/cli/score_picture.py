"""The score as one picture: how much was found, kind by kind, and how soon, against the bounds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.score import KindScore, Score
from weinao.catalogue import Language
from weinao.cli.canvas import canvas
from weinao.voice import Voice

_FOUND, _TRUE, _LATE, _BOUND = "tab:blue", "tab:cyan", "tab:red", "tab:purple"
_DELAY_S_MIN = 0.1
"""Shorter delays are drawn as this long: a logarithm has no nought."""

_TICKS_S = (0.1, 1, 10, 60, 600, 3_600, 36_000)
_BAR = 0.38
_ROW_IN, _AROUND_IN, _WIDE_IN = 0.34, 2.1, 13.0

Rows = Sequence[tuple[str, KindScore]]


def draw_score(found: Score, language: Language, path: Path) -> None:
    """Draw a score into a PNG file.

    Raises:
        NoPictureError: Matplotlib is not installed, or the file cannot be written.
    """
    rows = in_order(found)
    with canvas(path, language) as (figure, voice):
        figure.set_size_inches(_WIDE_IN, _AROUND_IN + _ROW_IN * len(rows))
        shares, delays = figure.subplots(1, 2, sharey=True, width_ratios=(2, 3))
        figure.suptitle(_title(found, voice), fontsize="medium")
        _draw_shares(shares, rows, voice)
        _draw_delays(delays, rows, voice)
        _legend(figure, voice)


def in_order(found: Score) -> list[tuple[str, KindScore]]:
    """Return the kinds, those that must be noticed soonest first."""
    return sorted(
        found.by_kind.items(), key=lambda row: (row[1].delay_s_max_allowed or float("inf"), row[0])
    )


def too_late(one: KindScore) -> bool:
    """Say whether even one in twenty took longer than the truth allows."""
    bound, last = one.delay_s_max_allowed, one.delay_s_p95
    return bound is not None and last is not None and last > bound


def _title(found: Score, voice: Voice) -> str:
    figures: dict[str, str | int] = {
        "recall": share(found.acute_recall),
        "precision": share(found.acute_precision),
        "false": f"{found.false_acute_per_home_day:g}",
        "lost": found.lost,
        "twice": found.duplicated,
        "answered": share(found.within_deadline_share),
    }
    return voice.say("score", "title") + "\n" + voice.say("score", "figures", **figures)


def share(value: float | None) -> str:
    """Return a share as people write it."""
    return "–" if value is None else f"{value:.1%}".replace(".0%", "%")


def _draw_shares(axis: Any, rows: Rows, voice: Voice) -> None:  # noqa: ANN401  # matplotlib is optional
    for height, (_, one) in enumerate(rows):
        axis.barh(height - _BAR / 2, one.recall or 0.0, _BAR, color=_FOUND)
        axis.barh(height + _BAR / 2, one.precision or 0.0, _BAR, color=_TRUE)
        counted = voice.say(
            "score", "counted", found=one.found, expected=one.expected, false=one.false
        )
        axis.text(1.01, height, counted, va="center", fontsize="x-small",
                  color=_LATE if one.false or one.found < one.expected else "black")  # fmt: skip
    axis.axvline(1.0, color=_BOUND, linestyle="--", linewidth=0.9)
    axis.set_xlim(0, 1.3)
    axis.set_xticks((0, 0.25, 0.5, 0.75, 1.0), ("0 %", "25 %", "50 %", "75 %", "100 %"))
    axis.set_yticks(range(len(rows)), [voice.words.say("hazard", kind) for kind, _ in rows])
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.grid(visible=True, axis="x", alpha=0.3)
    axis.set_xlabel(voice.say("score", "shares"))


def _draw_delays(axis: Any, rows: Rows, voice: Voice) -> None:  # noqa: ANN401  # as above
    for height, (_, one) in enumerate(rows):
        if one.delay_s_max_allowed is not None:
            axis.plot([one.delay_s_max_allowed] * 2, [height - 0.35, height + 0.35], color=_BOUND,
                      linewidth=2)  # fmt: skip
        if one.delay_s_p50 is None or one.delay_s_p95 is None:
            continue
        half, last = max(one.delay_s_p50, _DELAY_S_MIN), max(one.delay_s_p95, _DELAY_S_MIN)
        colour = _LATE if too_late(one) else _FOUND
        axis.plot([half, last], [height] * 2, color=colour, linewidth=2, alpha=0.6)
        axis.plot([half], [height], "o", color=colour)
        axis.plot([last], [height], ">", color=colour)
    axis.set_xscale("log")
    axis.set_xlim(_DELAY_S_MIN / 2, 2.5 * _TICKS_S[-1])
    axis.set_xticks(_TICKS_S, [voice.span(round(at * 1_000)) for at in _TICKS_S])
    axis.minorticks_off()
    axis.grid(visible=True, axis="both", alpha=0.3)
    axis.set_xlabel(voice.say("score", "delays"))


def _legend(figure: Any, voice: Voice) -> None:  # noqa: ANN401  # as above
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks = (
        ("p50", "o", _FOUND), ("p95", ">", _FOUND), ("bound", "|", _BOUND), ("late", "o", _LATE),
    )  # fmt: skip
    dots = [
        Line2D([], [], marker=marker, color=colour, linestyle="", markersize=8,
               markeredgewidth=2 if marker == "|" else 1, label=voice.say("score", name))
        for name, marker, colour in marks
    ]  # fmt: skip
    bars = [
        Patch(color=_FOUND, label=voice.say("score", "recall")),
        Patch(color=_TRUE, label=voice.say("score", "precision")),
    ]
    figure.legend(handles=[*bars, *dots], loc="outside lower center", ncols=6, frameon=False)
