"""Section 3.3's upper level: storage, boilers and chillers by NSGA-II over the dispatch; storage sizes exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.methods import pareto, search
from bcopt.methods.decoders import Array
from bcopt.methods.parallel import Workers
from bcopt.methods.parametric import piecewise
from bcopt.methods.persistent import Persistent
from bcopt.models import district, district_sizes
from bcopt.studies.systems2024.district_day import with_storage
from bcopt.studies.systems2024.district_dispatch import GREATEST, LEAST, UPPER, Dispatch
from bcopt.studies.systems2024.scenario import Scenario

DEMANDS = {"boiler": "heat", "chiller": "cooling"}
VARIABLES = ("storage energy [kWh]", "boiler capacity [kW]", "chiller capacity [kW]")
SPARE = 2.0
"""Greatest capacity of boilers and chillers over what the day needs [-]."""
START = 0.02
"""Storage at which the basis of every other solve is kept, as a share of the day's electricity [-]."""
FINE = 2001
"""Points whose staircase stands for the exact front in hypervolumes."""
ROUNDING = 1e-9
"""Share of an objective below which a difference is none [-]."""
OBJECTIVES = ("cost", "emissions")
LEVELS = 41


def needed(day: xr.Dataset, sharing: bool = True) -> dict[str, float]:
    """Return the least capacity of boilers and of chillers that serves every hour of a day [kW]."""
    return {name: float(district.shortfall(day, demand, 0.0, sharing).max()) for name, demand in DEMANDS.items()}


def equipped(day: xr.Dataset) -> xr.Dataset:
    """Return a day whose boilers and chillers are limited, to the most that the search may choose."""
    capacities = {f"{name}_capacity": xr.DataArray(SPARE * least) for name, least in needed(day).items()}
    return day.assign(capacities)


def bounds(day: xr.Dataset) -> tuple[Array, Array]:
    """Return the box of the upper variables: up to the day's electricity in storage, twice the needed capacities."""
    most = [float(day["electricity"].sum()), *(SPARE * least for least in needed(day).values())]
    return np.zeros(len(VARIABLES)), np.array(most)


class Evaluator:
    """Both objectives of the upper level for plans, each by the lower level.

    A plan whose boilers or chillers do not suffice is dispatched with what is needed; its shortage is told beside. What
    a plan gets depends on it alone, not on those before it, and nothing is remembered of them.

    Parameters
    ----------
    day : xr.Dataset, dims (group, hour)
        From :func:`bcopt.studies.systems2024.district_day.fitted`.
    scenario : Scenario
        The choices.
    """

    def __init__(self, day: xr.Dataset, scenario: Scenario) -> None:
        self._needed = np.array(list(needed(day).values()))
        self._storage = float(day["storage_installation_price"])
        largest = float(bounds(day)[1][0])
        optimistic = replace(scenario, lower_level_ties=LEAST)
        self._dispatch = Dispatch(equipped(day), optimistic, settled=False, largest=largest)
        self._dispatch.resize(START * largest)
        self._dispatch.solve(UPPER)
        self._dispatch.keep_basis()

    def __call__(self, plans: Array) -> Array:
        """Return cost [yuan] and emissions [kg] of plans of :data:`VARIABLES`, dims (plan, objective)."""
        return np.array([self._objectives(*plan) for plan in plans])

    def _objectives(self, storage: float, *capacities: float) -> tuple[float, float]:
        self._dispatch.resize(storage)
        self._dispatch.equip(*np.maximum(capacities, self._needed))
        found = self._dispatch.solve(UPPER)
        return found["energy cost"] + found["other cost"] + self._storage * storage, found["emissions"]


def read_off(curve: xr.Dataset, plans: Array) -> Array:
    """Return what an :class:`Evaluator` finds, off the breakpoints of the lower level, dims (plan, objective).

    Both objectives are piecewise linear in the storage size, and no other variable moves them.

    Parameters
    ----------
    curve : xr.Dataset
        From :func:`sizes`.
    plans : array, dims (plan, variable)
        As in :data:`VARIABLES`.
    """
    size = curve["storage_energy"].to_numpy()
    return np.stack([np.interp(plans[:, 0], size, curve[name]) for name in OBJECTIVES], axis=1)


def search_problem(day: xr.Dataset, evaluate: Callable[[Array], Array]) -> search.Problem:
    """Pose the upper level as the study does: three capacities, cost and emissions minimised, every demand met.

    Parameters
    ----------
    day : xr.Dataset
        From :func:`bcopt.studies.systems2024.district_day.fitted`.
    evaluate : callable
        Both objectives of plans: what an :class:`Evaluator` of the same day finds, solved or :func:`read_off`.
    """
    least = np.array(list(needed(day).values()))
    return search.Problem(evaluate, *bounds(day), violations=lambda plans: least - plans[:, 1:])


@dataclass(frozen=True)
class Searched:
    """What NSGA-II found from every seed.

    Parameters
    ----------
    runs : pd.DataFrame
        One row a seed: points, hypervolume as a share of the exact front's, largest distance below it, lower-level
        dispatches solved, and how far they are from what is read off the breakpoints (NaN where none was solved).
    plans : pd.DataFrame
        :data:`VARIABLES`, cost [yuan] and emissions [kg] of the first seed's front.
    """

    runs: pd.DataFrame
    plans: pd.DataFrame


def evolve(
    day: xr.Dataset,
    scenario: Scenario,
    curve: xr.Dataset,
    settings: search.Settings,
    seeds: Sequence[int],
    workers: int | None = None,
) -> Searched:
    """Run NSGA-II over the lower level from every seed beside the exact front.

    The first seed solves the lower level of every individual, and tells how far each is from the breakpoints. The other
    seeds, whose individuals lie on the same curve, read theirs off; that none of them is below it says nothing.

    Parameters
    ----------
    day, scenario
        As in :class:`Evaluator`.
    curve : xr.Dataset
        From :func:`sizes`.
    settings : search.Settings
        Its seed is replaced by each of ``seeds``.
    seeds : sequence of int
        One search each.
    workers : int, optional
        Processes; as many as processors by default. The numbers are the same for all.
    """
    exact = fine_front(curve)
    rows, plans = [], []
    with Workers(Evaluator, day, scenario, workers=workers, memory=False) as pool:
        differences: list[float] = []

        def solved(plans: Array) -> Array:
            values, expected = pool.evaluate(plans), read_off(curve, plans)
            differences.append(float(np.abs(values / expected - 1).max()))
            return values

        evaluators: list[Callable[[Array], Array]] = [solved, *[partial(read_off, curve)] * (len(seeds) - 1)]
        for evaluate, seed in zip(evaluators, seeds, strict=True):
            before = pool.solved
            found = search.nsga2(search_problem(day, evaluate), replace(settings, seed=seed))
            plans.append(np.hstack([found.decisions, found.objectives]))
            rows.append(
                {
                    "seed": seed,
                    "points": len(found.objectives),
                    "hypervolume ratio": pareto.hypervolume_ratio(found.objectives, exact, polyline=False),
                    "largest share below the front": below(found.objectives, curve) if evaluate is solved else np.nan,
                    "dispatches solved": pool.solved - before,
                    "largest difference from the breakpoints": max(differences) if evaluate is solved else np.nan,
                }
            )
    columns = [*VARIABLES, "cost [yuan]", "emissions [kg]"]
    return Searched(pd.DataFrame(rows), pd.DataFrame(plans[0], columns=columns))


def sizes(day: xr.Dataset, scenario: Scenario, sharing: bool = True) -> xr.Dataset:
    """Return cost and emissions as exact, piecewise linear functions of the storage size.

    Parameters
    ----------
    day : xr.Dataset, dims (group, hour)
        From :func:`bcopt.studies.systems2024.district_day.fitted`.
    scenario : Scenario
        The choices; of dispatches of equal energy cost the one of least throughput is taken.
    sharing : bool
        Whether the groups pool their ground heat.

    Returns
    -------
    xr.Dataset, dims (size)
        At each ``storage_energy`` [kWh] where a slope changes, from none to the day's electricity: ``energy_cost``,
        ``other_cost`` (wear and boilers) and ``cost`` of the upper level [yuan], ``emissions`` [kg], and
        ``marginal_value``, the energy cost that a further kWh saves until the next size [yuan/kWh] (NaN at the last).
    """
    optimistic, largest = replace(scenario, lower_level_ties=LEAST), float(bounds(day)[1][0])
    dispatch = Dispatch(day, optimistic, sharing, settled=False, largest=largest)
    dispatch.resize(START * largest)
    dispatch.solve(UPPER)
    dispatch.keep_basis()

    def ranks(storage_energy: float) -> list[float]:
        dispatch.resize(storage_energy)
        return list(dispatch.solve(UPPER).values())

    found = piecewise(ranks, 0.0, largest)
    energy, other, emissions = (found["value"].isel(rank=rank).to_numpy() for rank in range(len(UPPER)))
    size = found["parameter"].to_numpy()
    named = {
        "storage_energy": (size, "kWh"),
        "energy_cost": (energy, "yuan"),
        "other_cost": (other, "yuan"),
        "cost": (energy + other + float(day["storage_installation_price"]) * size, "yuan"),
        "emissions": (emissions, "kg"),
        "marginal_value": (-found["slope"].isel(rank=0).to_numpy(), "yuan/kWh"),
    }
    return xr.Dataset({name: ("size", values, {"units": units}) for name, (values, units) in named.items()})


def fine_front(curve: xr.Dataset) -> Array:
    """Return cost and emissions of the exact front, minimised, at so many points that their staircase is the front."""
    largest = float(curve["storage_energy"].max())
    size = np.unique(np.concatenate([np.linspace(0.0, largest, FINE), curve["storage_energy"].to_numpy()]))
    both = np.stack([np.interp(size, curve["storage_energy"], curve[name]) for name in OBJECTIVES], axis=1)
    grain = ROUNDING * both.max(axis=0)
    front: Array = both[pareto.non_dominated(np.round(both / grain))]
    return front


def plan_at(curve: xr.Dataset, storage_energy: float) -> tuple[float, float]:
    """Return cost [yuan] and emissions [kg] of the upper level with a storage of some energy [kWh]."""
    cost, emissions = (float(np.interp(storage_energy, curve["storage_energy"], curve[name])) for name in OBJECTIVES)
    return cost, emissions


def below(objectives: Array, curve: xr.Dataset) -> float:
    """Return how far any plan is below the exact front, as a share of the objective in which it is [-].

    By its emissions below the least that its cost buys, or by its cost below the least of all. Zero, but for rounding:
    no plan beats the exact front.
    """
    front = fine_front(curve)
    front = front[np.argsort(front[:, 0])]
    cheapest = front[0, 0]
    least = np.interp(objectives[:, 0], front[:, 0], front[:, 1])
    emitted = np.where(objectives[:, 0] < cheapest * (1 - ROUNDING), 0.0, 1 - objectives[:, 1] / least)
    return max(0.0, float(emitted.max()), float(1 - objectives[:, 0].min() / cheapest))


def pessimistic(day: xr.Dataset, scenario: Scenario, storage_energies: Sequence[float]) -> pd.DataFrame:
    """Return both objectives where, of dispatches of equal energy cost, the upper level gets the best or the worst.

    The best has the least other cost, the worst the greatest, wear being what differs.

    Returns
    -------
    pd.DataFrame
        One row a size: energy cost, wear and cost of the upper level [yuan], emissions [kg], of both.
    """
    price, rows = float(day["storage_installation_price"]), []
    both = {
        name: Dispatch(day, replace(scenario, lower_level_ties=ties), settled=False, largest=max(storage_energies))
        for name, ties in (("least", LEAST), ("greatest", GREATEST))
    }
    for size in storage_energies:
        row: dict[str, float] = {"storage energy [kWh]": size}
        for name, dispatch in both.items():
            dispatch.resize(size)
            found = dispatch.solve(UPPER)
            row[f"energy cost, {name} [yuan]"] = found["energy cost"]
            row[f"wear, {name} [yuan]"] = dispatch.value("wear")
            row[f"cost, {name} [yuan]"] = found["energy cost"] + abs(found["other cost"]) + price * size
            row[f"emissions, {name} [kg]"] = found["emissions"]
        rows.append(row)
    return pd.DataFrame(rows)


def merged_front(day: xr.Dataset, scenario: Scenario, levels: int = LEVELS) -> pd.DataFrame:
    """Return the front of one level that chooses storage and dispatch together: no bilevel plan can be better.

    Returns
    -------
    pd.DataFrame
        Least cost [yuan] at each limit of the emissions [kg], with the storage energy [kWh] that goes with it.
    """
    model = district.district_model(with_storage(day, scenario, float(bounds(day)[1][0])), account=scenario.account)
    size = district_sizes.add_storage_size(model, scenario.power_to_energy)
    cost, emissions = district.upper_level(model, day)
    total = cost + float(day["storage_installation_price"]) * size
    model.add_constraints(emissions <= 0.0, name="emissions")
    persistent = Persistent(model)
    persistent.right_hand_side("emissions", 1e15)
    persistent.minimise(total)
    persistent.solve()
    most = float(persistent.evaluate(emissions))
    persistent.minimise(emissions)
    least = persistent.solve().objective
    rows = []
    persistent.minimise(total)
    for limit in np.linspace(most, least, levels):
        persistent.right_hand_side("emissions", limit + 1e-9 * abs(limit))
        found = persistent.solve().objective
        rows.append(
            {
                "emissions [kg]": limit,
                "cost [yuan]": found,
                "storage energy [kWh]": float(persistent.value("storage-size")),
            }
        )
    return pd.DataFrame(rows)


def what_matters(day: xr.Dataset, scenario: Scenario, steps: int = 5) -> pd.DataFrame:
    """Return how cost and emissions move with each upper variable alone, from what is needed to the end of its box."""
    evaluator = Evaluator(day, scenario)
    low, high = bounds(day)
    low[1:] = list(needed(day).values())
    rows = []
    for index, name in enumerate(VARIABLES):
        plans = np.tile(high, (steps, 1))
        plans[:, index] = np.linspace(low[index], high[index], steps)
        cost, emissions = evaluator(plans).T
        rows.append(
            {
                "variable": name,
                "from": low[index],
                "to": high[index],
                "cost moves by [yuan]": np.ptp(cost),
                "emissions move by [kg]": np.ptp(emissions),
            }
        )
    return pd.DataFrame(rows)
