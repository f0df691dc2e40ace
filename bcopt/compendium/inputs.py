"""Input tables with provenance, read once and checked at the edge.

Every number that is not computed here comes from a long table below ``data/``: one row a number, with its unit, its
provenance and its source. Columns beyond those are coordinates (``technology``, ``plan``, ``month``), empty where a
quantity does not vary over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.errors
import pandera.pandas as pa
import xarray as xr

from bcopt.compendium.problems import InputError

PROVENANCE = ("published", "derived", "fitted", "assumed")
RESERVED = ("quantity", "value", "unit", "provenance", "source", "description", "protocol")

_filled = pa.Check(lambda text: text.str.strip() != "", element_wise=False, error="is empty")
TABLE = pa.DataFrameSchema(
    {
        "quantity": pa.Column(str, _filled),
        "value": pa.Column(float, pa.Check(np.isfinite, error="is not a finite number"), coerce=True),
        "unit": pa.Column(str, _filled),
        "provenance": pa.Column(str, pa.Check.isin(PROVENANCE, error=f"is none of {', '.join(PROVENANCE)}")),
        "source": pa.Column(str, _filled),
        "description": pa.Column(str, _filled),
    }
)


@dataclass(frozen=True)
class Expected:
    """What a variable of a Dataset must be.

    Parameters
    ----------
    units : str
        Exact text of its ``units`` attribute.
    dims : tuple of str
        Dimensions, in any order.
    lower, upper : float
        Admitted values, both ends included.
    """

    units: str
    dims: tuple[str, ...] = ()
    lower: float = -np.inf
    upper: float = np.inf


def read_quantities(path: Path, root: Path) -> xr.Dataset:
    """Read a long table of quantities into labelled variables.

    Parameters
    ----------
    path : Path
        CSV file with the columns ``quantity, value, unit, provenance, source, description`` and any coordinates.
    root : Path
        Project root, to name the file in errors.

    Returns
    -------
    xr.Dataset
        One variable a quantity, with attributes ``units``, ``long_name``, ``provenance`` and ``source``. Its dims are
        the coordinate columns that its rows fill, with labels in the order of the file.

    Raises
    ------
    InputError
        Listing every missing column, empty cell, non-finite value, unknown provenance, duplicated or missing label and
        quantity with two units.
    """
    name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    if not path.is_file():
        raise InputError(name, ["the file does not exist"])
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(name, [f"is not a UTF-8 table with a header row: {error}"]) from error
    problems = table_problems(table)
    if problems:
        raise InputError(name, problems)
    table["value"] = table["value"].astype(float)
    coordinates = [column for column in table.columns if column not in RESERVED]
    variables: dict[str, xr.DataArray] = {}
    for quantity, rows in table.groupby("quantity", sort=False):
        variable = _variable(str(quantity), rows, coordinates, problems)
        if variable is not None:
            variables[str(quantity)] = variable
    if problems:
        raise InputError(name, problems)
    labels = {c: [x for x in dict.fromkeys(table[c]) if x != ""] for c in coordinates}
    return _aligned(variables, labels, name)


def table_problems(table: pd.DataFrame) -> list[str]:
    """Return every fault of a quantity table by row (the header is row 1) and column."""
    missing = [column for column in TABLE.columns if column not in table.columns]
    if missing:
        return [f"column {column}: missing, expected {', '.join(TABLE.columns)}" for column in missing]
    try:
        TABLE.validate(table, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        return [
            f"row {int(index) + 2}, column {column}: {value!r} {_expectation(str(check))}"
            if pd.notna(index)
            else f"column {column}: {_expectation(str(check))}"
            for column, check, value, index in cases[["column", "check", "failure_case", "index"]].itertuples(
                index=False
            )
        ]
    return []


def _expectation(check: str) -> str:
    """Return a check's own words, or those for the checks that have none."""
    if check == "not_nullable":
        return "is not a finite number"
    return "is not a number" if check.startswith(("coerce_dtype", "dtype")) else check


def _variable(quantity: str, rows: pd.DataFrame, coordinates: list[str], problems: list[str]) -> xr.DataArray | None:
    """Turn the rows of one quantity into a labelled array, or add what is wrong to ``problems``."""
    found = len(problems)
    problems += [
        f"quantity {quantity}: two texts in column {column}: {texts}"
        for column in ("unit", "description")
        if len(texts := sorted(rows[column].unique())) > 1
    ]
    dims = [column for column in coordinates if (rows[column] != "").any()]
    for column in dims:
        problems += [
            f"row {int(i) + 2}, column {column}: empty, but {quantity} varies over it"
            for i in rows.index[rows[column] == ""]
        ]
    for i in rows.index[rows.duplicated(dims)] if dims else rows.index[1:]:
        label = ", ".join(f"{c} {rows.loc[i, c]}" for c in dims)
        problems.append(f"row {int(i) + 2}: a second value of {quantity}{' at ' + label if label else ''}")
    if len(problems) > found:
        return None
    attributes = {
        "units": str(rows["unit"].iloc[0]),
        "long_name": str(rows["description"].iloc[0]),
        "provenance": "; ".join(dict.fromkeys(rows["provenance"])),
        "source": "; ".join(dict.fromkeys(rows["source"])),
    }
    if not dims:
        return xr.DataArray(float(rows["value"].iloc[0]), name=quantity, attrs=attributes)
    array = rows.set_index(dims)["value"].to_xarray()
    order = {c: list(dict.fromkeys(rows[c])) for c in dims}
    return array.reindex(order).rename(quantity).assign_attrs(attributes)


def _aligned(variables: Mapping[str, xr.DataArray], labels: Mapping[str, list[str]], name: str) -> xr.Dataset:
    """Give every variable the labels of the whole file, refusing quantities that lack some."""
    problems = []
    aligned = {}
    for quantity, array in variables.items():
        full = array.reindex({dim: labels[str(dim)] for dim in array.dims})
        holes = np.argwhere(np.isnan(full.to_numpy()))
        for hole in holes:
            where = ", ".join(f"{d} {full[d].to_numpy()[i]}" for d, i in zip(full.dims, hole, strict=True))
            problems.append(f"quantity {quantity}: no row for {where}")
        aligned[quantity] = full.assign_attrs(array.attrs)
    if problems:
        raise InputError(name, problems)
    dataset = xr.Dataset(aligned)
    numbered = {c: [int(x) for x in values] for c, values in labels.items() if all(x.isdigit() for x in values)}
    return dataset.assign_coords({c: values for c, values in numbered.items() if c in dataset.dims})


def check_dataset(dataset: xr.Dataset, expected: Mapping[str, Expected], name: str) -> xr.Dataset:
    """Return ``dataset`` if every expected variable is there with its dims, units and range.

    Parameters
    ----------
    dataset : xr.Dataset
        Inputs of one problem.
    expected : mapping of str to Expected
        What each variable must be. Variables beyond these are refused as well: a misspelt name is not an extra.
    name : str
        How the inputs are called in the error.

    Raises
    ------
    InputError
        Listing every missing or unknown variable, wrong dims or units, and each value out of range with its label.
    """
    problems = [f"{quantity}: missing" for quantity in expected if quantity not in dataset]
    problems += [
        f"{quantity}: unknown, expected one of {', '.join(expected)}"
        for quantity in dataset.data_vars
        if quantity not in expected
    ]
    for quantity, rule in expected.items():
        if quantity in dataset:
            problems += _variable_problems(quantity, dataset[quantity], rule)
    if problems:
        raise InputError(name, problems)
    return dataset


def _variable_problems(quantity: str, array: xr.DataArray, rule: Expected) -> list[str]:
    problems = []
    if set(array.dims) != set(rule.dims):
        problems.append(f"{quantity}: has dims {tuple(array.dims)}, expected {rule.dims}")
    if array.attrs.get("units") != rule.units:
        problems.append(f"{quantity}: is in {array.attrs.get('units')!r}, expected {rule.units!r}")
    outside = ~((array >= rule.lower) & (array <= rule.upper))
    for index in np.argwhere(outside.to_numpy()):
        where = ", ".join(f"{d} {array[d].to_numpy()[i]}" for d, i in zip(array.dims, index, strict=True))
        value = float(array.to_numpy()[tuple(index)])
        at = f" at {where}" if where else ""
        problems.append(f"{quantity}{at}: {value:g} {rule.units}, expected {rule.lower:g} to {rule.upper:g}")
    return problems


def provenance_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Return one row a variable: what it is, its unit, where it comes from; values where it is a scalar."""
    return pd.DataFrame(
        [
            {
                "quantity": array.attrs["long_name"],
                "value": f"{float(array):.8g}" if array.ndim == 0 else f"{array.size} values",
                "unit": array.attrs["units"],
                "provenance": array.attrs["provenance"],
                "source": array.attrs["source"],
            }
            for array in dataset.data_vars.values()
        ]
    )
