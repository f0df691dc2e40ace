"""A region's renewable mix: what each technology yields, what a year of it costs and emits.

The equations of Wei et al. (2023), Regional Renewable Energy Optimization Based on Economic Benefits and Carbon
Emissions, Energy Engineering 120(6), https://doi.org/10.32604/ee.2023.026337, whose formulas are lost in the open text;
each function cites the standard that carries the same equation. All take numbers or labelled arrays.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
import xarray as xr

Quantity = TypeVar("Quantity", float, xr.DataArray)
"""A number, or an array over any dims (technology, plan, month, sample)."""

MJ_PER_MWH = 3600.0
MJ_PER_KWH = 3.6
FEET_PER_METRE = 1 / 0.3048
MILES_PER_HOUR_PER_METRE_PER_SECOND = 3600 / 1609.344

HeatPumpCredit = Literal["heat and cold", "heat"]


def renewable_demand(total_energy: Quantity, renewable_share: Quantity) -> Quantity:
    """Return the renewable energy a region is to supply.

        E_RE = r E_tot

    Parameters
    ----------
    total_energy : float or xr.DataArray
        Energy use of the region E_tot, in any unit of energy per year.
    renewable_share : float or xr.DataArray
        Required share r [-], from 0 to 1.

    Returns
    -------
    float or xr.DataArray
        In the unit of ``total_energy``.

    Raises
    ------
    ValueError
        If a share is outside 0 to 1.

    References
    ----------
    Wei et al. (2023), sections 5.2 and 5.3.2.
    """
    _within("renewable share", renewable_share, 0.0, 1.0)
    return total_energy * renewable_share


def solar_hot_water_yield(
    irradiation: Quantity, collector_efficiency: Quantity, loss: Quantity, utilisation: Quantity
) -> Quantity:
    """Return the useful heat of solar collectors per area.

        E / A_c = H eta_cd (1 - eta_L) f

    Parameters
    ----------
    irradiation : float or xr.DataArray
        Radiation on the collectors H [MJ/(m2 a)].
    collector_efficiency : float or xr.DataArray
        Mean efficiency of the collectors eta_cd [-].
    loss : float or xr.DataArray
        Share eta_L lost in pipes and tank [-].
    utilisation : float or xr.DataArray
        Share f of the gained heat that is used over the year [-].

    Returns
    -------
    float or xr.DataArray
        [MJ/(m2 a)], per collector area.

    Raises
    ------
    ValueError
        If an efficiency, loss or share is outside 0 to 1, or the irradiation is negative.

    References
    ----------
    Wei et al. (2023), equation (1); GB 50364-2018, sizing of the collector area of direct systems, solved for the gain.
    """
    _within("irradiation", irradiation, 0.0)
    for name, value in (("efficiency", collector_efficiency), ("loss", loss), ("utilisation", utilisation)):
        _within(f"collector {name}", value, 0.0, 1.0)
    return irradiation * collector_efficiency * (1 - loss) * utilisation


def solar_power_yield(irradiation: Quantity, module_efficiency: Quantity, performance_ratio: Quantity) -> Quantity:
    """Return the electricity of photovoltaic modules per area.

        E / A = H eta K

    Parameters
    ----------
    irradiation : float or xr.DataArray
        Radiation on the modules H [MJ/(m2 a)].
    module_efficiency : float or xr.DataArray
        Efficiency at standard conditions eta [-].
    performance_ratio : float or xr.DataArray
        All further losses K [-].

    Returns
    -------
    float or xr.DataArray
        [MJ/(m2 a)], per module area.

    Raises
    ------
    ValueError
        If an efficiency or ratio is outside 0 to 1, or the irradiation is negative.

    References
    ----------
    Wei et al. (2023), equation (2); GB 50797-2012, clause 6.6.
    """
    _within("irradiation", irradiation, 0.0)
    _within("module efficiency", module_efficiency, 0.0, 1.0)
    _within("performance ratio", performance_ratio, 0.0, 1.0)
    return irradiation * module_efficiency * performance_ratio


def heat_pump_yield(
    heating: Quantity, cooling: Quantity, cop: Quantity, credit: HeatPumpCredit = "heat and cold"
) -> Quantity:
    """Return the renewable part of what ground-source heat pumps supply per floor area.

        E / A = q (1 - 1 / COP),   q = q_h + q_c,  or q = q_h where heat alone is credited

    Parameters
    ----------
    heating, cooling : float or xr.DataArray
        Heat q_h and cold q_c supplied [MJ/(m2 a)].
    cop : float or xr.DataArray
        Seasonal coefficient of performance [-], above 1.
    credit : {"heat and cold", "heat"}
        Which supply counts as renewable.

    Returns
    -------
    float or xr.DataArray
        [MJ/(m2 a)], per conditioned floor area.

    Raises
    ------
    ValueError
        If a load is negative, the COP is not above 1, or the credit is unknown.

    References
    ----------
    Wei et al. (2023), equations (3) and (4); Directive 2009/28/EC, Annex VII, which credits heat alone.
    """
    _above_one(cop)
    return _credited(heating, cooling, credit) * (1 - 1 / cop)


def heat_pump_electricity(
    heating: Quantity, cooling: Quantity, cop: Quantity, credit: HeatPumpCredit = "heat and cold"
) -> Quantity:
    """Return the electricity that heat pumps draw per credited renewable energy.

        W / E = (q_h + q_c) / COP / (q (1 - 1 / COP)),   that is 1 / (COP - 1) where heat and cold are credited

    Parameters and errors are those of :func:`heat_pump_yield`; the result is in MJ of electricity per MJ [-].
    """
    return (heating + cooling) / cop / heat_pump_yield(heating, cooling, cop, credit)


def wind_yield_preliminary(rotor_diameter: Quantity, wind_speed: Quantity) -> Quantity:
    """Return the yearly electricity of a wind turbine by the preliminary estimate for small turbines.

        AEO [kWh/a] = 0.01328 D^2 V^3,   D in feet, V in miles per hour

    Parameters
    ----------
    rotor_diameter : float or xr.DataArray
        [m]
    wind_speed : float or xr.DataArray
        Annual mean [m/s].

    Returns
    -------
    float or xr.DataArray
        [kWh/a] per turbine.

    Raises
    ------
    ValueError
        If the diameter or the speed is negative.

    Notes
    -----
    The estimate presumes the mean speed at hub height and a Rayleigh distribution. Wei et al. put the speed of a
    weather station into it, 10 m above ground; ``bcopt.studies.energyeng2023.audit`` shows what that does.

    References
    ----------
    Wei et al. (2023), equation (5); U.S. Department of Energy, Small Wind Guidebook.
    """
    _within("rotor diameter", rotor_diameter, 0.0)
    _within("wind speed", wind_speed, 0.0)
    feet = rotor_diameter * FEET_PER_METRE
    return 0.01328 * feet**2 * (wind_speed * MILES_PER_HOUR_PER_METRE_PER_SECOND) ** 3


def capital_recovery_factor(interest_rate: Quantity, lifetime: Quantity) -> Quantity:
    """Return the yearly annuity of one unit of capital.

        CRF = i (1 + i)^n / ((1 + i)^n - 1),   1 / n where i = 0

    Parameters
    ----------
    interest_rate : float or xr.DataArray
        i [1/a], not negative.
    lifetime : float or xr.DataArray
        n [a], positive.

    Returns
    -------
    float or xr.DataArray
        [1/a]

    Raises
    ------
    ValueError
        If the rate is negative or the lifetime not positive.

    References
    ----------
    Wei et al. (2023), equations (6) and (7).
    """
    _within("interest rate", interest_rate, 0.0)
    _within("lifetime", lifetime, 0.0, expected="positive", open_end=True)
    # i / (1 - (1 + i)^-n) without cancellation near i = 0, where it tends to 1 / n.
    growth = np.log1p(interest_rate) * lifetime
    factor: Quantity = xr.where(
        growth > 0, interest_rate / -np.expm1(-xr.where(growth > 0, growth, 1.0)), 1 / lifetime
    )[()]
    return factor


def annual_charge(
    interest_rate: float, lifetime: float, maintenance_rate: Quantity, depreciation: bool = False
) -> Quantity:
    """Return the yearly cost of one unit of capital: annuity, maintenance and, if counted, depreciation.

        k = CRF(i, n) + m  [+ 1 / n]

    Parameters
    ----------
    interest_rate, lifetime : float
        One for all capital, as in :func:`capital_recovery_factor`.
    maintenance_rate : float or xr.DataArray
        Yearly maintenance as a share of the capital [1/a].
    depreciation : bool
        Add straight-line depreciation without residual value. It counts the capital a second time, since the annuity
        already returns it.

    Returns
    -------
    float or xr.DataArray
        [1/a]

    References
    ----------
    Wei et al. (2023), section 5.4.1 and equation (12).
    """
    _within("maintenance rate", maintenance_rate, 0.0)
    charge = capital_recovery_factor(interest_rate, lifetime) + maintenance_rate
    return charge + 1 / lifetime if depreciation else charge


def annual_cost(
    energy: xr.DataArray, capital: xr.DataArray, charge: xr.DataArray, operation: xr.DataArray
) -> xr.DataArray:
    """Return the yearly cost of a plan.

        AC = sum_j E_j (C_j k_j + O_j)

    Parameters
    ----------
    energy : xr.DataArray, dims (technology, ...)
        Energy supplied E_j [MJ/a].
    capital : xr.DataArray, dims (technology)
        Investment per yearly energy C_j [USD a/MJ].
    charge : xr.DataArray, dims (technology)
        Yearly cost of one unit of capital k_j [1/a], from :func:`annual_charge`.
    operation : xr.DataArray, dims (technology)
        Operation cost O_j [USD/MJ].

    Returns
    -------
    xr.DataArray, dims (...)
        [USD/a]

    References
    ----------
    Wei et al. (2023), equations (6), (7) and (9) to (12).
    """
    return (energy * (capital * charge + operation)).sum("technology")


def annual_carbon(
    energy: xr.DataArray, embodied: xr.DataArray, lifetime: xr.DataArray, operation: xr.DataArray
) -> xr.DataArray:
    """Return the yearly carbon dioxide of a plan over its life cycle.

        G = sum_j E_j (sum_s B_js / n + g_j)

    Parameters
    ----------
    energy : xr.DataArray, dims (technology, ...)
        Energy supplied E_j [MJ/a].
    embodied : xr.DataArray, dims (technology, stage) or (technology)
        Emitted once per yearly energy by production, transport, installation and demolition B_js [g a/MJ].
    lifetime : xr.DataArray
        n [a]
    operation : xr.DataArray, dims (technology)
        Emitted per energy in operation g_j [g/MJ].

    Returns
    -------
    xr.DataArray, dims (...)
        [kg/a]

    References
    ----------
    Wei et al. (2023), equation (8); ISO 14040:2006.
    """
    once = embodied.sum("stage") if "stage" in embodied.dims else embodied
    return (energy * (once / lifetime + operation)).sum("technology") / 1000


def _credited(heating: Quantity, cooling: Quantity, credit: str) -> Quantity:
    _within("heating", heating, 0.0)
    _within("cooling", cooling, 0.0)
    if credit == "heat and cold":
        return heating + cooling
    if credit == "heat":
        return heating
    raise ValueError(f"heat-pump credit must be 'heat and cold' or 'heat', got {credit!r}")


def _above_one(cop: float | xr.DataArray) -> None:
    _within("coefficient of performance", cop, 1.0, expected="above 1", open_end=True)


def _within(
    name: str,
    value: float | xr.DataArray,
    lower: float,
    upper: float = np.inf,
    expected: str = "",
    open_end: bool = False,
) -> None:
    """Raise one error that names every label at which ``value`` is outside its range or not a number."""
    array = xr.DataArray(value)
    outside = ~((array > lower if open_end else array >= lower) & (array <= upper))
    if bool(outside.any()):
        listed = [
            ", ".join(str(array[d].to_numpy()[i]) for d, i in zip(array.dims, index, strict=True) if d in array.coords)
            + f" {array.to_numpy()[tuple(index)]:g}"
            for index in np.argwhere(outside.to_numpy())
        ]
        expected = expected or (f"from {lower:g} to {upper:g}" if np.isfinite(upper) else f"{lower:g} or more")
        raise ValueError(f"{name} must be {expected}, got {'; '.join(text.strip() for text in listed)}")
