"""Both objectives: exact optima, differential evolution that reaches them, and the front between them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bcopt.methods import search
from bcopt.models import mix
from bcopt.studies.energyeng2023 import coefficients, figures, optimisation
from bcopt.studies.energyeng2023.inputs import HEAT_PUMP, SOLAR_HOT_WATER, TECHNOLOGIES, WIND

SEEDS = range(1, 21)
INACTIVE = ("zero and target", "half and twice the published energies")


@pytest.fixture(scope="module")
def settings(eco):
    c = eco.choices
    return search.Settings(c["population"], c["generations"], c["crossover_rate"], c["differential_weight"], seed=0)


class TestRegion:
    @pytest.mark.parametrize("inactive", INACTIVE)
    @pytest.mark.parametrize("reading", optimisation.ACTIVE)
    def test_both_plans_against_the_bounds(self, eco, reading, inactive):
        where = optimisation.region(eco.energy, reading, inactive)
        assert where.total == pytest.approx(eco.target, rel=1e-14)
        assert bool(((where.lower <= eco.optimum) & (eco.optimum <= where.upper)).all())
        assert where.rest not in optimisation.ACTIVE[reading]
        for technology, end in optimisation.ACTIVE[reading].items():
            bound = where.lower if end == "lower" else where.upper
            assert float(bound.sel(technology=technology)) == float(eco.optimum.sel(technology=technology))

    @pytest.mark.parametrize(
        ("reading", "lower", "upper"),
        [("a", [0, 0, 0, 0], [35.6, 176, 176, 135.8]), ("b", [0, 4.6, 0, 0], [176, 176, 176, 135.8]),
         ("c", [0, 4.6, 0, 0], [35.6, 176, 176, 176])],
    )  # fmt: skip
    def test_widest_box_in_million_mj(self, eco, reading, lower, upper):
        where = optimisation.region(eco.energy, reading)
        assert (where.lower / 1e6).values == pytest.approx(lower, abs=0.05)
        assert (where.upper / 1e6).values == pytest.approx(upper, abs=0.05)

    def test_narrow_box_by_hand(self, eco):
        """Half the smaller and twice the larger of both plans, no more than the target, but for the active bounds."""
        where = optimisation.region(eco.energy, "c", INACTIVE[1])
        assert (where.lower / 1e6).values == pytest.approx([20.35 / 2, 4.637, 0, 131.7 / 2], abs=0.005)
        assert (where.upper / 1e6).values == pytest.approx([35.61, 2 * 15.565, 2 * 8.381, 176], abs=0.005)

    def test_inputs_are_left_alone(self, eco):
        before = eco.energy.copy(deep=True)
        optimisation.region(eco.energy, "a", INACTIVE[1])
        xr.testing.assert_identical(eco.energy, before)

    @pytest.mark.parametrize(
        ("arguments", "message"), [(("d",), "reading must be one of a, b, c, got 'd'"), (("a", "none"), "'none'")]
    )
    def test_refused(self, eco, arguments, message):
        with pytest.raises(ValueError, match=message):
            optimisation.region(eco.energy, *arguments)


class TestExact:
    def test_three_answers_agree_on_the_published_mix(self, eco):
        found = optimisation.linear_programmes(eco.point, eco.where)
        assert found["disagreement"].max() <= 1e-9
        assert found["tied"].values.tolist() == [0, 0]
        for objective in optimisation.OBJECTIVES:
            assert found["energy"].sel(objective=objective).values == pytest.approx(
                eco.optimum.values, abs=1e-9 * eco.target
            )
        assert found["value"].values == pytest.approx([2_834_116.92, 556_299_180.0], rel=1e-9)

    def test_readings(self, eco):
        table = optimisation.readings_table(
            eco.energy, lambda r: coefficients.reference(eco.inputs, eco.energy, r, 0.02)
        )
        assert table["technologies tied"].tolist() == [0] * 6
        assert table["value"].tolist() == pytest.approx([2_834_116.92, 556_299.18] * 3, rel=1e-9)
        assert table[f"{HEAT_PUMP} [%]"].tolist() == pytest.approx([0] * 6, abs=1e-9)
        assert table[f"{WIND} [%]"].tolist() == pytest.approx([77.13] * 6, abs=0.005)


class TestEvolution:
    @pytest.mark.slow
    def test_elimination_reaches_the_optimum_from_every_seed(self, eco, settings):
        pytest.importorskip("geatpy")
        found = optimisation.evolve(eco.point, eco.where, settings, SEEDS, "elimination")
        assert float(abs(found["gap"]).max()) <= 1e-9
        assert (found["evaluations"] == 8_000).all()
        assert bool((found["best"].diff("generation") <= 0).all())
        assert bool((found["mean"] >= found["best"] * (1 - 1e-12)).all())
        assert found["energy"].sum("technology").values == pytest.approx(np.full((2, 20), eco.target), rel=1e-12)
        assert found["energy"].values == pytest.approx(
            np.broadcast_to(eco.optimum.values, (2, 20, 4)), abs=1e-6 * eco.target
        )
        table = optimisation.gap_table({"elimination": found})
        assert table["within 1e-09"].tolist() == [20, 20]
        assert table["feasible"].tolist() == [20, 20]

    @pytest.mark.slow
    def test_and_by_another_engine(self, eco, settings):
        """pymoo, with half the population and fewer generations: a quarter of the evaluations."""
        smaller = search.Settings(20, 100, settings.crossover, settings.mutation, seed=0, engine="pymoo")
        found = optimisation.evolve(eco.point, eco.where, smaller, SEEDS, "elimination")
        assert float(abs(found["gap"]).max()) <= 1e-9

    def test_repair_does_as_well(self, eco, settings):
        pytest.importorskip("geatpy")
        found = optimisation.evolve(eco.point, eco.where, settings, range(1, 6), "repair")
        assert float(abs(found["gap"]).max()) <= 1e-9

    @pytest.mark.slow
    def test_naive_tolerance_does_not(self, eco, settings):
        """No seed comes within 1e-9, and more than one in five ends up percents away, twice the optimum and beyond."""
        pytest.importorskip("geatpy")
        found = optimisation.evolve(eco.point, eco.where, settings, SEEDS, "tolerance")
        gap = found["gap"]
        for objective in optimisation.OBJECTIVES:
            at = abs(gap.sel(objective=objective))
            assert int((at <= 1e-9).sum()) == 0
            assert int((at > 0.01).sum()) >= 5
            assert float(gap.sel(objective=objective).min()) >= -1e-5  # the tolerance sells a little below the optimum
        balance = abs(found["energy"].sum("technology") / eco.target - 1)
        assert float(balance.where(np.isfinite(gap)).max()) <= optimisation.TOLERANCE * (1 + 1e-9)

    def test_same_seed_same_run(self, eco, settings):
        pytest.importorskip("geatpy")
        short = search.Settings(10, 5, settings.crossover, settings.mutation, seed=0)
        runs = [optimisation.evolve(eco.point, eco.where, short, [s], "elimination") for s in (3, 3, 4)]
        xr.testing.assert_identical(runs[0], runs[1])
        assert not np.array_equal(runs[0]["energy"], runs[2]["energy"])

    @pytest.mark.parametrize("handling", optimisation.HANDLINGS)
    def test_constraints_by_hand(self, eco, handling):
        """The published mix is feasible; wind beyond its bound is a violation where elimination cannot exclude it."""
        problem = optimisation.search_problem([eco.point["cost"], eco.point["carbon"]], eco.where, handling)
        full = eco.optimum.to_numpy()[None]
        rest = TECHNOLOGIES.index(eco.where.rest)
        genotype = np.delete(full, rest, axis=1) if handling == "elimination" else full
        mixes = genotype if problem.decode is None else problem.decode(genotype)
        assert mixes == pytest.approx(full)
        assert problem.objectives(mixes) == pytest.approx(np.array([[2_834_116.92, 556_299_180.0]]))
        if problem.violations is not None:
            assert (problem.violations(mixes) <= 1e-15).all()
            assert (problem.violations(full + np.array([0, 0, 0, eco.target])) > 0).any()

    def test_unknown_handling(self, eco):
        with pytest.raises(ValueError, match="must be one of elimination, repair, tolerance, got 'hope'"):
            optimisation.search_problem([eco.point["cost"]], eco.where, "hope")


class TestFront:
    def test_none_at_the_reference_point(self, eco):
        """The claim is imposed there: one mix minimises both."""
        found = optimisation.exact_front(eco.point, eco.where)
        assert found.sizes["vertex"] == 1
        assert float(found["cost"][0]) == pytest.approx(2_834_116.92)
        assert float(found["carbon"][0]) == pytest.approx(556_299.18)

    def test_at_the_prior_medians_hot_water_is_cheaper_and_wind_cleaner(self, eco):
        """Two vertices; the way between them pays from (0.0165 - 0.0136) / (4.7 - 3.06) USD/g, 1768 USD/t."""
        found = optimisation.exact_front(eco.medians, eco.where)
        share = found["energy"] / eco.target
        assert share.sel(technology=SOLAR_HOT_WATER).values == pytest.approx([0.20232829, 0], abs=1e-8)
        assert share.sel(technology=WIND).values == pytest.approx([0.77132688, 0.97365517], abs=1e-8)
        assert float(found["carbon_price"][0]) == pytest.approx((0.0165 - 0.0136) / (4.7 - 3.06) * 1e6)
        assert np.isnan(found["carbon_price"][1])
        assert found["carbon"][0] - found["carbon"][1] == pytest.approx((4.7 - 3.06) * 35_609_779.2 / 1000)

    @pytest.mark.parametrize("quantity", optimisation.OBJECTIVES)
    def test_carbon_price_makes_the_switch(self, eco, quantity):
        """A little below the price the cheapest mix is the first vertex, a little above the last."""
        found = optimisation.exact_front(eco.medians, eco.where)
        price = float(found["carbon_price"][0]) / 1e6
        factor = 0.999 if quantity == "cost" else 1.001
        both = eco.medians["cost"] + factor * price * eco.medians["carbon"]
        best = mix.cheapest_mix(both, eco.where.lower, eco.where.upper, eco.where.total)
        assert best.values == pytest.approx(found["energy"][0 if quantity == "cost" else -1].values)

    def test_nsga2_stays_on_the_right_side(self, eco):
        pytest.importorskip("geatpy")
        points, table = optimisation.evolve_front(
            eco.medians, eco.where, search.Settings(40, 60, 0.9, 0.25, seed=0), [1, 2]
        )
        assert table["seed"].tolist() == [1, 2]
        assert (table["largest excess below the front"] <= 1e-9).all()
        assert (table["hypervolume ratio"] <= 1 + 1e-9).all()
        assert (table["hypervolume ratio"] > 0.9).all()
        assert points.sizes["point"] == table["points"][0]


@pytest.mark.parametrize(("reading", "vertices"), [("a", 1), ("b", 2), ("c", 2)])
def test_front_under_every_reading(eco, reading, vertices):
    """Under reading a one mix is cheapest and cleanest at the prior medians: the front is a single vertex."""
    where = optimisation.region(eco.energy, reading)
    front = optimisation.exact_front(eco.medians, where)
    settings = search.Settings(40, 60, 0.9, 0.25, 1, "pymoo")
    points, table = optimisation.evolve_front(eco.medians, where, settings, [1])
    assert front.sizes["vertex"] == vertices
    assert len(optimisation.front_table(front)) == vertices
    assert 0.5 < table["hypervolume ratio"].iloc[0] <= 1 + 1e-9
    assert figures.front(front, points).axes
