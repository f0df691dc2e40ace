"""Fits 3 to 6 of the protocol: the heat, the sun, the public electricity and the storage of the district."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd
import xarray as xr

from bcopt.compendium.ledger import printed_numbers
from bcopt.methods.calibration import Calibration, Unreachable, calibrate
from bcopt.studies.systems2024.district_day import DistrictKnobs, fitted
from bcopt.studies.systems2024.district_dispatch import LEAST, UPPER, Dispatch
from bcopt.studies.systems2024.scenario import Scenario

TARGETS = {
    "photovoltaic_scale": "S-3.3-export-before",
    "public_scale": "S-3.3-cost-before",
    "storage_energy": "S-3.3-cost-after",
}
SOURCES = ("S-3.3-gshp-heat", "S-3.3-gas-heat")
"""The two printed heats whose sum fit 3 aims at."""
UNITS = {"heat_scale": "1", "photovoltaic_scale": "1", "public_scale": "1", "storage_energy": "kWh"}
DESCRIPTIONS = {
    "heat_scale": "factor on the heat of every group",
    "photovoltaic_scale": "factor on the photovoltaics of residential buildings",
    "public_scale": "factor on the electricity of public buildings",
    "storage_energy": "energy of the shared storage",
}
TABLE = "systems2024_district_fits.csv"
BRACKETS = {"photovoltaic_scale": (0.0, 20.0), "public_scale": (0.0, 20.0)}
TOLERANCES = {"photovoltaic_scale": 1e-4, "public_scale": 1e-2, "storage_energy": 1e-2}
"""kWh, yuan, yuan: below the last printed digit."""


@dataclass(frozen=True)
class DistrictFits:
    """What fits 3 to 6 found.

    Parameters
    ----------
    knobs : DistrictKnobs
        Of a step without a root, the end of the bracket that comes nearest.
    steps : mapping of str to Calibration
        With their paths; fit 3 is a quotient and has none.
    missed : mapping of str to str
        Why a step has no root.
    """

    knobs: DistrictKnobs
    steps: Mapping[str, Calibration] = field(default_factory=dict)
    missed: Mapping[str, str] = field(default_factory=dict)


def targets(claims: pd.DataFrame) -> dict[str, float]:
    """Return the printed number of each knob: ``heat_scale`` [kWh], then those of :data:`TARGETS` [kWh, yuan, yuan]."""
    printed = printed_numbers(claims, [*SOURCES, *TARGETS.values()])
    heat = sum(printed[claim][0] for claim in SOURCES)
    return {"heat_scale": heat} | {knob: printed[claim][0] for knob, claim in TARGETS.items()}


def dispatch_to_fit(day: xr.Dataset, scenario: Scenario, printed: Mapping[str, float]) -> Dispatch:
    """Return the lower level that the fits solve, built for any storage that they could ask for.

    No target depends on which of the dispatches of equal energy cost is taken, so the quickest rule is.

    Parameters
    ----------
    day, scenario, printed
        As in :func:`fit`.
    """
    at = fitted(day, scenario, DistrictKnobs(heat_scale=_heat_scale(day, printed)))
    quick = replace(scenario, lower_level_ties=LEAST)
    return Dispatch(at, quick, settled=scenario.lower_level_ties == LEAST, largest=float(day["electricity"].sum()))


def _heat_scale(day: xr.Dataset, printed: Mapping[str, float]) -> float:
    """Return the third knob, which is a quotient [-]."""
    return printed["heat_scale"] / float(day["heat"].sum())


def fit(
    day: xr.Dataset, scenario: Scenario, printed: Mapping[str, float], dispatch: Dispatch | None = None
) -> DistrictFits:
    """Fit the four knobs in the protocol's order, each with those before it, ground heat being shared.

    Parameters
    ----------
    day : xr.Dataset, dims (group, hour)
        From :func:`bcopt.studies.systems2024.district_day.unfitted`.
    scenario : Scenario
        The choices.
    printed : mapping
        From :func:`targets`.
    dispatch : Dispatch, optional
        From :func:`dispatch_to_fit`, which gives one by default.
    """
    dispatch = dispatch or dispatch_to_fit(day, scenario, printed)
    largest, found = float(day["electricity"].sum()), DistrictFits(DistrictKnobs(_heat_scale(day, printed)))
    for knob, response in _responses(day, scenario, dispatch).items():
        found = _step(found, knob, response, printed[knob], BRACKETS.get(knob, (0.0, largest)))
    return found


def _responses(day: xr.Dataset, scenario: Scenario, dispatch: Dispatch) -> dict[str, Callable[[DistrictKnobs], float]]:
    """Return what the day gives at a set of knobs, for each knob that is searched."""

    def solved(knobs: DistrictKnobs) -> None:
        at = fitted(day, scenario, knobs)
        dispatch.supply(at["electricity"], at["photovoltaics"])
        dispatch.resize(knobs.storage_energy)
        dispatch.solve(UPPER)

    def exported(knobs: DistrictKnobs) -> float:
        solved(knobs)
        return dispatch.value("residential export")

    def paid(knobs: DistrictKnobs) -> float:
        solved(knobs)
        return dispatch.value("electricity cost")

    return {"photovoltaic_scale": exported, "public_scale": paid, "storage_energy": paid}


def _step(
    so_far: DistrictFits,
    knob: str,
    response: Callable[[DistrictKnobs], float],
    target: float,
    bracket: tuple[float, float],
) -> DistrictFits:
    """Add a fitted knob, or the end of its bracket that comes nearest."""

    def at(value: float) -> float:
        return response(replace(so_far.knobs, **{knob: value}))

    try:
        step = calibrate(at, target, bracket, tolerance=TOLERANCES[knob], name=knob.replace("_", " "))
    except Unreachable as error:
        knobs = replace(so_far.knobs, **{knob: error.nearest})
        return replace(so_far, knobs=knobs, missed={**so_far.missed, knob: str(error)})
    knobs = replace(so_far.knobs, **{knob: step.knob})
    return replace(so_far, knobs=knobs, steps={**so_far.steps, knob: step})


def fitted_table(found: DistrictFits) -> pd.DataFrame:
    """Return the fitted knobs as a table of quantities."""
    claims = {"heat_scale": "S-3.3-heat-total", **TARGETS}
    return pd.DataFrame(
        [
            {
                "quantity": knob,
                "value": getattr(found.knobs, knob),
                "unit": UNITS[knob],
                "provenance": "fitted",
                "source": f"protocol fit {order} to {claim}"
                + (": no root, the nearest end" if knob in found.missed else ""),
                "description": DESCRIPTIONS[knob],
            }
            for order, (knob, claim) in enumerate(claims.items(), start=3)
        ]
    )


def path_table(found: DistrictFits) -> pd.DataFrame:
    """Return each searched fit with every knob it tried, in the protocol's order."""
    return pd.DataFrame(
        [
            {
                "fit": order,
                "knob": knob.replace("_", " "),
                "target": step.target,
                "found": step.knob,
                "evaluations": step.evaluations,
                "tried": ", ".join(f"{value:.6g}" for value in step.path["knob"].to_numpy()),
            }
            for order, (knob, step) in enumerate(found.steps.items(), start=4)
        ]
    )
