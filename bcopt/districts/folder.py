"""A district that was read from its folder: what every later step asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from bcopt.districts.schema import Cluster, DistrictFile
from bcopt.districts.values import DAY

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class District:
    """A folder that was read and found sound.

    Parameters
    ----------
    folder : Path
        Where it is.
    file : DistrictFile
        Its district.yaml, every number in the units of the models.
    loads : mapping of (cluster, use) to array
        What loads.csv gives, by hour [kW].
    photovoltaics : mapping of cluster to array
        What photovoltaics.csv gives, by hour [kW].
    prices : mapping of (tariff, quantity) to array
        What prices.csv gives, by hour [yuan/kWh].
    sweep : mapping of str to list
        Keys of district.yaml and the values that a sweep gives them.
    lines : mapping of tuple to int
        On which line of district.yaml each key stands, counted from 1.
    """

    folder: Path
    file: DistrictFile
    loads: Mapping[tuple[str, ...], Array]
    photovoltaics: Mapping[str, Array]
    prices: Mapping[tuple[str, ...], Array]
    sweep: Mapping[str, list[Any]]
    lines: Mapping[tuple[str | int, ...], int]

    @property
    def hours(self) -> xr.DataArray:
        """The hours of the cycle, dims (hour)."""
        return xr.DataArray(np.arange(self.file.hours), dims="hour", coords={"hour": np.arange(self.file.hours)})

    @property
    def cycles(self) -> float:
        """How many times a year the cycle of the hours returns."""
        return self.file.days if self.file.hours == DAY else 1.0

    @property
    def clusters(self) -> dict[str, Cluster]:
        """The clusters by name, in the order of the file."""
        return self.file.clusters

    def group(self, cluster: str) -> str:
        """Return the group of a cluster: its own word, or its use."""
        return self.clusters[cluster].group or self.clusters[cluster].use

    @property
    def groups(self) -> list[str]:
        """The groups, in the order in which clusters name them."""
        return list(dict.fromkeys(self.group(name) for name in self.clusters))

    def tariff(self, cluster: str) -> str:
        """Return the name of what a cluster pays by: its own word, its group's, or the only one."""
        own = self.clusters[cluster].tariff or self.group(cluster)
        return own if own in self.file.tariffs else next(iter(self.file.tariffs), "")

    def is_simulated(self, cluster: str) -> bool:
        """Return whether a cluster's loads have to be simulated, none of them being given."""
        return not any(name == cluster for name, _ in self.loads)
