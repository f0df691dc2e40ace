"""What a newcomer reads must lead somewhere: links, tables of contents, provenance rows, citations."""

import re

import pandas as pd
import pytest
import yaml

LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)")
DOIS = {"10.3390/systems12030092", "10.32604/ee.2023.026337", "10.3389/fenrg.2022.865190"}


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md", "data/README.md", "docs/adding-a-technology.md"])
def test_links_lead_to_files(root, document):
    path = root / document
    broken = [target for target in LINK.findall(path.read_text()) if not (path.parent / target.split("#")[0]).exists()]
    assert not broken


def test_readme_places_every_claim(root):
    text = (root / "README.md").read_text()
    claims = pd.read_csv(root / "data/published/claims.csv", dtype=str)["id"]
    groups = claims.str.extract(r"^([A-Z]-[\d.]+)")[0]
    for group, count in groups.value_counts().items():
        if not group.startswith("E-"):
            assert f"{group}-* ({count})" in text or f"{group}-tables" in text, group
    for claim in claims[claims.str.startswith("E-")]:
        last = claim.split("-")[-1]
        assert claim in text or f"-{last}" in text, claim


def test_readme_places_every_notebook_and_built_figure(root):
    text = (root / "README.md").read_text()
    for path in (root / "notebooks").rglob("*.ipynb"):
        assert path.relative_to(root / "notebooks").as_posix() in text


def test_readme_commands_are_those_of_ci(root):
    text = (root / "README.md").read_text()
    commands = [line for line in (root / ".ci/run").read_text().splitlines() if line.startswith("make ")]
    assert commands == ["make reproduce", "make test"]
    for command in commands:
        assert re.search(rf"^{command}\b", text, re.MULTILINE)


def test_every_table_has_its_provenance_row(root):
    """The words of the page, data/tables.yaml, are no table."""
    text = (root / "data/README.md").read_text()
    files = {
        p.relative_to(root / "data").as_posix()
        for p in (root / "data").rglob("*")
        if p.suffix in {".csv", ".yaml", ".nc"}
    }
    listed = re.findall(r"^\| \[`([^`]+)`\]\(([^)]+)\) \|", text, re.MULTILINE)
    assert all(name == target for name, target in listed)
    assert sorted(name for name, _ in listed) == sorted(files - {"tables.yaml"})


def test_every_table_of_numbers_says_what_it_holds(root):
    """Below the overview each CSV and NetCDF file has its own list, and each list its file."""
    text = (root / "data/README.md").read_text()
    files = {p.relative_to(root / "data").as_posix() for p in (root / "data").rglob("*") if p.suffix in {".csv", ".nc"}}
    assert sorted(re.findall(r"^### `([^`]+)`$", text, re.MULTILINE)) == sorted(files)


def test_citation_names_the_three_studies(root):
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {reference["doi"] for reference in citation["references"]} == DOIS
    assert all(reference["authors"] for reference in citation["references"])


def test_version_is_one(root):
    import tomli

    import bcopt

    assert tomli.loads((root / "pyproject.toml").read_text())["project"]["version"] == bcopt.__version__
