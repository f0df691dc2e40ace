"""From what an evolutionary search varies to what a model accepts: shares and fixed totals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_ROUNDING = 1e-12
"""Share of the magnitudes by which a total may leave its range through rounding [-]."""


def normalise(genotype: npt.ArrayLike) -> Array:
    """Scale each row to shares that sum to one.

        share[i, v] = genotype[i, v] / sum over w of genotype[i, w]

    A row of zeros becomes equal shares.

    Parameters
    ----------
    genotype : array, dims (individual, variable)
        Finite and not negative, in any unit.

    Returns
    -------
    array, dims (individual, variable)
        Shares [-].

    Raises
    ------
    ValueError
        If an entry is negative or not finite; the message names its individual.
    """
    weights = _rows(genotype)
    negative = np.argwhere(weights < 0)
    if len(negative):
        row, column = negative[0].tolist()
        raise ValueError(
            f"normalise: variable {column} of individual {row} is {weights[row, column]}, shares need weights >= 0"
        )
    largest = weights.max(axis=1, keepdims=True)
    empty = largest == 0
    relative = np.where(empty, 1.0, weights / np.where(empty, 1.0, largest))
    shares: Array = relative / relative.sum(axis=1, keepdims=True)
    return shares


def project_to_total(
    genotype: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike, total: npt.ArrayLike
) -> Array:
    """Project each row onto the part of a box where the variables have a given sum.

        minimise    sum over v of (x[v] - genotype[v])^2
        subject to  lower[v] <= x[v] <= upper[v],  sum over v of x[v] = total

    By the optimality conditions x[v] = clip(genotype[v] - shift, lower[v], upper[v]) with one shift
    per row. The sum of x falls with the shift, linearly between the 2n values at which a variable
    meets a bound; sorting them finds the piece that holds the total, and on it the shift follows
    exactly.

    Parameters
    ----------
    genotype : array, dims (individual, variable)
        Points to project, finite, inside the box or not.
    lower, upper : array, dims (variable) or (individual, variable), or float
        Bounds, in the unit of the genotype.
    total : float or array, dims (individual)
        Sum of each projected row, in the unit of the genotype.

    Returns
    -------
    array, dims (individual, variable)
        The nearest points, in the box, with the total met to rounding.

    Raises
    ------
    ValueError
        If a value is not finite, bounds cross, or a total lies outside the sums of the bounds.

    References
    ----------
    Held, Wolfe, Crowder (1974), Validation of subgradient optimization, Mathematical Programming 6,
    doi:10.1007/BF01580223.
    """
    points = _rows(genotype)
    low, high = (_broadcast(name, bound, points.shape) for name, bound in (("lower", lower), ("upper", upper)))
    crossed = np.argwhere(low > high)
    if len(crossed):
        row, column = crossed[0].tolist()
        raise ValueError(
            f"project_to_total: lower {low[row, column]} exceeds upper {high[row, column]} for variable {column}"
        )
    target = _attainable(total, low, high)
    # Shifting twice resolves points far from the box: the second shift is of the box's own size.
    near = points - _shift(points, low, high, target)
    near = near - _shift(near, low, high, target)
    return _settled(np.clip(near + _correction(near, low, high, target), low, high), low, high, target)


def _settled(points: Array, low: Array, high: Array, target: Array) -> Array:
    """Spread over the room that is left what a total misses by more than rounding: in a box far below the genotype."""
    left = (target - points.sum(axis=1))[:, np.newaxis]
    scale = np.maximum(np.abs(low), np.abs(high)).sum(axis=1, keepdims=True)
    left = np.where(np.abs(left) > _ROUNDING * scale, left, 0.0)
    room = np.where(left > 0, high - points, points - low)
    whole = room.sum(axis=1, keepdims=True)
    portion = np.clip(np.abs(left) / np.where(whole > 0, whole, 1.0), 0.0, 1.0)
    settled: Array = np.clip(points + np.sign(left) * room * portion, low, high)
    return settled


def _rows(genotype: npt.ArrayLike) -> Array:
    """Check that a genotype is a finite matrix with at least one variable."""
    rows = np.array(genotype, dtype=float)
    if rows.ndim != 2 or not rows.shape[1]:
        raise ValueError(f"genotype must have dims (individual, variable), got shape {rows.shape}")
    unbounded = np.argwhere(~np.isfinite(rows))
    if len(unbounded):
        row, column = unbounded[0].tolist()
        raise ValueError(f"genotype: variable {column} of individual {row} is {rows[row, column]}")
    return rows


def _broadcast(name: str, values: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Spread bounds or totals over the rows, refusing what is not finite or does not fit."""
    array = np.asarray(values, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError(f"project_to_total: {name} is not finite: {array.tolist()}")
    try:
        return np.broadcast_to(array, shape)
    except ValueError as error:
        raise ValueError(f"project_to_total: {name} of shape {array.shape} does not fit {shape}") from error


def _attainable(total: npt.ArrayLike, low: Array, high: Array) -> Array:
    """Return the totals (individual), brought within the sums of the bounds where rounding left them."""
    target = _broadcast("total", total, low.shape[:1])
    least, most = low.sum(axis=1), high.sum(axis=1)
    slack = _ROUNDING * np.maximum(np.abs(low).sum(axis=1), np.abs(high).sum(axis=1))
    outside = np.flatnonzero((target < least - slack) | (target > most + slack))
    if outside.size:
        row = int(outside[0])
        raise ValueError(
            f"project_to_total: total {target[row]:.9g} of individual {row} is outside "
            f"[{least[row]:.9g}, {most[row]:.9g}], the sums of the lower and upper bounds"
        )
    return np.clip(target, least, most)


def _shift(points: Array, low: Array, high: Array, target: Array) -> Array:
    """Return the shift (individual, 1) at which the clipped points sum to the target."""
    events = np.concatenate([points - high, points - low], axis=1)
    order = np.argsort(events, axis=1, kind="stable")
    events = np.take_along_axis(events, order, axis=1)
    # Past points - high a variable falls with the shift; past points - low it rests at its lower bound.
    falling = np.cumsum(np.where(order < points.shape[1], 1, -1), axis=1)
    drops = falling[:, :-1] * np.diff(events, axis=1)
    sums = high.sum(axis=1, keepdims=True) - np.cumsum(np.pad(drops, ((0, 0), (1, 0))), axis=1)
    piece = np.maximum((sums >= target[:, np.newaxis]).sum(axis=1, keepdims=True) - 1, 0)
    start, excess, slope = (np.take_along_axis(values, piece, axis=1) for values in (events, sums, falling))
    shift: Array = start + (excess - target[:, np.newaxis]) / np.maximum(slope, 1)
    return shift


def _correction(near: Array, low: Array, high: Array, target: Array) -> Array:
    """Spread what the total still lacks, a matter of rounding, over the variables between their bounds."""
    clipped = np.clip(near, low, high)
    free = (clipped > low) & (clipped < high)
    missing = target - clipped.sum(axis=1)
    share: Array = free * (missing / np.maximum(free.sum(axis=1), 1))[:, np.newaxis]
    return share
