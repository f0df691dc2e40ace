"""Time the district: lower levels kept and changed beside rebuilt ones, one process and several, and a whole year."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import xarray as xr

from bcopt.compendium.ledger import read_claims
from bcopt.compendium.paths import project_root
from bcopt.compendium.protocol import read_protocol
from bcopt.methods import solver
from bcopt.methods.decoders import Array
from bcopt.methods.parallel import Workers
from bcopt.models import district
from bcopt.studies import systems2024 as study
from bcopt.studies.systems2024.district_sizing import Evaluator
from benchmarks.timing import seconds, show

POPULATION = 40
PLANS = 200 * POPULATION
REBUILT = 50


def main() -> None:
    """Compare the bilevel search's evaluations with rebuilding, and a year's linear programme by account."""
    root = project_root()
    inputs = study.inputs.load(root)
    loads, variants, _ = study.analysis.read_results(root=root)
    central = study.scenario.central(read_protocol(root)["systems2024"], inputs)
    knobs = study.fits.read_knobs(root, {"central": central})["central"]
    series = study.flexible_day.january(loads, variants, central)
    unfitted = study.district_day.unfitted(series, inputs, central, knobs)
    found = study.district_fits.fit(unfitted, central, study.district_fits.targets(read_claims(root))).knobs
    day = study.district_day.fitted(unfitted, central, found)
    show(f"{PLANS} lower levels, 4 groups x 24 h, three ranks each", _plans(day, central))
    simulated = replace(central, district_loads="as simulated")
    days = study.flexible_day.by_day(loads[["demand", "photovoltaics"]]).assign(ground_heat=loads["ground_heat"])
    demands = study.district_day.demands(days, inputs, simulated, knobs)
    year = study.district_day.one_horizon(study.district_day.with_equipment(demands, inputs, simulated))
    show("a year, 4 groups x 8,760 h", _year(study.district_day.fitted(year, simulated, found)))


def _plans(day: xr.Dataset, scenario: study.scenario.Scenario) -> list[tuple[str, float, str, float]]:
    """Evaluate as many plans as a search does, and rebuild a few."""
    low, high = study.district_sizing.bounds(day)
    plans = np.random.default_rng(1).uniform(low, high, (PLANS, low.size))

    def rebuilt() -> None:
        for plan in plans[:REBUILT]:
            Evaluator(day, scenario)(plan[np.newaxis])

    anew = seconds(rebuilt, 1) * PLANS / REBUILT
    rows, answers = [], []
    for workers in (1, None):
        with Workers(Evaluator, day, scenario, workers=workers, memory=False) as pool:
            pool.evaluate(plans[:POPULATION])
            taken = seconds(lambda pool=pool: answers.append(_by_generation(pool, plans)), 1)  # type: ignore[misc]
            sys.stdout.write(f"{pool.solved - POPULATION} lower levels solved so far in {pool.workers} process(es)\n")
            rows.append(
                (f"kept and changed, {pool.workers} process(es)", taken, f"evaluator built anew, from {REBUILT}", anew)
            )
    same = all(np.array_equal(answers[0], answer) for answer in answers[1:])
    sys.stdout.write(f"one process and several give the same numbers: {'yes' if same else 'no'}\n")
    return rows


def _by_generation(pool: Workers, plans: Array) -> Array:
    """Evaluate plans a population at a time."""
    return np.vstack([pool.evaluate(generation) for generation in plans.reshape(-1, POPULATION, plans.shape[1])])


def _year(year: xr.Dataset) -> list[tuple[str, float, str, float]]:
    """Solve a year by the interior point method and by simplex."""
    return [
        (
            f"account {account}, interior point",
            seconds(lambda account=account: _solved(year, account, "ipm"), 1),  # type: ignore[misc]
            "simplex",
            seconds(lambda account=account: _solved(year, account, "simplex"), 1),  # type: ignore[misc]
        )
        for account in district.ACCOUNTS
    ]


def _solved(year: xr.Dataset, account: district.Account, method: str) -> None:
    solver.solve(district.district_model(year, account=account), solver=method)
