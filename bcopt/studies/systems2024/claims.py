"""What was found for each claim of the study."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from bcopt.compendium.ledger import Outcome


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


_GROUPS = {"tower": ("office", "hotel"), "mall": ("mall",)}
_PROOF = {
    "tower": ": with buildings of one height in a cluster no whole number for x10 and x11 rounds to 0.36",
    "mall": ": with buildings of one height in a cluster no whole number rounds to 0.51",
}
