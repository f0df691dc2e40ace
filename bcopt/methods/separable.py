"""Models whose constraints couple only few variables each time: solved block by block, equal blocks from one basis.

A year of days that share nothing is 365 small programmes; in one piece, HiGHS meets them as one large one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import highspy
import linopy
import numpy as np
import numpy.typing as npt
import scipy.sparse.csgraph

from bcopt.methods.solver import Array, Programme, Report, position


def solve_separable(model: linopy.Model, **options: Any) -> Report:
    """Solve a model in place, one independent block of its constraint matrix after the other.

    Two variables belong together if a chain of constraints joins them, so the optimum is the sum over the connected
    components of the graph of rows and columns:

        min c x = sum_b  min { c_b x_b : l_b <= A_b x_b <= u_b }

    Components with equal coefficients and kinds of variables differ in bounds, costs and right-hand sides only; they
    are solved by one instance of HiGHS, each from the basis of the one before. All variables that no constraint has are
    one block.

    Parameters
    ----------
    model : linopy.Model
        Linear or mixed-integer, with a linear objective.
    **options
        Options of HiGHS, for each block.

    Returns
    -------
    Report
        Objectives and bounds summed over the blocks, in seconds including the search for them. The solution is in
        ``model.solution`` and ``model.objective.value`` as after ``model.solve``, for linear programmes also
        ``model.dual``.

    Raises
    ------
    ValueError
        If the objective is quadratic, or HiGHS does not take an option.
    NotSolved
        From the first block that has no optimum, with the labels of the constraints or bounds in conflict if it is
        infeasible. The model then has no solution.
    """
    start = time.perf_counter()
    programme = Programme.of(model)
    model.reset_solution()
    model.objective.set_value(np.nan)
    model.status, model.termination_condition = "warning", "unknown"
    primal, dual = np.empty(programme.columns.size), np.empty(programme.rows.size)
    reports = []
    for alike in _alike(_blocks(programme)):
        highs = alike[0].programme.highs(**options)
        for block in alike:
            _pass_data(highs, block.programme)
            reports.append(block.programme.solve(highs))
            solution = highs.getSolution()
            primal[block.columns], dual[block.rows] = solution.col_value, solution.row_dual
    report = Report.optimal(
        sum(r.objective for r in reports), sum(r.bound for r in reports), time.perf_counter() - start
    )
    _assign(programme, primal, dual, report.objective)
    return report


@dataclass(frozen=True)
class _Block:
    """A programme within another, and the positions of its columns and rows there."""

    programme: Programme
    columns: npt.NDArray[np.intp]
    rows: npt.NDArray[np.intp]


def _blocks(programme: Programme) -> Iterator[_Block]:
    """Yield the connected components, columns and rows in the order that they have in the whole."""
    column_block, row_block = _components(programme.matrix)
    columns, rows = np.argsort(column_block, kind="stable"), np.argsort(row_block, kind="stable")
    every = np.arange(max(column_block.max(initial=0), row_block.max(initial=0)) + 2)
    column_ends = np.searchsorted(column_block[columns], every)
    row_ends = np.searchsorted(row_block[rows], every)
    rank = np.empty(rows.size, np.int32)
    rank[rows] = np.arange(rows.size)
    matrix = programme.matrix[:, columns]
    indices = rank[matrix.indices]
    for (left, right), (top, bottom) in zip(pairwise(column_ends), pairwise(row_ends), strict=True):
        first, last = matrix.indptr[left], matrix.indptr[right]
        part = matrix.data[first:last], indices[first:last] - top, matrix.indptr[left : right + 1] - first
        j, i = columns[left:right], rows[top:bottom]
        block = replace(
            programme,
            columns=programme.columns[j],
            rows=programme.rows[i],
            cost=programme.cost[j],
            lower=programme.lower[j],
            upper=programme.upper[j],
            row_lower=programme.row_lower[i],
            row_upper=programme.row_upper[i],
            matrix=scipy.sparse.csc_matrix(part, shape=(i.size, j.size)),
            kinds=programme.kinds[j],
        )
        yield _Block(block, j, i)


def _components(matrix: scipy.sparse.csc_matrix) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the block of each column and row; columns in no row are one block, rows of no column join the first's."""
    rows, columns = matrix.shape
    starts = np.concatenate([matrix.indptr, np.full(rows, matrix.nnz)])
    graph = scipy.sparse.csr_matrix(
        (np.ones(matrix.nnz, np.int8), matrix.indices + columns, starts), shape=(columns + rows, columns + rows)
    )
    _, component = scipy.sparse.csgraph.connected_components(graph, directed=False)
    of_column = np.where(np.diff(matrix.indptr) > 0, component[:columns], -1)
    of_row = np.where(np.bincount(matrix.indices, minlength=rows) > 0, component[columns:], of_column[0])
    _, number = np.unique(np.concatenate([of_column, of_row]), return_inverse=True)
    return number[:columns], number[columns:]


def _alike(blocks: Iterable[_Block]) -> Iterable[list[_Block]]:
    """Group blocks of the same coefficients and kinds."""
    groups: dict[tuple[bytes, ...], list[_Block]] = {}
    for block in blocks:
        matrix = block.programme.matrix
        content = matrix.indptr, matrix.indices, matrix.data, block.programme.kinds, np.array(matrix.shape)
        groups.setdefault(tuple(array.tobytes() for array in content), []).append(block)
    return groups.values()


def _pass_data(highs: highspy.Highs, programme: Programme) -> None:
    """Replace costs and bounds."""
    columns, rows = (np.arange(n, dtype=np.int32) for n in (programme.columns.size, programme.rows.size))
    highs.changeColsCost(columns.size, columns, programme.cost)
    highs.changeColsBounds(columns.size, columns, programme.lower, programme.upper)
    highs.changeRowsBounds(rows.size, rows, programme.row_lower, programme.row_upper)  # type: ignore[attr-defined]


def _assign(programme: Programme, primal: Array, dual: Array, objective: float) -> None:
    """Give the model its solution, and its duals if it has any."""
    model = programme.model
    for variable in model.variables.data.values():
        at = position(programme.columns, variable.labels.to_numpy())
        variable.solution = variable.labels.copy(data=np.append(primal, np.nan)[at])
    if not programme.kinds.any():
        for constraint in model.constraints.data.values():
            at = position(programme.rows, constraint.labels.to_numpy())
            constraint.dual = constraint.labels.copy(data=np.append(dual, np.nan)[at])
    model.objective.set_value(objective)
    model.status, model.termination_condition = "ok", "optimal"
