"""Section 5.3: what the eco-park must cover, what sun, wind and ground give, and the two plans that cover it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal, get_args

import pandas as pd
import xarray as xr

from bcopt.models import renewables
from bcopt.studies.energyeng2023.inputs import HEAT_PUMP, SOLAR_HOT_WATER, SOLAR_POWER, TECHNOLOGIES, WIND

EnergyBasis = Literal["rounded", "exact"]
BaselineShares = Literal["integer parts 110:17:13:7", "printed percentages"]

DAYS = xr.DataArray(
    [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dims="month", coords={"month": range(1, 13)}, attrs={"units": "d"}
)
SIZES = {
    SOLAR_HOT_WATER: "collector area [m2]",
    SOLAR_POWER: "module area [m2]",
    HEAT_PUMP: "floor area [m2]",
    WIND: "turbines [-]",
}


def demand(inputs: xr.Dataset) -> float:
    """Return the renewable energy that the park must use [MWh/a] (section 5.3.2)."""
    return float(renewables.renewable_demand(inputs["total_energy"], inputs["renewable_share"]))


def energy_target(inputs: xr.Dataset, basis: EnergyBasis = "rounded") -> float:
    """Return the right-hand side of the energy balance [MJ/a] (section 5.4.3).

    Parameters
    ----------
    inputs : xr.Dataset
        From :func:`bcopt.studies.energyeng2023.inputs.load`.
    basis : {"rounded", "exact"}
        The demand rounded to million MJ, as printed, or the demand itself.
    """
    exact = demand(inputs) * renewables.MJ_PER_MWH
    if basis not in ("rounded", "exact"):
        raise ValueError(f"energy basis must be 'rounded' or 'exact', got {basis!r}")
    return round(exact / 1e6) * 1e6 if basis == "rounded" else exact


def demand_table(inputs: xr.Dataset, target: float) -> pd.DataFrame:
    """Return the demand in both units of the study and the target of its energy balance."""
    needed = demand(inputs)
    rows = {
        "renewable energy [MWh/a]": needed,
        "the same [million MJ/a]": needed * renewables.MJ_PER_MWH / 1e6,
        "right-hand side of the balance [million MJ/a]": target / 1e6,
    }
    return pd.DataFrame({"quantity": list(rows), "value": list(rows.values())})


def roundest(low: float, high: float) -> float:
    """Return the number with the fewest significant digits in an interval, of several the one nearest to its middle.

    >>> roundest(7677.1, 7680.9)
    7680.0

    Raises
    ------
    ValueError
        If the interval is empty or reaches zero.
    """
    if not 0 < low <= high:
        raise ValueError(f"expected 0 < low <= high, got {low} and {high}")
    least, most = Decimal(repr(float(low))), Decimal(repr(float(high)))
    middle = (least + most) / 2
    for digits in range(1, 18):
        found = []
        for exponent in range(least.adjusted(), most.adjusted() + 1):
            unit = Decimal(10) ** (exponent - digits + 1)
            first = math.ceil(least / unit)
            last = min(math.floor(most / unit), 10**digits)
            if first <= last:
                found.append(min(max(round(middle / unit), first), last) * unit)
        if found:
            return float(min(found, key=lambda x: abs(x - middle)))
    return float(middle)


def effective_areas(inputs: xr.Dataset, target: float) -> xr.Dataset:
    """Fit the areas times efficiencies whose yields are the active bounds of the two solar technologies.

    A bound E = A_eff H prints the share 100 E / Q. Every effective area in ``low`` to ``high`` prints the published
    one; the roundest of them is taken (fit 1 of the protocol).

    Parameters
    ----------
    inputs : xr.Dataset
        The study's inputs.
    target : float
        Q [MJ/a].

    Returns
    -------
    xr.Dataset, dims (technology)
        ``effective_area``, ``low`` and ``high`` [m2] of solar hot water and solar power.
    """
    printed = inputs["printed_share"].sel(plan="optimum", technology=[SOLAR_HOT_WATER, SOLAR_POWER])
    half_digit = 0.005
    per_percent = target / 100 / float(inputs["irradiation"])
    low, high = (printed - half_digit) * per_percent, (printed + half_digit) * per_percent
    chosen = [roundest(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    return xr.Dataset(
        {"effective_area": ("technology", chosen), "low": low.drop_vars("plan"), "high": high.drop_vars("plan")}
    )


def effective_area_table(areas: xr.Dataset) -> pd.DataFrame:
    """Return the fitted effective areas as rows of ``data/derived``."""
    source = "protocol fit 1: the roundest area that prints the published share of the optimum (section 5.5.2)"
    return pd.DataFrame(
        {
            "quantity": "effective_area",
            "technology": areas["technology"].to_numpy(),
            "value": areas["effective_area"].to_numpy(),
            "unit": "m2",
            "provenance": "fitted",
            "source": source,
            "description": "area times all efficiencies behind the active bound",
        }
    )


def energies(
    inputs: xr.Dataset,
    effective_area: xr.DataArray,
    target: float,
    baseline_shares: BaselineShares = "integer parts 110:17:13:7",
) -> xr.DataArray:
    """Return the energy of each technology in the baseline and in the published optimum.

    Parameters
    ----------
    inputs : xr.Dataset
        The study's inputs.
    effective_area : xr.DataArray, dims (technology)
        Of the two solar technologies [m2].
    target : float
        Q [MJ/a].
    baseline_shares : {"integer parts 110:17:13:7", "printed percentages"}
        Unrounded or printed shares of the baseline.

    Returns
    -------
    xr.DataArray, dims (plan, technology)
        [MJ/a]; the optimum sums to the target, wind power taking what the bounds leave.
    """
    parts = inputs["baseline_parts"]
    if baseline_shares not in get_args(BaselineShares):
        raise ValueError(f"baseline shares must be one of {get_args(BaselineShares)}, got {baseline_shares!r}")
    if baseline_shares == "printed percentages":
        baseline = inputs["printed_share"].sel(plan="baseline", drop=True) / 100 * target
    else:
        baseline = parts / parts.sum() * target
    solar = effective_area * float(inputs["irradiation"])
    optimum = solar.reindex(technology=list(TECHNOLOGIES), fill_value=0.0)
    optimum = optimum.where(optimum["technology"] != WIND, target - float(solar.sum()))
    both = xr.concat([baseline, optimum], dim=pd.Index(["baseline", "optimum"], name="plan"), coords="minimal")
    return both.rename("energy").assign_attrs(units="MJ/a", long_name="renewable energy supplied")


def shares(energy: xr.DataArray) -> xr.DataArray:
    """Return the shares of the technologies [%], dims as in ``energy``."""
    return (100 * energy / energy.sum("technology")).assign_attrs(units="%", long_name="share of the renewable energy")


def yields(inputs: xr.Dataset, credit: renewables.HeatPumpCredit = "heat and cold") -> xr.DataArray:
    """Return what one m2 of collector, module and floor and one turbine give in a year.

    Returns
    -------
    xr.DataArray, dims (technology)
        [MJ/a] per unit of :data:`SIZES`.
    """
    i = {name: float(inputs[name]) for name in inputs.data_vars if inputs[name].ndim == 0}
    values = {
        SOLAR_HOT_WATER: renewables.solar_hot_water_yield(
            i["irradiation"], i["collector_efficiency"], i["collector_loss"], i["effective_utilisation"]
        ),
        SOLAR_POWER: renewables.solar_power_yield(i["irradiation"], i["module_efficiency"], i["performance_ratio"]),
        HEAT_PUMP: renewables.heat_pump_yield(i["heating_load"], i["cooling_load"], i["heat_pump_cop"], credit),
        WIND: renewables.wind_yield_preliminary(i["rotor_diameter"], i["wind_speed"]) * renewables.MJ_PER_KWH,
    }
    return xr.DataArray(
        [values[t] for t in TECHNOLOGIES], dims="technology", coords={"technology": list(TECHNOLOGIES)}, name="yield"
    )


def plan_table(energy: xr.DataArray, inputs: xr.Dataset, credit: renewables.HeatPumpCredit) -> pd.DataFrame:
    """Return shares, energies and sizes of both plans beside the printed shares (the paper's figures 10 to 12)."""
    size = energy / yields(inputs, credit)
    rows = [
        {
            "plan": plan,
            "technology": technology,
            "printed share [%]": float(inputs["printed_share"].sel(plan=plan, technology=technology)),
            "share [%]": float(shares(energy).sel(plan=plan, technology=technology)),
            "energy [GJ/a]": float(energy.sel(plan=plan, technology=technology)) / 1000,
            "energy [MWh/a]": float(energy.sel(plan=plan, technology=technology)) / renewables.MJ_PER_MWH,
            "size": float(size.sel(plan=plan, technology=technology)),
            "size of": SIZES[technology],
        }
        for plan in energy["plan"].to_numpy()
        for technology in TECHNOLOGIES
    ]
    return pd.DataFrame(rows)


def monthly_resource(inputs: xr.Dataset) -> xr.Dataset:
    """Return the months behind the paper's figures 5 and 6, whose values are unpublished.

    Returns
    -------
    xr.Dataset, dims (month)
        ``irradiation`` [MJ/m2] per month, scaled to the published year, with ``unscaled_year`` [MJ/m2/a] of the
        measurements; ``wind_speed`` [m/s]; ``cube_factor`` [-], mean of the cubes over the cube of the mean.
    """
    month = inputs["monthly_irradiation"] * DAYS
    wind = inputs["monthly_wind_speed"]
    mean = float((wind * DAYS).sum() / DAYS.sum())
    return xr.Dataset(
        {
            "irradiation": (month * float(inputs["irradiation"]) / float(month.sum())).assign_attrs(units="MJ/m2"),
            "unscaled_year": ((), float(month.sum()), {"units": "MJ/m2/a"}),
            "wind_speed": wind,
            "mean_wind_speed": ((), mean, {"units": "m/s"}),
            "cube_factor": ((), float((wind**3 * DAYS).sum() / DAYS.sum()) / mean**3, {"units": "1"}),
        }
    )


def resource_table(resource: xr.Dataset, inputs: xr.Dataset) -> pd.DataFrame:
    """Return measured and published radiation of the year, and what the months do to the cube of the wind."""
    measured, published = float(resource["unscaled_year"]), float(inputs["irradiation"])
    rows = {
        "measured radiation of the year [MJ/m2]": measured,
        "published [MJ/m2]": published,
        "difference [%]": 100 * (measured / published - 1),
        "mean cube of the wind over the cube of its mean": float(resource["cube_factor"]),
    }
    return pd.DataFrame({"quantity": list(rows), "value": list(rows.values())})


def size_factorisations(areas: xr.DataArray, inputs: xr.Dataset) -> pd.DataFrame:
    """Return collector and module areas that the fitted effective areas mean at assumed and other efficiencies."""
    hot_water = float(inputs["collector_efficiency"] * (1 - inputs["collector_loss"]) * inputs["effective_utilisation"])
    power = float(inputs["module_efficiency"] * inputs["performance_ratio"])
    return pd.DataFrame(
        [
            {
                "technology": technology,
                "effective area [m2]": float(areas.sel(technology=technology)),
                "product of efficiencies": product,
                "physical area [m2]": float(areas.sel(technology=technology)) / product,
                "remark": remark,
            }
            for technology, products in (
                (SOLAR_HOT_WATER, ((hot_water, "assumed"), (0.3, "lower"), (0.5, "higher"))),
                (SOLAR_POWER, ((power, "assumed"), (0.12, "15 % modules at 0.8"), (0.16, "20 % modules at 0.8"))),
            )
            for product, remark in products
        ]
    )
