"""Figures of section 4.3, numbered as in the paper where it has one; its curves are unpublished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bcopt.compendium.figures import PALETTE, PUBLISHED, label, new, style
from bcopt.studies.frontiers2022.figures import by_price_set, legend, mark, stacked
from bcopt.studies.frontiers2022.results import BENEFIT, LOSSES, cost_table, hourly_benefit
from bcopt.studies.frontiers2022.stages import Settled
from bcopt.studies.frontiers2022.weights import COST, PLATEAU
from bcopt.studies.systems2024.flexibility_figures import EDGES

COST_COLOURS = {
    "purchases less exports": "#a6a6a6",
    "gas": PALETTE["vermilion"],
    "emissions": PALETTE["purple"],
    "operation": PALETTE["sky blue"],
}
ALMOST = 90.0
"""What the paper prints for gas and purchases in the cost [%]."""
AT_HALF = {BENEFIT: 1429.08, COST: 20611.39 + 4382.92 + 4354.75}
"""What the paper prints at weight 0.5 [yuan]."""
LEARNT_COLOURS = (0.75, 0.25)
"""Ends on the map inferno, from the shortest training to the longest."""
BESIDE = (0.014, 0.038)
"""How far right of its weight what was learnt is drawn [-]."""
NARROW = 3.0
"""Share below which a part is named beside its bar and not in it [%]."""
LONGEST = 46
"""Letters of a scenario's name."""


@style()
def hourly(settled_by_set: Mapping[str, Settled]) -> Figure:
    """Draw the parts of the cost and the benefit of the provider by hour (figure 13, whose curves are unpublished).

    Above are the hours in which the paper says that the provider loses.
    """
    figure, panels = by_price_set(1, 3.6, settled_by_set, "Figure 13: cost and benefit of the provider by hour")
    for settled, axes in zip(settled_by_set.values(), panels[0], strict=True):
        hours = hourly_benefit(settled)
        parts = {
            "purchases less exports": hours["purchase"] + hours["export"],
            "gas": hours["fuel"],
            "emissions": hours["emission"],
        }
        parts["operation"] = hours["revenue"] - hours["benefit"] - sum(parts.values())
        stacked(axes, parts, COST_COLOURS)
        axes.stairs(hours["benefit"], EDGES, baseline=None, color="black", linewidth=2, label="benefit")
        axes.axhline(0, color="black", linewidth=0.8)
        mark(axes, LOSSES, "published: losses, 0 to 10, 22 to 24")
    label(panels[0, 0], y="cost and benefit [yuan per hour]")
    legend(figure, panels[0], 3)
    return figure


@style()
def composition(settled_by_set: Mapping[str, Settled]) -> Figure:
    """Draw the share of each part in the cost of the day, beside what the paper prints for gas and purchases."""
    figure, axes = new(1, 1, 0.75 * len(settled_by_set) + 1.3)
    for row, settled in enumerate(settled_by_set.values()):
        items = cost_table(settled).set_index("item")["share of the cost [%]"]
        shares = [items["purchased electricity"] + items["exported electricity"]]
        shares += [items[name] for name in list(COST_COLOURS)[1:]]
        starts = np.cumsum([0.0, *shares[:-1]])
        for number, (name, colour) in enumerate(COST_COLOURS.items()):
            axes.barh(row, shares[number], 0.5, left=starts[number], color=colour, label=None if row else name)
            _number(axes, starts[number] + shares[number] / 2, row, shares[number], above=number % 2 == 0)
        axes.plot([shares[0] + shares[1]] * 2, [row - 0.25, row + 0.25], color="black", linewidth=2.2,
                  label=None if row else "gas and purchases")  # fmt: skip
    axes.axvline(ALMOST, color="black", linewidth=1, linestyle="--")
    axes.plot([ALMOST], [len(settled_by_set) - 0.45], **{**PUBLISHED, "label": "published: almost 90 %"})
    axes.set_yticks(range(len(settled_by_set)), list(settled_by_set))
    axes.set(xlim=(0, 100), ylim=(len(settled_by_set) - 0.3, -0.6))
    axes.grid(axis="y", visible=False)
    label(axes, x="share of the provider's cost [%]", title="Figure 13: composition of the cost of the day")
    legend(figure, [axes], 3)
    return figure


def _number(axes: Axes, middle: float, row: int, share: float, above: bool) -> None:
    """Write a share into its bar or, where that is too narrow, above or below it."""
    place, side = (row, "center") if share >= NARROW else (row - 0.29, "bottom") if above else (row + 0.29, "top")
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5} if share < NARROW else None
    axes.text(middle, place, f"{share:.1f}", ha="center", va=side, fontsize=8.5, bbox=behind)


@style()
def sweep(
    exact_by_set: Mapping[str, pd.DataFrame], learnt_by_set: Mapping[str, pd.DataFrame], ties: str
) -> Figure:  # fmt: skip
    """Draw benefit of the provider and cost of the clusters against the weight (figure 14, curves unpublished).

    Parameters
    ----------
    exact_by_set : mapping of str to pd.DataFrame
        From :func:`bcopt.studies.frontiers2022.weights.exact_sweep`, by price set.
    learnt_by_set : mapping of str to pd.DataFrame
        From :func:`~bcopt.studies.frontiers2022.weights.learnt_sweep`, by price set; a set may be left out.
    ties : str
        Tie rule of the line.
    """
    figure, panels = new(2, len(exact_by_set), 2.7, sharex=True, sharey="row", squeeze=False)
    for (name, exact), column in zip(exact_by_set.items(), panels.T, strict=True):
        for axes, quantity in zip(column, AT_HALF, strict=True):
            axes.axvspan(*PLATEAU, color="#e6e6e6", linewidth=0, label="published: fluctuates less")
            _exact(axes, exact, ties, quantity)
            if name in learnt_by_set:
                _learnt(axes, learnt_by_set[name], quantity)
            axes.plot([0.5], [AT_HALF[quantity] / 1000], **{**PUBLISHED, "label": "published at 0.5"})
        column[0].axhline(0, color="black", linewidth=0.8)
        label(column[0], title=f"prices: {name}")
        label(column[1], x="weight of the clusters' benefit [-]")
        column[1].set(xlim=(-0.05, 1.08), xticks=np.linspace(0, 1, 6))
    for axes, name in zip(panels[:, 0], ("benefit of the provider", "cost of the clusters"), strict=True):
        label(axes, y=f"{name}\n[1000 yuan a day]")
    figure.suptitle("Figure 14: what the weight of the reward does", x=0.01, ha="left", fontsize=10.5)
    legend(figure, panels.ravel(), 2)
    return figure


def _exact(axes: Axes, table: pd.DataFrame, ties: str, quantity: str) -> None:
    """Draw the exact optimum of each weight, and how far those of the same reward reach."""
    by_rule = {
        str(rule): rows.set_index("weight")[quantity].sort_index() / 1000 for rule, rows in table.groupby("ties")
    }
    spans = pd.concat(by_rule, axis=1)
    axes.vlines(spans.index, spans.min(axis=1), spans.max(axis=1), color=PALETTE["sky blue"], linewidth=11,
                label="exact: prices of equal reward")  # fmt: skip
    taken = by_rule[ties]
    axes.plot(taken.index, taken, "o-", drawstyle="steps-mid", color=PALETTE["blue"], markersize=3.5, linewidth=1.4,
              label=f"exact: {ties}")  # fmt: skip


def _learnt(axes: Axes, table: pd.DataFrame, quantity: str) -> None:
    """Draw median and range over the seeds after each number of episodes, beside the weight that they are of."""
    lengths = sorted(table["episodes"].unique())
    colours = colormaps["inferno"](np.linspace(*LEARNT_COLOURS, len(lengths)))
    for episodes, colour, beside in zip(lengths, colours, np.linspace(*BESIDE, len(lengths)), strict=True):
        of = table[table["episodes"] == episodes].groupby("weight")[quantity].agg(["min", "median", "max"]) / 1000
        reach: Any = [of["median"] - of["min"], of["max"] - of["median"]]
        axes.errorbar(of.index + beside, of["median"], reach, fmt="s", markersize=3,
                      color=colour, linewidth=1.2, label=f"Q-learning, {episodes:,} episodes: all seeds")  # fmt: skip


@style()
def band(sweep_table: pd.DataFrame, column: str, printed: float, tolerance: float) -> Figure:
    """Draw a number of the day over the scenarios beside what is printed and its tolerance.

    Parameters
    ----------
    sweep_table : pd.DataFrame
        From :func:`bcopt.studies.frontiers2022.results.sweep`, the central scenario first.
    column : str
        What is drawn, such as :data:`bcopt.studies.frontiers2022.results.FUEL_SHARE`.
    printed, tolerance : float
        What the paper prints, and how far from it the protocol lets a value be.
    """
    rows, values = np.arange(len(sweep_table)), sweep_table[column].to_numpy()
    fitted = (sweep_table["no root"] == "").to_numpy()
    figure, axes = new(1, 1, 0.16 * len(rows) + 1.3)
    axes.axvspan(printed - tolerance, printed + tolerance, color="#d6e6f2", linewidth=0, label="tolerance")
    axes.axvline(values[0], color=PALETTE["vermilion"], linewidth=0.8, linestyle=":")
    for which, name, face in ((fitted, "scenario", PALETTE["blue"]), (~fitted, "scenario, a fit has no root", "white")):
        if which.any():
            axes.plot(values[which], rows[which], "o", color=PALETTE["blue"], markersize=4.5, markerfacecolor=face,
                      label=name)  # fmt: skip
    axes.plot(values[:1], rows[:1], "o", color=PALETTE["vermilion"], markersize=7, label="central",
              markerfacecolor=PALETTE["vermilion"] if fitted[0] else "white")  # fmt: skip
    axes.plot([printed], [-1], **PUBLISHED)
    names = [n if len(n) <= LONGEST else f"{n[: LONGEST - 1]}…" for n in sweep_table["scenario"]]
    axes.set_yticks(rows, names, fontsize=7.5)
    axes.set_ylim(len(rows) - 0.4, -1.8)
    label(axes, x=column)
    legend(figure, [axes], 3)
    return figure
