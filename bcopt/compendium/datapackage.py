"""Everything below ``data/`` described as one Data Package.

What a table says of itself (rows, columns, quantities, units, provenance, sources, hours) is read from it; the few
words that it cannot say stand in ``data/tables.yaml``. A column's type and constraints are those its reader enforces.

References
----------
Frictionless Data, Data Package and Tabular Data Resource, version 1, https://specs.frictionlessdata.io
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pandera.pandas as pa
import xarray as xr
from pydantic import BaseModel, ConfigDict, model_validator

from bcopt.compendium.hourly import CONVENTIONS, read_hourly
from bcopt.compendium.inputs import PROVENANCE, RESERVED, TABLE, read_arrays, read_quantities
from bcopt.compendium.ledger import CLAIMS, CLAIMS_SCHEMA, read_claims
from bcopt.compendium.parameters import read_yaml, validated
from bcopt.compendium.pipeline import stage_that_writes
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import Text
from bcopt.compendium.texts import read_cells

WORDS = Path("data") / "tables.yaml"
MEDIA_TYPES = {".csv": "text/csv", ".nc": "application/x-netcdf", ".yaml": "application/yaml"}
"""What counts as a table below ``data/``, by its ending."""

_HOUR = re.compile(r"h([1-9]|1\d|2[0-4])")
_UNIT = re.compile(r"\[([^\]]+)\]\Z")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Licence(_Strict):
    """Terms, by a title and an address."""

    title: Text
    path: Text


class TableWords(_Strict):
    """What one table cannot say of itself; its provenance only where it has no column of that name."""

    title: Text
    source: Text
    provenance: Literal["published", "derived", "fitted", "assumed"] | None = None
    licence: str | None = None


class Words(_Strict):
    """All of data/tables.yaml."""

    name: Text
    title: Text
    licences: dict[str, Licence]
    licence: str
    introduction: Text
    provenance: dict[str, Text]
    conventions: dict[str, Text]
    folders: dict[str, Text]
    columns: dict[str, Text]
    tables: dict[str, TableWords]

    @model_validator(mode="after")
    def _complete(self) -> Words:
        folders = {Path(table).parent.as_posix() for table in self.tables}
        licences = {self.licence, *(table.licence for table in self.tables.values() if table.licence)}
        for name, wanted in (("provenance", {*PROVENANCE}), ("conventions", {*CONVENTIONS}), ("folders", folders)):
            if set(getattr(self, name)) != wanted:
                raise ValueError(f"{name} must explain {', '.join(sorted(wanted))}, nothing else and nothing less")
        if licences - set(self.licences):
            raise ValueError(f"licences must explain {', '.join(sorted(licences))}")
        return self


def read_words(root: Path) -> Words:
    """Read data/tables.yaml and hold it against the files that are there.

    Raises
    ------
    InputError
        Listing every wrong key of the file; or every table without a description and every described table that is
        missing.
    """
    words: Words = validated(Words, read_yaml(root / WORDS, root), WORDS.as_posix())
    data = root / "data"
    found = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.suffix in MEDIA_TYPES}
    found -= {WORDS.name}
    problems = [f"tables: {name} is there, but not described" for name in sorted(found - set(words.tables))]
    problems += [f"tables: {name} is described, but not there" for name in words.tables if name not in found]
    if problems:
        raise InputError(WORDS.as_posix(), problems)
    return words


def data_package(root: Path) -> dict[str, Any]:
    """Describe every table below ``data/`` as a Data Package.

    Parameters
    ----------
    root : Path
        Project root.

    Returns
    -------
    dict
        Content of ``datapackage.json``. Besides what the specification names, a resource has, where they mean
        something, ``rows``, ``provenance`` (rows by provenance; without rows the word alone), ``conventions`` (of its
        hour labels), ``quantities`` (each with the coordinates it varies ``over``, its number of ``values`` and its
        distinct ``sources``), ``dimensions`` and ``variables`` (of a NetCDF file). Sizes and hashes are left out: the
        pipeline rewrites derived tables.

    Raises
    ------
    InputError
        As :func:`read_words`; or listing every fault of every table, and every table whose provenance is said twice or
        nowhere.
    """
    words = read_words(root)
    resources, problems = zip(*(_attempt(name, words, root) for name in words.tables), strict=True)
    if any(problems):
        raise InputError("data", [line for lines in problems for line in lines])
    return {
        "profile": "data-package",
        "name": words.name,
        "title": words.title,
        "description": words.introduction,
        "licenses": [_licence(words.licence, words)],
        "resources": list(resources),
    }


def _attempt(name: str, words: Words, root: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the description of a file, or an empty one with what is wrong with the file."""
    try:
        return _resource(name, words, root), []
    except InputError as error:
        return {}, [f"{error.source}: {problem}" for problem in error.problems]


def _resource(name: str, words: Words, root: Path) -> dict[str, Any]:
    """Return the description of one file, refusing a provenance that is said twice or nowhere."""
    path, table = root / "data" / name, words.tables[name]
    found: dict[str, Any] = {}
    if path.suffix == ".csv":
        found = _table(path, words, root)
    elif path.suffix == ".nc":
        found = _arrays(path, f"data/{name}", root)
    if found and ("provenance" in found) == (table.provenance is not None):
        says = ("no column", "give one") if table.provenance is None else ("a column", "give none")
        raise InputError(f"data/{name}", [f"has {says[0]} for its provenance: {WORDS.as_posix()} must {says[1]}"])
    said = {table.provenance: found["rows"]} if "rows" in found else table.provenance
    return {
        "name": name.rpartition(".")[0].replace("/", "-"),
        "path": name,
        "profile": "tabular-data-resource" if "schema" in found else "data-resource",
        "title": table.title,
        "sources": [{"title": table.source}],
        "licenses": [_licence(table.licence or words.licence, words)],
        "format": path.suffix[1:],
        "mediatype": MEDIA_TYPES[path.suffix],
        **({} if path.suffix == ".nc" else {"encoding": "utf-8"}),
        **({"provenance": said} if table.provenance else {}),
        **found,
    }


def _licence(name: str, words: Words) -> dict[str, str]:
    return {"name": name, "path": words.licences[name].path, "title": words.licences[name].title}


def _table(path: Path, words: Words, root: Path) -> dict[str, Any]:
    """Return what a CSV file says of itself, its types and constraints as strict as the reader that it goes through."""
    name = path.relative_to(root).as_posix()
    cells = read_cells(path, name)
    if name == CLAIMS.as_posix():
        read_claims(root)
        fields = [_field(column, CLAIMS_SCHEMA.columns[column], words) for column in map(str, cells)]
        return {"rows": len(cells), "schema": {"fields": fields, "primaryKey": ["id"], "missingValues": []}}
    if "quantity" in cells:
        return _quantities(path, cells, words, root)
    return {"rows": len(cells), "schema": {"fields": [_inferred(cells[column], words) for column in cells]}}


def _quantities(path: Path, cells: pd.DataFrame, words: Words, root: Path) -> dict[str, Any]:
    """Return what a table of quantities says of itself; no cell of it is missing, an empty label is a label."""
    hourly = "convention" in cells
    dataset = (read_hourly if hourly else read_quantities)(path, root)
    over = [column for column in map(str, cells) if column not in RESERVED and not (hourly and _hourly(column))]
    fields = [_quantity_field(column, cells, dataset, words) for column in map(str, cells)]
    counts = cells["provenance"].value_counts()
    return {
        "rows": len(cells),
        "provenance": {word: int(counts[word]) for word in PROVENANCE if word in counts},
        **({"conventions": sorted(set(cells["convention"]))} if hourly else {}),
        "quantities": [
            {
                **_variable(str(quantity), dataset[quantity]),
                "provenance": rows["provenance"].drop_duplicates().tolist(),
                "sources": rows["source"].drop_duplicates().tolist(),
            }
            for quantity, rows in cells.groupby("quantity", sort=False)
        ],
        "schema": {"fields": fields, "primaryKey": ["quantity", *over], "missingValues": []},
    }


def _hourly(column: str) -> bool:
    return column == "convention" or _HOUR.fullmatch(column) is not None


def _quantity_field(column: str, cells: pd.DataFrame, dataset: xr.Dataset, words: Words) -> dict[str, Any]:
    """Return a column as its reader takes it: the common ones, hours, the stamp of a fit, or a coordinate."""
    if column == "value" or _HOUR.fullmatch(column):
        return _described(column, "number", {}, words)
    if column in TABLE.columns:
        return _field(column, TABLE.columns[column], words)
    if column == "convention":
        return _described(column, "string", {"enum": list(CONVENTIONS)}, words)
    if column in RESERVED:
        return _described(column, "string", {"minLength": 1}, words)
    whole = column in dataset.coords and dataset[column].dtype.kind == "i" and (cells[column] != "").all()
    return _described(column, "integer" if whole else "string", {}, words)


def _field(column: str, rule: pa.Column, words: Words) -> dict[str, Any]:
    """Return a text column with the constraints of its pandera rule."""
    constraints: dict[str, Any] = {"unique": True} if rule.unique else {}
    for check in rule.checks:
        if "allowed_values" in check.statistics:
            constraints["enum"] = list(check.statistics["allowed_values"])
        elif "pattern" in check.statistics:
            constraints["pattern"] = check.statistics["pattern"].replace(r"\Z", "$")
        else:
            constraints["minLength"] = 1
    return _described(column, "string", constraints, words)


def _inferred(cells: pd.Series, words: Words) -> dict[str, Any]:
    """Return a column of a table that no reader checks, typed by its cells; the unit is in brackets in its name."""
    name = str(cells.name)
    unit = _UNIT.search(name)
    found: dict[str, Any] = {"unit": unit[1]} if unit else {}
    filled = cells[cells != ""]
    if len(filled) and filled.isin(["True", "False"]).all():
        return {"name": name, "type": "boolean", **found, "trueValues": ["True"], "falseValues": ["False"]}
    number = len(filled) and pd.to_numeric(filled, errors="coerce").notna().all()
    return {**_described(name, "number" if number else "string", {}, words), **found}


def _described(column: str, kind: str, constraints: Mapping[str, Any], words: Words) -> dict[str, Any]:
    text = {"description": words.columns[column]} if column in words.columns else {}
    return {"name": column, "type": kind, **text, **({"constraints": dict(constraints)} if constraints else {})}


def _arrays(path: Path, name: str, root: Path) -> dict[str, Any]:
    """Return what a NetCDF file says of itself, refusing a variable without unit or name."""
    dataset = read_arrays(path, root, stage_that_writes(name, root))
    nameless = [
        f"variable {variable}: has no {attribute}"
        for variable, array in dataset.data_vars.items()
        for attribute in ("units", "long_name")
        if not array.attrs.get(attribute)
    ]
    if nameless:
        raise InputError(name, nameless)
    dims = dict.fromkeys(dim for array in dataset.data_vars.values() for dim in array.dims)
    return {
        "dimensions": {str(dim): int(dataset.sizes[dim]) for dim in dims},
        "variables": [_variable(str(variable), array) for variable, array in dataset.data_vars.items()],
    }


def _variable(name: str, array: xr.DataArray) -> dict[str, Any]:
    return {
        "name": name,
        "description": array.attrs["long_name"],
        "unit": array.attrs["units"],
        "over": [str(dim) for dim in array.dims],
        "values": int(array.size),
    }
