import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run: a reproduction must not fail by chance. Explore with --hypothesis-profile=default.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items):
    """Begin with what takes long, so that no process is left alone with it in the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None and "results" not in item.path.parts)


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture
def copied_project(tmp_path):
    """A checkout of its own with the results and the cache of this one, free to be broken."""
    copy = tmp_path / "project"
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
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "copy"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "core.autocrlf=false"]
        subprocess.run(["git", *identity, *command], cwd=copy, check=True)
    return copy


@pytest.fixture
def run():
    """Run a command of the environment in a folder and return what came of it."""

    def call(*command, cwd, **options):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "BCOPT"))}
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, check=False, **options)

    return call
