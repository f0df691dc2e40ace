"""Input tables with provenance, read once and checked at the edge.

Every number that is not computed here comes from a long table below ``data/``: one row a number, with its unit, its
provenance and its source. Columns beyond those are coordinates (``technology``, ``plan``, ``month``), empty where a
quantity does not vary over them.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandera.errors
import pandera.pandas as pa
import xarray as xr

from bcopt.compendium.checkout import require_as_written
from bcopt.compendium.problems import InputError
from bcopt.compendium.texts import read_cells, shown_name

PROVENANCE = ("published", "derived", "fitted", "assumed")
RESERVED = ("quantity", "value", "unit", "provenance", "source", "description", "protocol")

TEXT = "text"
"""Unit of a variable that holds texts."""
_LISTED = 20
"""Labels and values named one by one; of more, the rest is counted."""

FILLED = pa.Check(lambda text: text.str.strip() != "", element_wise=False, error="is empty")
TABLE = pa.DataFrameSchema(
    {
        "quantity": pa.Column(str, FILLED),
        "value": pa.Column(str),  # text until every cell is known to be a number
        "unit": pa.Column(str, FILLED),
        "provenance": pa.Column(str, pa.Check.isin(PROVENANCE, error=f"is none of {', '.join(PROVENANCE)}")),
        "source": pa.Column(str, FILLED),
        "description": pa.Column(str, FILLED),
    }
)


@dataclass(frozen=True)
class Expected:
    """What a variable of a Dataset must be.

    Parameters
    ----------
    units : str
        Exact text of its ``units`` attribute; :data:`TEXT` of what holds texts in place of numbers.
    dims : tuple of str
        Dimensions, in any order.
    lower, upper : float
        Admitted values, both ends included; only finite ones.
    """

    units: str
    dims: tuple[str, ...] = ()
    lower: float = -np.inf
    upper: float = np.inf


def read_quantities(path: Path, root: Path, labels: Mapping[str, Sequence[Any]] | None = None) -> xr.Dataset:
    """Read a long table of quantities into labelled variables.

    Parameters
    ----------
    path : Path
        CSV file with the columns ``quantity, value, unit, provenance, source, description`` and any coordinates.
    root : Path
        Project root, to name the file in errors.
    labels : mapping of str to sequence, optional
        All that each coordinate must have, in any order, and no other coordinates; by default any.

    Returns
    -------
    xr.Dataset
        One variable a quantity, with attributes ``units``, ``long_name``, ``provenance`` and ``source``. Its dims are
        the coordinate columns that its rows fill, with labels in the order of the file.

    Raises
    ------
    InputError
        Listing every missing or unknown column, empty cell, value that is no finite number, unknown provenance,
        duplicated, missing or unknown label, quantity with two units and quantity named like a column.
    """
    name = shown_name(path, root)
    return quantities(read_cells(path, name), name, labels)


def quantities(table: pd.DataFrame, name: str, admitted: Mapping[str, Sequence[Any]] | None = None) -> xr.Dataset:
    """Turn a table of texts, one row a number, into labelled variables, as :func:`read_quantities` returns them.

    Parameters
    ----------
    table : pd.DataFrame
        Its index counts the rows of the file below the header from zero.
    name : str
        How the file is called in the error.
    admitted : mapping of str to sequence, optional
        As the labels of :func:`read_quantities`.
    """
    labels = _labels(table)
    problems = [
        f"column {column}: unknown, expected {', '.join(admitted)}"
        for column in labels
        if admitted is not None and column not in admitted
    ]
    problems += table_problems(table)
    if problems:
        raise InputError(name, list(dict.fromkeys(problems)))
    by_name = table.assign(value=table["value"].map(float)).groupby("quantity", sort=False)
    dataset = xr.Dataset({str(quantity): _variable(rows, labels) for quantity, rows in by_name})
    numbered = {dim: _numbers(labels[str(dim)]) for dim in dataset.dims}
    dataset = dataset.assign_coords({dim: numbers for dim, numbers in numbered.items() if numbers})
    if admitted is not None and (problems := label_problems(dataset, admitted)):
        raise InputError(name, problems)
    return dataset


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
        number = float(text if text.isascii() and "_" not in text else "")
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
    numbers = [int(label) for label in labels if label.isdecimal() and len(label) < 10]
    return numbers if len(set(numbers)) == len(labels) else []


def read_arrays(path: Path, root: Path, stage: str, attributes: Sequence[str] = ()) -> xr.Dataset:
    """Read a NetCDF file that a stage of the pipeline has written, to be checked by :func:`check_dataset`.

    Parameters
    ----------
    path : Path
        The file.
    root : Path
        Project root, to name the file in errors.
    stage : str
        Stage of dvc.yaml that writes the file, named in errors.
    attributes : sequence of str
        Names of the attributes that the file has.

    Raises
    ------
    InputError
        If the file does not exist, is not what the stage wrote or no NetCDF file; listing every missing attribute.
    """
    name, again = shown_name(path, root), f"run `dvc repro --force {stage}`"
    if not path.is_file():
        raise InputError(name, [f"the file does not exist: run `dvc repro {stage}`"])
    require_as_written(name, root)
    try:
        with xr.open_dataset(path, engine="netcdf4", decode_times=False) as dataset:
            found = dataset.load()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(name, [f"is no whole NetCDF file: {again}, which writes it anew"]) from error
    if problems := [f"attribute {key}: missing, {again}" for key in attributes if key not in found.attrs]:
        raise InputError(name, problems)
    return found


def label_problems(dataset: xr.Dataset, labels: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return every coordinate that is unknown or has other labels than it must have, in any order.

    Parameters
    ----------
    dataset : xr.Dataset
        What was read.
    labels : mapping of str to sequence
        Labels of each dim or other coordinate that may be there.
    """
    problems = []
    for dim in map(str, dataset.coords):
        if dim not in labels:
            problems.append(f"column {dim}: unknown, expected {', '.join(labels)}")
            continue
        found, wanted = (Counter(map(str, at)) for at in (dataset[dim].to_numpy().ravel().tolist(), labels[dim]))
        if found != wanted and len(wanted) > _LISTED:
            other = [*(f"no {label}" for label in wanted - found), *(f"{label} beyond" for label in found - wanted)]
            problems.append(f"{dim} must be {_listed(labels[dim])}, found {', '.join(_shortened(other))}")
        elif found != wanted:
            problems.append(f"{dim} must be {_listed(labels[dim])}, got {_listed(found.elements())}")
    return problems


def _listed(labels: Iterable[Any]) -> str:
    """Return labels one by one, or the ends of many."""
    every = [*map(str, labels)]
    return ", ".join(every) if len(every) <= _LISTED else f"{every[0]}, {every[1]} to {every[-1]}"


def _shortened(problems: Sequence[str], total: int | None = None) -> list[str]:
    """Return the first of many problems of one kind, and how many more there are in ``total``."""
    more = (total or len(problems)) - _LISTED
    return [*problems] if more <= 0 else [*problems[:_LISTED], f"and {more:,} more like the last"]


def check_dataset(
    dataset: xr.Dataset,
    expected: Mapping[str, Expected],
    name: str,
    labels: Mapping[str, Sequence[Any]] | None = None,
) -> xr.Dataset:
    """Return ``dataset`` if every expected variable is there with its dims, units and range.

    Parameters
    ----------
    dataset : xr.Dataset
        Inputs of one problem.
    expected : mapping of str to Expected
        What each variable must be. Variables beyond these are refused as well: a misspelt name is not an extra.
    name : str
        How the inputs are called in the error.
    labels : mapping of str to sequence, optional
        Of every coordinate, in any order; by default whichever are there.

    Raises
    ------
    InputError
        Listing every coordinate with other labels, missing or unknown variable, wrong dims, units or type, and values
        out of range with their labels.
    """
    every = labels or {}
    problems = [f"{dim}: has no labels, expected {_listed(every[dim])}" for dim in every if dim not in dataset.coords]
    problems += label_problems(dataset, labels) if labels is not None else []
    problems += [f"{quantity}: missing" for quantity in expected if quantity not in dataset]
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
    if (array.dtype.kind in "iuf") == (rule.units == TEXT):
        return [
            *problems,
            f"{quantity}: is of type {array.dtype}, expected {'text' if rule.units == TEXT else 'numbers'}",
        ]
    values = array.to_numpy() if rule.units != TEXT else np.zeros(array.shape)
    outside = np.argwhere(~(np.isfinite(values) & (values >= rule.lower) & (values <= rule.upper)))
    found = []
    for index in outside[:_LISTED]:
        where = ", ".join(f"{d} {array[d].to_numpy()[i]}" for d, i in zip(array.dims, index, strict=True))
        at = f" at {where}" if where else ""
        value = float(values[tuple(index)])
        finite = ", finite" if math.isinf(value) else ""
        found.append(f"{quantity}{at}: {value:g} {rule.units}, expected {rule.lower:g} to {rule.upper:g}{finite}")
    return problems + _shortened(found, len(outside))


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
