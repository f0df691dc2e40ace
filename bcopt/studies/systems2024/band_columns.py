"""What the tables of the band hold beside the names of the scenarios, by section."""

from __future__ import annotations

from collections.abc import Iterable

import pandera.pandas as pa

from bcopt.compendium.fitted import NUMBER, NUMBER_OR_NONE, TRUTH, WORDS
from bcopt.studies.systems2024 import district_results, flexibility_results, penetration
from bcopt.studies.systems2024.district_day import PUBLIC


def _statements(columns: Iterable[str], otherwise: str) -> dict[str, pa.Column]:
    """Return the columns of statements, each as the protocol and as its alternative tests it."""
    return {f"{column}{by}": TRUTH for column in columns for by in ("", otherwise)}


_DISTRICT: dict[str, pa.Column] = {
    "heat scale": NUMBER,
    "photovoltaic scale": NUMBER,
    "public scale": NUMBER,
    "storage energy [kWh]": NUMBER,
    district_results.FITTED: WORDS,
    "heat [kWh]": NUMBER,
    "cost before [yuan]": NUMBER,
    "cost after [yuan]": NUMBER,
    "export before [kWh]": NUMBER,
    "export after [kWh]": NUMBER,
    "export before, share [%]": NUMBER_OR_NONE,
    "charged [kWh]": NUMBER,
    "passed on in the hour [kWh]": NUMBER,
    **{
        column: kind
        for sharing in district_results.SHARINGS
        for column, kind in {
            f"ground heat, {sharing} [%]": NUMBER,
            f"gas peak, {sharing} [kW]": NUMBER,
            **{f"ground heat of {group}, {sharing} [%]": NUMBER_OR_NONE for group in PUBLIC},
            f"residential gas, {sharing} [%]": NUMBER,
        }.items()
    },
    "purchase in hours 15-20 rises by [kWh]": NUMBER,
    "purchase in hours 23-5 rises by [kWh]": NUMBER,
    "hours of 15-20 that fall": NUMBER,
    "hours of 23-5 that rise": NUMBER,
    "public purchase rises by [%]": NUMBER_OR_NONE,
    "public emissions rises by [%]": NUMBER_OR_NONE,
    **_statements(dict.fromkeys(district_results.STATEMENTS.values()), district_results.OTHERWISE),
}
COLUMNS: dict[str, dict[str, pa.Column]] = {
    "self-optimisation": {
        "load scale": NUMBER,
        "battery per household [kWh]": NUMBER,
        "cost before [yuan]": NUMBER,
        "cost after [yuan]": NUMBER,
        flexibility_results.SAVED: NUMBER,
        "fit 2": WORDS,
        **dict.fromkeys(flexibility_results.HOUR_20.values(), NUMBER),
        "export after [kWh]": NUMBER,
        "largest rise of energy cost, hours 10-22 [yuan]": NUMBER,
        "largest rise of electricity cost, hours 10-22 [yuan]": NUMBER,
        "more electricity in hours 1-5 [kWh]": NUMBER,
        "more electricity in hours 23-24 [kWh]": NUMBER,
        "hot water in hours 1-3 [%]": NUMBER,
        "transferred to hours 14-17 [%]": NUMBER,
        **_statements(flexibility_results.STATEMENTS.values(), flexibility_results.OTHERWISE),
    },
    "levelling": {"least AR": NUMBER, "public share [%]": NUMBER, "prototypes in it": NUMBER},
    "penetration": {penetration.AT_PRINTED: NUMBER},
    "district": _DISTRICT,
    "district-combinations": _DISTRICT,
}
