"""Sections 4.2 and 4.3 as tables, and their sentences as tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bcopt.models import dispatch
from bcopt.studies.frontiers2022.fits import TARGETS
from bcopt.studies.frontiers2022.inputs import CARRIERS, CLUSTERS
from bcopt.studies.frontiers2022.stages import PAYERS, Jump, Settled

OTHERWISE = " (other definition)"
NIGHT = (0, 1, 2, 3, 4, 5, 6, 7, 22, 23)
"""Clock hours of the sentence on purchases: labels 1 to 8, 23 and 24, each of the hour that ends there."""
LOSSES = (*range(10), 22, 23)
"""Clock hours of the sentence on losses."""
BUSINESS = tuple(range(10, 20))
MORNING = tuple(range(8, 13))
GREAT, CLOSE, FAR_LOWER, HARDLY, ALMOST = 0.05, 0.9, 0.8, 0.01, 0.9
"""What the protocol takes for great, close to the maximum, far lower, hardly adjusted and almost close [-]."""
SLACK = 1e-3
"""kW or yuan below which two amounts are one."""
STATEMENTS = {
    "F-4.2.1-adjustment": "adjustment below capacity",
    "F-4.2.2-commercial-sheds": "commercial sheds",
    "F-4.2.2-residential-keeps": "residential keeps",
    "F-4.2.2-grid-hours": "grid hours",
    "F-4.2.2-cooling-order": "cooling order",
    "F-4.3-loss-hours": "loss hours",
}
FUEL_SHARE = "fuel and purchases of the cost [%]"
BENEFIT = "benefit of the provider [yuan]"
COST = "cost of the provider [yuan]"


def hourly_benefit(settled: Settled) -> pd.DataFrame:
    """Return revenue, parts of the cost and benefit of the provider by hour [yuan] (figure 13)."""
    parts = dispatch.parts(settled.inputs, settled.flows).to_dataframe().drop(columns=["price_set"], errors="ignore")
    revenue = settled.accounts["payment"].sum(["cluster", "carrier"]).to_numpy()
    return parts.assign(revenue=revenue, benefit=revenue - parts.sum(axis=1)).reset_index()


def cost_table(settled: Settled) -> pd.DataFrame:
    """Return what the provider earns and spends on the day, and each part's share of the cost (table 8)."""
    hours = hourly_benefit(settled).drop(columns="hour").sum()
    operation = [name for name in hours.index if name in ("turbine", "photovoltaics", "chiller", "absorption", "ice")]
    cost = hours["revenue"] - hours["benefit"]
    rows = {
        "revenue": hours["revenue"],
        "purchased electricity": hours["purchase"],
        "exported electricity": hours["export"],
        "gas": hours["fuel"],
        "emissions": hours["emission"],
        "operation": hours[operation].sum(),
        "cost": cost,
        "benefit": hours["benefit"],
    }
    table = pd.DataFrame({"item": list(rows), "amount [yuan]": list(rows.values())})
    inside = ~table["item"].isin(["revenue", "benefit"])
    return table.assign(**{"share of the cost [%]": (100 * table["amount [yuan]"] / cost).where(inside)})


def payments(settled: Settled) -> pd.DataFrame:
    """Return what each cluster pays and would pay at wholesale prices."""
    direct = (settled.day["wholesale_price"] * settled.day["load"]).sum(["carrier", "hour"])
    paid = settled.accounts["payment"].sum(["carrier", "hour"])
    return pd.DataFrame(
        {
            "cluster": list(CLUSTERS),
            "direct cost [yuan]": direct.to_numpy(),
            "cost [yuan]": paid.to_numpy(),
            "reduction [%]": 100 * (1 - paid / direct).to_numpy(),
        }
    )


def statements(settled: Settled) -> dict[str, bool | float]:
    """Return every sentence of section 4.2 and that on losses, as a test, with the numbers it reads."""
    return {
        **_adjustment(settled),
        **_commercial(settled),
        **_residential(settled),
        **_supply(settled),
        **_losses(settled),
    }


def adjustable(settled: Settled) -> xr.DataArray:
    """Return what users are ready to reduce, R, dims (cluster, carrier, hour) [kW]."""
    shares = [settled.knobs.reducible_commercial, *[settled.scenario.reducible_share] * 2]
    return xr.DataArray(shares, {"cluster": list(CLUSTERS)}) * settled.day["load"]


def _adjustment(settled: Settled) -> dict[str, bool | float]:
    ready, reduced = adjustable(settled), settled.retail["reduction"]
    share = reduced.sum(["carrier", "hour"]) / ready.sum(["carrier", "hour"])
    never = bool((reduced <= ready + SLACK).all())
    found = {f"{name} uses of its capacity [%]": 100 * float(share.sel(cluster=name)) for name in CLUSTERS}
    name = STATEMENTS["F-4.2.1-adjustment"]
    return {**found, name: never and bool((share < 1).all()), name + OTHERWISE: never}


def _commercial(settled: Settled) -> dict[str, bool | float]:
    at = {"cluster": "commercial", "hour": list(BUSINESS)}
    load, ready = settled.day["load"].sel(at).sum("hour"), adjustable(settled).sel(at).sum("hour")
    less = (load - settled.flows["load"].sel(at).sum("hour")) / load
    reduced = settled.retail["reduction"].sel(at).sum("hour")
    name = STATEMENTS["F-4.2.2-commercial-sheds"]
    maximum = bool(((reduced >= CLOSE * ready) & (ready > 0)).all())
    found = {}
    for carrier in CARRIERS:
        found[f"commercial uses less {carrier}, 10 to 20 [%]"] = 100 * float(less.sel(carrier=carrier))
        found[f"of it reduced {carrier} [%]"] = 100 * float((reduced / load).sel(carrier=carrier))
    return {**found, name: maximum and bool((less >= GREAT).all()), name + OTHERWISE: maximum}


def _residential(settled: Settled) -> dict[str, bool | float]:
    at = {"cluster": "residential", "carrier": "electricity"}
    ratio = (settled.retail["price"] / settled.day["wholesale_price"]).sel(at)
    inside = ratio["hour"].isin(MORNING)
    load = settled.day["load"].sel(at).where(inside).sum()
    low, rest = float(ratio.where(inside).mean()), float(ratio.where(~inside).mean())
    reduced = float(settled.retail["reduction"].sel(at).where(inside).sum() / load)
    less = 1 - float(settled.flows["load"].sel(at).where(inside).sum() / load)
    first = low <= FAR_LOWER and reduced < HARDLY
    name = STATEMENTS["F-4.2.2-residential-keeps"]
    return {
        "residential price over wholesale, 8 to 13 [%]": 100 * low,
        "residential price over wholesale, other hours [%]": 100 * rest,
        "residential electricity reduced, 8 to 13 [%]": 100 * reduced,
        "residential electricity less after dispatch, 8 to 13 [%]": 100 * less,
        name: first and rest >= ALMOST,
        name + OTHERWISE: first,
    }


def _supply(settled: Settled) -> dict[str, bool | float]:
    flows = settled.flows
    bought = flows["purchase"]
    night = bought["hour"].isin(NIGHT)
    at_night, by_day = float(bought.where(night).mean()), float(bought.where(~night).mean())
    generated = flows["photovoltaics"] + flows["turbine"]
    most = bool((bought > generated).where(night, True).all())
    given = settled.inputs
    heat = (1 - given["turbine_heat_loss"]) * flows["fuel"] - flows["turbine"]
    possible = given["absorption_cop"] * given["recovery_efficiency"] * heat
    needed = flows["load"].sel(carrier="cooling").sum("cluster")
    first = flows["absorption"] >= np.minimum(possible, needed) - SLACK
    running = flows["on"] > 0.5
    more = (flows["absorption"] > flows["chiller"]).where(running, True)
    grid, order = STATEMENTS["F-4.2.2-grid-hours"], STATEMENTS["F-4.2.2-cooling-order"]
    return {
        "mean purchase, 0 to 8 and 22 to 24 [kW]": at_night,
        "mean purchase, other hours [kW]": by_day,
        grid: at_night > by_day,
        grid + OTHERWISE: most,
        "hours with the turbine on": int(running.sum()),
        "hours with the turbine on in which CCHP comes first": int((first & running).sum()),
        order: bool(first.all()),
        order + OTHERWISE: bool(more.all()),
    }


def _losses(settled: Settled) -> dict[str, bool | float]:
    hours = hourly_benefit(settled).set_index("hour")["benefit"]
    said = hours[list(LOSSES)]
    name = STATEMENTS["F-4.3-loss-hours"]
    return {
        "hours of the sentence with a loss": int((said < 0).sum()),
        "hours with a loss": int((hours < 0).sum()),
        "benefit in the hours of the sentence [yuan]": float(said.sum()),
        name: bool((said < 0).all()),
        name + OTHERWISE: bool(said.sum() < 0),
    }


def _without_root(knob: str, jump: Jump) -> str:
    """Return the name of a knob, and if it goes round between which values."""
    text = knob.replace("_", " ")
    return f"{text} goes round between {jump.low[0]:.6g} and {jump.high[0]:.6g}" if jump.goes_round else text


def row(name: str, settled: Settled) -> dict[str, object]:
    """Return what one scenario says: knobs, money, shares, sentences."""
    table = cost_table(settled).set_index("item")
    paid = payments(settled).set_index("cluster")
    return {
        "scenario": name,
        **{knob.replace("_", " "): getattr(settled.knobs, knob) for knob in TARGETS},
        "no root": ", ".join(_without_root(knob, jump) for knob, jump in settled.jumps.items()),
        **{f"cost of {cluster} [yuan]": paid.loc[cluster, "cost [yuan]"] for cluster in PAYERS.values()},
        BENEFIT: table.loc["benefit", "amount [yuan]"],
        COST: table.loc["cost", "amount [yuan]"],
        FUEL_SHARE: table.loc[["purchased electricity", "exported electricity", "gas"], "share of the cost [%]"].sum(),
        **statements(settled),
    }


def by_set(settled: Mapping[str, Settled]) -> pd.DataFrame:
    """Return a row of :func:`row` for each price set, named in ``scenario``."""
    return pd.DataFrame([row(name, found) for name, found in settled.items()])


def kept(settled: Mapping[str, Settled]) -> dict[str, bool]:
    """Return whether mean retail prices are at most the mean wholesale prices, by price set."""
    return {
        name: bool((found.retail["price"].mean("hour") <= found.day["wholesale_price"].mean("hour") + 1e-9).all())
        for name, found in settled.items()
    }


def counts(sweep: pd.DataFrame) -> pd.DataFrame:
    """Return in how many scenarios each sentence holds, by both definitions."""
    return pd.DataFrame(
        [
            {
                "claim": claim,
                "holds in": int(sweep[column].sum()),
                "by the other definition": int(sweep[column + OTHERWISE].sum()),
                "of scenarios": len(sweep),
            }
            for claim, column in STATEMENTS.items()
        ]
    )
