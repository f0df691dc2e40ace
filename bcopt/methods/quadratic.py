"""A convex quadratic programme, changed in part and solved again: a sparse interior point method on linopy's arrays."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, cast

import linopy
import numpy as np
import numpy.typing as npt
import scipy.sparse
import scipy.sparse.linalg
import xarray as xr

from bcopt.methods.places import Values, check_bounds, place_of, places
from bcopt.methods.solver import Array, NotSolved, Programme, Report

Matrix = scipy.sparse.csc_matrix

TOLERANCE = 1e-10  # of residuals and of the gap, relative to the data
ACCEPTED = 1e-8  # where rounding allows no progress to the above
LEAST = 1e-6  # objectives below this, relative to the largest possible, are taken as this
REGULAR = 1e-9  # on the diagonal of the Newton matrix; refinement removes its effect
LIMIT = 100  # Newton steps; 15 to 25 are usual
BACK = 0.995  # share of the way to the nearest bound that a step may go


class PersistentQuadratic:
    """A convex quadratic programme read once, to be changed and solved again.

        min  1/2 x' Q x + cost x   subject to   row_lower <= A x <= row_upper,  lower <= x <= upper

    The model keeps its data and its solution; changes are made to a copy of its arrays. Every value may be a number, an
    array of the shape that linopy shows, or a ``DataArray`` over some or all of the dims, whose labels must be exactly
    those of the model, in any order. Masked entries are skipped; names, labels and shapes that the model does not have
    raise a ``ValueError``. Each solve starts anew, so that the answer depends on the data alone and not on the solves
    before; where the optimum is not unique, it lies in the middle of the optimal face.

    Parameters
    ----------
    model : linopy.Model
        Continuous, to be minimised, with a linear or convex quadratic objective.

    Raises
    ------
    ValueError
        For integer variables, or an objective to be maximised.

    Notes
    -----
    The active-set method for quadratic programmes of HiGHS 1.15 adds 1e-7 to the curvatures. In a dispatch of three
    consumers this raises the optimum by a share of 4e-8 and moves variables by up to 3 kW; made smaller, the method
    cycles, which it also does on some provider's steps as it is.

    References
    ----------
    Mehrotra (1992), https://doi.org/10.1137/0802028; Altman, Gondzio (1999), Regularized symmetric indefinite systems
    in interior point methods, https://doi.org/10.1080/10556789908805754.
    """

    def __init__(self, model: linopy.Model) -> None:
        programme = Programme.of(model, objective=False)
        if programme.kinds.any() or model.objective.sense == "max":
            raise ValueError("expected continuous variables and an objective to minimise")
        matrices = model.matrices
        hessian = scipy.sparse.csc_matrix((programme.columns.size,) * 2)
        if model.is_quadratic:
            hessian = scipy.sparse.csc_matrix(cast("Matrix", matrices.Q))
        self._programme = replace(programme, cost=np.array(matrices.c, float))
        self._hessian = hessian
        self._variables = places(model.variables, programme.columns)
        self._constraints = places(model.constraints, programme.rows)
        self._last: tuple[Array, Array] | None = None

    def costs(self, variable: str, values: Values) -> None:
        """Change the linear coefficients of a variable in the objective."""
        place = place_of("variable", variable, self._variables)
        self._programme.cost[place.index] = place.finite("costs", values)

    def curvature(self, variable: str, values: Values) -> None:
        """Replace a variable's second derivatives, which must not be negative; products with others are dropped."""
        place = place_of("variable", variable, self._variables)
        bent = place.finite("curvature", values)
        if (bent < 0).any():
            raise ValueError(f"curvature of {variable}: expected none below zero, got {bent.min():g}")
        kept = np.ones(self._hessian.shape[0])
        kept[place.index] = 0.0
        added = np.zeros(kept.size)
        added[place.index] = bent
        keep = scipy.sparse.diags(kept)
        self._hessian = scipy.sparse.csc_matrix(keep @ self._hessian @ keep + scipy.sparse.diags(added))

    def bounds(self, variable: str, lower: Values | None = None, upper: Values | None = None) -> None:
        """Change the bounds of a variable; None keeps a side."""
        place, mine = place_of("variable", variable, self._variables), self._programme
        low = mine.lower[place.index] if lower is None else place.values("lower bound", lower)
        high = mine.upper[place.index] if upper is None else place.values("upper bound", upper)
        check_bounds(mine.model.variables, mine.columns[place.index], low, high)
        mine.lower[place.index], mine.upper[place.index] = low, high

    def right_hand_side(self, constraint: str, values: Values) -> None:
        """Change the constant side of a constraint, which keeps its sign."""
        place, mine = place_of("constraint", constraint, self._constraints), self._programme
        side, at = place.finite("right-hand side", values), place.index
        mine.row_lower[at] = np.where(np.isfinite(mine.row_lower[at]), side, -np.inf)
        mine.row_upper[at] = np.where(np.isfinite(mine.row_upper[at]), side, np.inf)

    def solve(self) -> Report:
        """Solve from the start.

        Raises
        ------
        NotSolved
            For any status but optimal: infeasible, with the labels of the constraints or bounds in conflict; unbounded;
            or, of a programme that is neither, not solved to the tolerance, with the residual that is left.
        """
        start, mine = time.perf_counter(), self._programme
        self._last = None
        x, price, worst = _Standard.of(mine, self._hessian).solve()
        if worst > ACCEPTED:
            linear = replace(mine, cost=np.zeros(mine.cost.size))
            linear.solve(linear.highs())
            if _falls_forever(mine, self._hessian):
                raise NotSolved("unbounded")
            raise NotSolved("not solved to the tolerance", f"  a residual of {worst:.3g}, {ACCEPTED:g} is accepted")
        self._last = x, price
        objective = float(mine.cost @ x + x @ (self._hessian @ x) / 2 + mine.constant)
        return Report.optimal(objective, objective, time.perf_counter() - start)

    def value(self, variable: str) -> xr.DataArray:
        """Return a variable in the last solution, NaN where masked."""
        return place_of("variable", variable, self._variables).read(self._solution()[0])

    def dual(self, constraint: str) -> xr.DataArray:
        """Return a constraint's shadow prices, the optimum's derivative by the right-hand side; NaN where masked."""
        return place_of("constraint", constraint, self._constraints).read(self._solution()[1])

    def _solution(self) -> tuple[Array, Array]:
        """Return the columns and the rows' shadow prices of the last solution."""
        if self._last is None:
            raise RuntimeError("there is no solution to read: solve first")
        return self._last


def _falls_forever(mine: Programme, hessian: Matrix) -> bool:
    """Say whether the objective of a feasible programme falls along a ray: no bound ends it, and it has no curvature.

    Of the rays d with row_lower and row_upper of A d, and lower and upper of d, zero where they are finite, and with
    Q d = 0, within a box, the steepest is found.
    """

    def ray(bound: Array, else_: float) -> Array:
        return np.where(np.isfinite(bound), 0.0, else_)

    flat, size = np.zeros(mine.cost.size), max(float(np.abs(hessian.data).max(initial=0.0)), LEAST)
    steepest = replace(
        mine,
        rows=np.arange(mine.rows.size + flat.size),
        cost=mine.cost / (np.abs(mine.cost).max(initial=0.0) or 1.0),
        lower=ray(mine.lower, -1.0),
        upper=ray(mine.upper, 1.0),
        row_lower=np.concatenate([ray(mine.row_lower, -np.inf), flat]),
        row_upper=np.concatenate([ray(mine.row_upper, np.inf), flat]),
        matrix=scipy.sparse.csc_matrix(scipy.sparse.vstack([mine.matrix, hessian / size])),
        constant=0.0,
    )
    return steepest.solve(steepest.highs()).objective < -LEAST


@dataclass(frozen=True, eq=False)
class _Standard:
    """min 1/2 v' Q v + c v  subject to  A v = b, G v + h >= 0: columns and the rows that are no equality, scaled.

    ``G`` picks the columns with a finite lower bound, and with minus one those with a finite upper bound.
    """

    programme: Programme
    free: npt.NDArray[np.intp]
    hessian: Matrix
    cost: Array
    matrix: Matrix
    side: Array
    bounded: Matrix
    offset: Array
    start: Array
    size: float
    worth: float
    rows: Array

    @classmethod
    def of(cls, mine: Programme, hessian: Matrix) -> _Standard:
        """Bring a programme to this form, in units of its largest bound, cost and coefficients."""
        unequal = np.flatnonzero(mine.row_lower < mine.row_upper)
        rows = np.ones(mine.rows.size)
        np.maximum.at(rows, mine.matrix.indices, np.abs(mine.matrix.data))
        free = np.flatnonzero(mine.lower < mine.upper)
        set_to = np.where(mine.lower < mine.upper, 0.0, mine.lower)
        slack = scipy.sparse.csc_matrix(
            (-np.ones(unequal.size), (unequal, np.arange(unequal.size))), (mine.rows.size, unequal.size)
        )
        lower = np.concatenate([mine.lower[free], mine.row_lower[unequal]])
        upper = np.concatenate([mine.upper[free], mine.row_upper[unequal]])
        side = np.where(mine.row_lower == mine.row_upper, mine.row_lower, 0.0) - mine.matrix @ set_to
        finite = np.concatenate([[1.0], np.abs(side), *(np.abs(x[np.isfinite(x)]) for x in (lower, upper))])
        size = float(finite.max())
        entries: Any = hessian
        curved = scipy.sparse.csc_matrix(entries[free][:, free])
        cost = (mine.cost + hessian @ set_to)[free]
        worth = max(float(np.abs(cost).max(initial=0)), size * float(np.abs(curved.data).max(initial=0))) or 1.0
        below, above = np.flatnonzero(np.isfinite(lower)), np.flatnonzero(np.isfinite(upper))
        scale = scipy.sparse.diags(1 / rows)
        return cls(
            mine,
            free,
            scipy.sparse.block_diag([curved * (size / worth), scipy.sparse.csc_matrix((unequal.size,) * 2)], "csc"),
            np.concatenate([cost / worth, np.zeros(unequal.size)]),
            scipy.sparse.csc_matrix(scale @ scipy.sparse.hstack([mine.matrix[:, free], slack])),
            side / rows / size,
            _picking(below, above, lower.size),
            np.concatenate([-lower[below], upper[above]]) / size,
            np.clip(np.zeros(lower.size), lower, upper) / size,
            size,
            worth,
            rows,
        )

    def solve(self) -> tuple[Array, Array, float]:
        """Return columns and rows' shadow prices where Mehrotra's method leaves the least residual, and this."""
        v, y = self.start, np.zeros(self.side.size)
        p = np.maximum(self.bounded @ v + self.offset, 0.1)
        q = np.ones(p.size)
        best, found = float(np.inf), (v, y)
        for _ in range(LIMIT):
            gradient = self.hessian @ v + self.cost - self.matrix.T @ y - self.bounded.T @ q
            miss, gap = self.bounded @ v + self.offset - p, p @ q / max(p.size, 1)
            unmet = self.side - self.matrix @ v
            worth = max(abs(self.cost @ v), abs(v @ (self.hessian @ v)) / 2)  # of the two, which may cancel
            worst = max(*(np.abs(r).max(initial=0.0) for r in (gradient, miss, unmet)), p @ q / max(worth, LEAST))
            if not np.isfinite(worst):
                break
            if worst < best:
                best, found = worst, (v, y)
            if worst <= TOLERANCE:
                break
            newton = _Newton.of(self, q / p)
            dv, dy = newton.solve(-gradient - self.bounded.T @ (q + q / p * miss), unmet)
            dp = self.bounded @ dv + miss
            dq = -q - q / p * dp
            length = _length(p, q, dp, dq)
            ahead = (p + length * dp) @ (q + length * dq) / max(p.size, 1)
            wanted = (gap * (ahead / gap) ** 3 - p * q - dp * dq) / p if gap else -q
            dv, dy = newton.solve(-gradient + self.bounded.T @ (wanted - q / p * miss), unmet)
            dp = self.bounded @ dv + miss
            dq = wanted - q / p * dp
            length = BACK * _length(p, q, dp, dq)
            v, y, p, q = v + length * dv, y + length * dy, p + length * dp, q + length * dq
        return *self._unscaled(*found), best

    def _unscaled(self, v: Array, y: Array) -> tuple[Array, Array]:
        mine = self.programme
        x = mine.lower.copy()
        x[self.free] = np.clip(v[: self.free.size] * self.size, mine.lower[self.free], mine.upper[self.free])
        return x, y * self.worth / self.rows


@dataclass(frozen=True, eq=False)
class _Newton:
    """The symmetric matrix of a Newton step, in factors."""

    matrix: Matrix
    factors: scipy.sparse.linalg.SuperLU
    columns: int

    @classmethod
    def of(cls, standard: _Standard, ratio: Array) -> _Newton:
        barrier = standard.bounded.T @ scipy.sparse.diags(ratio) @ standard.bounded
        coupling = standard.matrix
        blocks: Any = [[-(standard.hessian + barrier), coupling.T], [coupling, None]]
        matrix = scipy.sparse.csc_matrix(scipy.sparse.bmat(blocks))
        columns, rows = coupling.shape[1], coupling.shape[0]
        shift = scipy.sparse.diags(np.concatenate([np.full(columns, -REGULAR), np.full(rows, REGULAR)]))
        factors = scipy.sparse.linalg.splu(
            scipy.sparse.csc_matrix(matrix + shift),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        return cls(matrix, factors, columns)

    def solve(self, first: Array, second: Array) -> tuple[Array, Array]:
        """Return dv and dy of (Q + D) dv - A' dy = first, A dv = second."""
        right = np.concatenate([-first, second])
        found = self.factors.solve(right)
        for _ in range(2):
            found = found + self.factors.solve(right - self.matrix @ found)
        return found[: self.columns], found[self.columns :]


def _length(p: Array, q: Array, dp: Array, dq: Array) -> float:
    """Return the longest step up to one that keeps slacks and prices from falling below zero."""
    return float(1 / max(1.0, (-dp / p).max(initial=0.0), (-dq / q).max(initial=0.0)))


def _picking(below: npt.NDArray[np.intp], above: npt.NDArray[np.intp], columns: int) -> Matrix:
    """Return the matrix that picks some columns, and with minus one others."""
    signs = np.concatenate([np.ones(below.size), -np.ones(above.size)])
    where = np.concatenate([below, above])
    return scipy.sparse.csc_matrix((signs, (np.arange(where.size), where)), (where.size, columns))
