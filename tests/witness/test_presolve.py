"""The ledger once more without presolve, by which HiGHS takes another road to the same optimum.

The central fits and the ledger rows of each study are computed anew in a copy of the checkout, by Pythons that solve
nothing with presolve. Scenarios other than the central one, which make the bands, stay as committed.
"""

import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from bcopt.compendium.ledger import read_claims, read_fragments
from bcopt.compendium.runner import REPEATABLE

ROOT, HERE = Path(__file__).parents[2], Path(__file__).parent
AGREE = 1e-6
STUDIES = {
    "systems2024": "LP off kNotPresolved",
    "frontiers2022": "MILP off kNotPresolved",
    "energyeng2023": "LP off scipy",
}
"""What the programmes of a study's ledger rows are, as the record has them."""
WITHOUT_PROGRAMME = {
    "inputs, and arithmetic of printed numbers or of plans that are printed": [
        *("S-2.1-january", "S-2.1-july", "S-2.1-density-residential", "S-2.1-density-tower", "S-2.1-density-mall"),
        *("S-3.3-gshp-utilisation", "S-3.3-reduction", "S-3.3-export-utilised", "S-3.3-co2"),
        *("S-3.3-unshared-utilisation", "E-5.3-target-mwh", "E-5.3-target-mj"),
        *("E-5.5-base-wpp", "E-5.5-base-shw", "E-5.5-base-spg", "E-5.5-base-gshp"),
        *("E-5.5-opt-wpp", "E-5.5-opt-shw", "E-5.5-opt-spg", "E-5.5-opt-gshp"),
    ],
    "the simulated day, nothing optimised": ["S-3.1-cost-before", "S-3.1-hour20-before", "S-3.2.1-hotel-level"],
    "evolutionary searches": ["S-3.2.1-convergence", "S-3.2.2-convergence"],
    "draws, each solved by merit order": ["E-5.5-same-minimiser"],
    "nothing printed": ["S-3.2.1-table3", "S-3.3-pareto", "E-5.4-tables", "F-4.1-tables"],
}
"""Rows that no linear or mixed-integer programme has a part in; all others are witnessed here."""
SMALL = """
import linopy, scipy.optimize, xarray
from bcopt.methods import solver
model = linopy.Model()
x = model.add_variables(lower=0, upper=10, coords=[range(3)], name="x")
model.add_constraints(x.sum() >= 3.5)
model.add_objective((x * xarray.DataArray([1.0, 2.0, 3.0], dims="dim_0")).sum())
solver.solve(model)
solver.Programme.of(model).solve(solver.Programme.of(model).highs())
scipy.optimize.linprog([1.0, 2.0], A_ub=[[-1.0, -1.0]], b_ub=[-3.5])
"""


def run(arguments, folder, record, presolve="off", hook=True):
    """Run Python under the hook and return how often it solved what and how, by lines of the record."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "BCOPT"))}
    hooks = [str(HERE / "without_presolve")] if hook else []
    path = os.pathsep.join([*hooks, str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
    added = {"PYTHONPATH": path, "WITNESS_PRESOLVE": presolve, "WITNESS_RECORD": str(record)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=kept | REPEATABLE | added,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return Counter(record.read_text().splitlines()) if record.is_file() else Counter()


def presolved(solves):
    """Return the solves that were not without presolve."""
    return {line: count for line, count in solves.items() if line not in STUDIES.values()}


@pytest.fixture(scope="module", params=list(STUDIES))
def again(request, tmp_path_factory):
    """A study, a checkout with its rows computed anew, and what was solved for them."""
    folder = tmp_path_factory.mktemp(request.param)
    for name in ("data", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder / name)
    return request.param, folder, run([str(HERE / "ledger_rows.py"), request.param], folder, folder / "record.txt")


def same(first, second):
    """Return whether two cells say the same, numbers in them to the tolerance."""
    number = r"-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?"
    if first == second or re.sub(number, "", first) != re.sub(number, "", second):
        return first == second
    pairs = zip(*(re.findall(number, cell) for cell in (first, second)), strict=True)
    return all(math.isclose(*(float(x.replace(",", "")) for x in pair), rel_tol=AGREE, abs_tol=AGREE) for pair in pairs)


def different(first, second):
    """Return the cells of two tables that do not say the same."""
    assert list(first) == list(second)
    assert len(first) == len(second)
    cells = ((column, *pair) for column in first for pair in zip(first[column], second[column], strict=True))
    return [cell for cell in cells if not same(*cell[1:])]


@pytest.mark.slow
def test_every_row_is_the_same_without_presolve(again):
    study, folder, solves = again
    assert solves[STUDIES[study]] > 0
    assert not presolved(solves)
    committed = {name: rows for name, rows in read_fragments(ROOT).items() if name.startswith(study)}
    computed = read_fragments(folder)
    assert computed.keys() == committed.keys()
    for name, rows in computed.items():
        assert not different(committed[name], rows), name


@pytest.mark.slow
def test_fitted_values_are_the_same_without_presolve(again):
    study, folder, _ = again
    tables = [path.name for path in (ROOT / "data" / "derived").glob(f"{study}*.csv")]
    assert tables
    for name in tables:
        both = (pd.read_csv(of / "data" / "derived" / name, dtype=str, keep_default_na=False) for of in (ROOT, folder))
        assert not different(*both), name


def test_every_claim_is_witnessed_or_has_no_programme():
    without = [claim for claims in WITHOUT_PROGRAMME.values() for claim in claims]
    every = read_claims(ROOT)["id"]
    assert len(without) == len(set(without))
    assert set(without) <= set(every)
    assert (len(every), len(every) - len(without)) == (91, 61)


@pytest.mark.parametrize("presolve", ["off", "on", ""])
def test_a_presolve_would_be_seen(tmp_path, presolve):
    solves = run(["-c", SMALL], ROOT, tmp_path / "record.txt", presolve)
    assert solves.total() == 3
    assert sum(presolved(solves).values()) == (0 if presolve == "off" else 3)


def test_a_missing_hook_would_be_seen(tmp_path):
    assert not run(["-c", SMALL], ROOT, tmp_path / "record.txt", hook=False)
