"""The studies' own districts as folders, read and computed by :mod:`bcopt.districts` like anybody's.

Each module writes what one study settles (what it prints, what was fitted, what the protocol chose) as a planner would
write it; ``python -m bcopt.studies.folders`` puts the folders into ``districts/``.

Modules
-------
texts : numbers, hourly lists and tables as they stand in a folder
systems2024 : the twelve clusters of sections 3.1 and 3.2, and the district of section 3.3
energyeng2023 : the renewable mix of section 5.5
frontiers2022 : the provider and its three clusters of sections 4.2.1 and 4.2.2
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bcopt.compendium.files import write_bytes
from bcopt.studies.folders import energyeng2023, frontiers2022, systems2024
from bcopt.studies.folders.texts import Folder

FOLDERS: dict[str, Callable[[Path], Folder]] = {
    "systems2024-clusters": systems2024.clusters,
    "systems2024-district": systems2024.district,
    "energyeng2023": energyeng2023.renewables,
    "frontiers2022": frontiers2022.provider,
}
"""What writes each folder of ``districts/``."""


def write(root: Path) -> list[Path]:
    """Write every folder and return the files.

    Parameters
    ----------
    root : Path
        Project root, with ``data/`` and params.yaml.

    Raises
    ------
    InputError
        If an input is faulty, or a fit is missing or was made under another protocol.
    """
    contents = {root / "districts" / name: make(root) for name, make in FOLDERS.items()}
    written = []
    for folder, files in contents.items():
        for name, text in files.items():
            write_bytes(folder / name, text.encode())
            written.append(folder / name)
    return written
