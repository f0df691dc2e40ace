"""What can fail: predictions from literature alone, from half of the totals, and how likely one mix minimises both."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bcopt.studies.energyeng2023 import coefficients, predictions
from bcopt.studies.energyeng2023.inputs import TECHNOLOGIES
from bcopt.studies.energyeng2023.optimisation import region

QUANTITIES = tuple(coefficients.QUANTITIES)
SAMPLES = 10_000
LEVELS = np.array(predictions.QUANTILES)


@pytest.fixture(scope="module")
def draws(eco):
    return predictions.prior_draws(eco.inputs, SAMPLES, 1)


@pytest.fixture(scope="module")
def predicted(eco):
    return predictions.predicted_reductions(eco.inputs, eco.energy, SAMPLES, 1)


def sampling_error(levels, *sizes):
    """Four standard errors of the share of draws below a quantile."""
    return 4 * np.sqrt(levels * (1 - levels) * sum(1 / n for n in sizes))


class TestPriors:
    @pytest.mark.parametrize("correlation", [0.0, 0.5])
    def test_are_the_log_normals_of_the_table(self, eco, correlation):
        drawn = predictions.prior_draws(eco.inputs, SAMPLES, 1, correlation)
        standard = [
            np.log(drawn[q] / eco.inputs[f"{q}_median"]) / np.log(eco.inputs[f"{q}_geometric_sd"]) for q in QUANTITIES
        ]
        logs = np.concatenate([x.transpose("sample", "technology") for x in standard], axis=1)
        expected = np.full((8, 8), correlation)
        np.fill_diagonal(expected, 1)
        assert logs.mean(axis=0) == pytest.approx(np.zeros(8), abs=4 / np.sqrt(SAMPLES))
        assert np.cov(logs.T) == pytest.approx(expected, abs=6 / np.sqrt(SAMPLES))

    def test_seed(self, eco, draws):
        xr.testing.assert_identical(predictions.prior_draws(eco.inputs, SAMPLES, 1), draws)
        assert not np.isin(predictions.prior_draws(eco.inputs, SAMPLES, 2)["cost"], draws["cost"]).any()


class TestReductions:
    def test_by_hand(self, eco):
        """All unit values one: both plans supply the same, so nothing is saved. Heat pumps alone: everything."""
        one = xr.DataArray(np.ones((1, 4)), dims=("sample", "technology"), coords={"technology": list(TECHNOLOGIES)})
        pumps = one * [0, 0, 1, 0]
        assert float(predictions.reductions(one, eco.energy)[0]) == pytest.approx(0, abs=1e-12)
        assert float(predictions.reductions(pumps, eco.energy)[0]) == 100

    def test_second_seed_agrees_within_sampling_error(self, eco, predicted):
        other = predictions.predicted_reductions(eco.inputs, eco.energy, SAMPLES, 2)
        for quantity in QUANTITIES:
            for prediction in predicted["prediction"].values:
                one, two = (
                    x["reduction"].sel(quantity=quantity, prediction=prediction).values for x in (predicted, other)
                )
                below = np.array([(two < q).mean() for q in np.quantile(one, LEVELS)])
                assert (np.abs(below - LEVELS) <= sampling_error(LEVELS, SAMPLES, SAMPLES)).all(), (
                    quantity,
                    prediction,
                )

    @pytest.mark.parametrize(("quantity", "expected"), [("cost", [0.8, 12.3, 26.7]), ("carbon", [34.9, 59.3, 77.9])])
    def test_literature_alone_as_the_reference_calculation_found(self, predicted, quantity, expected):
        values = predicted["reduction"].sel(quantity=quantity, prediction="priors alone")
        assert np.quantile(values, LEVELS) == pytest.approx(expected, abs=1.5)

    def test_published_reductions(self, predicted):
        assert predicted["published"].values == pytest.approx([14.386, 72.645], abs=5e-4)

    @pytest.mark.parametrize("plan", ["baseline", "optimum"])
    def test_fitted_to_a_plan_reproduces_its_total(self, eco, monkeypatch, plan):
        """The draws behind each half-fitted prediction hit the plan they were fitted to and not the other."""
        seen = []
        posterior = predictions.inverse.posterior

        def watched(energy, totals, *arguments):
            seen.append((energy["plan"].values.tolist(), posterior(energy, totals, *arguments)))
            return seen[-1][1]

        monkeypatch.setattr(predictions.inverse, "posterior", watched)
        found = predictions.predicted_reductions(eco.inputs, eco.energy, 500, 1)
        fitted = [drawn for plans, drawn in seen if plans == [plan]]
        assert len(fitted) == 2
        for quantity, drawn in zip(QUANTITIES, fitted, strict=True):
            total = (drawn * eco.energy).sum("technology")
            published = coefficients.totals(eco.inputs, quantity)
            assert total.sel(plan=plan).values == pytest.approx(
                np.full(500, float(published.sel(plan=plan))), rel=1e-12
            )
            free = total.drop_sel(plan=plan)
            assert float(free.std() / free.mean()) > 0.02
            expected = 100 * (1 - total.sel(plan="optimum") / total.sel(plan="baseline"))
            got = found["reduction"].sel(quantity=quantity, prediction=f"{plan} fitted")
            assert got.values == pytest.approx(expected.values, abs=1e-9)

    def test_table(self, predicted):
        table = predictions.reduction_table(predicted).set_index("quantity, prediction")
        assert len(table) == 6
        assert ((table["2.5 %"] < table["median"]) & (table["median"] < table["97.5 %"])).all()
        row = table.loc["carbon, priors alone"]
        values = predicted["reduction"].sel(quantity="carbon", prediction="priors alone").values
        assert row["share of draws below published [%]"] == pytest.approx(100 * (values < 72.6454).mean(), abs=0.05)
        assert (table["2.5 %"] < table["published"]).all()  # the published reductions lie within every prediction
        assert (table["published"] < table["97.5 %"]).all()


class TestMinimiser:
    def test_by_hand(self, eco):
        """Four draws: the published mix does both; another does both; it is cheapest alone; two others do one each."""
        rows = {  # hot water, solar power, heat pumps, wind; the published mix needs hot water < wind < the others
            "cost": [[1, 3, 4, 2], [2, 3, 4, 1], [1, 3, 4, 2], [2, 3, 4, 1]],
            "carbon": [[1, 3, 4, 2], [2, 3, 4, 1], [2, 3, 4, 1], [4, 3, 1, 2]],
        }
        drawn = xr.Dataset({q: (("sample", "technology"), np.array(v, float)) for q, v in rows.items()},
                           coords={"technology": list(TECHNOLOGIES)})  # fmt: skip
        assert predictions.minimiser_probabilities(drawn, region(eco.energy, "c"), eco.optimum) == {
            "one minimiser": 0.5,
            "published mix is cheapest": 0.5,
            "published mix emits least": 0.25,
            "published mix does both": 0.25,
        }

    def test_imposed_at_the_reference_point(self, eco):
        at_reference = eco.point.expand_dims(sample=1)
        assert set(predictions.minimiser_probabilities(at_reference, eco.where, eco.optimum).values()) == {1.0}

    @pytest.mark.parametrize("reading", coefficients.MERIT_ORDER)
    def test_published_mix_is_optimal_just_where_its_merit_order_holds(self, eco, draws, reading):
        keeps = {
            q: np.all([draws[q].sel(technology=a).values < draws[q].sel(technology=b).values
                       for a, b in coefficients.MERIT_ORDER[reading]], axis=0)
            for q in QUANTITIES
        }  # fmt: skip
        found = predictions.minimiser_probabilities(draws, region(eco.energy, reading), eco.optimum)
        assert found["published mix is cheapest"] == keeps["cost"].mean()
        assert found["published mix emits least"] == keeps["carbon"].mean()
        assert found["published mix does both"] == (keeps["cost"] & keeps["carbon"]).mean()
        assert found["one minimiser"] >= found["published mix does both"]

    def test_table(self, eco):
        inactive = ("zero and target", "half and twice the published energies")
        table = predictions.minimiser_table(eco.inputs, eco.energy, 2_000, 1, inactive, (0.0, 0.5))
        assert len(table) == 12
        assert table.iloc[:, 3:].stack().between(0, 1).all()
        central = table.query("reading == 'c'").iloc[0]
        assert central["inactive bounds"] == eco.choices["inactive_bounds"]
        assert central["prior correlation"] == eco.choices["prior_correlation"]
        assert central["one minimiser"] < 0.5  # the paper's claim is less likely than not in the central variant
        assert table.query("reading == 'a'")["one minimiser"].min() > 0.5  # and likelier than not in another reading


class TestRobustness:
    def test_no_error_no_change(self, eco):
        found = predictions.robustness(eco.point, eco.energy, 0.0, 3, 1)["reduction"]
        assert found.values == pytest.approx(np.array([[14.3863] * 3, [72.6454] * 3]), abs=5e-5)

    @pytest.mark.parametrize(("quantity", "ends"), [("cost", [7.8, 22.6]), ("carbon", [62, 81])])
    def test_twenty_percent_errors_as_the_reference_calculation_found(self, eco, quantity, ends):
        found = predictions.robustness(eco.point, eco.energy, 0.2, SAMPLES, 1)["reduction"].sel(quantity=quantity)
        assert np.quantile(found, [0.025, 0.975]) == pytest.approx(ends, abs=1)

    def test_errors_are_independent_between_quantities(self, eco):
        found = predictions.robustness(eco.point, eco.energy, 0.2, SAMPLES, 1)["reduction"]
        assert abs(np.corrcoef(found)[0, 1]) < 4 / np.sqrt(SAMPLES)

    def test_a_common_error_would_cancel(self, eco):
        scaled = xr.Dataset({q: eco.point[q] * 7 for q in QUANTITIES})
        one, other = (predictions.robustness(x, eco.energy, 0.2, 100, 1) for x in (eco.point, scaled))
        xr.testing.assert_allclose(one, other)


def test_reduction_table_by_hand():
    predicted = xr.Dataset(
        {
            "reduction": (("quantity", "prediction", "sample"), np.arange(5.0).reshape(1, 1, 5)),
            "published": ("quantity", [2.5]),
        },
        coords={"quantity": ["cost"], "prediction": ["priors alone"]},
    )
    (row,) = predictions.reduction_table(predicted).to_dict("records")
    assert row == pytest.approx(
        {"2.5 %": 0.1, "median": 2, "97.5 %": 3.9, "published": 2.5, "share of draws below published [%]": 60}
        | {"quantity, prediction": "cost, priors alone"}
    )
