"""A provider's day: a mixed-integer programme says when the turbine runs, a quadratic one dispatches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bcopt.methods import solver
from bcopt.methods.quadratic import PersistentQuadratic
from bcopt.models import dispatch

TANGENTS = 12
"""Tangents of each load's utility to begin with; those at the dispatch of each commitment tried come on top."""
ROUNDS = 30
"""Commitments tried at most."""
GAP = 1e-6
"""Distance of bound and dispatch at which both are one, relative to the provider's cost, or 1 yuan if less [-]."""


@dataclass(frozen=True)
class Commitment:
    """When the turbine runs.

    Parameters
    ----------
    on : xr.DataArray, dims (hour)
        1 or 0.
    value : float
        Provider's cost less the clusters' utility, dissatisfaction added, with it [yuan].
    bound : float
        Proved lower bound over all commitments and loads [yuan].
    tried : int
        Commitments that were dispatched.
    """

    on: xr.DataArray
    value: float
    bound: float
    tried: int


def commit(
    inputs: xr.Dataset,
    mean_temperature: dispatch.MeanTemperature = "kept",
    dispatcher: Dispatcher | None = None,
    first: xr.DataArray | None = None,
) -> Commitment:
    """Return the best commitment of the turbine, by outer approximation.

    The mixed-integer programme bounds the clusters' quadratic utility by tangents, its optimum is a lower bound. Its
    commitment is dispatched by the quadratic programme, whose loads give new tangents. With tangents at its own optimum
    a commitment's bound is its value, so that none is proposed twice unless it is the best.

    Parameters
    ----------
    inputs : xr.Dataset
        The :data:`bcopt.models.dispatch.QUANTITIES`.
    mean_temperature : {"kept", "free"}
        Whether the rooms keep their mean temperature, as in :func:`bcopt.models.dispatch.dispatch_model`.
    dispatcher : Dispatcher, optional
        Of the same day and mean temperature; left with the last commitment tried. One is made by default.
    first : xr.DataArray, dims (hour), optional
        Commitment to try first, as one that was the best of similar inputs; by default what the first bound proposes.

    Raises
    ------
    NotSolved
        If no dispatch meets the loads, or bound and value do not meet.

    References
    ----------
    Duran, Grossmann (1986), Mathematical Programming 36, 307-339, https://doi.org/10.1007/BF02592064.
    """
    dispatcher = dispatcher or Dispatcher(inputs, mean_temperature)
    points, constant = dispatcher.spread(inputs, TANGENTS), dispatch.constant(inputs)
    best, on, bound, proposed = float("inf"), None, float("-inf"), first
    for tried in range(ROUNDS + 1):
        if proposed is None:
            least, proposed = dispatcher.bound(inputs, points)
            bound = least + constant
            if on is not None and best - bound <= GAP * max(abs(best - constant), 1.0):
                return Commitment(on, best, bound, tried)
        dispatcher.commit(proposed)
        value = dispatcher.solve(inputs) + constant
        if value < best:
            best, on = value, proposed
        points, proposed = xr.concat([points, dispatcher.value("load").expand_dims("tangent")], "tangent"), None
    raise solver.NotSolved("not decided", f"  {ROUNDS} commitments leave a gap from {bound!r} to {best!r}")


class Dispatcher:
    """The quadratic programme of a commitment, kept to be solved for other prices, users and loads of the same day.

    Parameters
    ----------
    inputs : xr.Dataset
        As :func:`commit` takes them.
    mean_temperature : {"kept", "free"}
        Whether the rooms keep their mean temperature.
    on : xr.DataArray, dims (hour), optional
        When the turbine runs; always by default.
    """

    def __init__(
        self,
        inputs: xr.Dataset,
        mean_temperature: dispatch.MeanTemperature = "kept",
        on: xr.DataArray | None = None,
    ) -> None:
        self._mean = mean_temperature
        on = xr.ones_like(inputs["hour"]) if on is None else on
        self._model = dispatch.dispatch_model(inputs, on, mean_temperature=self._mean)
        self._programme = PersistentQuadratic(self._model)

    def commit(self, on: xr.DataArray) -> None:
        """Let the turbine run in other hours."""
        self._programme.bounds("on", on, on)

    def solve(self, inputs: xr.Dataset) -> float:
        """Dispatch the day and return the objective, without :func:`bcopt.models.dispatch.constant` [yuan].

        Parameters
        ----------
        inputs : xr.Dataset
            Of the same day and equipment; prices, operation costs, agreed loads and users may be others.
        """
        self._change(inputs)
        return self._programme.solve().objective

    def bound(self, inputs: xr.Dataset, points: xr.DataArray) -> tuple[float, xr.DataArray]:
        """Return a lower bound of :meth:`solve` over all commitments [yuan], and the commitment that has it.

        Parameters
        ----------
        inputs : xr.Dataset
            As in :meth:`solve`.
        points : xr.DataArray, dims (tangent, cluster, carrier, hour)
            Loads at which the tangents of the clusters' utility touch [kW].
        """
        self._change(inputs)
        least, on = self._programme.bound("on", "load", points)
        return least, on.astype(int)

    def spread(self, inputs: xr.Dataset, number: int) -> xr.DataArray:
        """Return loads evenly between the least and the most that each can be, dims (tangent, ...) [kW]."""
        within = dispatch.limits(inputs, self._mean)
        shares = xr.DataArray((np.arange(number) + 0.5) / number, dims="tangent")
        return within["lower"] + shares * (within["upper"] - within["lower"])

    def _change(self, inputs: xr.Dataset) -> None:
        """Hand inputs to the programme."""
        for name, price in dispatch.unit_costs(inputs).data_vars.items():
            self._programme.costs(str(name), price)
        form, limits = dispatch.consumption(inputs), dispatch.limits(inputs, self._mean)
        self._programme.costs("load", -form["linear"])
        self._programme.curvature("load", form["curvature"])
        self._programme.bounds("load", limits["lower"], limits["upper"])
        for name in ("load-total", "room"):
            self._programme.right_hand_side(name, limits[name])

    def value(self, name: str) -> xr.DataArray:
        """Return a variable of the last dispatch."""
        return self._programme.value(name)

    def flows(self, inputs: xr.Dataset) -> xr.Dataset:
        """Dispatch the day and return all flows, as :func:`bcopt.models.dispatch.flows` does."""
        self.solve(inputs)
        solution = xr.Dataset({str(name): self.value(str(name)) for name in self._model.variables})
        return dispatch.flows(inputs, solution)
