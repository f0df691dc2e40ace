"""Figures of a district, in the style of the compendium; a year is shown by its mean day of each season."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bcopt.compendium.figures import PALETTE, WIDTH, label, new, style
from bcopt.districts.answers import Answers
from bcopt.districts.sizing import TONNE
from bcopt.districts.values import DAY
from bcopt.loads.weather import CALENDAR

Array = npt.NDArray[np.float64]
USE_COLOURS = {
    "electricity": PALETTE["black"], "lighting": PALETTE["yellow"], "equipment": PALETTE["green"],
    "base_load": "#8a8a8a", "cooking": PALETTE["purple"], "hot_water": PALETTE["orange"],
    "heating": PALETTE["vermilion"], "cooling": PALETTE["sky blue"],
}  # fmt: skip
SEASONS = {"January": (1,), "April": (4,), "July": (7,), "October": (10,)}
SOURCES = {"photovoltaics": PALETTE["yellow"], "purchase": "#9a9a9a", "discharge": PALETTE["green"]}
HEAT = {"pump_heat": PALETTE["orange"], "gas_heat": PALETTE["vermilion"]}
BEFORE, AFTER = "#b0b0b0", PALETTE["blue"]
MW, MWH = 1000.0, 1000.0
EDGES = np.arange(DAY + 1)


def typical_days(series: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return the day there is, or of a year the mean day of a month of each season, by what it is called."""
    if series.sizes["hour"] == DAY:
        return {"the day": series}
    clock = series.assign_coords(clock=("hour", CALENDAR.hour))
    return {
        name: clock.isel(hour=CALENDAR.month.isin(months)).groupby("clock").mean().rename(clock="hour")
        for name, months in SEASONS.items()
    }


def empty(height: float) -> Figure:
    """Return a figure at notebook width without any axes."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def _steps(axes: Axes, values: Array, **looks: Any) -> None:
    """Draw one value an hour as a staircase from midnight to midnight."""
    axes.stairs(values, EDGES, baseline=None, **looks)


def _clock(axes: Axes) -> None:
    axes.set_xlim(0, DAY)
    axes.set_xticks(range(0, DAY + 1, 6))


@style()
def loads(answers: Answers) -> Figure:
    """Draw what the clusters use: energy of the year by cluster, and the hours of a day by use."""
    days = typical_days(answers.parts["demand"]["demand"].sum("cluster"))
    rows = 1 + 0.08 * len(answers.district.clusters)
    figure = empty(3.0 * (1 + rows))
    grid = figure.add_gridspec(2, len(days), height_ratios=[rows, 1])
    uses = energies(figure.add_subplot(grid[0, :]), answers)
    first: Axes | None = None
    for column, (name, day) in enumerate(days.items()):
        axes = figure.add_subplot(grid[1, column], sharey=first)
        first = first or axes
        _stacked(axes, {use: day.sel(use=use).to_numpy() / MW for use in uses}, USE_COLOURS)
        _clock(axes)
        label(axes, "hour", "power [MW]" if column == 0 else None, name)
    return figure


def energies(axes: Axes, answers: Answers) -> list[str]:
    """Draw the energy of the year by cluster and use, and return the uses that there are."""
    year = answers.district.cycles * answers.parts["demand"]["demand"].sum("hour") / MWH
    uses = [use for use in USE_COLOURS if float(year.sel(use=use).sum()) > 0]
    left = np.zeros(year.sizes["cluster"])
    for use in uses:
        values = year.sel(use=use).to_numpy()
        axes.barh(year["cluster"].to_numpy(), values, left=left, color=USE_COLOURS[use], label=use.replace("_", " "))
        left = left + values
    axes.invert_yaxis()
    axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.08), fontsize=8)
    label(axes, "energy [MWh/a]", title="What each cluster uses")
    return uses


def _stacked(
    axes: Axes, parts: Mapping[str, Array], colours: Mapping[str, str], words: Mapping[str, str] | None = None
) -> None:
    """Draw hourly values on top of each other."""
    low = np.zeros(DAY)
    for name, values in parts.items():
        named = (words or {}).get(name, name.replace("_", " "))
        axes.stairs(low + values, EDGES, baseline=low, fill=True, color=colours[name], label=named)
        low = low + values


@style()
def flexibility(answers: Answers) -> Figure:
    """Draw what flexibility saves by cluster, and how it changes the electricity of all."""
    before, after = answers.parts["as given"]["electricity"], answers.parts["optimised"]["electricity"]
    figure, (left, right) = new(1, 2, 0.24 * len(answers.district.clusters) + 2.6)
    savings(left, answers)
    days = [next(iter(typical_days(each.sum("cluster")).items())) for each in (before, after)]
    for (_, day), colour, name in zip(days, (BEFORE, AFTER), ("as given", "at least cost"), strict=True):
        _steps(right, day.to_numpy() / MW, color=colour, label=name, linewidth=1.8)
    _clock(right)
    right.set_ylim(bottom=0)
    right.legend()
    label(right, "hour", "electricity [MW]", f"All clusters, {_of(days[0][0])}")
    return figure


def savings(axes: Axes, answers: Answers) -> None:
    """Draw what flexibility saves by cluster."""
    table, money = answers.tables["flexibility"].iloc[:-1], answers.money
    saved = table[f"saving [{money}/a]"].to_numpy() / 1000
    axes.barh(table["cluster"], saved, color=AFTER)
    for place, (value, share) in enumerate(zip(saved, table["saving [%]"], strict=True)):
        axes.annotate(
            f"{share:.1f} %", (value, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.invert_yaxis()
    axes.margins(x=0.18)
    label(axes, f"saving [1000 {money}/a]", title="Worth of flexibility")


def _of(name: str) -> str:
    return name if name == "the day" else f"mean day of {name}"


@style()
def mixes(answers: Answers) -> Figure:
    """Draw the shares of each mix, with how level and how renewable it is."""
    found = answers.parts["mixes"]
    names = [str(name) for name in found["mix"].to_numpy()]
    figure, axes = new(1, 1, 1.6 + 0.7 * len(names))
    colours = [*PALETTE.values()]
    left = np.zeros(len(names))
    for place, cluster in enumerate(found["cluster"].to_numpy()):
        values = 100 * found["shares"].sel(cluster=cluster).to_numpy()
        if values.any():
            hatch = "" if place < len(colours) else "///"
            axes.barh(
                names,
                values,
                0.5,
                left=left,
                color=colours[place % len(colours)],
                hatch=hatch,
                edgecolor="white",
                label=cluster,
            )
            left = left + values
    axes.invert_yaxis()
    texts = [
        f"departs {100 * float(found['levelisation_rate'].sel(mix=name)):.1f} % from its average, "
        f"{100 * float(found['renewable_share'].sel(mix=name)):.1f} % renewable"
        for name in names
    ]
    for place, text in enumerate(texts):
        axes.annotate(text, (0, place - 0.38), va="center", fontsize=8.5)
    axes.set_ylim(len(names) - 0.6, -0.6)
    axes.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.45, -0.28), fontsize=8)
    label(axes, f"share of the {answers.district.file.mix.shares_of} [%]", title="Today's mix and the two best")
    return figure


@style()
def front(answers: Answers) -> Figure:
    """Draw the front of cost and carbon with the plan chosen, and the sizes along it."""
    points, plan = answers.parts["front"], answers.parts["plan"][1]
    figure, (left, right) = new(1, 2, 3.2)
    costs(left, answers)
    carbon = np.array([point.second for point in points]) / TONNE
    storage = np.array([point.solution.storage for point in points]) / MWH
    pumps = np.array([float(point.solution.pumps.sum()) for point in points]) / MW
    looks: dict[str, Any] = {"markersize": 3.5}
    right.plot(carbon, storage, marker="o", color=PALETTE["green"], label="storage [MWh]", **looks)
    right.plot(carbon, pumps, marker="s", linestyle="--", color=PALETTE["orange"], label="heat pumps [MW]", **looks)
    right.axvline(plan.emissions / TONNE, color=PALETTE["vermilion"], linewidth=1, linestyle=":")
    right.set_ylim(bottom=0)
    right.xaxis.set_major_locator(MaxNLocator(4))
    right.legend()
    label(right, "emissions [t/a]", "size", "What is built for it")
    return figure


def costs(axes: Axes, answers: Answers) -> None:
    """Draw the front of cost and carbon with the plan chosen."""
    points, plan, money = answers.parts["front"], answers.parts["plan"][1], answers.money
    carbon, cost = (np.array([getattr(point, key) for point in points]) for key in ("second", "first"))
    axes.plot(carbon / TONNE, cost / 1e6, marker="o", markersize=3.5, color=AFTER, label="least cost")
    chosen: dict[str, Any] = {"marker": "*", "markersize": 12, "color": PALETTE["vermilion"], "linestyle": "none"}
    axes.plot(plan.emissions / TONNE, plan.cost / 1e6, label="chosen", **chosen)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.legend()
    label(axes, "emissions [t/a]", f"cost [million {money}/a]", "Least cost at each emission")


@style()
def dispatch(answers: Answers) -> Figure:
    """Draw where electricity and heat come from, hour by hour."""
    shown = {name: day for name, day in _dispatched(answers).items() if name in ("the day", "January", "July")}
    figure, axes = new(2, len(shown), 2.5, sharex=True, squeeze=False, sharey="row")
    for column, (name, day) in enumerate(shown.items()):
        electricity(axes[0][column], day, first=column == 0)
        _stacked(
            axes[1][column],
            {key: day[key].to_numpy() / MW for key in HEAT},
            HEAT,
            {"pump_heat": "heat pumps", "gas_heat": "gas"},
        )
        _clock(axes[1][column])
        axes[1][column].margins(y=0.25)
        label(axes[1][column], "hour", "heat [MW]" if column == 0 else None)
        axes[0][column].set_title(_of(name))
    entries = [entry for row in axes for entry in zip(*row[0].get_legend_handles_labels(), strict=True)]
    figure.legend(*zip(*entries, strict=True), loc="outside upper center", ncols=4, fontsize=8)
    return figure


def _dispatched(answers: Answers) -> dict[str, xr.Dataset]:
    """Return the flows of all groups together, on typical days."""
    flows, day = answers.parts["dispatched"].flows, answers.parts["district day"]
    names = ("purchase", "discharge", "charge", "export", "pump_heat", "gas_heat")
    whole = flows[list(names)].assign(photovoltaics=day["photovoltaics"]).sum("group")
    days = {str(key): typical_days(values) for key, values in whole.data_vars.items()}
    return {name: xr.Dataset({key: each[name] for key, each in days.items()}) for name in days["purchase"]}


def electricity(axes: Axes, day: xr.Dataset, first: bool = True) -> None:
    """Draw where the electricity of a day comes from above, and where else it goes below."""
    _stacked(axes, {key: day[key].to_numpy() / MW for key in SOURCES}, SOURCES)
    down = np.zeros(DAY)
    for name, colour in (("charge", PALETTE["blue"]), ("export", PALETTE["purple"])):
        if float(day[name].sum()) > 0:
            lower = down - day[name].to_numpy() / MW
            axes.stairs(down, EDGES, baseline=lower, fill=True, color=colour, label=name)
            down = lower
    axes.margins(y=0.25)
    axes.axhline(0, color="black", linewidth=0.8)
    label(axes, None, "electricity [MW]" if first else None)


@style()
def page(answers: Answers) -> Figure:
    """Draw what a client sees first: uses, worth of flexibility, the front, and a day of the plan chosen."""
    panels: list[Callable[[Axes], object]] = [lambda axes: energies(axes, answers)] if "loads" in answers.tables else []
    if "flexibility" in answers.tables:
        panels.append(lambda axes: savings(axes, answers))
    if "front" in answers.tables:
        panels.append(lambda axes: costs(axes, answers))
    if "dispatch" in answers.tables:
        panels.append(lambda axes: _first_day(axes, answers))
    if "renewables" in answers.tables:
        panels.append(lambda axes: made_of(axes, answers))
    figure = empty(3.4 * -(-len(panels) // 2))
    for place, draw in enumerate(panels):
        draw(figure.add_subplot(-(-len(panels) // 2), min(len(panels), 2), place + 1))
    return figure


def _first_day(axes: Axes, answers: Answers) -> None:
    name, day = next(iter(_dispatched(answers).items()))
    electricity(axes, day)
    _clock(axes)
    axes.margins(y=0.6)
    axes.legend(loc="upper left", fontsize=7.5, ncols=2)
    label(axes, "hour", title=f"Plan, {name}")


@style()
def prices(answers: Answers) -> Figure:
    """Draw the retail prices of every cluster beside the wholesale price, a panel a carrier."""
    best, market, money = answers.parts["prices"], answers.parts["market"], answers.money
    carriers = [str(name) for name in best["carrier"].to_numpy()]
    figure, axes = new(1, len(carriers), 3.0, squeeze=False)
    colours = [PALETTE[name] for name in ("blue", "vermilion", "green", "orange", "purple", "sky blue")]
    for panel, carrier in zip(axes[0], carriers, strict=True):
        wholesale = market.inputs["wholesale_price"]
        wholesale = wholesale.sel(carrier=carrier) if "carrier" in wholesale.dims else wholesale
        while set(wholesale.dims) - {"hour"}:
            wholesale = wholesale.isel({next(dim for dim in wholesale.dims if dim != "hour"): 0})
        _steps(panel, wholesale.to_numpy(), color="black", linewidth=2.4, label="wholesale")
        for place, cluster in enumerate(best["cluster"].to_numpy()):
            values = best["price"].sel(carrier=carrier, cluster=cluster).to_numpy()
            looks = {"color": colours[place % len(colours)], "linestyle": "-" if place < len(colours) else "--"}
            _steps(panel, values, label=str(cluster), linewidth=1.4, **looks)
        _clock(panel)
        label(panel, "hour", f"price [{money}/kWh]", f"Retail prices of {carrier}")
    axes[0][-1].legend(fontsize=8)
    return figure


@style()
def provider(answers: Answers) -> Figure:
    """Draw how a provider meets the electricity and the cooling of its clusters."""
    flows = answers.parts["provider"][1]
    figure, (left, right) = new(1, 2, 3.0)
    sources = {
        "electricity": {"photovoltaics": PALETTE["yellow"], "turbine": PALETTE["vermilion"], "purchase": "#9a9a9a"},
        "cooling": {"absorption": PALETTE["orange"], "chiller": PALETTE["sky blue"], "ice_discharge": PALETTE["blue"]},
    }
    for axes, (name, colours) in zip((left, right), sources.items(), strict=True):
        _stacked(axes, {flow: flows[flow].to_numpy() / MW for flow in colours}, colours)
        _clock(axes)
        axes.margins(y=0.3)
        axes.legend(fontsize=8)
        label(axes, "hour", "power [MW]", f"Where {name} comes from")
    return figure


@style()
def renewables(answers: Answers) -> Figure:
    """Draw the front of a yearly mix of renewables and what each corner is made of."""
    table, money = answers.tables["renewables"], answers.money
    cost, carbon = table[f"cost [{money}/a]"] / 1e6, table["carbon [t/a]"]
    figure, (left, right) = new(1, 2, 3.2)
    left.plot(carbon, cost, marker="o", color=AFTER)
    left.margins(0.2)
    label(
        left,
        "carbon [t/a]",
        f"cost [million {money}/a]",
        "Corners of the front" if len(table) > 1 else "One mix is best in both",
    )
    made_of(right, answers)
    return figure


def made_of(axes: Axes, answers: Answers) -> None:
    """Draw what each corner of a yearly mix of renewables is made of."""
    table = answers.tables["renewables"]
    names = [column for column in table.columns if column.endswith("[MJ/a]")]
    low = np.zeros(len(table))
    for place, name in enumerate(names):
        values = table[name].to_numpy() / 1e6
        axes.bar(
            range(1, len(table) + 1),
            values,
            bottom=low,
            label=name.removesuffix(" [MJ/a]"),
            color=[*PALETTE.values()][place % 8],
            width=0.6,
        )
        low = low + values
    axes.set_xticks(range(1, len(table) + 1))
    axes.margins(x=0.4)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8)
    label(axes, "corner, cheapest first", "energy [TJ/a]", "What it is made of")
