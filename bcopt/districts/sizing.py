"""Sizes of storage and heat pumps: the front of cost and carbon, the plan that the objective picks, its margins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bcopt.districts.folder import District
from bcopt.districts.inputs import least, most, yearly_charge
from bcopt.districts.values import DAY, Range
from bcopt.methods import bicriteria
from bcopt.methods.optimal_face import lexicographic
from bcopt.methods.persistent import Objective, Persistent
from bcopt.methods.solver import NotSolved
from bcopt.models import district as model_of
from bcopt.models.district_sizes import add_pump_size, add_storage_size

TONNE = 1000.0
"""kg"""
STEP = 0.01
"""Share of a plan's emissions that stands for a tonne where they are few [-]."""
EXACT, COARSE = 1e-9, 1e-3
"""Share of cost and emissions below which a corner of the front is left out, of a day and of a year [-]."""
ROOM = 2.0
"""How far beyond its greatest size a device is built into the model, so that only the size limits it [-]."""


@dataclass(frozen=True, eq=False)
class Plan:
    """One choice of sizes and how it is run.

    Parameters
    ----------
    storage : float
        [kWh]
    pumps : xr.DataArray
        Greatest heat, of all together or dims (group) [kW].
    cost, emissions : float
        Of a year [money/a, kg/a].
    flows : xr.Dataset, dims (group, hour)
        As :func:`bcopt.models.district.flows` gives them.
    """

    storage: float
    pumps: xr.DataArray
    cost: float
    emissions: float
    flows: xr.Dataset


class Sizing:
    """The district with sizes to choose, handed to the solver once.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    day : xr.Dataset, dims (group, hour)
        From :func:`bcopt.districts.inputs.of_district`.
    wear : float
        Of the clusters' own vehicles and tanks, which is paid whatever is built [money/cycle].
    """

    def __init__(self, district: District, day: xr.Dataset, wear: float = 0.0) -> None:
        self.district, self.day, self._wear = district, day, wear
        self._cycles = district.cycles
        self._storage, self._pump = district.file.devices.storage, district.file.devices.heat_pump
        self._model = model_of.district_model(self._roomy(), self._pump.shared, self._storage.account)
        add_storage_size(self._model, self._storage.power_to_energy)
        pumps = add_pump_size(self._model)
        if pumps.ndim and isinstance(self._pump.heat, Range):
            self._model.add_constraints(pumps.sum() <= self._pump.heat.most, name="pump-most")
            self._model.add_constraints(pumps.sum() >= self._pump.heat.least, name="pump-least")
        self._cap = self._greatest()
        emissions = model_of.upper_level(self._model, day)[1]
        self._model.add_constraints(emissions <= self._cap, name="emissions-cap")
        self._persistent = Persistent(self._model, **({} if day.sizes["hour"] == DAY else {"solver": "ipm"}))
        self._charges = {
            "storage-size": self._storage.cost * yearly_charge(district, self._storage.lifetime),
            "pump-size": self._pump.cost * yearly_charge(district, self._pump.lifetime),
        }
        self._bound()
        self._objectives = {name: self._persistent.compiled(x) for name, x in self._expressions().items()}

    def _roomy(self) -> xr.Dataset:
        """Return the day with devices beyond their greatest size, one of none too, so that only the size limits it."""
        energy = ROOM * self.day["storage_energy"] + 1.0
        power, pumps = energy * self._storage.power_to_energy, ROOM * self.day["pump_capacity"] + 1.0
        roomy = {"storage_energy": energy, "storage_power": power, "pump_capacity": pumps}
        return self.day.assign({name: values.assign_attrs(self.day[name].attrs) for name, values in roomy.items()})

    def _greatest(self) -> float:
        """Return more than a cycle can emit: all heat by gas and by pumps, the storage filled in every hour."""
        day = self.day
        pumped = (day["heat"] / day["pump_cop"]).sum() + (day["cooling"] / day["chiller_cop"]).sum()
        bought = day["electricity"].sum() + pumped + self.day.sizes["hour"] * (ROOM * day["storage_power"] + 1.0)
        return float(day["grid_emission_factor"] * bought + day["gas_emission_factor"] * day["heat"].sum()) + 1.0

    def _bound(self) -> None:
        """Give the sizes the bounds of the folder."""
        pumps = self.day["pump_capacity"]
        if self._pump.shared:
            self._persistent.bounds("pump-size", least(self._pump.heat), pumps.sum("group"))
        elif isinstance(self._pump.heat, Range):
            self._persistent.bounds("pump-size", 0.0, pumps)
            self._persistent.right_hand_side("pump-most", self._pump.heat.most)
        else:
            self._persistent.bounds("pump-size", pumps, pumps)
        self._persistent.bounds("storage-size", least(self._storage.energy), most(self._storage.energy))

    def _expressions(self) -> dict[str, Any]:
        """Return what is minimised or reported, of one cycle."""
        v, day = self._model.variables, self.day
        operation, emissions = model_of.upper_level(self._model, day)
        sizes = [1.0 * v[name] if name == "storage-size" else v[name].sum() for name in self._charges]
        invested = sum(c / self._cycles * x for c, x in zip(self._charges.values(), sizes, strict=True))
        paid = (day["electricity_price"], v["purchase"]), (-day["export_price"], v["export"])
        energy = self._model.linexpr(*paid, (day["gas_price"], v["gas_heat"])).sum()
        return {
            "cost": operation + invested + self._wear,
            "emissions": emissions,
            "payments": energy,
            "other": operation - energy,
        }

    def solve(self, cost: float, emissions: float) -> tuple[float, float, Plan]:
        """Return yearly cost [money/a], emissions [kg/a] and the plan that minimise their weighted sum."""
        one, other = self._objectives["cost"], self._objectives["emissions"]
        both = cost * one.cost + emissions * other.cost, cost * one.constant + emissions * other.constant
        self._persistent.minimise(Objective(one.columns, *both))
        self._persistent.solve()
        plan = self._plan()
        return plan.cost, plan.emissions, plan

    def chosen(self, cost: float, emissions: float) -> Plan:
        """Return the plan that the weights pick; where one weighs nothing, the best by it of the best."""
        if cost > 0 and emissions > 0:
            return self.solve(cost, emissions)[2]
        ranked = ("cost", "emissions") if cost > 0 else ("emissions", "cost")
        lexicographic(self._persistent, [self._objectives[name] for name in ranked])
        return self._plan()

    def margins(self, plan: Plan, cost: float, emissions: float) -> dict[str, float]:
        """Return what one more unit of each device saves, its own price left out, all else at its best for it.

        A step of one unit, or of a thousandth of the size where that is more: duals say nothing certain of a device
        that is not there, and at a bend they leave open to which side of it they belong.

        Parameters
        ----------
        plan : Plan
            From :meth:`chosen`.
        cost, emissions : float
            The weights that picked it; cost above 0.

        Returns
        -------
        dict of str to float
            By ``storage-size`` and ``pump-size``, with the group behind it where pumps are not shared [money/a].
        """
        found = {}
        before = cost * plan.cost + emissions * plan.emissions
        for name, size in (("storage-size", xr.DataArray(plan.storage)), ("pump-size", plan.pumps)):
            for group in size["group"].to_numpy() if size.ndim else [None]:
                here = True if group is None else size["group"] == group
                step = max(1.0, float((size * here).max()) / 1000)
                self._persistent.bounds(name, size + step * here, size + step * here)
                if size.ndim and isinstance(self._pump.heat, Range):
                    self._persistent.right_hand_side("pump-most", float(size.sum()) + step)
                one, other, _ = self.solve(cost, emissions)
                saved = self._charges[name] + (before - cost * one - emissions * other) / cost / step
                found[f"{name} {group or ''}".strip()] = saved
                self._bound()
        return found

    def tonne(self, plan: Plan) -> float:
        """Return what the next tonne of carbon dioxide less costs, from a plan on; NaN where there is none to spare."""
        step = min(TONNE, STEP * plan.emissions)
        if step <= 0:
            return np.nan
        self._persistent.right_hand_side("emissions-cap", (plan.emissions - step) / self._cycles)
        try:
            return (self.solve(1.0, 0.0)[0] - plan.cost) / step * TONNE
        except NotSolved:
            return np.nan
        finally:
            self._persistent.right_hand_side("emissions-cap", self._cap)

    def at(self, plan: Plan) -> Plan:
        """Return a plan run as the groups pay least for energy, of equal payments with least wear, then emissions."""
        self._persistent.bounds("storage-size", plan.storage, plan.storage)
        self._persistent.bounds("pump-size", plan.pumps, plan.pumps)
        lexicographic(self._persistent, [self._objectives[name] for name in ("payments", "other", "emissions")])
        found = self._plan()
        self._bound()
        return found

    def front(self) -> list[bicriteria.Vertex[Plan]]:
        """Return the corners of the front of yearly cost and emissions, the cheapest first, each an exact optimum."""
        within = self.district.file.objective.front_within
        exact = EXACT if self.day.sizes["hour"] == DAY else COARSE

        def solve(cost: float, emissions: float) -> tuple[float, float, Plan]:
            plan = self.chosen(cost, emissions)
            return plan.cost, plan.emissions, plan

        return bicriteria.front(solve, exact if within is None else max(within, EXACT))

    def _plan(self) -> Plan:
        value = {
            name: self._cycles * float(self._persistent.evaluate(self._objectives[name]))
            for name in ("cost", "emissions")
        }
        return Plan(
            max(0.0, float(self._persistent.value("storage-size"))),
            self._persistent.value("pump-size").clip(min=0.0),
            value["cost"],
            value["emissions"],
            model_of.flows(self._persistent.solution()),
        )
