"""Both stages of one day at any knobs: prices and agreed loads, then commitment and dispatch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import xarray as xr

from bcopt.models import dispatch
from bcopt.planning import retail
from bcopt.planning.commitment import Commitment, Dispatcher, commit
from bcopt.studies.frontiers2022.basic_data import (
    Knobs,
    dispatch_inputs,
    operation_prices,
    preferences,
    pricing_inputs,
)
from bcopt.studies.frontiers2022.scenario import Scenario

PAYERS = {
    "reducible_commercial": "commercial",
    "satisfaction_residential": "residential",
    "satisfaction_hotel": "hotel",
}
"""Cluster whose payment a knob is turned to, and whose users it describes."""


@dataclass(frozen=True)
class Jump:
    """Where a target has no root: knob and response on two sides, of the jump it lies in or of the whole bracket.

    Parameters
    ----------
    low, high : tuple of float
        Knob [-] and response [yuan].
    goes_round : bool
        Whether these are turns of a cycle: the passes of the fits came back to where they had been.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    goes_round: bool = False

    @property
    def narrow(self) -> bool:
        """Whether these are the sides of a jump, and not the ends of a bracket whose target is out of reach."""
        return not self.goes_round and math.isclose(self.low[0], self.high[0], rel_tol=1e-3)

    @property
    def kind(self) -> str:
        """What stands in for a root, in words."""
        return "goes round" if self.goes_round else "jump" if self.narrow else "out of reach"


@dataclass(frozen=True)
class Settled:
    """A day with its knobs turned.

    Parameters
    ----------
    day : xr.Dataset
        From :func:`~bcopt.studies.frontiers2022.basic_data.typical_day`.
    scenario : Scenario
        The choices.
    knobs : Knobs
        What the fits found.
    commitment : Commitment
        When the turbine runs, at these knobs.
    retail : xr.Dataset, dims (cluster, carrier, hour)
        Prices and agreed loads of the first stage.
    inputs : xr.Dataset
        Of the second stage.
    flows : xr.Dataset
        Dispatch of the second stage.
    accounts : xr.Dataset
        Who pays what.
    jumps : mapping of str to Jump
        Of the knobs without root.
    passes : int
        Times that all knobs were turned.
    """

    day: xr.Dataset
    scenario: Scenario
    knobs: Knobs
    commitment: Commitment
    retail: xr.Dataset
    inputs: xr.Dataset
    flows: xr.Dataset
    accounts: xr.Dataset
    jumps: Mapping[str, Jump] = field(default_factory=dict)
    passes: int = 0


class Evaluator:
    """Both stages of one day at any knobs, for a commitment that is kept until it is asked to be looked at again.

    Prices of a cluster depend on its own knob alone, and are sought again only when this is another.
    """

    def __init__(self, day: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs) -> None:
        self.day, self.inputs, self.scenario = day, inputs, scenario
        self._market: retail.Market | None = None
        self._first: dict[str, tuple[float, xr.Dataset]] = {}
        self._given = dispatch_inputs(day, inputs, scenario, knobs, day["load"])
        given = self.of_dispatch(knobs)
        self._dispatcher = Dispatcher(given, scenario.mean_temperature)
        self.commitment = commit(given, scenario.mean_temperature, self._dispatcher)
        self._dispatcher.commit(self.commitment.on)

    def prices(self, knobs: Knobs) -> xr.Dataset:
        """Return the first stage, which the operation costs do not touch."""
        return xr.concat([self._prices(knob, knobs) for knob in PAYERS], "cluster")

    def _prices(self, knob: str, knobs: Knobs) -> xr.Dataset:
        """Return the first stage of the cluster of one knob."""
        at = getattr(knobs, knob)
        if knob not in self._first or self._first[knob][0] != at:
            users = pricing_inputs(self.day, self.inputs, self.scenario, knobs).sel(cluster=[PAYERS[knob]])
            of = self.scenario
            self._market = retail.market(users, of.price_levels, of.response, self._market)
            self._first[knob] = at, retail.exact(self._market, of.weight, of.price_ties)
        return self._first[knob][1]

    def of_dispatch(self, knobs: Knobs) -> xr.Dataset:
        """Return the inputs of the second stage."""
        loads = [self._prices(knob, knobs)["load"].variable for knob in PAYERS]
        agreed = xr.Variable.concat(loads, "cluster")
        users = preferences(self.day, self.scenario, knobs)
        changed = {str(name): of for name, of in users.items()} | operation_prices(self.inputs, knobs)
        return self._given.assign({"agreed": agreed} | {name: of.variable for name, of in changed.items()})

    def recommit(self, knobs: Knobs) -> bool:
        """Look at the commitment again and say whether it is another."""
        before = self.commitment.on
        given = self.of_dispatch(knobs)
        self.commitment = commit(given, self.scenario.mean_temperature, self._dispatcher, before)
        self._dispatcher.commit(self.commitment.on)
        return not before.equals(self.commitment.on)

    def settle(self, knobs: Knobs) -> Settled:
        """Return the day at these knobs."""
        first, given = self.prices(knobs), self.of_dispatch(knobs)
        flows = self._dispatcher.flows(given)
        accounts = dispatch.accounts(given, flows, first["price"])
        return Settled(self.day, self.scenario, knobs, self.commitment, first, given, flows, accounts)

    def response(self, knob: str, knobs: Knobs) -> float:
        """Return what a knob is turned to: what its cluster pays, or the benefit of the provider [yuan]."""
        if knob not in PAYERS:
            return float(self.settle(knobs).accounts["provider_benefit"])
        self._dispatcher.solve(self.of_dispatch(knobs))
        load = self._dispatcher.value("load").sel(cluster=[PAYERS[knob]]).variable
        return float((self._prices(knob, knobs)["price"].variable * load).sum())


def reached(found: Settled) -> dict[str, float]:
    """Return what each knob is turned to, as it came out [yuan]."""
    paid = found.accounts["payment"].sum(["carrier", "hour"])
    costs = {knob: float(paid.sel(cluster=name)) for knob, name in PAYERS.items()}
    return costs | {"operation": float(found.accounts["provider_benefit"])}
