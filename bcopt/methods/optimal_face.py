"""What is left open by an optimum: objectives in order of rank, and how far every value can move at no loss."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import xarray as xr

from bcopt.methods.persistent import Expression, Objective, Persistent
from bcopt.methods.solver import NotSolved


def lexicographic(persistent: Persistent, objectives: Sequence[Expression]) -> list[float]:
    """Minimise objectives in order of rank, each among the optima of those before.

        z_1 = min f_1(x),   z_2 = min f_2(x) with f_1(x) = z_1,   ...

    Parameters
    ----------
    persistent : Persistent
        Keeps the last objective; its last solution, which attains all the values, stays readable. Restrictions made
        on the way are released.
    objectives : sequence of linopy.LinearExpression or Objective
        From first to last rank, constants included. For many solves :meth:`Persistent.compiled` once.

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
    target : str, linopy.Variable, linopy.LinearExpression or Objective
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
    with persistent.within_optimum():
        present = persistent.evaluate(target)
        found = np.full((2, present.size), np.nan)
        for entry, objective in enumerate(persistent.entries(target)):
            if objective is not None:
                found[:, entry] = _least(persistent, objective), -_least(persistent, -objective)
    return xr.Dataset(
        {name: present.copy(data=x.reshape(present.shape)) for name, x in zip(("low", "high"), found, strict=True)}
    )


def _least(persistent: Persistent, objective: Objective) -> float:
    """Return the least value of an objective, -inf if there is none."""
    persistent.minimise(objective)
    try:
        return persistent.solve().objective
    except NotSolved as error:
        if error.status != "unbounded":
            raise
        return -np.inf
