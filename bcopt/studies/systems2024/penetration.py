"""Section 3.2.2: renewable penetration against the share of public buildings, by NSGA-II and exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.protocol import StudyProtocol
from bcopt.methods import pareto, search
from bcopt.methods.decoders import Array, normalise
from bcopt.methods.parallel import in_parallel
from bcopt.methods.persistent import Persistent
from bcopt.models import proportions
from bcopt.studies.systems2024 import analysis, flexible_day, levelling_results
from bcopt.studies.systems2024.flexible_day import Knobs, january
from bcopt.studies.systems2024.inputs import CLUSTERS
from bcopt.studies.systems2024.levelling import CLOSER, PUBLIC, stable_from
from bcopt.studies.systems2024.scenario import Scenario

AT_PRINTED = "penetration at 30 % public [%]"
CHOICES = (
    "heat_pump_sharing",
    "penetration_period",
    "penetration_photovoltaics",
    "search_population",
    "search_generations",
    "crossover_probability",
    "front_mutation_probability",
    "seeds",
    "engine",
    "stabilised_test",
    "slope_test",
)
"""Choices of the protocol that act here alone."""
LEVELS = tuple(np.linspace(0.0, 1.0, 51).round(2).tolist())
"""Least public shares [-]."""
FINE = 2001
"""Points of the exact front whose staircase stands for it in hypervolumes."""
SHARINGS = {"own ground": False, "pooled": True}


def year(loads: xr.Dataset) -> xr.Dataset:
    """Return the year of the central variant as :func:`bcopt.studies.systems2024.flexible_day.january` does January."""
    return loads[["demand", "photovoltaics", "ground_heat"]]


def energies(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, load_scale: float) -> xr.Dataset:
    """Return what penetration is computed from.

    Returns
    -------
    xr.Dataset, dims (cluster, hour)
        ``electricity``, ``heat``, ``photovoltaics`` (cluster, hour) [kW], ``ground_heat`` (cluster) [kW].
    """
    at = flexible_day.adjusted(series, inputs, scenario)
    use = flexible_day.electric(series, inputs, scenario, load_scale)
    electricity = analysis.electricity(use)
    if scenario.cooking == "electricity":
        electricity = electricity + use.sel(use="cooking", drop=True)
    heat = use.sel(use="heating", drop=True)
    if scenario.heat_pump_electricity:
        electricity = electricity + np.minimum(heat, at["ground_heat"]) / inputs["heat_pump_cop"]
    sun = at["photovoltaics"]
    if scenario.penetration_photovoltaics == "used at once":
        sun = xr.where(sun < electricity, sun, electricity)
    found = xr.Dataset({"electricity": electricity, "heat": heat, "photovoltaics": sun})
    return found.transpose("cluster", "hour").assign(ground_heat=at["ground_heat"]).reset_coords(drop=True)


def arrays(energy: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return the four arrays in the order in which the models take them."""
    return energy["electricity"], energy["heat"], energy["photovoltaics"], energy["ground_heat"]


def is_public(energy: xr.Dataset) -> xr.DataArray:
    """Return which clusters are public buildings, dims (cluster)."""
    return energy["cluster"].isin(PUBLIC)


def exact_front(energy: xr.Dataset, levels: Sequence[float] = LEVELS, *, pooled: bool) -> xr.Dataset:
    """Return the greatest penetration at each least public share, one linear programme a point.

    Returns
    -------
    xr.Dataset, dims (public_share, cluster)
        ``penetration`` (public_share) and ``shares`` (public_share, cluster) [-].
    """
    kept = Persistent(proportions.penetration_model(*arrays(energy), is_public(energy), levels[0], pooled))
    values, mixes = [], []
    for level in levels:
        kept.coefficients("public", "scale", -level)
        values.append(kept.solve().objective)
        mixes.append(proportions.shares(kept.solution()))
    names = pd.Index(list(levels), name="public_share")
    return xr.Dataset({"penetration": ("public_share", values), "shares": xr.concat(mixes, names)})


def at_printed_share(energy: xr.Dataset, inputs: xr.Dataset, pooled: bool) -> float:
    """Return the greatest penetration with at least the public share at which the study prints one [%]."""
    level = float(inputs["penetration_public_share"])
    return 100 * float(exact_front(energy, [level], pooled=pooled)["penetration"].item())


def at_exactly(energy: xr.Dataset, public_share: xr.DataArray) -> xr.DataArray:
    """Return the greatest penetration of own ground at exactly each public share, dims as the share [-]."""
    found = proportions.penetration_front_pairs(*arrays(energy), is_public(energy), public_share)
    return found["penetration"]


def agrees_with_pairs(energy: xr.Dataset, front: xr.Dataset, tolerance: float = 1e-9) -> bool:
    """Return whether a front of own ground is that of the closed form over pairs of clusters."""
    exactly, all_public = (at_exactly(energy, share) for share in (front["public_share"], xr.DataArray(1.0)))
    return bool(np.abs(np.maximum(exactly, all_public) - front["penetration"]).max() <= tolerance)


def slope(energy: xr.Dataset, front: xr.Dataset) -> tuple[bool, bool]:
    """Return whether penetration falls along the public share: at exactly each share, and with at least that share."""
    courses = (at_exactly(energy, front["public_share"]), front["penetration"])
    exactly, at_least = (bool((course.diff("public_share") < 0).all()) for course in courses)
    return exactly, at_least


def prototype_table(energy: xr.Dataset) -> pd.DataFrame:
    """Return the two rates, the weight and the penetration of every prototype by itself."""
    alone = xr.DataArray(np.eye(len(CLUSTERS)), dims=("prototype", "cluster"), coords={"cluster": energy["cluster"]})
    parts = proportions.penetration_parts(alone, *arrays(energy), pooled=False)
    return pd.DataFrame(
        {
            "cluster": energy["cluster"],
            "function": [CLUSTERS[name] for name in energy["cluster"].to_numpy()],
            "photovoltaics over electricity [%]": 100 * parts["photovoltaic"],
            "ground heat over heat [%]": 100 * parts["ground_source"],
            "electricity's weight K": parts["electricity_share"],
            "penetration [%]": 100 * proportions.penetration(alone, *arrays(energy), pooled=False),
        }
    )


def search_problem(energy: xr.Dataset, pooled: bool) -> search.Problem:
    """Pose both objectives as the study does: twelve variables from 0 to 1, scaled to a sum of one; both minimised."""
    electricity, heat, sun, ground = (array.to_numpy() for array in arrays(energy))
    consumed, generated = (electricity + heat).sum(axis=1), sun.sum(axis=1)
    alone = np.minimum(heat, ground[:, np.newaxis]).sum(axis=1)
    public = is_public(energy).to_numpy()

    def objectives(shares: Array) -> Array:
        pumped = np.minimum(shares @ heat, (shares @ ground)[:, np.newaxis]).sum(axis=1) if pooled else shares @ alone
        penetration = (shares @ generated + pumped) / (shares @ consumed)
        both: Array = -np.stack([penetration, shares[:, public].sum(axis=1)], axis=1)
        return both

    return search.Problem(objectives, np.zeros(len(CLUSTERS)), np.ones(len(CLUSTERS)), decode=normalise)


@dataclass(frozen=True)
class Searched:
    """What NSGA-II found from every seed.

    Parameters
    ----------
    runs : pd.DataFrame
        One row a seed: points, hypervolume as a share of the exact front's, of the last generation and of all that was
        evaluated, the generation from which that is stable, and how far a point lies above the front.
    points : xr.Dataset, dims (point)
        ``penetration`` and ``public_share`` of the first seed's front [-].
    course : xr.DataArray, dims (seed, generation)
        Hypervolume of all that was evaluated so far, as a share of the exact front's [-].
    """

    runs: pd.DataFrame
    points: xr.Dataset
    course: xr.DataArray


def evolve(
    energy: xr.Dataset, pooled: bool, front: xr.Dataset, settings: search.Settings, seeds: Sequence[int]
) -> Searched:
    """Run NSGA-II from every seed beside the exact front.

    Parameters
    ----------
    energy : xr.Dataset
        From :func:`energies`.
    pooled : bool
        Whether clusters share their heat pumps.
    front : xr.Dataset
        From :func:`exact_front`; between its levels it is taken as straight.
    settings : search.Settings
        Its seed is replaced by each of ``seeds``.
    seeds : sequence of int
        One search each.
    """
    exact = fine_front(front)
    rows, courses, fronts = [], [], []
    for seed in seeds:
        found, seen = _recorded(search_problem(energy, pooled), replace(settings, seed=seed))
        courses.append(_course(seen, exact))
        fronts.append(-found.objectives)
        limit = np.interp(fronts[-1][:, 1], front["public_share"], front["penetration"])
        rows.append(
            {
                "seed": seed,
                "points": len(found.objectives),
                "hypervolume ratio": _ratio(found.objectives, exact),
                "of all evaluated": courses[-1][-1],
                "stable from generation": stable_from(courses[-1]),
                "stable within 1 % from": stable_from(courses[-1], CLOSER),
                "largest excess over the front": max(0.0, float((fronts[-1][:, 0] - limit).max())),
            }
        )
    penetration, public = fronts[0].T
    points = xr.Dataset({"penetration": ("point", penetration), "public_share": ("point", public)})
    coords = {"seed": list(seeds), "generation": np.arange(1, settings.generations + 1)}
    return Searched(pd.DataFrame(rows), points, xr.DataArray(courses, dims=("seed", "generation"), coords=coords))


def fine_front(front: xr.Dataset) -> Array:
    """Return both objectives of an exact front, minimised, at so many points that their staircase is the front."""
    levels = np.linspace(0.0, 1.0, FINE)
    both: Array = -np.stack([np.interp(levels, front["public_share"], front["penetration"]), levels], axis=1)
    return both


def seeds_table(searches: Mapping[str, Searched]) -> pd.DataFrame:
    """Return the runs of every seed by sharing of the heat pumps."""
    parts = [
        found.runs.assign(seed=[f"{name}, {seed}" for seed in found.runs["seed"]]) for name, found in searches.items()
    ]
    return pd.concat(parts, ignore_index=True).rename(columns={"seed": "heat pumps, seed"})


def courses(searches: Mapping[str, Searched]) -> xr.Dataset:
    """Return ``hypervolume`` over the generations, dims (sharing, seed, generation) [-]."""
    names = pd.Index(list(searches), name="sharing")
    together = xr.concat([found.course for found in searches.values()], names)
    return together.assign_attrs(units="1", long_name="hypervolume over the exact front's").to_dataset(
        name="hypervolume"
    )


def settings_tried(published: search.Settings, protocol: StudyProtocol) -> dict[str, search.Settings]:
    """Return the published settings, those that the protocol names as alternatives, and larger populations."""
    larger = {"population 100": replace(published, population=100)}
    larger |= {"population 100, mutation 0.1": replace(published, population=100, mutation=0.1)}
    return levelling_results.settings_tried(published, protocol, "front_mutation_probability") | larger


def settings_table(
    energy: xr.Dataset,
    pooled: bool,
    front: xr.Dataset,
    tried: Mapping[str, search.Settings],
    seeds: Sequence[int],
) -> pd.DataFrame:
    """Return the hypervolume ratio over the seeds under each setting of the search, and that of points on the front.

    The last row is no search: points of the exact front itself, evenly apart, as many as the first setting has.
    """
    problem, fine, rows = search_problem(energy, pooled), fine_front(front), []
    for name, settings in tried.items():
        found = [search.nsga2(problem, replace(settings, seed=seed)) for seed in seeds]
        ratio = np.array([_ratio(of_seed.objectives, fine) for of_seed in found])
        rows.append(
            {
                "settings": name,
                "evaluations": settings.population * settings.generations,
                "least ratio": ratio.min(),
                "median ratio": float(np.median(ratio)),
                "seeds at 0.98 or more": int((ratio >= 0.98).sum()),
                "seeds": len(ratio),
            }
        )
    count = next(iter(tried.values())).population
    even = _ratio(fine[np.linspace(0, FINE - 1, count).round().astype(int)], fine)
    rows.append({"settings": f"{count} points on the front", "least ratio": even, "median ratio": even})
    return pd.DataFrame(rows)


def penetrations(
    scenarios: Mapping[str, Scenario], loads: xr.Dataset, variants: xr.Dataset, inputs: xr.Dataset,
    knobs: Mapping[str, Knobs],
) -> pd.DataFrame:  # fmt: skip
    """Return the greatest penetration at 30 % public clusters in every scenario, the central one first."""
    tasks = []
    for name, scenario in scenarios.items():
        series = year(loads) if scenario.penetration_period == "year" else january(loads, variants, scenario)
        tasks.append((name, series, inputs, scenario, knobs[name]))
    return pd.DataFrame(in_parallel(_row, tasks))


def _row(task: tuple[str, xr.Dataset, xr.Dataset, Scenario, Knobs]) -> dict[str, object]:
    """Return the row of one scenario, for a process of its own."""
    name, series, inputs, scenario, knobs = task
    energy = energies(series, inputs, scenario, knobs.load_scale)
    return {"scenario": name, AT_PRINTED: at_printed_share(energy, inputs, SHARINGS[scenario.heat_pump_sharing])}


def front_table(front: xr.Dataset, levels: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)) -> pd.DataFrame:
    """Return points of a front with the clusters they consist of."""
    rows = []
    for level in levels:
        at = front.sel(public_share=level)
        made_of = [
            f"{100 * share:.1f} % {name}"
            for name, share in zip(CLUSTERS, at["shares"].sel(cluster=list(CLUSTERS)).to_numpy(), strict=True)
            if share > 5e-4
        ]
        rows.append(
            {
                "public share at least [%]": 100 * level,
                "penetration [%]": 100 * float(at["penetration"]),
                "made of": ", ".join(made_of),
            }
        )
    return pd.DataFrame(rows)


def _recorded(problem: search.Problem, settings: search.Settings) -> tuple[search.Result, list[Array]]:
    """Run NSGA-II and return its result with the objectives of every generation."""
    seen: list[Array] = []

    def objectives(shares: Array) -> Array:
        seen.append(np.asarray(problem.objectives(shares)))
        return seen[-1]

    return search.nsga2(replace(problem, objectives=objectives), settings), seen


def _ratio(objectives: Array, exact: Array) -> float:
    return pareto.hypervolume_ratio(objectives, exact, polyline=False)


def _course(seen: Sequence[Array], exact: Array) -> Array:
    """Return the hypervolume ratio of all individuals up to each generation."""
    archive, course = np.empty((0, 2)), []
    for generation in seen:
        archive = np.vstack([archive, generation])
        archive = archive[pareto.non_dominated(archive)]
        course.append(_ratio(archive, exact))
    return np.array(course)
