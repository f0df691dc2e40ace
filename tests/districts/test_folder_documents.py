"""What README and the pages of docs/ say of districts is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bcopt import districts
from bcopt.districts import checks, keys
from bcopt.districts.schema import DistrictFile, Task
from bcopt.districts.uses import BUILDINGS, USES

ROOT = Path(__file__).parents[2]
PAGE = "docs/your-own-district.md"


@pytest.mark.parametrize("name", ["README.md", PAGE])
def test_the_python_of_a_page_runs_from_the_top_of_the_checkout(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    (tmp_path / "districts").symlink_to(ROOT / "districts")
    names: dict[str, object] = {}
    exec(compile(block, name, "exec"), names)
    said = capsys.readouterr().out
    assert "storage" in said
    if name == "README.md":
        rows = [list(map(float, line.split())) for line in said.splitlines()[-3:]]
        assert [row[0] for row in rows] == [0.0, 0.1, 0.2]
        assert rows[0][3] > rows[1][3] > rows[2][3], "dearer carbon, less of it"
    else:
        assert (tmp_path / "millbrook.nc").is_file()


def test_every_key_is_listed_as_the_schema_has_it() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert text.endswith(f"## Every key of district.yaml\n{keys.table()}")
    listed = re.findall(r"^\| `(\w+)` \|", keys.table(), re.MULTILINE)
    assert listed == list(DistrictFile.model_fields)


def test_uses_tasks_and_buildings_are_listed() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| (?!clusters|`)(.*) \|$", text, re.MULTILINE)[: len(USES)] == list(USES.items())
    assert set(checks.NEEDED) == set(Task.__args__)
    for task in checks.NEEDED:
        assert f"| `{task}` | " in text, task


def test_every_use_has_a_building_but_other() -> None:
    uses = DistrictFile.model_fields["clusters"].annotation.__args__[1].model_fields["use"].annotation.__args__
    assert set(uses) - set(BUILDINGS) == {"other"}


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in ROOT.glob("districts/*/district.yaml")))
def test_every_folder_is_sound(folder: str) -> None:
    assert districts.read(ROOT / "districts" / folder).file.name
