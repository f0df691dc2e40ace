"""A sparse interior point method for convex quadratic programmes, from the start and from the data alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
import scipy.sparse.linalg

from bcopt.methods.solver import Array, Programme

Matrix = scipy.sparse.csc_matrix

TOLERANCE = 1e-10  # of residuals and of the gap, relative to the data
LEAST = 1e-6  # objectives below this, relative to the largest possible, are taken as this
REGULAR = 1e-9  # on the diagonal of the Newton matrix; refinement removes its effect
LIMIT = 100  # Newton steps; 15 to 25 are usual
BACK = 0.995  # share of the way to the nearest bound that a step may go
SYMMETRIC: dict[str, Any] = {"diag_pivot_thresh": 0.0, "panel_size": 1, "relax": 1, "options": {"SymmetricMode": True}}


@dataclass(frozen=True, eq=False)
class Standard:
    """min 1/2 v' Q v + c v  subject to  A v = b, G v + h >= 0: columns and the rows that are no equality, scaled.

    ``G`` picks the columns with a finite lower bound, and with minus one those with a finite upper bound.
    """

    programme: Programme
    free: npt.NDArray[np.intp]
    hessian: Matrix
    cost: Array
    matrix: Matrix
    side: Array
    bounded: _Picking
    offset: Array
    start: Array
    size: float
    worth: float
    rows: Array

    @classmethod
    def of(cls, mine: Programme, hessian: Matrix) -> Standard:
        """Bring a programme to this form, in units of its largest bound, cost and coefficients."""
        unequal = np.flatnonzero(mine.row_lower < mine.row_upper)
        rows = np.ones(mine.rows.size)
        np.maximum.at(rows, mine.matrix.indices, np.abs(mine.matrix.data))
        free = np.flatnonzero(mine.lower < mine.upper)
        set_to = np.where(mine.lower < mine.upper, 0.0, mine.lower)
        slack = scipy.sparse.csc_matrix(
            (-1 / rows[unequal], (unequal, np.arange(unequal.size))), (mine.rows.size, unequal.size)
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
        curved.resize((lower.size,) * 2)
        scaled = scipy.sparse.csc_matrix(mine.matrix[:, free])
        scaled.data /= rows[scaled.indices]
        below, above = np.flatnonzero(np.isfinite(lower)), np.flatnonzero(np.isfinite(upper))
        return cls(
            mine,
            free,
            curved * (size / worth),
            np.concatenate([cost / worth, np.zeros(unequal.size)]),
            scipy.sparse.csc_matrix(scipy.sparse.hstack([scaled, slack])),
            side / rows / size,
            _Picking(below, above, lower.size),
            np.concatenate([-lower[below], upper[above]]) / size,
            np.clip(np.zeros(lower.size), lower, upper) / size,
            size,
            worth,
            rows,
        )

    def solve(self) -> tuple[Array, Array, float]:
        """Return columns and rows' shadow prices where Mehrotra's method leaves the least residual, and this."""
        v, y, transposed, newton = self.start, np.zeros(self.side.size), self.matrix.T.tocsr(), _Newton.of(self)
        p = np.maximum(self.bounded.of(v) + self.offset, 0.1)
        q = np.ones(p.size)
        best, found = float(np.inf), (v, y)
        for _ in range(LIMIT):
            bent = self.hessian @ v
            gradient = bent + self.cost - transposed @ y - self.bounded.onto(q)
            miss, product = self.bounded.of(v) + self.offset - p, p @ q
            unmet, gap = self.side - self.matrix @ v, product / max(p.size, 1)
            worth = max(abs(self.cost @ v), abs(v @ bent) / 2)  # of the two, which may cancel
            worst = max(*(np.abs(r).max(initial=0.0) for r in (gradient, miss, unmet)), product / max(worth, LEAST))
            if not np.isfinite(worst):
                break
            if worst < best:
                best, found = worst, (v, y)
            if worst <= TOLERANCE:
                break
            ratio = q / p
            solved = newton.factorised(ratio)
            dv, dy = solved(-gradient - self.bounded.onto(q + ratio * miss), unmet)
            dp = self.bounded.of(dv) + miss
            dq = -q - ratio * dp
            length = _length(p, q, dp, dq)
            ahead = (p + length * dp) @ (q + length * dq) / max(p.size, 1)
            wanted = (gap * (ahead / gap) ** 3 - p * q - dp * dq) / p if gap else -q
            dv, dy = solved(-gradient + self.bounded.onto(wanted - ratio * miss), unmet)
            dp = self.bounded.of(dv) + miss
            dq = wanted - ratio * dp
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
    """The symmetric matrix of a Newton step, in the order that keeps its factors sparse: only its diagonal changes."""

    matrix: Matrix
    diagonal: npt.NDArray[np.intp]
    curved: Array
    regular: Array
    order: npt.NDArray[np.intp]
    bounded: _Picking

    @classmethod
    def of(cls, standard: Standard) -> _Newton:
        """Order the matrix of a programme, whatever its barrier."""
        coupling, (rows, columns) = standard.matrix, standard.matrix.shape
        regular = np.concatenate([np.full(columns, -REGULAR), np.full(rows, REGULAR)])
        blocks: Any = [[-standard.hessian, coupling.T], [coupling, None]]
        whole = scipy.sparse.csc_matrix(scipy.sparse.bmat(blocks) + scipy.sparse.diags(regular))
        stable = whole - scipy.sparse.diags(np.concatenate([np.ones(columns), np.zeros(rows)]))
        order = np.argsort(scipy.sparse.linalg.splu(stable.tocsc(), permc_spec="MMD_AT_PLUS_A", **SYMMETRIC).perm_c)
        entries: Any = whole
        ordered = scipy.sparse.csc_matrix(entries[order][:, order])
        ordered.sort_indices()
        at = np.repeat(np.arange(order.size), np.diff(ordered.indptr))
        diagonal = np.flatnonzero(ordered.indices == at)
        return cls(ordered, diagonal, ordered.diagonal(), regular[order], order, standard.bounded)

    def factorised(self, ratio: Array) -> Callable[[Array, Array], tuple[Array, Array]]:
        """Return what solves (Q + D) dv - A' dy = first, A dv = second for the barrier D of these weights."""
        order, columns = self.order, self.bounded.columns
        barrier = np.zeros(order.size)
        barrier[:columns] = self.bounded.weights(ratio)
        matrix, regular = self.matrix, self.regular
        matrix.data[self.diagonal] = self.curved - barrier[order]
        factors = scipy.sparse.linalg.splu(matrix, permc_spec="NATURAL", **SYMMETRIC)

        def solve(first: Array, second: Array) -> tuple[Array, Array]:
            right = np.concatenate([-first, second])[order]
            found = factors.solve(right)
            for _ in range(2):
                found = found + factors.solve(right - matrix @ found + regular * found)
            back = np.empty(order.size)
            back[order] = found
            return back[:columns], back[columns:]

        return solve


@dataclass(frozen=True, eq=False)
class _Picking:
    """The matrix G that picks some columns, and with minus one others."""

    below: npt.NDArray[np.intp]
    above: npt.NDArray[np.intp]
    columns: int

    def of(self, v: Array) -> Array:
        """Return G v."""
        return np.concatenate([v[self.below], -v[self.above]])

    def onto(self, q: Array) -> Array:
        """Return G' q."""
        found = np.zeros(self.columns)
        found[self.below] = q[: self.below.size]
        found[self.above] -= q[self.below.size :]
        return found

    def weights(self, ratio: Array) -> Array:
        """Return the diagonal of G' diag(ratio) G."""
        found = np.zeros(self.columns)
        found[self.below] = ratio[: self.below.size]
        found[self.above] += ratio[self.below.size :]
        return found


def _length(p: Array, q: Array, dp: Array, dq: Array) -> float:
    """Return the longest step up to one that keeps slacks and prices from falling below zero."""
    return float(1 / max(1.0, (-dp / p).max(initial=0.0), (-dq / q).max(initial=0.0)))
