"""Section 3.3's lower level, built once and solved at any storage size, with the ties of its optimum settled."""

from __future__ import annotations

from collections.abc import Sequence

import linopy
import numpy as np
import xarray as xr

from bcopt.methods.optimal_face import lexicographic, ranges
from bcopt.methods.persistent import Persistent
from bcopt.models import district
from bcopt.planning.self_optimisation import position
from bcopt.studies.systems2024.district_day import RESIDENTIAL, with_storage
from bcopt.studies.systems2024.flexible_day import FIRST_HOUR
from bcopt.studies.systems2024.scenario import Scenario

ALIKE = "alike"
MIXED_INTEGER = {"mip_rel_gap": 0.0, "mip_feasibility_tolerance": 1e-9}
WHOLE = "of the whole"
LEAST, GREATEST = "least throughput", "greatest throughput"
UPPER = ("energy cost", "other cost", "emissions")
"""Ranks that decide both objectives of the upper level: its cost but for the storage itself is the sum of two."""
SETTLED = (*UPPER, "ground heat", "tie rule", "earliest")
"""All ranks. They leave one dispatch but for what public groups of one tariff pass among themselves."""


class Dispatch:
    """The district's day at least energy cost.

    Parameters
    ----------
    day : xr.Dataset, dims (group, hour)
        From :func:`bcopt.studies.systems2024.district_day.fitted`.
    scenario : Scenario
        Accounts, ties and the ratio of power to energy.
    sharing : bool
        Whether the groups pool their ground heat.
    settled : bool
        Build what the ranks after those of :data:`UPPER` need.
    largest : float, optional
        Greatest storage that :meth:`resize` will be asked for [kWh]; that of the day by default, which it has at first.
    """

    def __init__(
        self,
        day: xr.Dataset,
        scenario: Scenario,
        sharing: bool = True,
        settled: bool = True,
        largest: float | None = None,
    ) -> None:
        own = float(day["storage_energy"])
        self._largest = own if largest is None else max(largest, own)
        self._ratio = scenario.power_to_energy
        day = with_storage(day, scenario, self._largest)
        greatest, one_state = scenario.lower_level_ties == GREATEST, scenario.storage_state == WHOLE
        model = district.district_model(day, sharing, scenario.account, greatest, settled, one_state)
        self._persistent = Persistent(model, **(MIXED_INTEGER if greatest or one_state else {}))
        self._own_ground = day["pump_capacity"]
        expressions = _objectives(model, day, -1.0 if greatest else 1.0)
        if settled:
            expressions |= _tie_breaks(model, day, scenario)
        self._objectives = {name: self._persistent.compiled(value) for name, value in expressions.items()}
        v = model.variables
        paid = (day["electricity_price"], v["purchase"]), (-day["export_price"], v["export"])
        self._by_group = {"gas": v["gas_heat"].sum("hour"), "electricity cost": model.linexpr(*paid).sum("hour")}
        self.resize(own)

    def resize(self, storage_energy: float) -> None:
        """Give the storage another energy [kWh], and power in proportion.

        Raises
        ------
        ValueError
            Beyond the largest that the model was built for, which binaries would not admit.
        """
        if storage_energy > self._largest:
            raise ValueError(f"a storage of {storage_energy:g} kWh in a model built for at most {self._largest:g} kWh")
        self._persistent.bounds("storage-energy", upper=storage_energy)
        for flow in ("storage-charge", "storage-discharge"):
            self._persistent.bounds(flow, upper=self._ratio * storage_energy)

    def supply(self, electricity: xr.DataArray, photovoltaics: xr.DataArray) -> None:
        """Replace what the buildings use and what the sun gives, dims (group, hour) [kW]."""
        self._persistent.right_hand_side("electricity-balance", electricity - photovoltaics)
        self._persistent.bounds("export", upper=photovoltaics)

    def separate_grounds(self) -> None:
        """Leave each group the ground heat below it; where all shared theirs, this is the tighter limit."""
        self._persistent.bounds("pump_heat", upper=self._own_ground)

    def equip(self, boilers: float, chillers: float) -> None:
        """Give boilers and chillers another capacity [kW], on days that limit them."""
        self._persistent.right_hand_side("boilers", boilers)
        self._persistent.right_hand_side("chillers", chillers)

    def solve(self, ranks: Sequence[str] = SETTLED) -> dict[str, float]:
        """Solve the ranks in their order and return the value of each [yuan, yuan, kg, ...]."""
        found = lexicographic(self._persistent, [self._objectives[name] for name in ranks])
        return dict(zip(ranks, found, strict=True))

    def value(self, name: str) -> float:
        """Return a rank, ``wear``, ``electricity cost``, ``gas`` or ``residential export`` in the last solution."""
        return float(self._persistent.evaluate(self._objectives[name]))

    def flows(self) -> xr.Dataset:
        """Return the last solution as :func:`bcopt.models.district.flows` does."""
        return district.flows(self._persistent.solution())

    def keep_basis(self) -> None:
        """Start every further solve from the basis of the last one, so that none depends on those before it."""
        self._persistent.keep_basis()

    def ranges(self, name: str) -> xr.Dataset:
        """Return how far ``gas`` [kWh] or ``electricity cost`` [yuan] of each group can move at least energy cost.

        Returns
        -------
        xr.Dataset, dims (group)
            ``low`` and ``high``, however ties are settled.
        """
        self.solve(UPPER[:1])
        return ranges(self._persistent, self._by_group[name])

    def slope(self) -> float:
        """Return what a further kWh of storage is worth at the last solution of rank one alone [yuan/kWh]."""
        per_energy = {"storage-energy": 1.0, "storage-charge": self._ratio, "storage-discharge": self._ratio}
        values = (ratio * self._persistent.reduced_cost(name) for name, ratio in per_energy.items())
        return float(sum(np.minimum(value, 0.0).sum() for value in values))

    def ground_heat_value(self) -> xr.DataArray:
        """Return what a further kW of ground heat is worth in each hour at the last solution of rank one [yuan/kWh]."""
        return -self._persistent.dual("ground-heat")


def _objectives(model: linopy.Model, day: xr.Dataset, preference: float) -> dict[str, linopy.LinearExpression]:
    """Return the ranks of :data:`UPPER` and what else is asked of a dispatch; other costs preferred low or high."""
    v = model.variables
    cost, emissions = district.upper_level(model, day)
    bought = model.linexpr((day["electricity_price"], v["purchase"]), (-day["export_price"], v["export"])).sum()
    energy = bought + model.linexpr((day["gas_price"], v["gas_heat"])).sum()
    return {
        "energy cost": energy,
        "other cost": preference * (cost - energy),
        "emissions": emissions,
        "wear": district.throughput(model, day),
        "electricity cost": bought,
        "gas": 1 * v["gas_heat"].sum(),
        "residential export": 1 * v["export"].sel(group=RESIDENTIAL).sum(),
    }


def _tie_breaks(model: linopy.Model, day: xr.Dataset, scenario: Scenario) -> dict[str, linopy.LinearExpression]:
    """Return what settles who has the ground heat, and when."""
    first = None if scenario.ground_heat_split == ALIKE else scenario.ground_heat_split.removesuffix(" first")
    order = position(day["hour"], FIRST_HOUR)
    return {
        "ground heat": district.gas_of(model, day, first),
        "tie rule": district.tie_break(model, scenario.tie_rule, order),
        "earliest": district.tie_break(model, "earliest", order),
    }
