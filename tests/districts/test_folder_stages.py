"""A folder put into districts/ is a stage of the pipeline, as the how-to page says."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import xarray as xr

pytestmark = pytest.mark.slow


def test_a_new_folder_is_a_stage_of_its_own(copied_project: Path, run) -> None:
    folder = copied_project / "districts" / "harbour"
    shutil.copytree(copied_project / "districts" / "millbrook", folder)
    text = (folder / "district.yaml").read_text(encoding="utf-8")
    assert "run: [flexibility, mix, sizing, dispatch, pricing]" in text
    changed = text.replace("name: Millbrook", "name: Harbour").replace("currency: EUR", "currency: PLN")
    changed = changed.replace("EUR", "PLN").replace(
        "run: [flexibility, mix, sizing, dispatch, pricing]", "run: [sizing]"
    )
    (folder / "district.yaml").write_text(changed, encoding="utf-8")
    listed = run("dvc", "repro", "district-list", cwd=copied_project)
    assert listed.returncode != 0
    assert "districts/stages.yaml: new harbour\n" in listed.stderr
    assert "run the same command again" in listed.stderr
    assert run("dvc", "repro", "district-list", cwd=copied_project).returncode == 0
    done = run("dvc", "repro", "--single-item", "districts@harbour", cwd=copied_project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    results = copied_project / "results"
    tables = {path.stem for path in (results / "tables/districts/harbour").iterdir()}
    assert tables == {"answers", "front", "loads", "margins", "page", "validation"}
    figures = {path.name for path in (results / "figures/districts/harbour").iterdir()}
    assert figures == {"front.svg", "loads.svg", "page.svg"}
    own, other = (
        pd.read_csv(results / f"tables/districts/{name}/front.csv").to_numpy() for name in ("harbour", "millbrook")
    )
    assert (own[:, :4] == other[:, :4]).all(), "only what money is called was changed"
    assert xr.load_dataset(results / "districts/harbour.nc").sizes["hour"] == 24
    page = nbformat.read(results / "notebooks/districts/harbour.ipynb", as_version=4)
    outputs = [output for cell in page.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = "".join(output.get("data", {}).get("text/plain", "") for output in outputs)
    assert "not asked for: district.yaml has no flexibility under run" in shown
    assert "PLN/a" in shown
    assert "EUR" not in shown
    status = run("dvc", "status", "districts@harbour", "districts@millbrook", cwd=copied_project)
    assert "up to date" in status.stdout, status.stdout


def test_a_broken_folder_stops_its_own_stage_alone(copied_project: Path, run) -> None:
    file = copied_project / "districts" / "millbrook" / "district.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("floor_area: 3.6 ha", "floor_aera: 3.6 hb"), encoding="utf-8"
    )
    before = (copied_project / "results/tables/districts/millbrook/answers.csv").read_bytes()
    done = run("dvc", "repro", "--single-item", "districts@millbrook", cwd=copied_project)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "clusters.Homes.floor_aera: unknown, did you mean floor_area?" in said
    assert "clusters.Homes.floor_area: missing, expected m2, above 0: of all storeys" in said
    assert (copied_project / "results/tables/districts/millbrook/answers.csv").read_bytes() == before
