"""The reference of a project's packages, from its docstrings: a page a package, found, not listed by hand.

Also the sphinx extension that keeps the equations of docstrings as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PACKAGE = "bcopt"
FOLDER = "reference"

_BAR = re.compile(r"(``.*?``)|\|")


def packages(root: Path) -> dict[str, dict[str, str]]:
    """Return the file of every public module by its dotted name, grouped by the package that holds it.

    Each package comes first in its own group; one that holds nothing but packages is left out.
    """
    found: dict[str, dict[str, str]] = {}
    for init in sorted((root / PACKAGE).rglob("__init__.py")):
        held = [init, *sorted(file for file in init.parent.glob("*.py") if not file.name.startswith("_"))]
        paths = [file.relative_to(root) for file in held]
        package = ".".join(paths[0].parent.parts)
        if len(held) > 1:
            names = (package, *(f"{package}.{path.stem}" for path in paths[1:]))
            found[package] = {name: path.as_posix() for name, path in zip(names, paths, strict=True)}
    return found


def page(package: str) -> str:
    """Return where a package's page is staged."""
    return f"{FOLDER}/{package}.rst"


def text(modules: Mapping[str, str]) -> str:
    """Return the source of a package's page: itself, then a section for each module, filled by sphinx."""
    package, *held = modules
    lines = [
        ".. highlight:: none",
        "",
        package,
        "=" * len(package),
        "",
        f".. automodule:: {package}",
        "   :members:",
        "",
    ]
    for name in held:
        lines += [name.removeprefix(f"{package}."), "-" * len(name), "", f".. automodule:: {name}", "   :members:", ""]
    return "\n".join(lines)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with sphinx: equations become literal blocks before napoleon reads the sections."""
    app.connect("autodoc-skip-member", _skip_imported)
    app.connect("autodoc-process-docstring", _keep_equations, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def as_written(lines: Sequence[str]) -> list[str]:
    r"""Return a docstring whose equations sphinx leaves as they are.

    Each indented block that an empty line sets off from text at the margin becomes a literal block; in other lines a
    bar is a bar. Sections whose entries are indented by convention (Parameters, Returns, Raises) hold no such block.

    >>> as_written(["Add |a|.", "", "    a = |b|"])
    ['Add \\|a\\|.', '', '::', '', '    a = |b|']
    """
    marked: list[str] = []
    margin, literal = True, False
    for before, line in zip(("", *lines), lines, strict=False):
        indented = line.startswith("    ")
        if line.strip():
            starts = indented and margin and not before.strip()
            if starts and not _announced(marked):
                marked += ["::", ""]
            literal = indented and (literal or starts)
            margin = not indented
        marked.append(line if literal else _BAR.sub(lambda m: m[1] or r"\|", line))
    return marked


def _announced(lines: Sequence[str]) -> bool:
    """Return whether the text ends as one that announces a literal block."""
    return next((line.rstrip().endswith("::") for line in reversed(lines) if line.strip()), False)


def _keep_equations(
    _app: object, _what: str, _name: str, _documented: object, _options: object, lines: list[str]
) -> None:
    lines[:] = as_written(lines)


def _skip_imported(app: Sphinx, what: str, _name: str, member: object, _skip: bool, _options: object) -> bool | None:
    """Leave out what a module imports before sphinx reads the source of the library that it is from."""
    own = app.env.temp_data.get("autodoc:module")
    if what == "module" and isinstance(member, type | FunctionType) and member.__module__ != own:
        return True
    return None
