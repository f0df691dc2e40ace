"""Clusters of equal buildings on a plot: storeys, buildings and distances from what a planner's table prints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bcopt.compendium.problems import InputError

TOLERANCE = 1e-6
"""Relative distance from a whole number that still counts as one."""


@dataclass(frozen=True)
class Cluster:
    """Equal rectangular buildings on a regular grid.

    Parameters
    ----------
    name : str
        Label of the cluster.
    buildings : int
        Number of buildings.
    storeys : int
        Storeys of each.
    storey_height : float
        Floor to floor [m].
    length, width : float
        Sides of a building, along x (east) and y (north) [m].
    distance : tuple of float
        From a building's axis to its neighbour's, along x and along y [m].
    """

    name: str
    buildings: int
    storeys: int
    storey_height: float
    length: float
    width: float
    distance: tuple[float, float]

    @property
    def height(self) -> float:
        """Height of a building [m]."""
        return self.storeys * self.storey_height

    @property
    def construction_area(self) -> float:
        """Floor area of all storeys of all buildings [m2]."""
        return self.buildings * self.storeys * self.length * self.width


def clusters(table: xr.Dataset, land_side: float) -> list[Cluster]:
    """Rebuild a table of clusters as whole buildings with whole storeys that have its construction areas.

        storeys = height / storey height,    buildings = construction area / (storeys x length x width)

    The buildings stand on the grid with the widest narrowest street.

    Parameters
    ----------
    table : xr.Dataset, dims (cluster)
        construction_area [m2], height, storey_height, building_length, building_width [m].
    land_side : float
        Side of the square plot [m].

    Returns
    -------
    list of Cluster
        In the order of the table.

    Raises
    ------
    InputError
        Listing, by cluster, every length or area that is not positive, height that storeys do not divide, construction
        area that is no whole number of buildings, and buildings that do not fit on the plot.
    """
    problems: list[str] = []
    found: list[Cluster] = []
    for name in table["cluster"].to_numpy().tolist():
        row = {str(key): float(value) for key, value in table.sel(cluster=name).data_vars.items()}
        try:
            found.append(_cluster(str(name), row, land_side))
        except ValueError as error:
            problems.append(f"cluster {name}: {error}")
    if problems:
        raise InputError("table of clusters", problems)
    return found


def implied(found: list[Cluster], land_side: float) -> xr.Dataset:
    """Return what the rebuilt clusters have: dims (cluster), with storeys, buildings and the density they imply.

    Parameters
    ----------
    found : list of Cluster
        As :func:`clusters` returns them.
    land_side : float
        Side of the square plot [m].
    """
    columns = {
        "buildings": ([c.buildings for c in found], "1", "buildings"),
        "storeys": ([c.storeys for c in found], "1", "storeys of each building"),
        "construction_area": ([c.construction_area for c in found], "m2", "floor area of all storeys"),
        "footprint": ([c.construction_area / c.storeys for c in found], "m2", "area covered by buildings"),
        "density": ([c.construction_area / c.storeys / land_side**2 for c in found], "1", "share of land covered"),
        "street": ([min(c.distance[0] - c.length, c.distance[1] - c.width) for c in found], "m", "narrowest street"),
    }
    return xr.Dataset(
        {
            name: ("cluster", np.asarray(values, dtype=float), {"units": units, "long_name": text})
            for name, (values, units, text) in columns.items()
        },
        coords={"cluster": [c.name for c in found]},
    )


def _cluster(name: str, row: dict[str, float], land_side: float) -> Cluster:
    expected = ("construction_area", "height", "storey_height", "building_length", "building_width")
    wrong = [
        f"{key} is {row[key]:g}, expected more than zero and finite" for key in expected if not 0 < row[key] < np.inf
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    area, height, storey_height, length, width = (row[key] for key in expected)
    storeys = _whole(height / storey_height, f"a height of {height:g} m in storeys of {storey_height:g} m")
    plate = length * width
    buildings = _whole(
        area / storeys / plate, f"a construction area of {area:g} m2 on {storeys} storeys of {length:g} m x {width:g} m"
    )
    return Cluster(name, buildings, storeys, storey_height, length, width, _grid(buildings, length, width, land_side))


def _whole(ratio: float, what: str) -> int:
    """Return a ratio as the whole number it stands for."""
    number = round(ratio)
    if number < 1 or abs(ratio - number) > TOLERANCE * number:
        raise ValueError(f"{what} is {ratio:.6g} of them, expected a whole number")
    return number


def _grid(buildings: int, length: float, width: float, side: float) -> tuple[float, float]:
    """Return the distances of the grid of rows and columns whose narrowest street is widest."""
    counts = [(buildings // rows, rows) for rows in range(1, buildings + 1) if buildings % rows == 0]
    distances = [(side / columns, side / rows) for columns, rows in counts]
    x, y = max(distances, key=lambda d: (min(d[0] - length, d[1] - width), d[0]))
    if not min(x - length, y - width) > 0:
        raise ValueError(
            f"{buildings} buildings of {length:g} m x {width:g} m fit on no grid of a plot {side:g} m x {side:g} m"
        )
    return x, y
