"""Figures of sections 4.1 and 4.2.1, numbered as in the paper where it has one; its curves are unpublished."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from bcopt.compendium.figures import PALETTE, label, new, style
from bcopt.studies.frontiers2022.inputs import CARRIERS, CLUSTERS, PRICE_SETS
from bcopt.studies.frontiers2022.results import adjustable
from bcopt.studies.frontiers2022.stages import Settled
from bcopt.studies.systems2024.figures import FUNCTION_COLOURS
from bcopt.studies.systems2024.flexibility_figures import EDGES

Panels = npt.NDArray[np.object_]

SETS = PRICE_SETS
CLUSTER_COLOURS = {
    "commercial": FUNCTION_COLOURS["mall"],
    "residential": FUNCTION_COLOURS["residential"],
    "hotel": FUNCTION_COLOURS["hotel"],
}
SET_LINES = dict(zip(SETS, ("-", "--"), strict=True))
RETAIL, WHOLESALE, READY = PALETTE["blue"], "black", "#d0d0d0"
FORM_COLOURS = (PALETTE["vermilion"], PALETTE["blue"])
"""Of the learners: those of the paper's state, and those that see the price budget."""
NUMBERS = {"commercial": 7, "residential": 8, "hotel": 9}
"""Figures of the paper on the prices of each cluster."""
DAY: dict[str, Any] = {"xlim": (0, 24), "xticks": range(0, 25, 4)}


def by_price_set(rows: int, height: float, sets: Collection[str], title: str, **options: Any) -> tuple[Figure, Panels]:
    """Return an empty figure over the hours of the day, a column for each price set, rows of one scale.

    Parameters
    ----------
    rows : int
        Panels of each price set.
    height : float
        Of a row [inch].
    sets : collection of str
        Price sets.
    title : str
        Of the figure.
    **options
        As :func:`bcopt.compendium.figures.new` takes them.
    """
    figure, panels = new(rows, len(sets), height, sharex=True, sharey="row", squeeze=False, **options)
    for name, column in zip(sets, panels.T, strict=True):
        column[0].set_title(f"prices: {name}", pad=11, fontsize=9.5)
        label(column[-1], x="hour of the day")
        column[-1].set(**DAY)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
    figure.align_ylabels()
    return figure, panels


def stacked(axes: Axes, parts: Mapping[str, npt.ArrayLike], colours: Mapping[str, str]) -> None:
    """Stack hourly bars with the names of their parts, what is negative below zero."""
    axes.use_sticky_edges = False  # else the highest bar would touch the panel's edge
    up, down = np.zeros(EDGES.size - 1), np.zeros(EDGES.size - 1)
    for name, values in parts.items():
        above, below = np.maximum(values, 0), np.minimum(values, 0)
        bottom = np.where(below < 0, down, up)
        axes.bar(EDGES[:-1] + 0.5, above + below, 1.0, bottom=bottom, color=colours[name], linewidth=0, label=name)
        up, down = up + above, down + below


def mark(axes: Axes, hours: Collection[int], name: str) -> None:
    """Mark clock hours by a strip above a panel, where it hides nothing."""
    place = axes.get_xaxis_transform() + ScaledTranslation(0, 4 / 72, axes.figure.dpi_scale_trans)
    at = np.sort(list(hours))
    axes.hlines(np.ones(at.size), at, at + 1, transform=place, color=PALETTE["green"], linewidth=4, clip_on=False,
                label=name)  # fmt: skip


def legend(figure: Figure, panels: Iterable[Axes], columns: int) -> None:
    """Put one legend of several panels below the figure, each name once."""
    handles = {name: handle for axes in panels for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)


@style()
def demand(days_by_set: Mapping[str, xr.Dataset]) -> Figure:
    """Draw electricity and cooling of the three clusters (figure 5, whose curves are unpublished).

    Parameters
    ----------
    days_by_set : mapping of str to xr.Dataset
        From :func:`bcopt.studies.frontiers2022.basic_data.typical_day`, by price set; their loads differ by the factors
        of fit 1 alone.
    """
    figure, panels = new(len(CARRIERS), 1, 2.2, sharex=True)
    for name, day in days_by_set.items():
        for axes, carrier in zip(panels, CARRIERS, strict=True):
            for cluster, colour in CLUSTER_COLOURS.items():
                axes.stairs(day["load"].sel(cluster=cluster, carrier=carrier), EDGES, baseline=None, color=colour,
                            linestyle=SET_LINES[name], linewidth=1.6, label=f"{cluster}, {name}")  # fmt: skip
    for axes, carrier in zip(panels, CARRIERS, strict=True):
        label(axes, y=f"{carrier} [kW]")
        axes.set_ylim(0)
    label(panels[0], title="Figure 5: loads of the clusters, scaled by fit 1")
    label(panels[-1], x="hour of the day")
    panels[-1].set(**DAY)
    legend(figure, panels, len(days_by_set))
    return figure


@style()
def wholesale(inputs: xr.Dataset) -> Figure:
    """Draw the electricity prices at wholesale (table 4, an image), between the bounds of retail prices.

    Parameters
    ----------
    inputs : xr.Dataset
        The study's inputs.
    """
    prices = inputs["electricity_price"]
    figure, panels = by_price_set(1, 2.8, prices["price_set"].to_numpy(), "Table 4, an image: assumed prices")
    for axes, of in zip(panels[0], prices.transpose("price_set", "hour"), strict=True):
        low, mean, high = float(of.min()), float(of.mean()), float(of.max())
        axes.stairs(of, EDGES, baseline=None, color=WHOLESALE, linewidth=2, label="wholesale price")
        for bound, name in ((low, "lowest and highest retail price"), (high, None)):
            axes.axhline(bound, color=PALETTE["vermilion"], linestyle="--", linewidth=1.4, label=name)
        axes.axhline(mean, color=RETAIL, linestyle=":", linewidth=1.8, label="mean, which retail prices keep below")
        axes.set_title(f"{of['price_set'].item()}: {low:.3f} to {high:.3f}, mean {mean:.3f}", fontsize=9.5)
    panels[0, 0].set_ylim(0)
    label(panels[0, 0], y="electricity [yuan/kWh]")
    legend(figure, panels[0], 3)
    return figure


@style()
def photovoltaics(
    days: xr.Dataset, capacity: float, variant: str = "central", day: str = "mean day of July"
) -> Figure:  # fmt: skip
    """Draw the power of the modules by where they stand (figure 6, whose curves are unpublished).

    Parameters
    ----------
    days : xr.Dataset
        From :func:`bcopt.studies.frontiers2022.simulation.read`.
    capacity : float
        At standard test conditions, at each of the positions [kW].
    variant, day : str
        Simulation and typical day.
    """
    figure, axes = new(1, 1, 3.0)
    power = days["photovoltaics"].sel(variant=variant, day=day).transpose("position", "hour") * capacity
    looks = (("blue", "-"), ("vermilion", "--"), ("green", "-."), ("orange", ":"))
    for of, (colour, line) in zip(power, looks, strict=True):
        axes.stairs(of, EDGES, baseline=None, linewidth=1.8, color=PALETTE[colour], linestyle=line,
                    label=of["position"].item())  # fmt: skip
    title = f"Figure 6: {capacity:g} kW of photovoltaics at each position, {day}"
    label(axes, x="hour of the day", y="power [kW]", title=title)
    axes.set(**DAY)
    axes.set_ylim(0)
    axes.legend(loc="upper left")
    return figure


@style()
def pricing(settled_by_set: Mapping[str, Settled], cluster: str) -> Figure:
    """Draw prices and load adjustment of a cluster (figures 7, 8 and 9, whose curves are unpublished).

    Parameters
    ----------
    settled_by_set : mapping of str to Settled
        By price set.
    cluster : str
        Commercial, residential or hotel.
    """
    title = f"Figure {NUMBERS[cluster]}: prices and load adjustment, {cluster} cluster"
    figure, panels = by_price_set(2 * len(CARRIERS), 1.6, settled_by_set, title)
    for settled, column in zip(settled_by_set.values(), panels.T, strict=True):
        ready = adjustable(settled)
        for carrier, price, load in zip(CARRIERS, column[:2], column[2:], strict=True):
            at = {"cluster": cluster, "carrier": carrier}
            bought = settled.day["wholesale_price"].sel(carrier=carrier)
            price.stairs(settled.retail["price"].sel(at), EDGES, baseline=None, color=RETAIL, linewidth=2.0,
                         label="retail price")  # fmt: skip
            price.stairs(bought, EDGES, baseline=None, color=WHOLESALE, linestyle="--", linewidth=1.4,
                         label="wholesale price")  # fmt: skip
            load.stairs(ready.sel(at), EDGES, fill=True, color=READY, label="adjustable capacity")
            load.stairs(settled.retail["reduction"].sel(at), EDGES, baseline=None, color=PALETTE["vermilion"],
                        linewidth=1.8, label="actual reduction")  # fmt: skip
    for carrier, price, load in zip(CARRIERS, panels[:2, 0], panels[2:, 0], strict=True):
        label(price, y=f"{carrier}\n[yuan/kWh]")
        label(load, y=f"{carrier}\nreduced [kW]")
        price.set_ylim(0)
    legend(figure, panels.ravel(), 4)
    return figure


@style()
def tied_prices(
    settled_by_set: Mapping[str, Settled], low: Mapping[str, xr.Dataset], high: Mapping[str, xr.Dataset]
) -> Figure:  # fmt: skip
    """Draw the electricity prices taken between the lowest and the highest plan of the same reward.

    The cap on the mean price ties the hours, so that a plan in between may leave the band in an hour.

    Parameters
    ----------
    settled_by_set : mapping of str to Settled
        By price set, at the weight of the plans.
    low, high : mapping of str to xr.Dataset
        From :func:`bcopt.planning.retail.exact` with the ties ``lowest`` and ``highest``, by price set.
    """
    weights = sorted({settled.scenario.weight for settled in settled_by_set.values()})
    title = f"Electricity prices of equal reward, weight {', '.join(f'{weight:g}' for weight in weights)}"
    figure, panels = by_price_set(len(CLUSTERS), 1.9, settled_by_set, title)
    for (name, settled), column in zip(settled_by_set.items(), panels.T, strict=True):
        for cluster, axes in zip(CLUSTERS, column, strict=True):
            at = {"cluster": cluster, "carrier": "electricity"}
            ends = [of[name]["price"].sel(at) for of in (low, high)]
            axes.stairs(ends[1], EDGES, baseline=ends[0], fill=True, color=PALETTE["sky blue"], alpha=0.6, linewidth=0,
                        label="between the lowest and the highest plan of equal reward")  # fmt: skip
            axes.stairs(settled.retail["price"].sel(at), EDGES, baseline=None, color=RETAIL, linewidth=1.8,
                        label=f"taken: {settled.scenario.price_ties}")  # fmt: skip
            axes.stairs(settled.day["wholesale_price"].sel(carrier="electricity"), EDGES, baseline=None, linewidth=1.2,
                        color=WHOLESALE, linestyle="--", label="wholesale price")  # fmt: skip
    for cluster, axes in zip(CLUSTERS, panels[:, 0], strict=True):
        label(axes, y=f"{cluster}\n[yuan/kWh]")
        axes.set_ylim(0)
    legend(figure, panels.ravel(), 2)
    return figure


@style()
def learning(gaps_by_form: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw how far Q-learning stays below the best reward over its training, a panel and scale for each weight.

    Parameters
    ----------
    gaps_by_form : mapping of str to pd.DataFrame
        From :func:`bcopt.studies.frontiers2022.learning.gaps`, by the form of the state.
    """
    weights = _weights(*(table["weight"] for table in gaps_by_form.values()))
    figure, panels = new(1, len(weights), 3.0, squeeze=False)
    for axes, weight in zip(panels[0], weights, strict=True):
        for number, (form, table) in enumerate(gaps_by_form.items()):
            colour = FORM_COLOURS[number]
            at = table[table["weight"] == weight].sort_values("episodes")
            axes.fill_between(at["episodes"], at["least [yuan]"], at["greatest [yuan]"], color=colour, alpha=0.25,
                              linewidth=0, label=f"{form}: all seeds")  # fmt: skip
            axes.plot(at["episodes"], at["gap, median [yuan]"], "o-", color=colour, markersize=3.5,
                      label=f"{form}: median")  # fmt: skip
        axes.set_xscale("log")
        axes.set_ylim(0)
        label(axes, x="episodes [-]", title=f"weight {weight:g}")
    label(panels[0, 0], y="gap to the\nbest reward [yuan]")
    figure.suptitle("Q-learning: sum over clusters and carriers", x=0.01, ha="left", fontsize=10.5)
    legend(figure, panels[0], 2)
    return figure


@style()
def gap_distribution(gap: Mapping[str, xr.DataArray]) -> Figure:
    """Draw how far the learner of each seed stays below the best reward after its training, by form and weight.

    Parameters
    ----------
    gap : mapping of str to xr.DataArray, dims (weight, seed)
        Best reward less what was learnt [yuan], by the form of the state.
    """
    weights = _weights(*(of["weight"] for of in gap.values()))
    figure, panels = new(1, len(weights), 3.0, squeeze=False)
    for axes, weight in zip(panels[0], weights, strict=True):
        for number, (form, of) in enumerate(gap.items()):
            if weight not in of["weight"]:
                continue
            values, colour = of.sel(weight=weight).to_numpy(), FORM_COLOURS[number]
            spread = 0.25 * np.cos(np.arange(values.size) * np.pi)  # neighbours on both sides of the middle
            axes.plot(number + spread * np.linspace(0, 1, values.size), values, "o", color=colour, markersize=4,
                      alpha=0.7, markeredgewidth=0, label=f"{form}: a seed")  # fmt: skip
            axes.hlines(np.median(values), number - 0.35, number + 0.35, color=colour, linewidth=2.2,
                        label=f"{form}: median")  # fmt: skip
        axes.set(xlim=(-0.6, len(gap) - 0.4), xticks=[])
        axes.set_ylim(0)
        label(axes, title=f"weight {weight:g}")
    label(panels[0, 0], y="gap to the\nbest reward [yuan]")
    title = "Q-learning after its training: sum over clusters and carriers"
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
    legend(figure, panels[0], 2)
    return figure


def _weights(*found: pd.Series[float] | xr.DataArray) -> Sequence[float]:
    """Return all weights of several tables in their order."""
    return sorted({float(weight) for of in found for weight in of.to_numpy()})
