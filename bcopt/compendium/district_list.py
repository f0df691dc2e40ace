"""The list of the folders in districts/ that are stages of the pipeline: ``python -m bcopt.compendium.district_list``.

DVC reads its stages from files alone and looks into no folder: ``make reproduce`` brings the list up to date first. A
``dvc repro`` does so by a stage of its own, and says that the folders it then lists are stages from its next run on.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from bcopt.compendium.files import write_bytes
from bcopt.compendium.paths import project_root
from bcopt.compendium.pipeline import DISTRICTS, districts_found, districts_listed
from bcopt.compendium.problems import InputError

HEAD = b"# Every folder here that holds a district.yaml; `make reproduce` brings this list up to date.\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def update(root: Path) -> list[str]:
    """Write the list of all folders that hold a district.yaml.

    Returns
    -------
    list of str
        Sentences on what changed; nothing where the list was right.

    Raises
    ------
    InputError
        Naming folders whose name is none that a stage can have, or a list that cannot be read.
    """
    found = districts_found(root)
    if wrong := [name for name in found if not _NAME.fullmatch(name)]:
        raise InputError("districts", [f"folder {name!r}, expected letters, digits, - and _ alone" for name in wrong])
    path = root / DISTRICTS
    before = districts_listed(path.read_bytes()) if path.is_file() else []
    if found == before or not path.parent.is_dir():
        return []
    body = "".join(f"  - {name}\n" for name in found) if found else "  []\n"
    write_bytes(path, HEAD + b"districts:\n" + body.encode())
    changes = (("new", set(found) - set(before)), ("gone", set(before) - set(found)))
    return [f"{DISTRICTS}: {word} {', '.join(sorted(names))}" for word, names in changes if names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the list of the checkout of the working directory up to date and say what changed."""
    parser = argparse.ArgumentParser(description=f"Bring {DISTRICTS} up to date.")
    parser.add_argument("--as-stage", action="store_true", help="fail if it changed, as this run has read it already")
    as_stage = parser.parse_args(arguments).as_stage
    try:
        sentences = update(project_root())
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.writelines(f"{sentence}\n" for sentence in sentences)
    if sentences and as_stage:
        sys.stderr.write("the list is right now, but was read before: run the same command again\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
