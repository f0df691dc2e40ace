"""Figures of section 3.3, numbered as in the paper where it has one; its curves are unpublished."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bcopt.compendium.figures import PALETTE, PUBLISHED, label, new, style
from bcopt.methods.decoders import Array
from bcopt.studies.systems2024.district_day import RESIDENTIAL
from bcopt.studies.systems2024.district_fits import DistrictFits
from bcopt.studies.systems2024.district_results import FALLS, FITTED, RISES, Days, shares
from bcopt.studies.systems2024.district_sizing import Searched
from bcopt.studies.systems2024.figures import FUNCTION_COLOURS
from bcopt.studies.systems2024.flexibility_figures import AFTER, BEFORE, EDGES

GAS_HATCH = "////"
FALL, RISE = PALETTE["sky blue"], PALETTE["orange"]
TARIFF_SHADES = ("white", "#f3f3f3", "#e6e6e6")
"""Hours of low, middle and high tariff."""
SHARING_LOOKS = {"shared": {"color": PALETTE["blue"]}, "own": {"color": PALETTE["vermilion"], "linestyle": "--"}}
KNOBS = {
    "photovoltaic_scale": ("photovoltaic scale [-]", "export before [MWh]", 1.0),
    "public_scale": ("public electricity scale [-]", "cost before [1000 yuan]", 1.0),
    "storage_energy": ("shared storage [MWh]", "cost after [1000 yuan]", 1e3),
}
"""Knob, response, and what divides the knob, of the searches of fits 4 to 6."""
LEVEL = 1e-6
"""Share of the emissions by which a front must still fall to be drawn on."""
NEAR = 2.0
"""Multiple of what a search found up to which it is drawn."""
WORTH = 0.1
"""Share of what the first kWh of storage saves down to which sizes are drawn."""
_DAY: dict[str, Any] = {"xlim": (0, 24), "xticks": range(0, 25, 3)}


@style()
def baseline(days: Days) -> Figure:
    """Draw electricity and heat of the groups before supply is optimised (figure 10, whose curves are unpublished).

    Electricity is that of buildings less photovoltaics, without heat pumps and chillers.
    """
    figure, (power, heat) = new(2, 1, 2.3, sharex=True)
    net = days.day["electricity"] - days.day["photovoltaics"]
    for group, colour in FUNCTION_COLOURS.items():
        for axes, load in ((power, net), (heat, days.day["heat"])):
            axes.stairs(load.sel(group=group) / 1000, EDGES, color=colour, linewidth=1.8, baseline=None, label=group)
    power.axhline(0, color="black", linewidth=0.8)
    label(power, y="electricity less\nphotovoltaics [MW]", title="Figure 10: loads of the groups, mean day of January")
    label(heat, x="hour of the day", y="heat [MW]")
    heat.set(**_DAY)
    heat.set_ylim(0)
    figure.legend(*power.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


@style()
def front(
    searched: Searched, curve_points: Array, merged: pd.DataFrame, plan: tuple[float, float] | None = None,
    worst: pd.DataFrame | None = None,
) -> Figure:  # fmt: skip
    """Draw cost against emissions, exact and searched (figure 11, whose front is unpublished).

    Parameters
    ----------
    searched, merged, worst : Searched, pd.DataFrame, pd.DataFrame, optional
        From :func:`~bcopt.studies.systems2024.district_sizing.evolve`, ``merged_front`` and ``pessimistic`` there.
    curve_points : Array, dims (point, objective)
        Cost [yuan] and emissions [kg] of the exact front.
    plan : tuple of float, optional
        Cost [yuan] and emissions [kg] with the fitted storage.
    """
    figure, axes = new(1, 1, 3.6)
    cost, emissions = curve_points[np.argsort(curve_points[:, 0])].T / [[1e6], [1e3]]
    axes.plot(cost, emissions, color=PALETTE["blue"], label="exact front of the two levels")
    bound = merged.sort_values("cost [yuan]")
    axes.plot(bound["cost [yuan]"] / 1e6, bound["emissions [kg]"] / 1000, "--", color="black", linewidth=1.2,
              label="bound: storage and dispatch chosen as one")  # fmt: skip
    if worst is not None:
        axes.plot(worst["cost, greatest [yuan]"] / 1e6, worst["emissions, greatest [kg]"] / 1000, ":",
                  color=PALETTE["green"], label="the worst dispatch of equal energy cost")  # fmt: skip
    span = cost[emissions <= emissions.min() * (1 + LEVEL)].min() - cost[0]
    end = cost[0] + 1.1 * span
    found = searched.plans[["cost [yuan]", "emissions [kg]"]] / [1e6, 1e3]
    beyond = f", {n} beyond" if (n := int((found["cost [yuan]"] > end).sum())) else ""
    axes.plot(found["cost [yuan]"], found["emissions [kg]"], "o", color=PALETTE["orange"], markersize=4,
              markerfacecolor="white", label=f"NSGA-II, {len(found)} plans of the first seed{beyond}")  # fmt: skip
    if plan is not None:
        axes.plot([plan[0] / 1e6], [plan[1] / 1000], "s", color=PALETTE["vermilion"], markersize=7,
                  label="the fitted storage")  # fmt: skip
    if span > 0:
        axes.set_xlim(cost[0] - 0.1 * span, end)
    label(axes, x="cost of the upper level [million yuan]", y="emissions [t]", title="Figure 11: Pareto front of a day")
    axes.legend(loc="upper right")
    return figure


@style()
def purchases(days: Days) -> Figure:
    """Draw the purchase of the district before and after the storage (figure 12, whose curves are unpublished).

    Above are the hours in which the paper says that it falls and rises, behind them the tariff; below, the storage.
    """
    figure, (power, storage) = new(2, 1, 2.6, sharex=True, height_ratios=[1.7, 1])
    before, after = ((flows["purchase"].sum("group") / 1000).to_numpy() for flows in (days.before, days.after))
    for axes in (power, storage):
        _tariff(axes, days.day["electricity_price"])
    highest = np.maximum(before, after)
    for base, colour, name in ((after, FALL, "it falls"), (before, RISE, "it rises")):
        power.stairs(highest, EDGES, baseline=base, fill=True, color=colour, alpha=0.6, linewidth=0, label=name)
    for values, colour, name in ((before, BEFORE, "before"), (after, AFTER, "after")):
        power.stairs(values, EDGES, color=colour, linewidth=2, baseline=None, label=f"purchase {name}")
    power.set_ylim(0, 1.2 * highest.max())
    for hours, colour, name in ((FALLS, FALL, "falls, hours 15 to 20"), (RISES, RISE, "rises, hours 23 to 5")):
        _mark(power, hours, (0.92, 0.05), facecolor=colour, edgecolor="black", linewidth=0.6,
              label=f"published: {name}")  # fmt: skip
    held = days.after["energy"].to_numpy() / 1000
    storage.plot(EDGES, np.append(held[-1], held), color=AFTER)
    storage.axhline(float(days.day["storage_energy"]) / 1000, color="black", linewidth=0.8, linestyle="--")
    storage.set_ylim(0)
    label(power, y="purchase of the district [MW]", title="Figure 12: before and after the shared storage")
    label(storage, x="hour of the day", y="stored [MWh]")
    storage.set(**_DAY)
    handles, names = power.get_legend_handles_labels()
    handles += [Patch(facecolor=shade, edgecolor="#c4c4c4", linewidth=0.6) for shade in TARIFF_SHADES[1:]]
    figure.legend(handles, [*names, "middle tariff", "high tariff"], loc="outside lower center", ncols=4)
    return figure


def _tariff(axes: Axes, price: xr.DataArray) -> None:
    """Shade the hours by the tariff, the darker the dearer."""
    mean = price.mean("group").to_numpy().round(6)
    for level, shade in zip(np.unique(mean), TARIFF_SHADES, strict=False):
        _mark(axes, np.flatnonzero(mean == level), (0, 1), facecolor=shade, linewidth=0, antialiased=False, zorder=0)


def _mark(axes: Axes, hours: Iterable[int], height: tuple[float, float], **look: Any) -> None:
    """Draw a band over clock hours, from a share of the panel's height and so high."""
    runs = np.split(hours := np.sort(list(hours)), np.flatnonzero(np.diff(hours) > 1) + 1)
    spans = [(float(run[0]), float(run.size)) for run in runs]
    axes.broken_barh(spans, height, transform=axes.get_xaxis_transform(), **look)


@style()
def by_group(days: Days, printed_export: tuple[float, float]) -> Figure:
    """Draw purchase less export of each group before and after (figure 13, whose curves are unpublished).

    Parameters
    ----------
    days : Days
        What is drawn.
    printed_export : tuple of float
        Residential export that the paper prints, before and after [kWh].
    """
    figure, panels = new(2, 2, 2.5, sharex=True)
    looks = (("before", days.before, BEFORE, "\\\\\\\\"), ("after", days.after, AFTER, "////"))
    for axes, group in zip(panels.flat, FUNCTION_COLOURS, strict=True):
        bought = []
        for name, whole, colour, hatch in looks:
            flows = whole.sel(group=group)
            net = (flows["purchase"] - flows["export"]) / 1000
            axes.stairs(net, EDGES, color=colour, linewidth=1.8, baseline=None, label=name)
            if float(flows["export"].sum()) > 0:
                axes.stairs(-flows["export"] / 1000, EDGES, fill=True, facecolor="none", edgecolor=colour, hatch=hatch,
                            linewidth=0)  # fmt: skip
            bought.append(float(flows["purchase"].sum()) / 1000)
        axes.axhline(0, color="black", linewidth=0.8)
        label(axes, title="{}: {:.1f} MWh, then {:.1f} MWh".format(group, *bought))
        axes.set(**_DAY)
    exports = [float(flows["export"].sel(group=RESIDENTIAL).sum()) for _, flows, _, _ in looks]
    note = [f"export {name} {ours:,.0f} kWh\n(published {theirs:,.0f})"
            for (name, *_), ours, theirs in zip(looks, exports, printed_export, strict=True)]  # fmt: skip
    panels[0, 0].text(0.97, 0.95, "\n".join(note), transform=panels[0, 0].transAxes, ha="right", va="top", fontsize=8.5)
    for axes in panels[:, 0]:
        label(axes, y="purchase\nless export [MW]")
    for axes in panels[1]:
        label(axes, x="hour of the day")
    figure.suptitle("Figure 13: what each group buys before and after the storage", x=0.01, ha="left", fontsize=10.5)
    handles, names = panels[0, 0].get_legend_handles_labels()
    handles += [Patch(facecolor="none", edgecolor=colour, hatch=hatch) for *_, colour, hatch in looks]
    names += [f"export {name}" for name, *_ in looks]
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    return figure


@style()
def heat_sources(days: Days, own: bool, printed: Mapping[str, float]) -> Figure:
    """Draw heat by group and source over the day (figure 14 shared, 15 own; their curves are unpublished).

    Parameters
    ----------
    days : Days
        What is drawn.
    own : bool
        Each group on its own ground, else the ground heat is shared.
    printed : mapping of str to float
        Share of ground heat that the paper prints for a group, or for ``all`` [%].
    """
    figure, axes = new(1, 1, 4.2)
    number, kind, flows = (15, "own", days.own) if own else (14, "shared", days.after)
    _stacked(axes, flows["gas_heat"], _stacked(axes, flows["pump_heat"]), GAS_HATCH)
    share = shares(days).set_index("group")[f"ground heat, {kind} [%]"]
    beside = {group: f"{share[group]:.2f} %" + (f" (published {printed[group]:.2f} %)" if group in printed else "")
              for group in (*FUNCTION_COLOURS, "all")}  # fmt: skip
    handles: list[Any] = [Patch(color=c, label=f"{group}: {beside[group]}") for group, c in FUNCTION_COLOURS.items()]
    handles.append(Patch(facecolor="#a0a0a0", edgecolor="white", hatch=GAS_HATCH, label="hatched: gas of that group"))
    needed, cap = days.day["heat"].sum("group") / 1000, float(days.day["pump_capacity"].sum()) / 1000
    line: dict[str, Any] = {"color": "black", "linewidth": 1.4}
    handles.append(axes.stairs(needed, EDGES, baseline=None, label="heat needed", **line))
    handles.append(axes.axhline(cap, linestyle="--", label="cap of the ground heat of all", **line))
    axes.set_ylim(0, 1.05 * max(cap, float(needed.max())))
    title = f"Figure {number}: {kind} ground heat, {beside['all']} of the heat"
    label(axes, x="hour of the day", y="heat [MW]", title=title)
    axes.set(**_DAY)
    figure.legend(handles=handles, loc="outside lower center", ncols=2, title="share of ground heat", alignment="left")
    return figure


def _stacked(axes: Axes, flow: xr.DataArray, bottom: Array | float = 0.0, hatch: str = "") -> Array | float:
    """Stack hourly bars of the groups [MW] on what is below them, and return where they end."""
    for group, colour in FUNCTION_COLOURS.items():
        value = flow.sel(group=group).to_numpy() / 1000
        axes.bar(EDGES[:-1] + 0.5, value, 1.0, bottom=bottom, color=colour, hatch=hatch, edgecolor="white", linewidth=0,
                 label=group)  # fmt: skip
        bottom = bottom + value
    return bottom


@style()
def calibration_paths(fits: DistrictFits) -> Figure:
    """Draw what each search of fits 4 to 6 tried, and its target, up to a multiple of what was found."""
    figure, panels = new(1, len(KNOBS), 3.0)
    for axes, (knob, (x, y, unit)) in zip(panels, KNOBS.items(), strict=True):
        label(axes, x=x, y=y)
        if knob not in fits.steps:
            axes.set(xticks=[], yticks=[])
            reason = textwrap.fill(fits.missed.get(knob, "not searched"), 26)
            axes.text(0.5, 0.5, reason, transform=axes.transAxes, ha="center", va="center", fontsize=7.5)
            continue
        step = fits.steps[knob]
        path = step.path.sortby("knob") / xr.Dataset({"knob": unit, "response": 1000})
        axes.plot(path["knob"], path["response"], "o-", color=AFTER, markersize=4, linewidth=0.8, label="tried")
        axes.axhline(step.target / 1000, color="black", linewidth=1.0, linestyle="--", label="published: the target")
        axes.plot([step.knob / unit], [step.response / 1000], "o", color=PALETTE["vermilion"], markersize=7,
                  label="taken")  # fmt: skip
        near = path["knob"] <= NEAR * step.knob / unit
        shown = path["response"][near]
        room = 0.08 * float(shown.max() - shown.min())
        axes.set(xlim=(0, NEAR * step.knob / unit), ylim=(float(shown.min()) - room, float(shown.max()) + room))
        axes.set_title(f"{step.knob / unit:.4g}: {int(near.sum())} of {step.evaluations} tries drawn", fontsize=9.5)
    drawn = max(panels, key=lambda axes: len(axes.lines))
    figure.legend(*drawn.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@style()
def sizes(curves: Mapping[str, xr.Dataset], fitted: float, printed: float) -> Figure:
    """Draw what a shared storage saves, costs and spares by its size, with shared and own ground heat.

    Sizes are drawn as long as a further kWh saves a tenth of what the first one does, in one of the two.

    Parameters
    ----------
    curves : mapping of str to xr.Dataset, dims (size)
        From :func:`bcopt.studies.systems2024.district_sizing.sizes`, by ``shared`` and ``own``.
    fitted : float
        Size that fit 6 found [kWh].
    printed : float
        Change of the electricity cost of a day that the paper prints [yuan].
    """
    figure, panels = new(2, 2, 2.5, sharex=True)
    energy, whole, emissions, value = panels.flat
    end = max(fitted, *(_worthwhile(curve) for curve in curves.values()))
    for name, curve in ((name, _up_to(curve, end)) for name, curve in curves.items()):
        size, look = curve["size"].to_numpy() / 1000, SHARING_LOOKS[name]
        change = (curve - curve.isel(size=0)) / 1000
        energy.plot(size, change["energy_cost"], **look, label=f"{name} ground heat")
        energy.plot(size, change["energy_cost"] + change["other_cost"], **look, linewidth=0.8)
        whole.plot(size, change["cost"], **look)
        emissions.plot(size, curve["emissions"] / 1000, **look)
        value.stairs(curve["marginal_value"][:-1], size, baseline=None, **look, linewidth=1.8)
    for axes in panels.flat:
        axes.axvline(fitted / 1000, color="black", linewidth=0.8, linestyle=":")
    energy.plot([fitted / 1000], [printed / 1000], **{**PUBLISHED, "label": "published, at the fitted size"})
    energy.set_xlim(0, 1.05 * end / 1000)
    label(energy, y="change [1000 yuan a day]", title="Energy cost; thin: wear, boilers too")
    label(whole, y="change [1000 yuan a day]", title="Cost of the upper level")
    label(emissions, x="shared storage [MWh]", y="emissions [t a day]", title="Emissions")
    label(value, x="shared storage [MWh]", y="value [yuan/kWh]", title="A further kWh saves of energy cost")
    value.set_ylim(0)
    figure.legend(*energy.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _worthwhile(curve: xr.Dataset) -> float:
    """Return the size from which on a further kWh saves less than a share of what the first one does [kWh]."""
    value = curve["marginal_value"]
    return float(curve["storage_energy"][~(value >= WORTH * value[0])].min())


def _up_to(curve: xr.Dataset, end: float) -> xr.Dataset:
    """Return a curve over its sizes up to one at which it ends, dims (size) [kWh]."""
    over_size = curve.assign_coords(size=curve["storage_energy"].to_numpy())
    return over_size.interp(size=np.append(over_size["size"][over_size["size"] < end], end))


@style()
def ground_heat(value: xr.DataArray, days: Days) -> Figure:
    """Draw what a further kWh of shared ground heat is worth in each hour, and the gas that is burnt then.

    Parameters
    ----------
    value : xr.DataArray, dims (hour)
        From :func:`bcopt.studies.systems2024.district_planning.ground_heat_values` [yuan/kWh].
    days : Days
        Whose gas is drawn.
    """
    figure, (worth, gas) = new(2, 1, 2.1, sharex=True)
    worth.stairs(value, EDGES, fill=True, color=PALETTE["sky blue"])
    _stacked(gas, days.after["gas_heat"], 0.0, GAS_HATCH)
    label(worth, y="value [yuan/kWh]", title="A further kWh of ground heat, and the gas it would replace")
    label(gas, x="hour of the day", y="gas heat [MW]")
    gas.set(**_DAY)
    figure.legend(*gas.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


@style()
def sharing(table: pd.DataFrame, printed: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the share of ground heat in the heat of each group and of all, shared and own.

    Parameters
    ----------
    table : pd.DataFrame
        From :func:`bcopt.studies.systems2024.district_results.shares`.
    printed : mapping of str to mapping of str to float
        What the paper prints for ``shared`` and ``own`` by group and for ``all`` [%]; a group may be left out.
    """
    figure, axes = new(1, 1, 3.1)
    place = pd.Series(np.arange(len(table)), index=table["group"])
    for (name, look), shift in zip(SHARING_LOOKS.items(), (-0.2, 0.2), strict=True):
        share = table[f"ground heat, {name} [%]"]
        axes.bar(place + shift, share, 0.38, color=look["color"], label=f"{name} ground heat")
        for x, value in zip(place + shift, share, strict=True):
            axes.text(x, 2, f"{value:.1f}", ha="center", va="bottom", fontsize=8, color="white", fontweight="bold")
        axes.plot([place[group] + shift for group in printed[name]], [*printed[name].values()],
                  **{**PUBLISHED, "label": PUBLISHED["label"] if shift > 0 else None})  # fmt: skip
    axes.set_xticks(place, place.index)
    axes.grid(axis="x", visible=False)
    axes.set_ylim(0, 110)
    label(axes, y="ground heat in the heat [%]")
    axes.legend(loc="upper right", ncols=3)
    return figure


@style()
def bands(table: pd.DataFrame, columns: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw held-out numbers over all scenarios, each as its distance from the published one in tolerances.

    Parameters
    ----------
    table : pd.DataFrame
        Rows of :func:`bcopt.studies.systems2024.district_results.scenario_row`, the central one first.
    columns : mapping of column to tuple of float
        What the paper prints, and how far from it the protocol lets a value be.
    """
    figure, axes = new(1, 1, 0.42 * len(columns) + 1.1)
    published, tolerance = np.array([*columns.values()]).T
    values = table[[*columns]]
    distance = ((values - published) / tolerance).to_numpy()
    rows = np.broadcast_to(np.arange(len(columns)), distance.shape)
    fitted = np.array(table[FITTED] == "")
    axes.axvspan(-1, 1, color="#d6e6f2", label="tolerance")
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": PALETTE["blue"], "markersize": 4}
    for which, name, face in ((fitted, "scenario", look["color"]), (~fitted, "scenario, a fit has no root", "white")):
        if which.any():
            axes.plot(distance[which].ravel(), rows[which].ravel(), **look, markerfacecolor=face, label=name)
    axes.plot(distance[0], rows[0], "o", color=PALETTE["vermilion"], markersize=7, label="central")
    axes.plot(0 * published, rows[0], **PUBLISHED)
    ends = zip(columns, values.iloc[0], values.min(), values.max(), published, tolerance, strict=True)
    axes.set_yticks(rows[0], [_row(*row) for row in ends], fontsize=7.5)
    axes.set_ylim(len(columns) - 0.4, -0.6)
    label(axes, x="distance from the published number [tolerances]")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _row(column: str, *numbers: float) -> str:
    """Return a column's name with the central value, the ends of its band, and what is published."""
    digits = 0 if abs(numbers[-2]) >= 1000 else 2
    ours, low, high, published, tolerance = (f"{number:,.{digits}f}" for number in numbers)
    return f"{column}\n{ours}, from {low} to {high}; published {published} ± {tolerance}"
