"""JupyterLab as a user meets it: `make lab` opens it, every notebook runs top to bottom there and writes nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import browser
import nbformat
import pytest
from checkout import committed
from lab import code_cells, run_all, started
from playwright.sync_api import expect

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(
    path.relative_to(ROOT / "notebooks").as_posix()
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
RUN_HERE = [
    "energyeng2023/5.3-renewable-energy.ipynb",
    "ledger.ipynb",
    "own-district.ipynb",
    "systems2024/2.1-clusters-and-loads.ipynb",
]
"""The quickest of two studies, the ledger and a district; all are executed by nbval, as rendered."""
RENDERED = {"own-district.ipynb": "districts/millbrook.ipynb"}
"""Where a notebook is rendered under another name: with the parameters it has."""
IN_THE_BROWSER = "energyeng2023/5.3-renewable-energy.ipynb"
LEFT_OUT = (".git", ".venv*", ".uv", ".dvc", ".hypothesis", "__pycache__", "*_cache", ".staging", ".ipynb_checkpoints")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a checkout of its own with all that notebooks read; it is committed, so that git sees every change."""
    copy = tmp_path_factory.mktemp("lab") / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    return committed(copy)


@pytest.fixture(scope="module")
def server(project):
    """Open JupyterLab by the recipe of `make lab`, with the environment of this test in place of .venv."""
    command = ["make", "--dry-run", "--old-file=environment", "lab"]
    above = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}  # of a `make test` that runs this
    environment = {name: value for name, value in os.environ.items() if name not in above}
    recipe = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True).stdout
    place, here = str(project / ".venv/bin"), str(Path(sys.executable).parent)
    assert place in recipe
    with started(recipe.replace(place, here), project, project.parent) as lab:
        yield lab


def contents(project, *folders):
    return {path: path.read_bytes() for name in folders for path in (project / name).rglob("*") if path.is_file()}


def git_status(project):
    command = ["git", "status", "--porcelain"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout


def test_file_browser_shows_every_notebook(server):
    assert sorted(server.listed()) == NOTEBOOKS


# ---------------------------------------------------------------- every notebook


def shown(cell, outputs):
    """Return what a reader sees of a cell: the text where the cell asks for it to be checked, its kind elsewhere."""
    checked = "# NBVAL_CHECK_OUTPUT" in cell.source
    bundles = [output.get("data", {output.get("name"): output.get("text")}) for output in outputs]
    bundles = [bundle for bundle in bundles if "stderr" not in bundle]
    return [{kind: text if checked else "" for kind, text in bundle.items()} for bundle in bundles]


def test_comparison_sees_a_digit_where_it_is_checked_and_a_lost_figure_everywhere():
    checked, unchecked = (nbformat.v4.new_code_cell(f"{mark}table") for mark in ("# NBVAL_CHECK_OUTPUT\n", ""))
    tables = [[{"data": {"text/plain": text}}] for text in ("48.1", "48.2")]
    assert shown(checked, tables[0]) != shown(checked, tables[1])
    assert shown(unchecked, tables[0]) == shown(unchecked, tables[1]) != shown(unchecked, [{"data": {"image/png": ""}}])
    assert (
        shown(unchecked, [{"name": "stderr", "text": "warned"}])
        == []
        != shown(unchecked, [{"name": "stdout", "text": ""}])
    )


@pytest.mark.parametrize("notebook", RUN_HERE)
def test_run_all_shows_what_is_rendered_and_writes_nothing(server, project, notebook):
    before = contents(project, "results", "data", "notebooks")
    computed = run_all(server, notebook)
    rendered = code_cells(project / "results/notebooks" / RENDERED.get(notebook, notebook))
    assert len(computed) == len(rendered)
    for cell, outputs in zip(rendered, computed, strict=True):
        assert shown(cell, outputs) == shown(cell, cell.outputs), cell.source
    assert contents(project, "results", "data", "notebooks") == before
    assert git_status(project) == ""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("input()", "asks for input"),
        ("import time; time.sleep(600)", "the notebook takes too long"),
        ("import os; os._exit(1)", "the kernel died"),
    ],
)
def test_what_stops_a_notebook_is_told_with_its_place(server, source, message):
    cells = [nbformat.v4.new_code_cell(text) for text in ("1", source, "1")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "-"}})
    path = server.notebooks / "stopped.ipynb"
    nbformat.write(notebook, path)
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception)) as caught:
            run_all(server, path.name, seconds=15)
    finally:
        path.unlink()
    assert f"stopped.ipynb, code cell 2 of 3: {message}" in str(caught.value)
    assert "died" in message or server.request("GET", "api/sessions") == []


# ---------------------------------------------------------------- in a browser


def test_a_user_runs_all_cells(server, project):
    """Through the menu, in the page that a user sees. Last, since JupyterLab may save the notebook by itself."""
    before = contents(project, "results", "data")
    rendered = code_cells(project / "results/notebooks" / IN_THE_BROWSER)
    kinds = [kind for cell in rendered for output in cell.outputs for kind in output.get("data", {})]
    with browser.started() as chromium:
        page, errors = chromium.new_page(viewport={"width": 1400, "height": 1000}), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{server.url}/lab/tree/{IN_THE_BROWSER}?token={server.token}")
        expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=120_000)
        expect(page.locator(".jp-Notebook mjx-container").first).to_be_attached()
        page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
        page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
        prompts = [f"[{number}]:" for number in range(1, len(rendered) + 1)]
        expect(page.locator(".jp-CodeCell .jp-InputPrompt")).to_have_text(prompts, timeout=300_000)
        expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
        outputs = page.locator(".jp-CodeCell .jp-OutputArea")
        expect(outputs.locator("img")).to_have_count(kinds.count("image/png"))
        expect(outputs.locator("table")).to_have_count(kinds.count("text/html"))
        assert kinds.count("image/png") == 3
        for figure in outputs.locator("img").all():
            assert figure.evaluate("image => image.complete && image.naturalWidth") > 300
        expect(outputs.locator("[data-mime-type='application/vnd.jupyter.error']")).to_have_count(0)
        expect(outputs.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)
        assert errors == []
    assert contents(project, "results", "data") == before
