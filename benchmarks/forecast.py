"""How far off the five-minute forecast of a crowd is, beside the last count taken for the future.

    python benchmarks/forecast.py [--json]

Synthetic flow: people arrive by chance around a rush, each stays some minutes; rush, width and stay
differ by seed. A look counts all of them, or overlooks each by chance (`..._overlooked`). Figures
are mean absolute errors in people.
"""

import argparse
import json
from collections.abc import Iterable

import numpy as np

from edge.perception.people.forecast import AHEAD_MIN, MINUTE_MS, Minute, counted, foretell

MINUTES, LOOKS = 90, 6
OVERLOOKED = 0.15


def flowing(rng: np.random.Generator) -> list[int]:
    """Return how many are in a place each minute."""
    middle, width, rush = rng.uniform(20, 70), rng.uniform(8, 20), rng.uniform(1, 10)
    stay = rng.uniform(3, 10)
    leaves: list[float] = []
    counts = []
    for minute in range(MINUTES):
        rate = 1 + rush * np.exp(-(((minute - middle) / width) ** 2))
        leaves += (minute + rng.exponential(stay, rng.poisson(rate))).tolist()
        leaves = [one for one in leaves if one > minute]
        counts.append(len(leaves))
    return counts


def measured(seeds: Iterable[int]) -> dict[str, float]:
    """Return mean absolute errors over the flows of some seeds."""
    errors: dict[str, list[float]] = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        counts = flowing(rng)
        for name, seen in (
            ("", [[people] * LOOKS for people in counts]),
            ("_overlooked", [rng.binomial(people, 1 - OVERLOOKED, LOOKS) for people in counts]),
        ):
            share = 1 - OVERLOOKED if name else 1.0
            known: tuple[Minute, ...] = ()
            for minute, looks in enumerate(seen[:-AHEAD_MIN]):
                for look, people in enumerate(looks):
                    at = minute * MINUTE_MS + look * MINUTE_MS // LOOKS
                    known = counted(known, int(people), at)
                then = share * counts[minute + AHEAD_MIN]  # as the camera would count it
                errors.setdefault("ours" + name, []).append(abs((foretell(known) or 0) - then))
                errors.setdefault("last_count" + name, []).append(abs(int(looks[-1]) - then))
    return {name: float(np.mean(found)) for name, found in sorted(errors.items())}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    figures = measured(range(500))
    if parser.parse_args().json:
        print(json.dumps(figures, indent=2))
    else:
        for name, error in figures.items():
            print(f"{name:24}{error:6.2f} people")


if __name__ == "__main__":
    main()
