"""Figures of section 3.1, numbered as in the paper where it has one; its curves are unpublished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bcopt.compendium.figures import PALETTE, PUBLISHED, label, new, style
from bcopt.methods.calibration import Calibration
from bcopt.methods.decoders import Array
from bcopt.studies.systems2024.figures import FUNCTION_COLOURS, USE_COLOURS
from bcopt.studies.systems2024.flexibility_results import ROOT
from bcopt.studies.systems2024.self_optimisation import EVENING, X1

BEFORE, AFTER = "#8c8c8c", PALETTE["blue"]
FLOW_COLOURS = {
    "fixed": USE_COLOURS["base_load"],
    "lighting": USE_COLOURS["lighting"],
    "transferable": USE_COLOURS["equipment"],
    "hot_water": USE_COLOURS["hot_water"],
    "vehicle": PALETTE["green"],
}
HEAT_COLOURS = {
    "pump_heat": PALETTE["sky blue"],
    "purchased_heat": PALETTE["vermilion"],
}
EDGES = np.arange(25)
_DAY: dict[str, Any] = {"xlim": (0, 24), "xticks": range(0, 25, 3)}


@style()
def hourly_cost(before: xr.Dataset, after: xr.Dataset, printed: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw the energy cost of x1 by hour before and after (figure 5), with the printed costs of hour 20.

    Parameters
    ----------
    before, after : xr.Dataset, dims (cluster, hour)
        From :mod:`bcopt.planning.self_optimisation`.
    printed : mapping
        Published cost of hour 20 and its tolerance [yuan], before and after.
    """
    figure, axes = new(1, 1, 3.2)
    for name, flows, colour in (("before", before, BEFORE), ("after", after, AFTER)):
        cost = flows["energy_cost"].sel(cluster=X1)
        day = float(flows["electricity_cost"].sel(cluster=X1).sum())
        axes.stairs(cost, EDGES, color=colour, linewidth=2, baseline=None,
                    label=f"{name}: electricity {day:,.0f} yuan a day (fitted)")  # fmt: skip
    axes.plot(
        [EVENING + 0.5] * 2,
        [value for value, _ in printed.values()],
        **{**PUBLISHED, "label": "published, hour 20 (held out)"},
    )
    axes.axhline(0, color="black", linewidth=0.8)
    label(axes, x="hour of the day", y="energy cost [yuan per hour]", title="Figure 5: x1, January mean day")
    axes.set(**_DAY)
    axes.legend(loc="upper left")
    return figure


@style()
def by_item(before: xr.Dataset, after: xr.Dataset, day: xr.Dataset) -> Figure:
    """Draw the consumption of x1 by item before and after (figure 6), electricity above and heat below."""
    figure, panels = new(2, 2, 2.6, sharex=True, sharey="row")
    for column, (title, flows) in enumerate((("before", before), ("after", after))):
        at, given = flows.sel(cluster=X1), day.sel(cluster=X1)
        parts = {name: (given if name == "fixed" else at)[name].to_numpy() / 1000 for name in FLOW_COLOURS}
        _stacked(panels[0, column], parts, FLOW_COLOURS)
        sun = given["photovoltaics"] / 1000
        panels[0, column].stairs(sun, EDGES, color="black", linestyle=":", baseline=None)
        heat = {name: at[name].to_numpy() / 1000 for name in HEAT_COLOURS}
        _stacked(panels[1, column], heat, HEAT_COLOURS)
        panels[1, column].stairs(given["heat"] / 1000, EDGES, color="black", linestyle="--", baseline=None)
        label(panels[0, column], title=f"Figure 6, {title}")
        label(panels[1, column], x="hour of the day")
        panels[1, column].set(**_DAY)
    label(panels[0, 0], y="electricity [MW]")
    label(panels[1, 0], y="heat [MW]")
    colours = {**FLOW_COLOURS, **HEAT_COLOURS}
    names = {"vehicle": "vehicles (below zero: discharging)", "pump_heat": "heat of the heat pumps"}
    handles: list[Any] = [Patch(color=colour, label=names.get(n, n.replace("_", " "))) for n, colour in colours.items()]
    handles += panels[0, 0].plot([], [], color="black", linestyle=":", label="photovoltaics")
    handles += panels[1, 0].plot([], [], color="black", linestyle="--", label="heat needed; the rest is stored")
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _stacked(axes: Axes, parts: Mapping[str, Array], colours: Mapping[str, str]) -> None:
    """Stack hourly bars, what is negative below zero."""
    up, down = np.zeros(24), np.zeros(24)
    for name, value in parts.items():
        above, below = np.maximum(value, 0), np.minimum(value, 0)
        axes.bar(EDGES[:-1] + 0.5, above, 1.0, bottom=up, color=colours[name])
        axes.bar(EDGES[:-1] + 0.5, below, 1.0, bottom=down, color=colours[name])
        up, down = up + above, down + below
    axes.axhline(0, color="black", linewidth=0.8)


@style()
def calibration(steps: Mapping[str, Calibration], curve: xr.DataArray, cost_before: float) -> Figure:
    """Draw the path of both knobs to their targets, and the saving over the vehicles' batteries.

    Parameters
    ----------
    steps : mapping of str to Calibration
        Fits 1 and 2.
    curve : xr.DataArray, dims (vehicle_energy)
        Cost after [yuan] over kWh per household.
    cost_before : float
        [yuan]
    """
    figure, (path, whole) = new(1, 2, 3.1)
    names = {"load_scale": "load scale to the cost before", "vehicle_energy": "batteries to the cost after"}
    for (knob, step), colour in zip(steps.items(), (BEFORE, AFTER), strict=False):
        miss = np.abs(step.path["response"].to_numpy() - step.target)
        path.semilogy(np.arange(1, miss.size + 1), np.maximum(miss, 1e-6), "o-", color=colour, label=names[knob])
    path.axhline(0.5, color="black", linewidth=0.8, linestyle="--", label="half a unit of the printed digit")
    label(path, x="evaluation", y="distance from the printed cost [yuan]", title="Fits 1 and 2")
    path.legend(fontsize=8)
    saving = 100 * (1 - curve / cost_before)
    whole.plot(curve["vehicle_energy"], saving, color=AFTER)
    if "vehicle_energy" in steps:
        step = steps["vehicle_energy"]
        whole.plot([step.knob], [100 * (1 - step.target / cost_before)], **{**PUBLISHED, "label": "published: the fit"})
        whole.axvline(step.knob, color="black", linewidth=0.8, linestyle=":")
    label(whole, x="battery per household [kWh]", y="electricity cost saved [%]", title="Saving of x1")
    whole.set_xlim(0)
    whole.legend(loc="lower right")
    return figure


@style()
def clusters(table: pd.DataFrame) -> Figure:
    """Draw what self-optimisation saves in each of the twelve clusters."""
    figure, axes = new(1, 1, 3.0)
    rows = np.arange(len(table))
    for shift, column, hatch in ((-0.2, "electricity cost saved [%]", ""), (0.2, "energy cost saved [%]", "//")):
        colours = [FUNCTION_COLOURS[name] for name in table["function"]]
        axes.bar(rows + shift, table[column], 0.38, color=colours, hatch=hatch, edgecolor="white")
    handles = [Patch(color=colour, label=name) for name, colour in FUNCTION_COLOURS.items()]
    handles += [Patch(facecolor="#c4c4c4", hatch=h, edgecolor="white", label=n)
                for n, h in (("electricity cost", ""), ("energy cost, equation (1)", "//"))]  # fmt: skip
    axes.set_xticks(rows, table["cluster"])
    axes.grid(axis="x", visible=False)
    label(axes, y="saved [%]")
    figure.legend(handles=handles, loc="outside lower center", ncols=6, columnspacing=1.0, handlelength=1.4)
    return figure


@style()
def optimal_face(face: xr.Dataset, schedules: Mapping[str, xr.Dataset]) -> Figure:
    """Draw what is tied: the range of each flow of x1 over all schedules of least cost, and what each rule picks."""
    titles = {"hot_water": "hot water", "transferable": "transferable load", "purchase": "purchase"}
    figure, panels = new(len(titles), 1, 1.9, sharex=True)
    looks = {"earliest": "-", "latest": "--", "least peak": ":", "least throughput": "-."}
    colours = dict(zip(looks, ("blue", "vermilion", "green", "purple"), strict=True))
    for axes, (flow, title) in zip(panels, titles.items(), strict=True):
        low, high = (face["value"].sel(flow=flow, end=end).to_numpy() / 1000 for end in ("low", "high"))
        axes.bar(EDGES[:-1] + 0.5, high - low, 1.0, bottom=low, color="#dddddd", label="all schedules of least cost")
        for rule, line in looks.items():
            value = schedules[rule][flow].sel(cluster=X1) / 1000
            axes.stairs(value, EDGES, color=PALETTE[colours[rule]], linestyle=line, baseline=None, label=rule)
        label(axes, y=f"{title} [MW]")
        axes.set(**_DAY)
        axes.set_ylim(0, 1.06 * float(face["value"].sel(flow=flow).max()) / 1000)
    label(panels[-1], x="hour of the day")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


@style()
def bands(table: pd.DataFrame, printed: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw columns of a table over the scenarios beside what is printed and its tolerance.

    Parameters
    ----------
    table : pd.DataFrame
        With ``scenario`` and the columns that ``printed`` names, and ``fit 2`` if that may have no root; the first row
        is the central scenario.
    printed : mapping of column to tuple of float
        What the paper prints, and how far from it the protocol lets a value be.

    Notes
    -----
    Scenarios that change none of the columns are counted and not drawn.
    """
    values = table[list(printed)]
    moved = ~np.isclose(values, values.iloc[0], rtol=1e-6, atol=0).all(axis=1)
    moved[0] = True
    same, table = int((~moved).sum()), table[moved]
    figure, panels = new(1, len(printed), 0.19 * len(table) + 1.2, sharey=True)
    rows = np.arange(len(table))
    fitted = np.array(table["fit 2"] == ROOT) if "fit 2" in table else np.ones(len(table), dtype=bool)
    for axes, (column, (value, tolerance)) in zip(np.atleast_1d(panels), printed.items(), strict=True):
        axes.axvspan(value - tolerance, value + tolerance, color="#d6e6f2", label="tolerance")
        axes.axvline(value, color="black", linewidth=1.0, linestyle="--", label="published")
        axes.plot(table.loc[fitted, column], rows[fitted], "o", color=PALETTE["blue"], markersize=4,
                  label="one choice changed")  # fmt: skip
        if not fitted.all():
            axes.plot(table.loc[~fitted, column], rows[~fitted], "o", color=PALETTE["blue"], markersize=4,
                      markerfacecolor="white", label="the same, fit 2 has no root")  # fmt: skip
        axes.plot(table[column].iloc[:1], rows[:1], "o", color=PALETTE["vermilion"], markersize=7, label="central")
        label(axes, x=column)
    first = np.atleast_1d(panels)[0]
    label(first, title=f"{same} other scenarios as central" if same else None)
    first.set_yticks(rows, [_short(name) for name in table["scenario"]], fontsize=7.5)
    first.set_ylim(len(table) - 0.4, -0.6)
    figure.legend(*first.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _short(name: str, limit: int = 44) -> str:
    return name if len(name) <= limit else f"{name[: limit - 1]}…"
