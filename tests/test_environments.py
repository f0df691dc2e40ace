"""The ledger of this environment beside the committed one, which the reference environment wrote."""

import importlib.util

import pandas as pd
import pytest
import yaml
from checkout import copy_of_project

from bcopt.compendium.ledger import read_fragments

REFERENCE = importlib.util.find_spec("geatpy") is not None
SAME = 1e-6
"""Relative difference of two computations of one number; HiGHS itself proves optima to 1e-7."""
SEARCHED = {
    *("03-mix", "rates", "seeds", "settings"),
    *("gaps-as published", "gaps-with the budget in the state", "learnt-guangdong-2021", "learnt-text-bands"),
}
"""Tables of what searches and learners found, which another engine and another numpy draw anew."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.agreement,
    pytest.mark.skipif(REFERENCE, reason="the reference environment executes the committed notebooks themselves"),
]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A copy of this checkout whose searches run by pymoo, as they must without geatpy; few, as it is slow."""
    copy = copy_of_project(tmp_path_factory.mktemp("environment") / "project")
    parameters = yaml.safe_load((copy / "params.yaml").read_text())
    parameters["search"]["engine"] = "pymoo"
    parameters["energyeng2023"]["seeds"] = 2
    (copy / "params.yaml").write_text(yaml.safe_dump(parameters, allow_unicode=True))
    return copy


def pages(root):
    return sorted(f"{path.parent.name}/{path.stem}" for path in root.glob("notebooks/*/*.ipynb"))


def pytest_generate_tests(metafunc):
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", pages(metafunc.config.rootpath))


def test_the_ledger_agrees(root, elsewhere, run, page):
    done = run("python", "-m", "bcopt.compendium.runner", page, cwd=elsewhere)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    committed, found = (read_fragments(folder)[page].set_index("id") for folder in (root, elsewhere))
    assert list(found.index) == list(committed.index)
    elsewhere_alone = found["verdict"].eq("not attempted") & found["note"].str.startswith("not the protocol's central")
    both = found.index[~elsewhere_alone]
    pd.testing.assert_series_equal(found.loc[both, "verdict"], committed.loc[both, "verdict"])
    assert [row for row in both if differs(committed.loc[row], found.loc[row])] == []
    assert tables(root, page) == tables(elsewhere, page)
    exact = [name for name in tables(root, page) if page.partition("/")[0] != "energyeng2023" and name not in SEARCHED]
    for name in exact:
        here, there = (pd.read_csv(folder / f"results/tables/{page}/{name}.csv") for folder in (elsewhere, root))
        pd.testing.assert_frame_equal(here, there, rtol=SAME, obj=name)


def tables(folder, page):
    return sorted(path.stem for path in (folder / "results/tables" / page).glob("*.csv") if path.stem != "ledger")


def differs(committed, found):
    """Return whether a number is off by more than the tolerance of its row, or by more than SAME where it has none."""
    if committed["reproduced"] in ("", "true", "false"):
        return found["reproduced"] != committed["reproduced"]
    here, there = float(found["reproduced"]), float(committed["reproduced"])
    try:
        allowed = float(committed["tolerance"])
    except ValueError:
        allowed = 0.0
    return abs(here - there) > max(min(allowed, abs(there)), SAME * abs(there))
