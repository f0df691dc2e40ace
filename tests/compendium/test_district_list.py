"""The list of districts is that of the folders, and dvc.yaml's one stage for all stands for each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bcopt.compendium import district_list
from bcopt.compendium.paths import outputs, pipeline_stage
from bcopt.compendium.pipeline import DISTRICTS, districts_listed, read_pipeline, read_stages
from bcopt.compendium.problems import InputError

ROOT = Path(__file__).parents[2]
PIPELINE = """\
vars: [districts/stages.yaml]
stages:
  before:
    cmd: "true"
    outs: [results/before]
  districts:
    foreach: ${districts}
    do:
      cmd: run districts/${item}
      deps:
        - districts/${item}
        - results/before
      outs:
        - results/districts/${item}.nc: {persist: true}
        - results/tables/districts/${item}: {cache: false}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    for name in ("mill", "harbour-2"):
        (tmp_path / "districts" / name).mkdir(parents=True)
        (tmp_path / "districts" / name / "district.yaml").touch()
    (tmp_path / "districts" / "notes").mkdir()
    return tmp_path


def test_the_list_of_this_checkout_is_right() -> None:
    found = sorted(path.parent.name for path in ROOT.glob("districts/*/district.yaml"))
    assert districts_listed((ROOT / DISTRICTS).read_bytes()) == found
    assert {"millbrook", "foothills"} <= set(found)
    stages = read_stages(ROOT)
    assert {pipeline_stage(f"districts/{name}") for name in found} == {name for name in stages if "@" in name}


def test_new_and_gone_folders_are_listed(checkout: Path) -> None:
    assert district_list.update(checkout) == ["districts/stages.yaml: new harbour-2, mill"]
    assert yaml.safe_load((checkout / DISTRICTS).read_text()) == {"districts": ["harbour-2", "mill"]}
    before = (checkout / DISTRICTS).stat().st_mtime_ns
    assert district_list.update(checkout) == []
    assert (checkout / DISTRICTS).stat().st_mtime_ns == before, "not written where it is right"
    (checkout / "districts/mill/district.yaml").unlink()
    assert district_list.update(checkout) == ["districts/stages.yaml: gone mill"]
    (checkout / "districts/harbour-2/district.yaml").unlink()
    district_list.update(checkout)
    assert yaml.safe_load((checkout / DISTRICTS).read_text()) == {"districts": []}


@pytest.mark.parametrize("name", ["my mill", "mill.1", "mill@2", "-mill"])
def test_a_name_that_no_stage_can_have_is_refused(checkout: Path, name: str) -> None:
    (checkout / "districts" / name).mkdir()
    (checkout / "districts" / name / "district.yaml").touch()
    with pytest.raises(InputError, match=r"expected letters, digits, - and _ alone"):
        district_list.update(checkout)


@pytest.mark.parametrize("text", ["districts: mill", "- mill", "districts: [1]", "a: ["])
def test_a_list_that_cannot_be_read_is_refused(checkout: Path, text: str) -> None:
    (checkout / DISTRICTS).write_text(text)
    with pytest.raises(InputError, match=r"districts/stages\.yaml"):
        district_list.update(checkout)
    with pytest.raises(InputError, match=r"districts/stages\.yaml"):
        read_pipeline(checkout)


def test_one_stage_stands_for_each_district(checkout: Path) -> None:
    district_list.update(checkout)
    stages = read_pipeline(checkout)
    assert list(stages) == ["before", "districts@harbour-2", "districts@mill"]
    mill = stages["districts@mill"]
    assert mill.inputs == ("districts/mill", "results/before")
    assert [(out.path, out.cached) for out in mill.outputs] == [
        ("results/districts/mill.nc", True),
        ("results/tables/districts/mill", False),
    ]
    assert outputs("districts/mill")["solution"].as_posix() == "results/districts/mill.nc"


def test_without_districts_the_pipeline_is_whole(checkout: Path) -> None:
    assert list(read_pipeline(checkout)) == ["before"]


def test_from_the_command_line(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(checkout)
    assert district_list.main([]) == 0
    assert capsys.readouterr().err == "districts/stages.yaml: new harbour-2, mill\n"
    (checkout / DISTRICTS).write_text("a: [")
    assert district_list.main([]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_stage_that_finds_the_list_wrong_mends_it_and_fails_once(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(checkout)
    assert district_list.main(["--as-stage"]) == 1
    assert capsys.readouterr().err == (
        "districts/stages.yaml: new harbour-2, mill\n"
        "the list is right now, but was read before: run the same command again\n"
    )
    assert district_list.main(["--as-stage"]) == 0
    assert capsys.readouterr().err == ""


def test_make_reproduce_brings_the_list_up_to_date_first() -> None:
    target = (ROOT / "Makefile").read_text().partition("\nreproduce:")[2].splitlines()[1]
    assert target.index("bcopt.compendium.district_list") < target.index("dvc repro")
