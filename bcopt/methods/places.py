"""Where the entries of a linopy model's variables and constraints stand among its columns and rows."""

from __future__ import annotations

from typing import Any

import linopy
import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.methods.solver import Array, listed, named, position

Container = linopy.variables.Variables | linopy.constraints.Constraints
Labels = npt.NDArray[np.int64]
Values = float | npt.NDArray[Any] | xr.DataArray


class Place:
    """Where the entries of a variable or constraint stand: linopy's labels, and the positions of those not masked.

    Parameters
    ----------
    name : str
        Of the variable or constraint.
    labels : xr.DataArray
        As linopy numbers its entries, -1 where masked.
    known : array of int
        Labels of all columns or rows, ascending.
    """

    def __init__(self, name: str, labels: xr.DataArray, known: Labels) -> None:
        at = position(known, labels.to_numpy())
        self.name, self.labels, self.kept, self.index = name, labels, at >= 0, at[at >= 0]
        self._zeros = xr.DataArray(np.zeros(labels.shape), labels.coords, labels.dims, name)

    def read(self, values: npt.ArrayLike) -> xr.DataArray:
        """Return the entries among the values of all columns or rows, NaN where masked."""
        full = np.full(self.labels.shape, np.nan)
        full[self.kept] = np.asarray(values)[self.index]
        return self._zeros + full

    def values(self, quantity: str, values: Values) -> Array:
        """Return one value an entry, matching by label; an array without labels must have the shape.

        Raises
        ------
        ValueError
            For dims, labels or a shape that the entries do not have, naming the quantity.
        """
        if isinstance(values, xr.DataArray):
            values = _aligned(f"{quantity} of {self.name}", values, self.labels)
        array = np.asarray(values, float)
        if not array.ndim:
            return np.full(self.index.size, array)
        if array.shape != self.labels.shape:
            raise ValueError(f"{quantity} of {self.name}: expected the shape {self.labels.shape}, got {array.shape}")
        return np.asarray(array[self.kept])

    def finite(self, quantity: str, values: Values) -> Array:
        """Return one value an entry as :meth:`values` does, refusing any that is not finite."""
        array = self.values(quantity, values)
        check_finite(f"{quantity} of {self.name}", array)
        return array


def places(container: Container, known: Labels) -> dict[str, Place]:
    """Return the places of all variables or of all constraints, by name."""
    return {name: Place(name, container[name].labels, known) for name in container}


def place_of(kind: str, name: str, among: dict[str, Place]) -> Place:
    """Return the place of a name, refusing one that there is not."""
    if name not in among:
        raise ValueError(f"there is no {kind} {name}, only {', '.join(among)}")
    return among[name]


def check_bounds(container: Container, labels: Labels, low: Array, high: Array) -> None:
    """Refuse bounds that leave no value, naming the entries with these labels."""
    wrong = np.flatnonzero(~((low <= high) & (low < np.inf) & (high > -np.inf)))
    if wrong.size:
        lines = [f"  {named(container, labels[i])}: from {low[i]:.6g} to {high[i]:.6g}" for i in wrong[:10]]
        raise ValueError(f"no value is left to\n{listed(lines, wrong.size)}")


def check_finite(what: str, values: Array) -> None:
    """Refuse values that are not finite."""
    if not np.isfinite(values).all():
        raise ValueError(f"{what} must be finite, got {np.unique(values[~np.isfinite(values)]).tolist()}")


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
