"""Loads of the clusters that no table gives, simulated by EnergyPlus from use, floor area and weather."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from bcopt.districts.folder import District
from bcopt.districts.uses import BUILDINGS
from bcopt.loads.energyplus import require_energyplus
from bcopt.loads.programs import library_program
from bcopt.loads.prototypes import Cluster as Buildings
from bcopt.loads.simulation import Case, demands
from bcopt.loads.weather import read_weather

STREET = 20.0
"""Least distance between the buildings of a cluster [m]; else their height."""


def simulate(district: District, names: Sequence[str], weather: Path) -> Iterator[tuple[str, xr.DataArray]]:
    """Simulate clusters in parallel and yield each as soon as it is done.

    Parameters
    ----------
    district : District
        From :func:`bcopt.districts.read`.
    names : sequence of str
        Of its clusters.
    weather : Path
        EPW file.

    Yields
    ------
    str, xr.DataArray
        Name, and energy by use over the year, dims (use, hour) [kW].

    Raises
    ------
    InputError
        If there is no EnergyPlus.
    EnergyPlusError
        If EnergyPlus fails for a cluster.
    """
    require_energyplus(district.folder.as_posix())
    cases = [_case(district, name, weather, f"cluster{place}") for place, name in enumerate(names)]
    for name, (_, result) in zip(names, demands(cases), strict=True):
        yield name, result["demand"].drop_vars("carrier")


def _case(district: District, name: str, path: Path, identifier: str) -> Case:
    """Return equal buildings twice as long as wide, a street apart, under a name that EnergyPlus takes."""
    own = district.clusters[name]
    plate = own.floor_area / own.storeys / own.buildings
    length = float(np.sqrt(2 * plate))
    width, street = plate / length, max(STREET, own.storeys * own.storey_height)
    built = Buildings(
        identifier, own.buildings, own.storeys, own.storey_height, length, width, (length + street, width + street)
    )
    return Case(built, library_program(BUILDINGS[own.use]), _envelope(district, path), path, own.buildings > 1)


def _envelope(district: District, path: Path) -> xr.Dataset:
    values = district.file.envelope.model_dump()
    sides = ["north", "east", "south", "west"]
    ratio = xr.DataArray([values.pop("window_to_wall_ratio")] * 4, {"orientation": sides}, "orientation")
    soil = float(read_weather(path)["dry_bulb_temperature"].mean())
    found = xr.Dataset({**values, "window_to_wall_ratio": ratio, "soil_temperature": min(max(soil, -20.0), 40.0)})
    units = {"solar_heat_gain_coefficient": "1", "window_to_wall_ratio": "1", "ground_floor_resistance": "m2K/W",
             "infiltration": "1/h", "soil_temperature": "degC"}  # fmt: skip
    for quantity, array in found.data_vars.items():
        array.attrs["units"] = units.get(str(quantity), "W/m2/K")
    return found
