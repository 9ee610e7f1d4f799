"""What decides, assembled: the rules in their order, with their thresholds, and the policy."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weinao.settings import SettingsError, read

if TYPE_CHECKING:
    from pipeline.brain.respond.policy import Policy
    from pipeline.brain.thresholds import Thresholds
    from pipeline.flow.mind import Mind

IN_FORCE = "rules-in-force.toml"
"""Stands beside what the rules of a file concluded, so that `weinao explain` tells by them."""


def mind_of(
    grids: Sequence[str], rules: "Thresholds | None" = None, policy: "Policy | None" = None
) -> "Mind":
    """Return what decides for these grids.

    Args:
        grids: Of the flow.
        rules: As read from a file; None for the thresholds we ship.
        policy: As read from a file; None for the one we ship.
    """
    from pipeline.brain.respond.policy import Policy
    from pipeline.brain.thresholds import Thresholds
    from pipeline.flow.mind import Mind

    in_force = rules or Thresholds()
    return Mind(
        grids=frozenset(grids),
        rules=in_force.rules,
        silence=in_force.silence,
        policy=policy or Policy(),
    )


def rules_of(path: Path | None, command: str) -> "Thresholds":
    """Return the rules with the thresholds of a file, or with those we ship.

    Raises:
        SystemExit: The file cannot be used; `command` says whose argument it was.
    """
    from pipeline.brain.thresholds import thresholds_from

    try:
        return thresholds_from({} if path is None else read(path), str(path))
    except SettingsError as error:
        raise SystemExit(f"weinao {command}: {error}") from error


def policy_of(path: Path | None, command: str) -> "Policy":
    """Return the policy of a file, or the one we ship.

    Raises:
        SystemExit: The file cannot be used; `command` says whose argument it was.
    """
    from pipeline.brain.respond.policy_file import PolicyError, policy_from

    try:
        return policy_from({} if path is None else read(path))
    except SettingsError as error:
        raise SystemExit(f"weinao {command}: {error}") from error
    except PolicyError as error:
        lines = str(error).splitlines()
        said = "\n".join(f"  {line}" for line in lines)
        raise SystemExit(f"weinao {command}: {path}: {len(lines)} problems\n{said}") from error


def keep_rules(path: Path | None, folder: Path) -> None:
    """Leave a copy of the rules' file in the folder of what they conclude; of none, none."""
    kept = folder / IN_FORCE
    if path is None:
        kept.unlink(missing_ok=True)
    elif not (kept.exists() and kept.samefile(path)):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)


def kept_rules(folder: Path) -> Path | None:
    """Return the file by which what is in a folder was concluded; None for what we ship."""
    kept = folder / IN_FORCE
    return kept if kept.exists() else None
