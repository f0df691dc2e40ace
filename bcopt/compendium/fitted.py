"""What an earlier stage fitted or swept, read only under the protocol and the parameters that it was made under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import xarray as xr

from bcopt.compendium.checkout import require_as_written
from bcopt.compendium.inputs import FILLED, Expected, check_dataset, quantities, schema_problems, value_fault
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import PROTOCOL, read_protocol
from bcopt.compendium.texts import read_cells

NUMBER = pa.Column(str, pa.Check(lambda text: text.map(value_fault) == "", error="expected a finite number"))
NUMBER_OR_NONE = pa.Column(
    str,
    pa.Check(lambda text: text.where(text != "", "0").map(value_fault) == "", error="expected a finite number or none"),
)
TRUTH = pa.Column(str, pa.Check.isin(["True", "False"], error="expected True or False"))
WORDS = pa.Column(str)
"""What a column of a table with a row a scenario may hold."""


def read_fitted(
    table: str,
    stage: str,
    expected: Mapping[str, Expected],
    root: Path,
    labels: Mapping[str, Sequence[Any]] | None = None,
) -> xr.Dataset:
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
    labels : mapping of str to sequence, optional
        All that each coordinate must have, in the order to be returned, and no other coordinates; by default any.

    Returns
    -------
    xr.Dataset
        Every variable with ``units``, ``long_name``, ``provenance`` and ``source``.

    Raises
    ------
    InputError
        If the table is missing, is not what the stage wrote, or carries the hash of another protocol than the one in
        force, or of none, in any row; listing every fault of a table of this protocol.
    """
    name = f"data/derived/{table}"
    cells = _cells_of_protocol(name, stage, root)
    found = check_dataset(quantities(cells, name, labels), expected, name)
    return found.reindex(labels) if labels else found


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
    table: str,
    stage: str,
    root: Path,
    made_with: tuple[str, ...],
    parameters: Mapping[str, Any],
    columns: Mapping[str, pa.Column] | None = None,
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
    columns : mapping of str to pandera Column, optional
        What each column beside ``scenario`` holds: :data:`NUMBER`, :data:`NUMBER_OR_NONE`, :data:`TRUTH` or
        :data:`WORDS`; no other column may be there. By default any.

    Returns
    -------
    pd.DataFrame
        The table without its stamps, numbers as numbers, empty cells of texts as empty texts.

    Raises
    ------
    InputError
        If the table is missing, was made under another protocol, or with other parameters: naming each; listing every
        missing or unknown column, cell of another kind, and scenario that is given twice.
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
    if columns is not None and (problems := schema_problems(_schema(columns), texts)):
        raise InputError(name, problems)
    return texts.apply(_typed)


def in_order(table: pd.DataFrame, scenarios: Sequence[str], name: str, stage: str) -> pd.DataFrame:
    """Return a table of :func:`read_swept` in the order of the scenarios, if it has a row for each and no other.

    Parameters
    ----------
    table : pd.DataFrame
        With a column ``scenario`` that names none twice.
    scenarios : sequence of str
        All that the protocol and the parameters of the run ask for.
    name, stage
        Table and stage as in :func:`read_swept`.

    Raises
    ------
    InputError
        Listing every scenario that is missing or unknown.
    """
    found = table["scenario"].tolist()
    problems = [f"scenario {of!r}: missing" for of in scenarios if of not in set(found)]
    problems += [
        f"row {row}, column scenario: {of!r} is unknown, expected a scenario of the protocol"
        for row, of in enumerate(found, start=2)
        if of not in set(scenarios)
    ]
    if problems:
        raise InputError(
            f"data/derived/{name}", [*problems, f"run `dvc repro --force {stage}`, which writes the table"]
        )
    return table.set_index("scenario").loc[list(scenarios)].reset_index()


def _schema(columns: Mapping[str, pa.Column]) -> pa.DataFrameSchema:
    """Return what a table with a row a scenario holds."""
    return pa.DataFrameSchema({"scenario": pa.Column(str, FILLED, unique=True), **columns}, strict=True)


def _cells_of_protocol(name: str, stage: str, root: Path) -> pd.DataFrame:
    """Return the cells of a table as texts, refusing those of another protocol than the one in force."""
    path, again = root / name, f"run `dvc repro`, whose stage {stage}"
    if not path.is_file():
        raise InputError(name, [f"the file does not exist: {again} writes it"])
    require_as_written(name, root)
    cells = read_cells(path, name)
    made_under = set(cells["protocol"]) if "protocol" in cells else set()
    if made_under != {read_protocol(root).sha256}:
        raise InputError(name, [f"was made under another {PROTOCOL.as_posix()}: {again} uses the one in force"])
    return cells


def _same(made: str, asked: Any) -> bool:
    """Return whether a cell holds a parameter's value."""
    if isinstance(asked, (int, float)) and not isinstance(asked, bool):
        return not value_fault(made) and float(made) == asked
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
