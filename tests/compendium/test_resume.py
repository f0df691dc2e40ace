"""What a killed DVC leaves half written is put right, and nothing else is touched."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from bcopt.compendium import resume

ROOT = Path(__file__).parents[2]
LOCK = b"\n  ".join(re.split(rb"\n  (?=\w)", (ROOT / "dvc.lock").read_bytes())[:3]) + b"\n"
"""As DVC wrote it, of the first two stages."""
FIRST = LOCK[: LOCK.rindex(b"\n  energyeng2023") + 1]
"""The same up to the end of the first stage."""
BUSY = b'{"write": {"results/ledger.csv": {"pid": 4, "cmd": "dvc repro"}}}'
CUTS = [0, 1, 16, *sorted(random.Random(8).sample(range(17, len(LOCK)), 8))]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which a stage has begun."""
    (tmp_path / resume.LOCK).write_bytes(LOCK)
    (tmp_path / resume.BUSY).parent.mkdir(parents=True)
    (tmp_path / resume.BUSY).write_bytes(BUSY)
    resume.keep(tmp_path)
    return tmp_path


def test_what_is_whole_stays(checkout: Path) -> None:
    newer = LOCK.replace(b"md5: ", b"md5: 0", 1)
    (checkout / resume.LOCK).write_bytes(newer)
    assert resume.mend(checkout) == []
    assert (checkout / resume.LOCK).read_bytes() == newer
    assert (checkout / resume.BUSY).read_bytes() == BUSY


def test_nothing_to_mend(tmp_path: Path) -> None:
    resume.keep(tmp_path)
    assert resume.mend(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", CUTS)
def test_a_cut_lock_is_put_back(checkout: Path, length: int) -> None:
    (checkout / resume.LOCK).write_bytes(LOCK[:length])
    assert resume.mend(checkout) == ["dvc.lock was cut off: put back as the last stage found it"]
    assert (checkout / resume.LOCK).read_bytes() == LOCK


@pytest.mark.parametrize("length", range(len(FIRST) - 60, len(FIRST) + 60, 7))
def test_a_lock_cut_while_a_stage_of_it_was_changed_is_put_back(checkout: Path, length: int) -> None:
    newer = LOCK.replace(b"md5: ", b"md5: 0", 1)
    (checkout / resume.LOCK).write_bytes(newer[:length])
    assert resume.mend(checkout) == ["dvc.lock was cut off: put back as the last stage found it"]
    assert (checkout / resume.LOCK).read_bytes() == LOCK


def test_another_lock_with_fewer_stages_is_a_persons_own(checkout: Path) -> None:
    other = FIRST.replace(b"md5: ", b"md5: 0").replace(b"energyeng2023", b"another", 1)
    (checkout / resume.LOCK).write_bytes(other)
    assert resume.mend(checkout) == []
    assert (checkout / resume.LOCK).read_bytes() == other


def test_both_sides_of_a_conflict_are_left_to_a_person(checkout: Path) -> None:
    both = b"<<<<<<< HEAD\n" + LOCK + b"=======\n" + LOCK + b">>>>>>> other\n"
    (checkout / resume.LOCK).write_bytes(both)
    assert resume.mend(checkout) == []
    assert (checkout / resume.LOCK).read_bytes() == both


@pytest.mark.parametrize("kept", [None, b"", b"schema: '2.0'\nstages:\n  a:\n"])
def test_without_a_whole_copy_every_stage_runs_again(checkout: Path, kept: bytes | None) -> None:
    (checkout / resume.KEPT).unlink()
    if kept is not None:
        (checkout / resume.KEPT).write_bytes(kept)
    (checkout / resume.LOCK).write_bytes(b"")
    assert resume.mend(checkout) == ["dvc.lock was cut off and is removed: every stage runs again"]
    assert not (checkout / resume.LOCK).exists()


@pytest.mark.parametrize("length", [0, 1, len(BUSY) - 1])
def test_a_cut_list_of_busy_paths_is_removed(checkout: Path, length: int, monkeypatch, capsys) -> None:
    (checkout / resume.BUSY).write_bytes(BUSY[:length])
    (checkout / "dvc.yaml").touch()
    monkeypatch.chdir(checkout)
    assert resume.main() == 0
    assert capsys.readouterr().err == ".dvc/tmp/rwlock was cut off and is removed\n"
    assert not (checkout / resume.BUSY).exists()
    assert (checkout / resume.LOCK).read_bytes() == LOCK


def test_make_reproduce_begins_with_it() -> None:
    target = (ROOT / "Makefile").read_text().partition("\nreproduce:")[2].splitlines()[1]
    assert target.index("bcopt.compendium.resume") < target.index("dvc repro")
