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
from bcopt.methods.persistent import Persistent
from bcopt.models import flexibility, proportions
from bcopt.planning import self_optimisation
from bcopt.studies.systems2024.flexible_day import FIRST_HOUR, Knobs, january, model_inputs
from bcopt.studies.systems2024.inputs import CLUSTERS
from bcopt.studies.systems2024.scenario import Scenario, changed

HOTELS = [name for name, function in CLUSTERS.items() if function == "hotel"]
PUBLIC = [name for name, function in CLUSTERS.items() if function != "residential"]
CLOSER = 0.01
"""Half the band of stability by the protocol's alternative [-]."""
LEVELS = tuple(np.linspace(0.1, 1.0, 19).round(2).tolist())
"""Public shares, from hotels alone to no homes [-]."""
SPLITS = {"equally": (0.5, 0.5), "all x8": (1.0, 0.0), "all x11": (0.0, 1.0)}
"""How the hotels' share falls to x8 and x11."""


def levelled_load(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs) -> xr.DataArray:
    """Return the load that is to be levelled, of a plot or of a square metre of floor, dims (cluster, hour) [kW]."""
    day = model_inputs(series, inputs, scenario, knobs)
    if scenario.levelled_load == "self-optimised":
        load = self_optimisation.schedule(day, scenario.tie_rule, FIRST_HOUR)["electricity"]
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


def on_ground(shares: xr.DataArray, inputs: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return shares of the ground, whatever the scenario takes them of, dims as the shares [-]."""
    return shares if scenario.area_reading == "ground area" else proportions.ground_share(shares, floor_area(inputs))


def ground_of_share(inputs: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return the ground that a share of each cluster takes, relative to the largest, dims (cluster) [-]."""
    area = floor_area(inputs)
    return xr.ones_like(area) if scenario.area_reading == "ground area" else area.min() / area


def of_plots(load: xr.DataArray, inputs: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return the loads of plots from those of :func:`levelled_load`, dims (cluster, hour) [kW]."""
    return load if scenario.area_reading == "ground area" else load * floor_area(inputs)


def public_share(shares: xr.DataArray, inputs: xr.Dataset, scenario: Scenario) -> xr.DataArray:
    """Return the share of the ground that public clusters have, dims as the shares but cluster [-]."""
    return on_ground(shares, inputs, scenario).sel(cluster=PUBLIC).sum("cluster")


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


def with_total(
    load: xr.DataArray,
    lower: xr.DataArray,
    upper: xr.DataArray,
    clusters: Sequence[str],
    ground: xr.DataArray,
    share: float,
) -> linopy.Model:
    """Build :func:`bcopt.models.proportions.levelling_model` with a fixed share of the ground for clusters together.

        sum_k g_k ([k among the clusters] - share) y_k = 0

    Parameters
    ----------
    load, lower, upper
        As in :func:`bcopt.models.proportions.levelling_model`.
    clusters : sequence of str
        Their labels.
    ground : xr.DataArray, dims (cluster)
        g, from :func:`ground_of_share`.
    share : float
        Of the ground [-].
    """
    model = proportions.levelling_model(load, lower, upper)
    weight = _total_weight(clusters, ground, share)
    model.add_constraints((weight * model.variables["scaled_share"]).sum() == 0, name="total")
    return model


def _total_weight(clusters: Sequence[str], ground: xr.DataArray, share: float) -> xr.DataArray:
    weight: xr.DataArray = ground * (ground["cluster"].isin(clusters) - share)
    return weight


def along_total(
    load: xr.DataArray,
    lower: xr.DataArray,
    upper: xr.DataArray,
    clusters: Sequence[str],
    ground: xr.DataArray,
    levels: Sequence[float],
) -> list[float]:
    """Return the least AR at each share of the ground that clusters may have together [-].

    One programme is solved again and again: along the shares only coefficients of its last row change.

    Parameters
    ----------
    load, lower, upper, clusters, ground
        As in :func:`with_total`.
    levels : sequence of float
        Shares of the ground [-].
    """
    kept, rates = Persistent(with_total(load, lower, upper, clusters, ground, levels[0])), []
    for level in levels:
        kept.coefficients("total", "scaled_share", _total_weight(clusters, ground, level))
        rates.append(kept.solve().objective)
    return rates


def along_public_share(
    load: xr.DataArray,
    lower: xr.DataArray,
    upper: xr.DataArray,
    ground: xr.DataArray,
    levels: Sequence[float] = LEVELS,
) -> xr.DataArray:
    """Return the least AR at each public share of the ground, dims (public_share) [-]."""
    found = along_total(load, lower, upper, PUBLIC, ground, levels)
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
        curve = along_public_share(
            load, *limits, ground_of_share(inputs, scenario), _reachable(limits, inputs, scenario)
        )
        found[name] = Levelled(optimum, share, curve)
    return found


def _reachable(limits: tuple[xr.DataArray, xr.DataArray], inputs: xr.Dataset, scenario: Scenario) -> tuple[float, ...]:
    """Return the levels that fixed hotels admit: they are less of the ground beside low homes."""
    lower, upper = limits
    hotels, ground = lower.sel(cluster=HOTELS), ground_of_share(inputs, scenario)
    taken = float((hotels * ground.sel(cluster=HOTELS)).sum())
    homes = ground[~ground["cluster"].isin(PUBLIC)]
    least = taken / (taken + float(upper.max()) * float(homes.max()))
    return tuple(level for level in LEVELS if level >= least - 1e-12)


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
    hourly = load.sel(cluster=lower["cluster"]).transpose("cluster", "hour").to_numpy()

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
                stable_closer=stable_from(history["mean"].to_numpy(), CLOSER),
            )
        )
    together = xr.concat(runs, pd.Index(list(seeds), name="seed"))
    return together.assign_coords(cluster=lower["cluster"].to_numpy())


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


def self_optimised(scenario: Scenario) -> dict[str, Scenario]:
    """Return the scenario with the self-optimised load in the place of the simulated one, under every tie rule."""
    return {
        f"self-optimised, {rule}": replace(scenario, levelled_load="self-optimised", tie_rule=rule)
        for rule in flexibility.TIE_RULES
    }


def loads_to_level(scenario: Scenario) -> dict[str, Scenario]:
    """Return the scenario with each load that may be levelled, its own first, and with shares of floor area."""
    found = {"as simulated": replace(scenario, levelled_load="as simulated"), **self_optimised(scenario)}
    own_first = dict(sorted(found.items(), key=lambda item: item[1] != scenario))
    other = "ground area" if scenario.area_reading == "floor area" else "floor area"
    return own_first | {f"as simulated, {other}": changed(found["as simulated"], {"area_reading": other})}
