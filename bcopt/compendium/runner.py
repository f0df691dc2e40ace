"""Run a notebook as a pipeline stage: parameters in, results whole into place, the same bytes every time.

Everything a notebook writes goes to a folder of its own below ``results/.staging`` and is renamed into place only after
the last cell, so that a stage that fails or is killed leaves the former results as they were.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import nbformat
import papermill
import psutil
from papermill.exceptions import PapermillExecutionError

from bcopt.compendium import checkout, files, resume
from bcopt.compendium.lifeline import Lifeline
from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.paths import DISTRICT, STAGING, STAGING_FOLDER, TIMINGS, outputs, project_root
from bcopt.compendium.protocol import read_protocol

logger = logging.getLogger(__name__)

OWN_DISTRICT = "own-district"
"""Notebook that every folder of ``districts/`` runs."""
ALL = "all.json"
"""Sums over the stages, among their timings."""
LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that runs the same stage."""

# One thread of linear algebra and no hash randomisation: sums in the same order, sets in the same order.
REPEATABLE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "JUPYTER_PREFER_ENV_PATH": "1",
}


class StageError(RuntimeError):
    """A notebook that did not run to its end; nothing of it was put into place."""


def run_stage(stage: str, root: Path) -> None:
    """Execute a notebook with the parameters of params.yaml and put what it published into place.

    Parameters
    ----------
    stage : str
        Path of the notebook below ``notebooks/`` without its ending, or of a folder of ``districts/``.
    root : Path
        The project's root.

    Raises
    ------
    InputError
        If params.yaml or the protocol is invalid, or the checkout is not whole where the stage reads and writes.
    StageError
        If the same stage is running already, or if a cell fails: with the cell's error and where the notebook is kept.
    """
    checkout.require_ready(stage, root)
    of_district = stage.startswith(DISTRICT)
    source = root / "notebooks" / f"{OWN_DISTRICT if of_district else stage}.ipynb"
    if not source.is_file():
        raise StageError(f"{stage}: no notebook {source.relative_to(root)}")
    read_protocol(root)
    try:
        nbformat.validate(nbformat.read(source, as_version=4))
    except (nbformat.ValidationError, nbformat.reader.NotJSONError) as error:
        raise StageError(f"{source.relative_to(root)}: is no notebook: {str(error).splitlines()[0]}") from error
    parameters = {"folder": stage} if of_district else stage_parameters(source, stage.partition("/")[0], root)
    with guarded(stage, root) as lifeline, staged(stage, root) as staging:
        executed = staging / outputs(stage)["notebook"]
        _execute(stage, source, executed, parameters, staging, root)
        lifeline.check()
        put_into_place(staging, root, [outputs(stage)["figures"], outputs(stage)["tables"]])


@contextmanager
def guarded(stage: str, root: Path) -> Iterator[Lifeline]:
    """Let a stage run alone, die with the pipeline that started it, and leave its seconds and peak memory behind.

    Parameters
    ----------
    stage : str
        Name of the stage.
    root : Path
        The project's root.

    Yields
    ------
    Lifeline
        To be checked once more before results are put into place.

    Raises
    ------
    StageError
        If another process is running the stage.
    """
    folder = root / STAGING_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / f"{stage.replace('/', '-')}.lock", timeout=LOCK_TIMEOUT)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise StageError(f"{stage}: another process is running this stage; wait for it or stop it") from error
    start = time.monotonic()
    try:
        lifeline = Lifeline()
        lifeline.hold()
        resume.keep(root)
        yield lifeline
        _record(stage, root, time.monotonic() - start)
    finally:
        lock.release()


def run_alone(stage: str, work: Callable[[Path, Lifeline], None], *expected: type[Exception]) -> int:
    """Run a stage that is no notebook; return the exit code, having said in one message what was wrong if anything was.

    Parameters
    ----------
    stage : str
        Name of the stage.
    work : callable
        Gets the project's root and the lifeline, to be checked last before results are put into place.
    *expected : type of Exception
        What may go wrong beside faulty inputs, files that cannot be read or written and a second run of the stage.
    """
    root = project_root()
    faults: tuple[type[Exception], ...] = (ValueError, OSError, StageError, *expected)
    try:
        checkout.require_ready(stage, root)
        with _environment(REPEATABLE), guarded(stage, root) as lifeline:
            work(root, lifeline)
    except faults as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def stage_parameters(source: Path, study: str, root: Path) -> dict[str, Any]:
    """Return the values of params.yaml for the names in the notebook's cell tagged ``parameters``."""
    names = list(papermill.inspect_notebook(str(source)))
    return read_parameters(root).of_notebook(study, names)


def normalise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove from an executed notebook whatever changes from run to run, in place.

    Kept are sources, tags, execution counts and outputs; gone are times, papermill's and the kernel's metadata, the
    language's version and the standard error; cell ids are numbered and neighbouring streams joined.
    """
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": language, "name": "python3"},
            "language_info": {"name": language},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:03d}"
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = _joined_streams(cell.outputs)
    return notebook


def _joined_streams(found: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    joined: list[nbformat.NotebookNode] = []
    for output in found:
        if output.output_type == "stream" and output.name == "stderr":
            logger.warning("standard error of a cell: %s", output.text.strip())
        elif output.output_type == "stream" and joined and joined[-1].output_type == "stream":
            joined[-1].text += output.text
        else:
            output.pop("transient", None)
            joined.append(output)
    return joined


def _execute(stage: str, source: Path, executed: Path, parameters: dict[str, Any], staging: Path, root: Path) -> None:
    executed.parent.mkdir(parents=True)
    try:
        with _environment({**REPEATABLE, STAGING: str(staging)}):
            papermill.execute_notebook(
                source,
                executed,
                parameters=parameters,
                kernel_name="python3",
                cwd=root,
                progress_bar={"desc": stage},
                extra_arguments=["--IPKernelApp.log_level=50", f"--ext={Lifeline.__module__}"],
            )
    except (PapermillExecutionError, RuntimeError) as error:  # the second from a kernel that dies or never answers
        kept = root / STAGING_FOLDER / f"failed-{stage.replace('/', '-')}.ipynb"
        executed.replace(kept)
        cause = f"the kernel died, perhaps for want of memory: {error}"
        if isinstance(error, PapermillExecutionError):
            cause = f"cell {error.exec_count} failed with {error.ename}: {error.evalue}"
        raise StageError(
            f"{stage}: {cause}\n"
            f"nothing was changed in results/; the notebook as far as it came is {kept.relative_to(root)}"
        ) from error
    notebook = normalise(nbformat.read(executed, as_version=4))
    files.write_bytes(executed, (nbformat.writes(notebook) + "\n").encode())


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Add variables to the environment, which processes begun meanwhile inherit, and leave it as it was."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def put_into_place(staging: Path, root: Path, own: Sequence[Path]) -> None:
    """Rename every staged file to its place; then remove what an earlier run left in the stage's own folders.

    Parameters
    ----------
    staging : Path
        Holds the files at their places relative to the root.
    root : Path
        The project's root.
    own : sequence of Path
        Folders, relative to the root, that hold nothing but what this stage writes.
    """
    written = {path.relative_to(staging) for path in staging.rglob("*") if path.is_file()}
    for path in sorted(written):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (staging / path).replace(root / path)
    for folder in (root / path for path in own):
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
            elif not path.is_dir() and path.relative_to(root) not in written:
                path.unlink()


@contextmanager
def staged(stage: str, root: Path) -> Iterator[Path]:
    """Yield an empty folder below ``results/.staging`` for what a run writes; remove it, and those of killed runs."""
    prefix = stage.replace("/", "-")
    for stale in (root / STAGING_FOLDER).glob(f"{prefix}-run-*"):
        shutil.rmtree(stale, ignore_errors=True)
    staging = root / STAGING_FOLDER / f"{prefix}-run-{os.getpid()}-{secrets.token_hex(4)}"
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _record(stage: str, root: Path, seconds: float) -> None:
    """Write seconds and peak memory of a finished stage below results/timings, and what all stages took together.

    No stage depends on them, and git does not see them.
    """
    folder = root / TIMINGS
    with filelock.FileLock(root / STAGING_FOLDER / "timings.lock"):
        own = {"seconds": round(seconds, 1), "peak memory [MiB]": _peak_mebibytes()}
        files.write_json(folder / f"{stage}.json", own)
        every = [json.loads(path.read_text(encoding="utf-8")) for path in folder.rglob("*.json") if path.name != ALL]
        total = {
            "seconds": round(sum(each["seconds"] for each in every), 1),
            "peak memory [MiB]": max(each["peak memory [MiB]"] for each in every),
            "disk [MiB]": round(sum(_size(root / name) for name in ("data", "results")) / 1024**2),
        }
        files.write_json(folder / ALL, total)


def _size(folder: Path) -> int:
    """Return what the files below a folder take, but for those that a run has not put into place [bytes]."""
    paths = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
    return sum(path.stat().st_size for path in paths if STAGING_FOLDER.name not in path.parts and path.is_file())


def _peak_mebibytes() -> int:
    """Return the largest resident memory of a single process, this one or a finished child [MiB]."""
    if sys.platform == "win32":
        return round(psutil.Process().memory_info().peak_wset / 1024**2)
    import resource  # not on Windows

    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage from the command line: ``python -m bcopt.compendium.runner energyeng2023/5.3-renewable-energy``."""
    parser = argparse.ArgumentParser(description="Run one notebook as a stage of the pipeline.")
    parser.add_argument("stage", help="path of the notebook below notebooks/ without .ipynb")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    stage = parser.parse_args(arguments).stage
    try:
        run_stage(stage, project_root())
    except (ValueError, StageError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
