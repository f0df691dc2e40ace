"""The mix that covers a demand at least cost: a linear programme with one equality, and what its structure gives away.

    min  sum_j c_j E_j    subject to  sum_j E_j = Q,  l_j <= E_j <= u_j

One equality and a box are a continuous knapsack: fill the lower bounds, then take the technologies in order of unit
cost. With two objectives the efficient mixes of one weighting change only where two technologies swap places in that
order, so the whole front follows from the pairwise crossings (Dantzig 1957, https://doi.org/10.1287/opre.5.2.266).
"""

from __future__ import annotations

import linopy
import numpy as np
import numpy.typing as npt
import xarray as xr

Array = npt.NDArray[np.float64]


def check_box(lower: xr.DataArray, upper: xr.DataArray, total: float) -> None:
    """Raise if no mix can satisfy the bounds and the total.

    Raises
    ------
    ValueError
        Naming each technology whose bounds cross or are not finite, or the range of totals that the bounds admit.
    """
    wrong = ~((lower <= upper) & np.isfinite(lower) & np.isfinite(upper))
    if bool(wrong.any()):
        named = [
            f"{name} {float(lower.sel(technology=name)):g} to {float(upper.sel(technology=name)):g}"
            for name in lower["technology"].to_numpy()[wrong.to_numpy()]
        ]
        raise ValueError(f"bounds must be finite and in order, got {'; '.join(named)}")
    least, most = float(lower.sum()), float(upper.sum())
    slack = 1e-12 * max(abs(most), abs(total))
    if not least - slack <= total <= most + slack:
        raise ValueError(f"the bounds admit totals from {least:g} to {most:g}, so {total:g} cannot be met")


def mix_model(unit_cost: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray, total: float) -> linopy.Model:
    """Build the linear programme of the cheapest mix.

    Parameters
    ----------
    unit_cost : xr.DataArray, dims (technology)
        Objective per energy c_j, such as USD/MJ or g/MJ.
    lower, upper : xr.DataArray, dims (technology)
        Bounds of the energies [MJ/a].
    total : float
        Energy to supply Q [MJ/a].

    Returns
    -------
    linopy.Model
        With the variable ``energy`` (technology) [MJ/a] and the constraint ``total``.

    Raises
    ------
    ValueError
        From :func:`check_box`.

    References
    ----------
    Wei et al. (2023), section 5.4.3, https://doi.org/10.32604/ee.2023.026337.
    """
    check_box(lower, upper, total)
    model = linopy.Model()
    energy = model.add_variables(lower=lower, upper=upper, name="energy")
    model.add_constraints(energy.sum() == total, name="total")
    model.add_objective((_costs(unit_cost, lower) * energy).sum())
    return model


def cheapest_mix(unit_cost: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray, total: float) -> xr.DataArray:
    """Return the cheapest mix by filling the technologies in merit order.

    The optimum of :func:`mix_model` in closed form. Technologies of equal cost are filled in the order of their labels.

    Parameters
    ----------
    unit_cost : xr.DataArray, dims (technology, ...)
        Objective per energy; any further dims (sample, weight) are solved at once.
    lower, upper : xr.DataArray, dims (technology)
        Bounds [MJ/a].
    total : float
        Energy to supply [MJ/a].

    Returns
    -------
    xr.DataArray, dims (technology, ...)
        Energies [MJ/a].

    Raises
    ------
    ValueError
        From :func:`check_box`.
    """
    check_box(lower, upper, total)
    energy: xr.DataArray = xr.apply_ufunc(
        lambda cost: _filled(cost, lower.to_numpy(), upper.to_numpy(), total),
        _costs(unit_cost, lower),
        input_core_dims=[["technology"]],
        output_core_dims=[["technology"]],
    )
    return energy.transpose("technology", ...)


def _costs(unit_cost: xr.DataArray, lower: xr.DataArray) -> xr.DataArray:
    """Return the unit costs in the order of the bounds, refusing technologies that have only one of the two."""
    odd = set(unit_cost["technology"].to_numpy()) ^ set(lower["technology"].to_numpy())
    if odd:
        raise ValueError(f"bounds and unit costs must name the same technologies, only one of them has {sorted(odd)}")
    return unit_cost.sel(technology=lower["technology"])


def _filled(cost: Array, lower: Array, upper: Array, total: float) -> Array:
    """Fill along the last axis in order of cost, lower bounds first."""
    order = np.argsort(cost, axis=-1, kind="stable")
    room = (upper - lower)[order]
    used_before = np.cumsum(room, axis=-1) - room
    ordered = np.clip(total - lower.sum() - used_before, 0.0, room)
    filled: Array = np.empty_like(ordered)
    np.put_along_axis(filled, order, ordered, axis=-1)
    return filled + lower


def tied(
    unit_cost: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray, total: float, slack: float = 1e-9
) -> list[str]:
    """Return the technologies whose share could be exchanged at no cost: empty where the optimum is unique.

    Parameters
    ----------
    unit_cost, lower, upper, total
        As in :func:`cheapest_mix`, dims (technology) alone.
    slack : float
        Costs closer than this, relative to the largest, count as equal; bounds closer than this, relative to the total,
        as reached.
    """
    energy = cheapest_mix(unit_cost, lower, upper, total)
    can_rise = (energy < upper - slack * total).to_numpy()
    can_fall = (energy > lower + slack * total).to_numpy()
    cost = _costs(unit_cost, lower).to_numpy()
    equal = np.abs(cost[:, None] - cost[None, :]) <= slack * np.abs(cost).max()
    np.fill_diagonal(equal, False)
    exchange = equal & can_rise[:, None] & can_fall[None, :]
    return [str(x) for x in lower["technology"].to_numpy()[exchange.any(axis=0) | exchange.any(axis=1)]]


def front(
    first: xr.DataArray, second: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray, total: float
) -> xr.Dataset:
    """Return the exact Pareto front of two objectives over one mix.

    For the weighting ``(1 - w) first + w second`` the cheapest mix changes only where two technologies cost the same,

        w_ij = (a_i - a_j) / ((a_i - a_j) - (b_i - b_j)),

    a and b being the unit costs of the two objectives. One mix between each two neighbouring crossings gives every
    vertex of the front; the front is the polyline through them.

    Parameters
    ----------
    first, second : xr.DataArray, dims (technology)
        Unit costs of the two objectives, in any units.
    lower, upper : xr.DataArray, dims (technology)
        Bounds [MJ/a].
    total : float
        Energy to supply [MJ/a].

    Returns
    -------
    xr.Dataset, dims (vertex, technology)
        ``energy`` (vertex, technology) [MJ/a]; ``first`` and ``second`` (vertex), the objectives, from least first to
        least second; ``exchange`` (vertex), how much of the first objective buys one unit less of the second on the way
        to the next vertex (NaN at the last). A single vertex means that one mix minimises both.

    Raises
    ------
    ValueError
        From :func:`check_box`.
    """
    a = _costs(first, lower) / (float(np.abs(first).max()) or 1.0)
    b = _costs(second, lower) / (float(np.abs(second).max()) or 1.0)
    difference = (a - a.rename(technology="other")).to_numpy(), (b - b.rename(technology="other")).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = difference[0] / (difference[0] - difference[1])
    inside = np.unique(crossings[np.isfinite(crossings) & (crossings > 0) & (crossings < 1)])
    ends = np.concatenate([[0.0], inside, [1.0]])
    weights = xr.DataArray((ends[:-1] + ends[1:]) / 2, dims="vertex")
    energy = cheapest_mix((1 - weights) * a + weights * b, lower, upper, total)
    keep = [0]
    for i in range(1, weights.size):
        if not np.allclose(energy.isel(vertex=i), energy.isel(vertex=keep[-1]), rtol=0, atol=1e-9 * total):
            keep.append(i)
    energy = energy.isel(vertex=keep).transpose("vertex", "technology")
    costs = {"first": (energy * first).sum("technology"), "second": (energy * second).sum("technology")}
    step = {name: cost.diff("vertex", label="lower") for name, cost in costs.items()}
    exchange = (-step["first"] / step["second"]).pad(vertex=(0, 1))
    return xr.Dataset(
        {"energy": energy, **costs, "exchange": exchange.variable}, coords={"vertex": np.arange(len(keep))}
    )
