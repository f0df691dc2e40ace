"""Time exact solvers, searches and sampling of the renewable mix against a peer or against the naive way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.optimize import Bounds, differential_evolution

from bcopt.methods import inverse, search, solver
from bcopt.models import mix
from bcopt.studies import energyeng2023 as study
from benchmarks.timing import seconds, show


def main() -> None:
    """Compare exact solvers, searches and sampling of the renewable mix."""
    inputs = study.inputs.load()
    target = study.plans.energy_target(inputs)
    energy = study.plans.energies(inputs, study.plans.effective_areas(inputs, target)["effective_area"], target)
    units = study.coefficients.reference(inputs, energy, "c", 0.02)
    where = study.optimisation.region(energy, "c")
    draws = study.predictions.prior_draws(inputs, 20_000, 1)
    box = (where.lower, where.upper, where.total)
    problem = study.optimisation.search_problem([units["cost"]], where, "elimination")
    settings = search.Settings(40, 200, 0.9, 0.5, 1)
    cost, bounds = units["cost"].to_numpy(), Bounds(where.lower.to_numpy(), where.upper.to_numpy())

    def linear_programmes(count: int) -> None:
        for i in range(count):
            solver.solve(mix.mix_model(draws["cost"].isel(sample=i, drop=True), *box))

    def one_by_one(count: int) -> None:
        for i in range(count):
            mix.cheapest_mix(draws["cost"].isel(sample=i, drop=True), *box)

    def scipy_search() -> None:
        def penalised(x: npt.NDArray[np.float64]) -> float:
            return float(cost @ x) + 1e3 * abs(float(x.sum()) - where.total)

        differential_evolution(penalised, bounds, popsize=10, maxiter=199, tol=0, polish=False, rng=1)

    def rejection() -> xr.DataArray:
        """Sample the posterior the naive way: keep the draws that come within a percent of both totals."""
        wide = study.predictions.prior_draws(inputs, 200_000, 1)["cost"]
        miss = abs((wide * energy).sum("technology") / inputs["published_cost"] - 1)
        return wide.isel(sample=np.flatnonzero((miss < 0.01).all("plan")))

    def posterior() -> xr.DataArray:
        prior = inputs["cost_median"], inputs["cost_geometric_sd"]
        return inverse.posterior(energy, inputs["published_cost"], "technology", *prior, 20_000, 1)

    batch = seconds(lambda: mix.cheapest_mix(draws["cost"], *box)) / 20_000
    geatpy = seconds(lambda: search.differential_evolution(problem, settings))
    kept = rejection().sizes["sample"]
    model = seconds(lambda: linear_programmes(5)) / 5
    alone = seconds(lambda: one_by_one(20)) / 20
    pymoo = seconds(lambda: search.differential_evolution(problem, replace(settings, engine="pymoo")))
    naive = seconds(rejection) / kept
    lines = [
        ("cheapest mix, 20,000 at once, per mix", batch, "linopy and HiGHS, each built anew", model),
        ("the same", batch, "merit order one by one", alone),
        ("differential evolution 40 x 200, geatpy", geatpy, "pymoo", pymoo),
        ("the same", geatpy, "scipy, same evaluations, penalty", seconds(scipy_search)),
        (
            "posterior, per draw on both totals",
            seconds(posterior) / 20_000,
            "rejection to 1 %",
            naive,
        ),
    ]
    show(f"renewable mix, median of 5; rejection keeps {kept} of 200,000 draws", lines)
