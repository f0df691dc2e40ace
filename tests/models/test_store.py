"""Stores: arbitrage by hand for each bound, the balance over the cycle, netting, and copies that are independent."""

from __future__ import annotations

import linopy
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods.solver import solve
from bcopt.models.store import LOSS, NOT_NEGATIVE, SHARE, add_store, listed, outside

X1 = xr.DataArray(np.ones(1), {"cluster": ["x1"]}, "cluster")


def hourly(values):
    return xr.DataArray(np.asarray(values, float), dims="hour", coords={"hour": np.arange(len(values))})


def arbitrage(price, capacity=1.0, power=1.0, wear=0.0, clusters=X1, **options):
    """A store that buys and sells at the same price; its hours come with the power."""
    model = linopy.Model()
    wide = xr.ones_like(hourly(np.ones(len(price))) if not isinstance(price, xr.DataArray) else price.isel(cluster=0))
    price = price if isinstance(price, xr.DataArray) else hourly(price)
    net = add_store(model, "battery", capacity * clusters, power * clusters * wide, **options)
    v = model.variables
    cost = price * net + wear * (v["battery-charge"] + v["battery-discharge"])
    model.add_objective(cost.sum())
    return model


class TestByHand:
    @pytest.mark.parametrize(
        ("price", "options", "saving"),
        [
            ([1, 3], {}, 2.0),  # 1 kWh is worth 2 more in the second hour
            ([3, 1], {}, 2.0),  # the cycle closes: bought in the last hour, sold in the first
            ([1, 3], {"capacity": 5.0}, 2.0),  # the power binds
            ([1, 3], {"power": 0.5}, 1.0),  # and binds at half
            ([1, 3], {"power": 9.0}, 2.0),  # the capacity binds
            ([1, 3], {"soc_bounds": (0.0, 0.7)}, 1.4),  # from above alone; 2.0 without
            ([1, 3], {"soc_bounds": (0.4, 1.0)}, 1.2),  # from below alone; 2.0 without
            ([1, 3], {"soc_bounds": (0.3, 0.8)}, 1.0),  # half of it is free to move
            ([1, 3], {"soc_bounds": (0.5, 0.5)}, 0.0),  # nothing is
            ([1, 3], {"loss": 0.2}, 1.4),  # four fifths arrive, worth 2.4
            ([1, 1], {"loss": 0.1, "soc_bounds": (0.5, 1.0)}, -0.1),  # holds 0.5 kWh and loses 0.05 each hour
            ([1, 2.5, 4], {"loss": 0.5}, 0.25),  # of 1 kWh bought at 1 half is sold at 2.5, not a quarter at 4
            ([1, 3], {"wear": 0.25}, 1.5),  # one charged, one discharged
            ([1, 3], {"wear": 1.0}, 0.0),  # not worth it
            ([1, 3], {"available": hourly([1, 0])}, 0.0),  # cannot leave what it takes
            ([1, 3], {"available": hourly([1, 0.25])}, 0.5),  # a quarter of the power
            ([1, 1, 3, 3], {"power": 0.5}, 2.0),  # half a kWh in each of four hours
            ([1, 3], {"capacity": 0.0}, 0.0),
            ([1, 3], {"power": 0.0}, 0.0),
            ([5], {}, 0.0),  # one hour precedes itself
            ([5], {"loss": 0.2, "soc_bounds": (0.5, 1.0)}, -0.5),  # it loses a fifth of 0.5 kWh
        ],
    )
    def test_arbitrage(self, price, options, saving):
        report = solve(arbitrage(price, **options))
        assert report.objective == pytest.approx(-saving, abs=1e-9)

    def test_balance(self):
        """With the balance 2; without it 1 kWh is sold in each hour that was never bought."""
        model = arbitrage([1, 3])
        assert solve(model).objective == pytest.approx(-2)
        model.remove_constraints("battery-balance")
        assert solve(model).objective == pytest.approx(-1 - 3)

    def test_energy_is_in_kilowatt_hours(self):
        model = arbitrage([1, 3], capacity=10.0, power=4.0, soc_bounds=(0.2, 0.9))
        solve(model)
        energy = model.solution["battery-energy"].sel(cluster="x1")
        assert float(energy[0] - energy[1]) == pytest.approx(4)
        assert model.variables["battery-energy"].lower.values == pytest.approx(2)
        assert model.variables["battery-energy"].upper.values == pytest.approx(9)

    def test_capacity_and_power_are_changed_in_the_bounds(self):
        model = arbitrage([1, 3], capacity=1.0, power=1.0)
        assert solve(model).objective == pytest.approx(-2)
        model.variables["battery-energy"].upper = 3.0 * xr.ones_like(model.variables["battery-energy"].upper)
        assert solve(model).objective == pytest.approx(-2), "the power binds"
        for flow in ("battery-charge", "battery-discharge"):
            model.variables[flow].upper = 2.0 * xr.ones_like(model.variables[flow].upper)
        assert solve(model).objective == pytest.approx(-4)

    def test_bounds_may_vary_by_hour(self):
        """Half a charge is wanted at the end of hour 1: 0.5 kWh are for sale, 1 without."""
        options = {"soc_bounds": (hourly([0, 0.5]), 1.0)}
        assert solve(arbitrage([1, 3], **options)).objective == pytest.approx(-1)

    def test_names(self):
        model = arbitrage([1, 3])
        assert set(model.variables) == {"battery-charge", "battery-discharge", "battery-energy"}
        assert set(model.constraints) == {"battery-balance"}
        model = arbitrage([1, 3], binaries=True)
        assert set(model.variables.binaries) == {"battery-charging"}


class TestNetting:
    """Charge and discharge at once are of no use, so that no binary has to exclude them."""

    @pytest.mark.slow
    @settings(max_examples=5, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.booleans())
    def test_binaries_are_redundant(self, seed, wearless):
        random = np.random.default_rng(seed)
        hours, clusters = random.integers(2, 6), random.integers(1, 4)
        labels = {"cluster": [f"x{k}" for k in range(clusters)], "hour": np.arange(hours)}
        price = xr.DataArray(random.uniform(-1, 3, (clusters, hours)), dims=list(labels), coords=labels)
        ones = xr.ones_like(price.isel(hour=0, drop=True))
        options = {
            "capacity": random.uniform(0, 4),
            "power": random.uniform(0, 2),
            "wear": 0.0 if wearless else random.uniform(0, 0.5),
            "soc_bounds": tuple(np.sort(random.uniform(0, 1, 2))),
            "loss": random.choice([0.0, 0.02]),
            "clusters": ones,
        }
        if options["loss"] * options["soc_bounds"][0] * options["capacity"] > options["power"]:
            options["loss"] = 0.0
        relaxed, binary = (solve(arbitrage(price, binaries=b, **options), mip_rel_gap=0.0) for b in (False, True))
        assert relaxed.objective == pytest.approx(binary.objective, rel=1e-7, abs=1e-7)

    @settings(max_examples=8, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_a_netted_schedule_is_a_schedule_of_the_same_energy(self, seed):
        """Both flows less the smaller of the two: still within 0 and the power, same difference, less throughput."""
        random = np.random.default_rng(seed)
        charge, discharge = random.uniform(0, 2, (2, 24))
        net_charge, net_discharge = np.maximum(charge - discharge, 0), np.maximum(discharge - charge, 0)
        assert net_charge - net_discharge == pytest.approx(charge - discharge)
        assert (net_charge <= charge).all()
        assert (net_discharge <= discharge).all()

    def test_paid_throughput_needs_the_binaries(self):
        """The condition of netting: were throughput paid for, charging and discharging at once would pay."""
        assert solve(arbitrage([1, 1], wear=-1.0)).objective == pytest.approx(-4)
        assert solve(arbitrage([1, 1], wear=-1.0, binaries=True), mip_rel_gap=0.0).objective == pytest.approx(-2)

    def test_binaries_keep_the_two_apart(self):
        model = arbitrage([1, 1], wear=-1.0, binaries=True)
        solve(model)
        assert float((model.solution["battery-charge"] * model.solution["battery-discharge"]).max()) < 1e-9


class TestCopies:
    """Each label of any dim but hour is a store of its own."""

    labels = {"cluster": ["x1", "x2"], "day": [1, 2, 3]}  # noqa: RUF012
    capacity = xr.DataArray([[1.0, 2.0, 0.0], [3.0, 0.5, 1.0]], dims=list(labels), coords=labels)
    price = hourly([1.0, 3.0, 2.0])

    def test_all_at_once_is_one_by_one(self):
        model = linopy.Model()
        net = add_store(model, "tank", self.capacity, xr.ones_like(self.price), loss=0.1)
        assert set(net.coord_dims) == {"cluster", "day", "hour"}
        model.add_objective((self.price * net).sum())
        total = solve(model).objective
        alone = []
        for capacity in self.capacity.values.ravel():
            single = linopy.Model()
            net = add_store(single, "tank", xr.DataArray(capacity), xr.ones_like(self.price), loss=0.1)
            single.add_objective((self.price * net).sum())
            alone.append(solve(single).objective)
        assert total == pytest.approx(sum(alone))
        flows = model.solution["tank-charge"] - model.solution["tank-discharge"]
        costs = (self.price * flows).sum("hour").transpose("cluster", "day")
        assert costs.values.ravel() == pytest.approx(alone)

    def test_a_year_is_one_cycle_or_each_day_is(self):
        """Bought on the first day at 1, sold on the second at 3 if the cycle is the year; nothing if it is the day."""
        power = xr.DataArray(np.ones((2, 2)), dims=("day", "hour"), coords={"day": [0, 1], "hour": [0, 1]})
        price = xr.DataArray([[1.0, 1.0], [3.0, 3.0]], dims=("day", "hour"), coords=power.coords)
        model = linopy.Model()
        model.add_objective((price * add_store(model, "tank", xr.DataArray(2.0), power)).sum())
        assert solve(model).objective == pytest.approx(0)
        assert solve(arbitrage([1, 1, 3, 3], capacity=2.0)).objective == pytest.approx(-4)

    def test_loss_may_differ(self):
        loss = xr.DataArray([0.0, 0.1], dims="cluster", coords={"cluster": ["x1", "x2"]})
        report = solve(arbitrage([1, 3], clusters=xr.ones_like(loss), loss=loss))
        assert report.objective == pytest.approx(-2.0 - 1.7)


class TestRefused:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"capacity": -1.0}, r"battery: capacity must be within \[0.0, inf\) kWh: found -1 at cluster x1"),
            (
                {"power": -2.0},
                r"battery: power must be within \[0.0, inf\) kW: found -2 at cluster x1, hour 0; .* hour 1",
            ),
            ({"capacity": np.nan}, "capacity .* found nan at cluster x1"),
            ({"power": np.inf}, "power .* found inf at cluster x1"),
            ({"soc_bounds": (0.9, 0.1)}, "lower bound must not exceed upper bound: lower 0.9, upper 0.1"),
            ({"soc_bounds": (-0.1, 1.0)}, r"lower bound must be within \[0.0, 1.0\]: found -0.1"),
            ({"soc_bounds": (0.0, 1.1)}, r"upper bound must be within \[0.0, 1.0\]: found 1.1"),
            ({"soc_bounds": (X1 * 0.9, X1 * 0.1)}, "lower 0.9, upper 0.1 at cluster x1"),
            ({"loss": 1.0}, r"loss must be within \[0.0, 1.0\) 1/h: found 1"),
            ({"loss": -0.1}, "loss must .* found -0.1"),
            ({"available": hourly([1.5, 1])}, r"availability must be within \[0.0, 1.0\]: found 1.5 at hour 0"),
        ],
    )
    def test_message(self, options, message):
        with pytest.raises(ValueError, match=message):
            arbitrage([1, 3], **options)

    def test_all_at_once(self):
        clusters = xr.DataArray([1.0, -1.0, -2.0], dims="cluster", coords={"cluster": ["x1", "x2", "x3"]})
        with pytest.raises(ValueError, match="capacity") as caught:
            arbitrage([1, 3], clusters=clusters, loss=-1.0, soc_bounds=(2.0, 1.0))
        text = str(caught.value)
        assert [line.split(" must")[0] for line in text.splitlines()] == [
            "battery: capacity",
            "battery: power",
            "battery: lower bound",
            "battery: loss",
            "battery: lower bound",
        ]
        assert "found -1 at cluster x2; found -2 at cluster x3" in text
        assert "x1" not in text

    def test_nothing_is_added_where_something_is_wrong(self):
        model = linopy.Model()
        with pytest.raises(ValueError, match="capacity"):
            add_store(model, "tank", -X1, hourly([1, 1]))
        assert len(model.variables) == 0

    def test_without_hours(self):
        with pytest.raises(ValueError, match="tank: one of the arrays must have the dim hour"):
            add_store(linopy.Model(), "tank", X1, X1)

    def test_labels_that_differ(self):
        with pytest.raises(ValueError, match="cannot align"):
            add_store(linopy.Model(), "tank", X1, X1.assign_coords(cluster=["x2"]) * hourly([1, 1]))


@pytest.mark.parametrize(
    ("interval", "inside", "beyond"),
    [(NOT_NEGATIVE, [0, 7], [-1e-9, np.inf]), (SHARE, [0, 1], [-1e-9, 1 + 1e-9]), (LOSS, [0, 1 - 1e-9], [-1e-9, 1])],
)
def test_ends_of_intervals(interval, inside, beyond):
    assert outside("x", hourly(inside), interval) == []
    (line,) = outside("x", hourly([*beyond, np.nan]), interval)
    assert line.count("found") == 3


def test_many_places_are_counted():
    (line,) = listed("too much", hourly(np.ones(9)) > 0, found=hourly(np.arange(9)))
    assert line.endswith("found 4 at hour 4 and 4 more")
    (line,) = listed("too much", xr.DataArray(True), found=xr.DataArray(3.0))
    assert line == "too much: found 3"
