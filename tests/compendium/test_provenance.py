"""Provenance: the committed page and package are what the tables say now, or this fails."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import frictionless
import pytest

from bcopt.compendium import provenance
from bcopt.compendium.datapackage import Words, data_package, read_words
from bcopt.compendium.problems import InputError
from bcopt.compendium.provenance import PACKAGE, PAGE, page, write

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tables of this checkout, free to be changed."""
    shutil.copytree(CHECKOUT / "data", tmp_path / "data")
    shutil.copy2(CHECKOUT / "dvc.yaml", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def words() -> Words:
    return read_words(CHECKOUT)


@pytest.fixture(scope="module")
def package() -> dict[str, Any]:
    return data_package(CHECKOUT)


def stale(root: Path) -> list[str]:
    """Return the committed files that are not what the tables of ``root`` give."""
    write(root)
    return [path.name for path in (PAGE, PACKAGE) if (root / path).read_bytes() != (CHECKOUT / path).read_bytes()]


def test_committed_files_are_what_the_tables_say(copy: Path) -> None:
    assert stale(copy) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("assumed/energyeng2023.csv", ",assumed,", ",derived,"),
        ("published/systems2024.csv", ",published,", ",assumed,"),
        ("assumed/systems2024_shapes.csv", ",ends,", ",starts,"),
        ("derived/systems2024_fits.csv", ",fitted,", ",published,"),
        ("tables.yaml", "demand, resources", "demand, sources"),
    ],
)
def test_a_changed_table_makes_them_stale(copy: Path, name: str, old: str, new: str) -> None:
    path = copy / "data" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert stale(copy) == [PAGE.name, PACKAGE.name]


def test_a_new_row_makes_them_stale(copy: Path) -> None:
    path = copy / "data/published/systems2024.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    columns = rows[0].split(",")
    texts = {
        "quantity": "extra",
        "value": "1",
        "unit": "1",
        "provenance": "published",
        "source": "s",
        "description": "d",
    }
    path.write_text("\n".join([*rows, ",".join(texts.get(column, "") for column in columns)]) + "\n", encoding="utf-8")
    assert stale(copy) == [PAGE.name, PACKAGE.name]
    assert "`extra`" in (copy / PAGE).read_text(encoding="utf-8")


def test_a_fault_leaves_both_as_they_were(copy: Path) -> None:
    (copy / "data/assumed/new.csv").write_text("a,b\n1,2\n")
    before = [(copy / path).read_bytes() for path in (PAGE, PACKAGE)]
    with pytest.raises(InputError, match=r"data/tables\.yaml: 1 problem\n  - tables: assumed/new\.csv is there"):
        write(copy)
    assert [(copy / path).read_bytes() for path in (PAGE, PACKAGE)] == before


def test_the_package_is_valid_to_a_stranger(package: dict[str, Any]) -> None:
    report = frictionless.Package(str(CHECKOUT / PACKAGE)).validate()
    assert report.valid, report.flatten(["name", "type", "message"])[:5]
    tables = [task for task in report.tasks if task.type == "table"]
    assert len(tables) == len([*(CHECKOUT / "data").rglob("*.csv")])
    assert {task.name: task.stats["rows"] for task in tables} == {
        resource["name"]: resource["rows"] for resource in package["resources"] if "rows" in resource
    }


def test_a_broken_table_is_invalid_to_a_stranger(copy: Path) -> None:
    path = copy / "data/assumed/energyeng2023.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",assumed,", ",guessed,", 1), encoding="utf-8")
    report = frictionless.Package(str(copy / PACKAGE)).validate()
    assert [task.name for task in report.tasks if not task.valid] == ["assumed-energyeng2023"]
    assert report.flatten(["type", "fieldName", "rowNumber"]) == [["constraint-error", "provenance", 2]]


# ---- the page


def test_the_page_explains_every_word_it_uses(words: Words, package: dict[str, Any]) -> None:
    text = page(words, package)
    for word, meaning in {**words.provenance, **words.conventions}.items():
        assert f"- **{word}**: {meaning}" in text
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == len(words.folders) + 1
    for licence in words.licences.values():
        assert f"[{licence.title}]({licence.path})" in text


def test_the_overview_by_folder(words: Words, package: dict[str, Any]) -> None:
    text = page(words, package)
    (line,) = [x for x in text.splitlines() if x.startswith("| [`published/energyeng2023.csv`]")]
    assert "| 30 rows | 26 published, 4 derived |" in line
    (line,) = [x for x in text.splitlines() if x.startswith("| [`published/systems2024_tariffs.csv`]")]
    assert "| 4 rows of 24 hours, `starts` | 4 published |" in line
    (line,) = [x for x in text.splitlines() if x.startswith("| [`derived/loads.nc`]")]
    assert "8760 hour" in line
    assert "| derived |" in line


def test_the_list_of_a_table(words: Words, package: dict[str, Any]) -> None:
    text = page(words, package)
    part = text.partition("### `published/systems2024.csv`")[2].partition("###")[0]
    assert "| `construction_area` | floor area of all storeys | m2 | cluster | 12 | published | Table 1 |" in part
    part = text.partition("### `derived/loads.nc`")[2].partition("###")[0]
    assert "| `demand` | energy demand by use | kW | cluster, use, hour | 735840 |" in part
    part = text.partition("### `derived/frontiers2022_band.csv`")[2].partition("###")[0]
    assert "| `cost of hotel [yuan]` |  | number | yuan |" in part


def test_every_row_of_the_page_has_as_many_cells_as_its_head() -> None:
    width = 0
    for line in (CHECKOUT / PAGE).read_text(encoding="utf-8").splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (cells and width) or cells == width, line
        width = cells


def test_signs_that_would_break_the_page_are_written_out(words: Words, package: dict[str, Any]) -> None:
    odd = {**package["resources"][-1], "title": "a | b <c> d"}
    assert r"a \| b &lt;c> d" in page(words, {**package, "resources": [odd]})


# ---- as a stage


@pytest.mark.slow
def test_as_a_stage(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / PAGE).unlink()
    (copy / PACKAGE).unlink()
    monkeypatch.chdir(copy / "data" / "derived")
    assert provenance.main() == 0
    assert (copy / PAGE).read_bytes() == (CHECKOUT / PAGE).read_bytes()
    assert (copy / PACKAGE).read_bytes() == (CHECKOUT / PACKAGE).read_bytes()


def test_a_fault_ends_the_stage_with_one_message(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "data/assumed/qingdao_monthly.csv").unlink()
    monkeypatch.chdir(copy)
    assert provenance.main() == 1
    said = capsys.readouterr().err
    assert said == "data/tables.yaml: 1 problem\n  - tables: assumed/qingdao_monthly.csv is described, but not there\n"
