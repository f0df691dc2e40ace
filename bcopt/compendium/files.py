"""How results are written: rounded, whole or not at all, the same bytes for the same numbers."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

DIGITS = 9
"""Significant digits of every number written: below what processors differ in, above what any study prints."""


def round_significant(values: npt.ArrayLike, digits: int = DIGITS) -> npt.NDArray[np.float64]:
    """Round to significant digits, leaving zero, NaN and infinities alone.

    >>> round_significant([3310354.4249, 0.0], 9).tolist()
    [3310354.42, 0.0]
    """
    array = np.asarray(values, dtype=np.float64)
    flat = [float(f"{x:.{digits - 1}e}") if np.isfinite(x) else x for x in array.ravel().tolist()]
    return np.asarray(flat, dtype=np.float64).reshape(array.shape) + 0.0  # adding zero turns -0.0 into 0.0


def rounded_dataset(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset with every floating-point variable and coordinate rounded to :data:`DIGITS`."""
    result = dataset.copy()
    for name in result.variables:
        if np.issubdtype(result[name].dtype, np.floating):
            result[name] = result[name].copy(data=round_significant(result[name].to_numpy()))
    return result


def rounded_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with every floating-point number rounded to :data:`DIGITS`, those beside texts too."""
    result = table.copy()
    for column in result.columns:
        if pd.api.types.is_float_dtype(result[column]):
            result[column] = round_significant(result[column].to_numpy())
        elif pd.api.types.is_object_dtype(result[column]):
            cells = [_rounded(cell) for cell in result[column]]
            result[column] = pd.Series(cells, index=result.index, dtype=object)
    return result


def _rounded(value: Any) -> Any:
    """Return a floating-point number rounded to :data:`DIGITS`, anything else as it is."""
    return float(round_significant(value)) if isinstance(value, (float, np.floating)) else value


def _rounded_content(content: Any) -> Any:
    """Return nested mappings and lists with every floating-point number in them rounded."""
    if isinstance(content, Mapping):
        return {key: _rounded_content(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_rounded_content(value) for value in content]
    return _rounded(content)


def replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a file beside ``path``, under a name no other process uses, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, whole or not at all."""
    replace(path, lambda beside: beside.write_bytes(content))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a rounded CSV: UTF-8, LF, no index."""
    text = rounded_table(table).to_csv(index=False, lineterminator="\n", float_format=f"%.{DIGITS}g")
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write rounded, indented JSON with a closing newline."""
    write_bytes(path, (json.dumps(_rounded_content(content), indent=2, ensure_ascii=False) + "\n").encode())


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a rounded, compressed NetCDF file without anything that changes from run to run."""
    rounded = rounded_dataset(dataset)
    encoding = {
        name: {"zlib": True, "complevel": 4}
        for name, v in rounded.data_vars.items()
        if v.dtype.kind in "fiu" and v.ndim
    }
    replace(path, lambda beside: rounded.to_netcdf(beside, engine="netcdf4", format="NETCDF4", encoding=encoding))
