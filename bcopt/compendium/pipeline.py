"""What the pipeline reads and writes: dvc.yaml, and in dvc.lock the hashes of what was written last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bcopt.compendium.problems import InputError

PIPELINE = "dvc.yaml"
LOCK = "dvc.lock"
DISTRICTS = "districts/stages.yaml"
"""Lists the folders of districts that are stages of the pipeline."""
MAKE_LIST = "`git checkout HEAD -- districts/stages.yaml`, then `make reproduce`"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # five times as fast where it is built


@dataclass(frozen=True)
class Output:
    """A file or folder that a stage writes, with DVC's hash of what it wrote last; empty where it has not run.

    A cached one is in DVC's cache, any other in git.
    """

    path: str
    stage: str
    cached: bool
    md5: str


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml: what it reads and what it writes."""

    inputs: tuple[str, ...]
    outputs: tuple[Output, ...]


def read_pipeline(root: Path) -> Mapping[str, Stage]:
    """Return the stages of dvc.yaml by name, with the hashes of their outputs in dvc.lock where that is there.

    Raises
    ------
    InputError
        If one of the two is no such file, as after a merge with conflicts.
    """
    files = (PIPELINE, LOCK, DISTRICTS)
    texts = [(root / name).read_bytes() if (root / name).is_file() else b"" for name in files]
    return _pipeline(*texts)


def read_stages(root: Path) -> dict[str, Mapping[str, Any]]:
    """Return what dvc.yaml says of every stage, by name; of a stage for all districts, of each of them.

    Raises
    ------
    InputError
        If dvc.yaml or the list of districts is no such file.
    """
    declared, listed = (
        (root / name).read_bytes() if (root / name).is_file() else b"" for name in (PIPELINE, DISTRICTS)
    )
    return dict(_each(_stages(PIPELINE, declared), listed))


@lru_cache(maxsize=8)
def _pipeline(declared: bytes, locked: bytes, listed: bytes) -> Mapping[str, Stage]:
    written = _stages(LOCK, locked)
    try:
        known = {out["path"]: out["md5"] for stage in written.values() for out in stage.get("outs", ())}
    except (AttributeError, KeyError, TypeError) as error:
        raise _unreadable(LOCK, "is not as DVC writes it") from error
    found = {}
    for name, stage in _each(_stages(PIPELINE, declared), listed):
        entries = [*_entries(stage.get("outs", ())), *_entries(stage.get("metrics", ()))]
        outs = [Output(p, name, options.get("cache", True), known.get(p, "")) for p, options in entries]
        found[name] = Stage(tuple(path for path, _ in _entries(stage.get("deps", ()))), tuple(outs))
    return found


def _each(stages: Mapping[str, Any], listed: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield stages by name, one for each district where a stage stands for all of them, as DVC names them."""
    for name, stage in stages.items():
        if "foreach" not in stage:
            yield name, stage
            continue
        template = yaml.safe_dump(stage["do"])
        for item in districts_listed(listed):
            yield f"{name}@{item}", yaml.load(template.replace("${item}", item), Loader=_Loader)  # noqa: S506 (a safe loader)


def districts_listed(text: bytes) -> list[str]:
    """Return the districts of a list as :data:`DISTRICTS` holds it.

    Raises
    ------
    InputError
        If it is no such list.
    """
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise InputError(DISTRICTS, [f"cannot be read: {MAKE_LIST}"]) from error
    names = (content or {}).get("districts", []) if isinstance(content, dict | type(None)) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(DISTRICTS, [f"is no list of districts: {MAKE_LIST}"])
    return names


def districts_found(root: Path) -> list[str]:
    """Return the names of the folders in districts/ that hold a district.yaml, in order."""
    return sorted(path.parent.name for path in (root / DISTRICTS).parent.glob("*/district.yaml"))


def _stages(name: str, text: bytes) -> dict[str, Any]:
    try:
        stages: dict[str, Any] = (yaml.load(text, Loader=_Loader) or {}).get("stages", {})  # noqa: S506 (a safe loader)
    except yaml.MarkedYAMLError as error:
        line = f" from line {error.problem_mark.line + 1} on" if error.problem_mark else ""
        raise _unreadable(name, f"cannot be read{line}, as after a merge with conflicts") from error
    except (yaml.YAMLError, AttributeError) as error:
        raise _unreadable(name, "is not as DVC reads it") from error
    return stages


def _unreadable(name: str, what: str) -> InputError:
    return InputError(name, [f"{what}: `git checkout HEAD -- {name}`"])


def _entries(listed: Iterable[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield paths and their options of a list of dvc.yaml, in which a path without options is a text."""
    for entry in listed:
        yield from ((entry, {}),) if isinstance(entry, str) else entry.items()


def stage_that_writes(name: str, root: Path) -> str:
    """Return the stage of dvc.yaml that writes a file, or nothing if none does."""
    return next((out.stage for out in overlapping([name], read_pipeline(root))), "")


def overlapping(paths: Iterable[str], stages: Mapping[str, Stage]) -> list[Output]:
    """Return the outputs that are, hold or lie in one of the paths."""
    wanted = [Path(path) for path in paths]
    return [
        out
        for stage in stages.values()
        for out in stage.outputs
        if any(Path(out.path).is_relative_to(path) or path.is_relative_to(out.path) for path in wanted)
    ]
