import os
import subprocess

import pytest
from checkout import ROOT, copy_of_project
from hypothesis import settings

# The same examples in every run: a reproduction must not fail by chance. Explore with --hypothesis-profile=default.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


def pytest_collection_modifyitems(items):
    """Begin with notebooks and slow tests, so that no process is left alone with them in the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None and "results" not in item.path.parts)


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture
def copied_project(tmp_path):
    """A checkout of its own with the results and the cache of this one, free to be broken."""
    return copy_of_project(tmp_path / "project")


@pytest.fixture
def run():
    """Run a command of the environment in a folder and return what came of it."""

    def call(*command, cwd, **options):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "BCOPT"))}
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, check=False, **options)

    return call
