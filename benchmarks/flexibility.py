"""Time the flexibility model: built and solved once, solved again warm, and a year of days taken apart."""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import xarray as xr

from bcopt.compendium.paths import project_root
from bcopt.compendium.protocol import read_protocol
from bcopt.methods import solver
from bcopt.methods.persistent import Persistent
from bcopt.methods.separable import solve_separable
from bcopt.models import flexibility
from bcopt.studies import systems2024 as study
from benchmarks.timing import seconds, show

RESOLVES = 1000


def main() -> None:
    """Compare linear with mixed-integer, warm with rebuilt, and a separable year with days one by one."""
    inputs = study.inputs.load()
    loads, variants, _ = study.analysis.read_results()
    central = study.scenario.central(read_protocol(project_root())["systems2024"], inputs)
    knobs = study.fits.read_knobs(project_root(), {"central": central})["central"]
    january = study.flexible_day.january(loads, variants, central)
    twelve = study.flexible_day.model_inputs(january, inputs, central, knobs)
    year = study.flexible_day.by_day(loads[["demand", "photovoltaics"]]).assign(ground_heat=loads["ground_heat"])
    days = study.flexible_day.model_inputs(year, inputs, central, knobs)
    show("flexibility model, 12 clusters x 24 h", _one_day(twelve))
    show(
        f"{RESOLVES} solves under changed prices",
        [*_again(twelve.sel(cluster=["x1"]), "x1"), *_again(twelve, "x1-x12")],
    )
    show("a year of 12 clusters, cyclic by day", [_days(days)])
    show("a year, cyclic over 8,760 h", _horizon(days))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    sys.stdout.write(f"peak memory of this process: {peak:.2f} GB\n")


def _solved(day: xr.Dataset, binaries: flexibility.Binaries = "needed") -> None:
    solver.solve(flexibility.flexibility_model(day, binaries=binaries))


def _one_day(day: xr.Dataset) -> list[tuple[str, float, str, float]]:
    build = seconds(lambda: flexibility.flexibility_model(day))
    whole = seconds(lambda: _solved(day))
    return [
        ("built and solved, linear", whole, "mixed-integer as published", seconds(lambda: _solved(day, "all"), 3)),
        ("built alone", build, "built and solved", whole),
    ]


def _again(day: xr.Dataset, name: str) -> list[tuple[str, float, str, float]]:
    """Solve again under other prices, as a sweep does."""
    persistent = Persistent(flexibility.flexibility_model(day))
    persistent.solve()
    shape = persistent.value("purchase")
    price = day["electricity_price"].broadcast_like(shape).transpose(*shape.dims).to_numpy()
    factors = np.random.default_rng(1).uniform(0.8, 1.2, (RESOLVES, day.sizes["hour"]))

    def warm() -> None:
        for factor in factors:
            persistent.costs("purchase", price * factor)
            persistent.solve()

    def rebuilt() -> None:
        for factor in factors[:5]:
            changed = day["electricity_price"] * xr.DataArray(factor, dims="hour", coords={"hour": day["hour"]})
            _solved(day.assign(electricity_price=changed.assign_attrs(units="yuan/kWh")))

    return [(f"{name}, kept and changed", seconds(warm, 3), "built anew each time", seconds(rebuilt, 1) * RESOLVES / 5)]


def _days(days: xr.Dataset) -> tuple[str, float, str, float]:
    start = time.perf_counter()
    solve_separable(flexibility.flexibility_model(days))
    own = time.perf_counter() - start

    def one_by_one() -> None:
        for day in range(5):
            _solved(days.isel(day=day))

    few = seconds(one_by_one, 1)
    return ("taken apart by its blocks", own, "day by day, built anew", few * days.sizes["day"] / 5)


def _horizon(days: xr.Dataset) -> list[tuple[str, float, str, float]]:
    """Let stores, water and appliances carry over midnight: one programme a cluster, which no day splits.

    The totals of a year reach 10^8 kWh, so that HiGHS checks them to 10^-5 kWh and not to 10^-6.
    """
    hourly = [name for name, array in days.items() if "hour" in array.dims]
    wide = days[hourly].map(lambda array: array if "day" in array.dims else array.expand_dims(day=days["day"]))
    steps = wide.stack(step=("day", "hour")).drop_vars(["step", "day", "hour"]).rename(step="hour")
    rest = days.drop_vars(hourly).max("day").drop_vars("hour")
    horizon = xr.merge([steps, rest]).assign_coords(hour=np.arange(steps.sizes["hour"]))
    for name in horizon:
        horizon[name].attrs = {"units": flexibility.QUANTITIES[str(name)].units}
    start = time.perf_counter()
    solve_separable(flexibility.flexibility_model(horizon), mip_feasibility_tolerance=1e-5)
    own = time.perf_counter() - start
    start = time.perf_counter()
    solve_separable(flexibility.flexibility_model(days))
    return [("stores over the whole year", own, "the same with daily cycles", time.perf_counter() - start)]
