"""Where the checkout is, whichever folder a run starts in, and what a notebook writes in it."""

from __future__ import annotations

import re
from pathlib import Path

STAGING_FOLDER = Path("results") / ".staging"
"""Where what a run writes waits until it is whole."""
DISTRICT = "districts/"
"""How the stages of districts begin, and the folder that holds theirs."""
TIMINGS = Path("results") / "timings"
STAGING = "BCOPT_STAGING"
"""Environment variable with the folder that stands in for the project's root while a stage runs."""


def outputs(stage: str) -> dict[str, Path]:
    """Return what the stage of a notebook writes, relative to the project's root.

    Parameters
    ----------
    stage : str
        Path of the notebook below ``notebooks/`` without its ending, such as ``energyeng2023/5.3-renewable-energy``.
    """
    results = Path("results")
    return {
        "notebook": results / "notebooks" / f"{stage}.ipynb",
        "figures": results / "figures" / stage,
        "tables": results / "tables" / stage,
        "solution": results / f"{stage}.nc",
    }


def pipeline_stage(stage: str) -> str:
    """Return what dvc.yaml calls a stage: without the number of the section, and of a district as one of many.

    >>> pipeline_stage("energyeng2023/5.3-renewable-energy")
    'energyeng2023-renewable-energy'
    >>> pipeline_stage("districts/millbrook")
    'districts@millbrook'
    """
    if stage.startswith(DISTRICT):
        return stage.replace("/", "@", 1)
    return re.sub(r"/([\d.]+-)?", "-", stage)


def project_root(start: Path | None = None) -> Path:
    """Return the nearest folder at or above ``start`` that holds a ``dvc.yaml``.

    Parameters
    ----------
    start : Path, optional
        Folder to search from, the working directory by default. An experiment that DVC runs in a temporary copy of
        the checkout therefore reads and writes that copy.

    Raises
    ------
    FileNotFoundError
        If neither the folder nor any above it is a checkout of the compendium.
    """
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / "dvc.yaml").is_file():
            return candidate
    raise FileNotFoundError(
        f"no dvc.yaml in {folder} or above it: start from inside a checkout of bcopt, where data/ and params.yaml are"
    )
