"""Fits 1 and 2 of the protocol: the load scale and the vehicles of x1, under every scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.fitted import read_fitted
from bcopt.compendium.inputs import Expected
from bcopt.compendium.ledger import printed_numbers
from bcopt.compendium.problems import InputError
from bcopt.methods.calibration import Calibration, Unreachable, calibrate, crossings
from bcopt.methods.persistent import Persistent
from bcopt.models import flexibility
from bcopt.planning import self_optimisation
from bcopt.studies.systems2024.flexible_day import Knobs, model_inputs
from bcopt.studies.systems2024.scenario import CENTRAL, OF_THE_FITS, Scenario
from bcopt.studies.systems2024.self_optimisation import X1, counted

TABLE = "systems2024_fits.csv"
TARGETS = {"load_scale": "S-3.1-cost-before", "vehicle_energy": "S-3.1-cost-after"}
UNITS = {"load_scale": "1", "vehicle_energy": "kWh"}
DESCRIPTIONS = {
    "load_scale": "factor on the electricity of x1",
    "vehicle_energy": "battery energy of electric vehicles per household",
}
BRACKETS = {"load_scale": (0.05, 5.0), "vehicle_energy": (0.0, 60.0)}
STAGE = "systems2024-band"
SCALES = tuple(np.linspace(*BRACKETS["load_scale"], 21).round(4).tolist())
CURVE = tuple(np.linspace(0.0, 6.0, 61).round(1).tolist())
"""kWh per household"""
_ACTING = ("loads", *OF_THE_FITS)
TOLERANCE = 1e-3
"""yuan"""


@dataclass(frozen=True)
class Fits:
    """What fits 1 and 2 found.

    Parameters
    ----------
    knobs : Knobs
        Of a missing second fit, the end of the bracket that comes nearest.
    steps : mapping of str to Calibration
        With their paths.
    missed : str
        Why the second fit has no root; empty if it has one.
    """

    knobs: Knobs
    steps: Mapping[str, Calibration]
    missed: str = ""


def targets(claims: pd.DataFrame) -> dict[str, float]:
    """Return the printed number that each knob is fitted to [yuan]."""
    printed = printed_numbers(claims, TARGETS.values())
    return {knob: printed[claim][0] for knob, claim in TARGETS.items()}


def cost_before(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, load_scale: float) -> float:
    """Return the day's cost of x1 with nothing shifted [yuan]."""
    day = model_inputs(series, inputs, scenario, Knobs(load_scale)).sel(cluster=[X1])
    return float(counted(self_optimisation.as_simulated(day), scenario).sum())


class CostAfter:
    """The day's cost of x1 at the optimum as a function of its vehicles, one model solved again and again.

    Parameters
    ----------
    series, inputs, scenario
        As in :func:`bcopt.studies.systems2024.flexible_day.model_inputs`.
    load_scale : float
        From fit 1.
    """

    def __init__(self, series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, load_scale: float) -> None:
        self._unit = model_inputs(series, inputs, scenario, Knobs(load_scale, 1.0)).sel(cluster=[X1])
        self._scenario = scenario
        self._persistent = Persistent(flexibility.flexibility_model(self._unit))

    def __call__(self, vehicle_energy: float) -> float:
        """Return the cost [yuan] with so many kWh of battery per household."""
        day = self.day(vehicle_energy)
        power = day["vehicle_power"] * day["vehicle_available"]
        for name in ("vehicle-charge", "vehicle-discharge"):
            self._persistent.bounds(name, upper=power)
        low, high = (day["vehicle_energy"] * day[f"vehicle_soc_{end}"] for end in ("lower", "upper"))
        self._persistent.bounds("vehicle-energy", lower=low, upper=high)
        self._persistent.solve()
        flows = flexibility.flows(self._persistent.solution(), day)
        return float(counted(self_optimisation.with_costs(flows, day), self._scenario).sum())

    def day(self, vehicle_energy: float) -> xr.Dataset:
        """Return the model's inputs with so many kWh of battery per household."""
        changed = {name: self._unit[name] * vehicle_energy for name in ("vehicle_energy", "vehicle_power")}
        return self._unit.assign(changed)

    def curve(self, energies: Sequence[float] = CURVE) -> xr.DataArray:
        """Return the cost [yuan] over battery energies, dims (vehicle_energy)."""
        costs = [self(energy) for energy in energies]
        coords = {"vehicle_energy": list(energies)}
        return xr.DataArray(costs, dims="vehicle_energy", coords=coords, attrs={"units": "yuan"})


def fit(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, printed: Mapping[str, float]) -> Fits:
    """Fit the load scale to the cost before, then the vehicles to the cost after.

    Parameters
    ----------
    series, inputs, scenario
        As in :func:`bcopt.studies.systems2024.flexible_day.model_inputs`.
    printed : mapping
        From :func:`targets`.

    Raises
    ------
    bcopt.methods.calibration.Unreachable
        If no load scale gives the cost before.
    """
    first = calibrate(
        lambda scale: cost_before(series, inputs, scenario, scale),
        printed["load_scale"],
        BRACKETS["load_scale"],
        tolerance=TOLERANCE,
        name="load scale",
    )
    cost_after = CostAfter(series, inputs, scenario, first.knob)
    try:
        second = calibrate(
            cost_after,
            printed["vehicle_energy"],
            BRACKETS["vehicle_energy"],
            tolerance=TOLERANCE,
            name="battery energy per household",
        )
    except Unreachable as error:
        return Fits(Knobs(first.knob, error.nearest), {"load_scale": first}, str(error))
    return Fits(Knobs(first.knob, second.knob), {"load_scale": first, "vehicle_energy": second})


def scale_curve(
    series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, scales: Sequence[float] = SCALES
) -> xr.DataArray:
    """Return the cost before [yuan] over load scales, dims (load_scale)."""
    costs = [cost_before(series, inputs, scenario, scale) for scale in scales]
    return xr.DataArray(costs, dims="load_scale", coords={"load_scale": list(scales)}, attrs={"units": "yuan"})


def path_table(steps: Mapping[str, Calibration], curves: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    """Return each fit with every knob it tried, and how often a sampled curve passes its target: once if it is unique.

    Parameters
    ----------
    steps : mapping of knob to Calibration
        From :func:`fit`.
    curves : mapping of knob to xr.DataArray, dims (knob)
        The costs over the knob.
    """
    return pd.DataFrame(
        [
            {
                "fit": order,
                "knob": knob.replace("_", " "),
                "target [yuan]": step.target,
                "evaluations": step.evaluations,
                "tried": ", ".join(f"{value:.6g}" for value in step.path["knob"].to_numpy()),
                "passes of the target": crossings(curves[knob][knob].to_numpy(), curves[knob].to_numpy(), step.target),
            }
            for order, (knob, step) in enumerate(steps.items(), start=1)
        ]
    )


def fitted_table(found: Mapping[str, Fits]) -> pd.DataFrame:
    """Return the fitted knobs of every scenario as a table of quantities."""
    rows = [
        {
            "quantity": knob,
            "scenario": name,
            "value": getattr(fits.knobs, knob),
            "unit": UNITS[knob],
            "provenance": "fitted",
            "source": f"protocol fit {order} to {claim}" + ("" if knob in fits.steps else ": no root, the nearest end"),
            "description": DESCRIPTIONS[knob],
        }
        for name, fits in found.items()
        for order, (knob, claim) in enumerate(TARGETS.items(), start=1)
    ]
    return pd.DataFrame(rows)


def read_knobs(root: Path, scenarios: Mapping[str, Scenario]) -> dict[str, Knobs]:
    """Return the fitted knobs of scenarios, those of the mix having the central ones.

    Parameters
    ----------
    root : Path
        Project root.
    scenarios : mapping of str to Scenario
        The central one among them.

    Raises
    ------
    InputError
        If the table is missing, faulty, fitted under another protocol, or lacks a scenario.
    """
    found = read_fitted(
        TABLE, STAGE, {knob: Expected(unit, ("scenario",), lower=0.0) for knob, unit in UNITS.items()}, root
    )
    known = set(found["scenario"].to_numpy().tolist())
    names = fitted_as(scenarios)
    missing = [f"has no scenario {name!r}: run `dvc repro {STAGE}`" for name in names.values() if name not in known]
    if missing:
        raise InputError(f"data/derived/{TABLE}", missing)
    return {
        name: Knobs(**{knob: float(found[knob].sel(scenario=fitted)) for knob in UNITS})
        for name, fitted in names.items()
    }


def fitted_as(scenarios: Mapping[str, Scenario]) -> dict[str, str]:
    """Return the scenario that has the fits of each: itself, or the central one where no choice acts on fits 1 and 2.

    Parameters
    ----------
    scenarios : mapping of str to Scenario
        The central one among them.
    """
    middle = scenarios[CENTRAL]
    return {
        name: CENTRAL if all(getattr(of, choice) == getattr(middle, choice) for choice in _ACTING) else name
        for name, of in scenarios.items()
    }
