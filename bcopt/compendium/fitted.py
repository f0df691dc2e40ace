"""Fitted values: what an earlier stage turned its knobs to, read only under the protocol that it turned them under."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
    path = root / name
    again = f"run `dvc repro`, whose stage {stage}"
    if not path.is_file():
        raise InputError(name, [f"the file does not exist: {again} writes it"])
    cells = read_cells(path, name)
    made_under = set(cells["protocol"]) if "protocol" in cells else set()
    if made_under != {read_protocol(root).sha256}:
        raise InputError(name, [f"was fitted under another {PROTOCOL.as_posix()}: {again} fits under the one in force"])
    return check_dataset(quantities(cells, name), expected, name)
