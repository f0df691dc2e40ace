"""Symmetric cyclic tridiagonal systems of stores that lose a share of what they hold, for very many at once.

(C' W C + V) x = b,   (C x)[t] = persistence x[t-1] - x[t],   the last hour preceding the first
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cyclic:
    """The factors of C' W C + V, in the order of the hours, the last one bordered.

    Up to hour t the least of sum W (persistence x[t-1] - x[t])^2 + V x[t]^2 is own (x[t] - share x[-1])^2
    + rest x[-1]^2, whose three numbers follow from hour to hour by sums, products and quotients of positive ones:
    nothing cancels, however far apart the weights are.
    """

    pivot: Array
    lower: Array
    border: Array

    @classmethod
    def of(cls, w: Array, v: Array, persistence: Array) -> Cyclic:
        """Factorise, for all consumers at once.

        Parameters
        ----------
        w, v : array, dims (hour, consumer)
            Diagonals of W, positive, and of V, not negative.
        persistence : array, dims (consumer)
            Within (0, 1).
        """
        ahead = persistence**2 * np.roll(w, -1, axis=0)
        pivot, border, last = np.empty_like(w), np.empty_like(w), w.shape[0] - 1
        own, share, rest = w[0], persistence, np.zeros_like(persistence)
        for t in range(last):
            both = own + v[t]
            share = share * (own / both)
            rest = rest + share * share * both * (v[t] / own)
            pivot[t] = both + ahead[t]
            border[t] = -both * share / pivot[t]
            own, share = both * (w[t + 1] / pivot[t]), persistence * share
        pivot[last] = own * (1 - share) ** 2 + v[last] + rest
        lower = -persistence * np.roll(w, -1, axis=0) / pivot
        border[last - 1] += lower[last - 1]
        return cls(pivot, lower, border)

    def solve(self, right: Array) -> Array:
        """Return the solution for one right-hand side a consumer, dims (hour, consumer)."""
        found, last = right.copy(), right.shape[0] - 1
        for t in range(last - 1):
            found[t + 1] -= self.lower[t] * found[t]
        found[last] -= (self.border[:last] * found[:last]).sum(axis=0)
        found /= self.pivot
        found[:last] -= self.border[:last] * found[last]
        for t in range(last - 2, -1, -1):
            found[t] -= self.lower[t] * found[t + 1]
        return found
