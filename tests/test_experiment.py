"""An experiment of a user with every parameter changed: the whole pipeline runs, and this checkout stays as it is.

The bands are fitted over what is run and what pages name; ``BCOPT_EXPERIMENT=all`` fits them over all of the protocol.
"""

import os
from io import StringIO

import pandas as pd
import pytest
import yaml
from checkout import committed, contents

from bcopt.compendium.parameters import read_parameters

pytestmark = pytest.mark.slow
SIMULATED = ("program", "hour_shift", "neighbours")
BANDS = ("systems2024", "frontiers2022")
NAMED = ("systems2024.gas_price",)
"""Choices whose alternatives a page asks for by name."""


def shorten_the_bands(project, changes):
    """Leave the protocol of a project the alternatives of the choices that are run otherwise or that a page names."""
    path = project / "data/protocol.yaml"
    protocol = yaml.safe_load(path.read_text())
    for study in BANDS:
        for name, choice in protocol[study]["choices"].items():
            if f"{study}.{name}" not in {*changes, *NAMED}:
                choice["alternatives"] = []
    path.write_text(yaml.safe_dump(protocol, allow_unicode=True, sort_keys=False))
    committed(project)


def test_experiment_with_every_parameter_leaves_the_checkout_alone(copied_project, run):
    changes = {
        "search.engine": "pymoo", "energyeng2023.reading": "b", "energyeng2023.energy_basis": "exact",
        "energyeng2023.depreciation": "true", "energyeng2023.heat_pump_credit": "heat", "energyeng2023.seed": "7",
        "energyeng2023.seeds": "2", "energyeng2023.population": "20", "energyeng2023.front_population": "12",
        "energyeng2023.generations": "15", "energyeng2023.differential_weight": "0.8",
        "energyeng2023.crossover_rate": "0.5", "energyeng2023.samples": "1000",
        "systems2024.tie_rule": "latest", "systems2024.levelled_load": "self-optimised",
        "systems2024.area_reading": "floor area", "systems2024.heat_pump_sharing": "pooled",
        "systems2024.district_loads": "as simulated", "systems2024.account": "held",
        "systems2024.power_to_energy": "0.25",
        "systems2024.search_population": "20", "systems2024.search_generations": "15",
        "systems2024.crossover_probability": "0.9", "systems2024.mutation_probability": "0.1",
        "systems2024.front_mutation_probability": "0.1", "systems2024.seed": "7", "systems2024.seeds": "2",
        "frontiers2022.price_set": "guangdong-2021", "frontiers2022.price_levels": "12",
        "frontiers2022.price_ties": "lowest", "frontiers2022.learning_rate": "0.5", "frontiers2022.discount": "0.0",
        "frontiers2022.episodes": "200", "frontiers2022.seed": "7", "frontiers2022.seeds": "2",
        "frontiers2022.penalty": "0.002",
    }  # fmt: skip
    known = read_parameters(copied_project).model_dump()
    studies = ("energyeng2023", "systems2024", "frontiers2022")
    every = {f"{study}.{name}" for study in studies for name in known[study]}
    assert every - {f"systems2024.{name}" for name in SIMULATED} | {"search.engine"} == set(changes)
    if os.environ.get("BCOPT_EXPERIMENT") != "all":
        shorten_the_bands(copied_project, changes)
    before = contents(copied_project)
    options = [word for name, value in changes.items() for word in ("-S", f"{name}={value}")]
    done = run("dvc", "exp", "run", "--temp", "--name", "everything", *options, "ledger", cwd=copied_project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    assert contents(copied_project) == before
    assert run("git", "status", "--porcelain", cwd=copied_project).stdout == ""
    assert run("dvc", "exp", "list", "--name-only", cwd=copied_project).stdout.split() == ["everything"]
    reference = run("git", "for-each-ref", "--format=%(refname)", "refs/exps", cwd=copied_project).stdout.split()[0]
    text = run("git", "show", f"{reference}:results/ledger.csv", cwd=copied_project).stdout
    ledger = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False).set_index("id")
    assert ledger.loc["E-5.5-same-minimiser", "verdict"] == "not attempted", "not the central variant"
    assert "reading = b" in ledger.loc["E-5.5-same-minimiser", "note"]
    assert ledger.loc["E-5.5-opt-shw", "reproduced"] != "20.2328291"
    for claim in ("S-3.1-hour20-after", "S-3.2.1-public-share", "S-3.2.2-peak-penetration"):
        assert ledger.loc[claim, "verdict"] == "not attempted", "not the central variant"
    assert ledger.loc["S-3.3-gshp-share", "verdict"] == "not attempted", "not the central variant"
    assert "account = held" in ledger.loc["S-3.3-gshp-share", "note"]
    assert "tie_rule = latest" in ledger.loc["S-3.1-hour20-after", "note"]
    assert ledger.loc["S-3.1-cost-after", "verdict"] == "reproduced", "fitted again"
    for claim in ("F-4.2.2-grid-hours", "F-4.3-weight-one", "F-4.3-fuel-share"):
        assert ledger.loc[claim, "verdict"] == "not attempted", "not the central variant"
    assert "price_set = guangdong-2021" in ledger.loc["F-4.3-fuel-share", "note"]
    assert ledger.loc["F-4.3-esp-benefit", "verdict"] == "reproduced", "fitted again"
