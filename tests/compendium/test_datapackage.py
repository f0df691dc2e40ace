"""The data package: what tables say of themselves, as strict as their readers, nothing that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import frictionless
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium.datapackage import WORDS, data_package, read_words
from bcopt.compendium.files import write_json
from bcopt.compendium.hourly import read_hourly
from bcopt.compendium.inputs import read_quantities
from bcopt.compendium.ledger import CLASSES, read_claims
from bcopt.compendium.problems import InputError

CHECKOUT = Path(__file__).parents[2]
HOURS = ",".join(f"h{k}" for k in range(1, 25))
TO_24 = ",".join(map(str, range(1, 25)))
TABLES = {
    "published/x.csv": """\
quantity,plan,month,value,unit,provenance,source,description
area,,,11.6,km2,published,section 5.1,area of the park
cost,before,,3.5,yuan,published,section 5.2,annual cost
cost,after,,2,yuan,derived,by hand,annual cost
""",
    "published/claims.csv": """\
id,paper,locator,statement,printed,unit,class,basis,correction
S-1-fit,study2020,s 1,a share,14.39,%,fit,,
S-1-sentence,study2020,s 1,it falls,true,,qualitative,,
""",
    "assumed/climate.csv": """\
quantity,month,value,unit,provenance,source,description
temperature,1,-3.1,degC,assumed,normals,mean air temperature
temperature,2,0.5,degC,assumed,normals,mean air temperature
""",
    "assumed/rates.csv": f"""\
quantity,day,unit,provenance,source,description,convention,{HOURS}
rate,workday,1,assumed,meal times,rate of use,ends,{TO_24}
rate,holiday,1,assumed,another,rate of use,starts,{TO_24}
""",
    "derived/fits.csv": """\
quantity,value,unit,provenance,source,description,protocol
scale,1.15,1,fitted,fit 1,factor on the heat,86fd42
""",
    "derived/band.csv": """\
scenario,no root,cost [yuan],it holds
central,,2.5,True
other,cost,3,False
""",
    "protocol.yaml": "study2020: {}\n",
}  # fmt: skip
TEXTS = """\
name: small-data
title: a small package
licences:
  MIT: {title: MIT License, path: "https://opensource.org/license/mit"}
  CC-BY-4.0: {title: Attribution, path: "https://creativecommons.org/licenses/by/4.0/"}
licence: MIT
introduction: |
  All of it.
provenance: {published: printed, derived: by arithmetic, fitted: by a step, assumed: by us}
conventions: {starts: from i on, ends: up to i}
folders: {published: what is printed, assumed: what is not, derived: what follows, .: what was decided}
columns: {quantity: name of the number}
tables:
  published/x.csv: {title: the park, source: the study, licence: CC-BY-4.0}
  published/claims.csv: {title: the claims, source: the study, provenance: published}
  assumed/climate.csv: {title: the climate, source: an office}
  assumed/rates.csv: {title: the rates, source: row by row}
  derived/fits.csv: {title: the fits, source: steps}
  derived/band.csv: {title: the band, source: a stage, provenance: derived}
  derived/loads.nc: {title: the loads, source: a stage, provenance: derived}
  protocol.yaml: {title: the protocol, source: before}
"""


def build(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    load = xr.DataArray(
        np.ones((2, 24)), dims=("cluster", "hour"), attrs={"units": "kW", "long_name": "demand by hour"}
    )
    xr.Dataset({"demand": load}, {"hour": np.arange(24)}).to_netcdf(
        tmp_path / "data/derived/loads.nc", engine="netcdf4"
    )
    (tmp_path / WORDS).write_text(TEXTS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return build(tmp_path)


def edit(project: Path, name: str, old: str, new: str) -> Path:
    path = project / "data" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return project


def resources(project: Path) -> dict[str, dict[str, Any]]:
    return {resource["path"]: resource for resource in data_package(project)["resources"]}


def fields(resource: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in resource["schema"]["fields"]}


# ---- what a table says of itself


def test_the_package_and_its_terms(project: Path) -> None:
    package = data_package(project)
    assert (package["name"], package["title"], package["profile"]) == ("small-data", "a small package", "data-package")
    assert [licence["name"] for licence in package["licenses"]] == ["MIT"]
    licences = {resource["path"]: resource["licenses"][0]["name"] for resource in package["resources"]}
    assert licences.pop("published/x.csv") == "CC-BY-4.0"
    assert set(licences.values()) == {"MIT"}
    assert [r["path"] for r in package["resources"]] == list(read_words(project).tables)


@pytest.mark.parametrize(
    ("name", "rows", "provenance"),
    [
        ("published/x.csv", 3, {"published": 2, "derived": 1}),
        ("published/claims.csv", 2, {"published": 2}),
        ("assumed/rates.csv", 2, {"assumed": 2}),
        ("derived/fits.csv", 1, {"fitted": 1}),
        ("derived/band.csv", 2, {"derived": 2}),
        ("derived/loads.nc", None, "derived"),
        ("protocol.yaml", None, None),
    ],
)
def test_rows_by_provenance(project: Path, name: str, rows: int | None, provenance: Any) -> None:
    found = resources(project)[name]
    assert (found.get("rows"), found.get("provenance")) == (rows, provenance)


def test_quantities(project: Path) -> None:
    area, cost = resources(project)["published/x.csv"]["quantities"]
    assert area == {
        "name": "area",
        "description": "area of the park",
        "unit": "km2",
        "over": [],
        "values": 1,
        "provenance": ["published"],
        "sources": ["section 5.1"],
    }
    assert (cost["over"], cost["values"]) == (["plan"], 2)
    assert (cost["provenance"], cost["sources"]) == (["published", "derived"], ["section 5.2", "by hand"])


def test_hours(project: Path) -> None:
    found = resources(project)["assumed/rates.csv"]
    assert found["conventions"] == ["ends", "starts"]
    assert (found["quantities"][0]["over"], found["quantities"][0]["values"]) == (["day", "hour"], 48)
    assert found["schema"]["primaryKey"] == ["quantity", "day"]
    assert fields(found)["convention"]["constraints"] == {"enum": ["starts", "ends"]}
    assert [fields(found)[f"h{k}"]["type"] for k in range(1, 25)] == ["number"] * 24


def test_arrays(project: Path) -> None:
    found = resources(project)["derived/loads.nc"]
    assert found["dimensions"] == {"cluster": 2, "hour": 24}
    assert found["variables"] == [
        {"name": "demand", "description": "demand by hour", "unit": "kW", "over": ["cluster", "hour"], "values": 48}
    ]
    assert "schema" not in found
    assert found["profile"] == "data-resource"


def test_types_are_those_of_the_readers(project: Path) -> None:
    found = resources(project)
    kinds = {name: {f: field["type"] for f, field in fields(r).items()} for name, r in found.items() if "schema" in r}
    assert kinds["published/x.csv"]["value"] == "number"
    assert kinds["published/x.csv"]["plan"] == "string"
    assert kinds["published/x.csv"]["month"] == "string", "nothing varies over it, so its cells are empty"
    assert kinds["assumed/climate.csv"]["month"] == "integer"
    assert set(kinds["published/claims.csv"].values()) == {"string"}
    assert kinds["derived/band.csv"] == {
        "scenario": "string", "no root": "string", "cost [yuan]": "number", "it holds": "boolean",
    }  # fmt: skip
    assert fields(found["derived/band.csv"])["cost [yuan]"]["unit"] == "yuan"
    assert fields(found["published/x.csv"])["quantity"]["description"] == "name of the number"
    assert fields(found["published/claims.csv"])["class"]["constraints"] == {"enum": list(CLASSES)}


def test_a_column_without_a_cell_has_no_type_of_its_own(project: Path) -> None:
    edit(edit(project, "derived/band.csv", "2.5,True", ","), "derived/band.csv", "3,False", ",")
    kinds = [field["type"] for field in fields(resources(project)["derived/band.csv"]).values()]
    assert kinds == ["string"] * 4


def test_nothing_in_it_changes_from_run_to_run(project: Path) -> None:
    text = json.dumps(data_package(project))
    assert text == json.dumps(data_package(project))
    assert not re.search(r'"(bytes|hash|created)"', text)


# ---- as strict as the readers


def accepted(project: Path) -> list[str]:
    """Return the faults that a stranger's tool finds with nothing but the package in its hands."""
    report = frictionless.Package(str(project / "data/datapackage.json")).validate()
    return [f"{kind}: {text}" for kind, text in report.flatten(["type", "message"])]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return data_package(build(tmp_path_factory.mktemp("described")))


@pytest.fixture
def described(project: Path, package: dict[str, Any]) -> Path:
    write_json(project / "data/datapackage.json", package)
    return project


def test_tables_without_fault_are_accepted(described: Path) -> None:
    assert accepted(described) == []
    for read in READERS.values():
        read(described)


READERS: dict[str, Callable[[Path], object]] = {
    "published/x.csv": lambda root: read_quantities(root / "data/published/x.csv", root),
    "assumed/climate.csv": lambda root: read_quantities(root / "data/assumed/climate.csv", root),
    "assumed/rates.csv": lambda root: read_hourly(root / "data/assumed/rates.csv", root),
    "published/claims.csv": read_claims,
}
FAULTS = [
    ("published/x.csv", "11.6", "many"),
    ("published/x.csv", "11.6", ""),
    ("published/x.csv", ",published,", ",guessed,"),
    ("published/x.csv", ",published,", ",,"),
    ("published/x.csv", "km2", ""),
    ("published/x.csv", "section 5.1", ""),
    ("published/x.csv", "area of the park", ""),
    ("published/x.csv", "area,", ","),
    ("published/x.csv", "cost,after", "cost,before"),
    ("published/x.csv", "cost,before,,3.5", "area,,,3.5"),
    ("assumed/climate.csv", "temperature,2", "temperature,1"),
    ("assumed/rates.csv", "ends,1,", "ends,,"),
    ("assumed/rates.csv", "ends,1,", "ends,noon,"),
    ("assumed/rates.csv", "ends,1,", "middles,1,"),
    ("assumed/rates.csv", "rate,holiday", "rate,workday"),
    ("published/claims.csv", "S-1-sentence", "S-1-fit"),
    ("published/claims.csv", "S-1-fit", "fit 1"),
    ("published/claims.csv", ",fit,", ",guess,"),
    ("published/claims.csv", "14.39", "about 14"),
    ("published/claims.csv", "a share", ""),
    ("published/claims.csv", "correction", "remark"),
]


@pytest.mark.parametrize(("name", "old", "new"), FAULTS)
def test_what_the_reader_refuses_the_package_refuses(described: Path, name: str, old: str, new: str) -> None:
    edit(described, name, old, new)
    with pytest.raises(InputError):
        READERS[name](described)
    assert accepted(described)
    with pytest.raises(InputError, match=name):
        data_package(described)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("published/x.csv", "11.6", "-1e-3"),
        ("published/x.csv", ",published,", ",assumed,"),
        ("published/claims.csv", "14.39", ""),
        ("published/claims.csv", "14.39", '"1,014.39"'),
        ("assumed/rates.csv", "ends,1,", "starts,1.5,"),
    ],
)
def test_what_the_reader_takes_the_package_takes(described: Path, name: str, old: str, new: str) -> None:
    READERS[name](edit(described, name, old, new))
    assert accepted(described) == []


# ---- words and files


def test_a_table_without_words(project: Path) -> None:
    (project / "data/assumed/new.csv").write_text(TABLES["assumed/climate.csv"])
    (project / "data/derived/other.nc").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        data_package(project)
    assert caught.value.source == "data/tables.yaml"
    assert caught.value.problems == (
        "tables: assumed/new.csv is there, but not described",
        "tables: derived/other.nc is there, but not described",
    )


def test_words_without_a_table(project: Path) -> None:
    for name in ("assumed/rates.csv", "protocol.yaml"):
        (project / "data" / name).unlink()
    with pytest.raises(InputError) as caught:
        data_package(project)
    assert caught.value.problems == (
        "tables: assumed/rates.csv is described, but not there",
        "tables: protocol.yaml is described, but not there",
    )


def test_notes_and_pages_are_no_tables(project: Path) -> None:
    for name in ("README.md", "datapackage.json", "published/notes.txt"):
        (project / "data" / name).write_text("x")
    assert "README.md" not in resources(project)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "source: the study, provenance: published",
            "source: the study",
            "claims.csv: has no column for its provenance",
        ),
        ("source: an office", "source: an office, provenance: assumed", "climate.csv: has a column for its provenance"),
        (
            "title: the loads, source: a stage, provenance: derived",
            "title: x y, source: a b",
            "loads.nc: has no column",
        ),
    ],
)
def test_provenance_is_said_once(project: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(InputError, match=re.escape(problem)):
        data_package(edit(project, "tables.yaml", old, new))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: the park, ", "", "tables.published/x.csv.title: Field required"),
        ("title: the park", "title: ''", "tables.published/x.csv.title"),
        ("licence: CC-BY-4.0", "licence: GPL", "licences must explain"),
        ("source: the study, licence", "source: the study, license", "license"),
        ("provenance: published}", "provenance: guessed}", "tables.published/claims.csv.provenance"),
        ("fitted: by a step, ", "", "provenance must explain assumed, derived, fitted, published"),
        ("starts: from i on, ", "", "conventions must explain ends, starts"),
        ("derived: what follows", "elsewhere: what follows", "folders must explain"),
        ("tables:", "tables: {}\nothers:", "others"),
    ],
)
def test_faults_of_the_words(project: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read_words(edit(project, "tables.yaml", old, new))
    assert caught.value.source == "data/tables.yaml"
    assert problem in str(caught.value)


def test_faults_of_all_tables_at_once(project: Path) -> None:
    edit(edit(project, "published/x.csv", "11.6", "many"), "published/claims.csv", ",fit,", ",guess,")
    loads = xr.Dataset({"demand": ("hour", np.ones(24), {"units": "kW"})})
    loads.to_netcdf(project / "data/derived/loads.nc", engine="netcdf4")
    with pytest.raises(InputError) as caught:
        data_package(project)
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        "data/published/x.csv",
        "data/published/claims.csv",
        "data/derived/loads.nc",
    ]
    assert caught.value.problems[2].endswith("variable demand: has no long_name")


# ---- the package of the studies


@pytest.fixture(scope="module")
def of_the_studies() -> dict[str, dict[str, Any]]:
    return resources(CHECKOUT)


def test_counts_of_the_studies_are_those_of_their_tables(of_the_studies: dict[str, dict[str, Any]]) -> None:
    """Read once more, without any of our readers."""
    for path in sorted((CHECKOUT / "data").rglob("*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        resource = of_the_studies[path.relative_to(CHECKOUT / "data").as_posix()]
        assert resource["rows"] == len(table)
        assert [field["name"] for field in resource["schema"]["fields"]] == table.columns.tolist()
        assert sum(resource["provenance"].values()) == len(table)
        if "provenance" in table:
            assert resource["provenance"] == table["provenance"].value_counts().to_dict()
            values = sum(quantity["values"] for quantity in resource["quantities"])
            assert values == len(table) * (24 if "convention" in table else 1)
            said = {source for quantity in resource["quantities"] for source in quantity["sources"]}
            assert said == set(table["source"])
            assert [quantity["name"] for quantity in resource["quantities"]] == table["quantity"].unique().tolist()


def test_fitted_numbers_are_in_derived_tables_only(of_the_studies: dict[str, dict[str, Any]]) -> None:
    for path, resource in of_the_studies.items():
        if "fitted" in (resource.get("provenance") or ()):
            assert path.startswith("derived/")


def test_names_are_unique_and_as_the_specification_wants_them(of_the_studies: dict[str, dict[str, Any]]) -> None:
    names = [resource["name"] for resource in of_the_studies.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[-a-z0-9._/]+", name) for name in names)
