"""Figures of section 4.2.2, numbered as in the paper where it has one; its curves are unpublished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bcopt.compendium.figures import PALETTE, label, new, style
from bcopt.methods.admm import Result
from bcopt.models.dispatch import chiller_power
from bcopt.studies.frontiers2022.figures import SET_LINES, SETS, by_price_set, legend, mark, stacked
from bcopt.studies.frontiers2022.inputs import CARRIERS
from bcopt.studies.frontiers2022.results import BUSINESS, MORNING, NIGHT, SLACK
from bcopt.studies.frontiers2022.stages import Settled
from bcopt.studies.systems2024.flexibility_figures import AFTER, BEFORE, EDGES

AGREED = PALETTE["orange"]
SAID = {"commercial": (BUSINESS, "10 to 20"), "residential": (MORNING, "8 to 13")}
"""Hours that the paper's sentence on a cluster is about."""
SOURCE_COLOURS = {
    "photovoltaics": PALETTE["yellow"],
    "turbine": PALETTE["vermilion"],
    "purchase": "#a6a6a6",
    "absorption": PALETTE["orange"],
    "chiller": PALETTE["sky blue"],
    "ice": PALETTE["blue"],
}
USES = {"clusters": "-", "chiller": "--", "making ice": ":", "exports": "-."}
"""Uses of electricity in the order in which their lines add up, drawn in the hours of each."""
SET_POINTS = dict(
    zip(SETS, ({"color": PALETTE["orange"], "marker": "o"}, {"color": PALETTE["green"], "marker": "s"}), strict=True)
)
SEGMENTS = 200
"""Of a drawn curve."""


@style()
def consumption(settled_by_set: Mapping[str, Settled], clusters: Sequence[str], number: int) -> Figure:
    """Draw loads before, as agreed through prices and after dispatch (figures 10 and 11, whose curves are unpublished).

    Parameters
    ----------
    settled_by_set : mapping of str to Settled
        By price set.
    clusters : sequence of str
        Clusters to be drawn, two rows each.
    number : int
        Of the paper's figure.
    """
    rows = list(product(clusters, CARRIERS))
    title = f"Figure {number}: loads of the {' and '.join(clusters)} cluster{'s' * (len(clusters) > 1)}"
    figure, panels = by_price_set(len(rows), 1.9, settled_by_set, title)
    for settled, column in zip(settled_by_set.values(), panels.T, strict=True):
        looks = (
            ("before", settled.day["load"], {"color": BEFORE, "linewidth": 3.0}),
            ("agreed through prices", settled.retail["load"], {"color": AGREED, "linewidth": 1.8}),
            ("after dispatch", settled.flows["load"], {"color": AFTER, "linewidth": 1.4, "linestyle": "--"}),
        )
        for axes, (cluster, carrier) in zip(column, rows, strict=True):
            for name, load, look in looks:
                axes.stairs(load.sel(cluster=cluster, carrier=carrier), EDGES, baseline=None, label=name, **look)
            if cluster in SAID:
                hours, name = SAID[cluster]
                mark(axes, hours, f"the paper's hours, {name}")
    for axes, (cluster, carrier) in zip(panels[:, 0], rows, strict=True):
        label(axes, y=f"{cluster}\n{carrier} [kW]")
        axes.set_ylim(0)
    legend(figure, panels.ravel(), 4)
    return figure


@style()
def operation(settled_by_set: Mapping[str, Settled]) -> Figure:
    """Draw what supplies electricity and cooling, and what uses it (figure 12, whose curves are unpublished).

    Above are the hours in which the paper says that large amounts are purchased.
    """
    title = "Figure 12: operation of the provider's equipment"
    figure, panels = by_price_set(3, 2.3, settled_by_set, title, height_ratios=[1.7, 1.5, 0.8])
    for settled, (power, cooling, ice) in zip(settled_by_set.values(), panels.T, strict=True):
        flows = settled.flows
        stacked(power, {name: flows[name] for name in ("photovoltaics", "turbine", "purchase")}, SOURCE_COLOURS)
        total = xr.zeros_like(flows["purchase"])
        for name, used in _uses(flows).items():
            total = total + used
            if (used > SLACK).any():
                power.stairs(total.where(used > SLACK), EDGES, baseline=None, color="black", linewidth=1.5,
                             linestyle=USES[name], label=f"use: {name}")  # fmt: skip
        mark(power, NIGHT, "published: large purchases, 0 to 8, 22 to 24")
        cold = {"absorption": flows["absorption"], "chiller": flows["chiller"], "ice": flows["ice_discharge"]}
        stacked(cooling, cold, SOURCE_COLOURS)
        served = flows["load"].sel(carrier="cooling").sum("cluster")
        cooling.stairs(served, EDGES, baseline=None, color="black", linewidth=1.3)
        held = flows["ice_energy"].to_numpy()
        ice.plot(EDGES, np.append(held[-1], held), color=SOURCE_COLOURS["ice"], label="cold held by the ice")
        ice.axhline(float(settled.inputs["ice_capacity"]), color="black", linewidth=1, linestyle=(0, (1, 2)),
                    label="capacity of the ice")  # fmt: skip
    for axes, name in zip(panels[:, 0], ("electricity [kW]", "cooling [kW]", "ice [kWh]"), strict=True):
        label(axes, y=name)
        axes.set_ylim(0)
    legend(figure, panels.ravel(), 3)
    return figure


def _uses(flows: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return what electricity is used for, dims (hour) [kW]."""
    served = flows["load"].sel(carrier="electricity").sum("cluster")
    amounts = (served, flows["chiller_power"], flows["ice_power"], flows["export"])
    return dict(zip(USES, amounts, strict=True))


@style()
def residuals(results: Mapping[str, Result]) -> Figure:
    """Draw the residuals of the bargain over its steps.

    Parameters
    ----------
    results : mapping of str to Result
        From :meth:`bcopt.studies.frontiers2022.distributed.Bargain.strike`, by what tells them apart.
    """
    figure, panels = new(1, 2, 3.0, sharex=True)
    titles = (("primal", "imbalance [kW]"), ("dual", "price change [yuan/kWh]"))
    lines = ("-", "--", ":", "-.")
    for axes, (residual, name) in zip(panels, titles, strict=True):
        for number, (case, result) in enumerate(results.items()):
            values = getattr(result, residual)
            axes.plot(np.arange(1, values.size + 1), values, linestyle=lines[number % len(lines)], linewidth=1.6,
                      label=f"{case}: {result.iterations} steps")  # fmt: skip
        axes.set_yscale("log")
        label(axes, x="step [-]", y=name, title=f"{residual} residual")
    legend(figure, panels, len(results))
    return figure


@style()
def penalties(table_by_set: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the steps that the bargain takes against its penalty, fixed and adaptive.

    Parameters
    ----------
    table_by_set : mapping of str to pd.DataFrame
        From :func:`bcopt.studies.frontiers2022.distributed.against_penalty`, by price set.
    """
    figure, axes = new(1, 1, 3.0)
    for name, table in table_by_set.items():
        x = table["penalty [yuan/kWh/kW]"]
        for kind, colour, marker in (("fixed", "vermilion", "o"), ("adaptive", "blue", "s")):
            axes.loglog(x, table[f"iterations, {kind}"], marker=marker, color=PALETTE[colour], markersize=5,
                        linestyle=SET_LINES[name], linewidth=1.6, label=f"{kind}, {name}")  # fmt: skip
    label(axes, x="penalty at the start [yuan/kWh/kW]", y="steps [-]", title="Steps until the bargain is struck")
    legend(figure, [axes], 2)
    return figure


@style()
def part_load(inputs: xr.Dataset, cooling: Mapping[str, xr.DataArray]) -> Figure:
    """Draw the electricity of the chiller over its load, by a constant ratio and by the polynomial of the part load.

    Parameters
    ----------
    inputs : xr.Dataset
        Of the dispatch, :attr:`bcopt.studies.frontiers2022.stages.Settled.inputs`.
    cooling : mapping of str to xr.DataArray, dims (hour)
        Of the chiller in the hours of the day, by price set [kW].
    """
    capacity, ratio = (float(inputs[name]) for name in ("chiller_capacity", "chiller_eer"))
    share = np.linspace(0, 1, SEGMENTS + 1)
    curve = chiller_power(inputs, xr.DataArray(share * capacity, dims="share")).isel(hour=0, missing_dims="ignore")
    figure, axes = new(1, 1, 3.1)
    axes.plot(share, share * capacity / ratio, "--", color=BEFORE, label=f"constant ratio of {ratio:g}")
    axes.plot(share, curve, color=AFTER, label="polynomial of the part load")
    for name, of in cooling.items():
        axes.plot(of / capacity, chiller_power(inputs, of), **SET_POINTS[name], linestyle="none", markersize=5,
                  markeredgecolor="black", markeredgewidth=0.5, label=f"hours of the day, {name}")  # fmt: skip
    label(axes, x="cooling over capacity [-]", y="electricity [kW]", title="Chiller at part load")
    axes.set(xlim=(0, 1.02), ylim=(0, None))
    axes.legend(loc="upper left")
    return figure
