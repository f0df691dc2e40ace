"""Monthly climate of a year of weather, and the weather of one place morphed to the monthly climate of another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from ladybug.psychrometrics import dew_point_from_db_rh, rel_humid_from_db_dpt
from ladybug.skymodel import calc_horizontal_infrared
from scipy.optimize import brentq

from bcopt.compendium.inputs import Expected, check_dataset
from bcopt.compendium.problems import InputError
from bcopt.loads.weather import CALENDAR, check_weather, extraterrestrial_radiation

Array = npt.NDArray[np.float64]

_TEMPERATURES = ("mean_temperature", "mean_daily_maximum", "mean_daily_minimum")
MONTHLY = {
    **{name: Expected("degC", ("month",), -70.0, 70.0) for name in _TEMPERATURES},
    "global_horizontal_radiation": Expected("kWh/m2/day", ("month",), 0.0, 15.0),
    "wind_speed": Expected("m/s", ("month",), 0.0, 40.0),
    "relative_humidity": Expected("%", ("month",), 1.0, 100.0),
}
"""Variables of a monthly climate; all but the temperatures may be left out of a table to morph to."""

_SOLAR = (
    "global_horizontal_radiation",
    "direct_normal_radiation",
    "diffuse_horizontal_radiation",
    "global_horizontal_illuminance",
    "direct_normal_illuminance",
    "diffuse_horizontal_illuminance",
    "zenith_luminance",
)
_MONTHS = range(1, 13)
_STEEPEST = 100.0
"""Highest and, inverted, lowest slope of the daily course at its minimum, against a straight line to its maximum."""


def monthly_means(weather: xr.Dataset) -> xr.Dataset:
    """Return the monthly climate of a year of weather.

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        As :func:`bcopt.loads.weather.read_weather` returns it.

    Returns
    -------
    xr.Dataset, dims (month)
        Months 1 to 12: ``mean_temperature``, and the means over the days of a month of each day's highest and lowest
        hour, ``mean_daily_maximum`` and ``mean_daily_minimum`` [degC]; ``global_horizontal_radiation`` [kWh/m2/day];
        ``wind_speed`` [m/s]; ``relative_humidity`` [%].
    """
    air = weather["dry_bulb_temperature"]
    days = air.to_numpy().reshape(-1, 24)
    hourly = xr.Dataset(
        {
            "mean_temperature": air,
            "mean_daily_maximum": air.copy(data=np.repeat(days.max(axis=1), 24)),
            "mean_daily_minimum": air.copy(data=np.repeat(days.min(axis=1), 24)),
            "global_horizontal_radiation": weather["global_horizontal_radiation"] * 24 / 1000,
            "wind_speed": weather["wind_speed"],
            "relative_humidity": weather["relative_humidity"],
        }
    )
    means = hourly.assign_coords(month=("hour", CALENDAR.month)).groupby("month").mean()
    for name, rule in MONTHLY.items():
        means[name].attrs = {"units": rule.units, "long_name": name.replace("_", " ")}
    return means


def morph(weather: xr.Dataset, monthly: xr.Dataset, city: str) -> xr.Dataset:
    """Return a year of weather changed to the monthly climate of another place, the sun's path kept.

    Temperature is shifted, stretched and bent to its mean and mean daily extremes. Radiation, wind speed and, if given,
    relative humidity are stretched, x' = min(a, c) x with one a a month that gives the mean. Caps c keep humidity to
    100 % and global, diffuse and direct normal radiation to that at the top of the atmosphere, or the source's if above
    it; all radiation and light of an hour has one factor. Dew point T_d and infrared radiation L follow by

        e(T_d') / e_s(T') = rh'/rh e(T_d) / e_s(T),   L' = L f(N, T_d') T'^4 / (f(N, T_d) T^4)

    with vapour pressure e and Clark and Allen's emissivity f of the opaque sky cover N, so its own climate keeps a
    year. Pressure, clouds, rain, snow and all else are kept, as are the steps between months.

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        As :func:`bcopt.loads.weather.read_weather` returns it.
    monthly : xr.Dataset, dims (month), each variable with its ``units``
        Months 1 to 12: ``mean_temperature``, ``mean_daily_maximum``, ``mean_daily_minimum`` [degC] and, unless they
        are to stay, ``global_horizontal_radiation`` [kWh/m2/day], ``wind_speed`` [m/s], ``relative_humidity`` [%].
    city : str
        Name of the place of the table, without a comma.

    Returns
    -------
    xr.Dataset, dims (hour)
        As ``weather``, with its location, to which the radiation belongs; the attribute ``city`` tells both places.

    Raises
    ------
    InputError
        Listing what is wrong with the table by variable and month, or with the morphed weather by hour.
    ValueError
        Naming the month whose means the source cannot be morphed to.

    References
    ----------
    Belcher, Hacker & Powell (2005), Building Serv. Eng. Res. Technol. 26(1), 49-61, doi 10.1191/0143624405bt112oa.
    Walton (1983), TARP Reference Manual, NBSSIR 83-2655, for f; ASHRAE Fundamentals (2017), chapter 1, for e.
    """
    table = _checked(monthly, f"monthly climate of {city}")
    source = {str(name): weather[name].to_numpy().astype(np.float64) for name in weather.data_vars}
    new = dict(source)
    new["dry_bulb_temperature"] = _temperature(source["dry_bulb_temperature"], table)
    if "global_horizontal_radiation" in table:
        factor = _factors(source[_SOLAR[0]] * 24 / 1000, _solar_limit(weather), table["global_horizontal_radiation"])
        new |= {name: source[name] * factor for name in _SOLAR}
    if "wind_speed" in table:
        unlimited = np.full(len(CALENDAR), np.inf)
        new["wind_speed"] = source["wind_speed"] * _factors(source["wind_speed"], unlimited, table["wind_speed"])
    wetter = np.ones(len(CALENDAR))
    if "relative_humidity" in table:
        humidity = source["relative_humidity"]
        wetter = _factors(humidity, _limit(humidity, np.full(len(CALENDAR), 100.0)), table["relative_humidity"])
        new["relative_humidity"] = humidity * wetter
    new["dew_point_temperature"] = _dew_point(source, new["dry_bulb_temperature"], wetter)
    new["horizontal_infrared_radiation"] = source["horizontal_infrared_radiation"] * _infrared(new) / _infrared(source)
    result = weather.copy(data=new).assign_attrs(city=f"{city} (morphed from {weather.attrs['city']})")
    check_weather(result, str(result.attrs["city"]))
    return result


def _checked(monthly: xr.Dataset, name: str) -> xr.Dataset:
    """Return a table by month, if it is the climate of the twelve months."""
    wanted = {key: rule for key, rule in MONTHLY.items() if key in _TEMPERATURES or key in monthly}
    check_dataset(monthly, wanted, name)
    months = sorted(monthly["month"].to_numpy().tolist()) if "month" in monthly.coords else []
    if months != list(_MONTHS):
        raise InputError(name, [f"has months {months}, expected 1 to 12, each once"])
    table = monthly.sortby("month")
    means = zip(_MONTHS, *(table[key].to_numpy() for key in _TEMPERATURES), strict=True)
    if problems := [
        f"month {month}: mean_daily_minimum {low:g}, mean_temperature {mean:g} and mean_daily_maximum {high:g} degC, "
        "expected to rise in this order"
        for month, mean, high, low in means
        if not low < mean < high
    ]:
        raise InputError(name, problems)
    return table


def _temperature(source: Array, table: xr.Dataset) -> Array:
    """Return a year's temperatures, morphed month by month to their mean and mean daily extremes.

    The shift and stretch of the paper, x' = a + b x, has two parameters for three means. They are chosen to meet the
    mean daily extremes; the course between the extremes of a day is then bent, by one k a month, to meet the mean:

        T' = T'_min + (T'_max - T'_min) k u / (1 + (k - 1) u),   u = (T - T_min) / (T_max - T_min)

    which rises with u and keeps both ends for every k > 0, and is the shift and stretch alone for k = 1.
    """
    result = np.empty_like(source)
    for month in _MONTHS:
        hours = CALENDAR.month == month
        mean, highest, lowest = (float(table[name].sel(month=month)) for name in _TEMPERATURES)
        result[hours] = _bent_days(source[hours].reshape(-1, 24), mean, highest, lowest, month).ravel()
    return result


def _bent_days(days: Array, mean: float, highest: float, lowest: float, month: int) -> Array:
    """Return the temperatures of the days of a month (day, hour), shifted, stretched and bent to the three means."""
    minimum = days.min(axis=1, keepdims=True)
    span = days.max(axis=1, keepdims=True) - minimum
    if not span.any():
        raise ValueError(f"month {month}: dry_bulb_temperature of the source is constant on every day")
    stretch = (highest - lowest) / span.mean()
    floor = lowest + stretch * (minimum - minimum.mean())
    straight = (days - minimum) / np.where(span > 0, span, 1.0)

    def bent(logarithm: float) -> Array:
        steepness = np.exp(logarithm)
        course: Array = steepness * straight / (1 + (steepness - 1) * straight)
        bent_days: Array = floor + stretch * span * course
        return bent_days

    def excess(logarithm: float) -> float:
        return float(bent(logarithm).mean()) - mean

    extreme = float(np.log(_STEEPEST))
    coolest, warmest = (mean + excess(end) for end in (-extreme, extreme))
    if not coolest <= mean <= warmest:
        raise ValueError(
            f"month {month}: mean_temperature {mean:g} degC, expected {coolest:.2f} to {warmest:.2f} degC, to which "
            f"the source's daily courses between {lowest:g} and {highest:g} degC can be bent"
        )
    return bent(float(brentq(excess, -extreme, extreme, xtol=1e-13)))


def _limit(source: Array, cap: Array) -> Array:
    """Return the factor by which a value reaches its cap, at least one."""
    return np.maximum(np.divide(cap, source, out=np.full_like(source, np.inf), where=source > 0), 1.0)


def _solar_limit(weather: xr.Dataset) -> Array:
    """Return the factor by which the first of an hour's radiations reaches that at the top of the atmosphere."""
    caps = extraterrestrial_radiation(weather)
    kinds = zip(_SOLAR, ("horizontal", "normal", "horizontal"), strict=False)
    limits: Array = np.min([_limit(weather[name].to_numpy(), caps[kind].to_numpy()) for name, kind in kinds], axis=0)
    return limits


def _factors(source: Array, limit: Array, means: xr.DataArray) -> Array:
    """Return the factors min(a, limit) of all hours, a being one number a month that gives the month its mean.

    Hours whose limit is below a are held at it, and a rises for the others, until no more reach theirs.
    """
    result = np.ones_like(source)
    for month, mean in zip(_MONTHS, means.to_numpy(), strict=True):
        hours = CALENDAR.month == month
        values, limits = source[hours], limit[hours]
        held = np.zeros(len(values), dtype=bool)
        if mean == 0 and not values.any():
            continue
        while True:
            if not values[~held].any():
                at_most = float((values[held] * limits[held]).sum()) / len(values)
                raise ValueError(
                    f"month {month}: {means.name} {mean:g} {means.attrs['units']}, expected at most {at_most:g}, "
                    "to which the source can be stretched"
                )
            factor = (mean * len(values) - (values[held] * limits[held]).sum()) / values[~held].sum()
            beyond = ~held & (factor > limits)
            if not beyond.any():
                break
            held |= beyond
        result[hours] = np.where(held, limits, factor)
    return result


def _dew_point(source: dict[str, Array], air: Array, wetter: Array) -> Array:
    """Return the dew point of air with the relative humidity of the source, unrounded, times a factor."""
    old = zip(source["dry_bulb_temperature"], source["dew_point_temperature"], strict=True)
    humidity = np.minimum([rel_humid_from_db_dpt(*hour) for hour in old] * wetter, 100.0)
    return np.array([dew_point_from_db_rh(*hour) for hour in zip(air, humidity, strict=True)])


def _infrared(values: dict[str, Array]) -> Array:
    """Return the infrared radiation of the sky by the formula of Clark and Allen [W/m2]."""
    names = ("opaque_sky_cover", "dry_bulb_temperature", "dew_point_temperature")
    return np.array([calc_horizontal_infrared(*hour) for hour in zip(*(values[name] for name in names), strict=True)])
