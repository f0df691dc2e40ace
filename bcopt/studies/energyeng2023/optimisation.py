"""Section 5.5: annual cost and carbon minimised by differential evolution, beside the exact optimum and front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bcopt.methods import pareto, search, solver
from bcopt.methods.decoders import project_to_total
from bcopt.models import mix
from bcopt.studies.energyeng2023.inputs import HEAT_PUMP, SOLAR_HOT_WATER, SOLAR_POWER, WIND

Array = npt.NDArray[np.float64]
Handling = Literal["elimination", "repair", "tolerance"]
HANDLINGS: tuple[Handling, ...] = ("elimination", "repair", "tolerance")
OBJECTIVES = ("cost", "carbon")
TOLERANCE = 1e-6
"""Error of the energy balance, relative to the target, that naive constraint handling admits."""

ACTIVE = {
    "a": {SOLAR_HOT_WATER: "upper", WIND: "upper", HEAT_PUMP: "lower"},
    "b": {WIND: "upper", SOLAR_POWER: "lower", HEAT_PUMP: "lower"},
    "c": {SOLAR_HOT_WATER: "upper", SOLAR_POWER: "lower", HEAT_PUMP: "lower"},
}
"""Which bounds the published optimum touches, by reading; the technology left out takes the rest."""


@dataclass(frozen=True)
class Region:
    """The mixes that are allowed: a box and a total.

    Parameters
    ----------
    lower, upper : xr.DataArray, dims (technology)
        [MJ/a]
    total : float
        [MJ/a]
    rest : str
        The technology that takes what the others leave, under the reading at hand.
    """

    lower: xr.DataArray
    upper: xr.DataArray
    total: float
    rest: str


def region(energy: xr.DataArray, reading: str, inactive: str = "zero and target") -> Region:
    """Return the bounds of section 5.4.3 under a reading.

    Parameters
    ----------
    energy : xr.DataArray, dims (plan, technology)
        Both plans [MJ/a]; the optimum sets the active bounds.
    reading : {"a", "b", "c"}
        Which bounds are active.
    inactive : {"zero and target", "half and twice the published energies"}
        What stands for the bounds that leave no trace.

    Raises
    ------
    ValueError
        If the reading or the inactive bounds are unknown.
    """
    if reading not in ACTIVE:
        raise ValueError(f"reading must be one of {', '.join(ACTIVE)}, got {reading!r}")
    optimum = energy.sel(plan="optimum", drop=True)
    total = float(optimum.sum())
    if inactive == "zero and target":
        lower, upper = xr.zeros_like(optimum), xr.full_like(optimum, total)
    elif inactive == "half and twice the published energies":
        lower, upper = energy.min("plan") / 2, (energy.max("plan") * 2).clip(max=total)
    else:
        raise ValueError(f"unknown inactive bounds {inactive!r}")
    for technology, end in ACTIVE[reading].items():
        bound = lower if end == "lower" else upper
        bound.loc[{"technology": technology}] = float(optimum.sel(technology=technology))
    (rest,) = (name for name in optimum["technology"].to_numpy() if name not in ACTIVE[reading])
    return Region(lower, upper, total, str(rest))


def linear_programmes(units: xr.Dataset, where: Region) -> xr.Dataset:
    """Solve both objectives exactly, by HiGHS with and without presolve and by merit order.

    Parameters
    ----------
    units : xr.Dataset, dims (technology)
        ``cost`` [USD/MJ] and ``carbon`` [g/MJ].
    where : Region
        The mixes that are allowed.

    Returns
    -------
    xr.Dataset, dims (objective, technology)
        ``energy`` [MJ/a]; ``value`` (objective) [USD/a, g/a]; ``disagreement`` (objective), largest relative distance
        of the three answers [-]; ``tied`` (objective), how many technologies could be exchanged at no cost.
    """
    values, energies, disagreements, ties = [], [], [], []
    for objective in OBJECTIVES:
        model = mix.mix_model(units[objective], where.lower, where.upper, where.total)
        answers = [solver.solve(model, presolve=presolve).objective for presolve in (True, False)]
        energy = mix.cheapest_mix(units[objective], where.lower, where.upper, where.total)
        value = float((units[objective] * energy).sum())
        values.append(value)
        energies.append(energy)
        disagreements.append(max(abs(answer / value - 1) for answer in answers))
        ties.append(len(mix.tied(units[objective], where.lower, where.upper, where.total)))
    return xr.Dataset(
        {
            "energy": xr.concat(energies, dim=pd.Index(list(OBJECTIVES), name="objective")).assign_attrs(units="MJ/a"),
            "value": ("objective", values),
            "disagreement": ("objective", disagreements),
            "tied": ("objective", ties),
        }
    )


def readings_table(energy: xr.DataArray, units_of: Callable[[str], xr.Dataset]) -> pd.DataFrame:
    """Return the exact optimum of both objectives under each reading of the bounds, with its own coefficients."""
    rows = []
    for reading in ACTIVE:
        exact = linear_programmes(units_of(reading), region(energy, reading))
        for objective in OBJECTIVES:
            at = exact.sel(objective=objective)
            share = 100 * at["energy"] / at["energy"].sum()
            rows.append(
                {"reading, objective": f"{reading}, {objective}"}
                | {f"{t} [%]": float(share.sel(technology=t)) for t in share["technology"].to_numpy()}
                | {
                    "value": float(at["value"]) / (1 if objective == "cost" else 1000),
                    "unit": "USD/a" if objective == "cost" else "kg/a",
                    "technologies tied": int(at["tied"]),
                    "solvers disagree by": _cleaned(float(at["disagreement"])),
                }
            )
    return pd.DataFrame(rows)


def search_problem(units: Sequence[xr.DataArray], where: Region, handling: Handling) -> search.Problem:
    """Pose the mix for a population-based search, which knows no equalities.

    Parameters
    ----------
    units : sequence of xr.DataArray, dims (technology)
        Unit costs of one or more objectives.
    where : Region
        The mixes that are allowed.
    handling : {"elimination", "repair", "tolerance"}
        ``elimination`` searches all technologies but the one that takes the rest, its bounds being constraints;
        ``repair`` projects every mix onto the total; ``tolerance`` admits any mix whose balance is off by at most
        :data:`TOLERANCE`.
    """
    cost: Array = np.stack([u.to_numpy() for u in units], axis=1)
    lower, upper, total = where.lower.to_numpy(), where.upper.to_numpy(), where.total

    def objectives(mixes: Array) -> Array:
        return mixes @ cost

    if handling == "repair":
        return search.Problem(
            objectives, lower, upper, decode=lambda genotype: project_to_total(genotype, lower, upper, total)
        )
    if handling == "tolerance":
        return search.Problem(
            objectives, lower, upper,
            violations=lambda mixes: np.abs(mixes.sum(axis=1, keepdims=True) / total - 1) - TOLERANCE,
        )  # fmt: skip
    if handling != "elimination":
        raise ValueError(f"constraint handling must be one of {', '.join(HANDLINGS)}, got {handling!r}")
    rest = where.lower["technology"].to_numpy().tolist().index(where.rest)
    others = [k for k in range(lower.size) if k != rest]

    def complete(genotype: Array) -> Array:
        return np.insert(genotype, rest, total - genotype.sum(axis=1), axis=1)

    def outside(mixes: Array) -> Array:
        excess: Array = np.stack([lower[rest] - mixes[:, rest], mixes[:, rest] - upper[rest]], axis=1)
        return excess / total

    return search.Problem(objectives, lower[others], upper[others], violations=outside, decode=complete)


def evolve(
    units: xr.Dataset, where: Region, settings: search.Settings, seeds: Sequence[int], handling: Handling
) -> xr.Dataset:
    """Run differential evolution on both objectives from every seed, beside the exact optimum.

    Parameters
    ----------
    units : xr.Dataset, dims (technology)
        ``cost`` and ``carbon``.
    where : Region
        The mixes that are allowed.
    settings : search.Settings
        Its seed is replaced by each of ``seeds``.
    seeds : sequence of int
        One search each per objective.
    handling : {"elimination", "repair", "tolerance"}
        How the energy balance is kept.

    Returns
    -------
    xr.Dataset, dims (objective, seed, generation, technology)
        ``best`` and ``mean`` (objective, seed, generation) [USD/a, g/a]; ``energy`` (objective, seed, technology)
        [MJ/a]; ``gap`` (objective, seed), value over the exact optimum minus one [-], NaN where no mix was feasible;
        ``evaluations`` (objective, seed).
    """
    exact = {o: mix.cheapest_mix(units[o], where.lower, where.upper, where.total) for o in OBJECTIVES}
    by_objective = []
    for objective in OBJECTIVES:
        problem = search_problem([units[objective]], where, handling)
        optimum = float((units[objective] * exact[objective]).sum())
        runs = []
        for seed in seeds:
            found = search.differential_evolution(problem, replace(settings, seed=seed))
            value = float(found.objectives[0, 0]) if found.feasible else np.nan
            history = found.history[["best", "mean"]].isel(objective=0, drop=True)
            runs.append(
                history.assign(
                    energy=("technology", found.decisions[0]), gap=value / optimum - 1, evaluations=found.evaluations
                )
            )
        by_objective.append(xr.concat(runs, dim=pd.Index(list(seeds), name="seed")))
    both = xr.concat(by_objective, dim=pd.Index(list(OBJECTIVES), name="objective"))
    return both.assign_coords(technology=where.lower["technology"].to_numpy())


def gap_table(found: dict[str, xr.Dataset], level: float = 1e-9) -> pd.DataFrame:
    """Return what each way of keeping the balance reaches, one row an objective and a handling.

    A gap below the level of double rounding counts as reached, whichever its sign.
    """
    rows = []
    for handling, runs in found.items():
        for objective in OBJECTIVES:
            gap = runs["gap"].sel(objective=objective).to_numpy()
            reached = int((np.abs(gap) <= level).sum())
            feasible = gap[np.isfinite(gap)]
            rows.append(
                {
                    "handling, objective": f"{handling}, {objective}",
                    "seeds": gap.size,
                    "feasible": feasible.size,
                    f"within {level:g}": reached,
                    "median gap [%]": _cleaned(100 * np.median(feasible)) if feasible.size else np.nan,
                    "largest gap [%]": _cleaned(100 * np.max(np.abs(feasible))) if feasible.size else np.nan,
                    "evaluations": int(runs["evaluations"].sel(objective=objective).max()),
                }
            )
    return pd.DataFrame(rows)


def exact_front(units: xr.Dataset, where: Region) -> xr.Dataset:
    """Return the exact cost-carbon front with the carbon price at which each exchange pays.

    Returns
    -------
    xr.Dataset, dims (vertex, technology)
        ``energy`` [MJ/a], ``cost`` [USD/a], ``carbon`` [kg/a] and ``carbon_price`` [USD/t] of the way to the next
        vertex.
    """
    found = mix.front(units["cost"], units["carbon"], where.lower, where.upper, where.total)
    return xr.Dataset(
        {
            "energy": found["energy"].assign_attrs(units="MJ/a"),
            "cost": found["first"].assign_attrs(units="USD/a"),
            "carbon": (found["second"] / 1000).assign_attrs(units="kg/a"),
            "carbon_price": (found["exchange"] * 1e6).assign_attrs(units="USD/t"),
        }
    )


def front_table(front: xr.Dataset) -> pd.DataFrame:
    """Return the vertices of the exact front: objectives, shares and the carbon price of moving on."""
    share = 100 * front["energy"] / front["energy"].sum("technology")
    return pd.DataFrame(
        {
            "vertex": front["vertex"],
            "cost [USD/a]": front["cost"],
            "carbon [kg/a]": front["carbon"],
            **{f"{t} [%]": share.sel(technology=t) for t in share["technology"].to_numpy()},
            "carbon price to the next [USD/t]": front["carbon_price"],
        }
    )


def evolve_front(
    units: xr.Dataset, where: Region, settings: search.Settings, seeds: Sequence[int]
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Run NSGA-II over the exact front from every seed.

    Returns
    -------
    xr.Dataset, dims (point)
        ``cost`` [USD/a] and ``carbon`` [kg/a] of the first seed's front.
    pd.DataFrame
        One row a seed: points, hypervolume as a share of the exact front's, and the largest relative amount by which a
        point lies below the front (no more than rounding, or the front is wrong). Where one mix minimises both
        objectives the front is one vertex, and the reference of the hypervolume lies a tenth beyond it.
    """
    exact = exact_front(units, where)
    vertices = np.stack([exact["cost"].to_numpy(), exact["carbon"].to_numpy() * 1000], axis=1)
    reference = 1.1 * vertices[0] if len(vertices) == 1 else None
    problem = search_problem([units["cost"], units["carbon"]], where, "repair")
    rows, first = [], None
    for seed in seeds:
        found = search.nsga2(problem, replace(settings, seed=seed))
        on_front = np.interp(found.objectives[:, 0], vertices[:, 0], vertices[:, 1])
        below = float(np.max(1 - found.objectives[:, 1] / on_front))
        rows.append(
            {
                "seed": seed,
                "points": len(found.objectives),
                "hypervolume ratio": pareto.hypervolume_ratio(found.objectives, vertices, reference),
                "largest excess below the front": _cleaned(max(0.0, below)),
            }
        )
        first = found.objectives if first is None else first
    points = xr.Dataset() if first is None else xr.Dataset(
        {"cost": ("point", first[:, 0], {"units": "USD/a"}), "carbon": ("point", first[:, 1] / 1000, {"units": "kg/a"})}
    )  # fmt: skip
    return points, pd.DataFrame(rows)


def _cleaned(value: float, floor: float = 1e-11) -> float:
    """Return zero for what is only rounding, so that reruns on other processors print the same."""
    return 0.0 if abs(value) < floor else float(value)
