"""Input tables with provenance, read once and checked at the edge.

Every number that is not computed here comes from a long table below ``data/``: one row a number, with its unit, its
provenance and its source. Columns beyond those are coordinates (``technology``, ``plan``, ``month``), empty where a
quantity does not vary over them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
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
        "value": pa.Column(str),  # text until every cell is known to be a number
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
        Listing every missing column, empty cell, value that is no finite number, unknown provenance, duplicated or
        missing label, quantity with two units and quantity named like a column.
    """
    name = shown_name(path, root)
    return quantities(read_cells(path, name), name)


def shown_name(path: Path, root: Path) -> str:
    """Return how errors call a file: by its place below the project's root where it is there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def quantities(table: pd.DataFrame, name: str) -> xr.Dataset:
    """Turn a table of texts, one row a number, into labelled variables, as :func:`read_quantities` returns them.

    Parameters
    ----------
    table : pd.DataFrame
        Its index counts the rows of the file below the header from zero.
    name : str
        How the file is called in the error.
    """
    problems = table_problems(table)
    if problems:
        raise InputError(name, list(dict.fromkeys(problems)))
    labels = _labels(table)
    by_name = table.assign(value=table["value"].map(float)).groupby("quantity", sort=False)
    dataset = xr.Dataset({str(quantity): _variable(rows, labels) for quantity, rows in by_name})
    numbered = {dim: _numbers(labels[str(dim)]) for dim in dataset.dims}
    return dataset.assign_coords({dim: numbers for dim, numbers in numbered.items() if numbers})


def read_cells(path: Path, name: str) -> pd.DataFrame:
    """Read a CSV file, every cell as the text that stands there.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        How the file is called in the error.

    Raises
    ------
    InputError
        If the file does not exist, is not UTF-8, has no header or has a row with more cells than the header.
    """
    if not path.is_file():
        raise InputError(name, ["the file does not exist"])
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(name, [f"is not a UTF-8 table with a header row: {str(error).strip()}"]) from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes the first cells for row labels then
        raise InputError(name, ["row 2: has more cells than the header"])
    return table


def schema_problems(schema: pa.DataFrameSchema, table: pd.DataFrame) -> list[str]:
    """Return every fault that a schema finds in a table of texts, by row (the header is row 1) and column."""
    expected = ", ".join(schema.columns)
    words = {
        "column_in_dataframe": f"missing, expected {expected}",
        "column_in_schema": f"unknown, expected {expected}",
        "field_uniqueness": "is given twice",
    }
    try:
        schema.validate(table, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases[["index", "column", "failure_case", "check"]]
        return [
            f"row {int(i) + 2}, column {column}: {cell!r} {words.get(check, check)}"
            if pd.notna(i)
            else f"column {cell}: {words.get(check, check)}"
            for i, column, cell, check in cases.itertuples(index=False)
        ]
    return []


def table_problems(table: pd.DataFrame) -> list[str]:
    """Return every fault of a quantity table: of its cells by row and column, then of its quantities."""
    problems = schema_problems(TABLE, table)
    if not set(TABLE.columns) <= set(table.columns):
        return problems
    problems += [
        f"row {row + 2}, column value: {fault}"
        for row, text in zip(table.index.tolist(), table["value"], strict=True)
        if (fault := value_fault(text))
    ]
    labels = _labels(table)
    named = table["quantity"].str.strip() != ""
    for name, rows in table[named].groupby("quantity", sort=False):
        quantity = str(name)
        if quantity in RESERVED or quantity in labels:
            problems.append(f"quantity {quantity}: is named like a column")
        problems += _text_problems(quantity, rows)
        # A row without a name may be the one that seems to be missing.
        problems += _label_problems(quantity, rows, labels, complete=bool(named.all()))
    return problems


def value_fault(text: str) -> str:
    """Return why a cell is no finite number, or nothing."""
    try:
        number = float(text)
    except ValueError:
        return f"{text!r} is not a number"
    return "" if math.isfinite(number) else f"{number} is not a finite number"


def _text_problems(quantity: str, rows: pd.DataFrame) -> list[str]:
    """Return the columns that say two things of one quantity."""
    return [
        f"quantity {quantity}: two texts in column {column}: {texts}"
        for column in ("unit", "description")
        if len(texts := sorted(text for text in rows[column].unique() if text.strip())) > 1
    ]


def _label_problems(
    quantity: str, rows: pd.DataFrame, labels: Mapping[str, Sequence[str]], complete: bool
) -> list[str]:
    """Return every empty and duplicated label of a quantity and, if its rows are ``complete``, every missing one."""
    dims = _dims(rows, labels)
    empty = [
        f"row {int(i) + 2}, column {column}: empty, but {quantity} varies over it"
        for column in dims
        for i in rows.index[rows[column] == ""]
    ]
    second = rows[rows.duplicated(dims)] if dims else rows.iloc[1:]
    repeated = [
        f"row {i + 2}: a second value of {quantity}{' at ' if dims else ''}{_place(dims, place)}"
        for i, *place in second[dims].itertuples(name=None)
    ]
    missing: list[str] = []
    if dims and complete and not empty:
        found = set(rows[dims].itertuples(index=False, name=None))
        places = itertools.product(*(labels[dim] for dim in dims))
        missing = [f"quantity {quantity}: no row for {_place(dims, at)}" for at in places if at not in found]
    return empty + repeated + missing


def _place(dims: Iterable[str], labels: Iterable[str]) -> str:
    return ", ".join(f"{dim} {label}" for dim, label in zip(dims, labels, strict=True))


def _labels(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the labels of every coordinate column in the order of the file."""
    coordinates = [column for column in table.columns if column not in RESERVED]
    return {column: [label for label in table[column].unique() if label != ""] for column in coordinates}


def _dims(rows: pd.DataFrame, coordinates: Iterable[str]) -> list[str]:
    """Return the coordinate columns that the rows of a quantity fill."""
    return [column for column in coordinates if (rows[column] != "").any()]


def _variable(rows: pd.DataFrame, labels: Mapping[str, Sequence[str]]) -> xr.DataArray:
    """Turn the rows of one quantity into an array over the labels of the whole file."""
    attributes = {
        "units": str(rows["unit"].iloc[0]),
        "long_name": str(rows["description"].iloc[0]),
        "provenance": "; ".join(dict.fromkeys(rows["provenance"])),
        "source": "; ".join(dict.fromkeys(rows["source"])),
    }
    dims = _dims(rows, labels)
    if not dims:
        return xr.DataArray(float(rows["value"].iloc[0]), attrs=attributes)
    array = rows.set_index(dims)["value"].to_xarray()
    return array.reindex({dim: labels[dim] for dim in dims}).assign_attrs(attributes)


def _numbers(labels: Sequence[str]) -> list[int]:
    """Return labels as whole numbers, or none if one is a text or two would become one, as ``1`` and ``01``."""
    numbers = [int(label) for label in labels if label.isdecimal()]
    return numbers if len(set(numbers)) == len(labels) else []


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
