"""What was found for each claim of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.compendium.ledger import Outcome
from bcopt.methods.decoders import Array
from bcopt.studies.systems2024 import district_results
from bcopt.studies.systems2024.flexibility_results import HOUR_20, OTHERWISE, ROOT, SAVED, STATEMENTS
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
    knobs = {
        "before": f"load scale {central['load scale']:.4f}",
        "after": f"battery of {central['battery per household [kWh]']:.4f} kWh per household",
    }
    without = int((sweep["fit 2"] != ROOT).sum())
    found = {
        f"S-3.1-cost-{when}": Outcome(float(central[f"cost {when} [yuan]"]), f"knob: {knob}")
        for when, knob in knobs.items()
    }
    found["S-3.1-reduction"] = Outcome(float(central[SAVED]), "identity over two fitted costs: no evidence")
    for when, column in HOUR_20.items():
        note = f"energy cost from 20:00 to 21:00; the band holds {without} scenarios whose second fit has no root"
        found[f"S-3.1-hour20-{when}"] = Outcome(float(central[column]), note, band=_band(sweep[column]))
    return found | {claim: _statement(column, sweep, rules) for claim, column in STATEMENTS.items()}


def _statement(column: str, sweep: pd.DataFrame, rules: pd.DataFrame) -> Outcome:
    """Return the outcome of a statement on x1 with what other rules, definitions and scenarios make of it."""
    by_rule = ", ".join(f"{rule} {_said(holds)}" for rule, holds in zip(rules["tie rule"], rules[column], strict=True))
    tied = bool(rules[column].any()) and not bool(rules[column].all())
    weak = "weak: schedules of equal cost differ in it, and the rule picks one; " if tied else ""
    return Outcome(
        bool(sweep.iloc[0][column]),
        f"{weak}by tie rule at one cost: {by_rule}; by the other definition "
        f"{_said(sweep.iloc[0][column + OTHERWISE])}; "
        f"in {int(sweep[column].sum())} of {len(sweep)} scenarios",
    )


def of_section_3_2_1(
    optimum: xr.Dataset,
    runs: xr.Dataset,
    public_shares: pd.DataFrame,
    held: Mapping[str, tuple[bool, bool]],
    printed: float,
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
    held : mapping of claim to tuple of bool
        From :func:`bcopt.studies.systems2024.levelling.statements`.
    printed : float
        Generation around which the paper's population mean is stable.
    """
    shares = public_shares["public share [%]"]
    central, band = float(shares.iloc[0]), _band(shares)
    searched = 100 * float(runs["public_share"].min()), 100 * float(runs["public_share"].max())
    return {
        "S-3.2.1-public-share": Outcome(
            central,
            f"exact optimum; the searches, within {100 * float(runs['gap'].max()):.2g} % of its AR, have "
            f"{searched[0]:.1f} to {searched[1]:.1f}",
            band=band,
        ),
        "S-3.2.1-residential-share": Outcome(
            100 - central, "complement of the public share", (100 - band[1], 100 - band[0])
        ),
        "S-3.2.1-table3": Outcome(
            None, f"{int((optimum['shares'] > 1e-6).sum())} prototypes in the exact optimum, hotels included"
        ),
        "S-3.2.1-convergence": _stable(runs["stable"].to_numpy(), runs["stable_closer"].to_numpy(), printed),
        **{
            claim: Outcome(holds, f"{_SUBJECT[claim]}; by the other definition {_said(otherwise)}")
            for claim, (holds, otherwise) in held.items()
        },
    }


def of_section_3_2_2(
    runs: pd.DataFrame, penetrations: pd.DataFrame, slope: tuple[bool, bool], printed: float
) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on renewable penetration.

    Parameters
    ----------
    runs : pd.DataFrame
        Of :class:`bcopt.studies.systems2024.penetration.Searched`.
    penetrations : pd.DataFrame
        From :func:`bcopt.studies.systems2024.penetration.penetrations`, the central scenario first.
    slope : tuple of bool
        From :func:`bcopt.studies.systems2024.penetration.slope`.
    printed : float
        Generation after which the paper's results are stable.
    """
    column = penetrations[AT_PRINTED]
    stable, closer = (runs[name].to_numpy() for name in ("stable from generation", "stable within 1 % from"))
    falls, at_least = slope
    return {
        "S-3.2.2-slope": Outcome(
            falls, f"own ground, at exactly each share; by the other definition, with at least it, {_said(at_least)}"
        ),
        "S-3.2.2-peak-penetration": Outcome(
            float(column.iloc[0]), "exact, with at least 30 % public clusters", band=_band(column)
        ),
        "S-3.2.2-convergence": _stable(stable, closer, printed),
    }


def _stable(stable: Array, closer: Array, printed: float) -> Outcome:
    """Return whether the median generation of stability lies within half and one and a half of the printed one."""
    holds, otherwise = (
        bool(printed / 2 <= np.median(generations) <= 3 * printed / 2) for generations in (stable, closer)
    )
    return Outcome(
        holds,
        f"stable from generation {stable.min():g} to {stable.max():g}, median {np.median(stable):g}, over "
        f"{stable.size} seeds; by the other definition {_said(otherwise)}, median {np.median(closer):g}",
    )


def _said(holds: object) -> str:
    return "yes" if holds else "no"


_SUBJECT = {
    "S-3.2.1-ar-order": "the exact optimum beside each prototype",
    "S-3.2.1-hotel-level": "the others in equal shares, which no optimum is",
    "S-3.2.1-peak": "the exact optimum beside the 1:1 mix, per plot: with less floor on it nearly every hour is lower",
}


def _band(values: pd.Series) -> tuple[float, float]:
    return float(values.min()), float(values.max())


_GROUPS = {"tower": ("office", "hotel"), "mall": ("mall",)}
_PROOF = {
    "tower": ": with buildings of one height in a cluster no whole number for x10 and x11 rounds to 0.36",
    "mall": ": with buildings of one height in a cluster no whole number rounds to 0.51",
}


def of_section_3_3(
    sweep: pd.DataFrame,
    crossed: pd.DataFrame,
    identities: pd.DataFrame,
    tied: pd.DataFrame,
    served: pd.DataFrame,
    sources: pd.DataFrame,
    inputs: xr.Dataset,
) -> dict[str, Outcome]:
    """Return the outcomes of the notebook on the district.

    Parameters
    ----------
    sweep, crossed : pd.DataFrame
        From :func:`bcopt.studies.systems2024.district_results.sweep`: one choice changed, and all combinations of some;
        the central scenario first in both.
    identities : pd.DataFrame
        From :func:`bcopt.studies.systems2024.district_arithmetic.identities`.
    tied : pd.DataFrame
        From :func:`bcopt.studies.systems2024.district_results.tied_table`.
    served : pd.DataFrame
        From :func:`bcopt.studies.systems2024.district_arithmetic.ground_heat_order`.
    sources : pd.DataFrame
        From :func:`bcopt.studies.systems2024.district_results.shares`.
    inputs : xr.Dataset
        The study's inputs.
    """
    several = crossed[crossed["scenario"].str.contains(" + ", regex=False)]
    central, every = sweep.iloc[0], pd.concat([sweep, several], ignore_index=True)
    computed = identities.set_index("claim")["computed"]
    whole, spread = sources.set_index("group").loc["all"], tied.set_index("group")
    held = {
        claim: Outcome(float(central[column]), _of_ties(claim, spread), band=_band(every[column]))
        for claim, column in district_results.COLUMNS.items()
    }
    rootless = int((every[district_results.FITTED] != "").sum())
    note = f"the band holds {rootless} of {len(every)} scenarios with a fit without root"
    held["S-3.3-export-after"] = replace(held["S-3.3-export-after"], note=note)
    return {
        **{
            claim: Outcome(float(central[column]), f"knob: {knob} {central[knob]:.6g}")
            for claim, (column, knob) in _FITTED.items()
        },
        "S-3.3-gshp-heat": Outcome(float(whole["ground heat, shared [kWh]"]), "our share of the fitted total"),
        "S-3.3-gas-heat": Outcome(float(whole["gas, shared [kWh]"]), "our share of the fitted total"),
        "S-3.3-gas-share": Outcome(100 - float(whole["ground heat, shared [%]"]), "complement of the ground heat"),
        **{claim: Outcome(float(computed[claim]), "from the printed numbers alone") for claim in _IDENTITIES},
        "S-3.3-pareto": Outcome(None, "our front stands in figure 11"),
        **held,
        **_statements_of_section_3_3(sweep, every, served, inputs),
    }


def _of_ties(claim: str, spread: pd.DataFrame) -> str:
    """Return how far the share of a group could move among dispatches of equal cost, if the claim is one of those."""
    group = claim.removeprefix("S-3.3-share-")
    if group == claim:
        return ""
    row = spread.loc[group]
    return f"weak: any from {row['least ground heat [%]']:.1f} to {row['greatest ground heat [%]']:.1f} costs the same"


def _statements_of_section_3_3(
    sweep: pd.DataFrame, every: pd.DataFrame, served: pd.DataFrame, inputs: xr.Dataset
) -> dict[str, Outcome]:
    """Return the outcomes of the statements on the district, with the proofs of those that cannot follow."""
    central, by_name = sweep.iloc[0], sweep.set_index("scenario")
    proofs = _proofs_of_section_3_3(by_name, served, inputs)
    read = {
        "S-3.3-shift-hours": f"weak: it falls in {central['hours of 15-20 that fall']} of six hours and rises in "
        f"{central['hours of 23-5 that rise']} of seven; ",
        "S-3.3-share-residential": "read as the share of gas, then one statement with S-3.3-gas-public-only; ",
        "S-3.3-unshared-residential": "read as the share of gas; ",
    }
    found = {}
    for claim, column in district_results.STATEMENTS.items():
        note = (
            f"by the other definition {_said(central[column + OTHERWISE])}; "
            f"in {int(every[column].sum())} of {len(every)} scenarios"
        )
        found[claim] = Outcome(bool(central[column]), read.get(claim, "") + note, contradiction=proofs.get(claim, ""))
    return found


def _proofs_of_section_3_3(by_name: pd.DataFrame, served: pd.DataFrame, inputs: xr.Dataset) -> dict[str, str]:
    """Return why statements cannot follow from equations (43) to (60) with the prices of Table 2."""
    price = inputs["electricity_price"]
    dearer = int((price.sel(group="public") > price.sel(group="residential")).sum())
    without, own = by_name.loc["account: none"], by_name.loc["gas price: each its own"]
    first = int(served.set_index("price of heat")["public first [h]"]["each group its own"])
    account = (
        "with one gas price the account, which is not printed, makes it true; without one, public buildings pay more "
        f"in {dearer} of 24 hours, and a kilowatt-hour that homes put in while they take it out keeps (46) to (60) and "
        "saves: their {0} change by {1:.1f} %"
    )
    gas = (
        "with the prices of Table 2 a kilowatt-hour of ground heat saves more in public buildings than in homes in "
        f"{first} of 24 hours if both buy electricity: no optimum burns gas in public buildings while homes that buy "
        f"have ground heat, and homes have {own['residential gas, shared [%]']:.1f} % of their heat from gas"
    )
    return {
        "S-3.3-public-purchase": account.format("purchases", without["public purchase rises by [%]"]),
        "S-3.3-public-emissions": account.format("emissions", without["public emissions rises by [%]"]),
        "S-3.3-gas-public-only": gas,
        "S-3.3-share-residential": gas,
    }


_FITTED = {
    "S-3.3-heat-total": ("heat [kWh]", "heat scale"),
    "S-3.3-export-before": ("export before [kWh]", "photovoltaic scale"),
    "S-3.3-cost-before": ("cost before [yuan]", "public scale"),
    "S-3.3-cost-after": ("cost after [yuan]", "storage energy [kWh]"),
}
_IDENTITIES = (
    "S-3.3-gshp-utilisation",
    "S-3.3-reduction",
    "S-3.3-export-utilised",
    "S-3.3-co2",
    "S-3.3-unshared-utilisation",
)
