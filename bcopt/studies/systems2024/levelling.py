"""Section 3.2.1: the mix of prototypes with the flattest load, by the genetic algorithm and exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from bcopt.methods import search, solver
from bcopt.methods.decoders import Array, normalise
from bcopt.models import flexibility, proportions
from bcopt.studies.systems2024 import self_optimisation
from bcopt.studies.systems2024.flexible_day import Knobs, january, model_inputs
from bcopt.studies.systems2024.inputs import CLUSTERS
from bcopt.studies.systems2024.scenario import Scenario

HOTELS = [name for name, function in CLUSTERS.items() if function == "hotel"]
PUBLIC = [name for name, function in CLUSTERS.items() if function != "residential"]
CHOICES = (
    "levelled_load",
    "photovoltaics_deducted",
    "area_reading",
    "hotel_split",
    "stabilised_test",
    "hotel_level_test",
    "peak_test",
)
"""Choices of the protocol that act here alone."""
LEVELS = tuple(np.linspace(0.1, 1.0, 19).round(2).tolist())
"""Public shares, from hotels alone to no homes [-]."""
HOTEL_LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
SPLITS = {"equally": (0.5, 0.5), "all x8": (1.0, 0.0), "all x11": (0.0, 1.0)}
"""How the hotels' share falls to x8 and x11."""


def levelled_load(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs) -> xr.DataArray:
    """Return the load that is to be levelled, of a plot or of a square metre of floor, dims (cluster, hour) [kW]."""
    day = model_inputs(series, inputs, scenario, knobs)
    if scenario.levelled_load == "self-optimised":
        load = self_optimisation.schedule(day, scenario.tie_rule)["electricity"]
    else:
        load = self_optimisation.as_simulated(day)["electricity"]
    if scenario.photovoltaics_deducted:
        load = load - day["photovoltaics"]
    load = load.transpose("cluster", "hour")
    return load if scenario.area_reading == "ground area" else proportions.per_area(load, floor_area(inputs))


def floor_area(inputs: xr.Dataset) -> xr.DataArray:
    """Return the construction area of every cluster, dims (cluster) [m2]."""
    return inputs["construction_area"].reset_coords(drop=True)


def bounds(inputs: xr.Dataset, scenario: Scenario) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the bounds of the shares: hotels fixed, the others anything, dims (cluster) [-]."""
    hotels = float(inputs["hotel_share"])
    lower = xr.DataArray(np.zeros(len(CLUSTERS)), dims="cluster", coords={"cluster": list(CLUSTERS)})
    upper = xr.full_like(lower, 1.0 - hotels)
    for name, part in zip(HOTELS, SPLITS[scenario.hotel_split], strict=True):
        lower.loc[name] = upper.loc[name] = hotels * part
    return lower, upper


def public_share(shares: xr.DataArray, inputs: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return the share of the ground that public clusters have, dims as the shares but cluster [-]."""
    of_ground = (
        shares if scenario.area_reading == "ground area" else proportions.ground_share(shares, floor_area(inputs))
    )
    return of_ground.sel(cluster=PUBLIC).sum("cluster")


def exact(load: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray) -> xr.Dataset:
    """Return the mix of least AR by the linear programme, with and without presolve.

    Returns
    -------
    xr.Dataset, dims (cluster)
        ``shares`` [-]; ``rate``, AR [-]; ``disagreement`` of the two solves [-].
    """
    model = proportions.levelling_model(load, lower, upper)
    first, second = solver.witnessed(model)
    found = proportions.shares(model.solution)
    return xr.Dataset(
        {"shares": found, "rate": first.objective, "disagreement": abs(first.objective / second.objective - 1)}
    )


def add_total(model: linopy.Model, clusters: Sequence[str], share: float) -> None:
    """Fix what clusters have together in a model of :mod:`bcopt.models.proportions`."""
    scaled, scale = model.variables["scaled_share"], model.variables["scale"]
    model.add_constraints(scaled.sel(cluster=list(clusters)).sum() - share * scale == 0, name="total-of-clusters")


def along_public_share(
    load: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray, levels: Sequence[float] = LEVELS
) -> xr.DataArray:
    """Return the least AR at each public share of the district, dims (public_share) [-]."""
    found = []
    for level in levels:
        model = proportions.levelling_model(load, lower, upper)
        add_total(model, PUBLIC, level)
        found.append(solver.solve(model).objective)
    coords = {"public_share": list(levels)}
    return xr.DataArray(found, dims="public_share", coords=coords, attrs={"units": "1", "long_name": "least AR"})


@dataclass(frozen=True)
class Levelled:
    """A load with its optimum.

    Parameters
    ----------
    optimum : xr.Dataset
        From :func:`exact`.
    public_share : float
        Of the optimum [-].
    curve : xr.DataArray, dims (public_share)
        From :func:`along_public_share`.
    """

    optimum: xr.Dataset
    public_share: float
    curve: xr.DataArray


def public_curves(
    scenarios: Mapping[str, Scenario], loads: xr.Dataset, variants: xr.Dataset, inputs: xr.Dataset, knobs: Knobs
) -> dict[str, Levelled]:
    """Return the least AR over the public share for the load of each scenario, at the same knobs."""
    found = {}
    for name, scenario in scenarios.items():
        load = levelled_load(january(loads, variants, scenario), inputs, scenario, knobs)
        limits = bounds(inputs, scenario)
        optimum = exact(load, *limits)
        share = float(public_share(optimum["shares"], inputs, scenario))
        found[name] = Levelled(optimum, share, along_public_share(load, *limits))
    return found


def flatness_table(of_load: Mapping[str, Levelled], printed: float, within: float = 0.01) -> pd.DataFrame:
    """Return for each load the public shares whose least AR is within a percent of the least of all.

    Parameters
    ----------
    of_load : mapping of str to Levelled
        From :func:`public_curves`.
    printed : float
        Published share [%].
    within : float
        How far above the least AR still counts [-].
    """
    rows = []
    for name, found in of_load.items():
        fine = np.arange(float(found.curve["public_share"][0]), 1.0, 0.005)
        least = float(found.optimum["rate"])
        near = fine[np.interp(fine, found.curve["public_share"], found.curve) <= (1 + within) * least]
        near = np.append(near, found.public_share)
        rows.append(
            {
                "load": name,
                "least AR": least,
                "at a public share of [%]": 100 * found.public_share,
                "within a percent from [%]": 100 * near.min(),
                "to [%]": 100 * near.max(),
                f"above the least at {printed:g} % [%]": 100
                * (np.interp(printed / 100, found.curve["public_share"], found.curve) / least - 1),
            }
        )
    return pd.DataFrame(rows)


def search_problem(load: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray) -> search.Problem:
    """Pose the mix as the study does: a variable from 0 to 1 for each share that is not fixed, scaled to the rest.

    Parameters
    ----------
    load : xr.DataArray, dims (cluster, hour)
        Load to be levelled.
    lower, upper : xr.DataArray, dims (cluster)
        From :func:`bounds`.
    """
    free = (lower < upper).to_numpy()
    fixed, rest = lower.to_numpy(), 1.0 - float(lower.to_numpy()[~free].sum())
    hourly = load.transpose("cluster", "hour").to_numpy()

    def decode(genotype: Array) -> Array:
        decoded = np.tile(fixed, (len(genotype), 1))
        decoded[:, free] = rest * normalise(genotype)
        return decoded

    def rate(shares: Array) -> Array:
        total = shares @ hourly
        departure: Array = np.abs(total - total.mean(axis=1, keepdims=True)).sum(axis=1, keepdims=True)
        relative: Array = departure / total.sum(axis=1, keepdims=True)
        return relative

    count = int(free.sum())
    return search.Problem(rate, np.zeros(count), np.ones(count), decode=decode)


def evolve(
    load: xr.DataArray, lower: xr.DataArray, upper: xr.DataArray, settings: search.Settings, seeds: Sequence[int]
) -> xr.Dataset:
    """Run the genetic algorithm from every seed beside the exact optimum.

    Returns
    -------
    xr.Dataset, dims (seed, generation, cluster)
        ``best`` and ``mean`` AR (seed, generation) [-]; ``shares`` (seed, cluster); ``gap`` (seed), AR over the least
        one minus one [-]; ``stable`` (seed), generation from which the population mean is stable.
    """
    least = float(exact(load, lower, upper)["rate"])
    problem = search_problem(load, lower, upper)
    runs = []
    for seed in seeds:
        found = search.genetic_algorithm(problem, replace(settings, seed=seed))
        history = found.history[["best", "mean"]].isel(objective=0, drop=True)
        runs.append(
            history.assign(
                shares=("cluster", found.decisions[0]),
                gap=float(found.objectives[0, 0]) / least - 1,
                stable=stable_from(history["mean"].to_numpy()),
            )
        )
    together = xr.concat(runs, pd.Index(list(seeds), name="seed"))
    return together.assign_coords(cluster=load["cluster"].to_numpy())


def stable_from(course: Array, band: float = 0.05) -> int:
    """Return the first generation after which a course stays within a band of its last value.

    Parameters
    ----------
    course : array, dims (generation)
        Such as the mean of a population.
    band : float
        Half its width as a share of the whole change [-].
    """
    outside = np.flatnonzero(np.abs(course - course[-1]) > band * abs(course[-1] - course[0]))
    return int(outside[-1]) + 2 if outside.size else 1


def settings_tried(published: search.Settings) -> dict[str, search.Settings]:
    """Return the published settings and those that differ from them in one number."""
    return {
        "as given": published,
        "four times the generations": replace(published, generations=4 * published.generations),
        "twice the population": replace(published, population=2 * published.population),
        "half the mutation": replace(published, mutation=published.mutation / 2),
    }


def settings_table(
    load: xr.DataArray,
    lower: xr.DataArray,
    upper: xr.DataArray,
    tried: Mapping[str, search.Settings],
    seeds: Sequence[int],
) -> pd.DataFrame:
    """Return the gap to the least AR over the seeds under each setting of the search [%]."""
    rows = []
    for name, settings in tried.items():
        gap = 100 * evolve(load, lower, upper, settings, seeds)["gap"].to_numpy()
        rows.append(
            {
                "settings": name,
                "evaluations": settings.population * settings.generations,
                "least gap [%]": gap.min(),
                "median gap [%]": float(np.median(gap)),
                "largest gap [%]": gap.max(),
                "seeds within 2 %": int((gap <= 2).sum()),
                "seeds": gap.size,
            }
        )
    return pd.DataFrame(rows)


def mix_table(optimum: xr.Dataset, runs: xr.Dataset, load: xr.DataArray) -> pd.DataFrame:
    """Return the counterpart of Table 3: every prototype's share, exact and of the searches, and its own AR."""
    found = 100 * runs["shares"]
    own = proportions.levelisation_rate(load)
    return pd.DataFrame(
        {
            "cluster": list(CLUSTERS),
            "function": list(CLUSTERS.values()),
            "exact [%]": 100 * optimum["shares"].to_numpy(),
            "search, median [%]": found.median("seed").to_numpy(),
            "search, least [%]": found.min("seed").to_numpy(),
            "search, greatest [%]": found.max("seed").to_numpy(),
            "its own AR": own.sel(cluster=list(CLUSTERS)).to_numpy(),
        }
    )


def rates_table(optimum: xr.Dataset, runs: xr.Dataset, load: xr.DataArray) -> pd.DataFrame:
    """Return AR of the 1:1 mix, the optimum, the searches and each prototype, and which prototypes are above."""
    own = proportions.levelisation_rate(load)
    equal = xr.full_like(own, 1 / own.size)
    best = float(optimum["rate"])
    rows = [("1:1 mix", float(proportions.levelisation_rate(proportions.mixed(load, equal)))), ("optimum", best)]
    rows += [(f"{name} {CLUSTERS[name]}", float(own.sel(cluster=name))) for name in CLUSTERS]
    rows.insert(2, ("search, median", best * (1 + float(runs["gap"].median()))))
    return pd.DataFrame([{"load": name, "AR": rate, "above the optimum": rate > best} for name, rate in rows])


def hotel_rates(load: xr.DataArray, levels: Sequence[float] = HOTEL_LEVELS) -> xr.DataArray:
    """Return AR over the share of hotels with the other prototypes in equal shares, dims (hotel_share) [-]."""
    hotel = load["cluster"].isin(HOTELS)
    count = int(hotel.sum())
    level = xr.DataArray(list(levels), dims="hotel_share", coords={"hotel_share": list(levels)})
    shares = xr.where(hotel, level / count, (1 - level) / (hotel.size - count))
    return proportions.levelisation_rate(proportions.mixed(load, shares))


def hotel_optima(load: xr.DataArray, levels: Sequence[float] = HOTEL_LEVELS) -> xr.DataArray:
    """Return the least AR over the share of hotels, dims (hotel_share) [-]."""
    nothing = xr.zeros_like(load.isel(hour=0, drop=True))
    found = []
    for level in levels:
        model = proportions.levelling_model(load, nothing, nothing + 1)
        add_total(model, HOTELS, level)
        found.append(solver.solve(model).objective)
    return xr.DataArray(found, dims="hotel_share", coords={"hotel_share": list(levels)})


def statements(load: xr.DataArray, optimum: xr.Dataset) -> dict[str, bool]:
    """Return section 3.2.1's statements on the optimum as data/protocol.yaml defines them, by claim."""
    own = proportions.levelisation_rate(load).drop_sel(cluster=HOTELS)
    mixes = day_mixes(load, optimum)
    equal, best = mixes.sel(mix="1:1", drop=True), mixes.sel(mix="optimised", drop=True)
    valleys = (equal < equal.mean()) & (best > equal)
    return {
        "S-3.2.1-ar-order": bool((float(optimum["rate"]) < own).all()),
        "S-3.2.1-hotel-level": bool((hotel_rates(load).diff("hotel_share") < 0).all()),
        "S-3.2.1-peak": bool(best.max() < equal.max()) and bool(valleys.any()),
    }


def day_mixes(load: xr.DataArray, optimum: xr.Dataset) -> xr.DataArray:
    """Return the load of a plot in the 1:1 mix and in the optimised one, dims (mix, hour) [kW]."""
    equal = xr.full_like(optimum["shares"], 1 / len(CLUSTERS))
    mixes = xr.concat([equal, optimum["shares"]], pd.Index(["1:1", "optimised"], name="mix"))
    return proportions.mixed(load, mixes).assign_attrs(units="kW")


def self_optimised(scenario: Scenario) -> dict[str, Scenario]:
    """Return the scenario with the self-optimised load in the place of the simulated one, under every tie rule."""
    return {
        f"self-optimised, {rule}": replace(scenario, levelled_load="self-optimised", tie_rule=rule)
        for rule in flexibility.TIE_RULES
    }


def public_shares(
    scenarios: Mapping[str, Scenario], loads: xr.Dataset, variants: xr.Dataset, inputs: xr.Dataset,
    knobs: Mapping[str, Knobs],
) -> pd.DataFrame:  # fmt: skip
    """Return the least AR of every scenario and its public share of the ground, the central one first."""
    rows = []
    for name, scenario in scenarios.items():
        load = levelled_load(january(loads, variants, scenario), inputs, scenario, knobs[name])
        optimum = exact(load, *bounds(inputs, scenario))
        rows.append(
            {
                "scenario": name,
                "least AR": float(optimum["rate"]),
                "public share [%]": 100 * float(public_share(optimum["shares"], inputs, scenario)),
                "prototypes in it": int((optimum["shares"] > 1e-6).sum()),
            }
        )
    return pd.DataFrame(rows)
