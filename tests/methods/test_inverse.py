"""Unknowns behind totals: ranges by hand, the posterior against quadrature, the nearest point against random search."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import null_space

from bcopt.methods import inverse
from bcopt.studies.energyeng2023 import coefficients, inputs, plans

LEVELS = np.array([0.025, 0.25, 0.5, 0.75, 0.975])


def unknowns(*values):
    return xr.DataArray(np.array(values, float), dims="unknown", coords={"unknown": list("xyzw")[: len(values)]})


def system(rows, totals):
    equations = [f"e{k}" for k in range(len(rows))]
    matrix = xr.DataArray(
        np.array(rows, float),
        dims=("equation", "unknown"),
        coords={"equation": equations, "unknown": list("xyzw")[: len(rows[0])]},
    )
    return matrix, xr.DataArray(np.array(totals, float), dims="equation", coords={"equation": equations})


class TestRange:
    @pytest.mark.parametrize(
        ("rows", "totals", "bounds", "low", "high"),
        [
            ([[2, 3]], [6], {}, [0, 0], [3, 2]),  # 2 x + 3 y = 6
            ([[2, 3]], [6], {"upper": 1.5}, [0.75, 1], [1.5, 1.5]),
            ([[2, 3]], [6], {"lower": 1.0}, [1, 1], [1.5, 4 / 3]),
            ([[1, 1], [1, -1]], [3, 1], {}, [2, 1], [2, 1]),  # as many equations as unknowns: one point
            ([[1, -1]], [1], {}, [1, 0], [np.inf, np.inf]),  # a difference limits neither from above
            ([[2, 3, 0]], [6], {}, [0, 0, 0], [3, 2, np.inf]),  # z enters no total
            ([[1, 1, 1], [0, 1, 1]], [5, 2], {}, [3, 0, 0], [3, 2, 2]),
        ],
    )
    def test_by_hand(self, rows, totals, bounds, low, high):
        found = inverse.feasible_range(*system(rows, totals), "unknown", **bounds)
        assert found["low"].values == pytest.approx(low, abs=1e-9)
        assert found["high"].values == pytest.approx(high, abs=1e-9)
        assert found["unknown"].values.tolist() == list("xyzw")[: len(low)]

    def test_a_limit_for_each_unknown(self):
        matrix, totals = system([[1, 1, 1]], [6])
        found = inverse.feasible_range(matrix, totals, "unknown", unknowns(1, 0, 0), unknowns(9, 2, 1))
        assert found["low"].values == pytest.approx([3, 0, 0])
        assert found["high"].values == pytest.approx([6, 2, 1])

    def test_limits_match_by_label(self):
        """Limits in another order are the same limits, or refused: never those of another unknown."""
        matrix, totals = system([[1, 1, 1]], [6])
        shuffled = unknowns(1, 0, 0).isel(unknown=[2, 1, 0])
        found = inverse.feasible_range(matrix, totals, "unknown", lower=shuffled)
        assert found["low"].values == pytest.approx([1, 0, 0])
        assert found["high"].values == pytest.approx([6, 5, 5])

    def test_totals_match_by_label_whatever_the_dim_is_called(self):
        matrix, totals = system([[1, 0], [0, 2]], [3, 8])
        renamed = [x.rename(equation="plan") for x in (matrix, totals.isel(equation=[1, 0]))]
        assert inverse.feasible_range(*renamed, "unknown")["low"].values == pytest.approx([3, 4])

    @pytest.mark.parametrize(
        ("rows", "totals", "bounds"),
        [
            ([[1, 1], [2, 2]], [1, 3], {}),
            ([[-1, -1]], [1], {}),
            ([[1, 1]], [10], {"upper": 4.0}),
            ([[1, 1]], [1], {"lower": 1.0}),
        ],
    )
    def test_inconsistent(self, rows, totals, bounds):
        with pytest.raises(inverse.Inconsistent, match="no unknowns within the bounds satisfy the totals"):
            inverse.feasible_range(*system(rows, totals), "unknown", **bounds)

    @pytest.mark.parametrize(
        ("rows", "totals"), [([[1, np.nan]], [1]), ([[1, 1]], [0]), ([[1, 1]], [-1]), ([[1, 1]], [np.nan])]
    )
    def test_improper_system(self, rows, totals):
        with pytest.raises(ValueError, match="totals of equation must be positive and every entry"):
            inverse.feasible_range(*system(rows, totals), "unknown")


def levels_on_a_grid(energy, total, median, spread, points=1200):
    """Return the quantiles of the posterior of three or four unknowns by two-dimensional quadrature.

    Two of the unknowns are free on a grid over all values they can have. The totals give the others, so the density of
    the free ones is that of all priors (the change of variables is linear and its determinant constant).
    """
    bound = np.flatnonzero(np.abs(energy).sum(axis=0) > 0)
    solved = bound[-len(total) :]  # wind alone, or heat pumps and wind
    free = [k for k in bound if k not in solved]
    ends = [min(b / row[k] for row, b in zip(energy, total, strict=True) if row[k] > 0) for k in free]
    axes = [(np.arange(points) + 0.5) / points * end for end in ends]
    x = np.zeros((points * points, energy.shape[1]))
    x[:, free] = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    x[:, solved] = np.linalg.solve(energy[:, solved], (total - x @ energy.T).T).T
    x = x[(x[:, bound] > 0).all(axis=1)]
    logs = np.log(x[:, bound] / median[bound])
    density = np.exp(-((logs / np.log(spread[bound])) ** 2).sum(axis=1) / 2 - logs.sum(axis=1))
    found = {}
    for k in bound:
        order = np.argsort(x[:, k])
        share = np.cumsum(density[order])
        found[int(k)] = np.interp(LEVELS, share / share[-1], x[order, k])
    return found


@pytest.fixture(scope="module")
def study():
    values = inputs.load()
    target = plans.energy_target(values)
    return values, plans.energies(values, plans.effective_areas(values, target)["effective_area"], target)


@pytest.fixture(scope="module", params=["cost", "carbon"])
def study_system(request, study):
    values, energy = study
    priors = values[f"{request.param}_median"], values[f"{request.param}_geometric_sd"]
    return energy, coefficients.totals(values, request.param), *priors


class TestPosterior:
    @pytest.mark.parametrize("plan", [["baseline", "optimum"], ["optimum"]])
    def test_against_quadrature(self, study_system, plan):
        """Four unknowns of two totals; three unknowns of one, the heat pumps being absent from it."""
        energy, totals, median, spread = study_system
        energy, totals = energy.sel(plan=plan), totals.sel(plan=plan)
        drawn = inverse.posterior(energy, totals, "technology", median, spread, 16_000, 1).to_numpy()
        exact = levels_on_a_grid(energy.to_numpy(), totals.to_numpy(), median.to_numpy(), spread.to_numpy())
        assert len(exact) == (4 if len(plan) == 2 else 3)
        for k, quantiles in exact.items():
            assert np.quantile(drawn[:, k], LEVELS) == pytest.approx(quantiles, rel=0.04)
            assert [(drawn[:, k] < q).mean() for q in quantiles] == pytest.approx(LEVELS, abs=0.02)

    def test_one_dimension_in_closed_form(self):
        """x + y = 2 with like priors about 1 is symmetric about 1, and its density one integral."""
        matrix, totals = system([[1, 1]], [2])
        drawn = inverse.posterior(matrix, totals, "unknown", unknowns(1, 1), unknowns(1.5, 1.5), 16_000, 2).sel(
            unknown="x"
        )
        x = (np.arange(200_000) + 0.5) / 100_000
        logs = np.log(np.stack([x, 2 - x]))
        share = np.cumsum(np.exp(-((logs / np.log(1.5)) ** 2).sum(axis=0) / 2 - logs.sum(axis=0)))
        assert np.quantile(drawn, LEVELS) == pytest.approx(np.interp(LEVELS, share / share[-1], x), rel=0.02)
        assert float(drawn.median()) == pytest.approx(1, abs=0.02)

    def test_keeps_the_totals_and_the_range(self, study_system):
        energy, totals, median, spread = study_system
        drawn = inverse.posterior(energy, totals, "technology", median, spread, 2_000, 3)
        assert drawn.dims == ("sample", "technology")
        assert drawn.shape == (2_000, 4)
        assert float(drawn.min()) > 0
        assert float(abs((drawn * energy).sum("technology") / totals - 1).max()) < 1e-12
        ends = inverse.feasible_range(energy, totals, "technology")
        assert bool(((drawn >= ends["low"]) & (drawn <= ends["high"])).all())

    def test_seed(self, study_system):
        arguments = (*study_system[:2], "technology", *study_system[2:], 500)
        first, again, other = (inverse.posterior(*arguments, seed) for seed in (1, 1, 2))
        assert first.to_numpy().tobytes() == again.to_numpy().tobytes()
        assert not np.isin(other, first).any()

    def test_global_random_numbers_are_left_alone(self, study_system):
        arguments = (*study_system[:2], "technology", *study_system[2:], 100)
        np.random.seed(5)  # noqa: NPY002 (the global state is what is tested)
        expected = np.random.RandomState(5).random_sample(3)
        first = inverse.posterior(*arguments, 1)
        assert np.random.random_sample(3).tolist() == expected.tolist()  # noqa: NPY002
        np.testing.assert_array_equal(inverse.posterior(*arguments, 1), first)

    def test_labels_decide_and_not_positions(self):
        matrix, totals = system([[1, 2, 3]], [6])
        median, spread = unknowns(1, 2, 0.5), unknowns(1.2, 1.5, 1.9)
        shuffled = [x.isel(unknown=[2, 0, 1]) for x in (median, spread)]
        first = inverse.posterior(matrix, totals, "unknown", median, spread, 64, 1)
        xr.testing.assert_identical(inverse.posterior(matrix, totals, "unknown", *shuffled, 64, 1), first)

    def test_unknowns_in_no_total_keep_their_priors(self):
        matrix, totals = system([[1, 1, 0]], [2])
        drawn = inverse.posterior(matrix, totals, "unknown", unknowns(1, 1, 5), unknowns(2, 2, 3), 20_000, 4)
        logs = np.log(drawn.sel(unknown="z") / 5) / np.log(3)
        assert float(logs.mean()) == pytest.approx(0, abs=4 / np.sqrt(20_000))
        assert float(logs.std()) == pytest.approx(1, abs=4 / np.sqrt(2 * 20_000))
        assert abs(np.corrcoef(logs, drawn.sel(unknown="x"))[0, 1]) < 0.05

    def test_sharp_priors_leave_nothing_to_the_totals(self):
        """Priors that meet the total and are sharp are the answer."""
        matrix, totals = system([[1, 1, 1]], [6])
        drawn = inverse.posterior(matrix, totals, "unknown", unknowns(1, 2, 3), unknowns(1.001, 1.001, 1.001), 200, 1)
        assert np.abs(drawn - unknowns(1, 2, 3)).max() < 0.02

    @pytest.mark.parametrize(
        ("median", "spread"),
        [
            ((1, 0), (2, 2)),
            ((1, -1), (2, 2)),
            ((1, np.nan), (2, 2)),
            ((1, 1), (2, 1)),
            ((1, 1), (2, 0.5)),
            ((1, 1), (-2, 2)),
        ],
    )
    def test_improper_priors(self, median, spread):
        with pytest.raises(
            ValueError, match="priors of unknown need positive medians and geometric standard deviations above 1"
        ):
            inverse.posterior(*system([[1, 1]], [2]), "unknown", unknowns(*median), unknowns(*spread), 10, 1)

    @pytest.mark.parametrize(
        ("rows", "totals", "median"),
        [
            ([[1, 1], [2, 2]], [1, 3], (1, 1)),  # two totals that contradict each other
            ([[1, 1, 1], [2, 2, 2]], [1, 3], (1, 1, 1)),
            ([[-1, -1]], [1], (1, 1)),  # no positive unknowns sum to a negative number
            ([[1, 1]], [2], (1e6, 1e6)),  # they do, but the priors exclude it
        ],
    )
    def test_inconsistent(self, rows, totals, median):
        with pytest.raises(inverse.Inconsistent):
            inverse.posterior(*system(rows, totals), "unknown", unknowns(*median), unknowns(*[2] * len(median)), 100, 1)


def distance(x, median, scale=1.0):
    return ((np.log(x / median) / scale) ** 2).sum(axis=-1)


class TestReferencePoint:
    @pytest.mark.parametrize(
        ("options", "point"),
        [
            ({}, [2, 2]),  # like medians: like values
            ({"order": [("y", "x")], "margin": 0.5}, [2.4, 1.6]),  # x >= 1.5 y binds
            ({"order": [("x", "y")], "margin": 0.5}, [1.6, 2.4]),
            ({"order": [("y", "x")]}, [2, 2]),  # without a margin equality keeps the order
            ({"scale": 0.1}, [2, 2]),  # one scale for all changes nothing
            ({"scale": unknowns(1e-3, 1)}, [1, 3]),  # x may hardly leave its prior
            ({"scale": unknowns(1, 1e-3)}, [3, 1]),
            ({"scale": unknowns(1e-3, 1).isel(unknown=[1, 0])}, [1, 3]),  # matched by label
        ],
    )
    def test_by_hand(self, options, point):
        """x + y = 4 with both medians 1."""
        found = inverse.reference_point(*system([[1, 1]], [4]), "unknown", unknowns(1, 1), **options)
        assert found.values == pytest.approx(point, rel=1e-5)
        assert float(found.sum()) == pytest.approx(4, rel=1e-14)

    def test_scale_moves_along_the_total_to_where_the_slopes_balance(self):
        """At the optimum of x + y = 4 the derivatives 2 ln(x) / (s^2 x) are equal."""
        s = np.array([0.3, 0.9])
        x = inverse.reference_point(*system([[1, 1]], [4]), "unknown", unknowns(1, 1), unknowns(*s)).to_numpy()
        slopes = np.log(x) / s**2 / x
        assert slopes[0] == pytest.approx(slopes[1], rel=1e-4)
        assert x[0] < x[1]

    def test_order_that_already_holds_changes_nothing(self):
        arguments = (*system([[1, 1, 1]], [8]), "unknown", unknowns(1, 2, 3))
        free = inverse.reference_point(*arguments)
        bound = inverse.reference_point(*arguments, order=[("x", "y"), ("y", "z")], margin=0.02)
        assert bound.values == pytest.approx(free.values, rel=1e-5)

    @pytest.mark.parametrize("order", [(), [("x", "y"), ("y", "z"), ("z", "w")]])
    def test_priors_that_satisfy_everything_are_the_answer(self, order):
        median = unknowns(0.5, 1, 2, 30)
        rows = [[1, 2, 3, 4], [4, 3, 0, 1]]
        found = inverse.reference_point(
            *system(rows, np.array(rows) @ median.to_numpy()), "unknown", median, order=order, margin=0.1
        )
        assert found.values == pytest.approx(median.values, rel=1e-6)

    def test_units_are_immaterial(self):
        matrix, totals = system([[1, 2, 3], [3, 1, 0]], [10, 5])
        order = {"order": [("x", "z")], "margin": 0.1}
        one = inverse.reference_point(matrix, totals, "unknown", unknowns(1, 1, 1), **order)
        other = inverse.reference_point(matrix, 1e6 * totals, "unknown", 1e6 * unknowns(1, 1, 1), **order)
        assert other.values == pytest.approx(1e6 * one.values, rel=1e-6)

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(3, 4), st.integers(1, 2), st.sampled_from([0.0, 0.02, 0.3]))
    def test_nearest_of_all(self, seed, size, equations, margin):
        """Neither the truth behind the totals nor any random point of the null space is nearer to the priors."""
        generator = np.random.default_rng(seed)
        truth = np.sort(generator.lognormal(0, 0.6, size)) * (1 + margin) ** np.arange(size)
        rows = generator.uniform(0.1, 3, (equations, size))
        median = truth * generator.lognormal(0, 0.4, size)
        scale = generator.uniform(0.3, 1, size)
        pairs = [(0, 1), (1, 2)]
        found = inverse.reference_point(
            *system(rows, rows @ truth), "unknown", unknowns(*median), unknowns(*scale),
            order=[("xyzw"[i], "xyzw"[k]) for i, k in pairs], margin=margin,
        ).to_numpy()  # fmt: skip

        def keeps_order(x, slack=0.0):
            return np.all([x[..., k] >= (1 + margin) * x[..., i] * (1 - slack) for i, k in pairs], axis=0)

        assert rows @ found == pytest.approx(rows @ truth, rel=1e-12)
        assert keeps_order(found, 1e-6)
        nearest = distance(found, median, scale)
        assert nearest <= distance(truth, median, scale) + 1e-6
        basis = null_space(rows)
        steps = generator.standard_normal((4000, basis.shape[1])) * 10.0 ** generator.uniform(-4, 1, (4000, 1))
        others = found + steps @ basis.T
        others = others[(others > 0).all(axis=1)]
        others = others[keeps_order(others)]
        assert nearest <= distance(others, median, scale).min(initial=np.inf) + 1e-6

    @pytest.mark.parametrize(
        ("rows", "totals", "options"),
        [
            ([[1, 1]], [4], {"order": [("x", "y"), ("y", "x")], "margin": 0.1}),  # a circle
            ([[1, 1], [1, -0.5]], [4, 1], {"order": [("x", "y")], "margin": 0.1}),  # the totals say x = y
            ([[1, 1], [2, 2]], [1, 3], {}),
            ([[-1, -1]], [1], {}),
        ],
    )
    def test_inconsistent(self, rows, totals, options):
        with pytest.raises(inverse.Inconsistent):
            inverse.reference_point(*system(rows, totals), "unknown", unknowns(1, 1), **options)

    def test_an_order_of_strangers_is_refused(self):
        with pytest.raises((ValueError, KeyError), match="q"):
            inverse.reference_point(*system([[1, 1]], [4]), "unknown", unknowns(1, 1), order=[("x", "q")])
