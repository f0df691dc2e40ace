"""A linear or mixed-integer programme that HiGHS keeps, changed in part and solved again from its last basis.

For many solves of one structure, objectives in order of rank, and the question what an optimum leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import highspy
import linopy
import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.methods.solver import Array, Indices, NotSolved, Programme, Report, listed, named, position

Values = float | npt.NDArray[Any] | xr.DataArray
Expression = linopy.LinearExpression | linopy.Variable | str  # a name is the variable of that name
RELATIVE = 1e-9  # differences below this share of what they are taken from are zero


class _Place:
    """Where the entries of a variable or constraint stand: linopy's labels, and the positions of those not masked."""

    def __init__(self, name: str, labels: xr.DataArray, known: npt.NDArray[np.int64]) -> None:
        at = position(known, labels.to_numpy())
        self.name, self.labels, self.kept, self.index = name, labels, at >= 0, at[at >= 0]

    def values(self, quantity: str, values: Values) -> Array:
        """Return one value an entry, matching by label; an array without labels must have the shape."""
        if isinstance(values, xr.DataArray):
            values = _aligned(f"{quantity} of {self.name}", values, self.labels)
        array = np.asarray(values, float)
        if array.ndim and array.shape != self.labels.shape:
            raise ValueError(f"{quantity} of {self.name}: expected the shape {self.labels.shape}, got {array.shape}")
        return np.asarray(np.broadcast_to(array, self.labels.shape)[self.kept])


def _aligned(what: str, values: xr.DataArray, labels: xr.DataArray) -> npt.NDArray[Any]:
    """Return values in the order of labels, refusing any that only one of the two has."""
    problems = [f"unknown dimension {dim}" for dim in values.dims if dim not in labels.dims]
    for dim in set(values.dims) & set(labels.dims):
        given, expected = values.get_index(dim), labels.get_index(dim)
        if not given.equals(expected):
            unknown, missing = given.difference(expected).tolist(), expected.difference(given).tolist()
            problems += [f"unknown {dim} {unknown}"] if unknown else []
            problems += [f"missing {dim} {missing}"] if missing else []
            problems += [f"repeated {dim}"] if not given.is_unique else []
            if not problems:
                values = values.sel({dim: expected})
    if problems:
        raise ValueError(f"{what}: {'; '.join(problems)}")
    if values.dims != labels.dims:
        values = values.broadcast_like(labels).transpose(*labels.dims)
    return np.asarray(values.to_numpy())


class Persistent:
    """A model handed to HiGHS once, to be changed and solved again.

    The model itself keeps its data and its solution; changes are made to the copy in HiGHS. Every value may be a
    number, an array of the shape that linopy shows, or a ``DataArray`` over some or all of the dims, whose labels must
    be exactly those of the model, in any order. Masked entries are skipped, as are constraints without any term. Every
    method raises a ``ValueError`` for names, labels and shapes that the model does not have.

    Parameters
    ----------
    model : linopy.Model
        Linear or mixed-integer, with a linear objective or none yet.
    **options
        Options of HiGHS, such as ``mip_rel_gap``.

    Raises
    ------
    ValueError
        If the objective is quadratic, or HiGHS does not take an option.
    """

    def __init__(self, model: linopy.Model, **options: Any) -> None:
        self._programme = Programme.of(model)
        self._highs = self._programme.highs(**options)
        columns, rows = self._programme.columns, self._programme.rows
        self._variables = {name: _Place(name, model.variables[name].labels, columns) for name in model.variables}
        self._constraints = {name: _Place(name, model.constraints[name].labels, rows) for name in model.constraints}
        self._every_column = np.arange(columns.size, dtype=np.int32)
        self._every_row = np.arange(rows.size, dtype=np.int32)
        self._sense = model.matrices.sense if rows.size else np.empty(0, "U1")
        self._unrestricted: list[Programme] = []
        self._solution: highspy.HighsSolution | None = None
        self._optimum: float | None = None

    def bounds(self, variable: str, lower: Values | None = None, upper: Values | None = None) -> None:
        """Change the bounds of a variable; None keeps a side.

        Raises
        ------
        ValueError
            For bounds that leave no value, with the labels of each.
        RuntimeError
            While restricted to an optimum, which belongs to the old bounds.
        """
        place, mine = _found("variable", variable, self._variables), self._programme
        low = mine.lower[place.index] if lower is None else place.values("lower bound", lower)
        high = mine.upper[place.index] if upper is None else place.values("upper bound", upper)
        self._check(mine.model.variables, mine.columns[place.index], low, high)
        mine.lower[place.index], mine.upper[place.index] = low, high
        self._highs.changeColsBounds(place.index.size, place.index, low, high)
        self._optimum = None

    def right_hand_side(self, constraint: str, values: Values) -> None:
        """Change the constant side of a constraint, which keeps its sign.

        Raises
        ------
        ValueError
            For values that are not a number or that nothing satisfies, with the labels of each.
        RuntimeError
            While restricted to an optimum, which belongs to the old values.
        """
        place, mine = _found("constraint", constraint, self._constraints), self._programme
        side, sign = place.values("right-hand side", values), self._sense[place.index]
        low, high = np.where(sign != "<", side, -np.inf), np.where(sign != ">", side, np.inf)
        self._check(mine.model.constraints, mine.rows[place.index], low, high)
        mine.row_lower[place.index], mine.row_upper[place.index] = low, high
        self._highs.changeRowsBounds(place.index.size, place.index, low, high)  # type: ignore[attr-defined]
        self._optimum = None

    def costs(self, variable: str, values: Values) -> None:
        """Change the objective's coefficients of a variable to finite values."""
        place, mine = _found("variable", variable, self._variables), self._programme
        cost = place.values("costs", values)
        _check_finite(f"costs of {variable}", cost)
        mine.cost[place.index] = cost
        self._highs.changeColsCost(place.index.size, place.index, cost)
        self._optimum = None

    def minimise(self, expression: Expression) -> None:
        """Replace the whole objective by a linear expression to minimise, summed over its dims, constant included."""
        columns, coefficients, constant = self._terms(expression)
        self._set_objective(self._cost(columns, coefficients), float(constant.sum()), maximise=False)

    def solve(self, presolve: bool | None = None) -> Report:
        """Solve from the last basis, or anew.

        Parameters
        ----------
        presolve : bool, optional
            None starts from the last basis, if there is one. True and False forget it and solve with or without
            presolve, as a witness of the same optimum.

        Raises
        ------
        NotSolved
            For any status but optimal; if infeasible, with the labels of the constraints or bounds in conflict.
        """
        self._solution, self._optimum = None, None
        if presolve is not None:
            self._highs.clearSolver()
        self._highs.setOptionValue("presolve", {None: "choose", True: "on", False: "off"}[presolve])
        report = self._programme.solve(self._highs)
        self._solution, self._optimum = self._highs.getSolution(), report.objective
        return report

    def value(self, variable: str) -> xr.DataArray:
        """Return a variable in the last solution, which stays readable until the next solve; NaN where masked.

        Raises
        ------
        RuntimeError
            If the last solve found no solution, or there was none.
        """
        place = _found("variable", variable, self._variables)
        full = np.full(place.labels.shape, np.nan)
        full[place.kept] = self._primal()[place.index]
        return xr.DataArray(full, place.labels.coords, place.labels.dims, variable)

    def solution(self) -> xr.Dataset:
        """Return all variables in the last solution; see :meth:`value`."""
        return xr.Dataset({name: self.value(name) for name in self._variables})

    def evaluate(self, expression: Expression) -> xr.DataArray:
        """Return an expression's value in the last solution, over the dims of the expression; see :meth:`value`."""
        columns, coefficients, constant = self._terms(expression)
        values = np.append(self._primal(), 0.0)[columns]
        return constant.copy(data=constant.to_numpy() + (coefficients * values).sum(axis=-1))

    def restrict_to_optimum(self) -> None:
        """Admit optimal solutions only, of the objective just solved, until :meth:`release`.

        By complementary slackness with the dual solution (y, d) at hand, the optimal face of a linear programme is

            {x feasible : x_j at its bound where d_j != 0, row i at its bound where y_i != 0},

        whichever optimal dual is taken: fixing bounds meets it exactly, adds no row, and the objective cannot move. A
        dual is zero if it is below 1e-9 of the terms that cancel in it: d_j of |c_j| + sum_i |a_ij y_i|, and y_i of
        this sum in each of its columns. The rule depends on no unit; HiGHS itself ignores reduced costs below 1e-7.

        A mixed-integer programme has no such duals. It gets the row ``objective <= optimum + 1e-9 max(|optimum|, 1)``
        instead (``>=`` when maximising); the optimum is known up to ``mip_rel_gap`` only, which is best set to zero.

        Raises
        ------
        RuntimeError
            If the programme was changed since it was last solved to optimality.
        """
        if self._solution is None or self._optimum is None:
            raise RuntimeError("there is no optimum to restrict to: solve first, after the last change")
        mine = self._programme
        self._unrestricted.append(mine)
        if mine.kinds.any():
            reach = self._optimum - mine.constant
            slack = RELATIVE * max(abs(self._optimum), 1.0)
            side = (reach - slack, np.inf) if mine.maximise else (-np.inf, reach + slack)
            used = np.flatnonzero(mine.cost).astype(np.int32)
            self._highs.addRow(*side, used.size, used, mine.cost[used])
            return
        columns, rows = _tight(mine, self._solution)
        value = np.clip(self._primal(), mine.lower, mine.upper)
        activity = np.clip(np.asarray(self._solution.row_value, float), mine.row_lower, mine.row_upper)
        self._set_bounds(
            np.where(columns, value, mine.lower),
            np.where(columns, value, mine.upper),
            np.where(rows, activity, mine.row_lower),
            np.where(rows, activity, mine.row_upper),
        )

    def release(self) -> None:
        """Undo the last :meth:`restrict_to_optimum`, of which there must be one, keeping the objective as it is now."""
        if not self._unrestricted:
            raise RuntimeError("there is no restriction to release")
        free = self._unrestricted.pop()
        if free.kinds.any():
            self._highs.deleteRows(1, np.array([self._highs.getNumRow() - 1], np.int32))
        else:
            self._set_bounds(free.lower, free.upper, free.row_lower, free.row_upper)
        self._optimum = None

    def _check(self, container: Any, labels: npt.NDArray[np.int64], low: Array, high: Array) -> None:
        """Refuse bounds that leave no value, and any while restricted to an optimum."""
        wrong = np.flatnonzero(~((low <= high) & (low < np.inf) & (high > -np.inf)))
        if wrong.size:
            lines = [f"  {named(container, labels[i])}: from {low[i]:.6g} to {high[i]:.6g}" for i in wrong[:10]]
            raise ValueError(f"no value is left to\n{listed(lines, wrong.size)}")
        if self._unrestricted:
            raise RuntimeError("bounds and right-hand sides belong to the optimum restricted to: release it first")

    def _primal(self) -> Array:
        """Return the values of all columns in the last solution."""
        if self._solution is None:
            raise RuntimeError("there is no solution to read: solve first")
        return np.asarray(self._solution.col_value, float)

    def _terms(self, expression: Expression) -> tuple[Indices, Array, xr.DataArray]:
        """Return columns (-1 for none) and coefficients of an expression, terms last, and each entry's constant."""
        model = self._programme.model
        if isinstance(expression, str):
            _found("variable", expression, self._variables)
            expression = model.variables[expression]
        if isinstance(expression, linopy.Variable):
            expression = 1 * expression
        if not isinstance(expression, linopy.LinearExpression) or expression.model is not model:
            raise ValueError("expected a linear expression of the model's own variables")
        labels = expression.vars.transpose(..., "_term")
        columns = position(self._programme.columns, labels.to_numpy())
        if np.any((columns < 0) & (labels.to_numpy() >= 0)):
            raise ValueError("the expression has variables that were added to the model later")
        coefficients = np.where(columns < 0, 0.0, expression.coeffs.transpose(*labels.dims).to_numpy())
        _check_finite("coefficients of the expression", coefficients)
        return columns, coefficients, expression.const.transpose(*labels.dims[:-1]).fillna(0.0)

    def _cost(self, columns: Indices, coefficients: Array) -> Array:
        """Return the cost of every column, terms of one column added up."""
        used = columns >= 0
        return np.asarray(np.bincount(columns[used], coefficients[used], self._every_column.size), float)

    def _set_objective(self, cost: Array, constant: float, maximise: bool) -> None:
        """Replace cost, constant and sense."""
        self._programme = replace(self._programme, cost=cost, constant=constant, maximise=maximise)
        self._highs.changeColsCost(cost.size, self._every_column, cost)
        self._highs.changeObjectiveOffset(constant)
        self._highs.changeObjectiveSense(highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize)
        self._optimum = None

    def _set_bounds(self, lower: Array, upper: Array, row_lower: Array, row_upper: Array) -> None:
        """Replace the bounds of all columns and rows."""
        self._programme = replace(self._programme, lower=lower, upper=upper, row_lower=row_lower, row_upper=row_upper)
        self._highs.changeColsBounds(lower.size, self._every_column, lower, upper)
        self._highs.changeRowsBounds(row_lower.size, self._every_row, row_lower, row_upper)  # type: ignore[attr-defined]

    def _least(self, cost: Array) -> float:
        """Return the least value of a linear form, -inf if there is none."""
        self._set_objective(cost, 0.0, maximise=False)
        try:
            return self.solve().objective
        except NotSolved as error:
            if error.status != "unbounded":
                raise
            return -np.inf


def lexicographic(persistent: Persistent, objectives: Sequence[Expression]) -> list[float]:
    """Minimise objectives in order of rank, each among the optima of those before.

        z_1 = min f_1(x),   z_2 = min f_2(x) with f_1(x) = z_1,   ...

    Parameters
    ----------
    persistent : Persistent
        Keeps the last objective; its last solution, which attains all the values, stays readable. Restrictions made
        on the way are released.
    objectives : sequence of linopy.LinearExpression
        From first to last rank, constants included.

    Returns
    -------
    list of float
        The values z_1, z_2, ...

    Raises
    ------
    NotSolved
        From :meth:`Persistent.solve`.
    """
    values: list[float] = []
    with ExitStack() as restrictions:
        for objective in objectives:
            if values:
                persistent.restrict_to_optimum()
                restrictions.callback(persistent.release)
            persistent.minimise(objective)
            values.append(persistent.solve().objective)
    return values


def ranges(persistent: Persistent, target: Expression) -> xr.Dataset:
    """Return how far each entry of a variable or expression can move at no loss to the objective last solved.

        low = min v(x),  high = max v(x)   over the optimal solutions x

    Two programmes an entry, each from the basis of the one before; objective and last solution are kept.

    Parameters
    ----------
    persistent : Persistent
        Solved, and unchanged since.
    target : str, linopy.Variable or linopy.LinearExpression
        Name of a variable, a variable or an expression.

    Returns
    -------
    xr.Dataset
        ``low`` and ``high`` over the dims of the target, infinite where nothing limits them, NaN where masked.

    Raises
    ------
    RuntimeError
        From :meth:`Persistent.restrict_to_optimum`.
    """
    columns, coefficients, constant = persistent._terms(target)
    found = np.full((2, constant.size), np.nan)
    persistent.restrict_to_optimum()
    mine, solution, optimum = persistent._programme, persistent._solution, persistent._optimum
    entries = zip(columns.reshape(constant.size, -1), coefficients.reshape(constant.size, -1), strict=True)
    try:
        for entry, (where, coefficient) in enumerate(entries):
            if (where >= 0).any():
                cost = persistent._cost(where, coefficient)
                found[:, entry] = persistent._least(cost), -persistent._least(-cost)
    finally:
        persistent.release()
        persistent._set_objective(mine.cost, mine.constant, mine.maximise)
        persistent._solution, persistent._optimum = solution, optimum
    return xr.Dataset(dict(zip(("low", "high"), (constant + x.reshape(constant.shape) for x in found), strict=True)))


def _found(kind: str, name: str, places: dict[str, _Place]) -> _Place:
    """Return the place of a name."""
    if name not in places:
        raise ValueError(f"there is no {kind} {name}, only {', '.join(places)}")
    return places[name]


def _check_finite(what: str, values: Array) -> None:
    """Refuse values that are not finite."""
    if not np.isfinite(values).all():
        raise ValueError(f"{what} must be finite, got {np.unique(values[~np.isfinite(values)]).tolist()}")


def _tight(programme: Programme, solution: highspy.HighsSolution) -> tuple[npt.NDArray[np.bool_], ...]:
    """Return the columns and rows that every optimum has at a bound: those with a dual other than zero."""
    reduced, dual = np.abs(solution.col_dual), np.abs(solution.row_dual)
    shares = abs(programme.matrix).multiply(dual[:, None]).tocsc()
    terms = np.abs(programme.cost) + np.asarray(shares.sum(axis=0)).ravel()
    share = shares.data / np.repeat(np.where(terms > 0, terms, 1.0), np.diff(shares.indptr))
    return reduced > RELATIVE * terms, np.isin(np.arange(dual.size), shares.indices[share > RELATIVE])
