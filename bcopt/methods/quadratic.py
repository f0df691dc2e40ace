"""A convex quadratic programme, changed in part and solved again: a sparse interior point method on linopy's arrays."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

import linopy
import numpy as np
import scipy.sparse
import xarray as xr

from bcopt.methods.interior_point import LEAST, Matrix, Standard
from bcopt.methods.places import Values, check_bounds, place_of, places
from bcopt.methods.solver import Array, Indices, NotSolved, Programme, Report

ACCEPTED = 1e-8  # where rounding allows no progress to the above


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
        others = np.ones(self._hessian.shape[0], bool)
        others[place.index] = False
        was = self._hessian.tocoo()
        kept = others[was.row] & others[was.col]
        rows, columns = (np.concatenate([x[kept], place.index]) for x in (was.row, was.col))
        values = np.concatenate([was.data[kept], bent])
        self._hessian = scipy.sparse.csc_matrix((values, (rows, columns)), self._hessian.shape)

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
        x, price, worst = Standard.of(mine, self._hessian).solve()
        if worst > ACCEPTED:
            linear = replace(mine, cost=np.zeros(mine.cost.size))
            linear.solve(linear.highs())
            if _falls_forever(mine, self._hessian):
                raise NotSolved("unbounded")
            raise NotSolved("not solved to the tolerance", f"  a residual of {worst:.3g}, {ACCEPTED:g} is accepted")
        self._last = x, price
        objective = float(mine.cost @ x + x @ (self._hessian @ x) / 2 + mine.constant)
        return Report.optimal(objective, objective, time.perf_counter() - start)

    def bound(self, binary: str, curved: str, points: xr.DataArray) -> tuple[float, xr.DataArray]:
        """Bound the optimum from below where a variable may be 0 or 1, by tangents in place of the curvature.

            min  cost x + sum_j s_j   subject to   s_j >= Q_jj p (x_j - p / 2)  for all points p of j,   s_j >= 0

        Outer approximation alternates this mixed-integer programme with :meth:`solve`, at whose solution the next
        tangents touch. Bounds of the binary variable are those of :meth:`solve` alone.

        Parameters
        ----------
        binary : str
            Variable to be 0 or 1.
        curved : str
            Variable that alone has curvature, without products.
        points : xr.DataArray, dims (tangent, ...)
            Values of that variable at which tangents touch.

        Returns
        -------
        bound : float
            Proved, of the objective.
        proposed : xr.DataArray
            The binary variable, 0 or 1, at which the bound is met.

        Raises
        ------
        ValueError
            For curvature elsewhere.
        NotSolved
            As :func:`bcopt.methods.solver.solve`.

        References
        ----------
        Duran, Grossmann (1986), Mathematical Programming 36, 307-339, https://doi.org/10.1007/BF02592064.
        """
        whole, at = (place_of("variable", name, self._variables) for name in (binary, curved))
        bent = self._hessian.diagonal()[at.index]
        if np.count_nonzero(bent) != self._hessian.count_nonzero():
            raise ValueError(f"expected curvature of {curved} alone, without products")
        touch = np.array([at.finite("tangents", point) for point in points.transpose("tangent", ...)])
        mixed = _with_tangents(self._programme, at.index, bent, touch)
        mixed.lower[whole.index], mixed.upper[whole.index], mixed.kinds[whole.index] = 0.0, 1.0, 1
        highs = mixed.highs(mip_rel_gap=0.0, mip_abs_gap=1e-7)
        report = mixed.solve(highs)
        return report.bound, whole.read(highs.getSolution().col_value).round()

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


def _with_tangents(mine: Programme, curved: Indices, bent: Array, touch: Array) -> Programme:
    """Return a linear programme with a further column s for each curved one, bounded from below by tangents.

    Parameters
    ----------
    mine : Programme
        Without the curvature.
    curved, bent : array, dims (column)
        Columns and their curvature.
    touch : array, dims (tangent, column)
        Their values at which tangents touch.
    """
    count, size, number = mine.columns.size, curved.size, touch.size
    place, unnamed = np.arange(number) % max(size, 1), np.full(max(size, number), -1)
    slopes = -(bent * touch).ravel(), (np.arange(number), curved[place])
    tangents = scipy.sparse.csc_matrix(slopes, (number, count))
    worth = scipy.sparse.csc_matrix((np.ones(number), (np.arange(number), place)), (number, size))
    blocks: Any = [[mine.matrix, None], [tangents, worth]]
    return replace(
        mine,
        columns=np.concatenate([mine.columns, unnamed[:size]]),
        rows=np.concatenate([mine.rows, unnamed[:number]]),
        cost=np.concatenate([mine.cost, np.ones(size)]),
        lower=np.concatenate([mine.lower, np.zeros(size)]),
        upper=np.concatenate([mine.upper, np.full(size, np.inf)]),
        row_lower=np.concatenate([mine.row_lower, -(bent * touch**2 / 2).ravel()]),
        row_upper=np.concatenate([mine.row_upper, np.full(number, np.inf)]),
        matrix=scipy.sparse.csc_matrix(scipy.sparse.bmat(blocks)),
        kinds=np.concatenate([mine.kinds, np.zeros(size, mine.kinds.dtype)]),
    )
