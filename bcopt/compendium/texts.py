"""Text files as they stand on the disk: UTF-8 and nothing else, and tables cell by cell."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from bcopt.compendium.problems import InputError

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
"""Characters that stand in no text."""


def shown_name(path: Path, root: Path) -> str:
    """Return how errors call a file: by its place below the project's root where it is there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


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
        If the file does not exist, is not UTF-8, has no header or a quote that nothing closes; listing every column
        without a name or given twice, and every row with more or fewer cells than the header.
    """
    if not path.is_file():
        raise InputError(name, ["the file does not exist"])
    text, fault = decoded(path.read_bytes())
    records: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), strict=True):
            records.append(cells)  # noqa: PERF402 (those before a fault say its row)
    except csv.Error as error:
        fault = f"row {len(records) + 1}: {error}"
    rows = {row: cells for row, cells in enumerate(records, start=1) if len(cells) > 1 or "".join(cells).strip()}
    if fault or not rows:
        raise InputError(name, [f"is not a UTF-8 table with a header row: {fault or 'nothing in it'}"])
    header = rows.pop(min(rows))
    problems = [f"column {place}: has no name" for place, column in enumerate(header, start=1) if not column.strip()]
    problems += [f"column {column}: is given twice" for column, count in Counter(header).items() if count > 1]
    problems += [
        f"row {row}: has {len(cells)} cells, expected {len(header)} as the header has"
        for row, cells in rows.items()
        if len(cells) != len(header)
    ]
    if problems:
        raise InputError(name, problems)
    return pd.DataFrame(list(rows.values()), columns=header, index=[row - 2 for row in rows], dtype=str)


def decoded(content: bytes) -> tuple[str, str]:
    """Return the text of a file without its byte order mark, and why it is no UTF-8 text, or nothing."""
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", f"line {line}: byte {content[error.start]:#04x}, expected text in utf-8"
    if stray := _NO_TEXT.search(text):
        line = text.count("\n", 0, stray.start()) + 1
        return "", f"line {line}: character {stray[0]!r}, expected text in utf-8"
    return text, ""
