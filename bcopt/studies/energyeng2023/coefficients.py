"""Section 5.4: unit costs and carbon intensities behind the four published totals.

Eight unknowns and four totals: whatever the priors, some coefficients hit 14.39 % and 72.65 % exactly. The fit below is
therefore no evidence for the study; what can be known is how far each coefficient is fixed by the totals at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.methods import inverse
from bcopt.models import renewables
from bcopt.studies.energyeng2023.inputs import HEAT_PUMP, SOLAR_HOT_WATER, SOLAR_POWER, TECHNOLOGIES, WIND

QUANTITIES = {"cost": "USD/MJ", "carbon": "g/MJ"}
"""The two inferred coefficients of each technology and their units."""

MERIT_ORDER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "a": ((SOLAR_HOT_WATER, SOLAR_POWER), (WIND, SOLAR_POWER), (SOLAR_POWER, HEAT_PUMP)),
    "b": ((WIND, SOLAR_HOT_WATER), (SOLAR_HOT_WATER, SOLAR_POWER), (SOLAR_HOT_WATER, HEAT_PUMP)),
    "c": ((SOLAR_HOT_WATER, WIND), (WIND, SOLAR_POWER), (WIND, HEAT_PUMP)),
}
"""Pairs (cheaper, dearer) that make the published mix the only optimum, by reading of the bounds."""


def totals(inputs: xr.Dataset, quantity: str) -> xr.DataArray:
    """Return the two published totals in the unit of the coefficients times MJ: USD/a or g/a, dims (plan)."""
    return inputs["published_cost"] if quantity == "cost" else inputs["published_carbon"] * 1000


def ranges(inputs: xr.Dataset, energy: xr.DataArray, samples: int, seed: int) -> xr.Dataset:
    """Return what the totals allow for each coefficient, alone and together with the priors.

    Parameters
    ----------
    inputs : xr.Dataset
        The study's inputs with the priors.
    energy : xr.DataArray, dims (plan, technology)
        [MJ/a]
    samples : int
        Draws of the posterior.
    seed : int
        Seed of the draws.

    Returns
    -------
    xr.Dataset, dims (quantity, technology, end)
        ``positivity``: ends of the range that the totals and positive coefficients admit; ``prior``: 95 % interval of
        the priors; ``prior_box``: ends of the range that the totals admit within it; ``posterior``: 95 % interval;
        ``posterior_median`` (quantity, technology). USD/MJ and g/MJ.
    """
    found = []
    for quantity in QUANTITIES:
        b = totals(inputs, quantity)
        median, spread = inputs[f"{quantity}_median"], inputs[f"{quantity}_geometric_sd"]
        box = [median * spread**z for z in (-1.96, 1.96)]
        drawn = inverse.posterior(energy, b, "technology", median, spread, samples, seed)
        quantiles = drawn.quantile([0.025, 0.5, 0.975], "sample")
        found.append(
            xr.Dataset(
                {
                    "positivity": _ends(inverse.feasible_range(energy, b, "technology")),
                    "prior": _ends(xr.Dataset({"low": box[0], "high": box[1]})),
                    "prior_box": _ends(inverse.feasible_range(energy, b, "technology", *box)),
                    "posterior": _ends(
                        xr.Dataset(
                            {"low": quantiles[0].drop_vars("quantile"), "high": quantiles[2].drop_vars("quantile")}
                        )
                    ),
                    "posterior_median": quantiles[1].drop_vars("quantile"),
                }
            )
        )
    return xr.concat(found, dim=pd.Index(list(QUANTITIES), name="quantity"))


def identifiability_table(found: xr.Dataset, reference: xr.Dataset) -> pd.DataFrame:
    """Return the ranges of :func:`ranges` beside the reference point, one row a coefficient.

    ``uncertainty left`` is the width of the posterior over that of the prior, both in logarithms: 100 % is nothing
    learnt.
    """
    rows = []
    for quantity, unit in QUANTITIES.items():
        for technology in TECHNOLOGIES:
            at = found.sel(quantity=quantity, technology=technology)
            width = {
                name: float(np.log(at[name].sel(end="high") / at[name].sel(end="low")))
                for name in ("prior", "posterior")
            }
            rows.append(
                {
                    "coefficient": f"{quantity} of {technology} [{unit}]",
                    **{f"{name} {end}": float(at[name].sel(end=end))
                       for name in ("positivity", "prior", "prior_box", "posterior") for end in ("low", "high")},
                    "posterior median": float(at["posterior_median"]),
                    "reference point": float(reference[quantity].sel(technology=technology)),
                    "uncertainty left [%]": 100 * width["posterior"] / width["prior"],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def reference(
    inputs: xr.Dataset,
    energy: xr.DataArray,
    reading: str,
    margin: float,
    distance: str = "log-deviation",
) -> xr.Dataset:
    """Fit the coefficients nearest to the prior medians under which the published mix is optimal (fits 2 and 3).

    Parameters
    ----------
    inputs : xr.Dataset
        The study's inputs with the priors.
    energy : xr.DataArray, dims (plan, technology)
        [MJ/a]
    reading : {"a", "b", "c"}
        Which bounds are active; it sets the merit order that is imposed.
    margin : float
        How much dearer the next technology in the merit order is at least, as a share.
    distance : {"log-deviation", "standardised log-deviation"}
        Whether each coefficient counts alike or in units of its prior standard deviation.

    Returns
    -------
    xr.Dataset, dims (technology)
        ``cost`` [USD/MJ] and ``carbon`` [g/MJ], hitting the four totals to rounding.

    Raises
    ------
    bcopt.methods.inverse.Inconsistent
        If no positive coefficients hit the totals in that order.
    """
    if distance not in ("log-deviation", "standardised log-deviation"):
        raise ValueError(f"unknown distance {distance!r}")
    standardised = distance == "standardised log-deviation"
    points = {
        quantity: inverse.reference_point(
            energy,
            totals(inputs, quantity),
            "technology",
            inputs[f"{quantity}_median"],
            cast("xr.DataArray", np.log(inputs[f"{quantity}_geometric_sd"])) if standardised else 1.0,
            MERIT_ORDER[reading],
            margin,
        ).assign_attrs(units=unit)
        for quantity, unit in QUANTITIES.items()
    }
    return xr.Dataset(points)


def reference_variants(inputs: xr.Dataset, energy: xr.DataArray, margins: tuple[float, ...]) -> pd.DataFrame:
    """Return the reference point under every reading, margin and distance of the protocol, one row each."""
    rows = []
    for reading in MERIT_ORDER:
        for margin in margins:
            for distance in ("log-deviation", "standardised log-deviation"):
                point = reference(inputs, energy, reading, margin, distance)
                rows.append(
                    {"variant": f"{reading}, {100 * margin:g} %, {distance}"}
                    | {
                        f"{q} of {t} [{u}]": float(point[q].sel(technology=t))
                        for q, u in QUANTITIES.items()
                        for t in TECHNOLOGIES
                    }
                )
    return pd.DataFrame(rows)


def charges(inputs: xr.Dataset, depreciation: bool) -> xr.DataArray:
    """Return the yearly cost of one unit of capital [1/a], dims (technology)."""
    return renewables.annual_charge(
        float(inputs["interest_rate"]), float(inputs["lifetime"]), inputs["maintenance_rate"], depreciation
    )


def charge_table(inputs: xr.Dataset) -> pd.DataFrame:
    """Return annuity, maintenance and their sum for each technology, without and with depreciation."""
    factor = renewables.capital_recovery_factor(float(inputs["interest_rate"]), float(inputs["lifetime"]))
    return pd.DataFrame(
        {
            "technology": list(TECHNOLOGIES),
            "maintenance [1/a]": inputs["maintenance_rate"],
            "CRF [1/a]": factor,
            "yearly charge [1/a]": charges(inputs, depreciation=False),
            "with depreciation [1/a]": charges(inputs, depreciation=True),
        }
    )


def decompose(
    point: xr.Dataset, inputs: xr.Dataset, depreciation: bool, credit: renewables.HeatPumpCredit
) -> xr.Dataset:
    """Split the coefficients into capital and operation, embodied and emitted in operation.

    Only their sums are fixed by the totals. Operation is what the heat pumps' electricity costs and emits at the
    assumed price and factor; the rest is capital, respectively embodied.

    Returns
    -------
    xr.Dataset, dims (technology)
        ``capital`` [USD a/MJ], ``operation_cost`` [USD/MJ], ``embodied_carbon`` [g a/MJ], ``operation_carbon`` [g/MJ].
        A negative ``embodied_carbon`` says that the electricity alone emits more than the totals allow.
    """
    pump = xr.DataArray(
        [float(t == HEAT_PUMP) for t in TECHNOLOGIES], dims="technology", coords={"technology": list(TECHNOLOGIES)}
    )
    drawn = pump * float(
        renewables.heat_pump_electricity(
            float(inputs["heating_load"]), float(inputs["cooling_load"]), float(inputs["heat_pump_cop"]), credit
        )
    )
    kwh = drawn / renewables.MJ_PER_KWH
    operation_cost = kwh * float(inputs["electricity_price"])
    operation_carbon = kwh * float(inputs["grid_emission_regional"]) * 1000
    return xr.Dataset(
        {
            "capital": ((point["cost"] - operation_cost) / charges(inputs, depreciation)).assign_attrs(
                units="USD a/MJ"
            ),
            "operation_cost": operation_cost.assign_attrs(units="USD/MJ"),
            "embodied_carbon": ((point["carbon"] - operation_carbon) * float(inputs["lifetime"])).assign_attrs(
                units="g a/MJ"
            ),
            "operation_carbon": operation_carbon.assign_attrs(units="g/MJ"),
        }
    )


DESCRIPTIONS = {
    "capital": "investment per yearly energy",
    "operation_cost": "cost of the heat pumps' electricity",
    "embodied_carbon": "carbon dioxide embodied per yearly energy",
    "operation_carbon": "carbon dioxide of the heat pumps' electricity",
}


def coefficient_table(parts: xr.Dataset) -> pd.DataFrame:
    """Return the fitted coefficients as rows of ``data/derived``."""
    rows = [
        {
            "quantity": name,
            "technology": technology,
            "value": float(parts[name].sel(technology=technology)),
            "unit": parts[name].attrs["units"],
            "provenance": "fitted",
            "source": f"protocol fit {2 if 'carbon' not in name else 3}: totals of section 5.5.2 nearest to the priors",
            "description": DESCRIPTIONS[name],
        }
        for name in DESCRIPTIONS
        for technology in TECHNOLOGIES
    ]
    return pd.DataFrame(rows)


def unit_values(parts: xr.Dataset, inputs: xr.Dataset, depreciation: bool) -> xr.Dataset:
    """Return cost [USD/MJ] and carbon [g/MJ] of each technology from frozen parts and the inputs in force."""
    cost = parts["capital"] * charges(inputs, depreciation) + parts["operation_cost"]
    carbon = parts["embodied_carbon"] / float(inputs["lifetime"]) + parts["operation_carbon"]
    return xr.Dataset({"cost": cost.assign_attrs(units="USD/MJ"), "carbon": carbon.assign_attrs(units="g/MJ")})


def plan_totals(energy: xr.DataArray, parts: xr.Dataset, inputs: xr.Dataset, depreciation: bool) -> xr.Dataset:
    """Return annual cost [USD/a] and carbon dioxide [kg/a] of both plans, dims (plan), and their reductions [%]."""
    cost = renewables.annual_cost(energy, parts["capital"], charges(inputs, depreciation), parts["operation_cost"])
    carbon = renewables.annual_carbon(energy, parts["embodied_carbon"], inputs["lifetime"], parts["operation_carbon"])
    both = xr.Dataset({"cost": cost.assign_attrs(units="USD/a"), "carbon": carbon.assign_attrs(units="kg/a")})
    reduction = 100 * (1 - both.sel(plan="optimum", drop=True) / both.sel(plan="baseline", drop=True))
    return both.assign({f"{name}_reduction": reduction[name].assign_attrs(units="%") for name in ("cost", "carbon")})


def meaning_table(point: xr.Dataset, parts: xr.Dataset, yields: xr.DataArray) -> pd.DataFrame:
    """Return what the fitted coefficients would mean for a square metre, a floor and a turbine."""
    per_unit = {
        SOLAR_HOT_WATER: "m2 of collector",
        SOLAR_POWER: "m2 of module",
        HEAT_PUMP: "m2 of floor",
        WIND: "turbine",
    }
    return pd.DataFrame(
        [
            {
                "technology": t,
                "cost [USD/kWh]": float(point["cost"].sel(technology=t)) * renewables.MJ_PER_KWH,
                "carbon [g/kWh]": float(point["carbon"].sel(technology=t)) * renewables.MJ_PER_KWH,
                "capital [USD per unit]": float((parts["capital"] * yields).sel(technology=t)),
                "embodied [kg per unit]": float((parts["embodied_carbon"] * yields).sel(technology=t)) / 1000,
                "unit": per_unit[t],
            }
            for t in TECHNOLOGIES
        ]
    )


def _ends(bounds: xr.Dataset) -> xr.DataArray:
    return xr.concat([bounds["low"], bounds["high"]], dim=pd.Index(["low", "high"], name="end")).rename(None)
