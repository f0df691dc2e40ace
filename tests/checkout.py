"""What a checkout holds, to be compared before and after, and a copy of this one."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def contents(folder):
    """Return the bytes of all results by path, but for timings and what a run has not put into place."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted((folder / "results").rglob("*"))
        if p.is_file() and not {".staging", "timings"} & set(p.parts)
    }


def copy_of_project(copy):
    """Make a checkout in a folder with the results and the cache of this one and return it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    for path in (*(ROOT / "results").rglob("*.nc"), *(ROOT / "results").rglob("*.epw")):
        (copy / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy / path.relative_to(ROOT))
    if (ROOT / "results" / "site").is_dir():
        shutil.copytree(ROOT / "results" / "site", copy / "results" / "site", dirs_exist_ok=True)
    if (ROOT / ".dvc" / "cache").is_dir():
        shutil.copytree(ROOT / ".dvc" / "cache", copy / ".dvc" / "cache")
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    return committed(copy)


def committed(folder):
    """Commit all of a repository as somebody and return it."""
    for command in (["add", "-A"], ["commit", "-q", "-m", "copy"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "core.autocrlf=false"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    return folder
