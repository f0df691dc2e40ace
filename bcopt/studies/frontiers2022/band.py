"""The pipeline's stage that fits every scenario anew: the band over what the protocol could have decided.

``python -m bcopt.studies.frontiers2022 band`` writes data/derived/frontiers2022_band.csv and its numbers once more in
results/frontiers2022/band.nc.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import xarray as xr

from bcopt.compendium.files import write_dataset, write_table
from bcopt.compendium.fitted import NUMBER, TRUTH, WORDS, in_order, read_swept, stamped
from bcopt.compendium.ledger import read_claims
from bcopt.compendium.lifeline import Lifeline
from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.protocol import read_protocol
from bcopt.compendium.runner import put_into_place, run_alone, staged
from bcopt.methods.parallel import in_parallel
from bcopt.methods.solver import NotSolved
from bcopt.studies.frontiers2022 import inputs, results, simulation
from bcopt.studies.frontiers2022.fits import TARGETS, fit, printed
from bcopt.studies.frontiers2022.inputs import CARRIERS, CLUSTERS
from bcopt.studies.frontiers2022.results import row
from bcopt.studies.frontiers2022.scenario import Scenario, alternatives, central

STAGE = "frontiers2022/band"
TABLE = "frontiers2022_band.csv"
SOLUTION = Path("results/frontiers2022/band.nc")
PARAMETERS = ("price_set", "price_levels", "price_ties")
"""Parameters of the run that the scenarios share."""
COLUMNS: dict[str, pa.Column] = {
    **{knob.replace("_", " "): NUMBER for knob in TARGETS},
    "no root": WORDS,
    **{f"cost of {cluster} [yuan]": NUMBER for cluster in CLUSTERS},
    **{f"{cluster} uses of its capacity [%]": NUMBER for cluster in CLUSTERS},
    **dict.fromkeys((results.BENEFIT, results.COST, results.FUEL_SHARE), NUMBER),
    **{f"commercial uses less {carrier}, 10 to 20 [%]": NUMBER for carrier in CARRIERS},
    **{f"of it reduced {carrier} [%]": NUMBER for carrier in CARRIERS},
    "residential price over wholesale, 8 to 13 [%]": NUMBER,
    "residential price over wholesale, other hours [%]": NUMBER,
    "residential electricity reduced, 8 to 13 [%]": NUMBER,
    "residential electricity less after dispatch, 8 to 13 [%]": NUMBER,
    "mean purchase, 0 to 8 and 22 to 24 [kW]": NUMBER,
    "mean purchase, other hours [kW]": NUMBER,
    "hours with the turbine on": NUMBER,
    "hours with the turbine on in which CCHP comes first": NUMBER,
    "hours of the sentence with a loss": NUMBER,
    "hours with a loss": NUMBER,
    "benefit in the hours of the sentence [yuan]": NUMBER,
    **{f"{column}{by}": TRUTH for column in results.STATEMENTS.values() for by in ("", results.OTHERWISE)},
}
"""What the table holds beside the scenarios."""


@dataclass(frozen=True)
class Task:
    """One scenario to be fitted in a process of its own."""

    name: str
    days: xr.Dataset
    inputs: xr.Dataset
    scenario: Scenario
    wanted: Mapping[str, float]


def _fitted_row(task: Task) -> dict[str, object]:
    return row(task.name, fit(task.days, task.inputs, task.scenario, task.wanted))


def sweep(
    scenarios: Mapping[str, Scenario],
    days: xr.Dataset,
    given: xr.Dataset,
    wanted: Mapping[str, float],
    workers: int | None = None,
) -> pd.DataFrame:
    """Fit every scenario anew and return what each says, a row each in their order.

    Parameters
    ----------
    scenarios : mapping of str to Scenario
        The central one first.
    days, given, wanted
        As :func:`bcopt.studies.frontiers2022.fits.fit` takes them.
    workers : int, optional
        Processes; as many as processors by default.
    """
    tasks = [Task(name, days, given, scenario, wanted) for name, scenario in scenarios.items()]
    return pd.DataFrame(in_parallel(_fitted_row, tasks, workers=workers))


def run(root: Path, lifeline: Lifeline) -> None:
    """Fit every scenario, then put the table into place, or nothing if a fit fails or the pipeline is gone.

    Raises
    ------
    InputError
        If an input table, params.yaml, the protocol or the simulated days are faulty.
    """
    protocol, parameters = read_protocol(root), read_parameters(root).frontiers2022.model_dump()
    given = inputs.load(root)
    middle = central(protocol["frontiers2022"], given, parameters)
    scenarios = alternatives(protocol["frontiers2022"], middle)
    found = sweep(scenarios, simulation.read(root), given, printed(read_claims(root)))
    shared = {name: getattr(middle, name) for name in PARAMETERS}
    with staged(STAGE, root) as staging:
        write_table(staging / "data" / "derived" / TABLE, stamped(found, root, shared))
        numbers = found.set_index("scenario").select_dtypes("number")
        labels = {"scenario": list(numbers.index), "quantity": list(numbers)}
        write_dataset(staging / SOLUTION, xr.Dataset({"found": (tuple(labels), numbers.to_numpy(float))}, labels))
        lifeline.check()
        put_into_place(staging, root, [])


def read(root: Path, parameters: Mapping[str, Any]) -> pd.DataFrame:
    """Return what the stage wrote.

    Parameters
    ----------
    root : Path
        Project root.
    parameters : mapping
        Of the run, by name.

    Raises
    ------
    InputError
        If it has not run, or ran under another protocol or other parameters; listing every fault of a cell, and every
        scenario that is missing or unknown.
    """
    stage = STAGE.replace("/", "-")
    found = read_swept(TABLE, stage, root, PARAMETERS, parameters, COLUMNS)
    protocol = read_protocol(root)["frontiers2022"]
    of_run = {**read_parameters(root).frontiers2022.model_dump(), **parameters}
    scenarios = alternatives(protocol, central(protocol, inputs.load(root), of_run))
    return in_order(found, list(scenarios), TABLE, stage)


def main() -> int:
    """Fit as a stage of the pipeline."""
    return run_alone(STAGE, run, NotSolved)
