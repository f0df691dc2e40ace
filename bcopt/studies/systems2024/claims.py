"""What was found for each claim of the study."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.ledger import Outcome
from bcopt.studies.systems2024.flexibility_results import HOUR_20, ROOT, SAVED, STATEMENTS
from bcopt.studies.systems2024.penetration import AT_PRINTED


def of_section_2_1(table: pd.DataFrame, climate: xr.Dataset) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on clusters and loads.

    Parameters
    ----------
    table : pd.DataFrame
        From :func:`bcopt.studies.systems2024.analysis.table_1`.
    climate : xr.Dataset, dims (year, month)
        From :func:`bcopt.studies.systems2024.analysis.morphing`.
    """
    rows = table.set_index("cluster")
    temperature = climate["mean_temperature"].sel(year="morphed")
    public = {name: rows["function"].isin(used_for) for name, used_for in _GROUPS.items()}
    density = {name: float(rows.loc[chosen, "density implied"].iloc[0]) for name, chosen in public.items()}
    storeys = {name: rows.loc[chosen, "storeys by printed density"] for name, chosen in public.items()}
    return {
        "S-2.1-january": Outcome(float(temperature.sel(month=1)), "the weather is morphed to it"),
        "S-2.1-july": Outcome(float(temperature.sel(month=7)), "the weather is morphed to it"),
        "S-2.1-density-residential": Outcome(
            bool(rows.loc[rows["function"] == "residential", "agrees"].all()), "with storeys of 2.8 m, chosen for it"
        ),
        **{
            f"S-2.1-density-{name}": Outcome(
                density[name],
                "construction area over storeys and land",
                contradiction="construction area and land leave "
                + ", ".join(f"{value:.2f} storeys for {cluster}" for cluster, value in storeys[name].items())
                + _PROOF[name],
            )
            for name in _GROUPS
        },
    }


def of_section_3_1(sweep: pd.DataFrame, rules: pd.DataFrame) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on self-optimisation.

    Parameters
    ----------
    sweep : pd.DataFrame
        From :func:`bcopt.studies.systems2024.flexibility_results.sweep`, the central scenario first.
    rules : pd.DataFrame
        From :func:`bcopt.studies.systems2024.flexibility_results.rules_table`.
    """
    central = sweep.iloc[0]
    knobs = {"before": f"load scale {central['load scale']:.4f}",
             "after": f"battery of {central['battery per household [kWh]']:.4f} kWh per household"}  # fmt: skip
    found = {
        f"S-3.1-cost-{when}": Outcome(float(central[f"cost {when} [yuan]"]), f"knob: {knob}")
        for when, knob in knobs.items()
    }
    found["S-3.1-reduction"] = Outcome(float(central[SAVED]), "identity over two fitted costs: no evidence")
    for when, column in HOUR_20.items():
        found[f"S-3.1-hour20-{when}"] = Outcome(
            float(central[column]),
            "energy cost from 20:00 to 21:00, heat and storage included",
            band=_band(sweep.loc[sweep["fit 2"] == ROOT, column]),
        )
    for claim, column in STATEMENTS.items():
        by_rule = ", ".join(
            f"{rule} {'yes' if holds else 'no'}" for rule, holds in zip(rules["tie rule"], rules[column], strict=True)
        )
        found[claim] = Outcome(
            bool(central[column]),
            f"by tie rule at one cost: {by_rule}; in {int(sweep[column].sum())} of {len(sweep)} scenarios",
        )
    return found


def of_section_3_2_1(
    optimum: xr.Dataset, runs: xr.Dataset, public_shares: pd.DataFrame, held: Mapping[str, bool], printed: int
) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on load levelling.

    Parameters
    ----------
    optimum : xr.Dataset
        From :func:`bcopt.studies.systems2024.levelling.exact`.
    runs : xr.Dataset
        From :func:`bcopt.studies.systems2024.levelling.evolve`.
    public_shares : pd.DataFrame
        ``public share [%]`` by scenario, the central one first.
    held : mapping of claim to bool
        Whether each statement holds.
    printed : int
        Generation around which the paper's population mean is stable.
    """
    shares = public_shares["public share [%]"]
    central, band = float(shares.iloc[0]), _band(shares)
    stable = runs["stable"].to_numpy()
    median = float(np.median(stable))
    return {
        "S-3.2.1-public-share": Outcome(central, "exact optimum of the load as simulated", band=band),
        "S-3.2.1-residential-share": Outcome(
            100 - central, "complement of the public share", (100 - band[1], 100 - band[0])
        ),
        "S-3.2.1-table3": Outcome(
            None, f"{int((optimum['shares'] > 1e-6).sum())} prototypes in the exact optimum, hotels included"
        ),
        "S-3.2.1-convergence": Outcome(
            printed / 2 <= median <= 3 * printed / 2,
            f"stable from generation {stable.min()} to {stable.max()}, median {median:g}, over {stable.size} seeds",
        ),
        **{claim: Outcome(holds, "at the exact optimum of the central scenario") for claim, holds in held.items()},
    }


def of_section_3_2_2(
    front: xr.Dataset, runs: pd.DataFrame, penetrations: pd.DataFrame, printed: int
) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on renewable penetration.

    Parameters
    ----------
    front : xr.Dataset
        From :func:`bcopt.studies.systems2024.penetration.exact_front`.
    runs : pd.DataFrame
        Of :class:`bcopt.studies.systems2024.penetration.Searched`.
    penetrations : pd.DataFrame
        From :func:`bcopt.studies.systems2024.penetration.penetrations`, the central scenario first.
    printed : int
        Generation after which the paper's results are stable.
    """
    column = penetrations[AT_PRINTED]
    stable = runs["stable from generation"]
    median = float(stable.median())
    return {
        "S-3.2.2-slope": Outcome(bool((np.diff(front["penetration"]) < 0).all()), "along the exact front"),
        "S-3.2.2-peak-penetration": Outcome(
            float(column.iloc[0]), "exact, with at least 30 % public clusters", band=_band(column)
        ),
        "S-3.2.2-convergence": Outcome(
            printed / 2 <= median <= 3 * printed / 2,
            f"stable from generation {stable.min()} to {stable.max()}, median {median:g}, over {len(stable)} seeds",
        ),
    }


def _band(values: pd.Series) -> tuple[float, float]:
    return float(values.min()), float(values.max())


_GROUPS = {"tower": ("office", "hotel"), "mall": ("mall",)}
_PROOF = {
    "tower": ": with buildings of one height in a cluster no whole number for x10 and x11 rounds to 0.36",
    "mall": ": with buildings of one height in a cluster no whole number rounds to 0.51",
}
