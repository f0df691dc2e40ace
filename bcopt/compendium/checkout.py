"""Is this checkout whole? All that is missing, damaged or edited by hand, each with the command that mends it.

``python -m bcopt.compendium.checkout`` looks at everything, with ``--before-run`` at what would stop the pipeline. A
stage looks at what it reads and where it writes before it begins, and a notebook in JupyterLab at what it reads.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem

from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.paths import STAGING_FOLDER, TIMINGS, pipeline_stage, project_root
from bcopt.compendium.pipeline import LOCK, PIPELINE, Output, Stage, overlapping, read_pipeline
from bcopt.compendium.problems import InputError
from bcopt.compendium.protocol import read_protocol

PARAMETERS = "params.yaml"
CACHE = Path(".dvc") / "cache" / "files" / "md5"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
SHOWN = 5
"""Files named of a longer list."""


@dataclass(frozen=True)
class Problem:
    """What is wrong and the command that mends it."""

    what: str
    mend: str

    def __str__(self) -> str:
        """Return both in one sentence."""
        return f"{self.what}: `{self.mend}`"


def require_whole(stage: str, root: Path) -> None:
    """Refuse to read in a notebook what is not as git and dvc.lock have it.

    Parameters
    ----------
    stage : str
        As in :func:`bcopt.compendium.paths.outputs`.
    root : Path
        Project root.

    Raises
    ------
    InputError
        Listing every input that is missing, cut off, or not what its stage wrote, with the command that mends it.
    """
    _refuse(stage, [*_tracked([LOCK], root), *_readable(stage, root)])


def require_ready(stage: str, root: Path) -> None:
    """Refuse to run a stage that could not end, or would end with wrong results; before anything is done.

    Parameters
    ----------
    stage, root
        As in :func:`require_whole`.

    Raises
    ------
    InputError
        As :func:`require_whole`, and listing every folder that the stage could not write to. A missing dvc.lock is no
        hindrance: DVC writes it anew.
    """
    found = read_pipeline(root).get(pipeline_stage(stage))
    _refuse(stage, [*_unwritable(found.outputs if found else (), root), *_readable(stage, root)])


def require_as_written(name: str, root: Path) -> None:
    """Refuse a file that is not what its stage wrote; one that dvc.lock does not know may be anything.

    Parameters
    ----------
    name : str
        The file, relative to the root.
    root : Path
        Project root.

    Raises
    ------
    InputError
        With the command that mends it.
    """
    if problems := _altered(overlapping([name], read_pipeline(root)), root):
        raise InputError(name, [str(problem).removeprefix(f"{name} ") for problem in problems])


def _refuse(stage: str, problems: Sequence[Problem]) -> None:
    if problems:
        raise InputError(f"{stage} cannot run in this checkout", [str(problem) for problem in problems])


def _readable(stage: str, root: Path) -> list[Problem]:
    """Return what is wrong with the inputs of a stage: those under git, then those that other stages write."""
    stages = read_pipeline(root)
    found = stages.get(pipeline_stage(stage), Stage((), ()))
    written = overlapping(found.inputs, stages)
    return [*_tracked(found.inputs, root, [out.path for out in written]), *_altered(written, root)]


# ---------------------------------------------------------------- what git holds


def _git(root: Path, *arguments: str) -> bytes:
    """Return what git says, nothing where the folder is no repository of it or there is no git."""
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False).stdout  # noqa: S603 (all words ours)
    except FileNotFoundError:
        return b""


def _names(listed: bytes) -> list[str]:
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def _tracked(paths: Collection[str], root: Path, but: Collection[str] = ()) -> list[Problem]:
    """Return the files below paths that git holds and that are missing or cut off, leaving some places out.

    A file whose removal is staged is not missing.
    """
    if not paths:
        return []
    sizes, kept = {}, set(_names(_git(root, "ls-files", "-z", "--", *paths)))
    for line in _names(_git(root, "ls-tree", "-r", "-l", "-z", "HEAD", "--", *paths)):
        described, _, name = line.partition("\t")
        sizes[name] = described.split()[-1]
    wrong: dict[str, list[str]] = {}
    for name, size in sizes.items():
        if name in kept and not _within(name, but) and (what := _shortfall(name, size, root)):
            wrong.setdefault(what, []).append(name)
    return [Problem(f"{_list(names)}: {what}", _from_git(names)) for what, names in wrong.items()]


def _within(name: str, places: Iterable[str]) -> bool:
    return any(f"{name}/".startswith(f"{place}/") for place in places)


def _shortfall(name: str, size: str, root: Path) -> str:
    """Return what a file lacks of what git holds, whose size is given in bytes; an edited file lacks nothing."""
    path = root / name
    if not path.is_file():
        return "" if path.exists() or path.is_symlink() else "missing"
    with path.open("rb") as opened:
        if opened.read(len(LFS_POINTER)) == LFS_POINTER:
            return "holds a pointer of git-lfs instead of its content"
    if not size.isdigit() or path.stat().st_size >= int(size):
        return ""
    content = path.read_bytes()
    if not content:
        return "empty"
    whole = _git(root, "show", f"HEAD:./{name}")
    inside_a_line = not content.endswith(b"\n") and whole[len(content) :][:1] not in (b"\n", b"\r")
    return "cut off" if inside_a_line and whole.startswith(content) else ""


def _from_git(names: Sequence[str]) -> str:
    return f"git checkout HEAD -- {shlex.join(names)}"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


# ---------------------------------------------------------------- what stages wrote


def _md5(path: Path) -> str:
    """Return DVC's hash of a file or folder from its bytes, whatever DVC remembers of it."""
    system = LocalFileSystem()  # type: ignore[no-untyped-call]
    found = build(HashFileDB(system, os.devnull), str(path), system, "md5", dry_run=True)[2].hash_info.value
    return str(found)


def _altered(outs: Iterable[Output], root: Path) -> list[Problem]:
    """Return the outputs that are not what their stages wrote."""
    wrong = [out for out in outs if out.md5 and not ((root / out.path).exists() and _md5(root / out.path) == out.md5)]
    return [_altered_output(out, root) for out in wrong]


def _altered_output(out: Output, root: Path) -> Problem:
    """Return an output that is not what its stage wrote, naming the files of a folder where git knows them."""
    state = "is not what" if (root / out.path).exists() else "is missing, which"
    what = f"{out.path} {state} the stage {out.stage} wrote"
    again = f"dvc repro --force --single-item {out.stage}"
    if out.cached:
        kept = _object(out.md5, root)
        if not kept.exists():
            return Problem(what, again)
        if not _sound(kept):
            return Problem(f"{what}, nor is its copy in the cache", f"rm -f {kept.relative_to(root)} && {again}")
        path = shlex.quote(out.path)
        return Problem(what, f"rm -rf {path} && dvc checkout {path}")
    changed = _names(_git(root, "diff", "--name-only", "--relative", "-z", "HEAD", "--", out.path))
    added = _names(_git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", out.path))
    held = _git(root, "ls-tree", "-r", "--name-only", "HEAD", "--", out.path)
    if not held or not changed + added or _git(root, "diff", "--name-only", "HEAD", "--", LOCK):
        return Problem(what, again)
    commands = [_from_git(changed)] if changed else []
    commands += [f"rm -f {shlex.join(added)}"] if added else []
    named = "" if changed == [out.path] else f" ({_list(changed + added)})"
    return Problem(what + named, " && ".join(commands))


def _object(md5: str, root: Path) -> Path:
    return root / CACHE / md5[:2] / md5[2:]


def _sound(path: Path) -> bool:
    """Return whether an object of the cache holds what its name says; DVC trusts the name."""
    return _md5(path) == (path.parent.name + path.name).removesuffix(".dir")


def _corrupt_objects(stages: Mapping[str, Stage], root: Path) -> list[Problem]:
    """Return the objects of DVC's cache that `dvc checkout` would put in place though they are not what they were."""
    bad = [path for path in sorted((root / CACHE).glob("??/*")) if not _sound(path)]
    outs = [out for stage in stages.values() for out in stage.outputs if out.cached and out.md5]
    problems = []
    for path in bad:
        md5 = path.parent.name + path.name
        owner = next((out for out in outs if md5 == out.md5 or _holds(_object(out.md5, root), md5)), None)
        name = path.relative_to(root).as_posix()
        of = f", the copy of {owner.path}," if owner else ""
        again = f" && dvc repro --single-item {owner.stage}" if owner else ""
        problems.append(Problem(f"{name}{of} is damaged in DVC's cache", f"rm -f {name}{again}"))
    return problems


def _holds(listing: Path, md5: str) -> bool:
    """Return whether an object of the cache is the listing of a folder with a file of this hash."""
    return listing.suffix == ".dir" and listing.is_file() and md5.encode() in listing.read_bytes()


# ---------------------------------------------------------------- where stages write


def _unwritable(outs: Iterable[Output], root: Path) -> list[Problem]:
    """Return the topmost folders that a run would have to write to and cannot."""
    folders = {root / STAGING_FOLDER, root / TIMINGS}
    for out in outs:
        path = root / out.path
        folders |= {path.parent, *(Path(place) for place, _, _ in os.walk(path))}
    standing = {next(place for place in (folder, *folder.parents) if place.is_dir()) for folder in folders}
    closed = {folder for folder in standing if not os.access(folder, os.W_OK | os.X_OK)}
    topmost = sorted(folder for folder in closed if closed.isdisjoint(folder.parents))
    names = [os.path.relpath(folder, root) for folder in topmost]
    return [Problem(f"{name} cannot be written to", _opened(name, root)) for name in names]


def _opened(name: str, root: Path) -> str:
    """Return the command after which a folder can be written to, or that makes a checkout where it can."""
    folder, name = root / name, shlex.quote(name)
    if sys.platform == "win32":
        return f"attrib -R {name} /S /D"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "git clone . ~/bcopt"
    if folder.stat().st_uid != os.geteuid():
        return f'sudo chown -R "$(id -u)" {name}'
    if not folder.stat().st_mode & 0o200:
        return f"chmod -R u+w {name}"
    return f"sudo chattr -R -i {name}"


# ---------------------------------------------------------------- all of it


def obstacles(root: Path) -> list[Problem]:
    """Return what would stop the pipeline: inputs that are not whole, folders that are closed to it.

    A missing dvc.lock or altered results are none: DVC makes them again.

    Raises
    ------
    InputError
        If dvc.yaml, dvc.lock, params.yaml or the protocol cannot be read, listing every fault of the first that cannot.
    """
    stages = read_pipeline(root).values()
    read_parameters(root)
    read_protocol(root)
    outs = [out for stage in stages for out in stage.outputs]
    inputs = {PIPELINE, PARAMETERS, *(path for stage in stages for path in stage.inputs)}
    return [*_tracked(sorted(inputs), root, [out.path for out in outs]), *_unwritable(outs, root)]


def problems(root: Path) -> list[Problem]:
    """Return all that is wrong with a checkout; what is out of date only where nothing else is.

    Raises
    ------
    InputError
        If dvc.yaml or dvc.lock cannot be read.
    """
    stages = read_pipeline(root)
    outs = [out for stage in stages.values() for out in stage.outputs]
    absent = [out for out in outs if out.cached and not (root / out.path).exists()]
    unmade = [out for out in absent if not _object(out.md5, root).exists()]
    altered = _altered([out for out in outs if out not in unmade], root)
    missing = _tracked(["."], root, [out.path for out in outs])
    removed = {problem.mend.partition(" && ")[0] for problem in altered}
    corrupt = [p for p in _corrupt_objects(stages, root) if p.mend.partition(" && ")[0] not in removed]
    found = [*missing, *_unwritable(outs, root), *altered, *corrupt]
    if unmade:
        found.append(Problem(f"{_list([out.path for out in unmade])}: not made here yet", "dvc repro"))
    return found or _outdated(root)


def _outdated(root: Path) -> list[Problem]:
    """Return the stages whose inputs, parameters or commands are not those of their results, as DVC finds them."""
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 (all words ours)
    if done.returncode:
        return [Problem(f"DVC cannot compare: {done.stderr.strip()}", "dvc status")]
    changed = {key for changes in json.loads(done.stdout).values() for change in changes for key in _changed(change)}
    stages = _list(list(json.loads(done.stdout)))
    what = f"dvc.lock is older than {_list(sorted(changed))}: results of {stages} are out of date"
    return [Problem(what, "dvc repro")] if changed else []


def _changed(change: Any) -> Iterator[str]:
    """Yield what DVC finds changed: paths and parameters, or dvc.yaml where it is the stage itself."""
    if not isinstance(change, dict):
        yield PIPELINE
        return
    for of in change.values():
        for name, state in of.items():
            yield name if isinstance(state, str) else f"{name} ({_list(sorted(state))})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Say all that is wrong with the checkout around the working directory; return 1 if anything is."""
    parser = argparse.ArgumentParser(description="Say whether this checkout is whole, and what mends it if not.")
    parser.add_argument("--before-run", action="store_true", help="only what would stop the pipeline")
    before_run = parser.parse_args(arguments).before_run
    try:
        root = project_root()
        _refuse_all(obstacles(root) if before_run else problems(root))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not before_run:
        sys.stdout.write("this checkout is whole: inputs, results and cache are as git and dvc.lock have them\n")
    return 0


def _refuse_all(found: Sequence[Problem]) -> None:
    if found:
        raise InputError("this checkout", [str(problem) for problem in found])


if __name__ == "__main__":
    sys.exit(main())
