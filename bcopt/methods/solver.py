"""Solve linopy models with HiGHS: an optimum with its proof, or an error that says what stands in the way."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast

import linopy
import numpy as np


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
        "highs", output_flag=False, log_to_console=False, presolve="on" if presolve else "off", **options
    )
    seconds = time.perf_counter() - start
    if condition != "optimal":
        raise NotSolved(str(condition), conflict(model) if condition == "infeasible" else "")
    objective = float(cast("float", model.objective.value))
    info = model.solver_model.getInfo()
    bound = float(info.mip_dual_bound) if len(model.variables.binaries) or len(model.variables.integers) else objective
    gap = abs(objective - bound) / max(abs(objective), 1e-12) if objective != bound else 0.0
    return Report("optimal", objective, bound, gap, seconds)


def conflict(model: linopy.Model, limit: int = 10) -> str:
    """Say which constraints of an infeasible model stand against each other.

    The model is solved with a slack in every constraint at equal price, variables keeping their bounds; the constraints
    that need a slack are those that the others, and the bounds, exclude.

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
    highs = model.to_highspy()
    highs.setOptionValue("output_flag", False)
    highs.feasibilityRelaxation(-1.0, -1.0, 1.0)
    rows = np.asarray(highs.getSolution().row_value)
    lp = highs.getLp()
    missing = np.maximum(np.asarray(lp.row_lower_) - rows, 0) + np.maximum(rows - np.asarray(lp.row_upper_), 0)
    found = np.flatnonzero(missing > 1e-9 * (1 + np.abs(rows)))
    if not found.size:
        return "no constraint alone: the bounds of the variables exclude each other"
    labels = model.matrices.clabels
    lines = []
    for row in found[np.argsort(-missing[found], kind="stable")][:limit]:
        name, where = cast("tuple[str, dict[str, Any]]", model.constraints.get_label_position(int(labels[row])))
        at = ", ".join(f"{dim} {value}" for dim, value in where.items())
        lines.append(f"  {name}{f' at {at}' if at else ''}: missed by {missing[row]:.6g}")
    more = f"\n  and {found.size - limit} more" if found.size > limit else ""
    return "\n".join(lines) + more
