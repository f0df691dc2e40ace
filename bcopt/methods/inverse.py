"""Unknown coefficients behind published totals: what the totals fix, what priors add, and one point to compute with.

The totals are linear in the unknowns, ``A x = b`` with ``x > 0`` and fewer equations than unknowns. Then any of three
questions has an answer: between which values each unknown can lie at all (two linear programmes an unknown); how likely
the values between are, given log-normal priors (the prior density restricted to the solutions of ``A x = b``); and
which solution is nearest to the priors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.linalg import qr
from scipy.optimize import LinearConstraint, NonlinearConstraint, linprog, minimize

Array = npt.NDArray[np.float64]

OVERSAMPLING = 10
"""Proposals per returned draw of a posterior."""


class Inconsistent(ValueError):  # noqa: N818 (reads as a state)
    """Totals, bounds and order that no positive coefficients satisfy together."""


def feasible_range(
    matrix: xr.DataArray,
    totals: xr.DataArray,
    dim: str,
    lower: xr.DataArray | float = 0.0,
    upper: xr.DataArray | float = np.inf,
) -> xr.Dataset:
    """Return the least and the greatest value of every unknown that the totals admit.

    Parameters
    ----------
    matrix : xr.DataArray, dims (equation, dim)
        A: what each unknown contributes to each total, under any name of the first dim.
    totals : xr.DataArray, dims (equation)
        b.
    dim : str
        Name of the dim of the unknowns.
    lower, upper : xr.DataArray, dims (dim), or float
        Further bounds of the unknowns.

    Returns
    -------
    xr.Dataset, dims (dim)
        ``low`` and ``high``, in the unit of the unknowns; ``high`` is infinite where no total limits the unknown.

    Raises
    ------
    Inconsistent
        If nothing within the bounds satisfies the totals.
    """
    a, b, labels = _system(matrix, totals, dim)
    ends_given = (x.sel({dim: labels}) if isinstance(x, xr.DataArray) and dim in x.dims else x for x in (lower, upper))
    bounds = np.column_stack([np.broadcast_to(x, labels.shape) for x in ends_given])
    ends = np.array([[_extreme(a, b, bounds, k, sign) for sign in (1, -1)] for k in range(labels.size)])
    return xr.Dataset({"low": (dim, ends[:, 0]), "high": (dim, ends[:, 1])}, coords={dim: labels})


def posterior(
    matrix: xr.DataArray,
    totals: xr.DataArray,
    dim: str,
    median: xr.DataArray,
    geometric_sd: xr.DataArray,
    samples: int,
    seed: int,
) -> xr.DataArray:
    """Draw unknowns from their log-normal priors restricted to the solutions of the totals.

    The density on the plane ``A x = b`` is that of the independent priors,

        p(x) ~ prod_j exp(-(ln(x_j / m_j) / ln s_j)^2 / 2) / x_j,

    sampled by importance: as many unknowns as there are totals are solved for, the others drawn from their priors, and
    each solution is weighted by the prior density of what was solved for (the Jacobian is constant); draws are then
    picked by systematic resampling. Unknowns that enter no total are drawn from their priors.

    Parameters
    ----------
    matrix, totals, dim
        As in :func:`feasible_range`.
    median, geometric_sd : xr.DataArray, dims (dim)
        m and s of the priors; m in the unit of the unknowns, s > 1.
    samples : int
        Draws to return.
    seed : int
        Seed of all draws.

    Returns
    -------
    xr.DataArray, dims (sample, dim)

    Raises
    ------
    Inconsistent
        If no positive unknowns satisfy the totals, or so few draws of the priors come near them that the effective
        number of proposals is below the number of draws.
    ValueError
        If a median is not positive or a standard deviation not above 1.

    References
    ----------
    Kong, Liu & Wong (1994), https://doi.org/10.1080/01621459.1994.10476469 (effective number of draws);
    Kitagawa (1996), https://doi.org/10.1080/10618600.1996.10474692 (systematic resampling).
    """
    a, b, labels = _system(matrix, totals, dim)
    m, s = (prior.reindex({dim: labels}).to_numpy() for prior in (median, geometric_sd))
    if not ((m > 0) & (s > 1) & np.isfinite(m) & np.isfinite(s)).all():
        raise ValueError(f"priors of {dim} need positive medians and geometric standard deviations above 1")
    centre, spread = np.log(m), np.log(s)
    generator = np.random.default_rng(seed)
    drawn = np.exp(centre + spread * generator.standard_normal((samples, labels.size)))
    bound = np.abs(a).sum(axis=0) > 0
    drawn[:, bound] = _restricted(a[:, bound], b, centre[bound], spread[bound], samples, generator)
    return xr.DataArray(drawn, dims=("sample", dim), coords={dim: labels})


def reference_point(
    matrix: xr.DataArray,
    totals: xr.DataArray,
    dim: str,
    median: xr.DataArray,
    scale: xr.DataArray | float = 1.0,
    order: Sequence[tuple[str, str]] = (),
    margin: float = 0.0,
) -> xr.DataArray:
    """Return the solution of the totals that is nearest to the prior medians in ratio and keeps an order.

        min  sum_j (ln(x_j / m_j) / s_j)^2   subject to  A x = b,  x_k >= (1 + margin) x_i for each (i, k) in the order

    Parameters
    ----------
    matrix, totals, dim, median
        As in :func:`posterior`.
    scale : xr.DataArray, dims (dim), or float
        s: one for all counts every unknown alike; the log of the geometric standard deviations standardises.
    order : sequence of (str, str)
        Pairs of labels, the smaller first.
    margin : float
        How much the larger exceeds the smaller, as a share.

    Returns
    -------
    xr.DataArray, dims (dim)
        The totals hold to rounding.

    Raises
    ------
    Inconsistent
        If no positive unknowns satisfy totals and order together.
    """
    a, b, labels = _system(matrix, totals, dim)
    m = median.reindex({dim: labels}).to_numpy()
    s = np.broadcast_to(scale.reindex({dim: labels}) if isinstance(scale, xr.DataArray) else scale, labels.shape)
    position = {str(label): k for k, label in enumerate(labels)}
    ordering = np.zeros((len(order), labels.size))
    for row, (smaller, larger) in enumerate(order):
        ordering[row, position[smaller]], ordering[row, position[larger]] = 1 + margin, -1.0
    # In ratios u = x / m all unknowns are of order one.
    found = _nearest(a * m, b, ordering * m / m.mean(), s)
    return xr.DataArray(found * m, dims=dim, coords={dim: labels})


def _nearest(a: Array, b: Array, ordering: Array, s: Array) -> Array:
    """Minimise the scaled log-ratios over the solutions of the totals that keep the order, from several starts.

    In logarithms v = ln u the objective is a strictly convex quadratic and the order linear; only the totals are
    curved. The weights are scaled to one, since the first step of the search is the whole slope.
    """
    weight = s.min() / s

    def distance(v: Array) -> float:
        return float(((v * weight) ** 2).sum())

    def slope(v: Array) -> Array:
        found: Array = 2 * v * weight**2
        return found

    starts = _corners(a, b, ordering, 1e-6)
    constraints: list[LinearConstraint | NonlinearConstraint] = [
        NonlinearConstraint(lambda v: a @ np.exp(v) - b, 0.0, 0.0, jac=lambda v: a * np.exp(v))
    ]
    allowed = np.array([np.log(-row[row < 0][0] / row[row > 0][0]) for row in ordering])
    if ordering.size:
        constraints.append(LinearConstraint(np.sign(ordering), -np.inf, allowed))
    best: tuple[float, Array] | None = None
    for start in [starts.mean(axis=0), *(0.5 * (starts.mean(axis=0) + corner) for corner in starts)]:
        answer = minimize(
            distance,
            np.log(start),
            jac=slope,
            method="SLSQP",
            constraints=constraints,
            options={"ftol": 1e-14, "maxiter": 500},
        )
        if answer.success and (best is None or answer.fun < best[0] - 1e-12):
            best = (float(answer.fun), answer.x)
    if best is None:
        raise Inconsistent("no start led to a solution of the totals that keeps the order")
    return np.exp(_polished(best[1], a, b, np.sign(ordering), allowed, s))


def _polished(v: Array, a: Array, b: Array, ordering: Array, allowed: Array, s: Array) -> Array:
    """Take a minimum to rounding by Newton steps on its optimality conditions, with the touched order as equalities."""
    touched = ordering @ v > allowed - 1e-6 if len(ordering) else np.zeros(0, dtype=bool)
    rows, ends = ordering[touched], allowed[touched]
    multipliers = np.zeros(len(b) + len(rows))
    for step in range(8):
        tangent = np.vstack([a * np.exp(v), rows])
        if step == 0:
            multipliers = np.linalg.lstsq(tangent.T, -2 * v / s**2, rcond=None)[0]
        residual = np.concatenate([2 * v / s**2 + tangent.T @ multipliers, a @ np.exp(v) - b, rows @ v - ends])
        curvature = np.diag(2 / s**2 + (a * np.exp(v)).T @ multipliers[: len(b)])
        system = np.block([[curvature, tangent.T], [tangent, np.zeros((len(tangent), len(tangent)))]])
        change = np.linalg.lstsq(system, -residual, rcond=None)[0]
        v, multipliers = v + change[: v.size], multipliers + change[v.size :]
    return v


def _corners(a: Array, b: Array, ordering: Array, floor: float) -> Array:
    """Return solutions at the ends of each unknown's range, capped where nothing limits it."""
    corners = []
    for k in range(a.shape[1]):
        for sign in (1.0, -1.0):
            answer = linprog(
                sign * np.eye(a.shape[1])[k],
                A_ub=ordering if ordering.size else None,
                b_ub=np.zeros(len(ordering)) if ordering.size else None,
                A_eq=a,
                b_eq=b,
                bounds=(floor, 1e3),
            )
            if not answer.success:
                raise Inconsistent("no positive unknowns satisfy the totals and the order together")
            corners.append(answer.x)
    return np.asarray(corners)


def _restricted(
    a: Array, b: Array, centre: Array, spread: Array, samples: int, generator: np.random.Generator
) -> Array:
    """Sample the priors on the plane of the totals, all unknowns entering at least one."""
    if np.linalg.matrix_rank(a) < len(b):
        raise Inconsistent("the totals contradict or repeat each other")
    # Solve for the unknowns whose prior moves the totals most: the totals say most about those.
    pivots = qr(a * np.exp(centre) * spread, mode="r", pivoting=True)[1]
    solved, drawn = pivots[: len(b)], pivots[len(b) :]
    x = np.empty((samples * OVERSAMPLING, centre.size))
    x[:, drawn] = np.exp(centre[drawn] + spread[drawn] * generator.standard_normal((len(x), drawn.size)))
    x[:, solved] = np.linalg.solve(a[:, solved], (b - x[:, drawn] @ a[:, drawn].T).T).T
    positive = (x > 0).all(axis=1)
    logs = np.log(np.where(positive[:, None], x, 1.0))[:, solved]
    density = -(((logs - centre[solved]) / spread[solved]) ** 2).sum(axis=1) / 2 - logs.sum(axis=1)
    weight = np.where(positive, np.exp(density - density[positive].max(initial=-np.inf)), 0.0)
    effective = weight.sum() ** 2 / max(float((weight**2).sum()), 1e-300)
    if effective < samples:
        raise Inconsistent(
            f"totals and priors hardly overlap: {len(x)} proposals are worth {effective:.0f} draws, "
            f"expected {samples} or more"
        )
    ticks = (np.arange(samples) + generator.uniform()) / samples
    picked = np.searchsorted(np.cumsum(weight) / weight.sum(), ticks)
    rows: npt.NDArray[np.intp] = generator.permutation(np.minimum(picked, len(x) - 1))
    return x[rows]


def _extreme(a: Array, b: Array, bounds: Any, k: int, sign: int) -> float:
    """Return one end of the range of unknown k; ``bounds`` is an array (unknown, end), which the stubs do not know."""
    answer = linprog(sign * np.eye(a.shape[1])[k], A_eq=a, b_eq=b, bounds=bounds)
    if answer.status == 3:
        return np.inf * -sign
    if not answer.success:
        raise Inconsistent(f"no unknowns within the bounds satisfy the totals: {answer.message}")
    return float(answer.x[k])


def _system(matrix: xr.DataArray, totals: xr.DataArray, dim: str) -> tuple[Array, Array, Array]:
    """Return A and b with each equation scaled to a total of one, and the labels of the unknowns."""
    (equation,) = set(matrix.dims) - {dim}
    a = matrix.transpose(equation, dim).to_numpy()
    b = totals.reindex({equation: matrix[equation]}).to_numpy()
    if not (np.isfinite(a).all() and np.isfinite(b).all() and (b > 0).all()):
        raise ValueError(f"totals of {equation} must be positive and every entry of the system finite")
    return a / b[:, None], np.ones_like(b), matrix[dim].to_numpy()
