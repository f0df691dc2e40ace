"""Hourly tables: which clock hour a printed label means, decided in one place.

Inside the compendium hour ``h`` is the clock interval from ``h`` to ``h + 1`` and a day has the hours 0 to 23. Printed
tables label the hours 1 to 24 in one of two conventions, and an EnergyPlus weather file or report in the second:

======== ============================ ===========================================================
starts   label i is from i to i + 1   Table 2 of systems2024, whose label 24 is from midnight to 1
ends     label i is from i - 1 to i   GB 55015-2021 appendix C, frontiers2022, EnergyPlus
======== ============================ ===========================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bcopt.compendium.inputs import quantities, value_fault
from bcopt.compendium.problems import InputError
from bcopt.compendium.texts import read_cells, shown_name

Convention = Literal["starts", "ends"]
CONVENTIONS: tuple[str, ...] = get_args(Convention)
HOURS = tuple(range(24))
_LABELS = {f"h{label}": label for label in range(1, 25)}


def clock_hour(label: npt.ArrayLike, convention: Convention) -> npt.NDArray[np.int64]:
    """Return the clock hour that a printed label of the day means.

    Parameters
    ----------
    label : array_like of int
        Printed labels, 1 to 24.
    convention : {"starts", "ends"}
        Whether the clock stands at the label when the hour starts or when it ends.

    Returns
    -------
    numpy.ndarray of int
        Hour of the day, 0 to 23, whose interval is ``[h, h + 1)``.

    Raises
    ------
    ValueError
        If a label is none of 1 to 24, or the convention is neither of the two.

    Examples
    --------
    >>> clock_hour([1, 20, 24], "starts").tolist(), clock_hour([1, 20, 24], "ends").tolist()
    ([1, 20, 0], [0, 19, 23])
    """
    labels = np.asarray(label)
    if convention not in CONVENTIONS:
        raise ValueError(f"hour convention {convention!r}, expected one of {', '.join(CONVENTIONS)}")
    if labels.dtype.kind not in "iu" or (labels < 1).any() or (labels > 24).any():
        raise ValueError(f"hour labels {labels.tolist()}, expected whole numbers from 1 to 24")
    hours: npt.NDArray[np.int64] = (labels.astype(np.int64) - (convention == "ends")) % 24
    return hours


def read_hourly(path: Path, root: Path, labels: Mapping[str, Sequence[Any]] | None = None) -> xr.Dataset:
    """Read a table with the 24 hours of a day in columns h1 to h24 and the meaning of these labels in a column.

    Parameters
    ----------
    path : Path
        CSV file with the columns ``quantity, unit, provenance, source, description, convention, h1, ..., h24`` and any
        coordinates, as in :func:`bcopt.compendium.inputs.read_quantities`.
    root : Path
        Project root, to name the file in errors.
    labels : mapping of str to sequence, optional
        As in :func:`bcopt.compendium.inputs.read_quantities`.

    Returns
    -------
    xr.Dataset, dims (..., hour)
        One variable a quantity over the clock hours 0 to 23.

    Raises
    ------
    InputError
        Listing every missing column, unknown convention and fault of a cell or label; or that there are no rows.
    """
    name = shown_name(path, root)
    wide = read_cells(path, name)
    problems = [f"column {column}: missing, expected convention and h1 to h24" for column in _missing(wide)]
    problems += [f"column {column}: unknown beside h1 to h24" for column in ("hour", "value") if column in wide]
    problems = problems or _cell_problems(wide)
    problems += [] if len(wide) else ["has no rows below the header"]
    if problems:
        raise InputError(name, problems)
    return quantities(_long(wide), name, labels).sortby("hour")


def _missing(wide: pd.DataFrame) -> list[str]:
    return [column for column in ("convention", *_LABELS) if column not in wide]


def _cell_problems(wide: pd.DataFrame) -> list[str]:
    """Return every unknown convention and every hour that is no number, by row and column of the file."""
    conventions = [
        f"row {row}, column convention: {found!r}, expected one of {', '.join(CONVENTIONS)}"
        for row, found in zip(wide.index + 2, wide["convention"], strict=True)
        if found not in CONVENTIONS
    ]
    return conventions + [
        f"row {row}, column {column}: {fault}"
        for column in _LABELS
        for row, text in zip(wide.index + 2, wide[column], strict=True)
        if (fault := value_fault(text))
    ]


def _long(wide: pd.DataFrame) -> pd.DataFrame:
    """Return one row an hour, labelled by the clock; its index still says which row of the file it comes from."""
    rest = [column for column in wide.columns if column not in _LABELS]
    long = wide.melt(id_vars=rest, value_vars=list(_LABELS), var_name="label", ignore_index=False)
    labels = long.pop("label").map(_LABELS)
    starts, ends = (clock_hour(labels.to_numpy(), convention) for convention in get_args(Convention))
    hours = np.where(long.pop("convention") == "starts", starts, ends)
    return long.assign(hour=hours.astype(str)).sort_index(kind="stable")
