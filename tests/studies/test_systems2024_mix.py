"""Sections 3.2.1 and 3.2.2: the flattest mix and the greatest penetration, exact and searched, and their ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bcopt.compendium import ledger
from bcopt.compendium.protocol import StudyProtocol, read_protocol
from bcopt.methods.search import Settings
from bcopt.models import flexibility, proportions
from bcopt.planning import self_optimisation
from bcopt.studies.systems2024 import (
    claims,
    fits,
    flexible_day,
    levelling,
    levelling_results,
    penetration,
)
from bcopt.studies.systems2024.flexible_day import FIRST_HOUR, Knobs
from bcopt.studies.systems2024.inputs import CLUSTERS
from bcopt.studies.systems2024.levelling import Levelled
from bcopt.studies.systems2024.penetration import AT_PRINTED, Searched
from bcopt.studies.systems2024.scenario import CENTRAL, Scenario

ROOT = Path(__file__).parents[2]
HOMES = ["x1", "x2", "x3", "x4", "x5", "x6"]
PUBLIC = ["x7", "x8", "x9", "x10", "x11", "x12"]
HOTELS = ["x8", "x11"]
USES = ["lighting", "equipment", "base_load", "hot_water"]
GENETIC = Settings(40, 200, 0.8, 0.2, seed=1)
FRONT = Settings(40, 200, 0.8, 0.3, seed=1)
LEVELS = np.linspace(0.0, 1.0, 11).round(2).tolist()


@pytest.fixture(scope="module")
def knobs(series: xr.Dataset, study: xr.Dataset, central: Scenario) -> Knobs:
    return fits.fit(series, study, central, fits.targets(ledger.read_claims(ROOT))).knobs


@pytest.fixture(scope="module")
def load(series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs) -> xr.DataArray:
    return levelling.levelled_load(series, study, central, knobs)


@pytest.fixture(scope="module")
def box(study: xr.Dataset, central: Scenario) -> tuple[xr.DataArray, xr.DataArray]:
    return levelling.bounds(study, central)


@pytest.fixture(scope="module")
def optimum(load: xr.DataArray, box: tuple[xr.DataArray, xr.DataArray]) -> xr.Dataset:
    return levelling.exact(load, *box)


@pytest.fixture(scope="module")
def runs(load: xr.DataArray, box: tuple[xr.DataArray, xr.DataArray]) -> xr.Dataset:
    pytest.importorskip("geatpy")
    return levelling.evolve(load, *box, GENETIC, range(1, 11))


@pytest.fixture(scope="module")
def energy(series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs) -> xr.Dataset:
    return penetration.energies(series, study, central, knobs.load_scale)


@pytest.fixture(scope="module")
def fronts(energy: xr.Dataset) -> dict[str, xr.Dataset]:
    return {
        name: penetration.exact_front(energy, LEVELS, pooled=pooled) for name, pooled in penetration.SHARINGS.items()
    }


@pytest.fixture(scope="module")
def dense(energy: xr.Dataset) -> xr.Dataset:
    """The front of own ground in closed form, at five hundred and one shares."""
    levels = np.linspace(0.0, 1.0, 501)
    share = xr.DataArray(levels, dims="public_share", coords={"public_share": levels})
    found = proportions.penetration_front_pairs(*penetration.arrays(energy), penetration.is_public(energy), share)
    return found.assign(penetration=np.maximum(found["penetration"], found["penetration"].sel(public_share=1.0)))


@pytest.fixture(scope="module")
def searched(energy: xr.Dataset, dense: xr.Dataset) -> Searched:
    pytest.importorskip("geatpy")
    return penetration.evolve(energy, False, dense, FRONT, [1, 2, 3])


def by_cluster(values: dict[str, Any]) -> xr.DataArray:
    """Return values for named clusters, those not named having none."""
    every = [values.get(name, np.zeros_like(next(iter(values.values())))) for name in CLUSTERS]
    array = np.array(every, dtype=float)
    dims = ("cluster", "hour")[: array.ndim]
    coords: dict[str, Any] = {"cluster": list(CLUSTERS)}
    return xr.DataArray(array, dims=dims, coords=coords | ({"hour": range(array.shape[1])} if array.ndim > 1 else {}))


# ---- which load is levelled, and within which bounds


def test_the_simulated_load_is_levelled(load: xr.DataArray, series: xr.Dataset, knobs: Knobs) -> None:
    by_hand = series["demand"].sel(use=USES).sum("use")
    assert load.dims == ("cluster", "hour")
    np.testing.assert_allclose(load.sel(cluster="x9"), by_hand.sel(cluster="x9"), rtol=1e-12)
    np.testing.assert_allclose(load.sel(cluster="x3"), knobs.load_scale * by_hand.sel(cluster="x3"), rtol=1e-12)


def test_other_readings_of_the_load(
    load: xr.DataArray, series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs
) -> None:
    net = levelling.levelled_load(series, study, replace(central, photovoltaics_deducted=True), knobs)
    np.testing.assert_allclose(load - net, series["photovoltaics"].transpose("cluster", "hour"), atol=1e-9)
    of_floor = levelling.levelled_load(series, study, replace(central, area_reading="floor area"), knobs)
    np.testing.assert_allclose(of_floor.sel(cluster="x7") * 900_000, load.sel(cluster="x7"), rtol=1e-12)
    np.testing.assert_allclose(of_floor.sel(cluster="x6") * 96_000, load.sel(cluster="x6"), rtol=1e-12)


def test_self_optimised_loads(
    load: xr.DataArray, series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs
) -> None:
    others = levelling.self_optimised(central)
    assert list(others) == [f"self-optimised, {rule}" for rule in flexibility.TIE_RULES]
    for rule, other in zip(flexibility.TIE_RULES, others.values(), strict=True):
        assert other == replace(central, levelled_load="self-optimised", tie_rule=rule)
    found = levelling.levelled_load(series, study, others["self-optimised, least peak"], knobs)
    day = flexible_day.model_inputs(series, study, central, knobs)
    spared = 0.2 * day["lighting"].sum("hour")
    np.testing.assert_allclose(found.sum("hour"), load.sum("hour") - spared, rtol=1e-6)
    assert float(found.sel(cluster="x1").max()) < float(load.sel(cluster="x1").max()), "its peaks are the least"
    wanted = self_optimisation.schedule(day, "least peak", FIRST_HOUR)["electricity"].transpose("cluster", "hour")
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


@pytest.mark.parametrize(("split", "x8", "x11"), [("equally", 0.05, 0.05), ("all x8", 0.1, 0.0), ("all x11", 0.0, 0.1)])
def test_hotels_are_fixed_and_the_others_free(
    study: xr.Dataset, central: Scenario, split: str, x8: float, x11: float
) -> None:
    lower, upper = levelling.bounds(study, replace(central, hotel_split=split))
    for bound in (lower, upper):
        assert bound.sel(cluster=HOTELS).to_numpy().tolist() == [x8, x11]
    assert lower.drop_sel(cluster=HOTELS).to_numpy().tolist() == [0.0] * 10
    assert upper.drop_sel(cluster=HOTELS).to_numpy().tolist() == [0.9] * 10
    assert levelling.HOTELS == HOTELS
    assert levelling.PUBLIC == PUBLIC


def test_public_share_under_both_readings(study: xr.Dataset, central: Scenario) -> None:
    """Half of the floor in x1 is 0.5 / 480,000 of a plot a square metre, in x7 0.5 / 900,000: 90 to 48."""
    half = by_cluster({"x1": 0.5, "x7": 0.5})
    assert float(levelling.public_share(half, study, central)) == 0.5
    of_floor = replace(central, area_reading="floor area")
    assert float(levelling.public_share(half, study, of_floor)) == pytest.approx(48 / 138)
    assert float(levelling.public_share(by_cluster({"x1": 0.25, "x8": 0.75}), study, central)) == 0.75


# ---- the exact mix


def test_the_flattest_mix(optimum: xr.Dataset, load: xr.DataArray, study: xr.Dataset, central: Scenario) -> None:
    shares = optimum["shares"]
    assert float(optimum["rate"]) == pytest.approx(0.3040479, abs=1e-6)
    assert float(optimum["disagreement"]) < 1e-9
    assert float(proportions.levelisation_rate(proportions.mixed(load, shares))) == pytest.approx(
        float(optimum["rate"]), rel=1e-9
    )
    assert float(shares.sum()) == pytest.approx(1, abs=1e-9)
    assert float(levelling.public_share(shares, study, central)) == pytest.approx(0.42995, abs=1e-4)
    assert shares["cluster"][shares > 1e-6].to_numpy().tolist() == ["x6", "x8", "x10", "x11"]


@given(weights=arrays(float, 10, elements=st.floats(0.0, 1.0)).filter(lambda weights: weights.sum() > 1e-3))
def test_no_mix_is_flatter(optimum: xr.Dataset, load: xr.DataArray, weights: np.ndarray) -> None:
    shares = by_cluster(dict.fromkeys(HOTELS, 0.05))
    shares[[name not in HOTELS for name in CLUSTERS]] = 0.9 * weights / weights.sum()
    rate = float(proportions.levelisation_rate(proportions.mixed(load, shares)))
    assert rate >= float(optimum["rate"]) * (1 - 1e-9)


def test_the_hotel_bounds_bind(load: xr.DataArray, box: tuple[xr.DataArray, xr.DataArray], optimum: xr.Dataset) -> None:
    """Free hotels make the mix flatter, fixed ones elsewhere less so: the tenth matters."""
    nothing = xr.zeros_like(box[0])
    free = levelling.exact(load, nothing, nothing + 1)
    assert float(free["rate"]) < float(optimum["rate"]) - 1e-4
    half = by_cluster(dict.fromkeys(HOTELS, 0.25))
    crowded = levelling.exact(load, half, xr.where(half > 0, half, 0.5))
    assert float(crowded["shares"].sel(cluster=HOTELS).sum()) == pytest.approx(0.5)
    assert float(crowded["rate"]) != pytest.approx(float(optimum["rate"]), abs=1e-5)


@pytest.fixture(scope="module")
def of_load(
    simulated: tuple[xr.Dataset, xr.Dataset], study: xr.Dataset, central: Scenario, knobs: Knobs
) -> dict[str, Levelled]:
    return levelling.public_curves({"as simulated": central}, *simulated, study, knobs)


def test_least_rate_along_the_public_share(
    of_load: dict[str, Levelled],
    optimum: xr.Dataset,
    load: xr.DataArray,
    box: tuple[xr.DataArray, xr.DataArray],
) -> None:
    found = of_load["as simulated"]
    assert float(found.optimum["rate"]) == pytest.approx(float(optimum["rate"]), rel=1e-9)
    assert found.public_share == pytest.approx(0.42995, abs=1e-4)
    curve, best = found.curve, float(optimum["rate"])
    assert (curve >= best * (1 - 1e-9)).all()
    at = [found.public_share - 0.02, found.public_share, found.public_share + 0.02]
    around = levelling.along_public_share(load, *box, xr.ones_like(box[0]), at)
    assert float(around[1]) == pytest.approx(best, rel=1e-7)
    assert float(around[0]) > best * (1 + 1e-6) < float(around[2])
    lowest = int(curve.to_numpy().argmin())
    assert (curve[: lowest + 1].diff("public_share") <= 1e-9).all(), "it falls to the optimum"
    assert (curve[lowest:].diff("public_share") >= -1e-9).all(), "and rises beyond"
    assert abs(float(curve["public_share"][lowest]) - found.public_share) <= 0.05
    hotels = by_cluster(dict.fromkeys(HOTELS, 0.05))
    homes = [proportions.mixed(load, hotels + by_cluster({home: 0.9})) for home in HOMES]
    only_hotels = min(float(proportions.levelisation_rate(mix)) for mix in homes)
    assert float(curve[0]) == pytest.approx(only_hotels, rel=1e-6), "no public cluster but the hotels is left"


def test_a_total_of_clusters_is_kept(load: xr.DataArray, box: tuple[xr.DataArray, xr.DataArray]) -> None:
    """Of the ground: a share of floor takes the more of it the fewer the storeys."""
    for ground in (xr.ones_like(box[0]), xr.where(box[0]["cluster"] == "x7", 0.5, 1.0)):
        model = levelling.with_total(load, *box, ["x7", "x9"], ground, 0.3)
        model.solve("highs", io_api="direct", output_flag=False)
        plots = proportions.shares(model.solution) * ground
        assert float(plots.sel(cluster=["x7", "x9"]).sum() / plots.sum()) == pytest.approx(0.3, abs=1e-7)


def test_ground_and_plots_under_both_readings(
    study: xr.Dataset, central: Scenario, series: xr.Dataset, knobs: Knobs, load: xr.DataArray
) -> None:
    of_floor = replace(central, area_reading="floor area")
    assert (levelling.ground_of_share(study, central) == 1).all()
    ground = levelling.ground_of_share(study, of_floor)
    assert ground.sel(cluster=["x6", "x1", "x7"]).to_numpy() == pytest.approx([1, 0.2, 96 / 900])
    half = by_cluster({"x1": 0.5, "x7": 0.5})
    assert levelling.on_ground(half, study, central).equals(half)
    assert float(levelling.on_ground(half, study, of_floor).sel(cluster="x1")) == pytest.approx(90 / 138)
    a_metre = levelling.levelled_load(series, study, of_floor, knobs)
    np.testing.assert_allclose(levelling.of_plots(a_metre, study, of_floor), load, rtol=1e-12)
    assert levelling.of_plots(load, study, central) is load


def test_the_curve_is_over_the_ground_under_both_readings(
    study: xr.Dataset, central: Scenario, series: xr.Dataset, knobs: Knobs
) -> None:
    """At the public share of the optimum's ground the curve is at its least, though the shares are of the floor."""
    chosen = replace(central, area_reading="floor area")
    load, limits = levelling.levelled_load(series, study, chosen, knobs), levelling.bounds(study, chosen)
    best = levelling.exact(load, *limits)
    share = float(levelling.public_share(best["shares"], study, chosen))
    assert abs(share - float(best["shares"].sel(cluster=PUBLIC).sum())) > 0.05, "the two shares differ"
    ground = levelling.ground_of_share(study, chosen)
    curve = levelling.along_public_share(load, *limits, ground, [0.1, share, 0.42])
    assert float(curve[1]) == pytest.approx(float(best["rate"]), rel=1e-7)
    assert float(curve[2]) > float(best["rate"]) * (1 + 1e-3)
    assert float(curve[0]) == pytest.approx(float(best["rate"]), rel=1e-6), "tied: a floor is alike at every height"


def test_every_load_that_may_be_levelled(central: Scenario) -> None:
    rules = [f"self-optimised, {rule}" for rule in flexibility.TIE_RULES]
    usual = levelling.loads_to_level(central)
    assert list(usual) == ["as simulated", *rules, "as simulated, floor area"]
    assert usual["as simulated"] == central
    assert usual["as simulated, floor area"] == replace(central, area_reading="floor area")
    latest = replace(central, levelled_load="self-optimised", tie_rule="latest", area_reading="floor area")
    other = levelling.loads_to_level(latest)
    assert next(iter(other)) == "self-optimised, latest"
    assert other["self-optimised, latest"] == latest
    assert other["as simulated, ground area"] == replace(
        latest, levelled_load="as simulated", area_reading="ground area"
    )
    assert len(other) == 6


def test_flatness_by_hand() -> None:
    """From 2 at 10 % to 1 at 50 % to 2 at 100 %: a tenth above the least is 4 points to the left, 5 to the right."""
    curve = xr.DataArray([2.0, 1.0, 2.0], dims="public_share", coords={"public_share": [0.1, 0.5, 1.0]})
    found = Levelled(xr.Dataset({"rate": 1.0}), 0.5, curve)
    row = levelling_results.flatness_table({"x": found}, 30, within=0.105).iloc[0]
    assert row["load"] == "x"
    assert row["least AR"] == 1
    assert row["at a public share of [%]"] == 50
    assert row["within a percent from [%]"] == pytest.approx(46)
    assert row["to [%]"] == pytest.approx(55)
    assert row["above the least at 30 % [%]"] == pytest.approx(50)
    narrow = levelling_results.flatness_table({"x": found}, 30, within=1e-6).iloc[0]
    assert [narrow["within a percent from [%]"], narrow["to [%]"]] == pytest.approx([50, 50])


# ---- the genetic algorithm


def test_the_search_has_ten_variables(load: xr.DataArray, box: tuple[xr.DataArray, xr.DataArray]) -> None:
    problem = levelling.search_problem(load, *box)
    assert problem.lower.tolist() == [0.0] * 10
    assert problem.upper.tolist() == [1.0] * 10
    first = problem.decode(np.eye(10)[[0, 6]])
    by_hand = by_cluster({"x8": 0.05, "x11": 0.05, "x1": 0.9}), by_cluster({"x8": 0.05, "x11": 0.05, "x7": 0.9})
    np.testing.assert_allclose(first, by_hand, atol=1e-15)


@given(genotype=arrays(float, (3, 10), elements=st.floats(0.0, 1.0)))
def test_decoded_mixes_keep_hotels_and_sum_to_one(
    load: xr.DataArray, box: tuple[xr.DataArray, xr.DataArray], genotype: np.ndarray
) -> None:
    problem = levelling.search_problem(load, *box)
    shares = np.asarray(problem.decode(genotype))
    assert shares[:, [7, 10]].tolist() == [[0.05, 0.05]] * 3
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    assert shares.min() >= 0
    mixes = xr.DataArray(shares, dims=("mix", "cluster"), coords={"cluster": list(CLUSTERS)})
    rate = proportions.levelisation_rate(proportions.mixed(load, mixes))
    np.testing.assert_allclose(np.asarray(problem.objectives(shares))[:, 0], rate, rtol=1e-10)


def test_the_genetic_algorithm_comes_close(runs: xr.Dataset, optimum: xr.Dataset, load: xr.DataArray) -> None:
    """The purpose of the section: at most 2 % in every seed with the published settings; measured below one."""
    gap = runs["gap"].to_numpy()
    assert gap.size == 10
    assert gap.min() >= -1e-9, "nothing is flatter than the exact mix"
    assert gap.max() < 0.01
    rate = proportions.levelisation_rate(proportions.mixed(load, runs["shares"]))
    np.testing.assert_allclose(rate, float(optimum["rate"]) * (1 + gap), rtol=1e-9)
    np.testing.assert_allclose(runs["best"].isel(generation=-1), rate, rtol=1e-9)
    np.testing.assert_allclose(runs["shares"].sel(cluster=HOTELS), 0.05, rtol=1e-12)
    np.testing.assert_allclose(runs["shares"].sum("cluster"), 1, rtol=1e-12)
    assert float(runs["best"].diff("generation").max()) <= 0
    assert runs.sizes["generation"] == 200
    assert (runs["mean"] >= runs["best"] - 1e-12).all()
    assert len(np.unique(gap)) == 10, "the seeds differ"


def test_a_seed_is_one_result(load: xr.DataArray, box: tuple[xr.DataArray, xr.DataArray], runs: xr.Dataset) -> None:
    again = levelling.evolve(load, *box, replace(GENETIC, seed=99), [3])
    xr.testing.assert_identical(again.sel(seed=3), runs.sel(seed=3))


def test_stable_from_is_read_off_the_mean(runs: xr.Dataset) -> None:
    for name, band in (("stable", 0.05), ("stable_closer", 0.01)):
        for seed in (1, 6):
            course = runs["mean"].sel(seed=seed).to_numpy()
            near = np.abs(course - course[-1]) <= band * abs(course[-1] - course[0])
            first = next(i for i in range(200) if near[i:].all()) + 1
            assert int(runs[name].sel(seed=seed)) == first


@pytest.mark.parametrize(
    ("course", "band", "first"),
    [
        ([10, 5, 1.2, 1.04, 1], 0.05, 3),  # 5 % of the change of 9 is 0.45
        ([10, 5, 1.2, 1.04, 1], 0.01, 4),
        ([10, 1, 5, 1], 0.05, 4),  # it leaves the band once more
        ([0, 9, 9.6, 10], 0.05, 3),  # rising
        ([3, 3, 3], 0.05, 1),
        ([2], 0.05, 1),
    ],
)
def test_stable_from_by_hand(course: list[float], band: float, first: int) -> None:
    assert levelling.stable_from(np.array(course, dtype=float), band) == first


def test_settings(
    load: xr.DataArray, box: tuple[xr.DataArray, xr.DataArray], runs: xr.Dataset, protocol: StudyProtocol
) -> None:
    assert levelling_results.settings_tried(GENETIC, protocol) == {
        "as given": GENETIC,
        "population 80": replace(GENETIC, population=80),
        "generations 800": replace(GENETIC, generations=800),
        "crossover probability 0.9": replace(GENETIC, crossover=0.9),
        "mutation probability 0.1": replace(GENETIC, mutation=0.1),
    }
    short = {"as given": GENETIC, "short": replace(GENETIC, population=10, generations=5)}
    table = levelling_results.settings_table(load, *box, short, [1, 2, 3]).set_index("settings")
    gap = 100 * runs["gap"].sel(seed=[1, 2, 3]).to_numpy()
    row = table.loc["as given"]
    assert row["evaluations"] == 8000
    assert [row[f"{name} gap [%]"] for name in ("least", "median", "largest")] == pytest.approx(np.sort(gap))
    assert row["seeds within 2 %"] == row["seeds"] == 3
    assert table.loc["short", "evaluations"] == 50
    assert table.loc["short", "seeds within 2 %"] < 3, "fifty evaluations do not find it"


# ---- what is said of the mix

MORNING, EVENING, LEVEL = [1.0, 1.0, 3.0, 3.0], [3.0, 3.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]


def opposite(**others: list[float]) -> xr.DataArray:
    """Homes of one half of the day, offices and malls of the other, hotels level, unless said otherwise."""
    given_loads = {name: MORNING if name in HOMES else LEVEL if name in HOTELS else EVENING for name in CLUSTERS}
    return by_cluster(given_loads | others)


def ground(**shares: float) -> xr.DataArray:
    return by_cluster(shares or {"x1": 0.45, "x7": 0.45, "x8": 0.1})


def searches(*gaps: float, stable: tuple[int, ...] = (60,), closer: tuple[int, ...] = (60,)) -> xr.Dataset:
    """Return what the claims and statements read of the searches."""
    return xr.Dataset(
        {
            "gap": ("seed", list(gaps or (0.0,))),
            "public_share": ("search", [0.41, 0.46]),
            "stable": ("run", list(stable)),
            "stable_closer": ("closer", list(closer)),
        }
    )


def test_statements_that_hold() -> None:
    """A mix of two is level; of the 1:1 mix, which departs by a twelfth, relative to the mean too."""
    assert levelling_results.statements(opposite(), ground(), searches()) == {
        "S-3.2.1-ar-order": (True, True),
        "S-3.2.1-hotel-level": (True, False),  # without hotels the others are level already
        "S-3.2.1-peak": (True, True),
    }


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements without six linear programmes, for tests that look at none of them."""
    monkeypatch.setattr(levelling_results, "hotel_optima", levelling_results.hotel_rates)


EVENINGS = by_cluster({name: [1.0, 1.0, 2.2, 4.0] for name in CLUSTERS})
AFTERNOON = by_cluster({name: [0.5, 0.5, 2.9, 3.0] for name in CLUSTERS})


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("claim", "load", "mix"),
    [
        ("S-3.2.1-ar-order", opposite(), ground(x1=1.0)),  # as every prototype of the morning
        ("S-3.2.1-ar-order", opposite(x9=LEVEL), ground()),
        ("S-3.2.1-hotel-level", opposite(x8=[8.0, 0.0, 0.0, 0.0]), ground()),
        ("S-3.2.1-peak", opposite(), ground(x1=0.9, x8=0.1)),  # a higher peak
        ("S-3.2.1-peak", opposite(x6=[0.1] * 4), ground(x6=0.9, x8=0.1)),  # a lower peak over lower valleys
        # a lower peak, and more than before only in an hour that was no valley
        ("S-3.2.1-peak", EVENINGS.where(EVENINGS["cluster"] != "x6", AFTERNOON), ground(x6=0.9, x8=0.1)),
    ],
)
def test_statements_can_be_false(claim: str, load: xr.DataArray, mix: xr.DataArray) -> None:
    assert levelling_results.statements(load, mix, searches())[claim][0] is False


@pytest.mark.usefixtures("quick")
def test_statements_by_the_other_definition() -> None:
    """The median search may lie above a prototype that the optimum is below; a small level mix is level for itself."""
    thin = ground(x1=0.5, x7=0.3, x8=0.2)  # departs by 0.4 / 8
    found = levelling_results.statements(opposite(), thin, searches(0.0, 10.0, 10.0))
    assert found["S-3.2.1-ar-order"] == (True, False)
    assert levelling_results.statements(opposite(), thin, searches(0.0, 0.0, 10.0))["S-3.2.1-ar-order"] == (True, True)
    small = levelling_results.statements(opposite(x6=[0.1] * 4), ground(x6=0.9, x8=0.1), searches())
    assert small["S-3.2.1-peak"] == (False, True)


def test_hotels_at_the_least_rates() -> None:
    """All others are of the evening, so that each tenth of level hotels levels the best mix too."""
    apart = opposite(**dict.fromkeys(HOMES, EVENING))
    assert levelling_results.statements(apart, ground(x8=1.0), searches())["S-3.2.1-hotel-level"] == (True, True)


@pytest.mark.usefixtures("quick")
def test_hotels_do_not_count_in_the_order() -> None:
    assert float(proportions.levelisation_rate(opposite()).sel(cluster="x8")) == 0
    thin = ground(x1=0.5, x7=0.4, x8=0.1)
    assert float(proportions.levelisation_rate(proportions.mixed(opposite(), thin))) > 0
    assert levelling_results.statements(opposite(), thin, searches())["S-3.2.1-ar-order"] == (True, True)


def test_hotel_rates_by_hand() -> None:
    """Six clusters of the morning and four of the evening depart by a tenth; hotels thin that out."""
    rates = levelling_results.hotel_rates(opposite(), [0.0, 0.1, 0.5, 1.0])
    assert rates["hotel_share"].to_numpy().tolist() == [0.0, 0.1, 0.5, 1.0]
    np.testing.assert_allclose(rates, [0.1, 0.09, 0.05, 0.0], atol=1e-12)


def test_least_rates_over_the_hotel_share(load: xr.DataArray, optimum: xr.Dataset) -> None:
    exactly, equally = (
        levelling_results.hotel_optima(load, [0.0, 0.1, 0.3]),
        levelling_results.hotel_rates(load, [0.0, 0.1, 0.3]),
    )
    assert (exactly < equally).all()
    assert float(exactly.sel(hotel_share=0.1)) <= float(optimum["rate"]) + 1e-9, "the split between them is free here"
    level = levelling_results.hotel_optima(opposite(), [0.0, 0.2])
    np.testing.assert_allclose(level, 0, atol=1e-9)


def test_statements_on_the_loads(load: xr.DataArray, optimum: xr.Dataset, runs: xr.Dataset) -> None:
    found = levelling_results.statements(load, optimum["shares"], runs)
    assert {claim: holds for claim, (holds, _) in found.items()} == {
        "S-3.2.1-ar-order": True,
        "S-3.2.1-hotel-level": False,
        "S-3.2.1-peak": False,
    }
    assert found["S-3.2.1-ar-order"][1] is True


def test_day_mixes(load: xr.DataArray, optimum: xr.Dataset) -> None:
    mixes = levelling_results.day_mixes(load, optimum["shares"])
    np.testing.assert_allclose(mixes.sel(mix="1:1"), load.mean("cluster"), rtol=1e-12)
    np.testing.assert_allclose(mixes.sel(mix="optimised"), (load * optimum["shares"]).sum("cluster"), rtol=1e-12)
    assert mixes.attrs["units"] == "kW"


def test_mix_table(load: xr.DataArray, optimum: xr.Dataset, runs: xr.Dataset) -> None:
    table = levelling_results.mix_table(optimum, runs, load).set_index("cluster")
    assert table["function"].to_dict() == CLUSTERS
    assert table["exact [%]"].sum() == pytest.approx(100)
    assert table.loc[HOTELS, "search, median [%]"].tolist() == pytest.approx([5, 5])
    x10 = 100 * runs["shares"].sel(cluster="x10")
    columns = [f"search, {name} [%]" for name in ("median", "least", "greatest")]
    assert table.loc["x10", columns].tolist() == pytest.approx([np.median(x10), float(x10.min()), float(x10.max())])
    x7 = load.sel(cluster="x7").to_numpy()
    assert table.loc["x7", "its own AR"] == pytest.approx(np.abs(x7 - x7.mean()).sum() / x7.sum())


def test_rates_table(load: xr.DataArray, optimum: xr.Dataset, runs: xr.Dataset) -> None:
    table = levelling_results.rates_table(optimum, runs, load).set_index("load")
    assert table.index.tolist() == [
        "1:1 mix", "optimum", "search, median", *(f"{name} {function}" for name, function in CLUSTERS.items()),
    ]  # fmt: skip
    best = float(optimum["rate"])
    assert table.loc["optimum", "AR"] == best
    assert not table.loc["optimum", "above the optimum"]
    assert table.loc["search, median", "AR"] == pytest.approx(best * (1 + np.median(runs["gap"])))
    equal = load.mean("cluster").to_numpy()
    assert table.loc["1:1 mix", "AR"] == pytest.approx(np.abs(equal - equal.mean()).sum() / equal.sum())
    assert table.drop(index="optimum")["above the optimum"].all()


@pytest.mark.slow
def test_public_shares_of_the_scenarios(
    simulated: tuple[xr.Dataset, xr.Dataset], study: xr.Dataset, scenarios: dict[str, Scenario], knobs: Knobs
) -> None:
    names = [CENTRAL, "hotel split: all x8", "area reading: floor area", "load scale carries: every cluster"]
    chosen = {name: scenarios[name] for name in names}
    scaled = dict.fromkeys(names, knobs) | {names[3]: Knobs(2 * knobs.load_scale, knobs.vehicle_energy)}
    table = levelling_results.public_shares(chosen, *simulated, study, scaled).set_index("scenario")
    assert table.index.tolist() == names
    assert table.loc[CENTRAL, "least AR"] == pytest.approx(0.3040479, abs=1e-6)
    assert table.loc[CENTRAL, "public share [%]"] == pytest.approx(42.995, abs=0.01)
    assert table.loc[CENTRAL, "prototypes in it"] == 4
    assert table.loc["area reading: floor area", "least AR"] == pytest.approx(0.318933, abs=1e-6)
    assert table.loc[names[3], "least AR"] != pytest.approx(0.3040479, abs=1e-4), "homes weigh less"


# ---- penetration


def test_energies_by_hand(
    energy: xr.Dataset, series: xr.Dataset, study: xr.Dataset, central: Scenario, knobs: Knobs
) -> None:
    use = series["demand"].sel(cluster="x1")
    electricity = knobs.load_scale * use.sel(use=USES).sum("use")
    at = energy.sel(cluster="x1")
    np.testing.assert_allclose(at["electricity"], electricity, rtol=1e-12)
    np.testing.assert_allclose(at["heat"], use.sel(use="heating"), rtol=1e-12)
    np.testing.assert_allclose(at["photovoltaics"], series["photovoltaics"].sel(cluster="x1"), rtol=1e-12)
    assert float(at["ground_heat"]) == pytest.approx(66_000 * 49.3 / 1000, rel=1e-5)
    np.testing.assert_allclose(
        energy["electricity"].sel(cluster="x12"), series["demand"].sel(cluster="x12", use=USES).sum("use"), rtol=1e-12
    )

    def other(**choice: Any) -> xr.Dataset:
        return penetration.energies(series, study, replace(central, **choice), knobs.load_scale).sel(cluster="x1")

    cooked = knobs.load_scale * use.sel(use="cooking")
    np.testing.assert_allclose(other(cooking="electricity")["electricity"], electricity + cooked, rtol=1e-12)
    pumped = np.minimum(use.sel(use="heating"), at["ground_heat"]) / 3.5
    assert float(pumped.min()) > 0
    np.testing.assert_allclose(other(heat_pump_electricity=True)["electricity"], electricity + pumped, rtol=1e-12)
    used = other(penetration_photovoltaics="used at once")["photovoltaics"]
    np.testing.assert_allclose(used, np.minimum(series["photovoltaics"].sel(cluster="x1"), electricity), rtol=1e-12)
    assert other(borehole_heat=60.0)["ground_heat"] == pytest.approx(66_000 * 60 / 1000, rel=1e-5)


def test_sun_used_at_once_is_what_is_needed(series: xr.Dataset, study: xr.Dataset, central: Scenario) -> None:
    sunny = series.assign(photovoltaics=series["photovoltaics"] * 0 + 1e6)
    chosen = replace(central, penetration_photovoltaics="used at once")
    found = penetration.energies(sunny, study, chosen, 1.0)
    np.testing.assert_array_equal(found["photovoltaics"], found["electricity"])
    assert float(penetration.energies(sunny, study, central, 1.0)["photovoltaics"].min()) == 1e6


def test_the_front_falls(fronts: dict[str, xr.Dataset], energy: xr.Dataset) -> None:
    for name, pooled in penetration.SHARINGS.items():
        front = fronts[name]
        assert (front["penetration"].diff("public_share") < 0).all()
        np.testing.assert_allclose(front["shares"].sum("cluster"), 1, rtol=1e-9)
        public = front["shares"].sel(cluster=PUBLIC).sum("cluster")
        assert (public >= front["public_share"] - 1e-9).all()
        attained = proportions.penetration(front["shares"], *penetration.arrays(energy), pooled=pooled)
        np.testing.assert_allclose(attained, front["penetration"], rtol=1e-7)


def test_sharing_pumps_never_hurts(fronts: dict[str, xr.Dataset]) -> None:
    gain = fronts["pooled"]["penetration"] - fronts["own ground"]["penetration"]
    assert (gain >= -1e-9).all()
    assert float(gain.sel(public_share=0.3)) > 0.05
    assert float(gain.sel(public_share=0.0)) == pytest.approx(0, abs=1e-9), "x3 has ground enough for itself"


def test_penetration_at_the_printed_share(fronts: dict[str, xr.Dataset], energy: xr.Dataset, study: xr.Dataset) -> None:
    found = {name: penetration.at_printed_share(energy, study, pooled) for name, pooled in penetration.SHARINGS.items()}
    assert found["own ground"] == pytest.approx(62.433, abs=0.005)
    assert found["pooled"] == pytest.approx(68.167, abs=0.005)
    for name, value in found.items():
        assert value == pytest.approx(100 * float(fronts[name]["penetration"].sel(public_share=0.3)), rel=1e-9)
    # By hand: 70 % x4 and 30 % x12, the sun and what their own ground gives over all they consume.
    at = {name: energy.sel(cluster=name) for name in ("x4", "x12")}
    weight = {"x4": 0.7, "x12": 0.3}
    renewable = sum(
        weight[name] * float(e["photovoltaics"].sum() + np.minimum(e["heat"], e["ground_heat"]).sum())
        for name, e in at.items()
    )
    consumed = sum(weight[name] * float(e["electricity"].sum() + e["heat"].sum()) for name, e in at.items())
    assert found["own ground"] == pytest.approx(100 * renewable / consumed, rel=1e-9)


def test_no_mix_is_more_renewable(energy: xr.Dataset, fronts: dict[str, xr.Dataset], dense: xr.Dataset) -> None:
    drawn = np.random.default_rng(5).dirichlet(np.full(12, 0.3), 4000)
    mixes = xr.DataArray(drawn, dims=("mix", "cluster"), coords={"cluster": list(CLUSTERS)})
    public = mixes.sel(cluster=PUBLIC).sum("cluster")
    for name, pooled in penetration.SHARINGS.items():
        found = proportions.penetration(mixes, *penetration.arrays(energy), pooled=pooled)
        below = np.floor(public * 10 + 1e-12) / 10
        assert (found <= fronts[name]["penetration"].sel(public_share=below, method="nearest") + 1e-9).all()
    own = proportions.penetration(mixes, *penetration.arrays(energy), pooled=False)
    assert (own <= np.interp(public, dense["public_share"], dense["penetration"]) + 1e-5).all()


def test_own_ground_agrees_with_the_closed_form(energy: xr.Dataset, fronts: dict[str, xr.Dataset]) -> None:
    own = fronts["own ground"]
    assert penetration.agrees_with_pairs(energy, own) is True
    assert penetration.agrees_with_pairs(energy, fronts["pooled"]) is False
    off = own.assign(penetration=own["penetration"] + xr.where(own["public_share"] == 0.5, 1e-8, 0.0))
    assert penetration.agrees_with_pairs(energy, off) is False
    assert penetration.agrees_with_pairs(energy, off, tolerance=1e-7) is True


def test_more_public_than_asked_for_where_that_is_better(energy: xr.Dataset) -> None:
    """With the sun on public roofs the least share does not bind: all is public, at every level."""
    sunny = energy.assign(photovoltaics=energy["photovoltaics"] * xr.where(penetration.is_public(energy), 50.0, 1.0))
    front = penetration.exact_front(sunny, [0.0, 0.4], pooled=False)
    assert float(front["penetration"].diff("public_share").item()) == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(front["shares"].sel(cluster=PUBLIC).sum("cluster"), 1, rtol=1e-9)
    assert penetration.agrees_with_pairs(sunny, front) is True


def test_slope_of_the_front(energy: xr.Dataset, fronts: dict[str, xr.Dataset]) -> None:
    """With at least a share penetration cannot rise; at exactly a share it does where public buildings are better."""
    assert penetration.slope(energy, fronts["own ground"]) == (True, True)
    flat = fronts["own ground"].assign(penetration=fronts["own ground"]["penetration"].clip(max=0.6))
    assert penetration.slope(energy, flat) == (True, False)
    sunny = energy.assign(photovoltaics=energy["photovoltaics"] * xr.where(penetration.is_public(energy), 50.0, 1.0))
    assert penetration.slope(sunny, fronts["own ground"]) == (False, True)
    at = penetration.at_exactly(energy, xr.DataArray([0.3, 1.0], dims="public_share"))
    x12 = energy.sel(cluster="x12")
    renewable = x12["photovoltaics"] + np.minimum(x12["heat"], x12["ground_heat"])
    assert float(at[1]) == pytest.approx(float(renewable.sum() / (x12["electricity"] + x12["heat"]).sum()))
    assert float(at[0]) == pytest.approx(0.62433, abs=5e-5)


def test_prototypes_are_weighted_by_k(energy: xr.Dataset) -> None:
    table = penetration.prototype_table(energy).set_index("cluster")
    assert table["function"].to_dict() == CLUSTERS
    weight = table["electricity's weight K"]
    identity = weight * table["photovoltaics over electricity [%]"] + (1 - weight) * table["ground heat over heat [%]"]
    np.testing.assert_allclose(identity, table["penetration [%]"], rtol=1e-12)
    x7 = energy.sel(cluster="x7")
    electricity, heat = float(x7["electricity"].sum()), float(x7["heat"].sum())
    assert weight["x7"] == pytest.approx(electricity / (electricity + heat))
    assert table.loc["x7", "photovoltaics over electricity [%]"] == pytest.approx(
        100 * float(x7["photovoltaics"].sum()) / electricity
    )
    pumped = float(np.minimum(x7["heat"], x7["ground_heat"]).sum())
    assert table.loc["x7", "ground heat over heat [%]"] == pytest.approx(100 * pumped / heat)
    assert table["penetration [%]"].idxmax() == "x3"


def test_front_table(fronts: dict[str, xr.Dataset]) -> None:
    table = penetration.front_table(fronts["own ground"], [0.0, 0.3]).set_index("public share at least [%]")
    assert table.index.tolist() == [0, 30]
    assert table["made of"].tolist() == ["100.0 % x3", "70.0 % x4, 30.0 % x12"]
    assert table.loc[30, "penetration [%]"] == pytest.approx(62.433, abs=0.005)


# ---- NSGA-II


@pytest.mark.parametrize("pooled", [False, True])
def test_the_search_poses_both_objectives(energy: xr.Dataset, pooled: bool) -> None:
    problem = penetration.search_problem(energy, pooled)
    assert problem.lower.tolist() == [0.0] * 12
    assert problem.upper.tolist() == [1.0] * 12
    genotype = np.random.default_rng(1).random((20, 12))
    shares = np.asarray(problem.decode(genotype))
    np.testing.assert_allclose(shares, genotype / genotype.sum(axis=1, keepdims=True), rtol=1e-12)
    mixes = xr.DataArray(shares, dims=("mix", "cluster"), coords={"cluster": list(CLUSTERS)})
    found = -np.asarray(problem.objectives(shares))
    np.testing.assert_allclose(
        found[:, 0], proportions.penetration(mixes, *penetration.arrays(energy), pooled=pooled), rtol=1e-10
    )
    np.testing.assert_allclose(found[:, 1], mixes.sel(cluster=PUBLIC).sum("cluster"), rtol=1e-10)


def test_nsga_ii_beside_the_exact_front(searched: Searched, energy: xr.Dataset) -> None:
    """The published settings do not reach 98 % of the exact hypervolume: the numbers as they are."""
    table = searched.runs
    assert table["seed"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(table["hypervolume ratio"], [0.944, 0.918, 0.917], atol=0.003)
    assert (table["hypervolume ratio"] < 0.98).all()
    assert (table["hypervolume ratio"] <= table["of all evaluated"]).all()
    assert (table["of all evaluated"] <= 1).all()
    assert (table["largest excess over the front"] <= 1e-6).all()
    assert (table["points"] <= 40).all()
    points = searched.points
    assert points.sizes["point"] == table["points"].iloc[0]
    ordered = points.sortby("public_share")
    assert (ordered["penetration"].diff("point") < 0).all(), "none of them dominates another"
    assert float(points["penetration"].max()) <= penetration.prototype_table(energy)["penetration [%]"].max() / 100


def test_courses_rise_to_what_was_evaluated(searched: Searched) -> None:
    course = searched.course
    assert course.dims == ("seed", "generation")
    assert course["generation"].to_numpy()[[0, -1]].tolist() == [1, 200]
    assert float(course.diff("generation").min()) >= -1e-12
    np.testing.assert_allclose(course.isel(generation=-1), searched.runs["of all evaluated"], rtol=1e-12)
    stable = [levelling.stable_from(course.sel(seed=seed).to_numpy()) for seed in (1, 2, 3)]
    assert searched.runs["stable from generation"].tolist() == stable
    closer = [levelling.stable_from(course.sel(seed=seed).to_numpy(), 0.01) for seed in (1, 2, 3)]
    assert searched.runs["stable within 1 % from"].tolist() == closer


def test_points_above_the_front_would_be_seen(energy: xr.Dataset, dense: xr.Dataset) -> None:
    pytest.importorskip("geatpy")
    low = dense.assign(penetration=dense["penetration"] - 0.1)
    table = penetration.evolve(energy, False, low, replace(FRONT, generations=30), [1]).runs
    assert 0.02 < table["largest excess over the front"].item() < 0.1


def test_fine_front_follows_the_levels() -> None:
    front = xr.Dataset({"penetration": ("public_share", [0.8, 0.4, 0.3])}, coords={"public_share": [0.0, 0.5, 1.0]})
    found = -penetration.fine_front(front)
    assert found.shape == (penetration.FINE, 2)
    at = {round(share, 4): value for value, share in found}
    assert [at[0.0], at[0.25], at[0.5], at[1.0]] == pytest.approx([0.8, 0.6, 0.4, 0.3])


def test_settings_of_nsga_ii(
    energy: xr.Dataset, dense: xr.Dataset, searched: Searched, protocol: StudyProtocol
) -> None:
    assert penetration.settings_tried(FRONT, protocol) == {
        "as given": FRONT,
        "population 80": replace(FRONT, population=80),
        "generations 800": replace(FRONT, generations=800),
        "crossover probability 0.9": replace(FRONT, crossover=0.9),
        "mutation probability 0.1": replace(FRONT, mutation=0.1),
        "population 100": replace(FRONT, population=100),
        "population 100, mutation 0.1": replace(FRONT, population=100, mutation=0.1),
    }
    tried = {"as given": FRONT, "one generation": replace(FRONT, generations=1)}
    table = penetration.settings_table(energy, False, dense, tried, [1, 2]).set_index("settings")
    assert table.index.tolist() == [*tried, "40 points on the front"]
    ratio = searched.runs["hypervolume ratio"].iloc[:2]
    row = table.loc["as given"]
    assert [row["least ratio"], row["median ratio"]] == pytest.approx([ratio.min(), ratio.mean()])
    assert row["evaluations"] == 8000
    assert [row["seeds at 0.98 or more"], row["seeds"]] == [0, 2]
    assert table.loc["one generation", "least ratio"] < row["least ratio"] - 0.1, "a random population is not there"
    best = table.loc["40 points on the front", "least ratio"]
    assert row["least ratio"] < best < 1
    # Each of 39 steps of width w and height h loses about w h / 2 of the normalised rectangle under the front.
    assert best == pytest.approx(1 - 0.5 / 39 / _hypervolume(dense), abs=0.003)


def _hypervolume(front: xr.Dataset) -> float:
    """Return the area under a front normalised to its extents, with the reference a tenth beyond either end."""
    value = front["penetration"]
    normalised = (value - value.min()) / (value.max() - value.min())
    return float(normalised.integrate("public_share")) + 0.1 + 0.1 + 0.01


def test_searches_are_shown_together(searched: Searched) -> None:
    table = penetration.seeds_table({"own ground": searched, "pooled": searched})
    assert table["heat pumps, seed"].tolist() == [
        f"{name}, {i}" for name in ("own ground", "pooled") for i in (1, 2, 3)
    ]
    assert table["points"].tolist() == searched.runs["points"].tolist() * 2
    found = penetration.courses({"own ground": searched, "pooled": searched})["hypervolume"]
    assert found.sizes == {"sharing": 2, "seed": 3, "generation": 200}
    np.testing.assert_array_equal(found.sel(sharing="pooled"), searched.course)


@pytest.mark.slow
def test_penetrations_of_the_scenarios(
    simulated: tuple[xr.Dataset, xr.Dataset], study: xr.Dataset, scenarios: dict[str, Scenario], knobs: Knobs
) -> None:
    names = [CENTRAL, "heat pump sharing: pooled", "penetration period: year",
             "penetration photovoltaics: used at once", "roof coverage: 0.7", "borehole heat: 40.0"]  # fmt: skip
    chosen = {name: scenarios[name] for name in names}
    table = penetration.penetrations(chosen, *simulated, study, dict.fromkeys(names, knobs)).set_index("scenario")
    found = table[AT_PRINTED]
    assert found.index.tolist() == names
    assert found[CENTRAL] == pytest.approx(62.433, abs=0.005)
    assert found["heat pump sharing: pooled"] == pytest.approx(68.167, abs=0.005)
    assert found["penetration photovoltaics: used at once"] <= found[CENTRAL] < found["roof coverage: 0.7"]
    assert found["borehole heat: 40.0"] < found[CENTRAL]
    year = simulated[0]
    scale = xr.where(year["cluster"].isin(HOMES), knobs.load_scale, 1.0)
    heat, used = year["demand"].sel(use="heating"), year["demand"].sel(use=USES).sum("use") * scale
    renewable = (year["photovoltaics"] + np.minimum(heat, year["ground_heat"])).sum("hour")
    consumed = (used + heat).sum("hour")
    by_hand = max(
        float(0.3 * renewable.sel(cluster=p) + 0.7 * renewable.sel(cluster=r))
        / float(0.3 * consumed.sel(cluster=p) + 0.7 * consumed.sel(cluster=r))
        for p in PUBLIC
        for r in HOMES
    )
    assert found["penetration period: year"] == pytest.approx(100 * by_hand, rel=1e-7)
    assert found["penetration period: year"] == pytest.approx(49.928, abs=0.01)


def test_the_year_is_that_of_the_loads(
    simulated: tuple[xr.Dataset, xr.Dataset], study: xr.Dataset, central: Scenario, energy: xr.Dataset
) -> None:
    loads = simulated[0]
    found = penetration.energies(penetration.year(loads), study, central, 1.0)
    assert found.sizes["hour"] == 8760
    assert float(found["heat"].sel(cluster="x9").sum()) == pytest.approx(
        float(loads["demand"].sel(cluster="x9", use="heating").sum())
    )
    january = found["heat"].isel(hour=slice(0, 744)).sum("hour") / 31
    np.testing.assert_allclose(january, energy["heat"].sum("hour"), rtol=1e-4)


# ---- the ledger


def sweep_by_hand() -> pd.DataFrame:
    row = {
        "load scale": 0.9,
        "battery per household [kWh]": 0.3,
        "cost before [yuan]": 26457.0,
        "cost after [yuan]": 14556.0,
        "electricity cost saved [%]": 44.98,
        "saving hours hold": True,
        "hot water holds": True,
        "transferable holds": False,
        **{f"{name} by the other definition": False for name in ("saving hours hold", "hot water holds")},
        "transferable holds by the other definition": True,
    }
    others = [
        {"fit 2": "root", "hour 20 before [yuan]": 6400.0, "hour 20 after [yuan]": 3400.0},
        {"fit 2": "root", "hour 20 before [yuan]": 6700.0, "hour 20 after [yuan]": 3300.0},
        {"fit 2": "no root", "hour 20 before [yuan]": 9000.0, "hour 20 after [yuan]": 0.0, "hot water holds": False},
    ]
    return pd.DataFrame([row | other for other in others])


def rules_by_hand() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tie rule": ["earliest", "latest"],
            "saving hours hold": [True, False],
            "hot water holds": [True, True],
            "transferable holds": [False, True],
        }
    )


def public_by_hand(*shares: float) -> pd.DataFrame:
    return pd.DataFrame({"public share [%]": shares})


def nsga_by_hand(stable: int = 40, closer: int = 40) -> pd.DataFrame:
    return pd.DataFrame({"stable from generation": [stable], "stable within 1 % from": [closer]})


HELD = {"S-3.2.1-ar-order": (True, True), "S-3.2.1-hotel-level": (False, True), "S-3.2.1-peak": (True, False)}
AT_30 = pd.DataFrame({AT_PRINTED: [40.0, 46.0, 38.0]})


def optimum_by_hand() -> xr.Dataset:
    return xr.Dataset({"shares": ground(), "rate": 0.0})


def test_every_claim_of_the_sections_has_an_outcome() -> None:
    published = ledger.read_claims(ROOT)
    found = {
        **claims.of_section_3_1(sweep_by_hand(), rules_by_hand()),
        **claims.of_section_3_2_1(optimum_by_hand(), searches(), public_by_hand(30.7), HELD, 60),
        **claims.of_section_3_2_2(nsga_by_hand(), AT_30, (True, True), 40),
    }
    wanted = published["id"][published["id"].str.match(r"S-3\.(1|2\.1|2\.2)-")]
    assert set(found) == set(wanted)
    assert len(wanted) == 18
    rows = ledger.judge(published, found, read_protocol(ROOT), "x", {}).set_index("id")
    assert rows.index.tolist() == wanted.tolist()
    assert rows["verdict"].isin(ledger.VERDICTS).all()
    assert not rows["verdict"].isin(["contradicted", "not attempted", "used as input"]).any()
    missed = rows.index[rows["verdict"] == "missed"].tolist()
    assert missed == ["S-3.1-transferable", "S-3.2.1-hotel-level"]
    assert rows.loc["S-3.2.1-table3", "verdict"] == "nothing printed"


def test_outcomes_of_section_3_1_by_hand() -> None:
    found = claims.of_section_3_1(sweep_by_hand(), rules_by_hand())
    assert found["S-3.1-hour20-before"].value == 6400
    assert found["S-3.1-hour20-before"].band == (6400, 9000)
    assert found["S-3.1-hour20-after"].band == (0, 3400)
    assert "holds 1 scenarios whose second fit has no root" in found["S-3.1-hour20-after"].note
    assert found["S-3.1-saving-hours"].value is True
    assert "earliest yes, latest no; by the other definition no" in found["S-3.1-saving-hours"].note
    assert found["S-3.1-transferable"].value is False
    assert "by the other definition yes; in 0 of 3" in found["S-3.1-transferable"].note
    assert "in 2 of 3 scenarios" in found["S-3.1-hot-water"].note
    weak = {claim for claim, outcome in found.items() if outcome.note.startswith("weak")}
    assert weak == {"S-3.1-saving-hours", "S-3.1-transferable"}, "all rules agree on the hot water"


def test_outcomes_of_section_3_2_1_by_hand() -> None:
    found = claims.of_section_3_2_1(
        optimum_by_hand(), searches(0.001, 0.004), public_by_hand(43.0, 20.0, 55.0), HELD, 60
    )
    assert found["S-3.2.1-public-share"].value == 43
    assert found["S-3.2.1-public-share"].band == (20, 55)
    assert "within 0.4 % of its AR, have 41.0 to 46.0" in found["S-3.2.1-public-share"].note
    assert found["S-3.2.1-residential-share"].value == 57
    assert found["S-3.2.1-residential-share"].band == (45, 80)
    assert found["S-3.2.1-table3"].value is None
    assert found["S-3.2.1-table3"].note.startswith("3 prototypes")
    assert {claim: found[claim].value for claim in HELD} == {claim: holds for claim, (holds, _) in HELD.items()}
    assert found["S-3.2.1-hotel-level"].note.endswith("by the other definition yes")


@pytest.mark.parametrize(
    ("stable", "holds"),
    [((30,), True), ((29,), False), ((90,), True), ((91,), False), ((10, 60, 200), True), ((20, 20, 60), False)],
)
def test_convergence_of_the_genetic_algorithm(stable: tuple[int, ...], holds: bool) -> None:
    """The median of the seeds decides; the narrower band is told and decides nothing."""
    found, other = (
        claims.of_section_3_2_1(optimum_by_hand(), runs, public_by_hand(43.0), HELD, 60)["S-3.2.1-convergence"]
        for runs in (searches(stable=stable, closer=(500,)), searches(stable=(500,), closer=stable))
    )
    assert found.value is holds
    assert f"median {np.median(stable):g}, over {len(stable)} seeds; by the other definition no" in found.note
    assert other.value is False
    assert f"by the other definition {'yes' if holds else 'no'}, median" in other.note


@pytest.mark.parametrize(("stable", "holds"), [(20, True), (19, False), (60, True), (61, False)])
def test_convergence_of_nsga_ii(stable: int, holds: bool) -> None:
    found = claims.of_section_3_2_2(nsga_by_hand(stable, 500), AT_30, (True, True), 40)["S-3.2.2-convergence"]
    assert found.value is holds
    assert "by the other definition no, median 500" in found.note


@pytest.mark.parametrize("slope", [(True, False), (False, True)])
def test_outcomes_of_section_3_2_2_by_hand(slope: tuple[bool, bool]) -> None:
    found = claims.of_section_3_2_2(nsga_by_hand(), AT_30, slope, 40)
    assert found["S-3.2.2-slope"].value is slope[0]
    assert found["S-3.2.2-slope"].note.endswith("yes" if slope[1] else "no")
    assert found["S-3.2.2-peak-penetration"].value == 40
    assert found["S-3.2.2-peak-penetration"].band == (38, 46)


def test_ledger_of_sections_3_2(
    optimum: xr.Dataset,
    runs: xr.Dataset,
    load: xr.DataArray,
    energy: xr.Dataset,
    fronts: dict[str, xr.Dataset],
    searched: Searched,
) -> None:
    held = levelling_results.statements(load, optimum["shares"], runs)
    of_searches = runs.assign(public_share=runs["shares"].sel(cluster=PUBLIC).sum("cluster"))
    slope = penetration.slope(energy, fronts["own ground"])
    found = {
        **claims.of_section_3_2_1(optimum, of_searches, public_by_hand(42.995), held, 60),
        **claims.of_section_3_2_2(searched.runs, pd.DataFrame({AT_PRINTED: [62.433]}), slope, 40),
    }
    rows = ledger.judge(ledger.read_claims(ROOT), found, read_protocol(ROOT), "x", {}).set_index("id")
    assert rows["verdict"].to_dict() == {
        "S-3.2.1-public-share": "missed",
        "S-3.2.1-residential-share": "missed",
        "S-3.2.1-table3": "nothing printed",
        "S-3.2.1-convergence": "reproduced",
        "S-3.2.1-ar-order": "reproduced",
        "S-3.2.1-hotel-level": "missed",
        "S-3.2.1-peak": "missed",
        "S-3.2.2-slope": "reproduced",
        "S-3.2.2-peak-penetration": "missed",
        "S-3.2.2-convergence": "missed",
    }
