"""Section 3.1 rebuilt in PyPSA: each cluster at least energy cost, by a second tool from the same inputs."""

from dataclasses import replace

import networks
import pandas as pd
import pytest
import xarray as xr

from bcopt.methods import solver
from bcopt.models import flexibility
from bcopt.studies import systems2024 as study

pytestmark = pytest.mark.filterwarnings("ignore:pandas infers the `str` dtype:FutureWarning")  # of PyPSA 1
AGREE = 1e-6
CENTRAL = "central"
CHOICES = {
    CENTRAL: {},
    "heat pumps use electricity": {"heat_pump_electricity": True},
    "vehicles at all clusters, away by day": {
        "vehicles_at_public": "as in homes",
        "vehicle_availability": "18:00 to 08:00",
        "vehicle_power": 0.5,
    },
    "exports and heat stores at a price": {"export_price": "purchase price", "storage_price_heat": "as printed"},
    "little room to move": {"transfer_window": "14:00 to 18:00", "transfer_limit": 2.0, "heater_power": 0.5},
    "leaking stores": {"self_discharge": 0.05, "heat_storage_power": 0.1, "lighting_floor": 0.5},
}
"""Choices of a scenario, most of them no alternative of the protocol, that bring every equation to bear."""


def with_one_changed(day):
    """Return the day, and one for every quantity with that alone 3 % less, or the window an hour shorter."""
    window = day["transfer_window"]
    shorter = window.where(window["hour"] != 6, 0.0)
    found = {name: day.assign({name: 0.97 * day[name]}) for name in day.data_vars}
    return {"unchanged": day, **found, "transfer_window": day.assign(transfer_window=shorter)}


def side_by_side(days):
    """Return days over the dim case, what all clusters have in common repeated for each."""
    over_clusters = [
        xr.Dataset({name: xr.broadcast(values, day["cluster"])[0] for name, values in day.data_vars.items()})
        for day in days.values()
    ]
    whole = xr.concat(over_clusters, pd.Index(list(days), name="case"))
    return xr.Dataset({name: values.assign_attrs(over_clusters[0][name].attrs) for name, values in whole.items()})


def our_optimum(day):
    """Return the least cost of all cases and clusters together, and of each by its name in the network [yuan]."""
    model = flexibility.flexibility_model(day)
    report = solver.solve(model)
    terms = flexibility.costs(flexibility.flows(model.solution, day), day)
    each = terms.to_dataarray().sum(["variable", "hour"]).transpose("case", "cluster").to_series()
    return report.objective, {f"{case}:{cluster}": cost for (case, cluster), cost in each.items()}


@pytest.fixture(scope="module")
def days(series, inputs, central, knobs):
    return {
        name: study.flexible_day.model_inputs(series, inputs, replace(central, **choices), knobs)
        for name, choices in CHOICES.items()
    }


def test_every_cluster_costs_what_pypsa_finds(days):
    """Twelve clusters under six sets of choices."""
    day = side_by_side(days)
    whole, each = our_optimum(day)
    network = networks.flexibility(day)
    assert len(each) == 72
    assert network.optimum() == pytest.approx(whole, rel=AGREE)
    assert network.costs().to_dict() == pytest.approx(each, rel=AGREE)


def test_each_input_moves_both(days):
    """With any one quantity changed both tools find the same other cost: with it changed in one of them they differ."""
    day = days["vehicles at all clusters, away by day"].sel(cluster=["x1", "x8"])
    tight = {"photovoltaics": 8.0, "vehicle_power": 0.26, "heat_store_energy": 0.2, "heat_store_power": 0.1}
    day = day.assign({name: factor * day[name] for name, factor in tight.items()})
    day = day.assign(pump_electricity=days["heat pumps use electricity"]["pump_electricity"])
    day = day.assign(storage_price_heat=0.1 * days["exports and heat stores at a price"]["storage_price_heat"])
    changed = with_one_changed(day)
    given = side_by_side(changed)
    _, ours = our_optimum(given)
    network = networks.flexibility(given)
    network.optimum()
    theirs = network.costs()
    assert theirs.to_dict() == pytest.approx(ours, rel=AGREE)
    for name in changed.keys() - {"unchanged"}:
        moved = [abs(theirs[f"{name}:{place}"] / theirs[f"unchanged:{place}"] - 1) for place in ("x1", "x8")]
        assert max(moved) > 5 * AGREE, name
