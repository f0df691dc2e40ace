"""A page writes where the runner tells it to, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from bcopt.compendium import figures
from bcopt.compendium.fitted import read_fitted
from bcopt.compendium.inputs import Expected
from bcopt.compendium.ledger import Outcome
from bcopt.compendium.page import STAGING, Page, outputs
from bcopt.compendium.problems import InputError

# netCDF4 is compiled against headers of a newer numpy, whose array struct is opaque; numpy itself declares this warning
# harmless, but pytest's "error" overrides numpy's own filter.
pytestmark = pytest.mark.filterwarnings("ignore:numpy.ndarray size changed:RuntimeWarning")
STAGE = "study2020/1-costs"
FILES = {
    "dvc.yaml": "",
    "data/protocol.yaml": """\
study2020:
  choices: {reading: {value: c, reason: as published, alternatives: [a], known_before: true}}
  fits: []
  held_out: {}
""",
    "data/published/claims.csv": """\
id,paper,locator,statement,printed,unit,class,basis,correction
S-1-share,study2020,section 1,a share,12.5,%,identity,,
S-1-falls,study2020,section 1,it falls,true,,qualitative,,
S-1-other,study2020,section 1,not here,1,kW,identity,,
""",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a checkout to work in; afterwards pandas displays as before."""
    for name, text in FILES.items():
        (tmp_path / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "checkout" / name).write_text(text)
    (tmp_path / "checkout/notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "checkout/notebooks")
    monkeypatch.delenv(STAGING, raising=False)
    with pd.option_context("display.float_format", None, "display.max_colwidth", 50, "display.max_rows", 60):
        yield tmp_path / "checkout"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


TABLE = pd.DataFrame({"hour": [0, 1], "cost": [1 / 3, 2.0]})
SOLUTION = xr.Dataset({"cost": ("hour", [1 / 3, 2.0], {"units": "yuan"})})


def publish(page: Page) -> dict[str, object]:
    with figures.style():
        figure, axes = figures.new()
        axes.plot([0, 1])
    page.metrics({"rows": 3})
    return {
        "figure": page.figure(figure, "1-line"),
        "table": page.table(TABLE, "costs"),
        "solution": page.solution(SOLUTION),
        "derived": page.derived(TABLE, "study2020_x.csv"),
        "whole": page.whole_ledger(pd.DataFrame({"id": ["S-1-share"]})),
        "ledger": page.ledger({"S-1-falls": Outcome(True), "S-1-share": Outcome(12.5, "by hand")}),
    }


@pytest.mark.parametrize("staging", [None, ""])
def test_reading_writes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, staging: str | None) -> None:
    if staging is not None:
        monkeypatch.setenv(STAGING, staging)
    before = contents(root.parent)
    shown = publish(Page(STAGE))
    assert contents(root.parent) == before
    assert sorted(path.name for path in root.iterdir()) == ["data", "dvc.yaml", "notebooks"], "not even a folder"
    assert all(value is not None for value in shown.values())


@pytest.fixture
def staged(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Page, Path, dict[str, object]]:
    staging = root / "results/.staging/run"
    monkeypatch.setenv(STAGING, str(staging))
    page = Page(STAGE, {"reading": "c", "seed": 1})
    return page, staging, publish(page)


def test_files_land_at_their_places(staged: tuple[Page, Path, dict[str, object]], root: Path) -> None:
    found = contents(staged[1])
    assert set(found) == {
        "data/derived/study2020_x.csv",
        "results/figures/study2020/1-costs/1-line.svg",
        "results/ledger.csv",
        "results/metrics.json",
        "results/study2020/1-costs.nc",
        "results/tables/study2020/1-costs/costs.csv",
        "results/tables/study2020/1-costs/ledger.csv",
    }
    outside = {name for name in contents(root) if ".staging" not in name}
    assert outside == set(FILES)
    places = outputs(STAGE)
    assert (places["figures"] / "1-line.svg").as_posix() in found
    assert (places["tables"] / "costs.csv").as_posix() in found
    assert places["solution"].as_posix() in found
    assert places["notebook"].as_posix() == f"results/notebooks/{STAGE}.ipynb"


def test_what_is_shown_is_what_was_written(staged: tuple[Page, Path, dict[str, object]]) -> None:
    _, staging, shown = staged
    written = pd.read_csv(staging / "results/tables/study2020/1-costs/costs.csv").set_index("hour")
    pd.testing.assert_frame_equal(shown["table"], written)
    xr.testing.assert_identical(shown["solution"], xr.load_dataset(staging / "results/study2020/1-costs.nc"))
    assert shown["figure"].data.startswith(b"\x89PNG")
    assert shown["figure"].alt == "study2020/1-costs: 1-line"
    svg = (staging / "results/figures/study2020/1-costs/1-line.svg").read_bytes()
    assert svg.startswith(b"<?xml")
    assert (staging / "results/metrics.json").read_text() == '{\n  "rows": 3\n}\n'


def test_fits_and_rows_carry_the_protocol(staged: tuple[Page, Path, dict[str, object]]) -> None:
    page, staging, shown = staged
    for name in ("data/derived/study2020_x.csv", "results/tables/study2020/1-costs/ledger.csv"):
        assert pd.read_csv(staging / name)["protocol"].unique().tolist() == [page.protocol.sha256]
    assert "protocol" not in shown["derived"].columns
    rows = shown["ledger"]
    assert rows.index.tolist() == ["S-1-share", "S-1-falls"]
    assert rows["verdict"].tolist() == ["reproduced", "reproduced"]


def test_what_was_fitted_is_read_under_the_protocol_it_was_fitted_under(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page writes the table and the next stage reads it, until one word of the protocol changes."""
    monkeypatch.setenv(STAGING, str(root))
    knob = {"quantity": "load_scale", "value": 0.123456789, "unit": "1", "provenance": "fitted"}
    table = pd.DataFrame([{**knob, "source": "fit 1", "description": "factor on the load"}])
    Page(STAGE).derived(table, "study2020_fits.csv")
    monkeypatch.delenv(STAGING)

    def read() -> float:
        return float(
            read_fitted("study2020_fits.csv", "study2020-costs", {"load_scale": Expected("1")}, root)["load_scale"]
        )

    assert read() == pytest.approx(0.123456789, rel=1e-8)
    protocol = root / "data/protocol.yaml"
    protocol.write_text(protocol.read_text().replace("as published", "as printed"))
    with pytest.raises(InputError, match="was made under another"):
        read()


def test_a_fit_without_a_step_is_not_judged(root: Path) -> None:
    claims = root / "data/published/claims.csv"
    claims.write_text(claims.read_text().replace("%,identity", "%,fit"))
    with pytest.raises(ValueError, match=r"S-1-share: a fit needs its step in data/protocol\.yaml"):
        Page(STAGE).ledger({"S-1-share": Outcome(12.5)})


def test_a_variant_does_not_decide(root: Path) -> None:
    rows = Page(STAGE, {"reading": "a"}).ledger({"S-1-falls": Outcome(True), "S-1-share": Outcome(12.5)})
    assert rows["verdict"].tolist() == ["reproduced", "not attempted"]
    assert rows.loc["S-1-falls", "note"] == "not the protocol's central variant: reading = a"
    assert root.is_dir()


def test_the_same_page_twice_is_the_same_text(staged: tuple[Page, Path, dict[str, object]]) -> None:
    """What a cell shows ends in the executed notebook, byte for byte; xarray numbers its sections at random."""
    page, _, shown = staged
    again = publish(page)
    for name in ("solution", "table", "derived", "ledger"):
        assert shown[name]._repr_html_() == again[name]._repr_html_(), name
    assert shown["figure"].data == again["figure"].data


def test_inputs_are_not_touched(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STAGING, str(root / "results/.staging/run"))
    table, solution = TABLE.copy(), SOLUTION.copy(deep=True)
    page = Page(STAGE)
    page.table(table, "x")
    page.solution(solution)
    pd.testing.assert_frame_equal(table, TABLE)
    xr.testing.assert_identical(solution, SOLUTION)


def test_one_column_is_not_made_an_index(root: Path) -> None:
    assert Page(STAGE).table(pd.DataFrame({"cost": [1.0]}), "x").columns.tolist() == ["cost"]
    assert root.is_dir()


def test_invalid_protocol_is_told_at_once(root: Path) -> None:
    (root / "data/protocol.yaml").write_text("study2020: {}\n")
    with pytest.raises(InputError, match=r"data/protocol\.yaml: 3 problems"):
        Page(STAGE)


def test_unknown_study(root: Path) -> None:
    page = Page("other2020/x")
    assert page.study == "other2020"
    with pytest.raises(InputError, match="has no study 'other2020'"):
        page.ledger({})
    assert root.is_dir()
