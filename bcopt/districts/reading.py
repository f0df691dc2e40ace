"""The folder of a district read and checked as a whole: district.yaml, hourly tables beside it, a weather file."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bcopt.compendium.parameters import read_yaml
from bcopt.compendium.problems import InputError
from bcopt.districts import checks, tables, units
from bcopt.districts.folder import Array, District
from bcopt.districts.problems import FILE, Key, line_numbers, located, of_schema, of_yaml, unknown
from bcopt.districts.schema import DistrictFile, Tariff
from bcopt.districts.sweep import expanded
from bcopt.districts.uses import USES
from bcopt.districts.values import DAY, YEAR, shown

LOADS, SUN, PRICES = "loads.csv", "photovoltaics.csv", "prices.csv"
PRICED = tuple(Tariff.model_fields)
NAMED = ("clusters", "tariffs")
"""Keys below which stand names of the folder's own."""


def read(folder: Path | str, changes: Mapping[str, Any] | None = None) -> District:
    """Read a folder and check all of it.

    Parameters
    ----------
    folder : Path or str
        Holds district.yaml, and loads.csv, photovoltaics.csv, prices.csv and an EPW file as far as there are any.
    changes : mapping, optional
        Values by dotted key of district.yaml, such as ``devices.storage.cost``, that take the place of the file's.

    Returns
    -------
    District

    Raises
    ------
    InputError
        Listing every problem of the folder: file, line, what is there and what was expected.
    """
    place = Path(folder)
    name = place.as_posix()
    if not place.is_dir():
        raise InputError(name, ["no such folder; a district is a folder with a district.yaml"])
    try:
        content = read_yaml(place / FILE, place)
    except InputError as error:
        raise InputError(name, of_yaml(error)) from error
    lines = line_numbers((place / FILE).read_text(encoding="utf-8-sig"))
    if not isinstance(content, dict):
        raise InputError(name, [f"{FILE}, line 1: is {shown(content)}, expected keys such as name, clusters and run"])
    problems = [*_unquoted(content, lines), *_changed(content, changes or {}, lines)]
    file, wrong = _validated(content, lines)
    problems += [located(key, text, lines) for key, text in wrong.items()]
    found, of_tables = _tables(place, content)
    sweep, of_sweep = _swept(content, wrong, lines)
    problems += [*itertools.chain(*of_tables.values()), *of_sweep]
    if file is None:
        raise InputError(name, problems)
    sun = {key[0]: values for key, values in found[SUN].items()}
    district = District(place, file, found[LOADS], sun, found[PRICES], sweep, lines)
    problems += checks.problems(district, [file for file, faults in of_tables.items() if faults])
    if problems:
        raise InputError(name, problems)
    return district


def _validated(content: dict[str, Any], lines: dict[Key, int]) -> tuple[DistrictFile | None, dict[Key, str]]:
    """Return the content as the schema reads it, or nothing and what is wrong by key."""
    whole = _with_defaults(content, lines)
    try:
        return DistrictFile.model_validate(whole, context={"currency": _currency(content)}), {}
    except ValidationError as error:
        return None, of_schema(error, whole, lines)


def _currency(content: Mapping[str, Any]) -> str:
    """Return what a content calls its money, nothing if that is no name of money."""
    name = content.get("currency", units.MONEY)
    try:
        return units.money(name if isinstance(name, str) else "")
    except ValueError:
        return ""


def _changed(content: dict[str, Any], changes: Mapping[str, Any], lines: dict[Key, int]) -> list[str]:
    """Put changes into the content of a file, and return those whose key leads nowhere."""
    problems = []
    for dotted, value in changes.items():
        *way, last = _key(dotted, content)
        at: Any = content
        for above, part in zip(("", *way), way, strict=False):
            if above in NAMED and isinstance(at, dict) and part not in at:
                problems.append(located((above,), f"{dotted}: {part!r} is {unknown(part, list(map(str, at)))}", lines))
            at = at.setdefault(part, {}) if isinstance(at, dict) else None
        if isinstance(at, dict):
            at[last] = copy.deepcopy(value)
        else:
            problems.append(located((), f"{dotted}: leads to no key, expected one below keys alone", lines))
    return problems


def _unquoted(content: Mapping[str, Any], lines: dict[Key, int]) -> list[str]:
    """Return names that YAML takes for something else than what is written, such as No, 007 and 10:30."""
    parts = {key: part for key in NAMED if isinstance(part := content.get(key), dict)}
    return [
        located((key,), f"a name here is read as {name!r}, expected it in quotes", lines)
        for key, part in parts.items()
        for name in part
        if (key, str(name)) not in lines
    ]


def _key(dotted: str, content: Any) -> list[str]:
    """Return the parts of a dotted key; a part that holds dots itself, such as a name, is found in the content."""
    parts, rest = [], dotted
    while rest:
        known = (
            [str(k) for k in content if rest == str(k) or rest.startswith(f"{k}.")] if isinstance(content, dict) else []
        )
        part = max(known, key=len, default=rest.partition(".")[0])
        parts.append(part)
        content = content.get(part) if isinstance(content, dict) else None
        rest = rest[len(part) + 1 :]
    return parts


def _with_defaults(content: dict[str, Any], lines: dict[Key, int]) -> dict[str, Any]:
    """Return the content with the defaults of every cluster in all of them."""
    defaults, clusters = content.get("every_cluster") or {}, content.get("clusters") or {}
    if not isinstance(defaults, dict) or not isinstance(clusters, dict):
        return content
    for name, key in itertools.product(clusters, _leaves(defaults)):
        lines.setdefault(("clusters", str(name), *key), lines.get(("every_cluster", *key), 1))
    whole = {
        str(name): _merged(defaults, own or {}) if isinstance(own, dict) or own is None else own
        for name, own in clusters.items()
    }
    return {**content, "clusters": whole}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with the values of another over it, mappings within merged in turn."""
    found = copy.deepcopy(dict(base))
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], value) if both else value
    return found


def _leaves(content: Mapping[str, Any], above: Key = ()) -> list[Key]:
    found: list[Key] = []
    for key, value in content.items():
        found.append((*above, str(key)))
        found += _leaves(value, (*above, str(key))) if isinstance(value, dict) else []
    return found


def _tables(
    place: Path, content: Mapping[str, Any]
) -> tuple[dict[str, dict[tuple[str, ...], Array]], dict[str, list[str]]]:
    """Return the series of all tables by file, and what is wrong with them; without names there is none to find."""
    clusters, tariffs = ([*map(str, part)] if isinstance(part := content.get(key), dict) else [] for key in NAMED)
    hours = (content["hours"],) if content.get("hours") in (DAY, YEAR) else (DAY, YEAR)
    expected = [
        tables.Table(LOADS, (clusters, list(USES)), "kW", hours),
        tables.Table(SUN, (clusters,), "kW", hours),
        tables.Table(PRICES, (tariffs, PRICED), "yuan/kWh", tuple({DAY, *hours})),
    ]
    read = {
        table.file: tables.read(place, table, _currency(content)) if table.parts[0] else ({}, []) for table in expected
    }
    stray = sorted({path.name for path in place.glob("*.[cC][sS][vV]")} - set(read))
    wrong = {file: faults for file, (_, faults) in read.items()}
    wrong |= {name: [f"{name}: {unknown(name, list(read))}"] for name in stray}
    return {file: series for file, (series, _) in read.items()}, wrong


def _swept(
    content: dict[str, Any], known: Mapping[Key, str], lines: dict[Key, int]
) -> tuple[dict[str, list[Any]], list[str]]:
    """Return the values of every swept key, and what is wrong with them beside what is wrong already."""
    found: dict[str, list[Any]] = {}
    problems: dict[str, None] = {}
    swept = content.get("sweep")
    ways = {str(dotted): _key(str(dotted), content) for dotted in swept} if isinstance(swept, dict) else {}
    for dotted, values in swept.items() if isinstance(swept, dict) else ():
        place, way = ("sweep", str(dotted)), ways[str(dotted)]
        for other, above in ways.items():
            if len(above) < len(way) and way[: len(above)] == above:
                problems[located(place, f"lies below {other}, which is swept too, expected one of them", lines)] = None
        try:
            found[str(dotted)] = expanded(values)
        except ValueError as error:
            problems[located(place, str(error), lines)] = None
        for value in found.get(str(dotted), ()):
            changed = copy.deepcopy(content)
            if leads := _changed(changed, {str(dotted): value}, lines):
                problems |= dict.fromkeys(located(place, text.partition(f"{dotted}: ")[2], lines) for text in leads)
                continue
            wrong = {key: text for key, text in _validated(changed, lines)[1].items() if known.get(key) != text}
            named = {key: ".".join(map(str, key)) for key in wrong}
            problems |= dict.fromkeys(
                located(place, wrong[key] if name == dotted else f"{name}: {wrong[key]}", lines)
                for key, name in named.items()
            )
    return found, list(problems)
