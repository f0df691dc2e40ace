"""What comes from others: hashed, never a pickle that is read as data, and nothing fetched or sent while it runs."""

from __future__ import annotations

import ast
import configparser
import io
import itertools
import json
import os
import pickle
import pickletools
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import diskcache
import nbformat
import netCDF4
import numpy as np
import pytest
from checkout import contents
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bcopt.compendium.pipeline import read_stages

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FIRST = "energyeng2023-renewable-energy"


def tracked() -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return (ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


# ---- the lock


def locked() -> list[tuple[Requirement, int]]:
    """Return the requirements of the lock with the number of hashes of each."""
    found = []
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", h.strip()) for h in hashes), requirement
            found.append((Requirement(requirement), len(hashes)))
    return found


def environments() -> list[dict[str, str]]:
    systems = [("linux", "Linux", "x86_64"), ("darwin", "Darwin", "arm64"), ("win32", "Windows", "AMD64")]
    return [
        {
            "python_version": version,
            "python_full_version": f"{version}.5",
            "sys_platform": platform,
            "platform_system": system,
            "platform_machine": machine,
            "os_name": "nt" if platform == "win32" else "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        for version, (platform, system, machine) in itertools.product(("3.10", "3.11", "3.12", "3.13"), systems)
    ]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_lock_is_exact_hashed_and_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"(?m)^\s*(-|--)(?!-?hash=)|https?:|file:|://|\s@\s|index-url|find-links|trusted-host", text)
    for requirement, hashes in locked():
        assert hashes, requirement
        assert [s.operator for s in requirement.specifier] == ["=="], requirement
        assert requirement.url is None, requirement


@pytest.mark.parametrize("place", environments(), ids=lambda e: f"{e['python_version']}-{e['sys_platform']}")
def test_lock_covers_the_project(place: dict[str, str]) -> None:
    """One version of every dependency and of every group's, on each Python and system, and it is an admitted one."""
    versions: dict[str, list[str]] = {}
    for requirement, _ in locked():
        if requirement.marker is None or requirement.marker.evaluate(place):
            versions.setdefault(canonicalize_name(requirement.name), []).append(
                next(iter(requirement.specifier)).version
            )
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
    wanted = [*project()["project"]["dependencies"], *project()["build-system"]["requires"]]
    wanted += [text for group in project()["dependency-groups"].values() for text in group]
    for requirement in map(Requirement, wanted):
        if requirement.marker is None or requirement.marker.evaluate(place):
            (version,) = versions.get(canonicalize_name(requirement.name), ["missing"])
            assert version != "missing", requirement
            assert requirement.specifier.contains(version, prereleases=True), (requirement, version)


def test_the_lowest_python_is_the_reference() -> None:
    python = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    assert project()["project"]["requires-python"].startswith(f">={python},")
    assert project()["tool"]["mypy"]["python_version"] == python


def test_what_is_built_is_built_by_what_is_locked() -> None:
    """One package comes as source alone; hashes of the packages do not bind what builds them, these constraints do."""
    (command,) = re.findall(r'(?m)^\t.*"\$\(UV\)" pip sync (.*)$', (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert "--require-hashes --build-constraints requirements.lock requirements.lock" in command
    assert {"setuptools", "wheel", "hatchling", "editables"} <= {requirement.name for requirement, _ in locked()}


def test_geatpy_is_asked_for_where_it_has_wheels() -> None:
    (requirement,) = [r for r in map(Requirement, project()["project"]["dependencies"]) if r.name == "geatpy"]
    found = [e["python_version"] + e["sys_platform"] for e in environments() if requirement.marker.evaluate(e)]
    assert found == ["3.10linux", "3.10win32"]


# ---- no pickle: the code

MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
RUNS = {"Parallel", "delayed", "parallel_config", "register_parallel_backend", "DaskDistributedBackend"}
"""What of joblib runs tasks elsewhere; the rest keeps objects in files."""
NAMES = {"allow_pickle", "read_pickle", "to_pickle", "unsafe_load", "UnsafeLoader", "full_load", "FullLoader"}
WATCHERS = {Path(__file__).resolve(), ROOT / "tests" / "watched" / "sitecustomize.py"}


def unsafe(source: str) -> set[str]:
    """Return what a piece of Python uses that can make objects of any kind out of bytes."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names} & MODULES
            found |= {alias.name for alias in node.names if alias.name.startswith("joblib.")}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "joblib":
            found |= {alias.name for alias in node.names} - RUNS
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "joblib":
            found |= {node.attr} - RUNS
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module.partition(".")[0]} & MODULES | {alias.name for alias in node.names} & NAMES
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} & (MODULES | NAMES)
        elif isinstance(node, ast.Attribute | ast.Name | ast.keyword):
            name = getattr(node, "attr", getattr(node, "id", getattr(node, "arg", None)))
            found |= {name} & NAMES
    return found


def sources() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every module and of every notebook's code."""
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and path not in WATCHERS:
            yield name, path.read_text(encoding="utf-8")
        elif path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            yield name, "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.slow
def test_no_code_reads_or_writes_pickles() -> None:
    assert {name: found for name, source in sources() if (found := unsafe(source))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import load", "import joblib.memory", "from joblib import Memory",
        "import joblib\njoblib.load(path)", "importlib.import_module('dill')",
        "np.load(path, allow_pickle=True)", "pd.read_pickle(path)", "table.to_pickle(path)",
        "from pandas import read_pickle", "yaml.unsafe_load(text)", "yaml.load(text, Loader=yaml.FullLoader)",
        "def f():\n    import shelve",
    ],
)  # fmt: skip
def test_the_test_of_code_sees_every_kind(source: str) -> None:
    assert unsafe(source)


# ---- no pickle: the files


def pickled(content: bytes) -> bool:
    """Return whether bytes are a pickle of any protocol, an array of objects, or an archive that holds either."""
    if content.startswith(b"\x93NUMPY"):
        file = io.BytesIO(content)
        read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        return read[np.lib.format.read_magic(file)[0]](file)[2].hasobject
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(pickled(archive.read(name)) for name in archive.namelist())
    try:
        pickletools.dis(content, out=io.StringIO())
    except (ValueError, IndexError, KeyError, TypeError, OverflowError):
        return False
    return True


def pipeline_files() -> set[Path]:
    """Return what a stage declares to read or write, and DVC's copies of it: all of it there is at the moment."""
    stages = read_stages(ROOT).values()
    named = [entry for stage in stages for entry in (*stage["deps"], *stage.get("outs", []))]
    places = [ROOT / name for entry in named for name in ([entry] if isinstance(entry, str) else entry)]
    places += [ROOT / "data", ROOT / "results", ROOT / ".dvc" / "cache"]
    files = {file for place in places for file in ([place] if place.is_file() else place.rglob("*"))}
    return {file for file in files if file.is_file() and "__pycache__" not in file.parts}


def test_no_file_is_a_pickle() -> None:
    files = pipeline_files() | set(tracked())
    assert [path.relative_to(ROOT).as_posix() for path in sorted(files) if pickled(path.read_bytes())] == []


def test_netcdf_files_hold_numbers_and_texts() -> None:
    def kinds(group: netCDF4.Dataset | netCDF4.Group) -> set[object]:
        own = [*group.cmptypes.values(), *group.vltypes.values()]
        held = {variable.dtype for variable in group.variables.values()} | {type(entry) for entry in own}
        attributes = [*group.__dict__.values(), *(x for v in group.variables.values() for x in v.__dict__.values())]
        held |= {np.asarray(value).dtype for value in attributes if not isinstance(value, str)}
        return held.union(*(kinds(below) for below in group.groups.values()))

    files = [path for path in pipeline_files() if path.suffix == ".nc"]
    assert files
    for path in files:
        with netCDF4.Dataset(path) as file:
            odd = {kind for kind in kinds(file) if kind is not str and getattr(kind, "kind", "O") not in "biufSU"}
        assert odd == set(), path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_test_of_files_sees_every_protocol(protocol: int) -> None:
    value = {"load": [1.5, None], "path": Path("x"), "array": np.arange(3)}
    assert pickled(pickle.dumps(value, protocol))
    assert pickled(pickle.dumps([1], protocol))


@pytest.mark.parametrize(("array", "found"), [(np.array([{}]), True), (np.arange(3.0), False)])
def test_the_test_of_files_sees_arrays_of_objects(array: np.ndarray, found: bool) -> None:
    for save in (np.save, np.savez_compressed):
        file = io.BytesIO()
        save(file, array)
        assert pickled(file.getvalue()) == found


# ---- a run, watched and with the network closed

RAISE_LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket() as probe:
    fcntl.ioctl(probe, 0x8914, struct.pack("16sh22x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Jupyter speaks to its kernels over the loopback, which a new namespace has but keeps down."""
NAMESPACES = (["unshare", "--map-root-user", "--net"], ["unshare", "--net"])


@cache
def closed() -> tuple[str, ...]:
    """Return what runs a command in a network of its own with nothing but a loopback.

    Where none can be made, skip the test, or fail it where CI is set on Linux.
    """
    inside = [sys.executable, "-c", RAISE_LOOPBACK]
    for enter in NAMESPACES if shutil.which("unshare") else ():
        if subprocess.run([*enter, *inside, "true"], capture_output=True, check=False).returncode == 0:
            return (*enter, *inside)
    needed = os.environ.get("CI") and sys.platform == "linux"
    return (pytest.fail if needed else pytest.skip)("no network namespace can be made here")


Watch = Callable[..., tuple[subprocess.CompletedProcess, list[dict]]]


@pytest.fixture
def watched(tmp_path: Path, run: Callable[..., subprocess.CompletedProcess]) -> Watch:
    """Run a command in a folder with the network closed; return what came of it and what the watcher noted."""

    def call(*command: str, cwd: Path) -> tuple[subprocess.CompletedProcess, list[dict]]:
        log = tmp_path / "watched.jsonl"
        log.touch()
        before = [path for path in (os.environ.get("PYTHONPATH"),) if path]
        path = os.pathsep.join([str(ROOT / "tests" / "watched"), str(ROOT / "tests"), *before])
        done = run(*closed(), "env", f"PYTHONPATH={path}", f"WATCHED_LOG={log}", *command, cwd=cwd)
        return done, [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]

    return call


BETWEEN_PROCESSES = re.compile(r"multiprocessing\.|concurrent\.futures\.")
"""They send pickles to processes that they have started themselves, through pipes."""
OWN_MEMORY = {"dask.tokenize"}
"""Reads back what it has just written to memory, to see whether it writes the same twice."""


def read_as_data(notes: list[dict]) -> list[dict]:
    """Return the unpicklings that are neither a message between our own processes nor a value's copy in memory."""
    found = [note for note in notes if note["event"] == "unpickle"]
    return [
        note
        for note in found
        if not (BETWEEN_PROCESSES.match(note["reader"]) and note["source"] in ("memory", "pipe"))
        and not (note["reader"] in OWN_MEMORY and note["source"] == "memory")
    ]


def calls(notes: list[dict]) -> list[dict]:
    return [note for note in notes if note["event"] != "unpickle"]


MAKES_OBJECTS = {"GLOBAL", "STACK_GLOBAL", "REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"}
"""What a pickle needs to be more than numbers and texts."""


def bookkeeping(folder: Path) -> dict[str, set[str]]:
    """Return what the values in DVC's databases below a folder are pickled with; nothing for texts."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("cache.db")):
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT mode, value FROM Cache").fetchall()
        pickles = [value for mode, value in rows if mode == diskcache.core.MODE_PICKLE]
        found[path.parent.name] = {code.name for value in pickles for code, *_ in pickletools.genops(value)}
    return found


@pytest.mark.slow
def test_stages_run_without_a_network_and_read_no_pickle(copied_project: Path, tmp_path: Path, watched: Watch) -> None:
    """A study's page and the ledger: the same bytes, and no process of DVC, papermill or Jupyter looks for a host."""
    before, own = contents(copied_project), tmp_path / "site"
    command = ("dvc", "repro", "--force", "--single-item", FIRST, "ledger")
    done, notes = watched("env", f"DVC_SITE_CACHE_DIR={own}", *command, cwd=copied_project)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert contents(copied_project) == before
    assert notes, "the watcher was there"
    assert calls(notes) == []
    assert read_as_data(notes) == []
    kept = bookkeeping(own)
    assert kept.pop("local") == set(), "DVC remembers the hashes of files as texts"
    assert set(kept) == {"links"}, "and, of every file it has put into place, the number and the time, to remove it"
    assert kept["links"] & MAKES_OBJECTS == set()


@pytest.mark.slow
def test_energyplus_runs_without_a_network(watched: Watch) -> None:
    command = (sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider")
    done, notes = watched(*command, "tests/loads/test_energyplus.py::TestHours", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
    assert calls(notes) == []
    assert read_as_data(notes) == []


CALL_OUT = """
import contextlib, socket
with contextlib.suppress(OSError):
    socket.getaddrinfo("host.invalid", 80)
socket.create_connection(("192.0.2.1", 80), timeout=5)
"""
"""A name and a number that are kept for examples and are nobody's."""


@pytest.mark.slow
def test_a_stage_that_calls_a_host_fails(copied_project: Path, watched: Watch) -> None:
    before = contents(copied_project)
    page = copied_project / "notebooks/energyeng2023/5.3-renewable-energy.ipynb"
    notebook = nbformat.read(page, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = CALL_OUT + first.source
    nbformat.write(notebook, page)
    done, notes = watched("dvc", "repro", "--force", "--single-item", FIRST, cwd=copied_project)
    assert done.returncode != 0
    assert "cell 1 failed with OSError" in done.stderr
    called = {(note["event"], note["host"]) for note in calls(notes)}
    assert called >= {("socket.getaddrinfo", "host.invalid"), ("socket.connect", "192.0.2.1")}
    assert contents(copied_project) == before


def test_the_watcher_tells_a_file_from_a_pipe(tmp_path: Path, watched: Watch) -> None:
    """Every way to read a pickle of a file is noted as that; what two processes send one another is let pass."""
    np.save(tmp_path / "x.npy", np.array([{}]))
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "harm.py").write_text(
        "import multiprocessing, pickle, concurrent.futures, pandas, numpy, io, operator\n"
        "if __name__ == '__main__':\n"
        "    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:\n"
        "        assert list(pool.map(operator.neg, [1, 2])) == [-1, -2]\n"
        "    pickle.load(open('x.pkl', 'rb'))\n"
        "    pickle.Unpickler(open('x.pkl', 'rb')).load()\n"
        "    pickle.loads(open('x.pkl', 'rb').read())\n"
        "    pandas.read_pickle('x.pkl')\n"
        "    numpy.load('x.npy', allow_pickle=True)\n",
        encoding="utf-8",
    )
    done, notes = watched(sys.executable, "harm.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {note["reader"].split(".")[0] for note in notes} >= {"multiprocessing", "__main__", "pandas", "numpy"}
    found = [(note["reader"].split(".")[0], Path(note["source"]).name) for note in read_as_data(notes)]
    assert found == [
        ("__main__", "x.pkl"), ("__main__", "x.pkl"), ("__main__", "memory"), ("pandas", "x.pkl"), ("numpy", "x.npy"),
    ]  # fmt: skip


# ---- nobody is told that it runs


def test_dvc_reports_to_nobody() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".dvc" / "config", encoding="utf-8")
    assert [config["core"].getboolean(name) for name in ("analytics", "check_update")] == [False, False]
    assert config.sections() == ["core"], "and there is no storage elsewhere"


@pytest.mark.slow
def test_dvc_would_be_seen_reporting(copied_project: Path, watched: Watch) -> None:
    """What the quiet run above is worth: with its reports allowed DVC starts a daemon that sends them."""
    config = copied_project / ".dvc" / "config"
    config.write_text(config.read_text().replace("analytics = false", "analytics = true"), encoding="utf-8")
    _, notes = watched("dvc", "status", "ledger", cwd=copied_project)
    assert [note["event"] for note in calls(notes)] == ["daemon"]


OPEN_LAB = """
import sys
from pathlib import Path
from lab import started
with started(sys.argv[1], Path.cwd(), Path(sys.argv[2])) as server:
    for question in ("lab/api/update", "lab/api/news"):  # as its page does once it is open in a browser
        server.request("GET", question)
"""


@pytest.mark.slow
def test_jupyterlab_asks_for_no_news(tmp_path: Path, watched: Watch) -> None:
    """Opened by the recipe of `make lab`, with the environment of this test in place of .venv."""
    dry = ["make", "--dry-run", "--no-print-directory", "--old-file=environment", "lab"]
    quiet = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    recipe = subprocess.run(dry, cwd=ROOT, env=quiet, capture_output=True, text=True, check=True).stdout
    command = recipe.replace(str(ROOT / ".venv/bin"), str(Path(sys.executable).parent))
    done, notes = watched(sys.executable, "-c", OPEN_LAB, command, str(tmp_path), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert calls(notes) == []
