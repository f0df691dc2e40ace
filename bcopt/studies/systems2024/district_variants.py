"""Two calculations beside section 3.3's central one, never in its place: what would have to be so for its numbers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from bcopt.compendium.ledger import printed_numbers
from bcopt.methods.calibration import Calibration, Unreachable, calibrate
from bcopt.studies.systems2024 import district_arithmetic, district_day, district_results
from bcopt.studies.systems2024.district_day import DistrictKnobs, fitted
from bcopt.studies.systems2024.district_dispatch import Dispatch
from bcopt.studies.systems2024.flexible_day import Knobs
from bcopt.studies.systems2024.scenario import Scenario

LARGEST = 1.0
"""Greatest heat store tried, as a share of the day's heat [-]."""
TOLERANCE = 0.005
"""Half a unit of the printed share [%]."""
CENTRAL, STORE, GROUPS = "central", "heat store fitted to the shared ground heat", "group heats from the printed shares"


def store_fit(
    series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs, heat: float, share: float
) -> tuple[float, Calibration | None, str]:
    """Fit the heat store of the clusters to the printed share of ground heat, against its published size.

    Parameters
    ----------
    series, inputs, scenario, knobs
        As in :func:`bcopt.studies.systems2024.district_day.demands`.
    heat : float
        Printed heat of the district [kWh].
    share : float
        Printed share of ground heat, shared [%].

    Returns
    -------
    tuple of float, Calibration or None, str
        Energy of the heat stores over the day's heat, or the end of the bracket that comes nearest; the path; and why
        there is no root, empty if there is one.
    """

    def ground_heat(store: float) -> float:
        day = with_store(series, inputs, scenario, knobs, store)
        scaled = fitted(day, scenario, DistrictKnobs(heat_scale=heat / float(day["heat"].sum())))
        dispatch = Dispatch(scaled, scenario, settled=False)
        dispatch.solve(("energy cost",))
        return 100 * (1 - dispatch.value("gas") / heat)

    try:
        found = calibrate(ground_heat, share, (0.0, LARGEST), tolerance=TOLERANCE, name="heat store")
    except Unreachable as error:
        return error.nearest, None, str(error)
    return found.knob, found, ""


def with_store(series: xr.Dataset, inputs: xr.Dataset, scenario: Scenario, knobs: Knobs, store: float) -> xr.Dataset:
    """Return the district's day before fits 3 to 6 with heat stores of another share of the day's heat."""
    changed = inputs.assign(heat_store_share=xr.full_like(inputs["heat_store_share"], store))
    return district_day.unfitted(series, changed, scenario, knobs)


def with_group_heats(day: xr.Dataset, heats: pd.DataFrame) -> xr.Dataset:
    """Return a day whose groups have the heats in the middle of what the printed numbers admit.

    Parameters
    ----------
    day : xr.Dataset
        From :func:`bcopt.studies.systems2024.district_day.unfitted`.
    heats : pd.DataFrame
        From :func:`bcopt.studies.systems2024.district_arithmetic.group_heats`.
    """
    ends = heats.set_index("function")[["least heat [kWh]", "greatest heat [kWh]"]]
    middle = xr.DataArray(ends.mean(axis=1).loc[day["group"].to_numpy()].to_numpy(), coords={"group": day["group"]})
    return day.assign(heat=(day["heat"] * middle / day["heat"].sum("hour")).assign_attrs(day["heat"].attrs))


def named_days(
    series: xr.Dataset,
    inputs: xr.Dataset,
    scenario: Scenario,
    knobs: Knobs,
    claims: pd.DataFrame,
    printed: Mapping[str, float],
) -> tuple[dict[str, xr.Dataset], pd.DataFrame]:
    """Return the central day and those of both variants, with how the heat store of the first was found.

    Parameters
    ----------
    series, inputs, scenario, knobs
        As in :func:`bcopt.studies.systems2024.district_day.demands`.
    claims : pd.DataFrame
        From :func:`bcopt.compendium.ledger.read_claims`.
    printed : mapping
        From :func:`bcopt.studies.systems2024.district_fits.targets`.
    """
    share, _ = printed_numbers(claims, ["S-3.3-gshp-share"])["S-3.3-gshp-share"]
    store, path, missed = store_fit(series, inputs, scenario, knobs, printed["heat_scale"], share)
    middle = district_day.unfitted(series, inputs, scenario, knobs)
    days = {
        CENTRAL: middle,
        STORE: with_store(series, inputs, scenario, knobs, store),
        GROUPS: with_group_heats(
            middle, district_arithmetic.group_heats(claims, inputs, district_arithmetic.READINGS[0])
        ),
    }
    table = pd.DataFrame(
        {
            "heat store over the day's heat [-]": [float(inputs["heat_store_share"]), store],
            "which is": ["published", missed or f"fitted in {path.evaluations if path else 0} evaluations"],
        }
    )
    return days, table


def variants_table(days: Mapping[str, xr.Dataset], scenario: Scenario, printed: Mapping[str, float]) -> pd.DataFrame:
    """Return what the central day and the named variants give for the held-out numbers.

    Parameters
    ----------
    days : mapping of str to xr.Dataset
        By name, each as :func:`bcopt.studies.systems2024.district_day.unfitted` returns it.
    scenario : Scenario
        The choices.
    printed : mapping
        From :func:`bcopt.studies.systems2024.district_fits.targets`.
    """
    rows = [district_results.scenario_row(name, day, scenario, printed)[0] for name, day in days.items()]
    return pd.DataFrame(rows)[["scenario", "storage energy [kWh]", *district_results.COLUMNS.values()]]
