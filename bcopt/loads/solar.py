"""What roofs and open land give: photovoltaic power of every hour and the heat of vertical boreholes.

Hour h is the clock interval [h, h + 1) of local standard time in a year of 365 days, and radiation is its mean over
that interval; the sun is therefore placed at the middle of the part of the interval in which it is up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from pvlib import atmosphere, iam, inverter, irradiance, pvsystem, solarposition, temperature

Array = npt.NDArray[np.float64]

YEAR = 2022  # halfway between two leap years, where dates and seasons agree best
SUNRISE_ELEVATION = -0.8333  # of the sun's centre, without refraction, when its upper limb appears [degree]
STANDARD_IRRADIANCE = 1000.0  # at standard test conditions [W/m2]
DIRECT_WITHOUT_SUN = 0.001
"""Share of direct radiation allowed in hours without sun: typical years have 0.00002, displaced by an hour 0.006."""
COATED_GLASS = {"n": 1.526, "K": 4.0, "L": 0.002, "n_ar": 1.3}  # index, extinction [1/m], thickness [m]; coating
OPEN_RACK = temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"]["open_rack_glass_polymer"]

_BOUNDS = {
    "tilt": (0.0, 90.0),
    "azimuth": (0.0, 360.0),
    "efficiency": (0.01, 0.5),
    "temperature_coefficient": (-0.02, 0.0),
    "roof_coverage": (0.0, 1.0),
    "inverter_efficiency": (0.5, 0.99),
    "dc_ac_ratio": (0.1, 10.0),
    "losses": (0.0, 1.0),
    "albedo": (0.0, 1.0),
}
_RADIATION = {"global_horizontal_radiation": 0.0, "direct_normal_radiation": 0.0, "diffuse_horizontal_radiation": 0.0}
_SITE = {"latitude": (-90, 90), "longitude": (-180, 180), "time_zone": (-12, 14), "elevation": (-500, 9000)}


@dataclass(frozen=True)
class PhotovoltaicArray:
    """Rows of like modules on flat roofs.

    Parameters
    ----------
    tilt, azimuth : float
        From the horizontal, and facing clockwise from north [degree]; 15 and south on flat roofs [1]_.
    efficiency, temperature_coefficient : float
        Of the modules at standard test conditions [-], and its relative change with cell temperature [1/K]; the
        premium module of [2]_.
    roof_coverage : float
        Module area per roof area [-]: 0.66 of the roofs of large buildings is suitable, modules cover 0.70 of it [1]_.
    inverter_efficiency : float
        At rated power [-]; at part load on the curve of [2]_.
    dc_ac_ratio : float
        Power of the modules at standard test conditions per rated power of the inverter [-] [1]_.
    losses : float
        Share lost by soiling, shading, mismatch, wiring, ageing and standstill [-] [2]_.
    albedo : float
        Reflectance of the surface before the modules [-] [2]_.

    Raises
    ------
    ValueError
        Names every parameter outside its range.

    References
    ----------
    .. [1] Gagnon et al. (2016), Rooftop solar photovoltaic technical potential, https://doi.org/10.2172/1236153.
    .. [2] Dobos (2014), PVWatts version 5 manual, https://doi.org/10.2172/1158421.
    """

    tilt: float = 15.0
    azimuth: float = 180.0
    efficiency: float = 0.19
    temperature_coefficient: float = -0.0035
    roof_coverage: float = 0.46
    inverter_efficiency: float = 0.96
    dc_ac_ratio: float = 1.2
    losses: float = 0.1408
    albedo: float = 0.2

    def __post_init__(self) -> None:
        _raise_if_any(
            [
                f"photovoltaic array: {name} must be from {low:g} to {high:g}, got {getattr(self, name):g}"
                for name, (low, high) in _BOUNDS.items()
                if not low <= getattr(self, name) <= high
            ]
        )


def solar_position(weather: xr.Dataset) -> xr.Dataset:
    """Return where the sun stands in every hour, at the middle of the hour's sunlit part.

    Sunrise and sunset part an hour at the share (e_r - e_0) / (e_1 - e_0), with the elevation e of the sun at sunrise
    and at the hour's ends. At the middle of the whole hour it would be too low there, often below the horizon.

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        Coordinate ``hour``, any of 0 to 8759; attributes ``latitude``, ``longitude`` [degree], ``time_zone`` [h east
        of Greenwich] and ``elevation`` [m].

    Returns
    -------
    xr.Dataset, dims (hour)
        ``zenith`` with refraction, ``azimuth`` clockwise from north [degree], ``sunlit`` share of the hour [-].

    Raises
    ------
    ValueError
        If the hours or an attribute are missing or outside their range.

    References
    ----------
    Reda and Andreas (2004), https://doi.org/10.1016/j.solener.2003.12.003, for the position; Gilman (2015), SAM
    photovoltaic model technical reference, https://doi.org/10.2172/1215213, for the middle of the sunlit part.
    """
    _check_weather(weather, {})
    hour = weather.hour.to_numpy().astype(float)
    start, end = (_sun(weather, edge)["elevation"].to_numpy() - SUNRISE_ELEVATION for edge in (hour, hour + 1))
    parting = np.clip(np.divide(-start, end - start, out=np.zeros_like(start), where=end != start), 0, 1)
    first, last = np.where(start > 0, 0.0, parting), np.where(end > 0, 1.0, parting)
    sun = _sun(weather, hour + (first + last) / 2)
    zenith, azimuth = (("hour", sun[name].to_numpy(), {"units": "degree"}) for name in ("apparent_zenith", "azimuth"))
    sunlit = ("hour", last - first, {"units": "1"})
    return xr.Dataset({"zenith": zenith, "azimuth": azimuth, "sunlit": sunlit}, {"hour": weather.hour})


def plane_of_array_irradiance(weather: xr.Dataset, array: PhotovoltaicArray) -> xr.DataArray:
    """Return the irradiance on the modules by its origin.

        direct = DNI max(cos theta, 0),   ground = GHI albedo (1 - cos tilt) / 2,   and of the sky by Perez
        circumsolar = DHI F1 a / b,   isotropic = DHI (1 - F1) (1 + cos tilt) / 2,   horizon = DHI F2 sin tilt

    where the sun is up, else 0.

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        ``global_horizontal_radiation``, ``direct_normal_radiation`` and ``diffuse_horizontal_radiation`` [W/m2], and
        what :func:`solar_position` needs.
    array : PhotovoltaicArray
        Its tilt, azimuth and albedo count.

    Returns
    -------
    xr.DataArray, dims (origin, hour)
        [W/m2], of the horizon also negative; with the ``angle_of_incidence`` [degree] as a coordinate.

    Raises
    ------
    ValueError
        If radiation is missing, negative or not a number, or falls from the sun where there is none.

    References
    ----------
    Perez et al. (1990), https://doi.org/10.1016/0038-092X(90)90055-H; Kasten and Young (1989),
    https://doi.org/10.1364/AO.28.004735, for the air mass; Spencer (1971) for the extraterrestrial irradiance.
    """
    _check_weather(weather, _RADIATION)
    sun = solar_position(weather)
    _check_alignment(weather.direct_normal_radiation, sun)
    lit = sun.sunlit.to_numpy() > 0
    total, direct, diffuse = (np.where(lit, weather[name].to_numpy(), 0.0) for name in _RADIATION)
    zenith, azimuth = sun.zenith.to_numpy(), sun.azimuth.to_numpy()
    diffuse = np.where(diffuse > 0, diffuse, np.nan)  # clearness is undefined without diffuse radiation
    beyond = irradiance.get_extra_radiation(_clock(weather, sun.hour.to_numpy() + 0.5), method="spencer").to_numpy()
    air_mass = atmosphere.get_relative_airmass(np.minimum(zenith, 90.0))
    plane = (array.tilt, array.azimuth)
    sky = irradiance.perez(*plane, diffuse, direct, beyond, zenith, azimuth, air_mass, return_components=True)
    angle = irradiance.aoi(*plane, zenith, azimuth)
    parts = {
        "direct": direct * np.maximum(np.cos(np.radians(angle)), 0),
        **{name: np.nan_to_num(sky[f"poa_{name}"]) for name in ("circumsolar", "isotropic", "horizon")},
        "ground": irradiance.get_ground_diffuse(array.tilt, total, array.albedo),
    }
    coords = {"origin": list(parts), "hour": weather.hour, "angle_of_incidence": ("hour", angle)}
    attrs = {"units": "W/m2", "long_name": "irradiance on the modules"}
    return xr.DataArray(np.stack(list(parts.values())), coords, ("origin", "hour"), "plane_of_array_irradiance", attrs)


def photovoltaic_yield(weather: xr.Dataset, array: PhotovoltaicArray) -> xr.DataArray:
    """Return the alternating-current power per module area.

        G_e = sum_o iam_o G_o,   T_c = T_a + G (exp(a + b v) + dT / G0)
        P_dc = (1 - losses) eta G_e (1 + gamma (T_c - 25)),   P_ac = min(eta_inv(P_dc) P_dc, eta G0 / ratio)

    with irradiance G of the origins o, G0 = 1000 W/m2, and an inverter curve that scales with its nominal efficiency.

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        Radiation as in :func:`plane_of_array_irradiance`, ``dry_bulb_temperature`` [degC] and ``wind_speed`` [m/s]
        at 10 m above ground.
    array : PhotovoltaicArray
        Modules and inverter; the roof coverage does not count.

    Returns
    -------
    xr.DataArray, dims (hour)
        [W/m2], mean of the hour.

    Raises
    ------
    ValueError
        If weather is missing or improper; names variable, hours and what is expected.

    Notes
    -----
    Rows are taken not to shade each other beyond the share in ``losses``, which suits low tilts; spectrum and snow are
    left out. The cover reflects radiation from around the sun like the sun's, the rest as the mean of its directions.

    References
    ----------
    De Soto et al. (2006), https://doi.org/10.1016/j.solener.2005.06.010, and Marion (2017),
    https://doi.org/10.1016/j.solener.2017.03.027, for reflection; King et al. (2004), https://doi.org/10.2172/919131,
    for cell temperature, open rack; Dobos (2014), https://doi.org/10.2172/1158421, for modules and inverter.
    """
    _check_weather(weather, {**_RADIATION, "dry_bulb_temperature": -90.0, "wind_speed": 0.0})
    parts = plane_of_array_irradiance(weather, array)
    rated = array.efficiency * STANDARD_IRRADIANCE
    air, wind = weather.dry_bulb_temperature.to_numpy(), weather.wind_speed.to_numpy()
    cell = temperature.sapm_cell(parts.sum("origin").to_numpy(), air, wind, **OPEN_RACK)
    effective = (parts * _incidence_angle_modifier(parts, array)).sum("origin").to_numpy()
    direct_current = pvsystem.pvwatts_dc(effective, cell, rated, array.temperature_coefficient) * (1 - array.losses)
    limit = rated / array.dc_ac_ratio / array.inverter_efficiency
    power = inverter.pvwatts(direct_current, limit, array.inverter_efficiency)
    attrs = {"units": "W/m2", "long_name": "photovoltaic power per module area"}
    return xr.DataArray(power, {"hour": weather.hour}, ("hour",), "photovoltaic_yield", attrs)


def roof_photovoltaics(weather: xr.Dataset, roof_area: xr.DataArray, array: PhotovoltaicArray) -> xr.DataArray:
    """Return the alternating-current power of photovoltaic arrays on the roofs of clusters.

        P = coverage A_roof P_ac / 1000

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        As in :func:`photovoltaic_yield`.
    roof_area : xr.DataArray, dims (cluster)
        [m2]
    array : PhotovoltaicArray
        The same on all roofs.

    Returns
    -------
    xr.DataArray, dims (hour, cluster)
        [kW], mean of the hour.

    Raises
    ------
    ValueError
        If a roof area is negative or not a number, or the weather improper.
    """
    _check_area("roof area", roof_area)
    power = photovoltaic_yield(weather, array) * roof_area * array.roof_coverage / 1000
    return power.rename("roof_photovoltaics").assign_attrs(units="kW", long_name="photovoltaic power of the roofs")


def borehole_heat_per_area(
    depth: float, spacing: float, specific_extraction: float, coefficient_of_performance: float | None = None
) -> float:
    """Return the heat that a square grid of vertical boreholes gives per land area.

        q = H q_m / s^2,   times COP / (COP - 1) where heat pumps add their electricity

    Parameters
    ----------
    depth, spacing : float
        Of boreholes, H and s [m]. GB 50366: above 20 and 3 to 6; VDI 4640-2: deeper than 50 at least 6 apart.
    specific_extraction : float
        Heat drawn per borehole length, q_m [W/m]. VDI 4640-2, for heating alone up to 30 kW and 40 to 100 m: 50 in
        saturated sediment over 2400 h a year and 60 over 1800 h, 20 and 25 in dry.
    coefficient_of_performance : float, optional
        Of the heat pumps [-]. With it the heat supplied is returned, without it that drawn from the ground.

    Returns
    -------
    float
        [W/m2]

    Raises
    ------
    ValueError
        If a length or the extraction is not positive, or the coefficient not above 1.

    References
    ----------
    GB 50366-2005 (2009), clause 4.3.8; VDI 4640-2:2001, specific extraction. Boreholes of large fields draw on the
    same ground: the result is an upper estimate.
    """
    cop = np.inf if coefficient_of_performance is None else coefficient_of_performance
    quantities = {"depth": depth, "spacing": spacing, "specific extraction": specific_extraction}
    problems = [f"{name} must be positive, got {x:g}" for name, x in quantities.items() if not 0 < x < np.inf]
    _raise_if_any([*problems, *([] if cop > 1 else [f"coefficient of performance must be above 1, got {cop:g}"])])
    return depth * specific_extraction / spacing**2 / (1 - 1 / cop)


def ground_source_heat(open_land: xr.DataArray, heat_per_area: float) -> xr.DataArray:
    """Return the heat that boreholes under the open land of clusters give at most.

        Q = A q / 1000,   with open land A = land (1 - building density)

    Parameters
    ----------
    open_land : xr.DataArray, dims (cluster)
        Land not built upon [m2].
    heat_per_area : float
        q [W/m2], for instance of :func:`borehole_heat_per_area`; drawn or supplied, and so is the result.

    Returns
    -------
    xr.DataArray, dims (cluster)
        [kW]

    Raises
    ------
    ValueError
        If an area or the heat is negative or not a number.
    """
    _check_area("open land", open_land)
    _raise_if_any([] if 0 <= heat_per_area < np.inf else [f"heat per area must be 0 or more, got {heat_per_area:g}"])
    heat = (open_land * heat_per_area / 1000).rename("ground_source_heat")
    return heat.assign_attrs(units="kW", long_name="heat of boreholes under open land")


def _clock(weather: xr.Dataset, hour: Array) -> pd.DatetimeIndex:
    """Return the instants of hours since the year began in local standard time."""
    seconds = np.round((hour - weather.attrs["time_zone"]) * 3600)
    return pd.DatetimeIndex(pd.Timestamp(YEAR, 1, 1, tz="UTC") + pd.to_timedelta(seconds, unit="s"))


def _sun(weather: xr.Dataset, hour: Array) -> pd.DataFrame:
    site = (weather.attrs[name] for name in ("latitude", "longitude", "elevation"))
    return pd.DataFrame(solarposition.get_solarposition(_clock(weather, hour), *site))


def _incidence_angle_modifier(parts: xr.DataArray, array: PhotovoltaicArray) -> xr.DataArray:
    """Return the share of each origin's irradiance that passes the cover, relative to normal incidence."""
    angle = parts.angle_of_incidence.to_numpy()
    beam = iam.physical(angle, **COATED_GLASS)
    diffuse = iam.marion_diffuse("physical", array.tilt, **COATED_GLASS)
    rest = (np.full_like(beam, diffuse[region]) for region in ("sky", "horizon", "ground"))
    return parts.copy(data=np.stack([beam, beam, *rest]))


def _check_weather(weather: xr.Dataset, lowest: Mapping[str, float]) -> None:
    """Refuse a site or hours out of range, and variables that are missing, below their lowest value or not a number."""
    problems = [
        f"attribute {name} must be from {low} to {high}, got {weather.attrs.get(name, 'none')}"
        for name, (low, high) in _SITE.items()
        if not low <= weather.attrs.get(name, np.nan) <= high
    ]
    hour = weather.hour.to_numpy() if "hour" in weather.coords else np.array([-1])
    if not np.isin(hour, np.arange(8760)).all() or np.unique(hour).size < hour.size:
        problems.append("coordinate hour must have different whole numbers from 0 to 8759")
    for name, low in lowest.items():
        if name in weather and weather[name].dims == ("hour",):
            problems += _below(name, weather[name], low)
        else:
            problems.append(f"variable {name} with the dim hour alone is missing")
    _raise_if_any(problems)


def _below(name: str, values: xr.DataArray, low: float) -> list[str]:
    wrong = values[~((values >= low) & (values < np.inf)).to_numpy()]
    return [f"{name} must be {low:g} or more, got {_listed(wrong)}"] if wrong.size else []


def _check_alignment(direct: xr.DataArray, sun: xr.Dataset) -> None:
    """Refuse a noticeable share of direct radiation in hours without sun, which tells that time is out of step."""
    dark = direct[((sun.sunlit == 0) & (direct > 0)).to_numpy()]
    if float(dark.sum()) > DIRECT_WITHOUT_SUN * float(direct.sum()):
        causes = "time zone, sign of the longitude, hours that are not [h, h + 1) of local standard time"
        raise ValueError(f"direct_normal_radiation without sun, {_listed(dark)}; possible causes: {causes}")


def _listed(values: xr.DataArray, most: int = 5) -> str:
    """Return values with their labels along the only dim."""
    (dim,) = values.dims
    pairs = zip(values[dim].to_numpy()[:most], values.to_numpy()[:most], strict=True)
    rest = f" and {values.size - most} more" if values.size > most else ""
    return ", ".join(f"{value:g} in {dim} {label}" for label, value in pairs) + rest


def _check_area(name: str, area: xr.DataArray) -> None:
    labelled = area.dims == ("cluster",) and "cluster" in area.coords
    _raise_if_any(_below(name, area, 0.0) if labelled else [f"{name} must have the labelled dim cluster alone"])


def _raise_if_any(problems: list[str]) -> None:
    if problems:
        raise ValueError("; ".join(problems))
