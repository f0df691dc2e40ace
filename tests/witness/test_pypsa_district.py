"""Section 3.3 rebuilt in PyPSA: the district's dispatch and the size of its storage, by a second tool."""

import networks
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt.methods import solver
from bcopt.models import district, district_sizes
from bcopt.studies import systems2024 as study

pytestmark = pytest.mark.filterwarnings("ignore:pandas infers the `str` dtype:FutureWarning")  # of PyPSA 1
AGREE = 1e-6
MODES = [(pooled, account) for pooled in (True, False) for account in ("daily", "none")]
OF_THE_DISPATCH = [
    *("electricity", "photovoltaics", "heat", "cooling", "electricity_price", "export_price", "gas_price"),
    *("pump_capacity", "pump_cop", "chiller_cop", "boiler_capacity"),
    *("storage_energy", "storage_power", "storage_loss"),
]
"""What bears on the lower level; the rest bears on the upper, but chillers, which are never short of capacity."""
PRICES = [0.0, 0.5, 1.0, 3.0]
"""Of the storage a day [yuan/kWh]. At 10, as printed, there is none."""
MOST, POWER_TO_ENERGY = 100_000.0, 0.5


@pytest.fixture(scope="module")
def day(series, inputs, central, knobs, district_knobs):
    """The fitted day, with limits of boilers and chillers."""
    unfitted = study.district_day.unfitted(series, inputs, central, knobs)
    limits = {"boiler_capacity": xr.DataArray(50_000.0), "chiller_capacity": xr.DataArray(400.0)}
    return study.district_day.fitted(unfitted, central, district_knobs).assign(limits)


@pytest.fixture(scope="module")
def tight(day):
    """A day of cheap gas, exports at a price and a storage that leaks, on which every input has its price."""
    return day.assign(
        gas_price=0.22 * day["gas_price"],
        export_price=day["export_price"] + 0.1,
        storage_loss=xr.DataArray(0.01),
    )


def side_by_side(days, modes):
    """Return days over the dim case, with what only PyPSA's network must be told: who pools and who keeps account."""
    whole = xr.concat(days.values(), pd.Index(list(days), name="case"), data_vars="all")
    pooled, account = np.array([(pooled, account == "daily") for pooled, account in modes], float).T
    return whole.assign(pooled=("case", pooled), account=("case", account))


def of_cases(costs):
    """Return costs by place, as of a network, summed over the places of each case [yuan]."""
    return costs.groupby(costs.index.str.partition(":").get_level_values(0)).sum().to_dict()


def test_dispatch_costs_what_pypsa_finds(day):
    """Grounds pooled and apart, with the account and without."""
    ours = {}
    for pooled, account in MODES:
        model = district.district_model(day, sharing=pooled, account=account)
        ours[f"{pooled}, {account}"] = solver.solve(model).objective
    network = networks.district(side_by_side(dict.fromkeys(ours, day), MODES))
    assert network.optimum() == pytest.approx(sum(ours.values()), rel=AGREE)
    assert of_cases(network.costs()) == pytest.approx(ours, rel=AGREE)
    assert len(set(ours.values())) == len(MODES)


def test_each_input_moves_both(tight):
    """With any one quantity changed both tools find the same other cost: with it changed in one of them they differ."""
    changed = {name: tight.assign({name: 0.97 * tight[name]}) for name in OF_THE_DISPATCH}
    given = side_by_side({"unchanged": tight, **changed}, [(True, "daily")] * (1 + len(changed)))
    model = district.district_model(given.drop_vars(["pooled", "account"]))
    solver.solve(model)
    terms = district.costs(district.flows(model.solution), given)
    ours = (terms["electricity_cost"] + terms["gas_cost"]).sum(["group", "hour"]).to_series().to_dict()
    network = networks.district(given)
    network.optimum()
    theirs = of_cases(network.costs())
    assert theirs == pytest.approx(ours, rel=AGREE)
    still = [name for name in changed if abs(theirs[name] / theirs["unchanged"] - 1) < 5 * AGREE]
    assert not still


def test_size_of_the_storage_costs_what_pypsa_finds(day):
    """One level that chooses storage and dispatch, at prices from nothing to more than a storage is worth."""
    largest = day.assign(storage_energy=xr.DataArray(MOST), storage_power=xr.DataArray(POWER_TO_ENERGY * MOST))
    ours, sizes = {}, []
    for price in PRICES:
        model = district.district_model(largest)
        size = district_sizes.add_storage_size(model, POWER_TO_ENERGY)
        cost, _ = district.upper_level(model, largest)
        model.add_objective(cost + price * size, overwrite=True)
        ours[str(price)] = solver.solve(model).objective
        sizes.append(float(size.solution))
    assert 0 < sizes[2] < sizes[1] < MOST
    modes = [(True, "daily")] * len(PRICES)
    given = side_by_side({str(price): largest for price in PRICES}, modes)
    network = networks.district(given, upper=True)
    whole = networks.optimum_with_size(network, xr.DataArray(PRICES, dims="case"), MOST, POWER_TO_ENERGY)
    assert whole == pytest.approx(sum(ours.values()), rel=AGREE)
    assert of_cases(network.costs()) == pytest.approx(ours, rel=AGREE)
    found = network.network.stores["e_nom_opt"].filter(like="| storage").to_numpy()
    assert found[1:] == pytest.approx(sizes[1:], abs=0.1)
