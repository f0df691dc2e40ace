"""What the inputs of a model must be: their units, their hours, their labels and their range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.models.store import NOT_NEGATIVE, outside


@dataclass(frozen=True)
class Quantity:
    """What an input must be: its units, whether it must have the dim ``hour`` (every one may), its range."""

    units: str
    hourly: bool
    interval: pd.Interval[float] = NOT_NEGATIVE
    required: bool = True


def label_faults(inputs: xr.Dataset) -> Iterator[str]:
    """Yield what is wrong with the labels: a dim without any, repeated ones, or hours that are no steps of one."""
    empty = [str(dim) for dim, size in inputs.sizes.items() if size == 0]
    if empty:
        yield f"{', '.join(empty)}: no labels, expected one or more"
    for dim, index in inputs.indexes.items():
        if dim != "hour" and not index.is_unique:
            yield f"{dim}: repeated labels {index[index.duplicated()].unique().tolist()}"
    if "hour" in inputs.indexes:
        hours = inputs["hour"].to_numpy()
        wrong = np.flatnonzero(np.diff(hours) != 1)
        if wrong.size:
            before, after = hours[wrong[0]], hours[wrong[0] + 1]
            yield f"hour: expected steps of one hour in order, found hour {after} after hour {before}"


def faults(name: str, wanted: Quantity, inputs: xr.Dataset) -> Iterator[str]:
    """Yield what is wrong with one quantity alone."""
    if name not in inputs:
        if wanted.required:
            yield f"{name}: missing, expected in {wanted.units}"
        return
    values = inputs[name]
    units = values.attrs.get("units", wanted.units)
    if units != wanted.units:
        yield f"{name}: units must be {wanted.units}, found {units}"
    if wanted.hourly and "hour" not in values.dims:
        yield f"{name}: must have the dim hour, found {values.dims}"
    yield from outside(name, values, wanted.interval, wanted.units)


def unknown(inputs: xr.Dataset, quantities: Mapping[str, Quantity]) -> list[str]:
    """Return a line for each variable that no quantity is named after."""
    return [f"{name}: unknown, known are {', '.join(quantities)}" for name in inputs if name not in quantities]
