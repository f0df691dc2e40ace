"""Solve linopy models with HiGHS: an optimum with its proof, or an error that says what stands in the way."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any, cast

import highspy
import linopy
import numpy as np
import numpy.typing as npt
import scipy.sparse
from linopy.matrices import MatrixAccessor

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
UNDECIDED = (
    highspy.HighsModelStatus.kUnknown,
    highspy.HighsModelStatus.kSolveError,
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
)
KINDS = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger, highspy.HighsVarType.kSemiContinuous)
LEAST = 1e-9  # objectives closer than this are equal, whatever their relative distance


@dataclass(frozen=True)
class Report:
    """What the solver proved.

    Parameters
    ----------
    status : str
        Always ``optimal``: any other answer raises.
    objective : float
        Value of the returned solution.
    bound : float
        Proved bound of the optimum; equal to the objective for linear programmes.
    gap : float
        Relative distance of the two [-].
    seconds : float
        Time of the solve. It differs from run to run, so it belongs into no result.
    """

    status: str
    objective: float
    bound: float
    gap: float
    seconds: float

    @classmethod
    def optimal(cls, objective: float, bound: float, seconds: float) -> Report:
        """Report an optimum and its bound, deriving the gap."""
        gap = abs(objective - bound) / max(abs(objective), 1e-12) if objective != bound else 0.0
        return cls("optimal", objective, bound, gap, seconds)


class NotSolved(RuntimeError):  # noqa: N818 (reads as a state, as in "raise NotSolved")
    """A model that has no proved optimum.

    Parameters
    ----------
    status : str
        Termination condition of the solver.
    detail : str
        For an infeasible model, the constraints in conflict, with their labels and by how much they are missed.
    """

    def __init__(self, status: str, detail: str = "") -> None:
        self.status = status
        super().__init__(f"the model is {status}" + (f":\n{detail}" if detail else ""))


class Disagreement(RuntimeError):  # noqa: N818 (a state, as NotSolved)
    """Two solves of one model whose optima differ."""


@dataclass(frozen=True)
class Programme:
    """A linear or mixed-integer model as the arrays that HiGHS takes.

        min or max  cost x + constant   subject to   row_lower <= matrix x <= row_upper,  lower <= x <= upper

    Parameters
    ----------
    model : linopy.Model
        Names the columns and rows.
    columns, rows : array of int
        Labels of the model's variables and constraints, ascending. As everywhere in linopy, constraints without any
        term are left out.
    cost, lower, upper : array
        One entry a column.
    row_lower, row_upper : array
        One entry a row.
    matrix : scipy.sparse.csc_matrix
        Coefficients, rows by columns.
    kinds : array of int
        0 continuous, 1 integer, 2 semi-continuous.
    maximise : bool
        The objective's sense.
    constant : float
        Part of the objective that depends on no variable.
    """

    model: linopy.Model
    columns: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    cost: Array
    lower: Array
    upper: Array
    row_lower: Array
    row_upper: Array
    matrix: scipy.sparse.csc_matrix
    kinds: Indices
    maximise: bool = False
    constant: float = 0.0

    @classmethod
    def of(cls, model: linopy.Model, objective: bool = True) -> Programme:
        """Read a model, which stays as it is.

        Parameters
        ----------
        model : linopy.Model
            With a linear objective.
        objective : bool
            False leaves the objective out, which may then be quadratic.

        Raises
        ------
        ValueError
            If the objective is quadratic.
        """
        if objective and model.is_quadratic:
            raise ValueError("the objective must be linear, it is quadratic")
        matrices = MatrixAccessor(model)  # its own, since a model's keeps what it has read before
        columns, rows, types = matrices.vlabels.copy(), matrices.clabels, matrices.vtypes
        sense, side, matrix = np.empty(0, "U1"), np.empty(0), scipy.sparse.csc_matrix((0, columns.size))
        if rows.size:
            sense, side = matrices.sense, np.asarray(matrices.b, float)
            matrix = cast("scipy.sparse.csc_matrix", matrices.A).tocsc()
            matrix.eliminate_zeros()
            matrix.sort_indices()
        return cls(
            model,
            columns,
            rows,
            np.asarray(matrices.c, float) if objective else np.zeros(columns.size),
            np.asarray(matrices.lb, float),
            np.asarray(matrices.ub, float),
            np.where(sense != "<", side, -np.inf),
            np.where(sense != ">", side, np.inf),
            matrix,
            np.select([types == "C", types == "S"], [0, 2], 1).astype(np.int32),
            objective and model.objective.sense == "max",
        )

    def highs(self, **options: Any) -> highspy.Highs:
        """Hand the arrays to a new, silent instance of HiGHS.

        Raises
        ------
        ValueError
            If HiGHS does not know an option, or refuses the arrays.
        """
        highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.setOptionValue("output_flag", False)
        refused = [
            f"{option} = {value!r}"
            for option, value in options.items()
            if highs.setOptionValue(option, value) == highspy.HighsStatus.kError
        ]
        if refused:
            raise ValueError(f"HiGHS does not take the option {', '.join(refused)}")
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.columns.size, self.rows.size
        lp.sense_ = highspy.ObjSense.kMaximize if self.maximise else highspy.ObjSense.kMinimize
        lp.offset_, lp.col_cost_ = self.constant, self.cost
        lp.col_lower_, lp.col_upper_ = self.lower, self.upper
        lp.row_lower_, lp.row_upper_ = self.row_lower, self.row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = self.columns.size, self.rows.size
        lp.a_matrix_.start_ = self.matrix.indptr.astype(np.int32)
        lp.a_matrix_.index_ = self.matrix.indices.astype(np.int32)
        lp.a_matrix_.value_ = self.matrix.data
        if self.kinds.any():
            lp.integrality_ = [KINDS[kind] for kind in self.kinds]
        status = highs.passModel(lp)
        if status == highspy.HighsStatus.kError:
            raise ValueError("HiGHS refuses the model: a bound, cost or coefficient is not a number, or infinite")
        return highs

    def solve(self, highs: highspy.Highs) -> Report:
        """Run an instance that carries this programme, from its basis if it has one.

        An answer that is no verdict (a warm start gone astray, or a presolve that cannot tell infeasible from
        unbounded) is sought once more from scratch and without presolve.

        Raises
        ------
        NotSolved
            For any status but optimal, with :meth:`conflict` for an infeasible one.
        """
        start = time.perf_counter()
        highs.run()
        status = highs.getModelStatus()
        if status in UNDECIDED:
            _, presolve = highs.getOptionValue("presolve")
            highs.clearSolver()
            highs.setOptionValue("presolve", "off")
            highs.run()
            highs.setOptionValue("presolve", presolve)
            status = highs.getModelStatus()
        seconds = time.perf_counter() - start
        if status != highspy.HighsModelStatus.kOptimal:
            infeasible = status == highspy.HighsModelStatus.kInfeasible
            raise NotSolved(highs.modelStatusToString(status).lower(), self.conflict() if infeasible else "")
        objective = highs.getObjectiveValue()
        return Report.optimal(objective, highs.getInfo().mip_dual_bound if self.kinds.any() else objective, seconds)

    def conflict(self, limit: int = 10) -> str:
        """List the constraints, or bounds, of an infeasible programme that exclude each other; see :func:`conflict`."""
        whole = self.kinds == 1
        least, most = (np.where(whole, f(x), x) for f, x in ((np.ceil, self.lower), (np.floor, self.upper)))
        empty = np.flatnonzero(~(least <= most))
        if empty.size:
            lines = [
                f"  {named(self.model.variables, self.columns[i])}: no {'integer' if whole[i] else 'value'}"
                f" from {self.lower[i]:.6g} to {self.upper[i]:.6g}"
                for i in empty[:limit]
            ]
            return listed(lines, empty.size)
        highs = self.highs()
        highs.feasibilityRelaxation(-1.0, -1.0, 1.0)
        activity = np.asarray(highs.getSolution().row_value)
        missing = np.maximum(self.row_lower - activity, 0) + np.maximum(activity - self.row_upper, 0)
        found = np.flatnonzero(missing > 1e-9 * (1 + np.abs(activity)))
        if not found.size:
            return "  no constraint by more than the tolerance of the solver"
        worst = found[np.argsort(-missing[found], kind="stable")][:limit]
        lines = [f"  {named(self.model.constraints, self.rows[i])}: missed by {missing[i]:.6g}" for i in worst]
        return listed(lines, found.size)


def named(container: linopy.variables.Variables | linopy.constraints.Constraints, label: int) -> str:
    """Return the name and the labels of a variable or constraint, as in ``demand at hour 3, cluster x1``."""
    name, where = cast("tuple[str, dict[str, Any]]", container.get_label_position(int(label)))
    at = ", ".join(f"{dim} {value}" for dim, value in where.items())
    return f"{name} at {at}" if at else name


def position(known: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> Indices:
    """Return where labels stand among ascending known ones, -1 for those that are not among them."""
    if not known.size:
        return np.full(labels.shape, -1, np.int32)
    at = np.minimum(np.searchsorted(known, labels), known.size - 1)
    return np.where(known[at] == labels, at, -1).astype(np.int32)


def listed(lines: list[str], found: int) -> str:
    """Join lines, saying how many of those found are left out."""
    return "\n".join(lines) + (f"\n  and {found - len(lines)} more" if found > len(lines) else "")


def solve(model: linopy.Model, presolve: bool = True, **options: Any) -> Report:
    """Solve a model in place.

    Parameters
    ----------
    model : linopy.Model
        Linear, mixed-integer or convex quadratic.
    presolve : bool
        False solves without presolve, as an independent witness of the same optimum.
    **options
        Options of HiGHS, such as ``time_limit`` [s] or ``mip_rel_gap``.

    Returns
    -------
    Report
        The proof; the solution is in ``model.solution``.

    Raises
    ------
    NotSolved
        For any status but optimal. An infeasible model is solved once more with slacks, and the constraints that need
        them are listed with their labels.
    """
    start = time.perf_counter()
    _, condition = model.solve(
        "highs", progress=False, output_flag=False, presolve="on" if presolve else "off", **options
    )
    seconds = time.perf_counter() - start
    if condition == "infeasible_or_unbounded" and presolve:
        return solve(model, presolve=False, **options)
    if condition != "optimal":
        raise NotSolved(str(condition), conflict(model) if condition == "infeasible" else "")
    objective = float(cast("float", model.objective.value))
    discrete = len(model.variables.binaries) + len(model.variables.integers) + len(model.variables.semi_continuous)
    bound = float(model.solver_model.getInfo().mip_dual_bound) if discrete else objective
    return Report.optimal(objective, bound, seconds)


def witnessed(model: linopy.Model, tolerance: float = 1e-6, **options: Any) -> tuple[Report, Report]:
    """Solve a model twice, with and without presolve, and insist on one optimum.

    Parameters
    ----------
    model : linopy.Model
        As in :func:`solve`.
    tolerance : float
        Relative distance at which the two objectives count as equal [-]. A mixed-integer model is solved to this gap.
    **options
        Options of HiGHS.

    Returns
    -------
    tuple of Report
        With presolve, whose solution stays in the model, and without.

    Raises
    ------
    Disagreement
        If the objectives differ by more.
    NotSolved
        From :func:`solve`.
    """
    options = {"mip_rel_gap": tolerance, "mip_abs_gap": LEAST} | options
    without = solve(model, presolve=False, **options)
    presolved = solve(model, **options)
    if not math.isclose(presolved.objective, without.objective, rel_tol=tolerance, abs_tol=LEAST):
        raise Disagreement(
            f"the optimum is {presolved.objective!r} with presolve and {without.objective!r} without,"
            f" further apart than {tolerance:g} of it"
        )
    return presolved, without


def relaxation(model: linopy.Model) -> Report:
    """Return the optimum of a model's linear relaxation, leaving the model and its solution as they are.

    Integers and binaries may take any value between their bounds, semi-continuous variables any from zero on.

    Parameters
    ----------
    model : linopy.Model
        Mixed-integer, with a linear objective.

    Returns
    -------
    Report
        A bound of the model's own optimum: never above it when minimising, never below it when maximising.

    Raises
    ------
    ValueError
        If the objective is quadratic.
    NotSolved
        If the relaxation is infeasible, and so the model, or unbounded.
    """
    whole = Programme.of(model)
    lower = np.where(whole.kinds == 2, np.minimum(whole.lower, 0.0), whole.lower)
    relaxed = replace(whole, lower=lower, kinds=np.zeros_like(whole.kinds))
    return relaxed.solve(relaxed.highs())


def conflict(model: linopy.Model, limit: int = 10) -> str:
    """Say which constraints of an infeasible model stand against each other.

    The model is solved with a slack in every constraint at equal price, variables keeping their bounds; the constraints
    that need a slack are those that the others, and the bounds, exclude. Where the bounds of a variable leave it no
    value, these are listed instead.

    Parameters
    ----------
    model : linopy.Model
        Infeasible.
    limit : int
        Constraints to list at most.

    Returns
    -------
    str
        One line a constraint: its name, its labels and the missing amount in its own unit.
    """
    return Programme.of(model, objective=False).conflict(limit)
