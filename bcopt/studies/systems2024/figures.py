"""The study's figures, numbered as in the paper where it has one; its values are drawn in where it prints them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

from bcopt.compendium.figures import PALETTE, PUBLISHED, label, new, style
from bcopt.loads.simulation import CARRIERS
from bcopt.loads.weather import CALENDAR
from bcopt.studies.systems2024 import analysis
from bcopt.studies.systems2024.inputs import CLUSTERS, FUNCTIONS

USE_COLOURS = {
    "lighting": PALETTE["yellow"],
    "equipment": PALETTE["orange"],
    "base_load": "#8c8c8c",
    "cooking": PALETTE["green"],
    "hot_water": PALETTE["purple"],
    "heating": PALETTE["vermilion"],
    "cooling": PALETTE["sky blue"],
}
FUNCTION_COLOURS = {
    "residential": PALETTE["blue"],
    "office": PALETTE["vermilion"],
    "hotel": PALETTE["green"],
    "mall": PALETTE["orange"],
}
VARIANT_STYLES: dict[str, dict[str, Any]] = {
    "central": {"color": "black", "linewidth": 2.4},
    "program ASHRAE 90.1-2019": {"color": PALETTE["blue"]},
    "program GB 55015-2021": {"color": PALETTE["blue"]},
    "hours -1": {"color": PALETTE["orange"], "linestyle": ":"},
    "hours +0": {"color": PALETTE["orange"], "linestyle": "-"},
    "hours +1": {"color": PALETTE["orange"], "linestyle": "--"},
}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

_CARRIERS = {"electricity": "orange", "heat": "vermilion", "cold": "blue", "gas": "green"}
_BOXES = {
    "grid": ("Public grid", 0.0, 0.79, "white"),
    "sun": ("Sun on the roofs\n(and wind, not sized)", 0.0, 0.535, "white"),
    "ground": ("Ground", 0.0, 0.28, "white"),
    "gas": ("Natural gas", 0.0, 0.025, "white"),
    "bus": ("Electricity", 0.385, 0.79, "#eeeeee"),
    "chiller": ("Chillers, split units", 0.385, 0.535, "white"),
    "pump": ("Heat pumps, COP 3.5", 0.385, 0.28, "white"),
    "boiler": ("Gas boilers", 0.385, 0.025, "white"),
    "electricity": ("Electrical load,\nvehicles and storage", 0.77, 0.79, "#fff6d6"),
    "cooling": ("Cooling load", 0.77, 0.535, "#e2f1fb"),
    "heating": ("Heating load\nand heat storage", 0.77, 0.15, "#fbe3d6"),
}
"""Text, left, bottom and colour of the boxes of figure 1."""
_ARROWS = (
    ("grid", "bus", "electricity", 0.0),
    ("sun", "bus", "electricity", 0.0),
    ("bus", "electricity", "electricity", 0.0),
    ("bus", "chiller", "electricity", 0.0),
    ("bus", "pump", "electricity", 0.75),
    ("ground", "pump", "heat", 0.0),
    ("gas", "boiler", "gas", 0.0),
    ("chiller", "cooling", "cold", 0.0),
    ("pump", "cooling", "cold", 0.0),
    ("pump", "heating", "heat", 0.0),
    ("boiler", "heating", "heat", 0.0),
)
"""From, to, carrier and bend of the arrows of figure 1."""


@style()
def energy_system() -> Figure:
    """Draw the structure of the regional energy system (figure 1)."""
    figure, axes = new(1, 1, 3.9)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    for text, x, y, colour in _BOXES.values():
        axes.add_patch(FancyBboxPatch((x + 0.01, y), 0.21, 0.18, boxstyle="round,pad=0.008", fc=colour, ec="black"))
        axes.text(x + 0.115, y + 0.09, text, ha="center", va="center", fontsize=9)
    colours = {carrier: PALETTE[name] for carrier, name in _CARRIERS.items()}
    for start, end, carrier, bend in _ARROWS:
        (_, x, y, _), (_, to_x, to_y, _) = _BOXES[start], _BOXES[end]
        tail, head = (x + 0.232, y + 0.09), (to_x, to_y + 0.09)
        if x == to_x:
            tail, head = (x + 0.115, y - 0.01), (x + 0.115, to_y + 0.19)
        if bend:
            tail, head = (x, y + 0.05), (x, to_y + 0.13)
        look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 12, "color": colours[carrier], "lw": 1.6}
        axes.add_patch(FancyArrowPatch(tail, head, connectionstyle=f"arc3,rad={bend}", **look))
    handles = [axes.plot([], [], color=colour, label=carrier)[0] for carrier, colour in colours.items()]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, -0.13), ncols=4)
    return figure


@style()
def mean_days(variants: xr.Dataset, inputs: xr.Dataset, month: int) -> Figure:
    """Draw the mean day of a month of every cluster by use, per construction area."""
    figure, panels = new(4, 3, 1.85, sharex=True)
    day = variants["mean_day"].sel(variant="central", month=month) / inputs["construction_area"] * 1000
    uses = [use for use in USE_COLOURS if float(day.sel(use=use).max()) > 0]
    for axes, (cluster, function) in zip(panels.flat, CLUSTERS.items(), strict=True):
        stacked = day.sel(cluster=cluster, use=uses).transpose("use", "hour").to_numpy()
        edges = np.arange(25)
        axes.stackplot(edges, np.hstack([stacked, stacked[:, -1:]]), step="post", colors=[USE_COLOURS[u] for u in uses])
        label(axes, title=f"{cluster} {function}")
        axes.set(xlim=(0, 24), xticks=[0, 6, 12, 18, 24])
        axes.set_ylim(0, 1.05 * float(day.sel(cluster=_peers(function)).sum("use").max()))
    for axes in panels[:, 0]:
        label(axes, y="demand [W/m²]")
    for axes in panels[-1]:
        label(axes, x="hour of the day")
    _use_legend(figure, uses)
    return figure


@style()
def months(loads: xr.Dataset, inputs: xr.Dataset) -> Figure:
    """Draw the energy of every month of every cluster by use, per construction area."""
    figure, panels = new(4, 3, 1.85, sharex=True)
    per_area = (
        loads["demand"].assign_coords(month=("hour", CALENDAR.month)).groupby("month").sum()
        / inputs["construction_area"]
    )
    for axes, (cluster, function) in zip(panels.flat, CLUSTERS.items(), strict=True):
        bottom = np.zeros(12)
        for use, colour in USE_COLOURS.items():
            value = per_area.sel(cluster=cluster, use=use).to_numpy()
            axes.bar(MONTHS, value, bottom=bottom, color=colour, width=0.85)
            bottom += value
        label(axes, title=f"{cluster} {function}")
        axes.set_xticks(range(0, 12, 2), MONTHS[::2], rotation=60)
        axes.grid(axis="x", visible=False)
        axes.set_ylim(0, 1.05 * float(per_area.sel(cluster=_peers(function)).sum("use").max()))
    for axes in panels[:, 0]:
        label(axes, y="energy [kWh/m²]")
    _use_legend(figure, list(USE_COLOURS))
    return figure


@style()
def climate(years: xr.Dataset) -> Figure:
    """Draw the monthly climate before and after morphing with the table it must meet, and the hours of January."""
    figure, ((air, sun), (wind, hours)) = new(2, 2, 2.7)
    panels = {
        "mean_temperature": (air, "air temperature [°C]"),
        "global_horizontal_radiation": (sun, "radiation [kWh/m² per day]"),
        "wind_speed": (wind, "wind speed [m/s]"),
    }
    colours = {"Willard": "#8c8c8c", "morphed": PALETTE["blue"]}
    for name, (axes, text) in panels.items():
        for year, colour in colours.items():
            axes.plot(MONTHS, years[name].sel(year=year), color=colour, marker="o", markersize=3.5, label=year)
        axes.plot(MONTHS, years[name].sel(year="table"), **{**PUBLISHED, "label": "normals of Beijing"})
        label(axes, y=text)
        axes.tick_params(axis="x", rotation=60)
    for name in ("mean_daily_maximum", "mean_daily_minimum"):
        air.plot(MONTHS, years[name].sel(year="Willard"), color=colours["Willard"], linewidth=0.9, linestyle="--")
        air.plot(MONTHS, years[name].sel(year="morphed"), color=colours["morphed"], linewidth=0.9, linestyle="--")
        air.plot(MONTHS, years[name].sel(year="table"), **{**PUBLISHED, "markersize": 3.5, "label": None})
    label(air, title="Mean; dashed: mean daily highest and lowest")
    for year, colour in colours.items():
        hours.plot(
            np.arange(years.sizes["hour"]) / 24 + 1, years["dry_bulb"].sel(shown=year), color=colour, linewidth=0.9
        )
    low, high = (float(bound(years["dry_bulb"].sel(shown="morphed"))) for bound in (np.min, np.max))
    label(hours, x="day of January", y="air temperature [°C]", title=f"January, from {low:.0f} to {high:.0f} °C")
    figure.legend(*wind.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@style()
def x1_january(variants: xr.Dataset, inputs: xr.Dataset, costs: pd.DataFrame) -> Figure:
    """Draw electricity and its cost of x1 on the January mean day by variant, with what the paper prints."""
    figure, (power, money) = new(2, 1, 2.6, sharex=True)
    use = analysis.electricity(variants["mean_day"].sel(cluster="x1", month=1))
    price = inputs["electricity_price"].sel(group="residential")
    for name, look in VARIANT_STYLES.items():
        if name in use["variant"]:
            value = use.sel(variant=name)
            cost = value * price
            power.stairs(value / 1000, np.arange(25), **look, baseline=None)
            money.stairs(
                cost, np.arange(25), **look, baseline=None, label=f"{name}: {float(cost.sum()):,.0f} yuan a day"
            )
    day, hour = costs.iloc[-1][["cost [yuan/d]", "with heat beyond the heat pumps [yuan]"]]
    money.plot([20.5], [hour], **{**PUBLISHED, "label": f"printed energy cost of hour 20; {day:,.0f} yuan a day"})
    label(power, y="electricity [MW]", title="x1, January mean day, nothing scaled")
    power.set_ylim(0)
    label(money, x="hour of the day", y="cost [yuan per hour]")
    money.set(xlim=(0, 24), xticks=range(0, 25, 3))
    figure.legend(*money.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@style()
def effects(table: pd.DataFrame) -> Figure:
    """Draw what each choice changes of January's heating by function, relative to the central variant."""
    figure, axes = new(1, 1, 3.4)
    rows = np.arange(len(table))
    for number, function in enumerate(FUNCTIONS):
        value = table[f"heating, {function} [%]"].to_numpy()
        axes.barh(rows + (number - 1.5) * 0.2, value, 0.19, color=FUNCTION_COLOURS[function], label=function)
    axes.set_yticks(rows, table["variant"].str.replace(" morphed", "\nmorphed").str.replace("program ", "program\n"))
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=10)
    axes.set_xticks(
        [-50, -20, -10, -5, 0, 5, 10, 20, 50, 100, 200],
        ["-50", "-20", "-10", "-5", "0", "5", "10", "20", "50", "100", "200"],
    )
    axes.grid(axis="y", visible=False)
    label(axes, x="change of January's heating [%], logarithmic beyond ±10")
    axes.legend(loc="lower right")
    return figure


@style()
def potentials(table: pd.DataFrame, january_july: xr.DataArray) -> Figure:
    """Draw photovoltaic power of the clusters on mean days, and ground heat of one cluster with the published caps."""
    figure, (sun, ground) = new(1, 2, 3.0)
    shown = {"x1": "residential", "x7": "office", "x9": "mall"}
    for cluster, function in shown.items():
        for month, line in ((1, "-"), (7, "--")):
            value = january_july.sel(cluster=cluster, month=month) / 1000
            name = f"{cluster} {function}" if month == 1 else None
            sun.stairs(
                value, np.arange(25), color=FUNCTION_COLOURS[function], linestyle=line, baseline=None, label=name
            )
    label(sun, x="hour of the day", y="photovoltaics [MW]", title="Roofs; solid January, dashed July")
    sun.set(xlim=(0, 24), xticks=range(0, 25, 6))
    sun.legend(loc="upper left")
    columns = np.arange(len(FUNCTIONS))
    ground.bar(columns, table["ground heat [kW]"] / 1000, color=[FUNCTION_COLOURS[f] for f in FUNCTIONS], width=0.6)
    ground.plot(columns, table["published cap [kW]"] / 1000, **{**PUBLISHED, "label": "published cap, mix of twelve"})
    ground.set_xticks(
        columns, [f"{f}\n{n} clusters" for f, n in zip(FUNCTIONS, table["clusters"], strict=True)], fontsize=8
    )
    ground.grid(axis="x", visible=False)
    label(ground, y="heat [MW]", title="Ground heat of x1 to x12, one each")
    ground.set_ylim(0, 32)
    ground.legend(loc="upper right")
    return figure


@style()
def hand_check(table: pd.DataFrame) -> Figure:
    """Draw January's heating of three storeys of x1 by hand, term by term, beside EnergyPlus."""
    figure, axes = new(1, 1, 3.2)
    losses = {"walls": "#8c8c8c", "windows": PALETTE["sky blue"], "roof": PALETTE["green"], "air": PALETTE["blue"]}
    gains = {"internal": PALETTE["yellow"], "solar": PALETTE["orange"]}
    rows = np.arange(len(table))
    for terms, sign in ((losses, 1), (gains, -1)):
        bottom = np.zeros(len(table))
        for name, colour in terms.items():
            value = sign * table[f"{name} [kWh]"].to_numpy() / 1000
            axes.bar(rows - 0.25, value, 0.22, bottom=bottom, color=colour, label=name)
            bottom += value
    axes.bar(rows, table["heating [kWh]"] / 1000, 0.22, color=PALETTE["purple"], label="heating by hand")
    axes.bar(
        rows + 0.25, table["simulated [kWh]"] / 1000, 0.22, color=PALETTE["vermilion"], label="heating, EnergyPlus"
    )
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(rows, [f"{storey} storey" for storey in table["storey"]])
    axes.grid(axis="x", visible=False)
    label(axes, y="January [MWh]")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _peers(function: str) -> list[str]:
    """Return the clusters drawn to one scale: homes, or public buildings."""
    return [name for name, used_for in CLUSTERS.items() if (used_for == "residential") == (function == "residential")]


def _use_legend(figure: Figure, uses: list[str]) -> None:
    handles = [Patch(color=USE_COLOURS[use], label=f"{use.replace('_', ' ')} ({CARRIERS[use]})") for use in uses]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
