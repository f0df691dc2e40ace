"""Calibration of one knob to one published number, with the whole path of the search on record.

With a response r (what a model gives at a knob k), a target t and a tolerance e, find a knob within a bracket such that

    |r(k) - t| <= e

by Brent's method: secant and inverse quadratic steps inside a bracket that never stops enclosing the target.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.optimize import brentq

RESOLUTION = 1e-12
"""Width, as a share of the bracket, between two knobs that count as neighbours unless another is asked for."""


class Unreachable(ValueError):  # noqa: N818 (reads as a state)
    """A target that the response was not seen to take: it lies beyond both ends of the bracket, or within a jump.

    Parameters
    ----------
    reason : str
        The message: target, knobs and responses.
    target : float
        What was aimed at.
    low, high : tuple of (float, float)
        Knob and response at the ends of the bracket, or on the two sides of the jump.
    path : xr.Dataset, dims (evaluation)
        As in :class:`Calibration`.
    """

    def __init__(
        self, reason: str, target: float, low: tuple[float, float], high: tuple[float, float], path: xr.Dataset
    ) -> None:
        self.target = target
        self.low = low
        self.high = high
        self.path = path
        super().__init__(reason)

    @property
    def nearest(self) -> float:
        """The knob, of the two sides, whose response comes nearest to the target; on a tie the lower."""
        return min(self.low, self.high, key=lambda side: abs(side[1] - self.target))[0]


@dataclass(frozen=True)
class Calibration:
    """A knob, what the model gives there, and how it was found.

    Parameters
    ----------
    name : str
        What the knob is called.
    knob : float
        The value found, in the unit of the bracket.
    response : float
        What the model gives at it, in the unit of the target.
    target : float
        What it was to give.
    path : xr.Dataset, dims (evaluation)
        ``knob`` and ``response`` of every evaluation in its order, counted from 1: the lower end, the upper end, then
        the steps of the search. No knob stands in it twice.
    """

    name: str
    knob: float
    response: float
    target: float
    path: xr.Dataset = field(repr=False, compare=False)

    @property
    def evaluations(self) -> int:
        """How often the model was evaluated."""
        return self.path.sizes["evaluation"]


def calibrate(
    response: Callable[[float], float],
    target: float,
    bracket: tuple[float, float],
    *,
    tolerance: float,
    name: str = "knob",
    limit: int = 100,
    resolution: float = RESOLUTION,
) -> Calibration:
    """Find a knob within a bracket at which the response meets the target.

    Both ends are evaluated first, and no knob twice. If the response is monotone the knobs that meet the target are one
    point or one flat stretch. Monotony is not required: a response that goes back and forth may meet the target
    several times, of which one is found; :func:`crossings` counts them along a sampled curve.

    Parameters
    ----------
    response : callable of float to float
        What the model gives at a knob: the same number whenever it is asked. Its exceptions pass through.
    target : float
        What the model is to give.
    bracket : tuple of float
        Least and greatest knob. The responses there must enclose the target.
    tolerance : float
        Admitted distance of response and target, in their unit; no finer than the response itself is known.
    name : str
        What the knob is called in errors.
    limit : int
        Evaluations at most, both ends included.
    resolution : float
        Width, as a share of the bracket, between the two sides of a jump.

    Returns
    -------
    Calibration
        Of the evaluated knobs the one whose response comes nearest to the target; on a tie the first.

    Raises
    ------
    Unreachable
        If the target lies outside the responses at the ends of the bracket, or if the response jumps across it, as the
        optimum of a model with integers may: two knobs ``resolution`` of the bracket apart miss it on either side.
    ValueError
        If bracket, target, tolerance or limit are impossible, a response is not finite, or the limit is exhausted.

    References
    ----------
    Brent (1973), Algorithms for Minimization without Derivatives, chapter 4.
    """
    _check(target, bracket, tolerance, name, limit, resolution)
    low, high = map(float, bracket)
    search = _Search(response, float(target), tolerance, name, limit)
    if np.sign(search.miss(low)) * np.sign(search.miss(high)) > 0:
        raise search.unreachable("the responses at the ends of the bracket do not enclose", low, high)
    brentq(search.miss, low, high, xtol=resolution * (high - low), maxiter=limit, disp=False)
    knob = search.nearest()
    if search.miss(knob) != 0:
        raise search.unreachable("the response jumps across", *search.sides())
    return Calibration(name, knob, search.found[knob], search.target, search.path())


def crossings(knobs: npt.ArrayLike, responses: npt.ArrayLike, target: float) -> int:
    """Count how often a sampled curve meets a target.

    It does so wherever it changes sides between two neighbouring samples, and once for each run of samples that are
    equal to the target, whether the curve passes it there or only touches it. One means that the knob of
    :func:`calibrate` is the only one, as far as the samples are close enough to show it.

    Parameters
    ----------
    knobs : array_like, dims (sample)
        In any order, so that a path of :class:`Calibration` will do; no knob twice.
    responses : array_like, dims (sample)
        What the model gives at each.
    target : float
        In the unit of the responses.

    Raises
    ------
    ValueError
        Naming the shapes if there are not as many responses as knobs and at least two, every knob or response that is
        not finite, and every knob that is given twice.
    """
    k, r = (np.asarray(x, dtype=np.float64) for x in (knobs, responses))
    if k.ndim != 1 or k.shape != r.shape or k.size < 2:
        raise ValueError(f"a curve is two or more knobs with a response each, got shapes {k.shape} and {r.shape}")
    problems = [
        f"sample {i}: knob {k[i]}, response {r[i]}, expected finite numbers"
        for i in np.flatnonzero(~(np.isfinite(k) & np.isfinite(r)))
    ]
    values, counts = np.unique(k, return_counts=True)
    problems += [f"knob {value}: given {count} times" for value, count in zip(values, counts, strict=True) if count > 1]
    if problems or not math.isfinite(target):
        raise ValueError("; ".join(problems) or f"the target must be a finite number, got {target}")
    side = np.sign(r[np.argsort(k)] - target)
    runs = side[np.insert(np.diff(side) != 0, 0, True)]
    return int((runs == 0).sum() + (runs[1:] * runs[:-1] < 0).sum())


def _check(
    target: float, bracket: tuple[float, float], tolerance: float, name: str, limit: int, resolution: float
) -> None:
    """Raise one error for everything that no search can start from."""
    low, high = bracket
    problems = []
    if not (low < high and math.isfinite(low) and math.isfinite(high)):
        problems.append(f"the bracket must be two finite knobs, the lower first, got {low!r} to {high!r}")
    if not math.isfinite(target):
        problems.append(f"the target must be a finite number, got {target!r}")
    if not (tolerance > 0 and math.isfinite(tolerance)):
        problems.append(f"the tolerance must be a finite number above zero, got {tolerance!r}")
    if limit < 2:
        problems.append(f"the limit must leave two evaluations for the ends of the bracket, got {limit!r}")
    if not RESOLUTION <= resolution < 1:
        problems.append(f"the resolution must be a share of the bracket from {RESOLUTION:g} on, got {resolution!r}")
    if problems:
        raise ValueError(f"{name}: {'; '.join(problems)}")


class _Search:
    """Every response that was computed, by its knob, in the order of the evaluations."""

    def __init__(
        self, response: Callable[[float], float], target: float, tolerance: float, name: str, limit: int
    ) -> None:
        self.response = response
        self.target = target
        self.tolerance = tolerance
        self.name = name
        self.limit = limit
        self.found: dict[float, float] = {}

    def miss(self, knob: float) -> float:
        """Return response minus target, or exactly zero within the tolerance, which ends the search."""
        if knob not in self.found:
            if len(self.found) == self.limit:
                raise ValueError(
                    f"{self.name}: the target {self.target!r} was not met within {self.limit} evaluations; "
                    f"{self._nearest_text()}"
                )
            found = float(self.response(knob))
            if not math.isfinite(found):
                raise ValueError(f"{self.name}: the response at {knob!r} is {found}, expected a finite number")
            self.found[knob] = found
        distance = self.found[knob] - self.target
        return 0.0 if abs(distance) <= self.tolerance else distance

    def nearest(self) -> float:
        """Return the knob whose response comes nearest to the target."""
        return min(self.found, key=lambda knob: abs(self.found[knob] - self.target))

    def sides(self) -> tuple[float, float]:
        """Return the last bracket: all knobs below it miss the target on one side, all above it on the other."""
        below = {knob: found < self.target for knob, found in self.found.items()}
        return next((a, b) for a, b in itertools.pairwise(sorted(below)) if below[a] != below[b])

    def unreachable(self, relation: str, low: float, high: float) -> Unreachable:
        """Return the error that tells how the responses at two knobs stand to the target."""
        ends = (low, self.found[low]), (high, self.found[high])
        places = " and ".join(f"{response!r} at {knob!r}" for knob, response in ends)
        reason = f"{self.name}: {relation} the target {self.target!r}: {places}; {self._nearest_text()}"
        return Unreachable(reason, self.target, *ends, self.path())

    def path(self) -> xr.Dataset:
        """Return the evaluations in their order."""
        return xr.Dataset(
            {
                "knob": ("evaluation", np.array(list(self.found)), {"long_name": self.name}),
                "response": ("evaluation", np.array(list(self.found.values()))),
            },
            coords={"evaluation": np.arange(1, len(self.found) + 1)},
        )

    def _nearest_text(self) -> str:
        knob = self.nearest()
        return f"{knob!r} comes nearest, off by {self.found[knob] - self.target:.6g}"
