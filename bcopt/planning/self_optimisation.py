"""Every cluster at least energy cost, by itself, and which of the schedules of equal cost is taken."""

from __future__ import annotations

from typing import cast

import linopy
import xarray as xr

from bcopt.methods.optimal_face import lexicographic
from bcopt.methods.persistent import Persistent
from bcopt.models import flexibility


def position(hours: xr.DataArray, first_hour: int = 0) -> xr.DataArray:
    """Return the place of each hour in a horizon that begins with ``first_hour`` and goes round, dims (hour)."""
    return (hours - first_hour) % hours.size


def stages(
    model: linopy.Model, inputs: xr.Dataset, rule: flexibility.TieRule, first_hour: int = 0
) -> list[linopy.LinearExpression]:
    """Return cost, the tie rule, and what decides among its schedules: least throughput, then earliest.

    Under the earliest and the latest hours one schedule is left; the least peak may leave several, of which the solver
    takes one.

    Parameters
    ----------
    model : linopy.Model
        From :func:`bcopt.models.flexibility.flexibility_model`, its objective the cost.
    inputs : xr.Dataset, dims (..., hour)
        Of that model.
    rule : TieRule
        One of :data:`bcopt.models.flexibility.TIE_RULES`.
    first_hour : int
        Hour from which earlier and later are counted.
    """
    order = position(inputs["hour"], first_hour)
    after: tuple[flexibility.TieRule, ...] = (rule, "least throughput", "earliest")
    cost = cast("linopy.LinearExpression", model.objective.expression)
    return [cost, *(flexibility.tie_break(model, name, order) for name in dict.fromkeys(after))]


def schedule(inputs: xr.Dataset, rule: flexibility.TieRule, first_hour: int = 0) -> xr.Dataset:
    """Return the schedule of least cost that a tie rule picks.

    Parameters
    ----------
    inputs : xr.Dataset, dims (..., hour)
        The :data:`~bcopt.models.flexibility.QUANTITIES` of any clusters.
    rule : TieRule
        One of :data:`bcopt.models.flexibility.TIE_RULES`.
    first_hour : int
        Hour from which earlier and later are counted.

    Returns
    -------
    xr.Dataset, dims (..., hour)
        Flows as :func:`bcopt.models.flexibility.flows` returns them [kW], with the costs of :func:`with_costs` [yuan].

    Raises
    ------
    ValueError
        From :func:`bcopt.models.flexibility.check`; for another rule.
    NotSolved
        If the loads cannot be met.
    """
    model = flexibility.flexibility_model(inputs, peak=rule == "least peak")
    persistent = Persistent(model)
    lexicographic(persistent, stages(model, inputs, rule, first_hour))
    return with_costs(flexibility.flows(persistent.solution(), inputs), inputs)


def as_simulated(inputs: xr.Dataset) -> xr.Dataset:
    """Return the clusters with nothing shifted, as :func:`schedule` returns the optimum."""
    return with_costs(flexibility.unoptimised(inputs), inputs)


def with_costs(flows: xr.Dataset, inputs: xr.Dataset) -> xr.Dataset:
    """Return flows with :func:`bcopt.models.flexibility.costs` by hour and their sum ``energy_cost`` [yuan]."""
    costs = flexibility.costs(flows, inputs)
    energy = costs["electricity_cost"] + costs["heat_cost"] + costs["storage_cost"]
    return xr.merge([flows, costs, energy.rename("energy_cost")])
