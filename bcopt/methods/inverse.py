"""Unknown coefficients behind published totals: what the totals fix, what priors add, and one point to compute with.

The totals are linear in the unknowns, ``A x = b`` with ``x > 0`` and fewer equations than unknowns. Then any of three
questions has an answer: between which values each unknown can lie at all (two linear programmes an unknown); how likely
the values between are, given log-normal priors (the prior density restricted to the solutions of ``A x = b``); and
which solution is nearest to the priors.
"""

from __future__ import annotations

from collections.abc import Sequence

import emcee
import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.linalg import null_space
from scipy.optimize import LinearConstraint, linprog, minimize

Array = npt.NDArray[np.float64]

WALKERS = 64
BURN_IN = 400
THINNING = 10


class Inconsistent(ValueError):  # noqa: N818 (reads as a state)
    """Totals, bounds and order that no positive coefficients satisfy together."""


def feasible_range(
    matrix: xr.DataArray, totals: xr.DataArray, dim: str, lower: xr.DataArray | float = 0.0, upper: xr.DataArray | float = np.inf
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
    bounds = np.column_stack([np.broadcast_to(lower, labels.shape), np.broadcast_to(upper, labels.shape)])
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

    sampled in coordinates of the null space of A by an affine-invariant ensemble, which needs no step size. Unknowns that
    enter no total are drawn from their priors.

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
        If no positive unknowns satisfy the totals.
    ValueError
        If a median is not positive or a standard deviation not above 1.

    References
    ----------
    Goodman & Weare (2010), https://doi.org/10.2140/camcos.2010.5.65; emcee, https://doi.org/10.1086/670067.
    """
    a, b, labels = _system(matrix, totals, dim)
    centre = np.log(median.reindex({dim: labels}).to_numpy())
    spread = np.log(geometric_sd.reindex({dim: labels}).to_numpy())
    if not (np.isfinite(centre).all() and (spread > 0).all()):
        raise ValueError(f"priors of {dim} need positive medians and geometric standard deviations above 1")
    generator = np.random.default_rng(seed)
    drawn = np.exp(centre + spread * generator.standard_normal((samples, labels.size)))
    bound = np.abs(a).sum(axis=0) > 0
    drawn[:, bound] = _restricted(a[:, bound], b, centre[bound], spread[bound], samples, seed, generator)
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
    """Minimise the scaled log-ratios over the solutions of the totals that keep the order, from several starts."""
    floor = 1e-6
    starts = _corners(a, b, ordering, floor)
    constraints = [LinearConstraint(a, b, b)]
    if ordering.size:
        constraints.append(LinearConstraint(ordering, -np.inf, 0.0))
    best: tuple[float, Array] | None = None
    for start in [starts.mean(axis=0), *(0.5 * (starts.mean(axis=0) + corner) for corner in starts)]:
        answer = minimize(
            lambda u: float(((np.log(u) / s) ** 2).sum()),
            start,
            jac=lambda u: 2 * np.log(u) / (s**2 * u),
            method="SLSQP",
            bounds=[(floor, None)] * a.shape[1],
            constraints=constraints,
            options={"ftol": 1e-14, "maxiter": 500},
        )
        if answer.success and (best is None or answer.fun < best[0] - 1e-12):
            best = (float(answer.fun), answer.x)
    if best is None:
        raise Inconsistent("no start led to a solution of the totals that keeps the order")
    u = best[1]
    return u + np.linalg.pinv(a) @ (b - a @ u)


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
                bounds=[(floor, 1e3)] * a.shape[1],
            )
            if not answer.success:
                raise Inconsistent("no positive unknowns satisfy the totals and the order together")
            corners.append(answer.x)
    return np.asarray(corners)


def _restricted(
    a: Array, b: Array, centre: Array, spread: Array, samples: int, seed: int, generator: np.random.Generator
) -> Array:
    """Sample the priors on the plane of the totals, all unknowns entering at least one."""
    m = np.exp(centre)
    scaled = a * m
    basis = null_space(scaled)
    corners = _corners(scaled, b, np.empty((0, m.size)), 1e-9)
    origin = corners.mean(axis=0)

    def log_density(coordinates: Array) -> Array:
        u = origin + coordinates @ basis.T
        inside = (u > 0).all(axis=1)
        logs = np.log(np.where(u > 0, u, 1.0))
        return np.where(inside, -((logs / spread) ** 2).sum(axis=1) / 2 - logs.sum(axis=1), -np.inf)

    weights = generator.dirichlet(np.ones(len(corners)), WALKERS)
    start = (0.5 * origin + 0.5 * weights @ corners - origin) @ basis
    sampler = emcee.EnsembleSampler(WALKERS, basis.shape[1], log_density, vectorize=True)
    state = emcee.State(start, random_state=np.random.RandomState(seed).get_state())  # noqa: NPY002 (what emcee takes)
    state = sampler.run_mcmc(state, BURN_IN, store=False)
    steps = -(-samples // WALKERS)
    sampler.run_mcmc(state, steps * THINNING, thin_by=1, store=True)
    chain: Array = sampler.get_chain(flat=True, thin=THINNING)[:samples]
    return (origin + chain @ basis.T) * m


def _extreme(a: Array, b: Array, bounds: Array, k: int, sign: int) -> float:
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
