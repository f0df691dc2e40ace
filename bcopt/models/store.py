"""Energy stores: three variables and one balance serve vehicles, tanks of heat or ice, and batteries alike."""

from __future__ import annotations

import linopy
import numpy as np
import pandas as pd
import xarray as xr

NOT_NEGATIVE = pd.Interval(0.0, np.inf, closed="left")
SHARE = pd.Interval(0.0, 1.0, closed="both")
LOSS = pd.Interval(0.0, 1.0, closed="left")


def add_store(
    model: linopy.Model,
    name: str,
    capacity: xr.DataArray,
    power: xr.DataArray,
    soc_bounds: tuple[float | xr.DataArray, float | xr.DataArray] = (0.0, 1.0),
    loss: float | xr.DataArray = 0.0,
    available: float | xr.DataArray | None = None,
    binaries: bool = False,
) -> linopy.LinearExpression:
    """Add a cyclic store without conversion losses and return its net charge.

        energy[t] = (1 - loss) energy[t-1] + charge[t] - discharge[t],   the last hour preceding the first
        soc_lower capacity <= energy[t] <= soc_upper capacity,   0 <= charge[t], discharge[t] <= power available[t]

    One step is one hour; each label of any other dim is a store of its own. The energy knows the two flows by their
    difference alone, and netting them lowers the throughput, so that where throughput has no negative price no binary
    need keep them apart (``tests/models/test_store.py``, ``TestNetting``).

    Parameters
    ----------
    model : linopy.Model
        Extended in place by ``{name}-charge``, ``{name}-discharge`` [kW], ``{name}-energy`` [kWh] and the constraint
        ``{name}-balance``. Without binaries capacity and power stand in bounds alone, to be changed and solved again.
    name : str
        With which the names of all that is added begin.
    capacity, power : xr.DataArray, dims (cluster, ...)
        Energy at full charge [kWh]; limit of charging and of discharging [kW]. One array needs the dim ``hour``.
    soc_bounds, loss : tuple of float or xr.DataArray, float or xr.DataArray
        Least and largest energy as shares of the capacity [-]; share of the energy held that an hour takes [1/h].
    available : float or xr.DataArray, dims (hour, ...), optional
        Share of the power that is connected [-]; all of it by default.
    binaries : bool
        Keep charge and discharge apart by the binary ``{name}-charging``, as published.

    Returns
    -------
    linopy.LinearExpression
        Charge minus discharge [kW], over the dims of all arrays together.

    Raises
    ------
    ValueError
        Naming every value out of its range and bounds that cross, with their labels; without hours or labels in common.

    References
    ----------
    Systems 2024, 12(3), 92, equations (10)-(28), https://doi.org/10.3390/systems12030092.
    """
    limit, least, most, lost = _bounds(name, capacity, power, soc_bounds, loss, 1.0 if available is None else available)
    charge = model.add_variables(upper=limit, lower=xr.zeros_like(limit), name=f"{name}-charge")
    discharge = model.add_variables(upper=limit, lower=charge.lower, name=f"{name}-discharge")
    energy = model.add_variables(lower=least, upper=most, name=f"{name}-energy")
    balance = model.linexpr((1, energy), (lost - 1, energy.roll(hour=1)), (-1, charge), (1, discharge))
    model.add_constraints(balance == 0, name=f"{name}-balance")
    if binaries:
        charging = model.add_variables(binary=True, coords=limit.coords, name=f"{name}-charging")
        model.add_constraints(charge - limit * charging <= 0, name=f"{name}-while-charging")
        model.add_constraints(discharge + limit * charging <= limit, name=f"{name}-while-discharging")
    return charge - discharge


def _bounds(
    name: str,
    capacity: xr.DataArray,
    power: xr.DataArray,
    soc_bounds: tuple[float | xr.DataArray, float | xr.DataArray],
    loss: float | xr.DataArray,
    available: float | xr.DataArray,
) -> tuple[xr.DataArray, ...]:
    """Return power limit, least and largest energy and loss over the dims of all, ``hour`` last, if they are sound."""
    low, high, lost, connected = (xr.DataArray(value) for value in (*soc_bounds, loss, available))
    problems = outside(f"{name}: capacity", capacity, NOT_NEGATIVE, "kWh")
    problems += outside(f"{name}: power", power, NOT_NEGATIVE, "kW")
    problems += outside(f"{name}: lower bound", low, SHARE) + outside(f"{name}: upper bound", high, SHARE)
    problems += outside(f"{name}: loss", lost, LOSS, "1/h") + outside(f"{name}: availability", connected, SHARE)
    problems += listed(f"{name}: lower bound must not exceed upper bound", low > high, lower=low, upper=high)
    if problems:
        raise ValueError("\n".join(problems))
    given = xr.align(power * connected, low * capacity, high * capacity, lost, join="exact", copy=False)
    if not any("hour" in array.dims for array in given):
        raise ValueError(f"{name}: one of the arrays must have the dim hour, which says how long a cycle is")
    return tuple(array.transpose(..., "hour") for array in xr.broadcast(*given))


def outside(name: str, values: xr.DataArray, interval: pd.Interval[float], units: str = "") -> list[str]:
    """Return one line on all values outside an interval or missing; none where there are no such values.

    Parameters
    ----------
    name : str
        What the values are.
    values : xr.DataArray
        Over any dims.
    interval : pd.Interval
        Values admitted, its ends where it is closed.
    units : str
        Of the values.
    """
    numbers = values.to_numpy()
    above = numbers >= interval.left if interval.closed_left else numbers > interval.left
    below = numbers <= interval.right if interval.closed_right else numbers < interval.right
    wrong = values.copy(data=~(above & below))
    return listed(f"{name} must be within {interval} {units}".rstrip(), wrong, found=values)


def listed(message: str, wrong: xr.DataArray, limit: int = 5, **values: xr.DataArray) -> list[str]:
    """Return one line with the message and the places where something is wrong; none where nothing is.

    Parameters
    ----------
    message : str
        What was expected.
    wrong : xr.DataArray of bool
        True at the places to name, by the labels of all dims.
    limit : int
        Places to name at most; the others are counted.
    **values : xr.DataArray
        What to state at each place, each under its own name.
    """
    if not wrong.any():
        return []
    wrong, *arrays = xr.broadcast(wrong, *values.values())
    stated = dict(zip(values, arrays, strict=True))
    found = [tuple(place) for place in np.argwhere(wrong.to_numpy())]
    places = []
    for place in found[:limit]:
        amounts = ", ".join(f"{key} {float(array.to_numpy()[place]):g}" for key, array in stated.items())
        labels = ", ".join(f"{dim} {wrong[dim].to_numpy()[k]}" for dim, k in zip(wrong.dims, place, strict=True))
        places.append(f"{amounts} at {labels}" if labels else amounts)
    more = f" and {len(found) - limit} more" if len(found) > limit else ""
    return [f"{message}: {'; '.join(places)}{more}"]
