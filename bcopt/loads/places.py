"""A place and its weather: typical years that EnergyPlus carries, moved to its climate, or a file of one's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from bcopt.compendium.paths import project_root
from bcopt.compendium.problems import InputError
from bcopt.loads.climate import MONTHLY, morph
from bcopt.loads.weather import Station, read_weather, shipped_weather, write_weather


@dataclass(frozen=True)
class Place:
    """Where buildings stand.

    Parameters
    ----------
    city : str
        Name, without a comma.
    weathers : mapping of str to (station, bool)
        Station of each weather by its name, and whether it is morphed to the climate of the city.
    """

    city: str
    weathers: Mapping[str, tuple[Station, bool]]

    def year(self, inputs: xr.Dataset, weather: str) -> xr.Dataset:
        """Return a year of weather: one of the named ones, or the EPW file of a path from the project's root.

        Parameters
        ----------
        inputs : xr.Dataset
            With the monthly climate of the city, as :func:`bcopt.loads.climate.morph` takes it.
        weather : str
            Name or path.

        Raises
        ------
        InputError
            If a file of the user's own is missing, faulty or has not 8,760 hours.
        """
        if weather not in self.weathers:
            return read_weather(project_root() / weather)
        station, morphed = self.weathers[weather]
        source = read_weather(shipped_weather(station))
        return morph(source, inputs[list(MONTHLY)], self.city) if morphed else source

    def hash(self, weather: str) -> str:
        """Return the sha256 of a weather file of the user's own, nothing for a named weather.

        Raises
        ------
        InputError
            If a file of the user's own is missing.
        """
        if weather in self.weathers:
            return ""
        path = project_root() / weather
        if not path.is_file():
            raise InputError(weather, ["the file does not exist"])
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def file(self, inputs: xr.Dataset, weather: str, folder: Path) -> Path:
        """Return the path of a weather file, written to ``folder`` if it has to be morphed first.

        Parameters
        ----------
        inputs, weather
            As in :meth:`year`.
        folder : Path
            Where morphed weather goes.

        Raises
        ------
        InputError
            If a file of the user's own is missing, faulty or has not 8,760 hours.
        """
        if weather not in self.weathers:
            read_weather(project_root() / weather)
            return project_root() / weather
        station, morphed = self.weathers[weather]
        if not morphed:
            return shipped_weather(station)
        path = folder / f"{self.city}-from-{station}.epw"
        if not path.is_file():
            write_weather(self.year(inputs, weather), path)
        return path
