"""Numbers, hourly lists and tables as they stand in the folder of a district."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import xarray as xr

from bcopt.compendium.files import round_significant

Folder = dict[str, str]
"""Text of each file by its name."""
WIDTH = 118
HOURS = range(24)


def number(value: float | xr.DataArray) -> str:
    """Return a number with as many digits as the results of the compendium have.

    >>> number(480000.0), number(1 / 3)
    ('480000', '0.333333333')
    """
    found = float(round_significant(float(value)))
    return str(int(found)) if found.is_integer() and abs(found) < 1e15 else repr(found)


def hourly(values: xr.DataArray, indent: int) -> str:
    """Return 24 numbers as a YAML list, its further lines indented so far."""
    text = f"[{', '.join(number(value) for value in values.transpose('hour').to_numpy())}]"
    blanks = " " * indent
    return textwrap.fill(text, WIDTH, initial_indent=blanks, subsequent_indent=f"{blanks} ").lstrip()


def by_name(values: xr.DataArray) -> str:
    """Return the numbers of clusters as a YAML mapping on one line."""
    named = zip(values["cluster"].to_numpy(), values.to_numpy(), strict=True)
    return f"{{{', '.join(f'{name}: {number(value)}' for name, value in named)}}}"


def table(columns: Mapping[str, xr.DataArray]) -> str:
    """Return hourly series as a table: a column ``hour``, then one a series under its heading."""
    series = [values.transpose("hour").to_numpy() for values in columns.values()]
    rows = [[str(hour), *(number(of[hour]) for of in series)] for hour in HOURS]
    return "".join(f"{','.join(row)}\n" for row in [["hour", *columns], *rows])


def of_uses(demand: xr.DataArray, uses: tuple[str, ...]) -> dict[str, xr.DataArray]:
    """Return the columns of loads.csv: each use of each cluster that is not zero all day, a use at least for each.

    Parameters
    ----------
    demand : xr.DataArray, dims (cluster, use, hour)
        [kW]
    uses : tuple of str
        Those that are written.
    """
    found = {}
    for name in demand["cluster"].to_numpy():
        for use in uses:
            values = demand.sel(cluster=name, use=use, drop=True)
            if bool(np.any(values)):
                found[f"{name}: {use} [kW]"] = values
    return found


def of_clusters(values: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return the columns of photovoltaics.csv, one a cluster."""
    return {f"{name} [kW]": values.sel(cluster=name, drop=True) for name in values["cluster"].to_numpy()}
