"""The rules of the house, read from the code itself: who imports whom, how long, how typed, and what is committed."""

from __future__ import annotations

import ast
import functools
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "bcopt").rglob("*.py"))}
NOTEBOOKS = {
    path.relative_to(ROOT / "notebooks").as_posix(): path
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb"))
    if ".ipynb_checkpoints" not in path.parts
}
PARTS = {"loads", "models", "methods", "planning", "districts", "compendium", "studies"}
MAY_IMPORT = {
    "loads": {"loads", "compendium"},
    "models": {"models"},
    "methods": {"methods"},
    "planning": {"models", "methods", "planning"},
    "compendium": {"compendium"},
    "districts": {"loads", "models", "methods", "compendium", "planning", "districts"},
    "studies": {"loads", "models", "methods", "compendium", "planning", "districts", "studies"},
    "": set(),
}
REFERENCE = sys.version_info[:2] == (3, 10)
ENGINES = {"geatpy": "bcopt/methods/engines/geatpy_engine.py", "pymoo": "bcopt/methods/engines/pymoo_engine.py"}


@functools.cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imported(name: str) -> Iterator[str]:
    """Yield the dotted name of all that a module imports, at its top or in a function; relative ones made absolute."""
    package = name.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def functions(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(name)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if documented else 0)


@pytest.mark.parametrize("name", MODULES)
def test_import_directions(name: str) -> None:
    own = next((part for part in name.split("/")[1:2] if part in PARTS), "")
    assert own or name == "bcopt/__init__.py", "every module belongs to a part of the house"
    found = {dotted.split(".")[1] for dotted in imported(name) if dotted.startswith("bcopt.")}
    assert found & PARTS <= MAY_IMPORT[own]


def test_the_test_of_directions_sees_every_kind_of_import(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import bcopt.a\nfrom bcopt import b\nfrom bcopt.c import d\nfrom ..e import f\nfrom . import g\n"
    text += "def h():\n    import importlib\n    from bcopt.i import j\n    importlib.import_module('bcopt.k')\n"
    monkeypatch.setitem(globals(), "tree", lambda _: ast.parse(text))
    found = {"bcopt.a", "bcopt.b", "bcopt.c.d", "bcopt.e.f", "bcopt.models.g", "importlib", "bcopt.i.j", "bcopt.k"}
    assert set(imported("bcopt/models/x.py")) == found


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_are_imported_by_their_adapters_only(engine: str) -> None:
    users = [name for name in MODULES if any(dotted.split(".")[0] == engine for dotted in imported(name))]
    assert users == [ENGINES[engine]]


@pytest.mark.parametrize("name", MODULES)
def test_length(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= 400
    assert [f.name for f in functions(name) if f.end_lineno - f.lineno + 1 > 60] == []
    assert [f.name for f in functions(name) if lines_of_code(f) > 40] == []


@pytest.mark.parametrize("name", MODULES)
def test_words_that_are_not_used(name: str) -> None:
    for node in ast.walk(tree(name)):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), where
        assert not (isinstance(node, ast.Name) and node.id == "print"), where
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), where
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", MODULES[name].read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_described_and_typed(name: str) -> None:
    module = tree(name)
    assert ast.get_docstring(module), "module"
    classes = [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    methods = [
        node for c in classes if not c.name.startswith("_") for node in c.body if isinstance(node, ast.FunctionDef)
    ]
    public = [node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)] + methods
    public = [node for node in public if not node.name.startswith("_")]
    assert [node.name for node in public if not ast.get_docstring(node)] == []
    for function in functions(name):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        extra = [a for a in (function.args.vararg, function.args.kwarg) if a]
        bare = [a.arg for a in (*arguments, *extra) if a.annotation is None and a.arg not in ("self", "cls")]
        assert bare == [], function.name
        assert function.returns is not None, function.name


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            ["mypy"], marks=pytest.mark.skipif(not REFERENCE, reason="types are those of the reference's libraries")
        ),
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
    ],
    ids=["mypy", "ruff check", "ruff format"],
)
def test_tools_find_nothing(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "warning" not in done.stderr, done.stderr


# ---- what is committed


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:home|Users)/\w[\w.-]*/|(?<![\w.])/(?:root|work)/\w|\b[A-Z]:\\+Users\\")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/home/" + "x/a", True),
        ("'/" + "root/a'", True),
        ("see /" + "work/main", True),
        ("C:\\" + "Users\\x", True),
        ("C:\\\\" + "Users\\\\x", True),
        ("/Users/" + "x/", True),
        ("framework/x", False),
        ("https://example.org/work/x", False),
        ("/workspaces/x", False),
        ("~/home", False),
    ],
)
def test_the_pattern_of_machine_paths(text: str, found: bool) -> None:
    assert bool(MACHINE_PATHS.search(text)) == found


@pytest.mark.slow
def test_no_paths_of_a_machine_are_committed() -> None:
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8000] and (hit := MACHINE_PATHS.search(content.decode("utf-8", "replace"))):
            found.append((path.relative_to(ROOT).as_posix(), hit.group()))
    assert found == []


# ---- source notebooks

notebook_cases = pytest.mark.parametrize(
    "name", [*NOTEBOOKS] or [pytest.param("", marks=pytest.mark.skip(reason="no notebooks yet"))]
)


def cells(name: str, kind: str) -> list[nbformat.NotebookNode]:
    return [c for c in nbformat.read(NOTEBOOKS[name], as_version=4).cells if c.cell_type == kind]


@notebook_cases
def test_notebooks_are_sources(name: str) -> None:
    nbformat.validate(nbformat.read(NOTEBOOKS[name], as_version=4))
    for cell in cells(name, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None


@notebook_cases
def test_notebooks_tell_and_do_not_compute(name: str) -> None:
    sources = [cell.source for cell in cells(name, "code")]
    assert 0 < len(sources) <= 20
    lengths = [len([line for line in source.splitlines() if line.strip()]) for source in sources]
    assert max(lengths) <= 25
    assert statistics.median(lengths) <= 6
    for source in sources:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]


@notebook_cases
def test_first_cell_names_section_and_claims(name: str) -> None:
    first = nbformat.read(NOTEBOOKS[name], as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    if "/" in name:
        section = name.partition("/")[2].partition("-")[0]
        assert re.search(rf"(?i)\bsections?\b[^\n]*\b{re.escape(section)}\b", first.source)
        assert re.search(r"\b[SEF]-\d[\w.-]*", first.source), "claim ids"


@notebook_cases
def test_parameters_are_those_of_params_yaml(name: str) -> None:
    tagged = [cell for cell in cells(name, "code") if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    known = parameters["search"] | parameters.get(name.partition("/")[0], {})
    known |= {"folder": "districts/millbrook"} if name == "own-district.ipynb" else {}
    statements = ast.parse(tagged[0].source).body
    assert all(isinstance(node, ast.Assign | ast.AnnAssign) for node in statements)
    for node in statements:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        value = ast.literal_eval(node.value)
        assert (target.id, type(value), value) == (target.id, type(known[target.id]), known[target.id])
