"""A district with some of its keys varied: every combination run, on this machine or on a Dask cluster.

A run is kept the moment it is finished, so that a sweep that was stopped goes on where it was: by a file of its own,
whose name follows from what the folder holds, what the run changes in it, and the code that ran.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import platform
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import psutil
from tqdm import tqdm

import bcopt
from bcopt.compendium.files import round_significant, write_json
from bcopt.compendium.parameters import read_yaml
from bcopt.compendium.paths import project_root
from bcopt.compendium.problems import InputError
from bcopt.loads.energyplus import EnergyPlusError
from bcopt.methods.admm import NotConverged
from bcopt.methods.solver import Disagreement, NotSolved

FILE = "district.yaml"
PROBLEM = "problem"
"""Column of the table with why a run has no answer; empty where it has one."""
UNANSWERED = (ValueError, NotSolved, NotConverged, Disagreement, EnergyPlusError)
"""What a run may raise and the others go on: bad input (InputError is a ValueError) and what cannot be solved."""
TRIES = 3
"""How often in a row the workers may be lost before a run is finished."""
RANGE = ("from", "to", "steps")
LIBRARIES = ("highspy", "linopy", "numpy", "scipy", "xarray")
"""Those whose version may move an answer."""

Runner = Callable[[Path, dict[str, Any]], Mapping[str, float]]
"""Answers a folder with some of its keys changed, by numbers with their unit in brackets; importable by name."""


class Changed(ValueError):  # noqa: N818 (reads as a state)
    """What was swept is no longer what it was when the sweep began, or is not the same on another machine."""


def expanded(values: Any) -> list[Any]:
    """Return the values that a key is given: a list as it stands, or a range of numbers with both its ends.

    Whole ends with whole steps between them give whole numbers.

    Parameters
    ----------
    values : list, or mapping with the keys from, to and steps
        ``steps`` is the number of values.

    Raises
    ------
    ValueError
        If it is neither, the list is empty or repeats itself, or the range is none.

    Examples
    --------
    >>> expanded({"from": 0, "to": 0.5, "steps": 6})
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    >>> expanded({"from": 4, "to": 12, "steps": 3})
    [4, 8, 12]
    """
    if isinstance(values, list):
        if not values:
            raise ValueError("expected at least one value, got an empty list")
        texts = [json.dumps(value, default=str) for value in values]
        if twice := sorted({text for text in texts if texts.count(text) > 1}):
            raise ValueError(f"expected different values, got twice: {', '.join(twice)}")
        return list(values)
    if not isinstance(values, Mapping) or set(values) != set(RANGE):
        raise ValueError(f"expected a list or a range {{from: 0, to: 1, steps: 5}}, got {values!r}")
    first, last, steps = (values[key] for key in RANGE)
    if not all(_is_number(end) and np.isfinite(end) for end in (first, last)) or first == last:
        raise ValueError(f"expected two different numbers as from and to, got {first!r} and {last!r}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 2:
        raise ValueError(f"expected a whole number of at least 2 as steps, got {steps!r}")
    numbers = round_significant(np.linspace(first, last, steps), 12)
    whole = isinstance(first, int) and isinstance(last, int) and bool((numbers == numbers.round()).all())
    return [int(number) if whole else float(number) for number in numbers]


def combinations(swept: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return all combinations of the values of all keys, the last key varying fastest.

    Parameters
    ----------
    swept : mapping of str to sequence
        Dotted key of district.yaml, and the values that it is given.

    Raises
    ------
    ValueError
        If there is no key, or one without values.

    Examples
    --------
    >>> combinations({"a": [1, 2], "b": ["x"]})
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'x'}]
    """
    if not swept:
        raise ValueError("nothing to sweep: expected a key and its values, such as devices.storage.cost: [600, 800]")
    if empty := [key for key, values in swept.items() if not len(values)]:
        raise ValueError(f"no values to sweep for {', '.join(empty)}")
    return [dict(zip(swept, values, strict=True)) for values in itertools.product(*swept.values())]


def sweep(
    folder: Path | str, address: str | None = None, workers: int | None = None, results: Path | None = None
) -> pd.DataFrame:
    """Run every combination of what a folder's district.yaml lists under ``sweep:``.

    Parameters
    ----------
    folder : Path or str
        The district. With a cluster, its workers read the same folder by the same path, and run the same bcopt.
    address : str, optional
        Of the scheduler of a Dask cluster, such as ``tcp://127.0.0.1:8786``; this machine by default.
    workers : int, optional
        Processes on this machine; as many as processors by default. A cluster has its own.
    results : Path, optional
        Where finished runs are kept, :func:`rows_folder` by default.

    Returns
    -------
    pd.DataFrame
        One row a combination: the swept keys, every number of the answers, and in ``problem`` why there are none.

    Raises
    ------
    InputError
        If the folder is not sound, or its ``sweep:`` names nothing.
    Changed
        If the folder is changed in the meantime, or a worker of the cluster has another one or another bcopt.
    ChildProcessError
        If the workers are lost time and again. What was finished is kept.
    ConnectionError
        If the cluster cannot be reached, has no workers, or is gone.
    """
    from bcopt import districts  # which has this function in it

    folder = Path(folder)
    swept = districts.read(folder).sweep
    if not swept:
        raise InputError(folder.as_posix(), [f"{FILE}: nothing to sweep: expected `sweep:` with a key and its values"])
    return run_all(folder, swept, districts.numbers, address, workers, results)


def rows_folder(folder: Path) -> Path:
    """Return where the finished runs of a district are kept: ``results/districts/<name>/.sweep`` of the checkout."""
    return project_root() / "results" / "districts" / folder.resolve().name / ".sweep"


def run_all(
    folder: Path,
    swept: Mapping[str, Sequence[Any]],
    runner: Runner,
    address: str | None = None,
    workers: int | None = None,
    results: Path | None = None,
) -> pd.DataFrame:
    """Run a function with all combinations; what :func:`sweep` does with a district's numbers, see there."""
    if workers is not None and (address is not None or isinstance(workers, bool) or workers < 1):
        raise ValueError(f"workers: expected a positive number, and none with a cluster's address, got {workers!r}")
    folder = folder.resolve()
    changes = combinations(swept)
    rows = rows_folder(folder) if results is None else results.resolve()
    rows.mkdir(parents=True, exist_ok=True)
    run = _Run(runner, folder, contents(folder), rows, None if address is not None else os.getpid())
    numbers = {index: kept for index, change in enumerate(changes) if (kept := run.kept(change)) is not None}
    problems: dict[int, str] = {}
    lost = 0
    with (
        _place(address, workers) as place,
        tqdm(total=len(changes), initial=len(numbers), desc=folder.name, unit="run") as progress,
    ):
        while left := {i: change for i, change in enumerate(changes) if i not in numbers and i not in problems}:
            broken = _attempt(run, left, place, numbers, problems, progress)
            lost = lost + 1 if left.keys().isdisjoint({*numbers, *problems}) else 0
            if lost == TRIES:
                raise ChildProcessError(
                    f"{folder.name}: workers ended {TRIES} times before a run was done, perhaps for want of memory; "
                    f"{len(numbers)} of {len(changes)} runs are finished and kept: start again, with fewer workers. "
                    f"The last time: {broken}"
                )
    return _table(changes, numbers, problems)


def _attempt(
    run: _Run,
    left: Mapping[int, dict[str, Any]],
    place: Mapping[str, Any],
    numbers: dict[int, dict[str, float]],
    problems: dict[int, str],
    progress: tqdm[Any],
) -> str:
    """Run what is left, as far as the workers last, and return why they did not."""
    try:
        for index, outcome in _outcomes(run, left, place):
            if isinstance(outcome, str):
                problems[index] = outcome
            else:
                numbers[index] = outcome
            progress.update()
    except BrokenProcessPool as error:
        numbers |= {index: kept for index, change in left.items() if (kept := run.kept(change)) is not None}
        progress.update(len(numbers) + len(problems) - progress.n)
        return str(error)
    return ""


def _table(
    changes: Sequence[Mapping[str, Any]], numbers: Mapping[int, Mapping[str, float]], problems: Mapping[int, str]
) -> pd.DataFrame:
    """Return one row a combination, in their order and whatever the order in which they were finished."""
    names = dict.fromkeys(name for index in sorted(numbers) for name in numbers[index])
    found = [
        {**change, **numbers.get(index, {}), PROBLEM: problems.get(index, "")} for index, change in enumerate(changes)
    ]
    return pd.DataFrame(found, columns=[*changes[0], *names, PROBLEM])


@dataclass(frozen=True)
class _Run:
    """One run after another of a folder.

    Parameters
    ----------
    runner : callable
    folder : Path
    contents : str
        What folder and code are to be, see :func:`contents`.
    rows : Path
        Where finished runs are kept: by the worker where the folder is on its machine as well, for it may be killed
        before its answer arrives, and by the process that sweeps where it is not.
    process : int, optional
        Process that sweeps, where the workers are its own and end with it.
    """

    runner: Runner
    folder: Path
    contents: str
    rows: Path
    process: int | None

    def __call__(self, change: dict[str, Any]) -> dict[str, float] | str:
        """Return the numbers of a run, or why there are none; one that is kept is not run again, whoever asks."""
        if self.process is not None and self.process != os.getpid():
            _end_with(self.process)
        if (known := self.kept(change)) is not None:
            return known
        try:
            answer = self.runner(self.folder, dict(change))
        except UNANSWERED as error:
            found: dict[str, float] | str = str(error).replace(self.folder.as_posix(), self.folder.name)
        else:
            found = {name: float(round_significant(number)) for name, number in answer.items()}
        if not self._same():
            raise Changed(
                f"{self.folder} on {platform.node()} is not what the sweep began with, or bcopt is another one there; "
                "what was finished before is kept: start again"
            )
        if self.rows.is_dir():
            with suppress(OSError):  # the process that sweeps cannot do without, and says so
                self.keep(change, found)
        return found

    def keep(self, change: Mapping[str, Any], found: dict[str, float] | str) -> None:
        """Keep a finished run, if it is not yet; one without an answer is not finished."""
        if not isinstance(found, str) and self.kept(change) is None:
            write_json(self._row(change), {"changes": change, "numbers": found})

    def kept(self, change: Mapping[str, Any]) -> dict[str, float] | None:
        """Return the numbers of a run that was finished before, if it was and can be read."""
        try:
            found: dict[str, float] = json.loads(self._row(change).read_text(encoding="utf-8"))["numbers"]
        except (OSError, ValueError, KeyError):
            return None
        return found

    def _same(self) -> bool:
        """Return whether folder and code are still what they are to be."""
        try:
            return contents(self.folder) == self.contents
        except (InputError, OSError):
            return False

    def _row(self, change: Mapping[str, Any]) -> Path:
        return self.rows / f"{_digest([self.contents, sorted(change.items())])}.json"


def _outcomes(
    run: _Run, left: Mapping[int, dict[str, Any]], place: Mapping[str, Any]
) -> Iterator[tuple[int, dict[str, float] | str]]:
    """Yield what comes of runs, one by one as they are finished and kept."""
    with joblib.parallel_config(**place):
        runs = joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")(
            joblib.delayed(_numbered)(run, index, change) for index, change in left.items()
        )
    for index, outcome in runs:
        run.keep(left[index], outcome)
        yield index, outcome


def _numbered(run: _Run, index: int, change: dict[str, Any]) -> tuple[int, dict[str, float] | str]:
    """Return the place of a run among the combinations, and what came of it."""
    return index, run(change)


def _place(address: str | None, workers: int | None) -> AbstractContextManager[dict[str, Any]]:
    """Return where joblib is to run: a cluster for as long as it is connected, or processes of one thread each here."""
    if address is None:
        return nullcontext({"backend": "loky", "n_jobs": workers or -1, "inner_max_num_threads": 1})
    from bcopt.districts.cluster import connected  # half a second, for those who have a cluster

    return connected(address)


@functools.cache
def _end_with(process: int) -> None:
    """End this worker when the process that sweeps is gone, however that ended, and not when its queue is empty."""

    def watch() -> None:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(process).wait()
        os._exit(1)

    threading.Thread(target=watch, name="end with the sweep", daemon=True).start()


def contents(folder: Path) -> str:
    """Return a hash of all that the answers of a folder depend on but for the changes of a run.

    That is every file of the folder, of its district.yaml what it says but for ``sweep:``, the source of bcopt, and
    the versions of the libraries that compute. Hidden files, such as an editor's, count for nothing.
    """
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    files.pop(FILE, None)
    district = read_yaml(folder / FILE, folder)
    if isinstance(district, dict):
        district.pop("sweep", None)
    return _digest([district, files, _code()])


@functools.cache
def _code() -> list[str]:
    """Return a hash of the source that this process runs, and the versions of the libraries that compute."""
    source = Path(bcopt.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*.py")):
        digest.update(f"{path.relative_to(source).as_posix()}\n".encode() + path.read_bytes())
    return [digest.hexdigest(), *(version(library) for library in LIBRARIES)]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
