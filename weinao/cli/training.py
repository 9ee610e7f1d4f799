"""How each trained file that ships is made again, from which inputs, and what its card says of it.

    name      inputs                                    needs
    fall      DATA/falls (recordings of people)         the extra `train`
    rhythm    DATA/vitals (annotated beats)             the extra `train`
    highrise  rendered towers, training seeds           the extras `vision` and `train`
    yards     rendered yards and gates, training seeds  the extras `vision` and `vision-train`

Seeds are fixed beside the functions that train. Figures are cross-validated, or of test seeds:
never of what was learnt from, so that they compare with the card's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Told = Callable[[str], object]
"""Hears what is being done."""
Figures = dict[str, float]

CARDS = Path(__file__).parents[2] / "models" / "cards"
NOISE = 0.02
"""A figure this near to its card's is the same: another processor rounds differently, and trees or
networks that differ in the last digit judge a few borderline examples differently."""


@dataclass(frozen=True)
class Trained:
    """A file, or files, that come out of one training.

    Attributes:
        files: Their names.
        card: Name of its card.
        rows: For each group of figures, how its row in the card begins, and what its cells are.
        make: From the folder of recordings and the folder to write into, trains, writes, and
            returns figures named `group figure`.
    """

    files: tuple[str, ...]
    card: str
    rows: Mapping[str, tuple[str, tuple[str, ...]]]
    make: Callable[[Path, Path, Told], Figures]

    def carded(self) -> Figures:
        """Return the figures that the card states, named as `make` names them."""
        text = (CARDS / self.card).read_text(encoding="utf-8")
        found: Figures = {}
        for group, (begins, names) in self.rows.items():
            row = re.search(rf"^\| {re.escape(begins)}\b[^|]*\|(.*)\|$", text, re.MULTILINE)
            if row is None:
                continue
            for name, cell in zip(names, row[1].split("|"), strict=False):
                number = re.search(r"\d+(\.\d+)?", cell)
                if number:
                    found[f"{group} {name}".strip()] = float(number[0])
        return found


def _fall(data: Path, out: Path, told: Told) -> Figures:
    from weinao.cli.evaluate.falls import cross_validate_falls

    def progress(done: int, total: int) -> None:
        told(f"fall: {done} of {total} recordings")

    scores = cross_validate_falls(data / "falls", progress=progress, out=out)
    return {f"{group} {name}": at for group, named in scores.items() for name, at in named.items()}


def _rhythm(data: Path, out: Path, told: Told) -> Figures:
    from weinao.cli.evaluate.rhythm import cross_validate_rhythm, train_rhythm

    def progress(done: str) -> None:
        told(f"rhythm: {done}")

    train_rhythm(data / "vitals", out / "rhythm_v1.npz")
    return cross_validate_rhythm(data / "vitals", progress)


def _highrise(data: Path, out: Path, told: Told) -> Figures:  # noqa: ARG001  # it is rendered
    from models.highrise import WEIGHTS
    from models.train.highrise import LEVELS, cross_validate, fit, save
    from weinao.cli.highrise import LEARN_CLIPS, LEARN_SEED
    from weinao.cli.highrise_examples import gathered, scenes

    seeds = scenes(LEARN_SEED, LEARN_CLIPS)
    rows = gathered(seeds, lambda done: told(f"highrise: {done} of {len(seeds)} scenes"))
    columns = rows["rows"], rows["fell"], rows["clip"]
    save(fit(*columns), out / WEIGHTS)
    scores = cross_validate(*columns)
    return {
        f"{least} {name}": float((scores[rows["fell"] == side] >= least).mean())
        for least in LEVELS
        for name, side in (("falls", 1), ("others", 0))
    }


def _yards(data: Path, out: Path, told: Told) -> Figures:  # noqa: ARG001  # it is rendered
    from weinao.cli.yards_examples import learnt, tested

    path = learnt(out, told)
    return tested(path, told)


_TRIO = ("auc", "sensitivity", "specificity")
_FALL_ROWS = {place: (place, (*_TRIO, "elder_adl_specificity")) for place in ("wrist", "waist")}
TRAINED: dict[str, Trained] = {
    "fall": Trained(
        ("fall_wrist_v1.npz", "fall_waist_v1.npz"), "fall_v1.md", _FALL_ROWS, _fall
    ),
    "rhythm": Trained(
        ("rhythm_v1.npz",),
        "rhythm_v1.md",
        {"": ("cross-validated by person, 3 folds", (*_TRIO, "worst_non_af_flagged_share"))},
        _rhythm,
    ),
    "highrise": Trained(
        ("highrise_v1.npz",),
        "highrise_v1.md",
        {level: (level, ("falls", "others")) for level in ("0.5", "0.75", "0.85", "0.9", "0.95")},
        _highrise,
    ),
    "yards": Trained(
        ("yards_v1.onnx",),
        "yards_v1.md",
        {
            "": ("yards, rendered", (
                "person_found", "person_right", "vehicle_found", "vehicle_right",
                "two_wheeler_found", "two_wheeler_right", "people_off",
            )),
        },
        _yards,
    ),
}  # fmt: skip
