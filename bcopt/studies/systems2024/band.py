"""The pipeline's stage that fits every scenario anew: what sections 3.1 to 3.3 say under all that could be decided.

``python -m bcopt.studies.systems2024 band`` writes fits 1 and 2 of every scenario to data/derived/systems2024_fits.csv,
what each section says to data/derived/systems2024_band_*.csv, and all numbers once more to results/systems2024/band.nc.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bcopt.compendium.files import rounded_table, write_dataset, write_table
from bcopt.compendium.fitted import in_order, read_swept, stamped
from bcopt.compendium.ledger import read_claims
from bcopt.compendium.lifeline import Lifeline
from bcopt.compendium.parameters import read_parameters
from bcopt.compendium.paths import project_root
from bcopt.compendium.protocol import StudyProtocol, read_protocol
from bcopt.compendium.runner import put_into_place, run_alone, staged
from bcopt.methods.solver import NotSolved
from bcopt.studies.systems2024 import (
    analysis,
    demand,
    district_fits,
    district_results,
    fits,
    flexibility_results,
    inputs,
    levelling,
    levelling_results,
    penetration,
    simulation,
)
from bcopt.studies.systems2024.band_columns import COLUMNS
from bcopt.studies.systems2024.flexible_day import Knobs
from bcopt.studies.systems2024.scenario import (
    CENTRAL,
    OF_THE_DISTRICT,
    OF_THE_FITS,
    Scenario,
    alternatives,
    central,
)

STAGE = "systems2024/band"
SECTIONS = ("self-optimisation", "levelling", "penetration", "district", "district-combinations")
"""What the tables are about: sections 3.1, 3.2.1, 3.2.2, and 3.3 in one choice and in combinations of several."""
SOLUTION = Path("results/systems2024/band.nc")
SIMULATED = ("program", "hour_shift", "neighbours")
"""Parameters of the simulated loads."""
PARAMETERS = (
    *SIMULATED,
    "tie_rule",
    "levelled_load",
    "area_reading",
    "heat_pump_sharing",
    "district_loads",
    "account",
    "power_to_energy",
)
"""Parameters of the run that the scenarios share."""


def sweep(
    protocol: StudyProtocol,
    middle: Scenario,
    loads: xr.Dataset,
    variants: xr.Dataset,
    given: xr.Dataset,
    claims: pd.DataFrame,
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Fit every scenario and return the fits and, by section, a table with a row a scenario, the central one first.

    Parameters
    ----------
    protocol : StudyProtocol
        With the alternatives.
    middle : Scenario
        The central one.
    loads, variants, given
        Simulated loads, their variants, and the study's inputs.
    claims : pd.DataFrame
        From :func:`bcopt.compendium.ledger.read_claims`.
    """
    of = scenarios(protocol, middle, variants["variant"].to_numpy().tolist())
    days, fitted = flexibility_results.sweep(of["self-optimisation"], loads, variants, given, fits.targets(claims))
    table = fits.fitted_table(fitted)
    others = [name for name in of["levelling"] if name not in of["penetration"]]
    knobs = _knobs(table, of["penetration"] | of["district"])
    knobs |= dict.fromkeys([*others, *of["district-combinations"]], knobs[CENTRAL])
    printed = district_fits.targets(claims)
    # A combination that differs in one choice alone is the scenario of that name.
    every = of["district"] | of["district-combinations"]
    of_both = district_results.sweep(every, loads, variants, given, knobs, printed).set_index("scenario")
    found = {
        "self-optimisation": days,
        "levelling": levelling_results.public_shares(of["levelling"], loads, variants, given, knobs),
        "penetration": penetration.penetrations(of["penetration"], loads, variants, given, knobs),
        "district": of_both.loc[list(of["district"])].reset_index(),
        "district-combinations": of_both.loc[list(of["district-combinations"])].reset_index(),
    }
    return table, found


def scenarios(protocol: StudyProtocol, middle: Scenario, variants: Sequence[str]) -> dict[str, dict[str, Scenario]]:
    """Return the scenarios of each section by name, the central one first.

    Parameters
    ----------
    protocol, middle
        As in :func:`sweep`.
    variants : sequence of str
        Names of the variants of the simulated loads.
    """
    of_demand = alternatives(protocol, middle, variants)
    others = {name: of for name, of in levelling.loads_to_level(middle).items() if of not in of_demand.values()}
    return {
        "self-optimisation": alternatives(protocol, middle, variants, OF_THE_FITS),
        "levelling": of_demand | others,
        "penetration": of_demand,
        "district": alternatives(protocol, middle, variants, OF_THE_FITS + OF_THE_DISTRICT),
        "district-combinations": district_results.crossed(protocol, middle),
    }


def _knobs(table: pd.DataFrame, scenarios: Mapping[str, Scenario]) -> dict[str, Knobs]:
    """Return the knobs of scenarios from the table of the fits, as later stages will read them: rounded."""
    value = rounded_table(table).set_index(["scenario", "quantity"])["value"]
    return {
        name: Knobs(**{knob: float(value[fitted, knob]) for knob in fits.UNITS})
        for name, fitted in fits.fitted_as(scenarios).items()
    }


def table_of(section: str) -> str:
    """Return the name of a section's table in ``data/derived``."""
    return f"systems2024_band_{section}.csv"


def run(root: Path, lifeline: Lifeline) -> None:
    """Fit every scenario, then put all tables into place, or none if a fit fails or the pipeline is gone.

    Raises
    ------
    InputError
        If an input table, params.yaml, the protocol or the simulated loads are faulty.
    NotSolved
        If a programme has no optimum.
    """
    protocol, parameters = read_protocol(root)["systems2024"], read_parameters(root).systems2024.model_dump()
    given = inputs.load(root)
    loads, variants, _ = analysis.read_results({name: parameters[name] for name in SIMULATED}, root)
    middle = central(protocol, given, parameters)
    fitted, found = sweep(protocol, middle, loads, variants, given, read_claims(root))
    shared = {name: parameters[name] for name in PARAMETERS}
    with staged(STAGE, root) as staging:
        derived = staging / "data" / "derived"
        write_table(derived / fits.TABLE, stamped(fitted, root))
        for section, table in found.items():
            write_table(derived / table_of(section), stamped(table, root, shared))
        write_dataset(staging / SOLUTION, _numbers(found))
        lifeline.check()
        put_into_place(staging, root, [])


def _numbers(found: Mapping[str, pd.DataFrame]) -> xr.Dataset:
    """Return the numbers of all tables, dims (scenario of a section, quantity of a section)."""
    arrays = {}
    for section, table in found.items():
        numbers = table.set_index("scenario").select_dtypes("number")
        labels = {f"{section}_scenario": list(numbers.index), f"{section}_quantity": list(numbers)}
        arrays[section] = xr.DataArray(numbers.to_numpy(float), labels, list(labels))
    return xr.Dataset(arrays)


def read(section: str, parameters: Mapping[str, Any], root: Path | None = None) -> pd.DataFrame:
    """Return what every scenario says of a section, the central one first.

    Parameters
    ----------
    section : str
        One of :data:`SECTIONS`.
    parameters : mapping
        Of the run, by name.
    root : Path, optional
        Project root; by default the one around the working directory.

    Raises
    ------
    InputError
        If the stage has not run, or ran under another protocol or other parameters; listing every fault of a cell, and
        every scenario that is missing or unknown.
    """
    root, stage = root or project_root(), STAGE.replace("/", "-")
    found = read_swept(table_of(section), stage, root, PARAMETERS, parameters, COLUMNS[section])
    protocol, of_run = read_protocol(root)["systems2024"], read_parameters(root)
    middle = central(protocol, inputs.load(root), {**of_run.systems2024.model_dump(), **parameters})
    variants = demand.variants(simulation.central_variant(of_run))
    return in_order(found, list(scenarios(protocol, middle, list(variants))[section]), table_of(section), stage)


def main() -> int:
    """Fit as a stage of the pipeline."""
    return run_alone(STAGE, run, NotSolved)
