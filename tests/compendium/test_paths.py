"""Where the checkout is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bcopt.compendium.paths import project_root


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "notebooks/study").mkdir(parents=True)
    (root / "dvc.yaml").touch()
    return root


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/study", "notebooks/../notebooks"])
def test_from_any_folder_below(checkout: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project_root(checkout / folder) == checkout.resolve()
    monkeypatch.chdir(checkout / folder)
    assert project_root() == checkout.resolve()


def test_the_nearest_wins(checkout: Path) -> None:
    """An experiment in .dvc/tmp reads and writes its own copy."""
    copy = checkout / ".dvc/tmp/exps/one"
    (copy / "notebooks").mkdir(parents=True)
    (copy / "dvc.yaml").touch()
    assert project_root(copy / "notebooks") == copy.resolve()


def test_a_folder_of_that_name_is_no_checkout(checkout: Path) -> None:
    (checkout / "notebooks/dvc.yaml").mkdir()
    assert project_root(checkout / "notebooks") == checkout.resolve()


def test_outside(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no dvc\.yaml in .* or above it: start from inside a checkout"):
        project_root(tmp_path)
