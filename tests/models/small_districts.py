"""Small districts of a few groups and hours, by hand and at random, solved in one line."""

from __future__ import annotations

import numpy as np
import xarray as xr
from hypothesis import strategies as st

from bcopt.methods.optimal_face import lexicographic
from bcopt.methods.persistent import Persistent
from bcopt.methods.solver import solve
from bcopt.models.district import ACCOUNTS, QUANTITIES, district_model, flows, shortfall

ONES = ("electricity_price", "gas_price", "pump_cop", "chiller_cop")
# One kWh of ``a`` in the second hour, dearer by 2 than in the first.
SHIFT = {"electricity": [[0, 1], [0, 0]], "electricity_price": [1, 3], "storage_energy": 2.0, "storage_power": 2.0}


def array(value):
    """A number, hours, groups by hours, or labelled dims as they are."""
    if isinstance(value, xr.DataArray):
        return value
    value = np.asarray(value, float)
    coords = {"group": list("abcd")[: len(value)]} if value.ndim == 2 else {}
    coords |= {"hour": np.arange(value.shape[-1])} if value.ndim else {}
    return xr.DataArray(value, coords, tuple(coords))


def by(dim, *values):
    labels = list("abcd")[: len(values)] if dim == "group" else np.arange(len(values))
    return xr.DataArray(np.asarray(values, float), {dim: labels}, dim)


def case(hours=2, groups=2, **given):
    """Groups that use nothing and pay 1 for all they buy, without ground, sun and storage, but for what is given."""
    values = {"electricity": array(given.pop("electricity", np.zeros((groups, hours))))}
    hours = values["electricity"].sizes["hour"]
    for name, quantity in QUANTITIES.items():
        default = float(name in ONES)
        if name in given or (quantity.required and name not in values):
            values[name] = array(given.pop(name, [default] * hours if quantity.hourly else default))
    return xr.Dataset(values)


def optimum(inputs, **options):
    return solve(district_model(inputs, **options)).objective


def solved(inputs, **options):
    model = district_model(inputs, **options)
    report = solve(model)
    return model, report.objective, flows(model.solution)


def ranked(model, *objectives):
    """Solve for the model's own objective, then for others among its optima."""
    persistent = Persistent(model)
    values = lexicographic(persistent, [model.objective.expression, *objectives])
    return persistent, values


def random_inputs(seed, hours=None, groups=None):
    """Groups with every quantity, missing here and there; boilers that suffice even if ground heat is separate."""
    random = np.random.default_rng(seed)
    hours, groups = hours or random.integers(3, 7), groups or random.integers(2, 4)
    labels = {"group": list("abcd")[:groups], "hour": np.arange(hours)}

    def draw(low, high, *dims, gaps=True):
        shape = [len(labels[dim]) for dim in dims]
        values = random.uniform(low, high, shape) * (random.random(shape) < 0.8 if gaps else 1.0)
        return xr.DataArray(values, {dim: labels[dim] for dim in dims}, dims)

    both = ("group", "hour")
    price, energy = draw(0.1, 1.5, *both, gaps=False), draw(1, 8, gaps=False)
    inputs = xr.Dataset(
        {
            "electricity": draw(0, 5, *both),
            "photovoltaics": draw(0, 6, *both),
            "heat": draw(0, 6, *both),
            "cooling": draw(0, 2, *both),
            "electricity_price": price,
            "export_price": price * draw(0, 1, *both),
            "gas_price": draw(0.05, 0.6, *both, gaps=False),
            "pump_capacity": draw(0, 4, "group"),
            "pump_cop": draw(2, 5, "group", gaps=False),
            "chiller_cop": draw(3, 6, gaps=False),
            "storage_energy": energy,
            "storage_power": energy * draw(0.2, 1, gaps=False),
            "storage_loss": draw(0, 0.1),
            "storage_price": draw(0, 0.3, "group"),
            "storage_installation_price": draw(0, 0.5),
            "boiler_installation_price": draw(0, 1),
            "grid_emission_factor": draw(0.1, 1, gaps=False),
            "gas_emission_factor": draw(0.1, 1, gaps=False),
        }
    )
    inputs["chiller_capacity"] = inputs["cooling"].sum("group").max("hour")
    inputs["boiler_capacity"] = shortfall(inputs, "heat", 0.0, sharing=False).max("hour") + draw(0, 3)
    return inputs


seeds = st.integers(0, 2**32 - 1)
accounts = st.sampled_from(ACCOUNTS)
