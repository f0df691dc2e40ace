"""Hourly weather of a year: the EnergyPlus weather file (EPW) read, checked and written.

The columns, their missing-value codes and their plausible ranges are those of the EPW data dictionary in the EnergyPlus
documentation, Auxiliary Programs, https://energyplus.net/documentation.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib
import xarray as xr

from bcopt.compendium.files import write_bytes
from bcopt.compendium.problems import InputError

Array = npt.NDArray[np.float64]

CALENDAR = pd.date_range("2001-01-01", periods=8760, freq="h")
"""Start of every hour, in local standard time of a common year that stands for all."""

Station = Literal["Willard", "Miami", "Golden"]
SHIPPED: dict[Station, str] = {
    "Willard": "USA_IL_University.of.Illinois-Willard.AP.725315_TMY3.epw",
    "Miami": "USA_FL_Miami.Intl.AP.722020_TMY3.epw",
    "Golden": "USA_CO_Golden-NREL.724666_TMY3.epw",
}
"""Weather files that the EnergyPlus wheel carries, by station."""


class Column(NamedTuple):
    """One column of an EPW after year, month, day, hour, minute and uncertainty flags."""

    name: str
    units: str
    long_name: str
    missing: float  # code of a missing value; higher numbers are missing too
    decimals: int = 0
    bounds: tuple[float, float] | None = None  # plausible values; None where values may be missing
    digits: int = 1  # written at least


_RADIATION = (0.0, 1415.0)  # up to the solar constant of 1367 W/m2 where the Earth is nearest to the sun
COLUMNS = (
    Column("dry_bulb_temperature", "degC", "dry bulb temperature", 99.9, 2, (-70.0, 70.0)),
    Column("dew_point_temperature", "degC", "dew point temperature", 99.9, 2, (-70.0, 70.0)),
    Column("relative_humidity", "%", "relative humidity", 999, 0, (0.0, 110.0)),
    Column("atmospheric_pressure", "Pa", "atmospheric pressure at the station", 999999, 0, (31000.0, 120000.0)),
    Column("extraterrestrial_horizontal_radiation", "W/m2", "extraterrestrial horizontal radiation", 9999),
    Column("extraterrestrial_direct_normal_radiation", "W/m2", "extraterrestrial direct normal radiation", 9999),
    Column("horizontal_infrared_radiation", "W/m2", "infrared radiation from the sky", 9999, 0, (40.0, 700.0)),
    Column("global_horizontal_radiation", "W/m2", "global horizontal radiation", 9999, 0, _RADIATION),
    Column("direct_normal_radiation", "W/m2", "direct normal radiation", 9999, 0, _RADIATION),
    Column("diffuse_horizontal_radiation", "W/m2", "diffuse horizontal radiation", 9999, 0, _RADIATION),
    Column("global_horizontal_illuminance", "lux", "global horizontal illuminance", 999999),
    Column("direct_normal_illuminance", "lux", "direct normal illuminance", 999999),
    Column("diffuse_horizontal_illuminance", "lux", "diffuse horizontal illuminance", 999999),
    Column("zenith_luminance", "cd/m2", "luminance of the zenith", 999999),
    Column("wind_direction", "degree", "direction the wind blows from, clockwise from north", 999, 0, (0.0, 360.0)),
    Column("wind_speed", "m/s", "wind speed", 999, 2, (0.0, 40.0)),
    Column("total_sky_cover", "tenths", "sky covered by clouds", 99, 0, (0.0, 10.0)),
    Column("opaque_sky_cover", "tenths", "sky covered by opaque clouds", 99, 0, (0.0, 10.0)),
    Column("visibility", "km", "horizontal visibility", 9999, 1),
    Column("ceiling_height", "m", "height of the cloud base, 77777 if there is none", 99999),
    Column("present_weather_observation", "1", "0 where the present weather is observed", 9),
    Column("present_weather_codes", "1", "nine digits of present weather", 999999999, digits=9),
    Column("precipitable_water", "mm", "precipitable water", 999),
    Column("aerosol_optical_depth", "1", "broadband aerosol optical depth", 0.999, 4),
    Column("snow_depth", "cm", "snow depth", 999),
    Column("days_since_last_snowfall", "day", "days since the last snowfall, 88 if more", 99),
    Column("albedo", "1", "reflected share of the global radiation", 999, 3),
    Column("liquid_precipitation_depth", "mm", "rain of the period", 999, 1),
    Column("liquid_precipitation_quantity", "h", "period of the rain", 99, 1),
)
_LABELS = 6
_WIDTHS = range(_LABELS + 26, _LABELS + len(COLUMNS) + 1)  # older files end with the days since the last snowfall
_FLAGS = "?9?9?9?9E0?9?9?9?9?9?9?9?9?9?9?9?9?9?9?9*9*9?9?9?9"
_HEADER = (
    *("DESIGN CONDITIONS,0", "TYPICAL/EXTREME PERIODS,0", "GROUND TEMPERATURES,0"),
    *("HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0", "COMMENTS 1,Written by bcopt", "COMMENTS 2"),
    "DATA PERIODS,1,1,Data,Sunday,1/1,12/31",
)
_SHOWN = 5
_TWILIGHT = 10.0
_HOURS_IN_TWILIGHT = 36  # shifting any file of the wheel by an hour gives more, and none of them has any

_PLACE = ("city", "state", "country", "source", "wmo_station")
_POSITION = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    "time_zone": (-12.0, 14.0),
    "elevation": (-500.0, 9000.0),
}


def shipped_weather(name: Station) -> Path:
    """Return the path of a weather file that the EnergyPlus wheel carries.

    Parameters
    ----------
    name : {"Willard", "Miami", "Golden"}
        University of Illinois Willard Airport (Champaign), cold and humid; Miami International Airport; the laboratory
        at Golden, Colorado. All are TMY3.

    Raises
    ------
    ValueError
        If the name is another.
    FileNotFoundError
        If the wheel is not installed, as on machines for which it is not built.
    """
    if name not in SHIPPED:
        raise ValueError(f"no shipped weather {name!r}, expected {' or '.join(SHIPPED)}")
    try:
        path = Path(str(importlib.resources.files("pyenergyplus") / "data" / "weather" / SHIPPED[name]))
    except ModuleNotFoundError as error:
        raise FileNotFoundError(
            f"the weather of {name} comes with EnergyPlus (pyenergyplus-lbnl), which is not installed or not built for "
            "this machine; pass the path of a weather file of your own instead"
        ) from error
    if not path.is_file():
        raise FileNotFoundError(f"the installed EnergyPlus does not carry {path.name}, expected at {path}")
    return path


def read_weather(path: Path) -> xr.Dataset:
    """Read and check an EnergyPlus weather file of 8760 hours.

    Parameters
    ----------
    path : Path
        The EPW. Minutes, years and uncertainty flags are not kept; files without the last three columns are read.

    Returns
    -------
    xr.Dataset, dims (hour)
        One variable for each of :data:`COLUMNS`, with ``units`` and ``long_name``. Hour h, from 0 to 8759, is the clock
        interval [h, h+1) of a common year in local standard time: row label k of a day is the interval ending at k.
        Radiation and illuminance are means over the hour, and NaN stands for a missing value in a column which
        may have them. Attributes: city, state, country, source, wmo_station, latitude and longitude [degree, north and
        east positive], time_zone [h, east positive], elevation [m].

    Raises
    ------
    InputError
        Listing, with row, month, day and hour, all that is wrong: no EPW; not the 8760 hours of a common year in order;
        a missing cell, a cell that is no number, a missing-value code in a column that must be complete; a value out of
        its plausible range; dew point above dry bulb temperature; an impossible location; sun at night.
    """
    name = str(path)
    if not path.is_file():
        raise InputError(name, ["the file does not exist"])
    lines = path.read_text(encoding="utf-8-sig", errors="replace").rstrip().splitlines()
    head = next((i for i, line in enumerate(lines[:20]) if line.upper().startswith("DATA PERIODS")), None)
    if not lines or not lines[0].upper().startswith("LOCATION") or head is None:
        found = repr(lines[0][:40]) if lines else "nothing"
        raise InputError(name, [f"is not an EPW: starts with {found}, expected LOCATION and later DATA PERIODS lines"])
    attributes, problems = _location(lines[0])
    rows = [line.split(",") for line in lines[head + 1 :]]
    labels = [" ({}/{} hour {})".format(*map(str.strip, cells[1:4])) if len(cells) > 3 else "" for cells in rows]
    where = [f"row {line}{label}" for line, label in enumerate(labels, start=head + 2)]
    problems += _header_problems(lines[: head + 1]) + _order_problems(rows, where)
    right = [len(cells) in _WIDTHS for cells in rows]
    problems += _shorten(
        f"{place}: has {len(cells)} columns, expected {_WIDTHS[0]} to {_WIDTHS[-1]}"
        for place, cells, good in zip(where, rows, right, strict=True)
        if not good
    )
    kept = [place for place, good in zip(where, right, strict=True) if good]
    values, unread = _numbers([cells for cells in rows if len(cells) in _WIDTHS], kept)
    problems += unread + _value_problems(values, kept)
    if problems:
        raise InputError(name, problems)
    variables = {c.name: ("hour", values[c.name], {"units": c.units, "long_name": c.long_name}) for c in COLUMNS}
    weather = xr.Dataset(variables, coords={"hour": np.arange(len(CALENDAR))}, attrs=attributes)
    if night := _night_problems(weather):
        raise InputError(name, night)
    return weather


def _shorten(problems: Iterable[str]) -> list[str]:
    """Return the first of problems that are all alike, and how many more there are."""
    listed = list(problems)
    more = len(listed) - _SHOWN
    return listed if more <= 0 else [*listed[:_SHOWN], f"and {more} more row{'s' if more > 1 else ''} like the last"]


def _location(line: str) -> tuple[dict[str, str | float], list[str]]:
    """Return the attributes in a LOCATION line and what is wrong with them."""
    cells = [cell.strip() for cell in line.split(",")][1:]
    names = (*_PLACE, *_POSITION)
    if len(cells) < len(names):
        return {}, [f"row 1: LOCATION has {len(cells)} fields, expected {', '.join(names)}"]
    texts = dict(zip(names, cells, strict=False))
    numbers = {name: float(pd.to_numeric(texts[name], errors="coerce")) for name in _POSITION}
    problems = [f"{name} {texts[name]!r} is not a number" for name, x in numbers.items() if not np.isfinite(x)]
    return texts | numbers, [f"row 1: {problem}" for problem in problems or _position_problems(numbers)]


def _position_problems(position: Mapping[str, float]) -> list[str]:
    """Return what is impossible about a place on Earth."""
    problems = [
        f"{name} {position[name]:g}, expected {low:g} to {high:g}"
        for name, (low, high) in _POSITION.items()
        if not low <= position[name] <= high
    ]
    hours = position["longitude"] / 15
    if not problems and abs((position["time_zone"] - hours + 12) % 24 - 12) > 3:
        zone = f"time_zone {position['time_zone']:g} h at longitude {position['longitude']:g}"
        problems.append(f"{zone}, expected within 3 h of {hours:.1f} h")
    return problems


def _header_problems(header: Sequence[str]) -> list[str]:
    """Return what the header says against 8760 hours, one value an hour."""
    problems = []
    for line, text in enumerate(header, start=1):
        cells = [cell.strip().upper() for cell in text.split(",")]
        if cells[0] == "HOLIDAYS/DAYLIGHT SAVINGS" and cells[1:2] == ["YES"]:
            problems.append(f"row {line}: LEAP YEAR OBSERVED is Yes, expected No: the 8760 hours of a common year")
        if cells[0] == "DATA PERIODS" and cells[1:3] != ["1", "1"]:
            problems.append(f"row {line}: DATA PERIODS has {cells[1:3]}, expected 1 period and 1 record an hour")
    return problems


def _order_problems(rows: Sequence[Sequence[str]], where: Sequence[str]) -> list[str]:
    """Return where the rows leave the 8760 hours of a common year."""
    labels = [tuple(cell.strip().lstrip("0") for cell in cells[1:4]) for cells in rows]
    leap = next((i for i, label in enumerate(labels) if label[:2] == ("2", "29")), None)
    if leap is not None or len(rows) == 8784:
        begin = where[leap] if leap is not None else f"{len(rows)} rows"
        return [f"{begin}: is of a leap year ({len(rows)} rows), expected the 8760 hours of a common year"]
    problems = []
    for label, time, place in zip(labels, CALENDAR, where, strict=False):
        if label != (str(time.month), str(time.day), str(time.hour + 1)):
            expected = f"{time.month}/{time.day} hour {time.hour + 1}"
            problems = [f"{place}: is out of order, expected {expected}; this and later hours are not compared further"]
            break
    if len(rows) != len(CALENDAR):
        last = f"the last is {where[-1]}" if where else "there is none"
        problems.append(f"has {len(rows)} hourly rows, {last}, expected 8760 hours up to 12/31 hour 24")
    return problems


def _numbers(rows: Sequence[Sequence[str]], where: Sequence[str]) -> tuple[dict[str, Array], list[str]]:
    """Return the numbers of every column, NaN where there is none, and what is wrong with their cells."""
    values: dict[str, Array] = {}
    problems: list[str] = []
    width = _LABELS + len(COLUMNS)
    padded = [[*cells, *[""] * (width - len(cells))] for cells in rows]
    table = pd.DataFrame(padded, columns=range(width), dtype=str)
    for i, column in enumerate(COLUMNS, start=_LABELS):
        texts = table[i].str.strip()
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
        unread = ~np.isfinite(numbers) & ((texts != "").to_numpy() | (column.bounds is not None))
        problems += _shorten(f"{where[k]}: {column.name} {texts[k]!r} is not a number" for k in np.flatnonzero(unread))
        coded = np.isfinite(numbers) & (numbers >= column.missing)
        problems += _shorten(
            f"{where[k]}: {column.name} {texts[k]} is the code of a missing value, expected a value in every hour"
            for k in np.flatnonzero(coded & (column.bounds is not None))
        )
        values[column.name] = np.where(coded | ~np.isfinite(numbers), np.nan, numbers)
    return values, problems


def _value_problems(values: Mapping[str, Array], where: Sequence[str]) -> list[str]:
    """Return the hours whose values cannot be; those that are no numbers are not judged."""
    problems: list[str] = []
    for column in COLUMNS:
        low, high = column.bounds or (-np.inf, np.inf)
        number = values[column.name]
        problems += _shorten(
            f"{where[k]}: {column.name} {number[k]:g} {column.units}, expected {low:g} to {high:g}"
            for k in np.flatnonzero((number < low) | (number > high))
        )
    dry, dew = values["dry_bulb_temperature"], values["dew_point_temperature"]
    return problems + _shorten(
        f"{where[k]}: dew_point_temperature {dew[k]:g} degC, expected at most dry_bulb_temperature {dry[k]:g} degC"
        for k in np.flatnonzero(dew > dry + 0.5)
    )


def extraterrestrial_radiation(weather: xr.Dataset) -> xr.Dataset:
    """Return the radiation at the top of the atmosphere, averaged over every hour.

        normal = mean(E0, sun up), horizontal = mean(E0 cos(zenith), sun up)

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        Weather with the attributes latitude, longitude and time_zone.

    Returns
    -------
    xr.Dataset, dims (hour)
        ``horizontal`` and ``normal`` [W/m2]; both zero where the sun is down all hour.

    References
    ----------
    Reda & Andreas (2004), Solar Energy 76(5), doi 10.1016/j.solener.2003.12.003, for the sun's position, six times an
    hour; Spencer (1971), Search 2(5), for the distance of the sun; both in pvlib.
    """
    steps = pd.date_range("2001-01-01 00:05", periods=6 * len(CALENDAR), freq="10min", tz="UTC")
    utc = steps - pd.Timedelta(hours=weather.attrs["time_zone"])
    sun = pvlib.solarposition.get_solarposition(utc, weather.attrs["latitude"], weather.attrs["longitude"])
    height = np.maximum(np.sin(np.radians(sun["elevation"].to_numpy())), 0.0)
    normal = pvlib.irradiance.get_extra_radiation(utc).to_numpy() * (height > 0)
    means = {"horizontal": normal * height, "normal": normal}
    return xr.Dataset(
        {name: ("hour", value.reshape(-1, 6).mean(axis=1), {"units": "W/m2"}) for name, value in means.items()},
        coords={"hour": weather["hour"]},
    )


def _night_problems(weather: xr.Dataset) -> list[str]:
    """Return whether the sun shines in many hours of the night, as in a file shifted against its clock by an hour."""
    dark = extraterrestrial_radiation(weather)["horizontal"] == 0
    shining = np.flatnonzero(dark & (weather["global_horizontal_radiation"] > _TWILIGHT))
    if shining.size <= _HOURS_IN_TWILIGHT:
        return []
    first, place = CALENDAR[shining[0]], weather.attrs
    return [
        f"sun at night: global_horizontal_radiation above {_TWILIGHT:g} W/m2 in {shining.size} dark hours, first on "
        f"{first.month}/{first.day} hour {first.hour + 1}, expected none at longitude {place['longitude']:g} in "
        f"time_zone {place['time_zone']:g}; are the hours shifted?"
    ]


def write_weather(weather: xr.Dataset, path: Path) -> None:
    """Write an EnergyPlus weather file, whole or not at all, the same bytes for the same weather.

    Ground temperatures, design conditions and typical periods are left out, so what needs them must get them elsewhere.
    Years are 2001 and uncertainty flags unknown throughout.

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        As :func:`read_weather` returns it.
    path : Path
        The EPW, replaced if it exists.

    Raises
    ------
    InputError
        Listing what :func:`read_weather` would refuse, and texts that would break a line of the file.
    """
    check_weather(weather, str(path))
    place = weather.attrs
    lines = [
        ",".join(["LOCATION", *(place[name] for name in _PLACE), *(f"{place[name]:.10g}" for name in _POSITION)]),
        *_HEADER,
    ]
    cells = [[f"{t.year},{t.month},{t.day},{t.hour + 1},0,{_FLAGS}" for t in CALENDAR]]
    for column in COLUMNS:
        values = weather[column.name].fillna(column.missing).round(column.decimals).to_numpy() + 0.0  # no -0
        cells.append([f"{value:0{column.digits}.{column.decimals}f}" for value in values])
    lines += [",".join(row) for row in zip(*cells, strict=True)]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


def check_weather(weather: xr.Dataset, name: str) -> None:
    """Refuse a dataset that is no plausible year of weather.

    Parameters
    ----------
    weather : xr.Dataset, dims (hour)
        To be as :func:`read_weather` returns it.
    name : str
        How it is called in the error.

    Raises
    ------
    InputError
        Listing every missing variable and attribute, wrong hours, and each value that cannot be with its hour.
    """
    problems = [f"variable {column.name} is missing" for column in COLUMNS if column.name not in weather]
    problems += [f"attribute {key} is missing" for key in (*_PLACE, *_POSITION) if key not in weather.attrs]
    if weather.sizes != {"hour": len(CALENDAR)} or not np.array_equal(weather["hour"], np.arange(len(CALENDAR))):
        problems.append(f"has dims {dict(weather.sizes)}, expected hour 0 to {len(CALENDAR) - 1}")
    if problems:
        raise InputError(name, problems)
    for key in _PLACE:
        if not str(weather.attrs[key]).isprintable() or "," in str(weather.attrs[key]):
            problems.append(f"{key} {weather.attrs[key]!r}, expected one line without a comma")
    problems += _position_problems(weather.attrs)
    values = {column.name: weather[column.name].to_numpy() for column in COLUMNS}
    where = [f"hour {h} ({t.month}/{t.day} hour {t.hour + 1})" for h, t in enumerate(CALENDAR)]
    for column in COLUMNS:
        wrong = ~np.isfinite(values[column.name]) if column.bounds else np.isinf(values[column.name])
        problems += _shorten(f"{where[k]}: {column.name} is no finite number" for k in np.flatnonzero(wrong))
    problems += _value_problems(values, where) or _night_problems(weather)
    if problems:
        raise InputError(name, problems)
