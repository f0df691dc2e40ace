"""All input tables of a study, read together: every fault of every file in one error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from bcopt.compendium.hourly import HOURS, read_hourly
from bcopt.compendium.inputs import Expected, check_dataset, read_quantities
from bcopt.compendium.problems import InputError

Tables = Mapping[str, Mapping[str, Expected]]
"""For each file below ``data/`` its quantities and what each must be; those over hours are hourly tables."""


def read_tables(study: str, tables: Tables, labels: Mapping[str, Sequence[Any]], root: Path) -> xr.Dataset:
    """Read a study's input tables into one dataset.

    Parameters
    ----------
    study : str
        Named in the error.
    tables : mapping of str to mapping of str to Expected
        What each file must hold, nothing else and nothing less.
    labels : mapping of str to sequence
        Labels of each dim in the study's order; a table has all of them or does not vary over the dim.
    root : Path
        Project root.

    Returns
    -------
    xr.Dataset
        Every variable with ``units``, ``long_name``, ``provenance`` and ``source``.

    Raises
    ------
    InputError
        Listing every fault of a table, or every variable that is missing, unknown, in another unit or out of range.
    """
    found, problems = zip(*(_attempt(name, tables[name], labels, root) for name in tables), strict=True)
    if any(problems):
        raise InputError(f"inputs of {study}", [line for lines in problems for line in lines])
    return xr.merge(found, join="exact")


def _attempt(
    name: str, expected: Mapping[str, Expected], labels: Mapping[str, Sequence[Any]], root: Path
) -> tuple[xr.Dataset, list[str]]:
    """Return a table, or an empty one with what is wrong with it, so that all files are reported at once."""
    try:
        return _table(name, expected, labels, root), []
    except InputError as error:
        return xr.Dataset(), [f"{error.source}: {problem}" for problem in error.problems]


def _table(name: str, expected: Mapping[str, Expected], labels: Mapping[str, Sequence[Any]], root: Path) -> xr.Dataset:
    """Read one table, its labels in the order of the study, refusing others and any quantity that is not its own.

    The dims of a quantity are in the order in which they are expected, whatever the order of the file's columns.
    """
    source = f"data/{name}"
    hourly = any("hour" in rule.dims for rule in expected.values())
    known = {**labels, "hour": HOURS} if hourly else labels
    table = (read_hourly if hourly else read_quantities)(root / source, root, known)
    checked = check_dataset(table.reindex({dim: known[str(dim)] for dim in table.dims}), expected, source)
    return checked.assign({name: checked[name].transpose(*rule.dims) for name, rule in expected.items()})
