"""Section 3.3's upper level, exact and searched, what a planner reads off it, and the two named variants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bcopt.methods import solver
from bcopt.methods.search import Settings
from bcopt.models import district
from bcopt.studies.systems2024 import (
    district_arithmetic,
    district_day,
    district_planning,
    district_results,
    district_sizing,
    district_variants,
)
from bcopt.studies.systems2024.district_day import DistrictKnobs, fitted
from bcopt.studies.systems2024.district_dispatch import GREATEST, UPPER, Dispatch
from bcopt.studies.systems2024.district_fits import targets
from bcopt.studies.systems2024.district_results import Days
from bcopt.studies.systems2024.district_sizing import VARIABLES, Evaluator, Searched
from bcopt.studies.systems2024.flexible_day import Knobs
from bcopt.studies.systems2024.scenario import Scenario

GROUPS = ["residential", "office", "hotel", "mall"]
PER_STORAGE = 10.0
"""yuan/kWh, as printed."""
FEW = Settings(8, 5, 0.8, 0.3, seed=1)


@pytest.fixture(scope="module")
def day(compared: Days) -> xr.Dataset:
    return compared.day


@pytest.fixture(scope="module")
def curve(day: xr.Dataset, central: Scenario) -> xr.Dataset:
    return district_sizing.sizes(day, central)


@pytest.fixture(scope="module")
def own_curve(day: xr.Dataset, central: Scenario) -> xr.Dataset:
    return district_sizing.sizes(day, central, sharing=False)


@pytest.fixture(scope="module")
def dispatch(day: xr.Dataset, central: Scenario) -> Dispatch:
    return Dispatch(day, central, settled=False, largest=float(day["electricity"].sum()))


@pytest.fixture(scope="module")
def evaluator(day: xr.Dataset, central: Scenario) -> Evaluator:
    return Evaluator(day, central)


@pytest.fixture(scope="module")
def searched(day: xr.Dataset, central: Scenario, curve: xr.Dataset) -> Searched:
    pytest.importorskip("geatpy")
    return district_sizing.evolve(day, central, curve, FEW, [1, 2], workers=1)


def line(**values: list[float]) -> xr.Dataset:
    return xr.Dataset({name: ("size", np.array(numbers, float)) for name, numbers in values.items()})


def least_cost(day: xr.Dataset, **options: Any) -> float:
    return solver.solve(district.district_model(day, **options)).objective


# ---- cost and emissions over the storage size


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0.0, 1.0))
def test_sizes_are_what_is_solved(curve: xr.Dataset, dispatch: Dispatch, share: float) -> None:
    """At any size the lines between the breakpoints have what the dispatch gives that is solved for it."""
    size = share**3 * float(curve["storage_energy"][-1])
    dispatch.resize(size)
    found = dispatch.solve(UPPER)
    read = {name: float(np.interp(size, curve["storage_energy"], curve[name])) for name in curve.data_vars}
    assert read["energy_cost"] == pytest.approx(found["energy cost"], rel=1e-6)
    assert read["other_cost"] == pytest.approx(found["other cost"], rel=1e-6)
    assert read["emissions"] == pytest.approx(found["emissions"], rel=1e-6)
    assert read["cost"] == pytest.approx(found["energy cost"] + found["other cost"] + PER_STORAGE * size, rel=1e-6)
    assert district_sizing.plan_at(curve, size) == pytest.approx((read["cost"], read["emissions"]), rel=1e-12)


def test_energy_cost_is_convex_and_falls(curve: xr.Dataset, own_curve: xr.Dataset, day: xr.Dataset) -> None:
    for each in (curve, own_curve):
        size, cost = each["storage_energy"].to_numpy(), each["energy_cost"].to_numpy()
        assert size[0] == 0
        assert size[-1] == float(day["electricity"].sum())
        assert (np.diff(size) > 0).all()
        slope = np.diff(cost) / np.diff(size)
        assert (slope <= 1e-9).all()
        assert (np.diff(slope) >= -1e-9).all()
        np.testing.assert_allclose(each["marginal_value"][:-1], -slope, atol=1e-9)
        assert np.isnan(each["marginal_value"][-1])
    assert len(curve["size"]) > 5


def test_the_ends_of_the_curve(curve: xr.Dataset, compared: Days) -> None:
    """Without storage the fitted day before; at the fitted size the fitted day after."""
    before, after = (district.costs(flows, compared.day).sum() for flows in (compared.before, compared.after))
    knot = float(compared.day["storage_energy"])
    for size, terms in ((0.0, before), (knot, after)):
        cost, emissions = district_sizing.plan_at(curve, size)
        paid = sum(float(terms[f"{name}_cost"]) for name in ("electricity", "gas", "boiler", "storage"))
        assert cost == pytest.approx(paid + PER_STORAGE * size, rel=1e-8)
        assert emissions == pytest.approx(float(terms["grid_emissions"] + terms["gas_emissions"]), rel=1e-8)


def test_sharing_ground_heat_never_costs(curve: xr.Dataset, own_curve: xr.Dataset) -> None:
    sizes = np.linspace(0.0, float(curve["storage_energy"][-1]), 301)
    shared, own = (np.interp(sizes, each["storage_energy"], each["energy_cost"]) for each in (curve, own_curve))
    assert (own - shared > 1_000).all()


@pytest.mark.slow
def test_sizes_take_the_least_throughput(day: xr.Dataset, central: Scenario, curve: xr.Dataset) -> None:
    found = district_sizing.sizes(day, replace(central, lower_level_ties=GREATEST))
    xr.testing.assert_identical(found, curve)


# ---- the exact front


def test_front_by_hand() -> None:
    """Cost falls to 8 at size 1 and rises to 20; emissions fall to 3 at size 2 and then rise."""
    curve = line(storage_energy=[0, 1, 2, 4], cost=[10, 8, 12, 20], emissions=[9, 6, 3, 5])
    front = district_sizing.fine_front(curve)
    np.testing.assert_allclose(front[0], [8, 6])
    np.testing.assert_allclose(front[-1], [12, 3])
    np.testing.assert_allclose(front[:, 1], 6 - 0.75 * (front[:, 0] - 8), atol=1e-12)
    assert len(front) > 400
    on = front[::50]
    assert district_sizing.below(on, curve) == pytest.approx(0, abs=1e-12)
    assert district_sizing.below(on * [1.0, 1.1], curve) == 0
    assert district_sizing.below(on * [1.0, 0.9], curve) == pytest.approx(0.1)
    assert district_sizing.below(np.array([[30.0, 2.7]]), curve) == pytest.approx(0.1), "dearer than all, below all"


def test_a_plan_cheaper_than_all_is_below() -> None:
    """Whatever it emits: no plan of the front costs as little."""
    curve = line(storage_energy=[0, 1], cost=[8, 12], emissions=[6, 3])
    assert district_sizing.below(np.array([[4.0, 7.0]]), curve) > 0.1


def test_front_is_not_dominated(curve: xr.Dataset) -> None:
    front = district_sizing.fine_front(curve)
    every = np.stack([curve["cost"], curve["emissions"]], axis=1)
    for point in front:
        better = (front <= point + 1e-9 * abs(point)).all(axis=1) & (front < point - 1e-6 * abs(point)).any(axis=1)
        assert not better.any()
    for point in every:
        assert (front <= point * (1 + 1e-9)).all(axis=1).any(), "each size is reached or beaten"
    assert front[:, 0].min() == pytest.approx(float(curve["cost"].min()), rel=1e-12)
    assert front[:, 1].min() == pytest.approx(float(curve["emissions"].min()), rel=1e-9)


# ---- the search


def test_no_searched_plan_is_below_the_front(searched: Searched) -> None:
    runs = searched.runs.set_index("seed")
    assert runs.index.tolist() == [1, 2]
    assert runs["largest share below the front"][1] < 1e-9
    assert np.isnan(runs["largest share below the front"][2]), "what lies on the breakpoints says nothing of them"
    assert runs["hypervolume ratio"].between(0, 1 + 1e-9).all()
    assert runs["hypervolume ratio"].max() > 0.1
    assert runs["dispatches solved"].tolist() == [40, 0], "eight plans in five generations, of the first seed alone"
    difference = runs["largest difference from the breakpoints"]
    assert 0 <= difference[1] < 1e-8, "what is read off is what is solved"
    assert np.isnan(difference[2]), "nothing was solved to differ from"
    assert (runs["points"] >= 1).all()


def test_searched_plans_are_what_they_cost(searched: Searched, day: xr.Dataset, curve: xr.Dataset) -> None:
    least = district_sizing.needed(day)
    plans = searched.plans
    assert (plans["boiler capacity [kW]"] >= least["boiler"]).all()
    assert (plans["chiller capacity [kW]"] >= least["chiller"]).all()
    for plan in plans.to_dict("records"):
        wanted = district_sizing.plan_at(curve, plan["storage energy [kWh]"])
        assert (plan["cost [yuan]"], plan["emissions [kg]"]) == pytest.approx(wanted, rel=1e-7)
    assert len(plans) == searched.runs["points"][0]


@pytest.mark.slow
def test_search_is_the_same_in_two_processes(
    searched: Searched, day: xr.Dataset, central: Scenario, curve: xr.Dataset
) -> None:
    """To the last bit."""
    found = district_sizing.evolve(day, central, curve, FEW, [1, 2], workers=2)
    pd.testing.assert_frame_equal(found.runs, searched.runs, check_exact=True)
    pd.testing.assert_frame_equal(found.plans, searched.plans, check_exact=True)


@pytest.mark.slow
def test_a_wrong_curve_is_told(day: xr.Dataset, central: Scenario, curve: xr.Dataset) -> None:
    pytest.importorskip("geatpy")
    wrong = curve.assign(cost=curve["cost"] * (1 + 1e-4))
    runs = district_sizing.evolve(day, central, wrong, FEW, [1], workers=1).runs
    assert runs["largest difference from the breakpoints"].item() == pytest.approx(1e-4, rel=1e-3)


def test_what_is_read_off_is_what_is_solved(evaluator: Evaluator, day: xr.Dataset, curve: xr.Dataset) -> None:
    random = np.random.default_rng(5)
    plans = random.uniform(*district_sizing.bounds(day), (20, 3))
    np.testing.assert_allclose(district_sizing.read_off(curve, plans), evaluator(plans), rtol=1e-8)


def test_a_plan_gets_what_it_gets_alone(evaluator: Evaluator, day: xr.Dataset, central: Scenario) -> None:
    random = np.random.default_rng(4)
    plans = random.uniform(*district_sizing.bounds(day), (12, 3))
    plans[3] = plans[7]
    found = evaluator(plans)
    assert found.shape == (12, 2)
    order = random.permutation(12)
    np.testing.assert_array_equal(evaluator(plans[order]), found[order])
    np.testing.assert_array_equal(evaluator(plans[:1]), found[:1])
    np.testing.assert_array_equal(found[3], found[7])
    np.testing.assert_array_equal(Evaluator(day, central)(plans[5:6]), found[5:6])


def test_boilers_and_chillers_that_do_not_suffice(evaluator: Evaluator, day: xr.Dataset) -> None:
    """What is missing is told in kilowatt; the plan is dispatched as if nothing were."""
    least = district_sizing.needed(day)
    heat, ground = day["heat"].sum("group"), float(day["pump_capacity"].sum())
    assert least["boiler"] == pytest.approx(float((heat - ground).max()))
    assert least["chiller"] == pytest.approx(float(day["cooling"].sum("group").max()))
    own = district_sizing.needed(day, sharing=False)
    separate = (day["heat"] - day["pump_capacity"]).clip(min=0).sum("group")
    assert own == pytest.approx({"boiler": float(separate.max()), "chiller": least["chiller"]})
    low, high = district_sizing.bounds(day)
    assert low.tolist() == [0, 0, 0]
    assert high == pytest.approx([float(day["electricity"].sum()), 2 * least["boiler"], 2 * least["chiller"]])
    enough = np.array([9_000.0, least["boiler"], least["chiller"]])
    plans = enough - np.array([[0, 0, 0], [0, 5, 0], [0, 5, 7], [0, -5, -7]])
    found = district_sizing.search_problem(day, evaluator).violations(plans)
    np.testing.assert_allclose(found, [[0, 0], [5, 0], [5, 7], [-5, -7]], atol=1e-9)
    values = evaluator(plans)
    np.testing.assert_allclose(values, np.tile(values[0], (4, 1)), rtol=1e-9)


@pytest.mark.slow
def test_what_matters(day: xr.Dataset, central: Scenario, curve: xr.Dataset) -> None:
    """Storage alone: boilers and chillers enter no objective, in January or without cooling."""
    for each in (day, day.assign(cooling=0 * day["cooling"])):
        found = district_sizing.what_matters(each, central, steps=3).set_index("variable")
        assert found.index.tolist() == list(VARIABLES)
        moves = ["cost moves by [yuan]", "emissions move by [kg]"]
        assert found.loc[VARIABLES[0], moves[1]] > 10_000
        assert found.loc[VARIABLES[0], moves[0]] > 1e6
        for name, most in zip(VARIABLES[1:], (5e6, 5e5), strict=True):
            assert found.loc[name, moves].max() < 1e-9 * most, name
        assert found.loc[VARIABLES[0], "to"] == float(curve["storage_energy"][-1])
        assert found.loc[VARIABLES[1], "from"] == pytest.approx(district_sizing.needed(day)["boiler"])


# ---- both readings of the bilevel problem, and its bound


@pytest.mark.slow
def test_the_worst_dispatch_wears_more(day: xr.Dataset, central: Scenario, curve: xr.Dataset) -> None:
    sizes = [0.0, 6_000.0]
    table = district_sizing.pessimistic(day, central, sizes)
    assert table["storage energy [kWh]"].tolist() == sizes
    np.testing.assert_allclose(table["energy cost, greatest [yuan]"], table["energy cost, least [yuan]"], rtol=1e-6)
    wear, worst = table["wear, least [yuan]"], table["wear, greatest [yuan]"]
    assert (worst >= wear - 1e-6).all()
    assert worst[0] == pytest.approx(0, abs=1e-6), "no storage"
    assert worst[1] > wear[1] + 1
    for row, size in enumerate(sizes):
        cost, emissions = district_sizing.plan_at(curve, size)
        assert table["cost, least [yuan]"][row] == pytest.approx(cost, rel=1e-7)
        assert table["emissions, least [kg]"][row] == pytest.approx(emissions, rel=1e-7)
    dearer = table["cost, greatest [yuan]"] - table["cost, least [yuan]"]
    assert (dearer >= worst - wear - 1e-3).all()


def test_no_plan_of_two_levels_beats_one_level(day: xr.Dataset, central: Scenario, curve: xr.Dataset) -> None:
    table = district_sizing.merged_front(day, central, levels=7)
    assert len(table) == 7
    size = np.linspace(0.0, float(curve["storage_energy"][-1]), 20_001)
    cost, emissions = (np.interp(size, curve["storage_energy"], curve[name]) for name in ("cost", "emissions"))
    for row in table.to_dict("records"):
        within = emissions <= row["emissions [kg]"] * (1 + 1e-9)
        if within.any():
            assert row["cost [yuan]"] <= cost[within].min() * (1 + 1e-6)
        assert 0 <= row["storage energy [kWh]"] <= size[-1]
    assert (np.diff(table["cost [yuan]"]) >= -1e-6).all()
    assert (np.diff(table["emissions [kg]"]) < 0).all()
    assert table["cost [yuan]"][0] <= float(curve["cost"].min()) * (1 + 1e-9)
    assert table["emissions [kg]"].iloc[-1] <= float(curve["emissions"].min()) * (1 + 1e-9)


# ---- what a planner asks


def test_size_table_by_hand() -> None:
    curve = line(
        storage_energy=[0, 10, 30],
        energy_cost=[100, 80, 70],
        other_cost=[5, 6, 9],
        emissions=[50, 45, 46],
        marginal_value=[2.0, 0.5, np.nan],
    )
    table = district_planning.size_table({"a": curve, "b": curve + 1}, [0.0, 5.0, 10.0, 20.0, 30.0])
    assert table["ground heat"].tolist() == ["a"] * 5 + ["b"] * 5
    found = table[table["ground heat"] == "a"]
    assert found["storage [kWh]"].tolist() == [0, 5, 10, 20, 30]
    assert found["energy cost saved [yuan/day]"].tolist() == [0, 10, 20, 25, 30]
    assert found["wear and boilers [yuan/day]"].tolist() == [0, 0.5, 1, 2.5, 4]
    assert found["net saving [yuan/day]"].tolist() == [0, 9.5, 19, 22.5, 26]
    assert found["emissions avoided [kg/day]"].tolist() == [0, 2.5, 5, 4.5, 4]
    assert found["value of a further kWh [yuan/day]"].tolist() == [2, 2, 0.5, 0.5, 0.5]


def test_size_table_of_the_district(curve: xr.Dataset, own_curve: xr.Dataset, dispatch: Dispatch) -> None:
    sizes = (0.0, 5_000.0, 40_000.0)
    table = district_planning.size_table({"shared": curve, "own": own_curve}, sizes)
    shared = table[table["ground heat"] == "shared"].set_index("storage [kWh]")
    dispatch.resize(0.0)
    start = dispatch.solve(UPPER)
    for size in sizes[1:]:
        dispatch.resize(size)
        found = dispatch.solve(UPPER)
        at = shared.loc[size]
        assert at["energy cost saved [yuan/day]"] == pytest.approx(
            start["energy cost"] - found["energy cost"], rel=1e-6
        )
        assert at["emissions avoided [kg/day]"] == pytest.approx(start["emissions"] - found["emissions"], rel=1e-6)
        dispatch.solve(UPPER[:1])
        assert at["value of a further kWh [yuan/day]"] == pytest.approx(-dispatch.slope(), rel=1e-6)
    assert (table.groupby("ground heat")["value of a further kWh [yuan/day]"].diff().dropna() <= 0).all()


@pytest.mark.slow
def test_sharing_table(day: xr.Dataset, central: Scenario, compared: Days, curve: xr.Dataset) -> None:
    table = district_planning.sharing_table(day, central).set_index("ground heat")
    shares = district_results.shares(compared).set_index("group").loc["all"]
    for name, flows in (("own", compared.own), ("shared", compared.after)):
        row, terms = table.loc[name], district.costs(flows, day).sum()
        assert row["energy cost [yuan/day]"] == pytest.approx(float(terms["electricity_cost"] + terms["gas_cost"]))
        assert row["energy cost [yuan/day]"] == pytest.approx(least_cost(day, sharing=name == "shared"))
        assert row["gas [kWh/day]"] == pytest.approx(shares[f"gas, {name} [kWh]"])
        assert row["emissions [kg/day]"] == pytest.approx(float(terms["grid_emissions"] + terms["gas_emissions"]))
        values = district_planning.ground_heat_values(day, central, sharing=name == "shared")
        for group in GROUPS:
            of_group = values.sel(group=group) if "group" in values.dims else values
            assert row[f"a kilowatt below {group} [yuan/day]"] == pytest.approx(float(of_group.sum()))
    piece = int(np.searchsorted(curve["storage_energy"], float(day["storage_energy"]))) - 1
    value = table.loc["shared", "a kWh of storage [yuan/day]"]
    assert value == pytest.approx(float(curve["marginal_value"][piece]), rel=1e-6)
    below = [f"a kilowatt below {group} [yuan/day]" for group in GROUPS]
    assert np.ptp(table.loc["shared", below].astype(float)) < 1e-12, "pooled, it is worth as much anywhere"
    assert table.loc["own", below].idxmax() == below[2], "hotels have least ground for their heat"


@pytest.mark.slow
def test_mixed_integer_is_linear(day: xr.Dataset) -> None:
    """Under every account, each with and without presolve; what is stricter costs more."""
    table = district_planning.tightness(day).set_index("account")
    assert table.index.tolist() == list(district.ACCOUNTS)
    assert (table["largest difference [-]"] < 1e-6).all()
    columns = [column for column in table if column.endswith("[yuan]")]
    assert len(columns) == 4
    spread = table[columns].max(axis=1) - table[columns].min(axis=1)
    np.testing.assert_allclose(table["largest difference [-]"], spread / table[columns].max(axis=1), atol=1e-15)
    linear = table["linear [yuan]"]
    assert linear["none"] < linear["daily"] < linear["held"]
    assert linear["daily"] == pytest.approx(least_cost(day))


# ---- the named variants


def test_group_heats_are_the_middles(unfitted_day: xr.Dataset) -> None:
    heats = pd.DataFrame(
        {
            "function": ["mall", "hotel", "office", "residential"],
            "least heat [kWh]": [10.0, 100.0, 1_000.0, 10_000.0],
            "greatest heat [kWh]": [30.0, 300.0, 3_000.0, 30_000.0],
        }
    )
    found = district_variants.with_group_heats(unfitted_day, heats)
    assert found["heat"].sum("hour").to_series()[GROUPS].tolist() == pytest.approx([20_000, 2_000, 200, 20])
    profile = found["heat"] / found["heat"].sum("hour")
    np.testing.assert_allclose(profile, unfitted_day["heat"] / unfitted_day["heat"].sum("hour"), rtol=1e-12)
    assert found["heat"].attrs == unfitted_day["heat"].attrs
    xr.testing.assert_identical(found.drop_vars("heat"), unfitted_day.drop_vars("heat"))


@pytest.mark.slow
def test_published_store_is_the_central_day(
    series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs, unfitted_day: xr.Dataset
) -> None:
    share = float(study["heat_store_share"])
    same = district_variants.with_store(series, study, central, knobs, share)
    xr.testing.assert_allclose(same, unfitted_day, rtol=1e-9)
    none = district_variants.with_store(series, study, central, knobs, 0.0)
    plain = district_day.unfitted(series, study, replace(central, district_loads="as simulated"), knobs)
    np.testing.assert_allclose(none["heat"], plain["heat"], rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_store_fit_meets_the_share(series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs) -> None:
    store, path, missed = district_variants.store_fit(series, study, central, knobs, 1.1e6, 76.0)
    assert missed == ""
    assert path is not None
    assert path.knob == store
    assert 0 < store < 1
    day = district_variants.with_store(series, study, central, knobs, store)
    day = fitted(day, central, DistrictKnobs(heat_scale=1.1e6 / float(day["heat"].sum())))
    ground = np.minimum(day["heat"].sum("group"), day["pump_capacity"].sum("group"))
    assert 100 * float(ground.sum()) / 1.1e6 == pytest.approx(76.0, abs=0.005), "by hand: pumps run as far as they can"


@pytest.mark.slow
def test_store_fit_says_why_not(series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs) -> None:
    """Loads as simulated have no store: the share is one number whatever its size."""
    scenario = replace(central, district_loads="as simulated")
    store, path, missed = district_variants.store_fit(series, study, scenario, knobs, 1.1e6, 68.79)
    assert (store, path) == (0.0, None)
    assert "heat store: the responses at the ends of the bracket do not enclose the target 68.79" in missed


@pytest.mark.slow
def test_named_days_and_their_table(
    series: xr.Dataset,
    study: xr.Dataset,
    central: Scenario,
    knobs: Knobs,
    published: pd.DataFrame,
    unfitted_day: xr.Dataset,
    compared: Days,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []

    def store_fit(*given: Any) -> tuple[float, None, str]:
        asked.extend(given[4:])
        return 0.0, None, "out of reach"

    monkeypatch.setattr(district_variants, "store_fit", store_fit)
    printed = targets(published)
    days, stores = district_variants.named_days(series, study, central, knobs, published, printed)
    assert asked == [1.1e6, 68.79]
    assert list(days) == [district_variants.CENTRAL, district_variants.STORE, district_variants.GROUPS]
    xr.testing.assert_identical(days[district_variants.CENTRAL], unfitted_day)
    xr.testing.assert_identical(
        days[district_variants.STORE], district_variants.with_store(series, study, central, knobs, 0.0)
    )
    assert stores["heat store over the day's heat [-]"].tolist() == [float(study["heat_store_share"]), 0.0]
    assert stores["which is"].tolist() == ["published", "out of reach"]
    heats = district_arithmetic.group_heats(published, study, district_arithmetic.READINGS[0]).set_index("function")
    for group in GROUPS:
        heat = float(days[district_variants.GROUPS]["heat"].sel(group=group).sum())
        assert heats.loc[group, "least heat [kWh]"] <= heat <= heats.loc[group, "greatest heat [kWh]"]
    table = district_variants.variants_table({district_variants.CENTRAL: unfitted_day}, central, printed)
    found, shares = table.iloc[0], district_results.shares(compared).set_index("group")
    assert found["storage energy [kWh]"] == pytest.approx(float(compared.day["storage_energy"]))
    assert found["ground heat, shared [%]"] == pytest.approx(shares.loc["all", "ground heat, shared [%]"])
    assert found["ground heat of hotel, own [%]"] == pytest.approx(shares.loc["hotel", "ground heat, own [%]"])
    assert table.columns.tolist() == ["scenario", "storage energy [kWh]", *district_results.COLUMNS.values()]
