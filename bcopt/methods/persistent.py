"""A linear or mixed-integer programme that HiGHS keeps, changed in part and solved again from a basis it had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import highspy
import linopy
import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.methods.places import Container, Labels, Values, check_bounds, check_finite, place_of, places
from bcopt.methods.solver import Array, Indices, Programme, Report, position

RELATIVE = 1e-9  # differences below this share of what they are taken from are zero


@dataclass(frozen=True, eq=False)
class Objective:
    """A sum ``cost x + constant`` over the columns with these labels, read once by :meth:`Persistent.compiled`."""

    columns: npt.NDArray[np.int64]
    cost: Array
    constant: float

    def __neg__(self) -> Objective:
        return Objective(self.columns, -self.cost, -self.constant)


Expression = linopy.LinearExpression | linopy.Variable | Objective | str  # a name is the variable of that name


class Persistent:
    """A model handed to HiGHS once, to be changed and solved again.

    The model itself keeps its data and its solution; changes are made to the copy in HiGHS. Every value may be a
    number, an array of the shape that linopy shows, or a ``DataArray`` over some or all of the dims, whose labels must
    be exactly those of the model, in any order. Masked entries are skipped, as are constraints without any term. Every
    method raises a ``ValueError`` for names, labels and shapes that the model does not have; those that read the last
    solution, which lasts until the next solve, raise a ``RuntimeError`` where there is none.

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
        self._variables, self._constraints = places(model.variables, columns), places(model.constraints, rows)
        self._every_column = np.arange(columns.size, dtype=np.int32)
        self._sense = model.matrices.sense if rows.size else np.empty(0, "U1")
        self._read_matrix()
        self._start: highspy.HighsBasis | None = None
        self._unrestricted: list[tuple[Programme, highspy.HighsBasis | None]] = []
        self._last: tuple[Report, highspy.HighsSolution, highspy.HighsBasis] | None = None
        self._changed = True

    def bounds(self, variable: str, lower: Values | None = None, upper: Values | None = None) -> None:
        """Change the bounds of a variable; None keeps a side.

        Raises
        ------
        ValueError
            For bounds that leave no value, with the labels of each.
        RuntimeError
            While restricted to an optimum, which belongs to the old bounds.
        """
        place, mine = place_of("variable", variable, self._variables), self._programme
        low = mine.lower[place.index] if lower is None else place.values("lower bound", lower)
        high = mine.upper[place.index] if upper is None else place.values("upper bound", upper)
        self._check(mine.model.variables, mine.columns[place.index], low, high)
        mine.lower[place.index], mine.upper[place.index] = low, high
        self._highs.changeColsBounds(place.index.size, place.index, low, high)
        self._changed = True

    def right_hand_side(self, constraint: str, values: Values) -> None:
        """Change the constant side of a constraint, which keeps its sign.

        Raises
        ------
        ValueError
            For values that are not a number or that nothing satisfies, with the labels of each.
        RuntimeError
            While restricted to an optimum, which belongs to the old values.
        """
        place, mine = place_of("constraint", constraint, self._constraints), self._programme
        side, sign = place.values("right-hand side", values), self._sense[place.index]
        low, high = np.where(sign != "<", side, -np.inf), np.where(sign != ">", side, np.inf)
        self._check(mine.model.constraints, mine.rows[place.index], low, high)
        mine.row_lower[place.index], mine.row_upper[place.index] = low, high
        self._highs.changeRowsBounds(place.index.size, place.index, low, high)  # type: ignore[attr-defined]
        self._changed = True

    def coefficients(self, constraint: str, variable: str, values: Values) -> None:
        """Change the coefficients of a variable in a constraint of a single row to finite values.

        Raises
        ------
        ValueError
            If the constraint has more than one row.
        RuntimeError
            While restricted to an optimum, which belongs to the old coefficients.
        """
        row, mine = place_of("constraint", constraint, self._constraints).index, self._programme
        if row.size != 1:
            raise ValueError(f"coefficients of {constraint}: expected a constraint of one row, got {row.size}")
        self._check_released()
        place = place_of("variable", variable, self._variables)
        new = place.finite(f"coefficients in {constraint}", values)
        matrix = mine.matrix.tolil()
        matrix[row[0], place.index] = new
        self._programme = replace(mine, matrix=matrix.tocsc())
        self._read_matrix()
        for column, value in zip(place.index.tolist(), new.tolist(), strict=True):
            self._highs.changeCoeff(int(row[0]), column, value)
        self._changed = True

    def costs(self, variable: str, values: Values) -> None:
        """Change the objective's coefficients of a variable to finite values."""
        place, mine = place_of("variable", variable, self._variables), self._programme
        cost = place.finite("costs", values)
        mine.cost[place.index] = cost
        self._highs.changeColsCost(place.index.size, place.index, cost)
        self._changed = True

    def compiled(self, expression: Expression) -> Objective:
        """Return the sum over an expression's dims for use in its place, in :meth:`minimise` at no further work."""
        if isinstance(expression, Objective) and expression.columns is self._programme.columns:
            return expression
        columns, coefficients, constant = self._terms(expression)
        return self._objective(columns, coefficients, constant.to_numpy().sum())

    def entries(self, expression: Expression) -> Iterator[Objective | None]:
        """Yield an expression's entries one after the other, each as an objective, None for those without terms."""
        columns, coefficients, constant = self._terms(expression)
        parts = (columns.reshape(constant.size, -1), coefficients.reshape(constant.size, -1), constant.to_numpy().flat)
        for entry in zip(*parts, strict=True):
            yield self._objective(*entry) if (entry[0] >= 0).any() else None

    def minimise(self, expression: Expression) -> None:
        """Replace the whole objective by a linear expression to minimise, summed over its dims, constant included."""
        objective = self.compiled(expression)
        self._set_objective(objective.cost.copy(), objective.constant, maximise=False)

    def keep_basis(self) -> None:
        """Let every later :meth:`solve` start from the basis of the last solution.

        What is found among equal optima, and its rounding, then depend on the programme alone, not on those solved in
        between. Within an optimum restricted to, solves start from the basis of that optimum. All else that HiGHS
        carries on is cleared too: factors, edge weights, and the random numbers that perturb costs anew each time; its
        scale factors, which it takes from the costs of its first run of the simplex method, are settled here.

        Raises
        ------
        RuntimeError
            For a mixed-integer programme, which starts from no basis.
        """
        if self._last is None or self._programme.kinds.any():
            raise RuntimeError("only a linear programme that was solved has a basis to keep")
        self._start = self._last[2]
        self._highs.run()  # whose result is not used: after a presolve, the scale factors may not be there yet

    def solve(self, presolve: bool | None = None) -> Report:
        """Solve from the last basis, the one kept, or anew.

        Parameters
        ----------
        presolve : bool, optional
            None starts from the last basis, if there is one, or that of :meth:`keep_basis`. True and False start from
            none, with or without presolve, as a witness of the same optimum.

        Raises
        ------
        NotSolved
            For any status but optimal; if infeasible, with the labels of the constraints or bounds in conflict.
        """
        self._last = None
        if presolve is not None or self._start is not None:
            self._highs.clearSolver()
        if presolve is None and self._start is not None:
            self._highs.setBasis(self._start)
        self._highs.setOptionValue("presolve", {None: "choose", True: "on", False: "off"}[presolve])
        report = self._programme.solve(self._highs)
        self._last, self._changed = (report, self._highs.getSolution(), self._highs.getBasis()), False
        return report

    def value(self, variable: str) -> xr.DataArray:
        """Return a variable in the last solution, NaN where masked."""
        return place_of("variable", variable, self._variables).read(self._solution().col_value)

    def solution(self) -> xr.Dataset:
        """Return all variables in the last solution; see :meth:`value`."""
        return xr.Dataset({name: self.value(name) for name in self._variables})

    def evaluate(self, expression: Expression) -> xr.DataArray:
        """Return an expression's value in the last solution, over the dims of the expression; see :meth:`value`."""
        columns, coefficients, constant = self._terms(expression)
        values = np.append(self._solution().col_value, 0.0)[columns]
        return constant.copy(data=constant.to_numpy() + (coefficients * values).sum(axis=-1))

    def dual(self, constraint: str) -> xr.DataArray:
        """Return a constraint's shadow prices in the last solution, whether minimised or maximised; NaN where masked.

            y_i = d(optimum) / d(right-hand side of i),   in the unit of the objective per unit of the constraint

        Where the derivatives to both sides differ, it is one of those between. What was solved within an optimum
        restricted to has the prices of that programme, whose tight bounds and rows are all fixed.

        Raises
        ------
        RuntimeError
            For a mixed-integer programme, which has none.
        """
        return place_of("constraint", constraint, self._constraints).read(self._solution(duals=True).row_dual)

    def reduced_cost(self, variable: str) -> xr.DataArray:
        """Return a variable's reduced costs: change of the optimum per unit of the active bound, as :meth:`dual`."""
        return place_of("variable", variable, self._variables).read(self._solution(duals=True).col_dual)

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
        if self._last is None or self._changed:
            raise RuntimeError("there is no optimum to restrict to: solve first, after the last change")
        (report, solution, basis), mine = self._last, self._programme
        self._unrestricted.append((mine, self._start))
        if mine.kinds.any():
            reach = report.objective - mine.constant
            slack = RELATIVE * max(abs(report.objective), 1.0)
            side = (reach - slack, np.inf) if mine.maximise else (-np.inf, reach + slack)
            used = np.flatnonzero(mine.cost).astype(np.int32)
            self._highs.addRow(*side, used.size, used, mine.cost[used])
            return
        columns, rows = self._tight(solution)
        value = np.clip(solution.col_value, mine.lower, mine.upper)
        activity = np.clip(solution.row_value, mine.row_lower, mine.row_upper)
        self._start = basis if self._start is not None else None
        lower, upper = (np.where(columns, value, x) for x in (mine.lower, mine.upper))
        row_lower, row_upper = (np.where(rows, activity, x) for x in (mine.row_lower, mine.row_upper))
        self._set_bounds(lower, upper, row_lower, row_upper)

    def release(self) -> None:
        """Undo the last :meth:`restrict_to_optimum`, of which there must be one, keeping the objective as it is now."""
        if not self._unrestricted:
            raise RuntimeError("there is no restriction to release")
        free, self._start = self._unrestricted.pop()
        if free.kinds.any():
            self._highs.deleteRows(1, np.array([self._highs.getNumRow() - 1], np.int32))
        else:
            self._set_bounds(free.lower, free.upper, free.row_lower, free.row_upper)
        self._changed = True

    def _check(self, container: Container, labels: Labels, low: Array, high: Array) -> None:
        """Refuse bounds that leave no value, and any while restricted to an optimum."""
        check_bounds(container, labels, low, high)
        self._check_released()

    def _check_released(self) -> None:
        if self._unrestricted:
            raise RuntimeError("bounds and constraints belong to the optimum restricted to: release it first")

    def _read_matrix(self) -> None:
        """Keep the sizes of the coefficients with their rows and columns, by which duals are weighed."""
        matrix = self._programme.matrix.tocoo()
        self._sizes, self._row_of, self._column_of = np.abs(matrix.data), *(x.astype(np.intp) for x in matrix.coords)

    @contextmanager
    def within_optimum(self) -> Iterator[None]:
        """Restrict to the optimum for a ``with`` block, and return to the objective and the solution of before."""
        self.restrict_to_optimum()
        mine, found = self._programme, self._last
        try:
            yield
        finally:
            self.release()
            self._set_objective(mine.cost, mine.constant, mine.maximise)
            self._last, self._changed = found, False

    def _tight(self, solution: highspy.HighsSolution) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return the columns and rows that every optimum has at a bound: those with a dual other than zero."""
        mine = self._programme
        shares = self._sizes * np.abs(solution.row_dual)[self._row_of]
        terms = np.abs(mine.cost) + np.bincount(self._column_of, shares, mine.columns.size)
        rows = np.zeros(mine.rows.size, bool)
        rows[self._row_of[shares > RELATIVE * terms[self._column_of]]] = True
        return np.abs(solution.col_dual) > RELATIVE * terms, rows

    def _solution(self, duals: bool = False) -> highspy.HighsSolution:
        """Return the last solution."""
        if duals and self._programme.kinds.any():
            raise RuntimeError("a mixed-integer programme has no duals")
        if self._last is None:
            raise RuntimeError("there is no solution to read: solve first")
        return self._last[1]

    def _terms(self, expression: Expression) -> tuple[Indices, Array, xr.DataArray]:
        """Return columns (-1 for none) and coefficients of an expression, terms last, and each entry's constant."""
        model = self._programme.model
        if isinstance(expression, Objective) and expression.columns is self._programme.columns:
            return self._every_column, expression.cost, xr.DataArray(expression.constant)
        if isinstance(expression, str):
            place_of("variable", expression, self._variables)
            expression = model.variables[expression]
        if isinstance(expression, linopy.Variable):
            expression = 1 * expression
        if not isinstance(expression, linopy.LinearExpression) or expression.model is not model:
            raise ValueError("expected a linear expression of the model's own variables, or one compiled here")
        labels = expression.vars.transpose(..., "_term")
        columns = position(self._programme.columns, labels.to_numpy())
        if np.any((columns < 0) & (labels.to_numpy() >= 0)):
            raise ValueError("the expression has variables that were added to the model later")
        coefficients = np.where(columns < 0, 0.0, expression.coeffs.transpose(*labels.dims).to_numpy())
        check_finite("coefficients of the expression", coefficients)
        return columns, coefficients, expression.const.transpose(*labels.dims[:-1]).fillna(0.0)

    def _objective(self, columns: Indices, coefficients: Array, constant: float) -> Objective:
        """Return the sum of terms, those of one column added up."""
        used = columns >= 0
        cost = np.asarray(np.bincount(columns[used], coefficients[used], self._every_column.size), float)
        return Objective(self._programme.columns, cost, float(constant))

    def _set_objective(self, cost: Array, constant: float, maximise: bool) -> None:
        """Replace cost, constant and sense."""
        self._programme = replace(self._programme, cost=cost, constant=constant, maximise=maximise)
        self._highs.changeColsCost(cost.size, self._every_column, cost)
        self._highs.changeObjectiveOffset(constant)
        self._highs.changeObjectiveSense(highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize)
        self._changed = True

    def _set_bounds(self, lower: Array, upper: Array, row_lower: Array, row_upper: Array) -> None:
        """Replace the bounds of all columns and rows, handing on what changes."""
        mine, highs = self._programme, self._highs
        at = np.flatnonzero((lower != mine.lower) | (upper != mine.upper)).astype(np.int32)
        highs.changeColsBounds(at.size, at, lower[at], upper[at])
        at = np.flatnonzero((row_lower != mine.row_lower) | (row_upper != mine.row_upper)).astype(np.int32)
        highs.changeRowsBounds(at.size, at, row_lower[at], row_upper[at])  # type: ignore[attr-defined]
        self._programme = replace(mine, lower=lower, upper=upper, row_lower=row_lower, row_upper=row_upper)
