"""What section 3.2.1 found, as tables: settings, mixes, rates, how flat the optimum is, statements as tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.protocol import StudyProtocol
from bcopt.methods import search
from bcopt.methods.parallel import in_parallel
from bcopt.models import proportions
from bcopt.studies.systems2024.flexible_day import Knobs, january
from bcopt.studies.systems2024.inputs import CLUSTERS
from bcopt.studies.systems2024.levelling import (
    HOTELS,
    Levelled,
    along_total,
    bounds,
    evolve,
    exact,
    levelled_load,
    public_share,
)
from bcopt.studies.systems2024.scenario import Scenario

CHOICES = (
    "levelled_load",
    "photovoltaics_deducted",
    "area_reading",
    "hotel_split",
    "search_population",
    "search_generations",
    "crossover_probability",
    "mutation_probability",
    "seeds",
    "engine",
    "stabilised_test",
    "ar_order_test",
    "hotel_level_test",
    "peak_test",
)
"""Choices of the protocol that act here alone."""
SETTINGS = {
    "search_population": "population",
    "search_generations": "generations",
    "crossover_probability": "crossover",
}
"""Choices of the protocol that both searches have, and the setting that each is."""
HOTEL_LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


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


def settings_tried(
    published: search.Settings, protocol: StudyProtocol, mutation: str = "mutation_probability"
) -> dict[str, search.Settings]:
    """Return the published settings of a search and those that the protocol names as alternatives, one at a time."""
    fields = {**SETTINGS, mutation: "mutation"}
    tried = {"as given": published}
    for name, field in fields.items():
        shown = name.removeprefix("search_").removeprefix("front_").replace("_", " ")
        for value in protocol.choices[name].alternatives:
            changed: dict[str, Any] = {field: value}
            tried[f"{shown} {value}"] = replace(published, **changed)
    return tried


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
    found = 100 * runs["shares"].sel(cluster=list(CLUSTERS))
    own = proportions.levelisation_rate(load)
    return pd.DataFrame(
        {
            "cluster": list(CLUSTERS),
            "function": list(CLUSTERS.values()),
            "exact [%]": 100 * optimum["shares"].sel(cluster=list(CLUSTERS)).to_numpy(),
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
    found = along_total(load, nothing, nothing + 1, HOTELS, nothing + 1, levels)
    return xr.DataArray(found, dims="hotel_share", coords={"hotel_share": list(levels)})


def statements(plots: xr.DataArray, ground: xr.DataArray, runs: xr.Dataset) -> dict[str, tuple[bool, bool]]:
    """Return section 3.2.1's statements by claim, each as data/protocol.yaml defines it and by its alternative.

    Parameters
    ----------
    plots : xr.DataArray, dims (cluster, hour)
        Loads of plots [kW].
    ground : xr.DataArray, dims (cluster)
        Shares of the ground of the exact optimum [-].
    runs : xr.Dataset
        From :func:`evolve`.
    """
    own = proportions.levelisation_rate(plots).drop_sel(cluster=HOTELS)
    mixes = day_mixes(plots, ground)
    least = float(proportions.levelisation_rate(mixes.sel(mix="optimised")))
    median = least * (1 + float(runs["gap"].median()))
    levelled = (hotel_rates(plots), hotel_optima(plots))
    return {
        "S-3.2.1-ar-order": (bool((least < own).all()), bool((median < own).all())),
        "S-3.2.1-hotel-level": (_falls(levelled[0]), _falls(levelled[1])),
        "S-3.2.1-peak": (_peak_falls_valley_rises(mixes), _peak_falls_valley_rises(mixes / mixes.mean("hour"))),
    }


def _falls(rates: xr.DataArray) -> bool:
    return bool((rates.diff("hotel_share") < -1e-9).all())


def _peak_falls_valley_rises(mixes: xr.DataArray) -> bool:
    equal, best = mixes.sel(mix="1:1", drop=True), mixes.sel(mix="optimised", drop=True)
    valleys = (equal < equal.mean()) & (best > equal)
    return bool(best.max() < equal.max()) and bool(valleys.any())


def day_mixes(plots: xr.DataArray, ground: xr.DataArray) -> xr.DataArray:
    """Return the load of a plot in the 1:1 mix and in the optimised one, dims (mix, hour) [kW].

    Parameters
    ----------
    plots : xr.DataArray, dims (cluster, hour)
        Loads of plots [kW].
    ground : xr.DataArray, dims (cluster)
        Shares of the ground of the optimised mix [-].
    """
    equal = xr.full_like(ground, 1 / ground.size)
    mixes = xr.concat([equal, ground], pd.Index(["1:1", "optimised"], name="mix"))
    return proportions.mixed(plots, mixes).assign_attrs(units="kW")


def public_shares(
    scenarios: Mapping[str, Scenario], loads: xr.Dataset, variants: xr.Dataset, inputs: xr.Dataset,
    knobs: Mapping[str, Knobs],
) -> pd.DataFrame:  # fmt: skip
    """Return the least AR of every scenario and its public share of the ground, the central one first."""
    tasks = [
        (name, january(loads, variants, scenario), inputs, scenario, knobs[name])
        for name, scenario in scenarios.items()
    ]
    return pd.DataFrame(in_parallel(_row, tasks))


def _row(task: tuple[str, xr.Dataset, xr.Dataset, Scenario, Knobs]) -> dict[str, object]:
    """Return the row of one scenario, for a process of its own."""
    name, series, inputs, scenario, knobs = task
    optimum = exact(levelled_load(series, inputs, scenario, knobs), *bounds(inputs, scenario))
    return {
        "scenario": name,
        "least AR": float(optimum["rate"]),
        "public share [%]": 100 * float(public_share(optimum["shares"], inputs, scenario)),
        "prototypes in it": int((optimum["shares"] > 1e-6).sum()),
    }
