"""Breakpoints of parametric linear programmes: optimal values as exact, piecewise linear functions of a parameter.

Let the right-hand sides be affine in t, and rank the objectives:

    z_1(t) = min {c_1 x : A x <= b + t d},   z_k(t) = min {c_k x : A x <= b + t d, c_j x = z_j(t) for all j < k}

1. z_1 is convex: for optima x of t and y of u, the mean of x and y is feasible at the mean of t and u. It is piecewise
   linear, being the greatest of the lines y (b + t d) over the finitely many vertices y of the dual polyhedron.
2. Where z_1, ..., z_{k-1} are linear, all right-hand sides of rank k are affine, and 1. holds of z_k.
3. No z_k jumps: the feasible points of rank k depend Lipschitz continuously on right-hand sides that, rank by rank, do.
4. A convex function with three points on one line is that line between the outer two. Hence an interval is linear in
   all ranks if, and only if, its middle lies on its chord in every rank; and if the lines of two linear intervals meet
   in a point of the function, they reach up to there, where its only breakpoint between them is.

References
----------
Bertsimas, Tsitsiklis (1997), Introduction to Linear Optimization, Athena Scientific, section 5.2: convexity in b.
Gal (1995), Postoptimal Analyses, Parametric Programming and Related Topics, de Gruyter, doi:10.1515/9783110871203.
Mangasarian, Shiau (1987), Lipschitz continuity of solutions of linear inequalities, programs and complementarity
problems, SIAM J. Control Optim. 25(3), 583-595, doi:10.1137/0325033.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.methods.solver import LEAST, Array

NARROWEST = 1e-10
"""Share of the range below which an interval that is not linear holds a jump [-]."""
CLOSE = 1e-5
"""Share of the range in which several breakpoints may differ from one by less than the tolerance [-]."""
VISIBLE = 1e-3
"""Share of the allowed difference by which a rank that bends lets the ranks after it bend either way [-]."""
OBLIQUE = 0.381966
"""Share of a piece at which it is looked at once more [-]."""
MOST = 1000
"""Intervals not yet linear at one time; a function that has more is curved."""


def piecewise(
    function: Callable[[float], npt.ArrayLike], low: float, high: float, tolerance: float = 1e-9
) -> xr.Dataset:
    """Return the breakpoints of lexicographic optimal values along one parameter, and the slopes between them.

    Intervals are halved until their middle lies on their chord. One between two linear intervals is settled at once if
    their lines meet in it, in a point of the function. Points that bend no rank are left out in the end.

    Parameters
    ----------
    function : callable, float -> array (rank)
        The optimal values at a parameter in which right-hand sides and bounds are affine, first rank first.
    low, high : float
        Range of the parameter, ends included.
    tolerance : float
        Differences in a rank below this share of its greatest value, or below 1e-9, are none [-].

    Returns
    -------
    xr.Dataset, dims (breakpoint, rank)
        ``parameter`` (breakpoint), ascending from low to high, ``value`` there, and ``slope`` up to the next, NaN at
        the last. The attribute ``evaluations`` counts the calls of the function.

    Raises
    ------
    ValueError
        If low is not below high, the values are no vector of finite numbers, or the function is not of this kind: it
        jumps, is curved, or the first rank that bends at a breakpoint bends downwards.
    """
    if not (np.isfinite([low, high]).all() and low < high and tolerance > 0):
        raise ValueError(f"expected finite low < high and tolerance > 0, got {low}, {high} and {tolerance}")
    curve = _Curve(function, tolerance)
    low, high = float(low), float(high)
    pieces = [curve.piece(low, high)]
    while unsettled := [piece for piece in pieces if not piece.linear]:
        first, narrowest = unsettled[0], min(unsettled, key=lambda piece: piece.high - piece.low)
        if len(unsettled) > MOST:
            raise ValueError(f"the function is curved: more than {MOST} breakpoints from {first.low:.9g} on")
        if narrowest.high - narrowest.low < NARROWEST * (high - low):
            raise ValueError(f"the function jumps at {narrowest.low:.9g}")
        pieces = [part for place in range(len(pieces)) for part in _settled(curve, pieces, place)]
    parameter = _bends(curve, [piece.low for piece in pieces] + [high])
    _check(curve, parameter)
    value = np.array([curve(t) for t in parameter])
    slope = np.full_like(value, np.nan)
    slope[:-1] = np.diff(value, axis=0) / np.diff(parameter)[:, None]
    both = ("breakpoint", "rank")
    found = {"parameter": ("breakpoint", parameter), "value": (both, value), "slope": (both, slope)}
    return xr.Dataset(found, attrs={"evaluations": len(curve.known)})


class _Piece(NamedTuple):
    """An interval, and whether the function is known to be linear there."""

    low: float
    high: float
    linear: bool


@dataclass
class _Curve:
    """A function with its values so far."""

    function: Callable[[float], npt.ArrayLike]
    tolerance: float
    known: dict[float, Array] = field(default_factory=dict)
    allowed: Array = field(default_factory=lambda: np.array(LEAST))

    def __call__(self, t: float) -> Array:
        """Return the values at a point."""
        if t not in self.known:
            values = np.array(self.function(t), float)
            expected = next(iter(self.known.values()), values).shape
            if values.ndim != 1 or not values.size or values.shape != expected or not np.isfinite(values).all():
                raise ValueError(f"at {t:.9g}: expected one finite value a rank, got {values.tolist()}")
            self.known[t] = values
            self.allowed = np.maximum(self.allowed, self.tolerance * np.abs(values))
        return self.known[t]

    def slope(self, low: float, high: float) -> Array:
        """Return the slopes of a chord."""
        return (self(high) - self(low)) / (high - low)

    def off(self, t: float, low: float, high: float) -> Array:
        """Return by how much the values at a point are above the line through two others, in allowed differences."""
        line = self(low) + self.slope(low, high) * (t - low)
        above: Array = (self(t) - line) / self.allowed
        return above

    def on(self, t: float, low: float, high: float) -> bool:
        """Return whether a point is on the line through two others, in every rank."""
        return bool((np.abs(self.off(t, low, high)) <= 1).all())

    def piece(self, low: float, high: float) -> _Piece:
        """Return an interval, linear if its middle lies on its chord."""
        return _Piece(low, high, self.on((low + high) / 2, low, high))

    def meeting(self, left: _Piece, right: _Piece) -> float:
        """Return where the lines of two pieces meet, by the rank that bends most; NaN for one line."""
        before, after = self.slope(left.low, left.high), self.slope(right.low, right.high)
        rank = int(np.argmax(np.abs(after - before) / self.allowed))
        if after[rank] == before[rank]:
            return np.nan
        rise = (self(right.low) - self(left.high) - after * (right.low - left.high))[rank]
        return left.high + float(rise / (before - after)[rank])


def _settled(curve: _Curve, pieces: list[_Piece], place: int) -> list[_Piece]:
    """Return a piece if it is linear, else its parts: up to and from its only breakpoint, or halves."""
    piece = pieces[place]
    if piece.linear:
        return [piece]
    neighbours = [*pieces[max(place - 1, 0) : place], *pieces[place + 1 : place + 2]]
    if len(neighbours) == 2 and all(neighbour.linear for neighbour in neighbours):
        bend = curve.meeting(neighbours[0], neighbours[1])
        if piece.low < bend < piece.high and all(
            curve.on(bend, neighbour.low, neighbour.high) for neighbour in neighbours
        ):
            return [_Piece(piece.low, bend, linear=True), _Piece(bend, piece.high, linear=True)]
    middle = (piece.low + piece.high) / 2
    return [curve.piece(piece.low, middle), curve.piece(middle, piece.high)]


def _bends(curve: _Curve, points: list[float]) -> Array:
    """Return the points without those on the line between their neighbours, the straightest left out first."""
    at, value = np.array(points), np.array([curve(t) for t in points])
    while len(at) > 2:
        share = ((at[1:-1] - at[:-2]) / (at[2:] - at[:-2]))[:, None]
        off = value[1:-1] - (1 - share) * value[:-2] - share * value[2:]
        bend = (np.abs(off) / curve.allowed).max(axis=1)
        if bend.min() > 1:
            break
        at, value = (np.delete(x, 1 + int(np.argmin(bend)), axis=0) for x in (at, value))
    return at


def _check(curve: _Curve, points: Array) -> None:
    """Refuse breakpoints that the optimal values of a parametric programme cannot have.

    The first rank that one bends must bend upwards, be it ever so little. Seen from a quarter of the width, a corner is
    off its chord by a quarter, a curve by a sixteenth; corners too close to be told apart are passed, as is what leaves
    the function straight further out to one side. Last, all evaluations must lie on the lines between the breakpoints,
    and one more in each, since the middle of an interval proves nothing of a function that is not convex.
    """
    for before, at, after in zip(points[:-2], points[1:-1], points[2:], strict=True):
        off = curve.off(at, before, after)
        rank = int(np.argmax(np.abs(off) > 1))
        if off[rank] > 1 and not (off[:rank] < -VISIBLE).any():
            raise ValueError(f"the function is not convex: rank {rank} bends downwards at {at:.9g}")
        near = min(at - before, after - at) / 4
        if 4 * near < CLOSE * (points[-1] - points[0]):
            continue
        corner = (curve.slope(before, at) - curve.slope(at, after)) * near / 2 / curve.allowed
        rank = int(np.argmax(np.abs(corner)))
        missed = np.abs(curve.off(at, at - near, at + near) - corner)
        if missed[rank] > abs(corner[rank]) / 2:
            outer = [curve.off(at + 3 * side, at + 2 * side, at + 4 * side)[rank] for side in (-near, near)]
            if min(np.abs(outer)) > abs(corner[rank]) / 8:
                raise ValueError(f"the function is curved: rank {rank} has no corner at {at:.9g}")
    for low, high in itertools.pairwise(points):
        curve(low + OBLIQUE * (high - low))
    ordered = np.array(sorted(curve.known))
    piece = np.clip(np.searchsorted(points, ordered, side="right") - 1, 0, len(points) - 2)
    for t, low, high in zip(ordered, points[piece], points[piece + 1], strict=True):
        if (np.abs(curve.off(t, low, high)) > 2).any():
            raise ValueError(f"the function is not convex: at {t:.9g} it leaves the line from {low:.9g} to {high:.9g}")
