"""Where the checkout is, whichever folder a notebook, a test or a temporary experiment starts in."""

from __future__ import annotations

from pathlib import Path


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
