"""Provenance of everything below ``data/``: a page to read beside the package to load.

``data/datapackage.json`` is the description that :mod:`bcopt.compendium.datapackage` makes, and ``data/README.md`` is
the same for readers. Neither is edited by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bcopt.compendium.datapackage import Words, data_package, read_words
from bcopt.compendium.files import write_bytes, write_json
from bcopt.compendium.lifeline import Lifeline
from bcopt.compendium.runner import put_into_place, run_alone, staged

STAGE = "provenance"
PACKAGE = Path("data") / "datapackage.json"
PAGE = Path("data") / "README.md"


def page(words: Words, package: Mapping[str, Any]) -> str:
    """Return data/README.md: the words on all tables, an overview by folder, then each table with its quantities.

    Parameters
    ----------
    words : Words
        From :func:`bcopt.compendium.datapackage.read_words`.
    package : mapping
        From :func:`bcopt.compendium.datapackage.data_package`.
    """
    resources = package["resources"]
    lines = ["# Data", words.introduction, "Provenance is one of"]
    lines += [_list(f"**{word}**: {text}" for word, text in words.provenance.items())]
    lines += ["Hours are clock hours 0 to 23, and the labels 1 to 24 of an hourly table are of one of two conventions:"]
    lines += [_list(f"**{word}**: {text}" for word, text in words.conventions.items())]
    lines += [_terms(words)]
    for folder, title in words.folders.items():
        inside = [resource for resource in resources if Path(resource["path"]).parent.as_posix() == folder]
        lines += [f"## {title}", _overview(inside)]
    lines += ["## What each table holds"]
    for resource in resources:
        lines += _details(resource)
    return "\n\n".join(lines) + "\n"


def write(root: Path, target: Path | None = None) -> None:
    """Write data/datapackage.json and data/README.md, the same bytes for the same tables.

    Parameters
    ----------
    root : Path
        Project root.
    target : Path, optional
        Where ``data/`` is to be written; the project root by default.

    Raises
    ------
    InputError
        As :func:`data_package`; then nothing is written.
    """
    package = data_package(root)
    target = target or root
    write_json(target / PACKAGE, package)
    write_bytes(target / PAGE, page(read_words(root), package).encode())


def _overview(resources: Iterable[Mapping[str, Any]]) -> str:
    """Return one row a table: what it holds, how much of which provenance, and where that is from."""
    return _markdown(
        ("table", "what it holds", "size", "provenance", "source"),
        (
            (f"[`{r['path']}`]({r['path']})", r["title"], _size(r), _origin(r), r["sources"][0]["title"])
            for r in resources
        ),
    )


def _size(resource: Mapping[str, Any]) -> str:
    if "rows" not in resource:
        return " × ".join(f"{size} {dim}" for dim, size in resource.get("dimensions", {}).items())
    hours = "".join(f" of 24 hours, `{word}`" for word in resource.get("conventions", ()))
    return f"{resource['rows']} rows{hours}"


def _origin(resource: Mapping[str, Any]) -> str:
    origin = resource.get("provenance", "")
    return origin if isinstance(origin, str) else ", ".join(f"{count} {word}" for word, count in origin.items())


def _details(resource: Mapping[str, Any]) -> Iterator[str]:
    """Yield the heading of a table and its quantities, variables or columns; nothing for what has none of them."""
    quantities = resource.get("quantities") or resource.get("variables")
    if quantities:
        yield f"### `{resource['path']}`"
        heads = ("quantity", "what it is", "unit", "over", "values", "provenance", "source")
        rows = [
            (
                f"`{q['name']}`",
                q["description"],
                q["unit"],
                ", ".join(q["over"]),
                str(q["values"]),
                *((", ".join(q["provenance"]), _sources(q["sources"])) if "sources" in q else ()),
            )
            for q in quantities
        ]
        yield _markdown(heads[: len(rows[0])], rows)
    elif "schema" in resource:
        yield f"### `{resource['path']}`"
        fields = resource["schema"]["fields"]
        rows = [(f"`{f['name']}`", f.get("description", ""), f["type"], f.get("unit", "")) for f in fields]
        yield _markdown(("column", "what it is", "type", "unit"), rows)


def _sources(sources: list[str]) -> str:
    return sources[0] + (f" (and {len(sources) - 1} more, row by row)" if len(sources) > 1 else "")


def _terms(words: Words) -> str:
    """Return each licence with the folders whose tables are under it."""
    folders: dict[str, list[str]] = {name: [] for name in words.licences}
    for path, table in words.tables.items():
        folder = Path(path).parent
        folders[table.licence or words.licence].append(f"`{folder}/`" if folder.name else f"`{path}`")
    terms = (
        f"{', '.join(dict.fromkeys(under))}: [{words.licences[name].title}]({words.licences[name].path})"
        for name, under in folders.items()
    )
    return "Terms:\n\n" + _list(terms)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _markdown(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in markdown, with signs that would end a cell or begin a tag written out."""
    cells = [[cell.replace("|", r"\|").replace("<", "&lt;") for cell in row] for row in rows]
    head = [*heads]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *cells])


def run(root: Path, lifeline: Lifeline) -> None:
    """Write both, or neither if a table is faulty or the pipeline is gone."""
    with staged(STAGE, root) as staging:
        write(root, staging)
        lifeline.check()
        put_into_place(staging, root, [])


def main() -> int:
    """Write the page and the package as a stage of the pipeline: ``python -m bcopt.compendium.provenance``."""
    return run_alone(STAGE, run)


if __name__ == "__main__":
    sys.exit(main())
