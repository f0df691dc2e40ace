"""Heat pumps: how much heat a unit of electricity brings, by the temperatures between which it is lifted."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeVar, cast, get_args

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.models.store import outside

Temperature = TypeVar("Temperature", float, xr.DataArray)
Source = Literal["air", "ground"]
SOURCES: tuple[Source, ...] = get_args(Source)
CELSIUS = pd.Interval(-100.0, 100.0, closed="both")
"""Temperatures that a source or a sink may have [°C]; kelvin are outside."""


class Regression(NamedTuple):
    """A parabola ``constant + slope lift + curvature lift^2`` fitted to lifts from ``least`` to ``most`` [K]."""

    constant: float
    slope: float
    curvature: float
    least: float
    most: float

    @property
    def turn(self) -> float:
        """Lift at which the parabola is lowest [K]."""
        return -self.slope / (2 * self.curvature)


REGRESSIONS: dict[Source, Regression] = {
    "air": Regression(6.81, -0.121, 0.000630, least=15.0, most=60.0),
    "ground": Regression(8.77, -0.150, 0.000734, least=20.0, most=60.0),
}
"""Staffell et al. (2012), equation (4)."""


def coefficient_of_performance(
    source_temperature: Temperature, sink_temperature: float | Temperature, source: Source = "air", least: float = 1.0
) -> Temperature:
    """Return the heat that a heat pump gives per electricity.

        lift = sink_temperature - source_temperature
        air:     COP = 6.81 - 0.121 lift + 0.000630 lift^2,   15 K <= lift <= 60 K
        ground:  COP = 8.77 - 0.150 lift + 0.000734 lift^2,   20 K <= lift <= 60 K

    Beyond either end the pump is not flattered. A smaller lift, or none, counts as the smallest of the range, as in
    Ruhnau et al. (2019). Along a larger one the parabola is followed for as long as it falls, to 1.00 at 96 K (air) and
    1.11 at 102 K (ground): its value at 60 K would promise 1.82 and 2.41 in the coldest hours.

    Parameters
    ----------
    source_temperature, sink_temperature : float or xr.DataArray
        Of the outdoor air or the ground, and of the water that leaves the pump [°C], over any dims, such as (hour).
    source : {"air", "ground"}
        What the heat is taken from.
    least : float
        Lowest value to return [kWh/kWh]; electricity alone heats with 1.

    Returns
    -------
    float or xr.DataArray
        Over the dims of the temperatures [kWh/kWh].

    Raises
    ------
    ValueError
        For another source, a ``least`` that is not above 0, or temperatures outside -100 to 100 °C, with their labels.

    Notes
    -----
    The curves are fitted to tests of products; pumps in use need more electricity. Ruhnau et al. multiply curves of
    their own, which are within 15 % of these from 20 to 55 K, by 0.85. No such factor is applied here.

    References
    ----------
    Staffell, Brett, Brandon, Hawkes (2012), A review of domestic heat pumps, Energy & Environmental Science 5,
    9291-9306, equation (4), https://doi.org/10.1039/c2ee22653g.
    Ruhnau, Hirth, Praktiknjo (2019), Time series of heat demand and heat pump efficiency for energy system modeling,
    Scientific Data 6, 189, https://doi.org/10.1038/s41597-019-0199-y.
    """
    problems = [] if source in SOURCES else [f"source must be one of {SOURCES}, found {source!r}"]
    problems += [] if least > 0 else [f"least must be above 0 kWh/kWh, found {least}"]
    problems += outside("source_temperature", xr.DataArray(source_temperature), CELSIUS, "°C")
    problems += outside("sink_temperature", xr.DataArray(sink_temperature), CELSIUS, "°C")
    if problems:
        raise ValueError("\n".join(problems))
    fit = REGRESSIONS[source]
    lift = np.minimum(np.maximum(sink_temperature - source_temperature, fit.least), fit.turn)
    cop = np.maximum(fit.constant + fit.slope * lift + fit.curvature * lift**2, least)
    return cast("Temperature", cop)
