"""Inputs of the district: each kind of bad input has its own message, and demands that nothing can meet are named."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

from bcopt.models import district
from bcopt.models.district_inputs import QUANTITIES, SHARED, check, gathered, over_all_dims, shortfall

GROUPS = ["office", "mall"]


def array(value, first=0):
    """A number, hours, groups by hours, or labelled dims as they are."""
    if isinstance(value, xr.DataArray):
        return value
    value = np.asarray(value, float)
    coords = {"group": GROUPS} if value.ndim == 2 else {}
    coords |= {"hour": np.arange(first, first + value.shape[-1])} if value.ndim else {}
    return xr.DataArray(value, coords, tuple(coords))


def by(group, *values):
    return xr.DataArray(np.asarray(values, float), {"group": list(group)}, "group")


def quantities(**given):
    """Two groups that use 1 kW of everything for two hours, and have what they need for it."""
    values = {"electricity": array(np.ones((2, 2)))}
    for name, quantity in QUANTITIES.items():
        default = 0.0 if name in ("storage_loss", "export_price") else 1.0 + (name in SHARED)
        values.setdefault(name, array([default] * 2 if quantity.hourly else default))
    return values | {name: array(value) for name, value in given.items()}


def case(**given):
    return xr.Dataset(quantities(**given))


def problems(inputs, sharing=True):
    """The message of the check, which the model must give as well."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        check(inputs, sharing)
    with pytest.raises(ValueError, match=re.escape(str(caught.value))):
        district.district_model(inputs, sharing)
    return str(caught.value)


class TestCheck:
    @pytest.mark.parametrize("sharing", [True, False])
    def test_sound(self, sharing):
        check(case(), sharing)
        check(case().drop_vars(["boiler_capacity", "chiller_capacity"]), sharing)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"heat": [1, -1]}, r"heat must be within \[0.0, inf\) kW: found -1 at hour 1"),
            ({"electricity": [[1, 1], [1, np.nan]]}, "electricity must .* found nan at group mall, hour 1"),
            ({"photovoltaics": [np.inf, 0]}, "photovoltaics must .* found inf at hour 0"),
            ({"cooling": [[1, 1], [-2, 1]]}, "cooling must .* found -2 at group mall, hour 0"),
            (
                {"electricity_price": [[1, 1], [-1, 1]], "export_price": [-1, -1]},
                "electricity_price must .*\nexport_price",
            ),
            ({"gas_price": [np.nan, 1]}, r"gas_price must be within \[0.0, inf\) yuan/kWh: found nan at hour 0"),
            ({"pump_capacity": by(GROUPS, 2, -0.5)}, "pump_capacity must .* found -0.5 at group mall"),
            ({"pump_cop": 0.0}, r"pump_cop must be within \(0.0, inf\) kWh/kWh: found 0"),
            ({"pump_cop": -np.inf}, "pump_cop must .* found -inf"),
            ({"pump_cop": by(GROUPS, np.inf, np.nan)}, "pump_cop must .* found nan at group mall$"),
            ({"chiller_cop": np.inf}, "chiller_cop must .* found inf"),
            ({"boiler_capacity": -1.0}, r"boiler_capacity must be within \[0.0, inf\) kW: found -1"),
            ({"chiller_capacity": -1.0}, "chiller_capacity must .* found -1"),
            ({"storage_energy": -1.0}, r"storage_energy must be within \[0.0, inf\) kWh: found -1"),
            ({"storage_power": -1.0}, r"storage_power must be within \[0.0, inf\) kW: found -1"),
            ({"storage_loss": 1.0}, r"storage_loss must be within \[0.0, 1.0\) 1/h: found 1"),
            ({"storage_price": by(GROUPS, 0, -0.1)}, "storage_price must .* found -0.1 at group mall"),
            ({"storage_installation_price": -1.0}, "storage_installation_price must"),
            ({"boiler_installation_price": -1.0}, "boiler_installation_price must"),
            ({"grid_emission_factor": np.nan}, "grid_emission_factor must"),
            ({"gas_emission_factor": -1.0}, "gas_emission_factor must"),
            ({"heat": 1.0}, r"heat: must have the dim hour, found \(\)"),
            ({"electricity": [1, 1]}, r"electricity: must have the dim group, found \('hour',\)"),
            ({"steam": [1, 1]}, "steam: unknown, known are electricity, photovoltaics, "),
            (
                {"storage_energy": 2.0, "storage_power": 2.5},
                "storage_power must not exceed what storage_energy holds for one hour: power 2.5, energy 2$",
            ),
            (
                {"storage_power": xr.DataArray([1.0, 3.0], {"size": ["small", "large"]}, "size")},
                "storage_power must not .*: power 3, energy 2 at size large$",
            ),
            (
                {"electricity_price": [[1, 1], [1, 0.5]], "export_price": [0.9, 0.9]},
                "export_price must not exceed electricity_price: export 0.9, purchase 0.5 at .*group mall.*$",
            ),
        ],
    )
    def test_message(self, values, message):
        found = problems(case(**values))
        assert re.match(message, found)
        assert len(found.splitlines()) == 1 + message.count("\n")

    @pytest.mark.parametrize("name", SHARED)
    def test_of_all_groups_together(self, name):
        inputs = case(**{name: by(GROUPS, 0.5, 0.5)})
        inputs["storage_power"] = xr.zeros_like(inputs["storage_power"])
        assert problems(inputs) == f"{name}: one of all groups together, so it must not have the dim group"

    @pytest.mark.parametrize("name", QUANTITIES)
    def test_missing(self, name):
        inputs = case().drop_vars(name)
        if name in ("boiler_capacity", "chiller_capacity"):
            check(inputs, sharing=True)
            return
        assert problems(inputs) == f"{name}: missing, expected in {QUANTITIES[name].units}"

    def test_units(self):
        inputs = case()
        for name, quantity in QUANTITIES.items():
            inputs[name].attrs["units"] = quantity.units
        check(inputs, sharing=True)
        for name, quantity in QUANTITIES.items():
            wrong = inputs.assign({name: inputs[name].assign_attrs(units="MJ")})
            assert problems(wrong) == f"{name}: units must be {quantity.units}, found MJ"

    def test_all_problems_at_once(self):
        values = {"electricity": [[-1, 0], [0, 0]], "storage_power": 9.0, "export_price": [2, 0], "steam": [1, 1]}
        values |= {"pump_capacity": -1.0, "boiler_capacity": by(GROUPS, 1, 1), "cooling": 1.0}
        found = problems(case(**values).drop_vars("heat")).splitlines()
        names = ["steam", "electricity", "heat", "cooling", "pump_capacity", "boiler_capacity"]
        assert [re.split("[: ]", line)[0] for line in found] == [*names, "export_price", "storage_power"]

    def test_nothing_at_all(self):
        found = problems(xr.Dataset()).splitlines()
        assert [line.split(":")[0] for line in found] == [name for name, q in QUANTITIES.items() if q.required]

    @pytest.mark.parametrize("hours", [[1, 0], [0, 0], [0, 2]], ids=["reversed", "repeated", "with a gap"])
    def test_hours_out_of_order(self, hours):
        found = problems(case().assign_coords(hour=hours))
        assert found == f"hour: expected steps of one hour in order, found hour {hours[1]} after hour {hours[0]}"

    @pytest.mark.parametrize("dim", ["hour", "group"])
    def test_no_labels(self, dim):
        assert problems(case().isel({dim: []})) == f"{dim}: no labels, expected one or more"

    @pytest.mark.parametrize("dim", ["group", "day"])
    def test_repeated_labels(self, dim):
        day = xr.DataArray([1.0, 2.0], {"day": ["mon", "tue"]}, "day")
        inputs = case(heat=array([1, 1]) * day).assign_coords({dim: ["a", "a"]})
        assert problems(inputs) == f"{dim}: repeated labels ['a']"

    def test_limits_that_are_just_met_pass(self):
        """A power that the energy holds for one hour, exports at the price of purchases, 0.1 + 0.2 of 0.3 kW."""
        values = {"storage_energy": 0.3, "storage_power": 0.1 + 0.2, "export_price": [1, 1]}
        assert values["storage_power"] > values["storage_energy"]
        check(case(**values, cooling=[[0.1, 0], [0.2, 0]], chiller_capacity=0.3), sharing=True)

    def test_values_may_be_integers(self):
        check(case().astype(int), sharing=True)

    def test_pumps_whose_electricity_is_left_out(self):
        inputs = case(pump_cop=np.inf)
        check(inputs, sharing=True)
        assert float(inputs["pump_cop"]) == np.inf


class TestUnmet:
    """The mall needs 4 kW of heat at hour 7; 1 kW of ground is below it, 2 kW below the office, which needs 1."""

    heat = array([[0, 1], [0, 4]], first=6)

    def inputs(self, **given):
        values = {name: xr.DataArray(2.0) for name in ("boiler_capacity", "chiller_capacity")} | given
        hourly = {name: array([0, 0], first=6) for name in ("heat", "cooling")} | values
        priced = {name: array([1, 1], first=6) for name in ("electricity_price", "gas_price")}
        rest = {name: array([0, 0], first=6) for name in ("photovoltaics", "export_price")}
        electricity = array([[1, 1], [1, 1]], first=6)
        return case(electricity=electricity, **rest, **priced, **hourly, pump_capacity=by(GROUPS, 2, 1))

    def test_pooled(self):
        """4 + 1 less 2 + 1 of ground is 2."""
        check(self.inputs(heat=self.heat), sharing=True)
        found = problems(self.inputs(heat=self.heat, boiler_capacity=1.5))
        assert found == "heat cannot be met: 0.5 kW are missing at hour 7 in office, mall"

    def test_separate(self):
        """What the office does not need of its ground is of no use to the mall, which misses 4 - 1 - 2."""
        found = problems(self.inputs(heat=self.heat), sharing=False)
        assert found == "heat cannot be met: 1 kW are missing at hour 7 in mall"

    def test_separate_names_who_needs_the_boilers(self):
        heat = self.heat * by(GROUPS, 0, 1)
        found = problems(self.inputs(heat=heat, boiler_capacity=1.0), sharing=False)
        assert found == "heat cannot be met: 2 kW are missing at hour 7 in mall"

    def test_cooling(self):
        found = problems(self.inputs(cooling=array([[0, 1], [3, 2]], first=6), chiller_capacity=1.0))
        assert found.splitlines() == [
            "cooling cannot be met: 2 kW are missing at hour 6 in mall",
            "cooling cannot be met: 2 kW are missing at hour 7 in office, mall",
        ]

    def test_without_a_limit_all_is_met(self):
        inputs = self.inputs(heat=100 * self.heat, cooling=self.heat)
        check(inputs.drop_vars(["boiler_capacity", "chiller_capacity"]), sharing=False)

    @pytest.mark.parametrize("missing", [1e-5, 1e-3])
    def test_what_is_missing_of_much(self, missing):
        """What the solver would call infeasible is named here."""
        found = problems(self.inputs(heat=1e5 * self.heat, boiler_capacity=5e5 - 3 - missing))
        assert found.startswith("heat cannot be met:")

    def test_of_one_day_of_many(self):
        day = xr.DataArray([0.1, 1.0], {"day": ["mild", "cold"]}, "day")
        found = problems(self.inputs(heat=self.heat * day, boiler_capacity=1.5))
        assert re.match(r"heat cannot be met: 0\.5 kW are missing at (day cold, hour 7|hour 7, day cold) in", found)

    def test_after_other_problems(self):
        """What is no number cannot be compared, so these come first and alone."""
        assert len(problems(self.inputs(heat=9 * self.heat, storage_loss=1.0)).splitlines()) == 1


class TestShortfall:
    given = xr.Dataset(
        {"heat": array([[1, 5], [4, 0]]), "cooling": array([[1, 2], [3, 0]]), "pump_capacity": by(GROUPS, 2, 1)}
    )

    @pytest.mark.parametrize(
        ("demand", "capacity", "sharing", "short"),
        [
            ("heat", 0.0, True, [5 - 3, 5 - 3]),
            ("heat", 0.0, False, [4 - 1, 5 - 2]),
            ("heat", 2.5, False, [0.5, 0.5]),
            ("heat", 9.0, False, [0, 0]),
            ("cooling", 0.0, True, [4, 2]),
            ("cooling", 3.0, False, [1, 0]),
        ],
    )
    def test_by_hand(self, demand, capacity, sharing, short):
        found = shortfall(self.given, demand, capacity, sharing)
        assert found.dims == ("hour",)
        assert found.values == pytest.approx(short)

    def test_spare_ground_heats_nobody_elses_boilers(self):
        """Pooled ground beyond the heat leaves nothing over that boilers could count as theirs."""
        given = self.given.assign(pump_capacity=by(GROUPS, 50, 50))
        assert shortfall(given, "heat", xr.DataArray(1.0), sharing=True).values.tolist() == [0, 0]


class TestGathered:
    def test_labels_in_the_order_of_the_electricity(self):
        tariff = xr.DataArray(
            [[1.0, 2.0], [3.0, 4.0]], {"hour": [1, 0], "group": ["mall", "office"]}, ("hour", "group")
        )
        found = gathered(quantities(electricity_price=tariff))
        assert found["group"].values.tolist() == GROUPS
        assert found["hour"].values.tolist() == [0, 1]
        assert found["electricity_price"].sel(hour=1, group="mall") == 1
        assert found["electricity_price"].transpose("group", "hour").values.tolist() == [[4, 2], [3, 1]]
        check(found, sharing=True)

    def test_units_are_kept(self):
        values = quantities()
        values["heat"].attrs["units"] = "MJ"
        with pytest.raises(ValueError, match="heat: units must be kW, found MJ"):
            check(gathered(values), sharing=True)

    def test_single_labels_are_left_out(self):
        """A quantity chosen from a table of variants brings the label of the variant, another another."""
        values = quantities()
        values["heat"] = values["heat"].assign_coords(variant="a")
        values["cooling"] = values["cooling"].assign_coords(variant="b")
        assert set(gathered(values).coords) == {"group", "hour"}

    @pytest.mark.parametrize(
        ("groups", "lines"),
        [
            (
                ["office", "casino"],
                [
                    "storage_price: unknown group ['casino'], known are ['office', 'mall']",
                    "storage_price: missing group ['mall']",
                ],
            ),
            (["office"], ["storage_price: missing group ['mall']"]),
            (["office", "mall", "mall"], ["storage_price: repeated group"]),
            (["office", "mall", "zoo"], ["storage_price: unknown group ['zoo'], known are ['office', 'mall']"]),
        ],
    )
    def test_groups(self, groups, lines):
        with pytest.raises(ValueError, match="storage_price") as caught:
            gathered(quantities(storage_price=by(groups, *range(len(groups)))))
        assert str(caught.value).splitlines() == lines

    def test_hours(self):
        with pytest.raises(ValueError, match="heat") as caught:
            gathered(quantities(heat=array([1, 1], first=1)))
        lines = ["heat: unknown hour [2], known are [0, 1]", "heat: missing hour [0]"]
        assert str(caught.value).splitlines() == lines

    def test_repeated_groups_of_the_electricity(self):
        twice = array(np.ones((2, 2))).assign_coords(group=["mall", "mall"])
        with pytest.raises(ValueError, match=r"^electricity: repeated group$"):
            gathered(quantities(electricity=twice))

    def test_all_problems_at_once(self):
        values = quantities(storage_price=by(["mall", "zoo"], 1, 1), heat=array([1, 1], first=1))
        with pytest.raises(ValueError, match=r"(?s)storage_price.*zoo|heat.*hour") as caught:
            gathered(values)
        assert len(str(caught.value).splitlines()) == 4

    def test_without_electricity(self):
        values = quantities()
        del values["electricity"]
        with pytest.raises(ValueError, match=r"^electricity: missing, it gives groups and hours$"):
            gathered(values)


class TestOverAllDims:
    def test_groups_of_their_own_and_shared(self):
        day = xr.DataArray([1.0, 2.0], {"day": ["mon", "tue"]}, "day")
        inputs = case(electricity=(array(np.ones((2, 2))) * day).transpose("hour", "group", "day"))
        inputs["storage_energy"].attrs["units"] = "kWh"
        found = over_all_dims(inputs)
        for name in QUANTITIES:
            expected = ("day", "hour") if name in SHARED else ("day", "group", "hour")
            assert found[name].dims == expected, name
        assert {dim: index.tolist() for dim, index in found.indexes.items()} == {
            "day": ["mon", "tue"],
            "group": GROUPS,
            "hour": [0, 1],
        }
        assert found["electricity"].sel(day="tue", group="mall", hour=1) == 2
        assert found["storage_energy"].attrs["units"] == "kWh"

    def test_without_labels(self):
        found = over_all_dims(case().drop_vars(["group", "hour"]))
        assert found["heat"].sizes == {"group": 2, "hour": 2}
        assert not found.indexes
