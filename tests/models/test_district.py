"""District: constraints, accounts and ties by hand, why no binary is needed, and what holds for random districts."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from small_districts import SHIFT, accounts, array, by, case, optimum, random_inputs, ranked, seeds, solved

from bcopt.methods.persistent import Persistent
from bcopt.methods.solver import NotSolved, Programme, relaxation, solve, witnessed
from bcopt.models.district import (
    ACCOUNTS,
    TIE_RULES,
    costs,
    district_model,
    flows,
    gas_of,
    shortfall,
    throughput,
    tie_break,
    upper_level,
)
from bcopt.models.district_sizes import add_pump_size, add_storage_size

OWN = ("purchase", "export", "pump_heat", "gas_heat", "chilled", "charge", "discharge")
EXTENSIVE = ("electricity", "photovoltaics", "heat", "cooling", "pump_capacity", "boiler_capacity", "chiller_capacity")
EXTENSIVE += ("storage_energy", "storage_power")

SUN = {"electricity": [[1, 2], [0, 0]], "photovoltaics": [[3, 0], [0, 0]], "electricity_price": [1, 3]}
HEAT = {"heat": [[2, 1], [0, 0]], "gas_price": [1, 3]}
# Each pump has ground for 1 kW; all the heat is at ``a``, whose pumps need no electricity.
GROUND = {"heat": [[3, 0], [0, 0]], "pump_capacity": by("group", 1, 1), "pump_cop": np.inf}
# What a boiler heats costs 1, what the pumps heat 4 / 2 for electricity.
BOILERS = {"heat": [[2, 0], [1, 0]], "pump_capacity": 9.0, "pump_cop": 2.0, "electricity_price": [4, 4]}
PUMPS = {"heat": [[2, 0], [0, 0]], "pump_capacity": by("group", 2, 0), "pump_cop": 4.0, "electricity_price": [2, 2]}
# The sun serves the load and is sold, or the storage serves the load and the sun is sold.
SELL = {**SHIFT, "electricity": [[0, 0.5], [0, 0]], "photovoltaics": [[0, 0.5], [0, 0]], "electricity_price": [1, 5]}
SELL |= {"storage_energy": 1.0, "storage_power": 1.0}

BY_HAND = [
    # electricity, equations (43), (46) and (52)
    (SUN, {}, 2 * 3),  # the surplus of the first hour is worth nothing
    ({**SUN, "export_price": [0.25, 2]}, {}, 2 * 3 - 2 * 0.25),  # or sells
    ({**SUN, "photovoltaics": [[0, 0], [3, 0]]}, {}, 1 + 2 * 3),  # the sun of a group is its own
    ({**SUN, "photovoltaics": [[0, 0], [3, 0]], "export_price": [1, 0]}, {}, 1 + 2 * 3 - 3),  # even at equal prices
    ({**SUN, "electricity_price": [[1, 3], [9, 9]]}, {}, 2 * 3),  # each at its own tariff
    ({**SUN, "electricity_price": [[2, 4], [9, 9]]}, {}, 2 * 4),
    # heat, (44) and (47): pumps where their electricity is cheaper, 2 / 4 against 1
    (PUMPS, {}, 2 / 4 * 2),
    ({**PUMPS, "pump_cop": 8.0}, {}, 2 / 8 * 2),
    ({**PUMPS, "pump_cop": np.inf}, {}, 0),  # the electricity of the pumps left out
    ({**PUMPS, "pump_cop": by("group", 4, 1)}, {}, 2 / 4 * 2),  # the heat of a group takes its own electricity
    ({**PUMPS, "pump_cop": by("group", 1, 4)}, {}, 2 * 1),  # so that gas is cheaper here
    ({**PUMPS, "pump_capacity": by("group", 0.5, 0)}, {}, 0.5 / 4 * 2 + 1.5),
    ({**PUMPS, "gas_price": [0.25, 1]}, {}, 2 * 0.25),  # gas below 0.5 stops the pumps
    ({**PUMPS, "photovoltaics": [[0.2, 0], [0, 0]]}, {}, 0.3 * 2),  # pumps on the sun
    ({**PUMPS, "gas_price": [[1, 1], [0, 0]]}, {}, 2 / 4 * 2),  # gas at the tariff of the group
    # a cold hour: at a COP of 1 pumps pay 2 for what gas heats at 1; at 4 they pay 2 / 4
    ({**PUMPS, "heat": [[2, 2], [0, 0]], "pump_cop": by("hour", 4, 4)}, {}, 2 * 2 / 4 * 2),
    ({**PUMPS, "heat": [[2, 2], [0, 0]], "pump_cop": by("hour", 4, 1)}, {}, 2 / 4 * 2 + 2 * 1),
    ({**PUMPS, "heat": [[2, 2], [0, 0]], "pump_cop": by("hour", 1, 4)}, {}, 2 * 1 + 2 / 4 * 2),
    # of each group its own cold hour
    ({**PUMPS, "heat": [[1, 1], [1, 1]], "pump_cop": array([[4, 1], [1, 4]])}, {}, 2 * (1 / 4 * 2 + 1)),
    # cooling
    ({"cooling": [[2, 0], [0, 1]], "chiller_cop": 4.0}, {}, 0.5 + 0.25),
    ({"cooling": [[2, 0], [0, 1]], "chiller_cop": by("group", 4, 2)}, {}, 0.5 + 0.5),
    ({"cooling": [[2, 0], [0, 1]], "chiller_cop": 4.0, "photovoltaics": [[0.5, 9], [9, 0]]}, {}, 0.25),
    # ground heat, (51)
    (GROUND, {"sharing": True}, 1),
    (GROUND, {"sharing": False}, 2),
    ({**GROUND, "heat": [[1, 0], [1, 0]]}, {"sharing": False}, 0),
    ({**GROUND, "pump_capacity": array([[1, 0], [1, 0]]), "heat": [[3, 1], [0, 0]]}, {}, 1 + 1),  # hour by hour
    # storage, (53)-(60)
    (SHIFT, {}, 1),
    ({**SHIFT, "storage_energy": 0.0, "storage_power": 0.0}, {}, 3),
    ({**SHIFT, "electricity": [[1, 0], [0, 0]], "electricity_price": [3, 1]}, {}, 1),  # from the last hour to the first
    ({**SHIFT, "storage_loss": 0.2}, {}, 1.25),  # 1.25 kWh, of which four fifths are left
    ({**SHIFT, "electricity": [[1, 0], [0, 0]], "electricity_price": [3, 1], "storage_loss": 0.2}, {}, 1.25),
    ({**SHIFT, "storage_price": 9.0}, {}, 1),  # the lower level does not see the wear
    ({**SHIFT, "photovoltaics": [[1, 0], [0, 0]]}, {}, 0),  # it keeps the sun
    (
        {**SHIFT, "heat": [[0, 4], [0, 0]], "pump_capacity": 4.0, "pump_cop": 4.0, "electricity": [[0, 0], [0, 0]]},
        {},
        1,
    ),
    # power of 1 for both groups together: of 2 kWh one is moved; the second hour could not be charged, nor discharged
    ({**SHIFT, "electricity": [[0, 1], [0, 1]], "storage_power": 1.0}, {}, 1 + 3),
    ({**SHIFT, "electricity": [[0, 1], [0, 1]]}, {}, 2),
]

RELAXED = [
    # with it, without it
    (SUN, "electricity-balance", 6, 0),
    (HEAT, "heat-balance", 2 * 1 + 1 * 3, 0),
    (GROUND, "ground-heat", 1, 0),
    ({**BOILERS, "boiler_capacity": 1.0}, "boilers", 1 * 1 + 2 * 2, 3 * 1),  # one kW for both groups together
    (SHIFT, "storage-charged", 1, 0),  # energy that nobody put in
    (SHIFT, "storage-discharged", 1, 0),  # energy that is not taken from the storage
    (SHIFT, "storage-balance", 1, 0),  # power from nowhere
    # 0.5 bought at 1 for the load, the sun sold at 4; without the limit another 0.5 is bought and sold
    ({**SELL, "export_price": [0, 4]}, "export", 0.5 * 1 - 0.5 * 4, 1 * 1 - 1 * 4),
    # 2 kWh in the last hour: 1 kW out of the storage, or both
    (
        {**SHIFT, "electricity": [[0, 0, 2], [0, 0, 0]], "electricity_price": [1, 1, 3], "storage_power": 1.0},
        "storage-discharge",
        1 + 3,
        2,
    ),
    # 1 kWh in each of the last two: 1 kW into the storage, or both
    (
        {**SHIFT, "electricity": [[0, 1, 1], [0, 0, 0]], "electricity_price": [1, 3, 3], "storage_power": 1.0},
        "storage-charge",
        1 + 3,
        2,
    ),
    # the same, one from each group
    (
        {**SHIFT, "electricity": [[0, 1, 0], [0, 0, 1]], "electricity_price": [1, 3, 3], "storage_power": 1.0},
        "storage-charge",
        1 + 3,
        2,
    ),
    # 1 kWh fits
    (
        {**SHIFT, "electricity": [[0, 0, 1, 1], [0] * 4], "electricity_price": [1, 1, 3, 3]}
        | {"storage_energy": 1.0, "storage_power": 1.0},
        "storage-energy",
        1 + 3,
        2,
    ),
]


class TestByHand:
    @pytest.mark.parametrize(("values", "options", "cost"), BY_HAND)
    def test_cost(self, values, options, cost):
        inputs = case(**values)
        _, objective, flow = solved(inputs, **options)
        assert objective == pytest.approx(cost, abs=1e-7)
        terms = costs(flow, inputs)
        assert float((terms["electricity_cost"] + terms["gas_cost"]).sum()) == pytest.approx(cost, abs=1e-7)

    @pytest.mark.parametrize(("values", "name", "cost", "without"), RELAXED)
    def test_without_the_limit(self, values, name, cost, without):
        model = district_model(case(**values), account="none")
        assert solve(model).objective == pytest.approx(cost)
        if name in model.constraints:
            model.remove_constraints(name)
        else:
            model.variables[name].upper = np.inf
        assert solve(model).objective == pytest.approx(without)

    def test_chillers(self):
        """They can only be too few: with 2 kW for 1 and 1 nothing changes, with less there is no dispatch."""
        model = district_model(case(cooling=[[1, 0], [1, 0]], chiller_cop=4.0, chiller_capacity=2.0))
        persistent = Persistent(model)
        assert persistent.solve().objective == pytest.approx(0.5)
        persistent.right_hand_side("chillers", 1.9)
        with pytest.raises(NotSolved, match=r"chillers at hour 0: missed by 0\.1"):
            persistent.solve()

    def test_boilers_and_chillers_are_not_limited_unless_given(self):
        constraints = {"electricity-balance", "heat-balance", "ground-heat", "storage-charged", "storage-discharged"}
        constraints |= {"storage-balance", "account"}
        variables = {*OWN, "storage-charge", "storage-discharge", "storage-energy"}
        model = district_model(case())
        assert set(model.constraints) == constraints
        assert set(model.variables) == variables
        model = district_model(case(boiler_capacity=0.0, chiller_capacity=0.0), account="none", ties=True)
        assert set(model.constraints) - constraints == {"boilers", "chillers", "peak-purchase", "gas-shares"}
        assert constraints - set(model.constraints) == {"account"}
        assert set(model.variables) - variables == {"peak", "worst-gas-share"}
        model = district_model(case(), account="held", binaries=True)
        assert set(model.variables) - variables == {"held", "charging"}
        assert set(model.variables.binaries) == {"charging"}

    def test_printed_closing_of_the_cycle(self):
        """Printed (60) leaves the first hour out of the balance, which then gives 1 kWh for nothing; mended, 1 x 1."""
        model = district_model(case(**{**SHIFT, "electricity": [[1, 0], [0, 0]], "electricity_price": [3, 1]}))
        assert solve(model).objective == pytest.approx(1)
        balance = model.constraints["storage-balance"]
        first, energy = balance.lhs.sel(hour=0), model.variables["storage-energy"]
        model.remove_constraints("storage-balance")
        model.remove_constraints("account")
        model.add_constraints(balance.lhs.sel(hour=[1]) == 0, name="later-hours")
        model.add_constraints(energy.sel(hour=0, drop=True) - energy.sel(hour=1, drop=True) == 0, name="printed")
        assert solve(model).objective == pytest.approx(0)
        model.remove_constraints("printed")
        model.add_constraints(first == 0, name="first-hour")
        assert solve(model).objective == pytest.approx(1)

    def test_who_has_the_ground_heat(self):
        """2 kW of ground for 3 kW of heat: the group whose gas is dearer. At one price anyone, at the same cost."""
        values = {"heat": [[1, 1], [2, 2]], "pump_capacity": by("group", 0, 2), "pump_cop": np.inf}
        for dear, served in ((by("group", 3, 1), [1, 1]), (by("group", 1, 3), [0, 2])):
            _, objective, flow = solved(case(**values, gas_price=dear * array([1, 1])))
            assert flow["pump_heat"].sel(hour=0).values == pytest.approx(served)
            assert objective == pytest.approx(2 * 1)
        _, objective, flow = solved(case(**values, gas_price=[3, 3]))
        assert objective == pytest.approx(2 * 3)
        assert flow["pump_heat"].sum("group").values == pytest.approx([2, 2])

    def test_dearer_electricity_for_pumps_leaves_the_ground_to_others(self):
        """At one price of gas: 1 - 2 / 4 is saved at ``a``, 1 - 1 / 4 at ``b``."""
        prices = {"electricity_price": [[2, 2], [1, 1]], "pump_cop": 4.0}
        flow = solved(case(heat=[[1, 1], [1, 1]], pump_capacity=by("group", 1, 0), **prices))[2]
        assert flow["pump_heat"].sel(hour=0).values == pytest.approx([0, 1])

    def test_cold_hours_burn_gas(self):
        """At a COP of 1 in the second hour gas heats what pumps do at 4 in the first."""
        flow = solved(case(**{**PUMPS, "heat": [[2, 2], [0, 0]], "pump_cop": by("hour", 4, 1)}))[2]
        assert flow["pump_heat"].sel(group="a").values == pytest.approx([2, 0], abs=1e-7)
        assert flow["gas_heat"].sel(group="a").values == pytest.approx([0, 2], abs=1e-7)
        assert flow["purchase"].sel(group="a").values == pytest.approx([2 / 4, 0], abs=1e-7)

    def test_flows(self):
        values = {**SHIFT, "photovoltaics": [[3, 0], [0, 0]], "heat": [[0, 2], [0, 2]], "cooling": [[0, 0], [5, 0]]}
        values |= {"pump_capacity": by("group", 1, 0), "pump_cop": 4.0, "chiller_cop": 5.0, "gas_price": [9, 9]}
        flow = solved(case(**values), sharing=False)[2]
        expected = {
            "charge": [[1.25, 0], [0, 0]],  # 1 for the load, 1 / 4 for the pumps
            "discharge": [[0, 1.25], [0, 0]],
            "export": [[1.75, 0], [0, 0]],
            "purchase": [[0, 0], [1, 0]],
            "pump_heat": [[0, 1], [0, 0]],
            "gas_heat": [[0, 1], [0, 2]],
            "chilled": [[0, 0], [5, 0]],
            "energy": [1.25, 0],
        }
        assert set(flow) == set(expected)
        for name, hours in expected.items():
            assert flow[name].values == pytest.approx(np.array(hours), abs=1e-7), name

    def test_capacities_are_changed_without_building_again(self):
        values = {**BOILERS, "electricity": [[0, 3], [1, 0]], "boiler_capacity": 1.0, "chiller_capacity": 0.0}
        values |= {"storage_energy": 2.0, "storage_power": 1.0, "electricity_price": [4, 6]}
        persistent = Persistent(district_model(case(**values)))
        persistent.solve()
        persistent.right_hand_side("boilers", 2.0)
        persistent.right_hand_side("chillers", 1.0)
        persistent.right_hand_side("ground-heat", 3.0)
        persistent.bounds("storage-energy", upper=0.5)
        persistent.bounds("storage-charge", upper=0.25)
        persistent.bounds("storage-discharge", upper=0.25)
        changed = {"boiler_capacity": 2.0, "storage_energy": 0.5, "storage_power": 0.25}
        changed |= {"pump_capacity": by("group", 3, 0), "chiller_capacity": 1.0}
        assert persistent.solve().objective == pytest.approx(optimum(case(**{**values, **changed})))


class TestAccounts:
    """Two groups of one kW each hour, 1 kW and 1 kWh of storage."""

    # ``a`` saves 1 by moving a kWh to the last two hours, ``b`` 1 to the first two; without storage 6 + 14 are paid.
    turns = {  # noqa: RUF012
        "electricity": [[1] * 4, [1] * 4],
        "electricity_price": [[1, 1, 2, 2], [4, 4, 3, 3]],
        "storage_energy": 1.0,
        "storage_power": 1.0,
    }
    losses = {  # noqa: RUF012
        "electricity": [[1, 1], [1, 1]],
        "electricity_price": [[1, 1], [2, 5]],
        "storage_energy": 1.0,
        "storage_power": 1.0,
        "storage_loss": 0.5,
    }

    @pytest.mark.parametrize(
        ("account", "cost"),
        [
            ("none", 12),  # b takes in every hour what a puts in: 2 (1 + 1 + 2 + 2)
            ("daily", 16),  # each saves 1 on 2 kWh, a lending 1 kW for two hours what b returns in the next two
            ("held", 18),  # that would be 2 kWh that a holds: 1 fits, then 1 of b's
        ],
    )
    def test_order(self, account, cost):
        assert optimum(case(**self.turns), account=account) == pytest.approx(cost)

    @pytest.mark.parametrize(
        ("account", "cost"),
        [
            ("none", 2 * (1 + 1)),  # a buys everything, and nothing waits
            # b puts 1 in at 2 and takes 1 out at 5; meanwhile a has it, so that none is lost: 2 + 5 + 2 - 3
            ("daily", 6),
            # of 1 kWh that b puts in at 2 half is left at 5: 9 - 0.5
            ("held", 8.5),
        ],
    )
    def test_losses(self, account, cost):
        assert optimum(case(**self.losses), account=account) == pytest.approx(cost)

    def test_of_the_storage_size(self):
        """What two groups hold at once must fit: with 2 kWh and 1 kW the order of entries no longer matters."""
        larger = case(**{**self.turns, "storage_energy": 2.0})
        assert optimum(larger, account="held") == pytest.approx(optimum(larger, account="daily"))

    @pytest.mark.parametrize(
        ("account", "removed", "cost"), [("daily", "account", 12), ("held", "account", 12), ("held", "held-total", 16)]
    )
    def test_without_the_constraint(self, account, removed, cost):
        model = district_model(case(**self.turns), account=account)
        model.remove_constraints(removed)
        assert solve(model).objective == pytest.approx(cost)

    @pytest.mark.parametrize(("account", "cost"), [("none", 1), ("daily", 3), ("held", 3)])
    def test_from_group_to_group_within_an_hour(self, account, cost):
        """One hour: b at 3 takes what a puts in at 1, if nobody keeps accounts; the storage stays empty."""
        inputs = case(electricity=[[0], [1]], electricity_price=[[1], [3]], storage_energy=1.0, storage_power=1.0)
        model = district_model(inputs, account=account)
        assert solve(model).objective == pytest.approx(cost)
        moved = 1 if account == "none" else 0
        flow = flows(model.solution)
        assert flow["charge"].sel(group="a").values == pytest.approx([moved])
        assert flow["discharge"].sel(group="b").values == pytest.approx([moved])

    def test_exchange_takes_power(self):
        """Half a kW of storage passes half a kW from group to group: 0.5 x 1 + 0.5 x 3."""
        values = {"electricity": [[0], [1]], "electricity_price": [[1], [3]], "storage_energy": 1.0}
        assert optimum(case(**values, storage_power=0.5), account="none") == pytest.approx(2)

    def test_held_adds_up(self):
        inputs = case(**{**self.turns, "storage_energy": 2.0})
        model = solved(inputs, account="held")[0]
        held, energy = model.solution["held"], model.solution["storage-energy"]
        xr.testing.assert_allclose(held.sum("group"), energy, atol=1e-7)
        assert float(held.min()) >= -1e-9

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds)
    def test_of_one_group_are_one(self, seed):
        """(58) and (60) already keep a single group from taking more than it put in."""
        inputs = random_inputs(seed, groups=1)
        found = [optimum(inputs, account=account) for account in ACCOUNTS]
        assert found == pytest.approx([found[0]] * 3, rel=1e-7, abs=1e-7)

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds, st.booleans())
    def test_the_freer_the_cheaper(self, seed, sharing):
        inputs = random_inputs(seed)
        found = {account: optimum(inputs, sharing=sharing, account=account) for account in ACCOUNTS}
        assert found["none"] <= found["daily"] + 1e-7
        assert found["daily"] <= found["held"] + 1e-7

    def test_unknown(self):
        with pytest.raises(ValueError, match=r"account must be one of \('daily', 'held', 'none'\), found 'weekly'"):
            district_model(case(), account="weekly")


def column(model, values):
    """Values of all variables in the order in which a programme has its columns, and the programme."""
    programme = Programme.of(model)
    found = np.full(programme.columns.size, np.nan)
    for name, variable in model.variables.items():
        at = np.searchsorted(programme.columns, variable.labels.values.ravel())
        found[at] = values[name].transpose(*variable.dims).values.ravel()
    return programme, found


class TestNetting:
    """Let charge and discharge of a group be c and d in an hour, and n = min(c, d); replace them by c - n and d - n.

    The net c - d stands in the balances of electricity, of the storage and of the accounts, which stay; the sums of
    charges and of discharges fall by n, so that power limits stay met; neither has a cost. One of the two is now zero,
    so that (55) is met by a binary, whatever the prices. Hence the optima with and without binaries are one.
    """

    def most_throughput(self, inputs, **options):
        model = district_model(inputs, **options)
        persistent, (cost, least) = ranked(model, -1 * (model.variables["charge"] + model.variables["discharge"]).sum())
        return persistent.solution(), cost, -least

    def netted(self, solution):
        """The same dispatch as a solution of the model with binaries."""
        flow = flows(solution)
        changed = {"charge": flow["charge"], "discharge": flow["discharge"]}
        changed |= {f"storage-{name}": values.sum("group") for name, values in changed.items()}
        return solution.assign(changed | {"charging": (flow["charge"] > 0).astype(float)})

    def test_by_hand(self):
        """At one price anything goes: 2 kW in and 2 kW out in both hours; netted, nothing."""
        inputs = case(electricity=[[2, 2], [0, 0]], storage_energy=2.0, storage_power=2.0)
        solution, cost, most = self.most_throughput(inputs)
        assert (cost, most) == pytest.approx((4, 2 * 2 * 2))
        assert float(flows(solution)["charge"].sum()) == pytest.approx(0, abs=1e-9)
        assert float(flows(solution)["discharge"].sum()) == pytest.approx(0, abs=1e-9)

    @pytest.mark.slow
    @settings(max_examples=5, deadline=None)
    @given(seeds, accounts, st.booleans())
    def test_keeps_every_constraint_and_the_cost(self, seed, account, sharing):
        """From the optimum that charges and discharges most."""
        inputs = random_inputs(seed)
        solution, cost, most = self.most_throughput(inputs, sharing=sharing, account=account)
        netted = self.netted(solution)
        assert float((netted["charge"] + netted["discharge"]).sum()) <= most + 1e-9
        assert float((netted["charge"] * netted["discharge"]).max()) == 0
        programme, x = column(district_model(inputs, sharing, account, binaries=True), netted)
        rows = programme.matrix @ x
        assert np.all(rows >= programme.row_lower - 1e-6)
        assert np.all(rows <= programme.row_upper + 1e-6)
        assert np.all(x >= programme.lower - 1e-6)
        assert np.all(x <= programme.upper + 1e-6)
        assert programme.cost @ x == pytest.approx(cost, rel=1e-6, abs=1e-6)

    @pytest.mark.slow
    @pytest.mark.parametrize("account", ACCOUNTS)
    @settings(max_examples=2, deadline=None)
    @given(seed=seeds, sharing=st.booleans())
    def test_binaries_are_redundant(self, account, seed, sharing):
        """Equation (55), with presolve and without; the relaxation of the published model is as tight."""
        inputs = random_inputs(seed)
        linear, _ = witnessed(district_model(inputs, sharing, account))
        published = district_model(inputs, sharing, account, binaries=True)
        integer, _ = witnessed(published, mip_rel_gap=1e-9)
        assert integer.objective == pytest.approx(linear.objective, rel=1e-6, abs=1e-6)
        assert relaxation(published).objective == pytest.approx(linear.objective, rel=1e-6, abs=1e-6)

    def test_binaries_keep_charge_and_discharge_apart(self):
        """The storage of ``test_by_hand`` with all the throughput that (55) leaves: in turns, 2 in and 2 out."""
        inputs = case(electricity=[[2, 2], [0, 0]], storage_energy=2.0, storage_power=2.0)
        model = district_model(inputs, binaries=True)
        v = model.variables
        model.add_objective(-1 * (v["charge"] + v["discharge"]).sum(), overwrite=True)
        report = solve(model)
        assert report.objective == pytest.approx(-4)
        assert float((model.solution["charge"] * model.solution["discharge"]).max()) == pytest.approx(0, abs=1e-6)
        for name in ("while-charging", "while-discharging"):
            loose = district_model(inputs, binaries=True)
            loose.remove_constraints(name)
            loose.add_objective(-1 * (loose.variables["charge"] + loose.variables["discharge"]).sum(), overwrite=True)
            assert solve(loose).objective == pytest.approx(-8)


def assert_dispatch(inputs, solution, sharing, account, near=1e-6):
    """All equations of the lower level, written once more."""
    flow = flows(solution)
    net, zero = flow["charge"] - flow["discharge"], 0.0 * flow["charge"]
    used = inputs["electricity"] - inputs["photovoltaics"] + net
    used = used + flow["pump_heat"] / inputs["pump_cop"] + inputs["cooling"] / inputs["chiller_cop"]
    assert float(abs(flow["purchase"] - flow["export"] - used).max()) < near
    assert float(abs(flow["pump_heat"] + flow["gas_heat"] - inputs["heat"]).max()) < near
    assert float(abs(flow["chilled"] - inputs["cooling"]).max()) < near
    assert float((flow["charge"] * flow["discharge"]).max()) == 0
    assert all(float(flow[name].min()) >= -near for name in flow)
    ground = flow["pump_heat"] - inputs["pump_capacity"]
    kept = flow["energy"].roll(hour=1) * (1 - inputs["storage_loss"])
    assert float(abs(flow["energy"] - kept - net.sum("group")).max()) < near
    limits = [
        flow["export"] - inputs["photovoltaics"],
        ground.sum("group") if sharing else ground,
        flow["gas_heat"].sum("group") - inputs["boiler_capacity"],
        flow["chilled"].sum("group") - inputs["chiller_capacity"],
        flow["energy"] - inputs["storage_energy"],
        flow["charge"].sum("group") - inputs["storage_power"],
        flow["discharge"].sum("group") - inputs["storage_power"],
        zero.sum("hour") if account == "none" else -net.sum("hour"),
    ]
    assert [float(values.max()) <= near for values in limits] == [True] * len(limits)
    if account == "held":
        held = solution["held"]
        assert float(held.min()) >= -near
        assert float(abs(held - held.roll(hour=1) * (1 - inputs["storage_loss"]) - net).max()) < near
        assert float(abs(held.sum("group") - flow["energy"]).max()) < near


def paid(flow, inputs):
    """What the lower level minimises, over the dims of the problems."""
    terms = costs(flow, inputs)
    return (terms["electricity_cost"] + terms["gas_cost"]).sum(["group", "hour"])


class TestInvariants:
    @settings(max_examples=6, deadline=None)
    @given(seeds, accounts, st.booleans())
    def test_of_every_dispatch(self, seed, account, sharing):
        inputs = random_inputs(seed)
        model, objective, flow = solved(inputs, sharing=sharing, account=account)
        assert_dispatch(inputs, model.solution, sharing, account)
        assert float(paid(flow, inputs)) == pytest.approx(objective, rel=1e-6, abs=1e-6)

    @pytest.mark.slow
    @settings(max_examples=4, deadline=None)
    @given(seeds, accounts, st.floats(0.1, 1))
    def test_storage_size(self, seed, account, ratio):
        """The optimum of a linear programme falls with right-hand sides that widen it, and is convex in them."""
        inputs = random_inputs(seed)
        size = by("size", 0.0, 1.5, 3.0, 4.5)
        _, objective, flow = solved(inputs.assign(storage_energy=size, storage_power=ratio * size), account=account)
        cost = paid(flow, inputs)
        assert float(cost.sum()) == pytest.approx(objective, rel=1e-6, abs=1e-6)
        assert bool((cost.diff("size") <= 1e-6).all())
        assert bool((cost.diff("size").diff("size") >= -1e-6).all())

    def test_storage_saves_by_hand(self):
        """1 kWh saves 2, the second 2, the third nothing: there is no more to move."""
        size = by("size", 0.0, 1.0, 2.0, 3.0)
        values = {**SHIFT, "electricity": [[0, 1], [0, 1]], "storage_energy": size, "storage_power": size}
        inputs = case(**values)
        assert paid(solved(inputs)[2], inputs).values == pytest.approx([6, 4, 2, 2])

    @pytest.mark.slow
    @settings(max_examples=3, deadline=None)
    @given(seeds, accounts)
    def test_sharing_is_never_dearer(self, seed, account):
        inputs = random_inputs(seed)
        shared, separate = (optimum(inputs, sharing=sharing, account=account) for sharing in (True, False))
        assert shared <= separate + 1e-7

    @pytest.mark.slow
    @settings(max_examples=3, deadline=None)
    @given(seeds, accounts)
    def test_sharing_never_raises_gas_where_gas_is_dearer(self, seed, account):
        """Where in each hour and group gas costs more than the electricity that pumps need for the same heat.

        Another kWh costs a group electricity_price at most, as it can always be bought. So if a group burnt gas while
        ground heat was left to it, pumping would cost electricity_price / pump_cop < gas_price more and save gas_price.
        Hence in each hour gas is what the ground leaves: max(sum_g heat - sum_g pump_capacity, 0) if pooled, which is
        not above sum_g max(heat - pump_capacity, 0) if separate.
        """
        inputs = random_inputs(seed)
        inputs["gas_price"] = inputs["electricity_price"] / inputs["pump_cop"] + inputs["gas_price"]
        gas = {}
        for sharing in (True, False):
            burnt = solved(inputs, sharing=sharing, account=account)[2]["gas_heat"].sum("group")
            left = shortfall(inputs, "heat", 0.0, sharing)
            assert burnt.values == pytest.approx(left.values, abs=1e-6)
            gas[sharing] = float(burnt.sum())
        assert gas[True] <= gas[False] + 1e-6

    @pytest.mark.parametrize(("price", "shared", "separate"), [(100.0, (4, 4), (2, 6)), (2.0, (0, 1), (2, 6))])
    def test_sharing_may_raise_gas_where_gas_is_cheaper(self, price, shared, separate):
        """Sun for 4 kWh of heat at ``a`` now, or, half of it lost, 2 at ``b`` an hour later, where gas costs 3, not 1.

        Electricity at 100 is too dear for pumps, which run on the sun alone. With separate ground ``b`` has none and
        burns 2 at 3. With shared ground the sun is kept for it, and ``a`` burns 4 at 1. Electricity at 2 costs pumps
        0.5 per heat, less than either gas: the sun heats ``a``, and 2 / 4 kWh are bought for ``b``.
        """
        values = {"heat": [[4, 0], [0, 2]], "photovoltaics": [[1, 0], [0, 0]], "electricity_price": [price, price]}
        values |= {"gas_price": [[1, 1], [3, 3]], "pump_capacity": by("group", 4, 0), "pump_cop": 4.0}
        values |= {"storage_energy": 1.0, "storage_power": 1.0, "storage_loss": 0.5}
        for sharing, (gas, cost) in ((True, shared), (False, separate)):
            _, objective, flow = solved(case(**values), sharing=sharing, account="none")
            assert float(flow["gas_heat"].sum()) == pytest.approx(gas, abs=1e-7)
            assert objective == pytest.approx(cost)

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds, accounts)
    def test_days_are_independent(self, seed, account):
        """Three days with the dim day, and each alone."""
        inputs = random_inputs(seed, hours=4)
        day = xr.DataArray([1.0, 0.4, 0.8], {"day": ["mon", "tue", "wed"]}, "day")
        inputs = inputs.assign(electricity=inputs["electricity"] * day, storage_energy=inputs["storage_energy"] + day)
        model, objective, flow = solved(inputs, account=account)
        alone = [optimum(inputs.sel(day=name), account=account) for name in day["day"].values]
        assert objective == pytest.approx(sum(alone), rel=1e-6, abs=1e-6)
        assert paid(flow, inputs).values == pytest.approx(alone, rel=1e-6, abs=1e-6)
        assert_dispatch(inputs, model.solution, True, account)

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds, accounts, st.booleans())
    def test_the_order_of_groups_and_the_first_hour_do_not_matter(self, seed, account, sharing):
        inputs = random_inputs(seed, groups=3)
        turned = inputs.isel(group=[2, 0, 1]).roll(hour=2, roll_coords=False)
        found = optimum(inputs, sharing=sharing, account=account)
        assert optimum(turned, sharing=sharing, account=account) == pytest.approx(found, rel=1e-6, abs=1e-6)

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds, accounts, st.booleans())
    def test_a_group_is_the_sum_of_its_parts(self, seed, account, sharing):
        """Parts at the tariff of the whole cost what the whole costs, and a district twice as large twice as much."""
        inputs = random_inputs(seed, groups=2)
        share = xr.DataArray([0.3, 0.7, 1.0], {"group": ["a1", "a2", "b"]}, "group")
        parts = inputs.isel(group=[0, 0, 1]).assign_coords(group=share["group"])
        parts = parts.assign({name: parts[name] * share for name in EXTENSIVE if "group" in parts[name].dims})
        found = optimum(inputs, sharing=sharing, account=account)
        assert optimum(parts, sharing=sharing, account=account) == pytest.approx(found, rel=1e-6, abs=1e-6)
        twice = inputs.assign({name: 2 * inputs[name] for name in EXTENSIVE})
        assert optimum(twice, sharing=sharing, account=account) == pytest.approx(2 * found, rel=1e-6, abs=1e-6)


class TestCosts:
    # ``a`` moves 1 kWh past the dear hour, all that fits; ``b`` sells its sun and has 1 of 3 kW of heat from the ground
    values = {  # noqa: RUF012
        "electricity": [[0, 1], [0, 0]],
        "electricity_price": [[1, 3], [1, 1.5]],
        "photovoltaics": [[0, 0], [2, 0]],
        "export_price": [0.5, 0],
        "heat": [[0, 0], [0, 3]],
        "gas_price": [2, 2],
        "pump_capacity": by("group", 0, 1),
        "pump_cop": 6.0,
        "storage_energy": 1.0,
        "storage_power": 1.0,
        "storage_price": by("group", 0.25, 7),
        "boiler_installation_price": 10.0,
        "grid_emission_factor": 0.5,
        "gas_emission_factor": 0.2,
    }
    expected = {  # noqa: RUF012
        "electricity_cost": [[1, 0], [-2 * 0.5, 1.5 / 6]],
        "gas_cost": [[0, 0], [0, 2 * 2]],
        "boiler_cost": [[0, 0], [0, 2 * 10]],
        "storage_cost": [[0.25, 0.25], [0, 0]],  # unsigned: what goes in and what goes out
        "grid_emissions": [[0.5, 0], [0, 0.5 / 6]],
        "gas_emissions": [[0, 0], [0, 2 * 0.2]],
    }

    def test_by_hand(self):
        """Heat of the second hour at ``b``: 1 kWh pumped with 1 / 6 kWh of electricity at 1.5, 2 kWh burnt."""
        inputs = case(**self.values)
        _, objective, flow = solved(inputs, account="held")
        terms = costs(flow, inputs)
        assert set(terms) == set(self.expected)
        for name, values in self.expected.items():
            assert terms[name].values == pytest.approx(np.array(values), abs=1e-7), name
            assert terms[name].attrs["units"] == ("kg" if "emissions" in name else "yuan")
        assert objective == pytest.approx(1 - 1 + 0.25 + 4)

    def test_upper_level_by_hand(self):
        inputs = case(**self.values)
        model = district_model(inputs, account="held")
        persistent, _ = ranked(model, throughput(model, inputs))
        cost, emissions = (float(persistent.evaluate(e).sum()) for e in upper_level(model, inputs))
        assert cost == pytest.approx(1 - 1 + 0.25 + 4 + 20 + 0.5)
        assert emissions == pytest.approx(0.5 + 0.5 / 6 + 0.4)
        assert float(persistent.evaluate(throughput(model, inputs))) == pytest.approx(0.5)

    @pytest.mark.slow
    @settings(max_examples=3, deadline=None)
    @given(seeds, accounts, st.booleans())
    def test_agree(self, seed, account, sharing):
        """With each other, and with the objective, where throughput is least, as netting leaves none to spare."""
        inputs = random_inputs(seed)
        inputs["storage_price"] = inputs["storage_price"] + 0.01
        model = district_model(inputs, sharing, account)
        persistent, (lower, wear) = ranked(model, throughput(model, inputs))
        terms = costs(flows(persistent.solution()), inputs).sum()
        cost, emissions = (float(persistent.evaluate(e).sum()) for e in upper_level(model, inputs))
        names = ("electricity_cost", "gas_cost", "boiler_cost", "storage_cost")
        assert cost == pytest.approx(sum(float(terms[name]) for name in names), rel=1e-6, abs=1e-6)
        assert emissions == pytest.approx(float(terms["grid_emissions"] + terms["gas_emissions"]), rel=1e-6, abs=1e-6)
        assert lower == pytest.approx(float(terms["electricity_cost"] + terms["gas_cost"]), rel=1e-6, abs=1e-6)
        assert wear == pytest.approx(float(terms["storage_cost"]), rel=1e-6, abs=1e-6)

    @pytest.mark.parametrize("price", [1.0, 0.0])
    def test_purchases_and_exports_are_netted(self, price):
        """Who sells at the price at which it buys may do both; what it buys for itself is nothing here."""
        values = {"electricity": [[1, 1], [0, 0]], "photovoltaics": [[3, 3], [0, 0]]}
        prices = {"electricity_price": [price] * 2, "export_price": [price] * 2, "grid_emission_factor": 1.0}
        inputs = case(**values, **prices)
        solution = solved(inputs)[0].solution.copy(deep=True)
        solution["purchase"] = solution["export"] - 2 * (inputs["photovoltaics"] > 0)
        flow = flows(solution)
        assert flow["purchase"].values == pytest.approx(np.zeros((2, 2)))
        assert flow["export"].values == pytest.approx(np.array([[2, 2], [0, 0]]))
        assert float(costs(flow, inputs)["grid_emissions"].sum()) == 0

    def test_flows_are_netted_and_their_throughput_is_not_signed(self):
        """3 kW in and 1 kW out are 2 in; a charge and a discharge of as much cost twice, not nothing."""
        inputs = case(storage_price=0.5)
        solution = solved(inputs)[0].solution.copy(deep=True)
        solution["charge"] = array([[3, 0], [0, 0]])
        solution["discharge"] = array([[1, 2], [0, 0]])
        flow = flows(solution)
        assert flow["charge"].values.tolist() == [[2, 0], [0, 0]]
        assert flow["discharge"].values.tolist() == [[0, 2], [0, 0]]
        assert costs(flow, inputs)["storage_cost"].values.tolist() == [[1, 1], [0, 0]]


class TestTieBreak:
    # ``a`` needs 1 kWh in the dear last hour, to be charged in any of the three others
    values = {  # noqa: RUF012
        "electricity": [[0, 0, 0, 1], [0, 0, 0, 0]],
        "electricity_price": [1, 1, 1, 3],
        "storage_energy": 1.0,
        "storage_power": 1.0,
    }

    def second(self, inputs, rule, position=(0, 1, 2, 3), **options):
        model = district_model(inputs, ties=True, **options)
        persistent, (cost, found) = ranked(model, tie_break(model, rule, array(position)))
        flow = flows(persistent.solution())
        assert cost == pytest.approx(optimum(inputs, **options), abs=1e-9)
        assert float(paid(flow, inputs).sum()) == pytest.approx(cost, abs=1e-6)
        return flow, found

    @pytest.mark.parametrize(
        ("rule", "position", "charge", "value"),
        [
            ("earliest", [0, 1, 2, 3], [1, 0, 0, 0], 0 - 3),
            ("latest", [0, 1, 2, 3], [0, 0, 1, 0], -(2 - 3)),
            ("earliest", [2, 0, 1, 3], [0, 1, 0, 0], 0 - 3),  # the day begins at its second hour
            ("latest", [2, 0, 1, 3], [1, 0, 0, 0], -(2 - 3)),
        ],
    )
    def test_order(self, rule, position, charge, value):
        flow, found = self.second(case(**self.values), rule, position)
        assert flow["charge"].sum("group").values == pytest.approx(charge, abs=1e-7)
        assert flow["discharge"].sum("group").values == pytest.approx([0, 0, 0, 1], abs=1e-7)
        assert found == pytest.approx(value, abs=1e-7)

    def test_least_peak(self):
        """Of the district, not of a group: others take 1 in the first hour and in the second, so the third is left."""
        inputs = case(**{**self.values, "electricity": [[1, 0, 0, 1], [0, 1, 0, 0]]})
        flow, found = self.second(inputs, "least peak")
        assert flow["charge"].sum("group").values == pytest.approx([0, 0, 1, 0], abs=1e-7)
        assert found == pytest.approx(1)

    def test_least_peak_of_each_day(self):
        day = by("day", 1.0, 0.5)
        inputs = case(**{**self.values, "electricity": array([[1, 0, 0, 1], [0, 1, 0, 0]]) * day})
        _, found = self.second(inputs, "least peak")
        assert found == pytest.approx(1 + 0.5)

    @pytest.mark.slow
    @pytest.mark.parametrize("account", ACCOUNTS)
    def test_least_throughput(self, account):
        """At one price the storage may do anything, and does nothing; in the dear hour it does what it must."""
        inputs = case(**{**self.values, "electricity_price": [1, 1, 1, 1]})
        flow, found = self.second(inputs, "least throughput", account=account)
        assert found == pytest.approx(0, abs=1e-7)
        assert float(flow["charge"].sum()) == pytest.approx(0, abs=1e-7)
        assert self.second(case(**self.values), "least throughput", account=account)[1] == pytest.approx(2)

    def test_least_throughput_counts_kilowatt_hours(self):
        """Whatever they cost: 1 kWh at a group with dear wear is no more than 1 at another."""
        inputs = case(**self.values, storage_price=by("group", 9.0, 1.0))
        assert self.second(inputs, "least throughput")[1] == pytest.approx(2)

    # 3 kW of ground for 6 kW of heat in the first hour at one price of gas; enough in the second
    pooled = {"heat": [[4, 0], [2, 1]], "pump_capacity": by("group", 0, 3), "pump_cop": np.inf}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("group", "gas", "value"),
        [
            ("a", [1, 2], 1),  # a has all the ground heat
            ("b", [3, 0], 0),
            (None, [2, 1], 6 * 0.5),  # each burns half of what it needs
        ],
    )
    def test_gas_of(self, group, gas, value):
        inputs = case(**self.pooled)
        model = district_model(inputs, ties=True)
        persistent, (cost, found) = ranked(model, gas_of(model, inputs, group))
        burnt = flows(persistent.solution())["gas_heat"]
        assert cost == pytest.approx(3)
        assert found == pytest.approx(value, abs=1e-7)
        assert burnt.sel(hour=0).values == pytest.approx(gas, abs=1e-7)
        assert burnt.sel(hour=1).values == pytest.approx([0, 0], abs=1e-7)

    def test_gas_of_a_group_needs_no_ties(self):
        inputs = case(**self.pooled)
        model = district_model(inputs)
        assert ranked(model, gas_of(model, inputs, "b"))[1] == pytest.approx([3, 0], abs=1e-7)

    def test_a_group_without_heat_has_no_say(self):
        inputs = case(heat=[[4, 4], [0, 0]], pump_capacity=by("group", 0, 3), pump_cop=np.inf)
        model = district_model(inputs, ties=True)
        assert ranked(model, gas_of(model, inputs))[1] == pytest.approx([2, 2])

    @pytest.mark.slow
    @settings(max_examples=2, deadline=None)
    @given(seeds, accounts, st.booleans())
    def test_ties_change_no_cost(self, seed, account, sharing):
        inputs = random_inputs(seed)
        model = district_model(inputs, sharing, account, ties=True)
        position = inputs["hour"]
        others = [tie_break(model, rule, position) for rule in TIE_RULES]
        persistent, (cost, *_) = ranked(model, gas_of(model, inputs), *others)
        assert cost == pytest.approx(optimum(inputs, sharing=sharing, account=account), rel=1e-6, abs=1e-6)
        assert float(paid(flows(persistent.solution()), inputs)) == pytest.approx(cost, rel=1e-6, abs=1e-6)
        solution = persistent.solution()
        assert_dispatch(inputs, solution, sharing, account)
        purchase = solution["purchase"].sum("group")
        assert float(solution["peak"]) >= float(purchase.max()) - 1e-6
        assert bool((solution["worst-gas-share"] * inputs["heat"] >= solution["gas_heat"] - 1e-6).all())

    def test_rules(self):
        assert TIE_RULES == ("earliest", "latest", "least peak", "least throughput")
        assert ACCOUNTS == ("daily", "held", "none")

    def test_refused(self):
        inputs = case()
        model = district_model(inputs)
        with pytest.raises(ValueError, match="'least peak' needs a model built with ties=True"):
            tie_break(model, "least peak", array([0, 1]))
        with pytest.raises(ValueError, match=r"tie rule must be one of .* found 'first'"):
            tie_break(model, "first", array([0, 1]))
        with pytest.raises(ValueError, match="serving groups alike needs a model built with ties=True"):
            gas_of(model, inputs)
        with pytest.raises(ValueError, match=r"group 'casino' is unknown, known are \['a', 'b'\]"):
            gas_of(model, inputs, "casino")
        with pytest.raises(ValueError, match=r"position must give the hours \[0 1\], found \[0\]"):
            tie_break(model, "earliest", array([0]))
        with pytest.raises(ValueError, match=r"position must give the hours \[0 1\], found \[1 2\]"):
            tie_break(model, "latest", array([0, 1]).assign_coords(hour=[1, 2]))


class TestShape:
    def test_group_and_hour_come_last(self):
        inputs = random_inputs(3, hours=3, groups=2)
        inputs["heat"] = (inputs["heat"] * by("day", 1.0, 0.5)).transpose("hour", "day", "group")
        inputs["boiler_capacity"] = inputs["boiler_capacity"] + 9.0
        model, _, flow = solved(inputs, account="held", ties=True)
        dims = {name: variable.dims for name, variable in model.variables.items()}
        assert {dims[name] for name in (*OWN, "held")} == {("day", "group", "hour")}
        assert {dims[f"storage-{name}"] for name in ("charge", "discharge", "energy")} == {("day", "hour")}
        assert (dims["peak"], dims["worst-gas-share"]) == (("day",), ("day", "hour"))
        assert {values.dims for name, values in flow.items() if name != "energy"} == {("day", "group", "hour")}
        assert {values.dims for values in costs(flow, inputs).values()} == {("day", "group", "hour")}

    def test_what_has_no_group_is_of_each(self):
        """A heat of 1 for every group, a pump capacity below the ground of each, a tariff that all pay."""
        inputs = case(heat=[1, 0], pump_capacity=0.25, pump_cop=np.inf)
        assert optimum(inputs, sharing=False) == pytest.approx(2 * 0.75)
        assert optimum(inputs, sharing=True) == pytest.approx(2 * 0.75)

    def test_what_has_no_group_is_of_all_if_shared(self):
        """One boiler capacity for two groups is not one for each."""
        values = {**BOILERS, "heat": [[1, 0], [1, 0]]}
        assert optimum(case(**values, boiler_capacity=1.0)) == pytest.approx(1 + 2)
        assert optimum(case(**values, boiler_capacity=2.0)) == pytest.approx(1 + 1)

    @pytest.mark.slow
    def test_labels_need_not_be_given(self):
        inputs = case(**{**SHIFT, "electricity": [[0, 1], [0, 1]]})
        for account in ACCOUNTS:
            assert optimum(inputs.drop_vars(["group", "hour"]), account=account) == pytest.approx(2)

    def test_one_hour_precedes_itself(self):
        """With losses, and sun that is worth nothing otherwise, nothing can be kept."""
        inputs = case(electricity=[[1], [1]], storage_energy=1.0, storage_power=1.0, storage_loss=0.5)
        assert optimum(inputs, account="held") == pytest.approx(2)

    def test_labels_that_no_quantity_has_are_no_problems(self):
        inputs = case(**{**SHIFT, "electricity": [[0, 1], [0, 1]]})
        assert optimum(inputs.assign_coords(size=[1, 2, 3])) == pytest.approx(2)

    def test_inputs_stay_as_they_are(self):
        inputs = random_inputs(4)
        before = inputs.copy(deep=True)
        model = district_model(inputs, account="held", ties=True)
        add_storage_size(model, 0.5)
        add_pump_size(model)
        upper_level(model, inputs)
        xr.testing.assert_identical(inputs, before)

    @pytest.mark.slow
    def test_ten_days_in_a_row(self):
        """240 hours and four groups, with presolve and without; a storage of any day would do as well."""
        inputs = random_inputs(5, hours=240, groups=4)
        for account in ACCOUNTS:
            model = district_model(inputs, account=account)
            witnessed(model)
            assert_dispatch(inputs, model.solution, True, account)
