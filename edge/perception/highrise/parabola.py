"""A fall as a parabola in facade metres: fit, and find again what belongs to it.

    x(t) = x0 + vx t          y(t) = y0 + vy t + a t² / 2, y down, t = 0 at the newest point

Drag bends y a little less than a parabola; within three floors the difference is below what a
camera sees (0.1 m for a terminal speed of 15 m/s).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.perception.highrise.facade import Array

POINTS_MIN = 5
CUBIC_POINTS_MIN = 12
"""From here on a third-order term is fitted beside: perspective where there is no scale, drag."""


@dataclass(frozen=True)
class Parabola:
    """Where a thing was and is going.

    Attributes:
        t0_s: The instant its coefficients refer to.
        across: (k,) coefficients of x in powers of t - t0, lowest first.
        down: (k,) of y.
    """

    t0_s: float
    across: Array
    down: Array

    def at(self, t_s: NDArray[np.floating]) -> Array:
        """Return (N, 2) places in metres."""
        time = np.asarray(t_s, np.float64) - self.t0_s
        return np.column_stack([_value(self.across, time), _value(self.down, time)])

    def speed_at(self, t_s: float) -> float:
        """Return the speed downwards in m/s."""
        time = t_s - self.t0_s
        return float(sum(k * c * time ** (k - 1) for k, c in enumerate(self.down) if k))

    def pull_at(self, t_s: float) -> float:
        """Return the acceleration downwards in m/s²."""
        time = t_s - self.t0_s
        return float(
            sum(k * (k - 1) * c * time ** (k - 2) for k, c in enumerate(self.down) if k > 1)
        )

    @property
    def swerve(self) -> float:
        """The acceleration sideways in m/s²; 0 where too few points tell."""
        return float(2 * self.across[2]) if len(self.across) > 2 else 0.0  # noqa: PLR2004

    def pull_error(self, t_s: Array, noise_m: float) -> float:
        """Return the standard error of the acceleration at the newest point, in m/s².

        Args:
            t_s: (N,) the instants of the points it was fitted to.
            noise_m: Of one point, downwards.
        """
        return _error(t_s - self.t0_s, noise_m, len(self.down))

    def swerve_error(self, t_s: Array, noise_m: float) -> float:
        """Return the standard error of `swerve`; as `pull_error`, with the noise sideways."""
        return _error(t_s - self.t0_s, noise_m, 3)

    def rest_s(self) -> float:
        """Return when it was at rest, going by speed and acceleration now; `inf` if never."""
        speed, pull = float(self.down[1]), 2 * float(self.down[2])
        return self.t0_s - speed / pull if pull > 0 else float("inf")


def through(
    t_s: Array, metres: Array, *, weights: Array | None = None, cubic: bool = False
) -> Parabola:
    """Return the parabola nearest to points.

    Args:
        t_s: (N,) seconds, N >= 3 different ones.
        metres: (N, 2).
        weights: (N,) how much each counts.
        cubic: Fit a third-order term of y, too.
    """
    t0_s = float(t_s[-1])
    time = t_s - t0_s
    weighs = np.ones(len(time)) if weights is None else weights
    down = _fitted(time, metres[:, 1], weighs, 3 if cubic else 2)
    across = _fitted(time, metres[:, 0], weighs, 1 if len(time) < CUBIC_POINTS_MIN else 2)
    return Parabola(t0_s, across, down)


def _error(time: Array, noise_m: float, terms: int) -> float:
    powers = time[:, None] ** np.arange(terms)
    normal = powers.T @ powers
    normal[np.diag_indices(len(normal))] += 1e-9
    return float(2 * noise_m * np.sqrt(np.linalg.inv(normal)[2, 2]))


def _value(coefficients: Array, time: Array) -> Array:
    total = np.zeros_like(time)
    for one in coefficients[::-1]:
        total = total * time + one
    return total


def _fitted(time: Array, values: Array, weights: Array, order: int) -> Array:
    powers = time[:, None] ** np.arange(order + 1)
    scaled = powers * weights[:, None]
    normal = scaled.T @ powers
    normal[np.diag_indices(order + 1)] += 1e-9
    return np.asarray(np.linalg.solve(normal, scaled.T @ values))
