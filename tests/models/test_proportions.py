"""Proportions of prototypes: optima by hand, random mixes and grids that may not beat them, closed form against LP."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bcopt.methods import solver
from bcopt.models import proportions

LABELS = [f"x{k + 1}" for k in range(12)]


def by_cluster(values, dtype=float):
    return xr.DataArray(np.asarray(values, dtype), dims="cluster", coords={"cluster": LABELS[: len(values)]})


def hourly(values):
    values = np.asarray(values, float)
    coords = {"cluster": LABELS[: len(values)], "hour": np.arange(1, values.shape[1] + 1)}
    return xr.DataArray(values, dims=("cluster", "hour"), coords=coords)


def free(size):
    return by_cluster([0.0] * size), by_cluster([1.0] * size)


def population(size, number, seed=0, concentration=1.0):
    values = np.random.default_rng(seed).dirichlet(np.full(size, concentration), number)
    return xr.DataArray(values, dims=("individual", "cluster"), coords={"cluster": LABELS[:size]})


def grid(size, steps):
    """All mixes of two or three clusters in steps of 1 / steps."""
    counts = np.stack(np.meshgrid(*[np.arange(steps + 1)] * (size - 1), indexing="ij"), -1).reshape(-1, size - 1)
    counts = counts[counts.sum(axis=1) <= steps]
    values = np.column_stack([counts, steps - counts.sum(axis=1)]) / steps
    return xr.DataArray(values, dims=("individual", "cluster"), coords={"cluster": LABELS[:size]})


def rate(load, shares):
    return proportions.levelisation_rate(proportions.mixed(load, shares))


def least_rate(load, lower=None, upper=None):
    """Return the optimum and its mix, having checked that the mix is one, within its bounds and of that rate."""
    size = load.sizes["cluster"]
    lower, upper = free(size)[0] if lower is None else lower, free(size)[1] if upper is None else upper
    model = proportions.levelling_model(load, lower, upper)
    objective = solver.solve(model).objective
    shares = proportions.shares(model.solution)
    assert shares.dims == ("cluster",)
    assert float(shares.sum()) == pytest.approx(1, abs=1e-9)
    assert bool((shares >= lower - 1e-8).all() & (shares <= upper + 1e-8).all())
    assert float(rate(load, shares)) == pytest.approx(objective, abs=1e-7)
    return objective, shares


@st.composite
def loads(draw, negative=False):
    size, hours = draw(st.integers(2, 5)), draw(st.integers(2, 8))
    least = -5 if negative else 0
    values = draw(st.lists(st.integers(least, 20), min_size=size * hours, max_size=size * hours))
    load = hourly(np.reshape(values, (size, hours)))
    assume(bool((load.sum("hour") > 0).all()))
    return load


@st.composite
def districts(draw):
    """Electricity, heat, photovoltaics, capacities, groups: at least one public cluster and one other."""
    size, hours = draw(st.integers(2, 6)), draw(st.integers(1, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    electricity, heat = (hourly(generator.integers(0, 9, (size, hours))) for _ in range(2))
    electricity[:, 0] += 1
    photovoltaics = hourly(generator.integers(0, 3, (size, hours)))
    public = by_cluster(np.arange(size) < draw(st.integers(1, size - 1)), bool)
    return electricity, heat, photovoltaics, by_cluster(generator.integers(0, 9, size)), public


class TestMixed:
    load = hourly([[1, 2, 3], [10, 20, 60]])

    def test_by_hand(self):
        found = proportions.mixed(self.load, by_cluster([0.75, 0.25]))
        assert found.dims == ("hour",)
        assert found.values.tolist() == [0.75 + 2.5, 1.5 + 5, 2.25 + 15]
        assert found["hour"].values.tolist() == [1, 2, 3]

    def test_further_dims_pass_through(self):
        mixes = population(2, 4)
        by_variant = self.load * xr.DataArray([1.0, 2.0, 5.0], dims="variant")
        found = proportions.mixed(by_variant.transpose("hour", "variant", "cluster"), mixes)
        assert set(found.dims[:-1]) == {"individual", "variant"}
        assert found.dims[-1] == "hour"
        for i in range(4):
            one = proportions.mixed(self.load, mixes.isel(individual=i))
            xr.testing.assert_allclose(found.isel(individual=i, variant=2), 5 * one, rtol=1e-14)

    def test_labels_and_not_positions_are_matched(self):
        mix = by_cluster([0.75, 0.25])
        xr.testing.assert_identical(
            proportions.mixed(self.load, mix[::-1]), proportions.mixed(self.load, mix).astype(float)
        )

    def test_all_problems_at_once(self):
        load = self.load.copy()
        load[1, 2] = np.nan
        with pytest.raises(ValueError, match=r"load must be finite.*cluster x2, hour 3 nan") as caught:
            proportions.mixed(load, by_cluster([0.2, 0.3, 0.5]))
        assert "shares and load must each name the same clusters once, not so for ['x3']" in str(caught.value)

    @pytest.mark.parametrize(
        ("load", "mix", "message"),
        [
            (load, by_cluster([np.inf, 0]), "shares must be finite.*cluster x1 inf"),
            (load, by_cluster([1.0, 0]).rename(cluster="type"), "shares must have the dims .'cluster'., got .'type'."),
            (load.isel(hour=0), by_cluster([1.0, 0]), "load must have the dims .'cluster', 'hour'., got .'cluster'."),
            (load, by_cluster([1.0, 0]).assign_coords(cluster=["x1", "x1"]), "same clusters once.*x1"),
            (load, by_cluster([1.0, 0]).drop_vars("cluster"), "same clusters once"),
            (
                load.assign_coords(cluster=["x1"] * 2),
                by_cluster([1.0, 0]).assign_coords(cluster=["x1"] * 2),
                "once.*x1",
            ),
        ],
    )
    def test_refused(self, load, mix, message):
        with pytest.raises(ValueError, match=message):
            proportions.mixed(load, mix)


class TestLevelisationRate:
    @pytest.mark.parametrize(
        ("load", "expected"),
        [
            ([3, 3, 3, 3], 0),
            ([1, 0, 0, 0], 2 * 3 / 4),
            ([0] * 23 + [7], 2 * 23 / 24),
            ([1, 3], 0.5),  # |1 - 2| + |3 - 2| over 4
            ([-1, 3], 2),  # |-1 - 1| + |3 - 1| over 2
        ],
    )
    def test_by_hand(self, load, expected):
        assert float(proportions.levelisation_rate(hourly([load])[0])) == pytest.approx(expected, rel=1e-14)

    @settings(max_examples=50)
    @given(loads(), st.floats(1e-6, 1e6))
    def test_bounds_and_scale(self, load, factor):
        found = proportions.levelisation_rate(load)
        assert found.dims == ("cluster",)
        assert bool((found <= 2 * (1 - 1 / load.sizes["hour"]) + 1e-12).all())
        xr.testing.assert_allclose(proportions.levelisation_rate(load * factor), found, rtol=1e-11)

    @settings(max_examples=50)
    @given(loads(), st.integers(0, 2**32 - 1))
    def test_a_mix_is_no_less_level_than_its_least_level_part(self, load, seed):
        mix = population(load.sizes["cluster"], 20, seed)
        assert float(rate(load, mix).max()) <= float(proportions.levelisation_rate(load).max()) + 1e-12

    @pytest.mark.parametrize("bad", [[1.0, -1.0], [-3.0, 1.0], [np.nan, 1.0]])
    def test_totals_that_are_not_positive(self, bad):
        load = xr.DataArray([[1.0, 2.0], bad], dims=("individual", "hour"))
        with pytest.raises(ValueError, match="sum of the load must be positive, got individual 1 "):
            proportions.levelisation_rate(load)
        with pytest.raises(ValueError, match="sum of the load must be positive"):
            proportions.levelisation_rate(load[1])


class TestReadings:
    """Shares of the ground and of the floor."""

    def test_per_area_by_hand(self):
        found = proportions.per_area(hourly([[10, 20], [10, 40]]), by_cluster([5, 20]))
        assert found.values.tolist() == [[2, 4], [0.5, 2]]

    def test_ground_share_by_hand(self):
        """Half the floor in houses of 100 m2 a plot and half in towers of 300: three plots of houses to one tower."""
        assert proportions.ground_share(by_cluster([0.5, 0.5]), by_cluster([100, 300])).values == pytest.approx(
            [0.75, 0.25]
        )

    def test_labels(self):
        area = by_cluster([100, 300])[::-1]
        found = proportions.ground_share(by_cluster([0.5, 0.5]), area)
        assert found.sel(cluster="x1").item() == pytest.approx(0.75)

    @settings(max_examples=40)
    @given(loads(negative=True), st.integers(0, 2**32 - 1))
    def test_both_readings_differ_by_a_factor(self, load, seed):
        size = load.sizes["cluster"]
        area = by_cluster(np.random.default_rng(seed).uniform(1, 9, size))
        floor = population(size, 5, seed)
        ground = proportions.ground_share(floor, area)
        assert ground.dims == floor.dims
        assert ground.sum("cluster").values == pytest.approx(1)
        by_floor = proportions.mixed(proportions.per_area(load, area), floor)
        by_ground = proportions.mixed(load, ground)
        factor = (floor / area).sum("cluster")
        assert by_floor.values == pytest.approx((by_ground * factor).values, rel=1e-11, abs=1e-11)
        assert rate(load, ground).values == pytest.approx(
            proportions.levelisation_rate(by_floor).values, rel=1e-9, abs=1e-10
        )
        back = proportions.ground_share(ground, 1 / area)  # from the ground to the floor
        xr.testing.assert_allclose(back, floor, rtol=1e-11)

    @pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
    def test_areas(self, bad):
        for call, first in ((proportions.per_area, hourly([[1], [1]])), (proportions.ground_share, by_cluster([1, 0]))):
            with pytest.raises(ValueError, match=r"area must be positive, got cluster x2 "):
                call(first, by_cluster([1, bad]))


class TestLevellingByHand:
    day_and_night = hourly([[2, 2, 0, 0], [0, 0, 2, 2]])

    def test_complements(self):
        objective, shares = least_rate(self.day_and_night)
        assert objective == pytest.approx(0, abs=1e-9)
        assert shares.values == pytest.approx([0.5, 0.5])

    def test_complements_of_other_size(self):
        """Four times the load at night: one plot in five."""
        objective, shares = least_rate(self.day_and_night * by_cluster([1, 4]))
        assert objective == pytest.approx(0, abs=1e-9)
        assert shares.values == pytest.approx([0.8, 0.2])

    @pytest.mark.parametrize(
        ("lower", "upper", "optimum", "expected"),
        [
            ([0.7, 0], [1, 1], 0.4, [0.7, 0.3]),  # |1.4 - 1| over four hours and 4; without the bound 0
            ([0, 0], [1, 0.1], 0.8, [0.9, 0.1]),  # |1.8 - 1| likewise
            ([0, 0.25], [1, 0.25], 0.5, [0.75, 0.25]),  # fixed
        ],
    )
    def test_bounds(self, lower, upper, optimum, expected):
        objective, shares = least_rate(self.day_and_night, by_cluster(lower), by_cluster(upper))
        assert objective == pytest.approx(optimum)
        assert shares.values == pytest.approx(expected)

    def test_fixed_hotel(self):
        """A tenth is a hotel that is itself level; of the rest day and night share evenly."""
        load = hourly([[2, 2, 0, 0], [0, 0, 2, 2], [4, 4, 4, 4]])
        _, shares = least_rate(load, by_cluster([0, 0, 0.1]), by_cluster([1, 1, 0.1]))
        assert shares.sel(cluster="x3").item() == pytest.approx(0.1, abs=1e-9)
        assert shares.values[:2] == pytest.approx([0.45, 0.45])

    def test_all_fixed(self):
        bound = by_cluster([1 / 3, 1 / 3, 1 / 3])
        load = hourly([[1, 2, 3], [3, 2, 4], [1, 1, 1]])
        assert least_rate(load, bound, bound)[0] == pytest.approx(float(rate(load, bound)), rel=1e-9)

    def test_a_negative_hour(self):
        """Photovoltaics export at noon what the other cluster takes: -1 + 3 and 1 + 1 at equal shares."""
        objective, shares = least_rate(hourly([[-1, 3], [3, -1]]))
        assert objective == pytest.approx(0, abs=1e-9)
        assert shares.values == pytest.approx([0.5, 0.5])

    def test_a_negative_total_that_the_bounds_balance(self):
        load = hourly([[-2, 1], [2, 3]])
        upper = by_cluster([0.5, 1])
        objective, _ = least_rate(load, upper=upper)
        mixes = grid(2, 1000)
        mixes = mixes[(mixes.sel(cluster="x1") <= 0.5).values]
        assert objective == pytest.approx(float(rate(load, mixes).min()), abs=1e-9)
        with pytest.raises(
            ValueError, match=r"admit a mix with sum of the load -1, .*\n.*positive, got cluster x1 -1$"
        ):
            proportions.levelling_model(load, *free(2))

    def test_labels_in_another_order(self):
        load = hourly([[2, 2, 0, 0], [0, 0, 2, 2], [0, 0, 0, 9]])
        lower, upper = by_cluster([0.7, 0, 0.1]), by_cluster([1, 1, 0.1])
        objective, shares = least_rate(load, lower, upper)
        turned = proportions.levelling_model(load[::-1], lower, upper[[1, 2, 0]])
        assert solver.solve(turned).objective == pytest.approx(objective)
        xr.testing.assert_allclose(proportions.shares(turned.solution).sel(cluster=shares["cluster"]), shares)


class TestLevellingExactly:
    @pytest.mark.parametrize("seed", range(3))
    def test_no_random_mix_is_more_level(self, seed):
        load = hourly(np.random.default_rng(seed).gamma(0.7, 1000, (12, 24)))
        optimum, _ = least_rate(load)
        for concentration in (0.1, 1.0, 10.0):
            assert float(rate(load, population(12, 3000, seed, concentration)).min()) >= optimum - 1e-9

    @pytest.mark.parametrize(("size", "steps"), [(2, 20000), (3, 250)])
    def test_a_grid_finds_the_same(self, size, steps):
        load = hourly(np.random.default_rng(size).uniform(0, 5, (size, 24)))
        optimum, _ = least_rate(load)
        best = float(rate(load, grid(size, steps)).min())
        assert optimum - 1e-9 <= best <= optimum + 4 / steps

    @pytest.mark.slow
    @settings(max_examples=15)
    @given(loads(negative=True), st.integers(0, 2**32 - 1))
    def test_no_admitted_mix_is_more_level(self, load, seed):
        size = load.sizes["cluster"]
        mixes = population(size, 30, seed)
        lower, upper = mixes.min("individual"), mixes.max("individual")
        optimum, _ = least_rate(load, lower, upper)
        assert float(rate(load, mixes).min()) >= optimum - 1e-7

    @pytest.mark.parametrize("factor", [1e-6, 1e6])
    def test_scale(self, factor):
        load = hourly(np.random.default_rng(5).uniform(0, 5, (6, 24)))
        optimum, shares = least_rate(load)
        scaled, same = least_rate(load * factor)
        assert scaled == pytest.approx(optimum, rel=1e-9)
        assert same.values == pytest.approx(shares.values, abs=1e-8)

    def test_clusters_of_very_different_size(self):
        load = hourly([[2e6, 2e6, 0, 0], [0, 0, 20, 20]])
        objective, shares = least_rate(load)
        assert objective == pytest.approx(0, abs=1e-9)
        assert shares.values == pytest.approx([1e-5, 1], rel=1e-4)

    def test_both_readings_have_one_optimum(self):
        load = hourly(np.random.default_rng(6).uniform(0, 5, (4, 24)))
        area = by_cluster([1, 2, 5, 30])
        ground, _ = least_rate(load)
        floor, shares = least_rate(proportions.per_area(load, area))
        assert floor == pytest.approx(ground, abs=1e-9)
        assert float(rate(load, proportions.ground_share(shares, area))) == pytest.approx(ground, abs=1e-8)


class TestLevellingRefuses:
    load = hourly([[1, 2], [2, 1]])

    @pytest.mark.parametrize(
        ("lower", "upper", "message"),
        [
            ([0.6, 0], [0.5, 1], "x1 0.6 to 0.5"),
            ([0.6, 0.6], [1, 1], "totals from 1.2 to 2, so 1 "),
            ([0, 0], [0.4, 0.5], "totals from 0 to 0.9, so 1 "),
            ([-0.1, 0], [1, 1], "lower must be finite and 0 to 1, got cluster x1 -0.1"),
            ([0, 0], [1, 1.5], "upper must be finite and 0 to 1, got cluster x2 1.5"),
            ([0, np.nan], [1, 1], "lower must be finite and 0 to 1, got cluster x2 nan"),
            ([0, 0, 0], [1, 1], "lower and load must each name the same clusters once, not so for .'x3'"),
        ],
    )
    def test_bounds(self, lower, upper, message):
        with pytest.raises(ValueError, match=message):
            proportions.levelling_model(self.load, by_cluster(lower), by_cluster(upper))

    def test_a_load_for_many_cases(self):
        with pytest.raises(ValueError, match=r"load must have the dims .'cluster', 'hour'., got .*month"):
            proportions.levelling_model(self.load.expand_dims(month=12), *free(2))

    def test_nan(self):
        with pytest.raises(ValueError, match=r"load must be finite.* cluster x2, hour 1 nan"):
            proportions.levelling_model(self.load.where(self.load.sel(hour=1) < 2), *free(2))


class TestPenetrationByHand:
    """Two clusters over two hours; pumps of 4 and 1 kW. x1: 6 + 8 kWh, x2: 10 + 4 kWh."""

    electricity = hourly([[3, 3], [5, 5]])
    heat = hourly([[2, 6], [4, 0]])
    photovoltaics = hourly([[1, 0], [0, 3]])
    capacity = by_cluster([4, 1])
    all = electricity, heat, photovoltaics, capacity

    @pytest.mark.parametrize(
        ("mix", "pooled", "renewable"),
        [
            ([1, 0], False, 1 + 2 + 4),  # the pumps of x1 carry 2, then 4 of 6 kW
            ([1, 0], True, 1 + 2 + 4),  # alone there is nothing to pool
            ([0, 1], False, 3 + 1 + 0),
            ([0.5, 0.5], False, 2 + 3 + 0.5),  # own pumps: half of 2 + 4 and of 1 + 0
            ([0.5, 0.5], True, 2 + 2.5 + 2.5),  # heat 3 and 3 kW against 2.5 of capacity
        ],
    )
    def test_pumps(self, mix, pooled, renewable):
        consumed = mix[0] * 14 + mix[1] * 14
        assert float(proportions.penetration(by_cluster(mix), *self.all, pooled)) == pytest.approx(renewable / consumed)

    def test_parts(self):
        parts = proportions.penetration_parts(by_cluster([0.5, 0.5]), *self.all, True)
        assert parts["photovoltaic"].item() == pytest.approx(2 / 8)
        assert parts["ground_source"].item() == pytest.approx(5 / 6)
        assert parts["electricity_share"].item() == pytest.approx(8 / 14)

    def test_cooling_season(self):
        """Without heat the whole is defined, the part by pumps is not."""
        arrays = self.electricity, 0 * self.heat, self.photovoltaics, self.capacity
        assert float(proportions.penetration(by_cluster([1, 0]), *arrays, False)) == pytest.approx(1 / 6)
        with pytest.raises(ValueError, match="heat of the mix must be positive, got"):
            proportions.penetration_parts(by_cluster([1, 0]), *arrays, False)

    def test_nothing_consumed(self):
        electricity, heat = self.electricity.copy(), self.heat.copy()
        electricity[1], heat[1] = 0, 0
        mixes = xr.concat([by_cluster([1, 0]), by_cluster([0, 1])], "individual")
        with pytest.raises(ValueError, match=r"consumption must be positive, got individual 1 0$"):
            proportions.penetration(mixes, electricity, heat, self.photovoltaics, self.capacity, False)

    @pytest.mark.parametrize(
        ("place", "message"),
        [
            (0, "electricity must be finite and 0 to inf, got cluster x2, hour 1 -1"),
            (1, "heat must be .* cluster x2, hour 1 -1"),
            (2, "photovoltaics must be .* cluster x2, hour 1 -1"),
            (3, "ground_heat must be .* cluster x2 -1"),
        ],
    )
    def test_negative(self, place, message):
        arrays = [array.copy() for array in self.all]
        arrays[place][(1, 0) if place < 3 else 1] = -1
        with pytest.raises(ValueError, match=message):
            proportions.penetration(by_cluster([1, 0]), *arrays, False)
        with pytest.raises(ValueError, match=message):
            proportions.penetration_model(*arrays, by_cluster([True, False], bool), 0.5, False)

    def test_hours_that_differ(self):
        arrays = self.electricity, self.heat.assign_coords(hour=[0, 1]), self.photovoltaics, self.capacity
        with pytest.raises(ValueError, match=r"heat and electricity must each name the same hours once.*\[0, 2\]"):
            proportions.penetration(by_cluster([1, 0]), *arrays, False)


class TestPenetration:
    @settings(max_examples=40)
    @given(districts(), st.integers(0, 2**32 - 1), st.booleans())
    def test_parts_make_the_whole(self, district, seed, pooled):
        electricity, heat, photovoltaics, capacity, _ = district
        arrays = electricity, heat + 1, photovoltaics, capacity
        mixes = population(electricity.sizes["cluster"], 10, seed)
        parts = proportions.penetration_parts(mixes, *arrays, pooled)
        share = parts["electricity_share"]
        whole = share * parts["photovoltaic"] + (1 - share) * parts["ground_source"]
        xr.testing.assert_allclose(whole, proportions.penetration(mixes, *arrays, pooled), rtol=1e-12)

    @settings(max_examples=40)
    @given(districts(), st.integers(0, 2**32 - 1))
    def test_pooled_pumps_deliver_no_less(self, district, seed):
        mixes = population(district[0].sizes["cluster"], 20, seed)
        own, pooled = (proportions.penetration(mixes, *district[:4], pooled) for pooled in (False, True))
        assert bool((pooled >= own - 1e-12).all())

    def test_one_mix_as_in_a_population(self):
        rng = np.random.default_rng(3)
        arrays = *(hourly(rng.uniform(0, 9, (12, 24))) for _ in range(3)), by_cluster(rng.uniform(0, 5, 12))
        mixes = population(12, 40)
        for pooled in (False, True):
            found = proportions.penetration(mixes, *arrays, pooled)
            assert found.dims == ("individual",)
            alone = [float(proportions.penetration(mixes[i], *arrays, pooled)) for i in range(40)]
            assert found.values == pytest.approx(alone, rel=1e-13)

    @settings(max_examples=20)
    @given(districts(), st.booleans())
    def test_both_readings(self, district, pooled):
        """Shares of the floor of energies per area give the penetration of their shares of the ground."""
        size = district[0].sizes["cluster"]
        area, floor = by_cluster(np.arange(1, size + 1)), population(size, 5)
        per_area = *(proportions.per_area(array, area) for array in district[:3]), district[3] / area
        ground = proportions.ground_share(floor, area)
        xr.testing.assert_allclose(
            proportions.penetration(floor, *per_area, pooled), proportions.penetration(ground, *district[:4], pooled)
        )


def greatest(district, least_public, pooled, **bounds):
    """Return the optimum and its mix, having checked that the mix is admitted and has that penetration."""
    *energies, public = district
    model = proportions.penetration_model(*energies, public, least_public, pooled, **bounds)
    objective = solver.solve(model).objective
    shares = proportions.shares(model.solution)
    assert float(shares.sum()) == pytest.approx(1, abs=1e-9)
    assert float(shares.sel(cluster=public["cluster"][public]).sum()) >= least_public - 1e-8
    assert float(proportions.penetration(shares, *energies, pooled)) == pytest.approx(objective, abs=1e-7)
    return objective, shares


def greatest_exactly(district, share):
    """As above, unpooled, with the public share tied to its value."""
    *energies, public = district
    model = proportions.penetration_model(*energies, public, share, False)
    scaled, scale = model.variables["scaled_share"], model.variables["scale"]
    model.remove_constraints("public")
    model.add_constraints(scaled.sel(cluster=public["cluster"][public]).sum() - share * scale == 0, name="public")
    return solver.solve(model).objective


class TestPenetrationModel:
    """One hour. x1 a house: 4 kWh, 3 of them renewable. x2 an office: 8, 2. x3 a mall: 2, 1."""

    house = hourly([[4], [8], [2]]), hourly([[0], [0], [0]]), hourly([[3], [2], [1]]), by_cluster([0, 0, 0])
    house = *house, by_cluster([False, True, True], bool)

    @pytest.mark.parametrize(
        ("least_public", "bounds", "optimum", "mix"),
        [
            (0, {}, 3 / 4, [1, 0, 0]),  # nothing binds
            (0.5, {}, 2 / 3, [0.5, 0, 0.5]),  # half public: the mall, 2 of 3 kWh; without the row 3 / 4
            (1, {}, 1 / 2, [0, 0, 1]),
            (0, {"upper": by_cluster([0.25, 1, 1])}, 1.5 / 2.5, [0.25, 0, 0.75]),
            (0, {"lower": by_cluster([0, 0.5, 0])}, 2.5 / 6, [0.5, 0.5, 0]),
            (0, {"lower": 0.25}, 2.25 / 4.5, [0.5, 0.25, 0.25]),
        ],
    )
    @pytest.mark.parametrize("pooled", [False, True])
    def test_by_hand(self, least_public, bounds, optimum, mix, pooled):
        objective, shares = greatest(self.house, least_public, pooled, **bounds)
        assert objective == pytest.approx(optimum)
        assert shares.values == pytest.approx(mix, abs=1e-8)

    def test_pooled_by_hand(self):
        """All pumps are at x1, all heat at x2: own pumps deliver nothing, pooled ones all heat from equal shares on."""
        arrays = hourly([[1], [1]]), hourly([[0], [2]]), hourly([[0], [0]]), by_cluster([2, 0])
        district = *arrays, by_cluster([False, True], bool)
        assert greatest(district, 0, False)[0] == pytest.approx(0, abs=1e-9)
        objective, shares = greatest(district, 0, True)
        assert objective == pytest.approx(1 / 2)  # of 1 kWh each and 2 of heat by halves: 1 of 2
        assert shares.values == pytest.approx([0.5, 0.5])
        assert greatest(district, 0.75, True)[0] == pytest.approx(0.5 / 2.5)  # a quarter of the ground has 0.5 kW

    @pytest.mark.parametrize("row", ["pumped_heat", "pumped_capacity", "public", "whole", "denominator"])
    def test_every_row_is_needed(self, row):
        """Without a row the optimum is another; without the one that sets the scale there is none."""
        rng = np.random.default_rng(8)
        energies = *(hourly(rng.uniform(1, 5, (4, 6))) for _ in range(2)), hourly(rng.uniform(0, 1, (4, 6)))
        public = by_cluster([False, False, True, True], bool)
        model = proportions.penetration_model(*energies, by_cluster([9, 9, 0, 1]), public, 0.7, True)
        optimum = solver.solve(model).objective
        model.remove_constraints(row)
        if row == "denominator":
            with pytest.raises(solver.NotSolved, match="unbounded"):
                solver.solve(model)
        else:
            assert solver.solve(model).objective > optimum + 1e-2

    @pytest.mark.slow
    @settings(max_examples=12)
    @given(districts(), st.booleans(), st.integers(0, 2**32 - 1))
    def test_no_random_mix_is_better(self, district, pooled, seed):
        *energies, public = district
        mixes = population(public.size, 500, seed, 0.5)
        share = float(mixes.where(public, 0).sum("cluster").quantile(0.5))
        admitted = mixes[(mixes.where(public, 0).sum("cluster") >= share).values]
        best = float(proportions.penetration(admitted, *energies, pooled).max())
        assert best <= greatest(district, share, pooled)[0] + 1e-8

    @pytest.mark.parametrize("pooled", [False, True])
    def test_a_grid_finds_the_same(self, pooled):
        rng = np.random.default_rng(11)
        energies = *(hourly(rng.uniform(0, 5, (3, 24))) for _ in range(3)), by_cluster(rng.uniform(0, 5, 3))
        public = by_cluster([True, False, False], bool)
        mixes = grid(3, 200)
        mixes = mixes[(mixes.sel(cluster="x1") >= 0.3).values]
        best = float(proportions.penetration(mixes, *energies, pooled).max())
        exact = greatest((*energies, public), 0.3, pooled)[0]
        assert best - 1e-9 <= exact <= best + 0.01

    def test_one_coefficient_changes_along_a_front(self):
        for pooled in (False, True):
            first, second = (proportions.penetration_model(*self.house, s, pooled) for s in (0.25, 0.75))
            changed = (first.matrices.A - second.matrices.A).tocoo()
            changed.eliminate_zeros()
            assert changed.data.tolist() == [0.5]
            row, column = changed.row[0], changed.col[0]
            assert first.matrices.clabels[row] == first.constraints["public"].labels.item()
            assert first.matrices.vlabels[column] == first.variables["scale"].labels.item()
            assert second.matrices.A[row, column] == -0.75
            for part in ("b", "c", "lb", "ub"):
                assert np.array_equal(getattr(first.matrices, part), getattr(second.matrices, part))

    def test_labels_in_another_order(self):
        electricity, heat, photovoltaics, capacity, public = self.house
        turned = electricity[::-1], heat, photovoltaics[[1, 0, 2]], capacity[::-1], public[[2, 0, 1]]
        assert greatest(turned, 0.5, False)[0] == pytest.approx(2 / 3)
        assert greatest(turned, 0.5, True)[0] == pytest.approx(2 / 3)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"least_public": 1.5}, "public share must be finite and 0 to 1, got 1.5"),
            ({"least_public": -0.1}, "public share must be .* got -0.1"),
            ({"least_public": np.nan}, "public share must be .* got nan"),
            ({"public": by_cluster([False] * 3, bool)}, "public must be True for some"),
            ({"public": by_cluster([True] * 3, bool)}, "public must be True for some clusters and False for others"),
            ({"public": by_cluster([0, 1, 1], int)}, "public must be True for some"),
            ({"public": by_cluster([True, False], bool)}, "public and electricity .* same clusters once.*x3"),
            ({"upper": by_cluster([1, 0.2, 0.3])}, "public share must be finite and 0 to 0.5, got 0.6"),
            ({"lower": by_cluster([0.5, 0, 0])}, "public share must be finite and 0 to 0.5, got 0.6"),
            ({"lower": 0.5}, "totals from 1.5 to 3, so 1 "),
            ({"lower": 0.3, "upper": 0.2}, "x1 0.3 to 0.2"),
            ({"ground_heat": by_cluster([0, np.nan, 0])}, "ground_heat must be .*, got cluster x2 nan"),
            (
                {"electricity": hourly([[4], [8], [0]])},
                r"a mix with consumption 0, expected positive\nconsumption must be positive, got cluster x3 0",
            ),
        ],
    )
    def test_refused(self, changes, message):
        names = "electricity", "heat", "photovoltaics", "ground_heat", "public"
        arguments = dict(zip(names, self.house, strict=True)) | {"least_public": 0.6, "pooled": True} | changes
        if "lower" in changes and isinstance(changes["lower"], float):
            arguments["least_public"] = 0.0
        with pytest.raises(ValueError, match=message):
            proportions.penetration_model(**arguments)


class TestFront:
    shares = xr.DataArray(np.linspace(0, 1, 21), dims="point")

    def test_by_hand(self):
        """x1 3 of 4 kWh, x2 2 of 8, x3 1 of 2: the mall is the better partner throughout."""
        found = proportions.penetration_front_pairs(
            *TestPenetrationModel.house, xr.DataArray([0, 0.5, 1], dims="point")
        )
        assert found["penetration"].values == pytest.approx([3 / 4, 2 / 3, 1 / 2])
        assert found["shares"].values.tolist()[1] == [0.5, 0, 0.5]

    def test_partners_change(self):
        """A large, poor public cluster and a small, poorer one: the small one dilutes less until it is alone."""
        arrays = hourly([[1], [10], [1]]), hourly([[0]] * 3), hourly([[1], [2], [0]]), by_cluster([0] * 3)
        found = proportions.penetration_front_pairs(
            *arrays, by_cluster([False, True, True], bool), xr.DataArray([0.1, 0.9], dims="point")
        )
        assert found["penetration"].values == pytest.approx([0.9, 1.9 / 9.1])  # 0.9 / 1; 0.1 + 1.8 of 0.1 + 9
        assert (found["shares"] > 0).values.tolist() == [[True, False, True], [True, True, False]]

    @pytest.mark.slow
    @settings(max_examples=8)
    @given(districts(), st.sampled_from([0.0, 0.3, 0.55, 1.0]))
    def test_is_the_linear_programme(self, district, share):
        at = xr.DataArray([share, 1.0], dims="point")
        exactly, alone = proportions.penetration_front_pairs(*district, at)["penetration"].values
        assert exactly == pytest.approx(greatest_exactly(district, share), abs=1e-8)
        assert max(exactly, alone) == pytest.approx(greatest(district, share, False)[0], abs=1e-8)

    @settings(max_examples=40)
    @given(districts())
    def test_at_least_is_the_running_maximum_from_the_right(self, district):
        found = proportions.penetration_front_pairs(*district, self.shares)["penetration"].values
        running = np.maximum.accumulate(found[::-1])[::-1]
        assert running == pytest.approx(np.maximum(found, found[-1]), rel=1e-12)

    @settings(max_examples=40)
    @given(districts(), st.integers(0, 2**32 - 1))
    def test_its_mixes_are_admitted_and_none_is_better(self, district, seed):
        *energies, public = district
        found = proportions.penetration_front_pairs(*district, self.shares)
        assert found["shares"].dims == ("point", "cluster")
        assert found["shares"].sum("cluster").values == pytest.approx(1)
        assert found["shares"].where(public, 0).sum("cluster").values == pytest.approx(self.shares.values)
        again = proportions.penetration(found["shares"], *energies, False)
        xr.testing.assert_allclose(again, found["penetration"], rtol=1e-12)
        mixes = population(public.size, 100, seed)
        public_share = mixes.where(public, 0).sum("cluster")
        limit = proportions.penetration_front_pairs(*district, public_share)["penetration"]
        assert bool((proportions.penetration(mixes, *energies, False) <= limit + 1e-12).all())

    @pytest.mark.slow
    @pytest.mark.parametrize("pooled", [False, True])
    def test_monotone(self, pooled):
        rng = np.random.default_rng(2)
        energies = *(hourly(rng.uniform(0, 5, (6, 12))) for _ in range(3)), by_cluster(rng.uniform(0, 5, 6))
        district = *energies, by_cluster(np.arange(6) > 2, bool)
        front = [greatest(district, share, pooled)[0] for share in np.linspace(0, 1, 6)]
        assert np.all(np.diff(front) <= 1e-9)

    def test_labels_and_further_dims(self):
        electricity, heat, photovoltaics, capacity, public = TestPenetrationModel.house
        turned = electricity[::-1], heat, photovoltaics[[1, 0, 2]], capacity[::-1], public[[2, 0, 1]]
        at = xr.DataArray([[0.0, 0.5], [1.0, 0.25]], dims=("row", "column"))
        found = proportions.penetration_front_pairs(*turned, at)
        expected = proportions.penetration_front_pairs(*TestPenetrationModel.house, at)
        xr.testing.assert_allclose(found, expected.sel(cluster=found["cluster"]))
        assert found["penetration"].dims == ("row", "column")

    @pytest.mark.parametrize(
        ("place", "value", "message"),
        [
            (4, by_cluster([True] * 3, bool), "public must be True for some clusters and False for others"),
            (4, by_cluster([False] * 3, bool), "public must be True for some clusters and False for others"),
            (5, xr.DataArray([0.0, 1.5], dims="point"), "public share must be finite and 0 to 1, got point 1 1.5"),
            (0, hourly([[4], [8], [0]]), "consumption must be positive, got cluster x3 0"),
            (1, hourly([[0], [np.nan], [0]]), "heat must be .*, got cluster x2, hour 1 nan"),
        ],
    )
    def test_refused(self, place, value, message):
        arguments = [*TestPenetrationModel.house, self.shares]
        arguments[place] = value
        with pytest.raises(ValueError, match=message):
            proportions.penetration_front_pairs(*arguments)
