"""What an earlier stage fitted or swept, read only under the protocol and the parameters that it was made under."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bcopt.compendium.inputs import Expected, check_dataset, quantities, read_cells
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import PROTOCOL, read_protocol


def read_fitted(table: str, stage: str, expected: Mapping[str, Expected], root: Path) -> xr.Dataset:
    """Return the fitted values of a table, refusing those made under another protocol.

    Parameters
    ----------
    table : str
        Name of the file in ``data/derived``, as it was given to :meth:`bcopt.compendium.page.Page.derived`: a table of
        quantities (:mod:`bcopt.compendium.inputs`) with a column ``protocol``.
    stage : str
        Stage of dvc.yaml that writes the table, named in errors.
    expected : mapping of str to Expected
        What the table must hold, nothing else and nothing less.
    root : Path
        Project root.

    Returns
    -------
    xr.Dataset
        Every variable with ``units``, ``long_name``, ``provenance`` and ``source``.

    Raises
    ------
    InputError
        If the table is missing, or carries the hash of another protocol than the one in force, or of none, in any row;
        listing every fault of a table of this protocol.
    """
    name = f"data/derived/{table}"
    cells = _cells_of_protocol(name, stage, root)
    return check_dataset(quantities(cells, name), expected, name)


def stamped(table: pd.DataFrame, root: Path, parameters: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return a table with the hash of the protocol in force and the parameters of the run in every row.

    Parameters
    ----------
    table : pd.DataFrame
        What a stage writes to ``data/derived``.
    root : Path
        Project root.
    parameters : mapping, optional
        Parameters that the table depends on, by name.
    """
    return table.assign(**(parameters or {}), protocol=read_protocol(root).sha256)


def read_swept(
    table: str, stage: str, root: Path, made_with: tuple[str, ...], parameters: Mapping[str, Any]
) -> pd.DataFrame:
    """Return a table that a stage made of every scenario, refusing one of another protocol or of other parameters.

    Parameters
    ----------
    table : str
        Name of the file in ``data/derived``, written as :func:`stamped` returns it.
    stage : str
        Stage of dvc.yaml that writes the table, named in errors.
    root : Path
        Project root.
    made_with : tuple of str
        Parameters that the table was stamped with.
    parameters : mapping
        Those of the present run; only names of ``made_with`` are compared.

    Returns
    -------
    pd.DataFrame
        The table without its stamps, numbers as numbers, empty cells of texts as empty texts.

    Raises
    ------
    InputError
        If the table is missing, was made under another protocol, or with other parameters: naming each.
    """
    name = f"data/derived/{table}"
    cells = _cells_of_protocol(name, stage, root)
    unsaid = [key for key in made_with if key not in cells]
    problems = [f"does not say which {key} it was made with: run `dvc repro {stage}`" for key in unsaid] or [
        f"was made with {key} = {made}, not {parameters[key]}: run `dvc repro {stage}` with this in params.yaml"
        for key in made_with
        if key in parameters
        for made in cells[key].unique()
        if not _same(made, parameters[key])
    ]
    if problems:
        raise InputError(name, problems)
    texts = cells.drop(columns=[*made_with, "protocol"])
    return texts.apply(_typed)


def _cells_of_protocol(name: str, stage: str, root: Path) -> pd.DataFrame:
    """Return the cells of a table as texts, refusing those of another protocol than the one in force."""
    path, again = root / name, f"run `dvc repro`, whose stage {stage}"
    if not path.is_file():
        raise InputError(name, [f"the file does not exist: {again} writes it"])
    cells = read_cells(path, name)
    made_under = set(cells["protocol"]) if "protocol" in cells else set()
    if made_under != {read_protocol(root).sha256}:
        raise InputError(name, [f"was made under another {PROTOCOL.as_posix()}: {again} uses the one in force"])
    return cells


def _same(made: str, asked: Any) -> bool:
    """Return whether a cell holds a parameter's value."""
    if isinstance(asked, (int, float)) and not isinstance(asked, bool):
        return float(made) == asked
    return made == str(asked)


def _typed(column: pd.Series) -> pd.Series:
    """Return a column of texts as booleans or numbers, if all of it reads as such, else as it is."""
    if column.isin(["True", "False"]).all():
        return column == "True"
    if (column == "").all():
        return column
    try:
        return pd.to_numeric(column.where(column != ""))
    except ValueError:
        return column
