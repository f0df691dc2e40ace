"""What DVC leaves half written when it is killed, mended before the next run: ``python -m bcopt.compendium.resume``.

DVC writes ``dvc.lock`` and its own list of busy paths in place. It refuses to run when either is cut off, so every
stage keeps a copy of the former, from which nothing but the last stage has to be done again.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import yaml
from voluptuous import Invalid

from bcopt.compendium.files import write_bytes
from bcopt.compendium.paths import STAGING_FOLDER, project_root
from bcopt.compendium.pipeline import LOCK

KEPT = STAGING_FOLDER / LOCK
BUSY = Path(".dvc") / "tmp" / "rwlock"


def keep(root: Path) -> None:
    """Copy ``dvc.lock``, called while DVC waits for a stage and does not write it."""
    if (root / LOCK).exists():
        write_bytes(root / KEPT, (root / LOCK).read_bytes())


def mend(root: Path) -> list[str]:
    """Put back the last whole ``dvc.lock`` and remove a list of busy paths that cannot be read.

    Returns
    -------
    list of str
        What was done, a sentence each; nothing where all was whole.
    """
    done = []
    kept = (root / KEPT).read_bytes() if _whole(root / KEPT) else b""
    if (root / LOCK).exists() and not _merging(root / LOCK):
        cut = not _whole(root / LOCK) or _ends_early((root / LOCK).read_bytes(), kept)
        if cut and kept:
            write_bytes(root / LOCK, kept)
            done.append(f"{LOCK} was cut off: put back as the last stage found it")
        elif cut:
            (root / LOCK).unlink()
            done.append(f"{LOCK} was cut off and is removed: every stage runs again")
    try:
        json.loads((root / BUSY).read_bytes() if (root / BUSY).exists() else b"{}")
    except ValueError:
        (root / BUSY).unlink()
        done.append(f"{BUSY.as_posix()} was cut off and is removed")
    return done


def _ends_early(lock: bytes, kept: bytes) -> bool:
    """Return whether a lock is the beginning of the kept one, but for the one stage that DVC was about to change."""
    found, before = (re.split(rb"(?m)^(?=  \w)", text) for text in (lock, kept))
    if len(found) > len(before):
        return False
    pairs = list(zip(found, before, strict=False))
    if any(new.partition(b":")[0] != old.partition(b":")[0] for new, old in pairs):
        return False
    new, old = pairs[-1]
    changed = sum(one != other for one, other in pairs[:-1]) + (not old.startswith(new))
    return changed <= 1 and (len(found) < len(before) or (old.startswith(new) and new != old))


def _merging(path: Path) -> bool:
    """Return whether git has left both sides of a conflict in a file, which a person has to decide."""
    return any(line.startswith(b"<<<<<<<") for line in path.read_bytes().splitlines())


def _whole(path: Path) -> bool:
    """Return whether DVC can read a lock file."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA  # type: ignore[import-untyped]  # half a second, in no stage

    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(path.read_bytes()))
    except (OSError, ValueError, yaml.YAMLError, Invalid):
        return False
    return True


def main() -> int:
    """Mend the checkout of the working directory and say what was mended."""
    for sentence in mend(project_root()):
        sys.stderr.write(f"{sentence}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
