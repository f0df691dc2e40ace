"""The hourly tables of a folder: a column ``hour``, then one column a series, its unit in brackets where it has one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from bcopt.compendium.problems import InputError
from bcopt.compendium.texts import decoded, read_cells
from bcopt.districts import units
from bcopt.districts.problems import unknown

Array = npt.NDArray[np.float64]
_COLUMN = re.compile(r"(?P<name>.+?)\s*(?:\[(?P<unit>[^\[\]]*)\])?")
_LISTED = 5


@dataclass(frozen=True)
class Table:
    """What one table holds.

    Parameters
    ----------
    file : str
        Its name.
    parts : tuple of sequence of str
        Names that its columns may have: of clusters, or of clusters and uses, parted by a colon.
    unit : str
        Unit of all its columns.
    lengths : tuple of int
        Numbers of hours that it may have.
    least : float
        Least value.
    """

    file: str
    parts: tuple[Sequence[str], ...]
    unit: str
    lengths: tuple[int, ...]
    least: float = 0.0


def read(folder: Path, table: Table, currency: str) -> tuple[dict[tuple[str, ...], Array], list[str]]:
    """Return the series of a table in its unit, and all that is wrong with it.

    Parameters
    ----------
    folder : Path
        Holds the file; without the file there are no series.
    table : Table
        What is expected.
    currency : str
        What the folder calls its money.
    """
    if not (folder / table.file).exists():
        return {}, []
    if parted := _parted(folder / table.file):
        return {}, [f"{table.file}, line 1: {parted}"]
    try:
        cells = read_cells(folder / table.file, table.file)
    except InputError as error:
        faults = [_placed(table.file, problem) for problem in error.problems]
        more = [f"{table.file}: {len(faults) - _LISTED} more faults"] if len(faults) > _LISTED else []
        return {}, [*faults[:_LISTED], *more]
    found: dict[tuple[str, ...], Array] = {}
    problems = _hours(cells, table)
    for column in cells.columns:
        if column.strip().lower() == "hour":
            continue
        try:
            key, factor = _named(str(column), table, currency)
            values = _numbers(cells[column], table, units.expected(table.unit, currency)) * factor
        except ValueError as error:
            problems.append(f"{table.file}, {error}")
            continue
        if key in found:
            problems.append(f"{table.file}, line 1: column {': '.join(key)!r} is given twice")
        found[key] = values
    return found, problems


def _parted(path: Path) -> str:
    """Return that a table is parted as some spreadsheets do, nothing if it is not."""
    text = decoded(path.read_bytes())[0] if path.is_file() else ""
    head, *rows = text.lstrip().splitlines()[:3] or [""]
    mark = next((mark for mark in (";", "\t") if mark in head and "," not in head), "")
    comma = "; decimals follow a comma, expected a point" if any(re.search(r"\d,\d", row) for row in rows) else ""
    return f"cells are parted by {mark!r}, expected by commas{comma}" if mark else ""


def _placed(file: str, problem: str) -> str:
    """Return what is wrong with the cells of a table, with the line."""
    for pattern, text in (
        (r"column (.*): is given twice", r"line 1: column '\1' is given twice"),
        (r"column (\d+): has no name", r"line 1: column \1 has no name, expected a heading"),
        (r"is not a UTF-8 table with a header row: nothing in it", "line 1: nothing in it, expected a header row"),
        (
            r"(?:is not a UTF-8 table with a header row: )?row (\d+): unexpected end of data",
            r"line \1: a quote that nothing closes",
        ),
        (r"(?:is not a UTF-8 table with a header row: )?(?:row|line) (\d+): (.*)", r"line \1: \2"),
    ):
        if match := re.fullmatch(pattern, problem):
            return f"{file}, {match.expand(text)}"
    return f"{file}: {problem}"


def _named(column: str, table: Table, currency: str) -> tuple[tuple[str, ...], float]:
    """Return whose series a column holds, and the factor from its unit."""
    match = _COLUMN.fullmatch(column.strip())
    name, unit = (match["name"], match["unit"] or "") if match else (column, "")
    key = tuple(part.strip() for part in name.split(":", len(table.parts) - 1))
    where = f"line 1: column {column.strip()!r}"
    if len(key) != len(table.parts):
        raise ValueError(f"{where}: expected a heading such as {': '.join(part[0] for part in table.parts if part)!r}")
    for part, known in zip(key, table.parts, strict=True):
        if part not in known:
            raise ValueError(f"{where}: {part!r} is {unknown(part, list(known))}")
    try:
        return key, units.factor(unit, table.unit, currency)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _hours(cells: pd.DataFrame, table: Table) -> list[str]:
    """Return what is wrong with the hours: their column, their number, their order."""
    expected = f"{' or '.join(f'0 to {length - 1}' for length in table.lengths)}"
    columns = [column for column in cells.columns if str(column).strip().lower() == "hour"]
    if len(columns) != 1:
        many = "more than one" if columns else "no"
        return [f"{table.file}, line 1: {many} column 'hour', expected one with the hours {expected}"]
    (labels,) = columns
    problems = []
    if len(cells) not in table.lengths:
        last = _line(cells.index[-1]) if len(cells) else 1
        wanted = " or ".join(map(str, table.lengths))
        problems.append(f"{table.file}, line {last}: ends after {len(cells)} hours, expected {wanted}")
    for row, (line, text) in enumerate(cells[labels].items()):
        if text.strip() != str(row):
            meant = "; hour h is the clock from h to h + 1" if row == 0 and text.strip() == "1" else ""
            return [*problems, f"{table.file}, line {_line(line)}: hour {text.strip()!r}, expected {row}{meant}"]
    return problems


def _numbers(column: pd.Series[str], table: Table, expected: str) -> Array:
    """Return a column as numbers, or raise naming the lines of those that are none or out of range."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= table.least)))
    if wrong.size:
        limit = f" of {table.least:g} or more" if np.isfinite(table.least) else ""
        more = f" and {wrong.size - _LISTED} more" if wrong.size > _LISTED else ""
        texts = [column.iloc[k].strip() for k in wrong[:_LISTED]]
        lines = [_line(column.index[k]) for k in wrong[:_LISTED]]
        named = ", ".join(
            f"line {line} {text!r}" if text else f"line {line} empty" for line, text in zip(lines, texts, strict=True)
        )
        comma = "; decimals follow a point" if any("," in text for text in texts) else ""
        raise ValueError(f"column {str(column.name).strip()!r}: {named}{more}: expected {expected}{limit}{comma}")
    return values


def _line(index: object) -> int:
    """Return the line of the file that a row of its cells stands on."""
    return int(str(index)) + 2
