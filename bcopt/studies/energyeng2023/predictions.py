"""What can be tested: literature values alone, half of the totals, and whether one mix minimises both objectives."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.methods import inverse
from bcopt.models import mix
from bcopt.studies.energyeng2023.coefficients import QUANTITIES, totals
from bcopt.studies.energyeng2023.inputs import TECHNOLOGIES
from bcopt.studies.energyeng2023.optimisation import ACTIVE, Region, region

QUANTILES = (0.025, 0.5, 0.975)


def prior_draws(inputs: xr.Dataset, samples: int, seed: int, correlation: float = 0.0) -> xr.Dataset:
    """Draw cost [USD/MJ] and carbon [g/MJ] of all technologies from their priors, dims (sample, technology).

    Parameters
    ----------
    inputs : xr.Dataset
        With the priors.
    samples, seed : int
        How many draws, and the seed of all.
    correlation : float
        Correlation of the logarithms of all eight coefficients through one common factor [-], from 0 to below 1.
    """
    generator = np.random.default_rng(seed)
    common = generator.standard_normal((samples, 1))
    drawn = {}
    for quantity in QUANTITIES:
        own = generator.standard_normal((samples, len(TECHNOLOGIES)))
        standard = xr.DataArray(
            np.sqrt(1 - correlation) * own + np.sqrt(correlation) * common,
            dims=("sample", "technology"),
            coords={"technology": list(TECHNOLOGIES)},
        )
        drawn[quantity] = inputs[f"{quantity}_median"] * np.exp(np.log(inputs[f"{quantity}_geometric_sd"]) * standard)
    return xr.Dataset(drawn)


def reductions(draws: xr.DataArray, energy: xr.DataArray) -> xr.DataArray:
    """Return the reduction from baseline to optimum [%] under each draw of unit values, dims (sample)."""
    total = (draws * energy).sum("technology")
    return 100 * (1 - total.sel(plan="optimum") / total.sel(plan="baseline"))


def predicted_reductions(inputs: xr.Dataset, energy: xr.DataArray, samples: int, seed: int) -> xr.Dataset:
    """Predict both reductions from less than what was published.

    Three predictions: ``priors alone``, fitted to nothing; ``baseline fitted``, priors restricted to the published
    total of the baseline; ``optimum fitted``, to that of the optimum. All use the published shares.

    Returns
    -------
    xr.Dataset, dims (quantity, prediction, sample)
        ``reduction`` [%]; and ``published`` (quantity) [%].
    """
    predictions = {"priors alone": None, "baseline fitted": "baseline", "optimum fitted": "optimum"}
    unfitted = prior_draws(inputs, samples, seed)
    rows = []
    for quantity in QUANTITIES:
        found = []
        for plan in predictions.values():
            if plan is None:
                draws = unfitted[quantity]
            else:
                draws = inverse.posterior(
                    energy.sel(plan=[plan]), totals(inputs, quantity).sel(plan=[plan]), "technology",
                    inputs[f"{quantity}_median"], inputs[f"{quantity}_geometric_sd"], samples, seed,
                )  # fmt: skip
            found.append(reductions(draws, energy).drop_vars("plan", errors="ignore"))
        rows.append(xr.concat(found, dim=pd.Index(list(predictions), name="prediction")))
    both = xr.concat(rows, dim=pd.Index(list(QUANTITIES), name="quantity"))
    published = [100 * (1 - float(t.sel(plan="optimum") / t.sel(plan="baseline")))
                 for t in (totals(inputs, quantity) for quantity in QUANTITIES)]  # fmt: skip
    return xr.Dataset({"reduction": both.assign_attrs(units="%"), "published": ("quantity", published, {"units": "%"})})


def reduction_table(predicted: xr.Dataset) -> pd.DataFrame:
    """Return median and 95 % interval of every prediction beside the published reduction, and where in it that lies."""
    return pd.DataFrame(
        [
            {
                "quantity, prediction": f"{quantity}, {prediction}",
                **dict(zip(("2.5 %", "median", "97.5 %"), np.quantile(values, QUANTILES).tolist(), strict=True)),
                "published": published,
                "share of draws below published [%]": 100 * float((values < published).mean()),
            }
            for quantity in predicted["quantity"].to_numpy()
            for prediction in predicted["prediction"].to_numpy()
            for values, published in [
                (
                    predicted["reduction"].sel(quantity=quantity, prediction=prediction).to_numpy(),
                    float(predicted["published"].sel(quantity=quantity)),
                )
            ]
        ]
    )


def minimiser_probabilities(draws: xr.Dataset, where: Region, published: xr.DataArray) -> dict[str, float]:
    """Return how likely one mix minimises both objectives, and how likely the published one does.

    Parameters
    ----------
    draws : xr.Dataset, dims (sample, technology)
        Unit values ``cost`` and ``carbon``.
    where : Region
        The mixes that are allowed.
    published : xr.DataArray, dims (technology)
        The published optimum [MJ/a].

    Returns
    -------
    dict
        Shares of the draws [-] in which both objectives have one minimiser, and in which the published mix is the
        cheapest, the one that emits least, and both.
    """
    near = 1e-9 * where.total
    optimum = {q: mix.cheapest_mix(draws[q], where.lower, where.upper, where.total) for q in QUANTITIES}
    hits = {q: (abs(found - published) <= near).all("technology") for q, found in optimum.items()}
    return {
        "one minimiser": float((abs(optimum["cost"] - optimum["carbon"]) <= near).all("technology").mean()),
        "published mix is cheapest": float(hits["cost"].mean()),
        "published mix emits least": float(hits["carbon"].mean()),
        "published mix does both": float((hits["cost"] & hits["carbon"]).mean()),
    }


def minimiser_table(
    inputs: xr.Dataset,
    energy: xr.DataArray,
    samples: int,
    seed: int,
    inactive_bounds: tuple[str, ...],
    correlations: tuple[float, ...],
) -> pd.DataFrame:
    """Return the probability that both objectives have one minimiser, for every variant of the protocol.

    Parameters
    ----------
    inputs : xr.Dataset
        With the priors.
    energy : xr.DataArray, dims (plan, technology)
        [MJ/a]
    samples, seed : int
        Draws of the priors.
    inactive_bounds : tuple of str
        As in :func:`bcopt.studies.energyeng2023.optimisation.region`.
    correlations : tuple of float
        As in :func:`prior_draws`.
    """
    draws = {c: prior_draws(inputs, samples, seed, c) for c in correlations}
    rows = []
    for reading, inactive, correlation in product(ACTIVE, inactive_bounds, correlations):
        where = region(energy, reading, inactive)
        variant = {"reading": reading, "inactive bounds": inactive, "prior correlation": correlation}
        rows.append(variant | minimiser_probabilities(draws[correlation], where, energy.sel(plan="optimum", drop=True)))
    return pd.DataFrame(rows)


def robustness(units: xr.Dataset, energy: xr.DataArray, spread: float, samples: int, seed: int) -> xr.Dataset:
    """Return both reductions at the fixed mixes under log-normal errors of all coefficients.

    Parameters
    ----------
    units : xr.Dataset, dims (technology)
        Reference ``cost`` and ``carbon``.
    energy : xr.DataArray, dims (plan, technology)
        [MJ/a]
    spread : float
        Standard deviation of the logarithms: 0.2 is about 20 %.
    samples, seed : int
        Draws.

    Returns
    -------
    xr.Dataset, dims (quantity, sample)
        ``reduction`` [%].
    """
    generator = np.random.default_rng(seed)
    found = []
    for quantity in QUANTITIES:
        error = xr.DataArray(
            np.exp(spread * generator.standard_normal((samples, len(TECHNOLOGIES)))),
            dims=("sample", "technology"),
            coords={"technology": list(TECHNOLOGIES)},
        )
        found.append(reductions(units[quantity] * error, energy).drop_vars("plan", errors="ignore"))
    both = xr.concat(found, dim=pd.Index(list(QUANTITIES), name="quantity"))
    return xr.Dataset({"reduction": both.assign_attrs(units="%")})
