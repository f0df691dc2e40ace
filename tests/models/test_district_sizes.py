"""Sizes that a district chooses for itself: constraints by hand, and no fixed size that is cheaper."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from small_districts import SHIFT, accounts, array, by, case, random_inputs, ranked, seeds

from bcopt.methods.solver import solve
from bcopt.models.district import costs, district_model, flows, upper_level
from bcopt.models.district_sizes import add_pump_size, add_storage_size


def whole(model, inputs, size):
    """Cost of the upper level with what the storage itself costs."""
    return upper_level(model, inputs)[0] + (inputs["storage_installation_price"] * size).sum()


class TestStorageSize:
    """Moving 1 kWh saves 2 and wears 2 x 0.25; without storage it costs 3."""

    @pytest.mark.parametrize(
        ("built", "ratio", "price", "size", "cost"),
        [
            (2.0, 1.0, 1.0, 1.0, 1 + 0.5 + 1),
            (2.0, 1.0, 1.6, 0.0, 3),  # dearer than the 1.5 that are saved
            (2.0, 0.5, 0.5, 2.0, 1 + 0.5 + 1),  # 2 kWh for 1 kW
            (2.0, 0.5, 1.0, 0.0, 3),
            (0.5, 1.0, 1.0, 0.5, 0.5 * 1 + 0.5 * 3 + 0.25 + 0.5),  # up to the one it was built with
        ],
    )
    def test_by_hand(self, built, ratio, price, size, cost):
        values = {**SHIFT, "storage_energy": built, "storage_power": built, "storage_installation_price": price}
        inputs = case(**values, storage_price=0.25)
        model = district_model(inputs)
        chosen = add_storage_size(model, ratio)
        model.add_objective(whole(model, inputs, chosen), overwrite=True)
        assert solve(model).objective == pytest.approx(cost)
        assert float(model.solution["storage-size"]) == pytest.approx(size, abs=1e-7)

    @pytest.mark.parametrize(
        ("values", "name", "cost", "without"),
        [
            # 1 kWh takes 1 of the 2 kWh of the first two hours: 1 + 3; without its limit both
            ({"electricity": [[0, 0, 1, 1], [0] * 4], "electricity_price": [1, 1, 3, 3]}, "energy", 1 + 3, 2),
            # 1 kW in, of the 2 kW of the first hour
            ({"electricity": [[0, 1, 1], [0] * 3], "electricity_price": [1, 3, 3]}, "charge", 1 + 3, 2),
            # 1 kW out
            ({"electricity": [[0, 0, 2], [0] * 3], "electricity_price": [1, 1, 3]}, "discharge", 1 + 3, 2),
        ],
    )
    def test_without_the_limit(self, values, name, cost, without):
        """Of a store built with 4 kWh and 4 kW: a size of 1 kWh at 1 kW a kWh, or 2 kWh at half a kW."""
        model = district_model(case(**values, storage_energy=4.0, storage_power=4.0))
        power_to_energy = 1.0 if name == "energy" else 0.5
        add_storage_size(model, power_to_energy)
        model.variables["storage-size"].upper = 1 / power_to_energy
        assert solve(model).objective == pytest.approx(cost)
        model.remove_constraints(f"storage-{name}-size")
        assert solve(model).objective == pytest.approx(without)

    @pytest.mark.slow
    @settings(max_examples=3, deadline=None)
    @given(seeds, accounts, st.floats(0.2, 1))
    def test_no_fixed_size_is_cheaper(self, seed, account, ratio):
        """With no conflict of aims the cost is not above that of any size whose dispatch the lower level chooses."""
        size = by("size", 0.0, 1.0, 2.0, 4.0)
        inputs = random_inputs(seed).assign(storage_energy=xr.DataArray(4.0), storage_power=xr.DataArray(4.0 * ratio))
        model = district_model(inputs, account=account)
        chosen = add_storage_size(model, ratio)
        model.add_objective(whole(model, inputs, chosen), overwrite=True)
        merged = solve(model).objective
        fixed = inputs.assign(storage_energy=size, storage_power=ratio * size)
        model = district_model(fixed, account=account)
        persistent, _ = ranked(model, upper_level(model, fixed)[0])
        terms = costs(flows(persistent.solution()), fixed)
        names = ["electricity_cost", "gas_cost", "boiler_cost", "storage_cost"]
        cost = terms[names].to_dataarray().sum(["variable", "group", "hour"])
        cost = cost + inputs["storage_installation_price"] * size
        assert bool((cost >= merged - 1e-6).all())

    def test_the_best_of_a_scan(self):
        """1 kWh to be moved at a saving of 2, then 1 at a saving of 1: wear 0.5 each, the size at 0.75 a kWh."""
        prices = [1, 3, 1, 2]
        values = {"electricity": [[0, 0.6, 0, 0.6], [0, 0.4, 0, 1.4]], "electricity_price": prices}
        values |= {"storage_price": 0.25, "storage_installation_price": 0.75}
        inputs = case(**values, storage_energy=3.0, storage_power=3.0)
        model = district_model(inputs)
        chosen = add_storage_size(model, 1.0)
        model.add_objective(whole(model, inputs, chosen), overwrite=True)
        merged = solve(model).objective
        # 1 kWh saves 2 and 1, wears 2 x 0.5 and costs 0.75; the next saves 1, wears 0.5 and would cost 0.75
        assert merged == pytest.approx(1 + 1 + 2 * 0.5 + 0.75 + 1 * 2)
        size = by("size", *np.linspace(0, 3, 31))
        fixed = inputs.assign(storage_energy=size, storage_power=size)
        scan = district_model(fixed)
        scan.add_objective(upper_level(scan, fixed)[0], overwrite=True)
        solve(scan)
        terms = costs(flows(scan.solution), fixed)[["electricity_cost", "gas_cost", "boiler_cost", "storage_cost"]]
        cost = terms.to_dataarray().sum(["variable", "group", "hour"]) + 0.75 * size
        assert float(cost.min()) == pytest.approx(merged)
        assert float(size[np.argmin(cost.values)]) == pytest.approx(1.0)
        assert float(model.solution["storage-size"]) == pytest.approx(1.0)

    @pytest.mark.parametrize("ratio", [-0.1, 1.1, np.nan, np.inf])
    def test_refused(self, ratio):
        with pytest.raises(ValueError, match=rf"power_to_energy must be within \[0, 1\] kW/kWh, found {ratio}"):
            add_storage_size(district_model(case(**SHIFT)), ratio)

    def test_each_problem_has_its_own(self):
        day = by("day", 1.0, 0.0)
        inputs = case(**{**SHIFT, "electricity": array([[0, 1], [0, 0]]) * day, "storage_installation_price": 1.0})
        model = district_model(inputs)
        chosen = add_storage_size(model, 1.0)
        assert chosen.dims == ("day",)
        model.add_objective(whole(model, inputs, chosen), overwrite=True)
        assert solve(model).objective == pytest.approx(1 + 1)
        assert model.solution["storage-size"].values == pytest.approx([1, 0], abs=1e-7)


# 4 kWh of heat in one hour of two at ``a``: 1 each by gas, 0.25 each by pumps at a COP of 4.
WARM = {"heat": [[4, 1], [0, 0]], "pump_capacity": by("group", 3, 0), "pump_cop": 4.0}


class TestPumpSize:
    """A kW of pump saves 0.75 in the hour that needs 4 kW, and as much in the other up to the first kW."""

    @pytest.mark.parametrize(
        ("values", "options", "price", "size", "cost"),
        [
            # up to the one it was built with: 3 of the 4 kWh, then 1 of 1
            ({}, {}, 0.5, 3.0, 3 * 0.25 + 1 + 0.25 + 3 * 0.5),
            ({}, {}, 1.0, 1.0, 0.25 + 3 + 0.25 + 1.0),  # only the first saves in both hours
            ({}, {}, 2.0, 0.0, 4 + 1),  # dearer than the 1.5 that are saved
            # the ground of ``b`` for the heat of ``a``, or not
            ({"pump_capacity": by("group", 1, 2)}, {}, 0.5, 3.0, 3 * 0.25 + 1 + 0.25 + 3 * 0.5),
            ({"pump_capacity": by("group", 1, 2)}, {"sharing": False}, 0.5, [1, 0], 0.25 + 3 + 0.25 + 0.5),
            # each group its own size, or one of them for both, who need it at other hours
            ({"heat": [[1, 0], [0, 1]], "pump_capacity": 1.0}, {"sharing": False}, 0.5, [1, 1], 2 * 0.25 + 2 * 0.5),
            ({"heat": [[1, 0], [0, 1]], "pump_capacity": 1.0}, {"sharing": True}, 0.5, 1.0, 2 * 0.25 + 0.5),
            # ground for 4 kW in the first hour alone: the size reaches its greatest, each hour keeps its own limit
            ({"pump_capacity": array([[4, 0], [0, 0]])}, {}, 0.5, 4.0, 4 * 0.25 + 1 + 4 * 0.5),
        ],
    )
    def test_by_hand(self, values, options, price, size, cost):
        model = district_model(case(**{**WARM, **values}), **options)
        chosen = add_pump_size(model)
        model.add_objective(model.objective.expression + price * chosen.sum(), overwrite=True)
        assert solve(model).objective == pytest.approx(cost)
        assert model.solution["pump-size"].values == pytest.approx(np.array(size, float), abs=1e-7)

    @pytest.mark.parametrize(("sharing", "cost"), [(True, 6 - 2 * 0.75), (False, 6 - 4 * 0.75)])
    def test_without_the_limit(self, sharing, cost):
        """All heat is 3 kW in each hour, and so is the ground: 1 kW of pumps for all, or 1 kW each, saves 0.75 a kW."""
        values = {"heat": [[2, 2], [1, 1]], "pump_capacity": by("group", 2, 1)}
        model = district_model(case(**{**WARM, **values}), sharing=sharing)
        add_pump_size(model)
        model.variables["pump-size"].upper = 1.0
        assert solve(model).objective == pytest.approx(cost)
        model.remove_constraints("pump-heat-size")
        assert solve(model).objective == pytest.approx(6 * 0.25)

    def test_without_its_upper_bound(self):
        """The ground gives no more than before: the size may only be what nobody needs."""
        model = district_model(case(**WARM))
        chosen = add_pump_size(model)
        model.add_objective(model.objective.expression - 1.0 * chosen.sum(), overwrite=True)
        assert solve(model).objective == pytest.approx(3 * 0.25 + 1 + 0.25 - 3)
        chosen.upper = 7.0
        assert solve(model).objective == pytest.approx(3 * 0.25 + 1 + 0.25 - 7)

    @pytest.mark.parametrize("sharing", [True, False])
    def test_each_problem_has_its_own(self, sharing):
        """On the second of two days nobody is cold."""
        heat = array([[4, 1], [0, 0]]) * by("day", 1.0, 0.0)
        model = district_model(case(**{**WARM, "heat": heat}), sharing=sharing)
        chosen = add_pump_size(model)
        assert chosen.dims == (("day",) if sharing else ("day", "group"))
        model.add_objective(model.objective.expression + 0.5 * chosen.sum(), overwrite=True)
        assert solve(model).objective == pytest.approx(3 * 0.25 + 1 + 0.25 + 3 * 0.5)
        found = model.solution["pump-size"]
        assert (found if sharing else found.sel(group="a")).values == pytest.approx([3, 0], abs=1e-7)

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds, accounts, st.booleans(), st.floats(0, 1))
    def test_no_fixed_size_is_cheaper(self, seed, account, sharing, price):
        """At any price: neither the sizes built with, nor shares of them, with what they cost."""
        inputs = random_inputs(seed).drop_vars("boiler_capacity")
        model = district_model(inputs, sharing, account)
        chosen = add_pump_size(model)
        model.add_objective(model.objective.expression + price * chosen.sum(), overwrite=True)
        merged = solve(model).objective
        for share in (0.4, 1.0):
            fixed = inputs.assign(pump_capacity=share * inputs["pump_capacity"])
            paid = price * float(fixed["pump_capacity"].sum())
            assert solve(district_model(fixed, sharing, account)).objective + paid >= merged - 1e-6

    def test_beside_a_storage_that_is_chosen_too(self):
        """1 kWh of heat when electricity costs 4, or a quarter of it stored an hour before at 1: pump and store."""
        values = {"heat": [[0, 1], [0, 0]], "electricity_price": [1, 4], "gas_price": [3, 3]}
        values |= {"storage_energy": 2.0, "storage_power": 2.0}
        model = district_model(case(**{**WARM, **values}))
        pumps, storage = add_pump_size(model), add_storage_size(model, 1.0)
        model.add_objective(model.objective.expression + 0.5 * pumps + 2.0 * storage, overwrite=True)
        assert solve(model).objective == pytest.approx(1 / 4 + 0.5 + 2.0 / 4)
        assert float(model.solution["pump-size"]) == pytest.approx(1)
        assert float(model.solution["storage-size"]) == pytest.approx(1 / 4)
