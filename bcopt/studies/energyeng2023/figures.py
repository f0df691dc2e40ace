"""The study's figures, numbered as in the paper where it has one; its values are drawn in where it prints them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bcopt.compendium.figures import PALETTE, PUBLISHED, label, new, style
from bcopt.studies.energyeng2023 import plans
from bcopt.studies.energyeng2023.coefficients import QUANTITIES
from bcopt.studies.energyeng2023.inputs import HEAT_PUMP, SOLAR_HOT_WATER, SOLAR_POWER, TECHNOLOGIES, WIND

COLOURS = {
    SOLAR_HOT_WATER: PALETTE["orange"],
    SOLAR_POWER: PALETTE["vermilion"],
    HEAT_PUMP: PALETTE["green"],
    WIND: PALETTE["blue"],
}
PLAN_COLOURS = {"baseline": "#8c8c8c", "optimum": PALETTE["blue"]}
QUANTITY_LABELS = {"cost": "annual cost", "carbon": "annual carbon dioxide"}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WRAPPED = {
    t: t.replace("ground-source ", "ground-source\n").replace("solar ", "solar\n").replace("wind ", "wind\n")
    for t in TECHNOLOGIES
}


@style()
def monthly_resource(resource: xr.Dataset) -> Figure:
    """Draw radiation and wind by month (figures 5 and 6; the paper's values are unpublished)."""
    figure, (sun, wind) = new(1, 2, 2.9)
    sun.bar(MONTHS, resource["irradiation"], color=PALETTE["orange"])
    label(sun, y="radiation [MJ/m² per month]", title="Measured, scaled to the published year")
    wind.bar(MONTHS, resource["wind_speed"], color=PALETTE["sky blue"])
    wind.axhline(float(resource["mean_wind_speed"]), color="black", linewidth=1, linestyle="--")
    wind.annotate("dashed: published annual mean", (11.4, 4.3), ha="right", va="bottom", fontsize=8.5)
    label(wind, y="wind speed at 10 m [m/s]", title="Assumed seasonal shape")
    wind.set_ylim(0, 5)
    for axes in (sun, wind):
        axes.tick_params(axis="x", rotation=60)
        axes.grid(axis="x", visible=False)
    return figure


@style()
def share_comparison(energy: xr.DataArray, inputs: xr.Dataset) -> Figure:
    """Draw the shares of baseline and optimum (figure 10) with the printed ones."""
    figure, axes = new(1, 1, 3.1)
    _paired_bars(axes, plans.shares(energy))
    for offset, plan in ((-0.2, "baseline"), (0.2, "optimum")):
        printed = inputs["printed_share"].sel(plan=plan)
        axes.plot(np.arange(4) + offset, printed.sel(technology=list(TECHNOLOGIES)), **PUBLISHED, clip_on=False)
    axes.set_ylim(0, 90)
    label(axes, y="share of the renewable energy [%]")
    _unique_legend(axes)
    return figure


@style()
def energy_comparison(energy: xr.DataArray, size: xr.DataArray) -> Figure:
    """Draw energies (figure 11) and sizes (figure 12) of both plans; the paper's bars are unpublished."""
    figure, (left, right) = new(1, 2, 3.1, width_ratios=[1, 1])
    _paired_bars(left, energy / 1e6)
    label(left, y="energy [million MJ/a]", title="Energy (paper's figure 11)")
    _unique_legend(left)
    shown = size.copy()
    shown.loc[{"technology": WIND}] = shown.sel(technology=WIND) * 1000
    _paired_bars(right, shown / 1000)
    ticks = ["collector\n[1000 m²]", "module\n[1000 m²]", "heated floor\n[1000 m²]", "turbines\n[-]"]
    right.set_xticks(range(4), ticks, fontsize=8)
    label(right, y="size [unit below each pair]", title="Size (paper's figure 12)")
    return figure


@style()
def identifiability(found: xr.Dataset, reference: xr.Dataset) -> Figure:
    """Draw what positivity, the priors and both together leave open for every coefficient."""
    figure, panels = new(1, 2, 3.6, sharey=True)
    for axes, (quantity, unit) in zip(panels, QUANTITIES.items(), strict=True):
        for row, technology in enumerate(TECHNOLOGIES):
            at = found.sel(quantity=quantity, technology=technology)
            for offset, (name, colour, width) in zip(
                (-0.27, -0.09, 0.09, 0.27),
                (("positivity", "#d0d0d0", 7), ("prior", PALETTE["sky blue"], 5),
                 ("prior_box", PALETTE["orange"], 5), ("posterior", PALETTE["blue"], 5)),
                strict=True,
            ):  # fmt: skip
                low, high = at[name].sel(end="low"), at[name].sel(end="high")
                floor = float(found["prior"].sel(quantity=quantity, end="low").min()) / 3
                axes.plot([max(float(low), floor), float(high)], [row + offset] * 2, color=colour, linewidth=width,
                          solid_capstyle="butt", label=_RANGES[name])  # fmt: skip
            axes.plot(float(reference[quantity].sel(technology=technology)), row, "|", color="black", markersize=26,
                      markeredgewidth=1.4, label="reference point")  # fmt: skip
        axes.set_xscale("log")
        axes.set_yticks(range(4), [WRAPPED[t] for t in TECHNOLOGIES])
        axes.grid(axis="y", visible=False)
        label(axes, x=f"{'annual cost' if quantity == 'cost' else 'carbon intensity'} [{unit}]")
    panels[0].invert_yaxis()
    figure.legend(*_unique(panels[0]), loc="outside upper center", ncols=3)
    return figure


_RANGES = {
    "positivity": "totals and positivity",
    "prior": "prior, 95 %",
    "prior_box": "totals within the prior's 95 %",
    "posterior": "posterior, 95 %",
}


@style()
def contributions(energy: xr.DataArray, reference: xr.Dataset, inputs: xr.Dataset) -> Figure:
    """Draw how the technologies make up both totals at the reference point (figures 13 and 14), totals as printed."""
    figure, panels = new(1, 2, 3.3)
    published = {"cost": inputs["published_cost"] / 1e6, "carbon": inputs["published_carbon"] / 1000}
    names = {"cost": "annual cost [million USD/a]", "carbon": "annual carbon dioxide [t/a]"}
    for axes, quantity in zip(panels, QUANTITIES, strict=True):
        parts = energy * reference[quantity] / 1e6
        bottom = np.zeros(2)
        for technology in TECHNOLOGIES:
            values = parts.sel(technology=technology).to_numpy()
            axes.bar(
                ["baseline", "optimum"], values, bottom=bottom, color=COLOURS[technology], width=0.55, label=technology
            )
            bottom += values
        axes.plot([0, 1], published[quantity], **PUBLISHED)
        before, after = published[quantity].to_numpy()
        axes.annotate(
            f"−{100 * (1 - after / before):.2f} %", (1, after), textcoords="offset points", xytext=(0, 10), ha="center"
        )
        axes.grid(axis="x", visible=False)
        label(axes, y=names[quantity], title="fitted to the published totals")
    figure.legend(*_unique(panels[0]), loc="outside lower center", ncols=3)
    return figure


@style()
def heat_pump_carbon(curves: xr.DataArray, found: xr.Dataset, cop: float) -> Figure:
    """Draw which COP, grid factor and credit would explain the inferred carbon of the heat pumps."""
    figure, axes = new(1, 1, 3.2)
    band = found["posterior"].sel(quantity="carbon", technology=HEAT_PUMP)
    axes.axhspan(
        float(band[0]),
        float(band[1]),
        color=PALETTE["green"],
        alpha=0.25,
        linewidth=0,
        label="inferred from the totals, 95 %",
    )
    styles = {"heat and cold": "-", "heat": "--"}
    colours = {"national": PALETTE["sky blue"], "regional": PALETTE["blue"]}
    for credit, line in styles.items():
        for factor, colour in colours.items():
            curve = curves.sel(credit=credit, factor=factor)
            axes.plot(curve["cop"], curve, line, color=colour, label=f"{factor} factor, {credit} credited")
    axes.axvline(cop, color="#707070", linewidth=1, linestyle=":")
    axes.annotate("assumed COP", (cop, 345), rotation=90, ha="right", va="top", fontsize=8.5)
    axes.set(xlim=(2, 6), ylim=(0, 350))
    axes.legend(fontsize=8.5)
    label(axes, "seasonal coefficient of performance [-]", "carbon of the electricity [g/MJ]")
    return figure


@style()
def convergence(runs: xr.Dataset, exact: xr.Dataset, inputs: xr.Dataset) -> Figure:
    """Draw the convergence of both objectives over the seeds (figures 8 and 9), exact and printed minimum beside."""
    figure, panels = new(1, 2, 3.2)
    scale = {"cost": 1e6, "carbon": 1e6}
    names = {"cost": "f₁, annual cost [million USD/a]", "carbon": "f₂, annual carbon dioxide [t/a]"}
    printed = {
        "cost": float(inputs["published_cost"].sel(plan="optimum")) / 1e6,
        "carbon": float(inputs["published_carbon"].sel(plan="optimum")) / 1e3,
    }
    for axes, objective, number in zip(panels, QUANTITIES, (8, 9), strict=True):
        best = runs["best"].sel(objective=objective) / scale[objective]
        mean = runs["mean"].sel(objective=objective) / scale[objective]
        axes.fill_between(best["generation"], best.min("seed"), best.max("seed"), color=PALETTE["sky blue"], alpha=0.5,
                          linewidth=0, label="best, all seeds")  # fmt: skip
        axes.plot(best["generation"], best.median("seed"), color=PALETTE["blue"], label="best, median seed")
        axes.plot(
            mean["generation"],
            mean.median("seed"),
            color="#707070",
            linewidth=1.1,
            linestyle="--",
            label="population mean, median seed",
        )
        axes.axhline(float(exact["value"].sel(objective=objective)) / scale[objective], color=PALETTE["vermilion"],
                     linewidth=1.2, label="linear programme")  # fmt: skip
        axes.plot(int(best["generation"].max()), printed[objective], **PUBLISHED | {"label": "published, fitted to"})
        axes.set_xscale("log")
        label(axes, "generation [-]", names[objective], f"Paper's figure {number}")
    figure.legend(*_unique(panels[0]), loc="outside lower center", ncols=3)
    return figure


@style()
def gaps(found: dict[str, xr.Dataset]) -> Figure:
    """Draw the gap of every seed to the linear programme by how the energy balance is kept."""
    figure, panels = new(1, 2, 3.0, sharey=True)
    floor = 1e-16
    for axes, objective in zip(panels, QUANTITIES, strict=True):
        for x, runs in enumerate(found.values()):
            gap = np.abs(runs["gap"].sel(objective=objective).to_numpy())
            spread = np.linspace(-0.28, 0.28, gap.size)
            axes.plot(x + spread, np.maximum(gap, floor), "o", color=PALETTE["blue"], markersize=4.5, alpha=0.8)
        axes.axhline(1e-9, color=PALETTE["vermilion"], linewidth=1.2, label="reached: 10⁻⁹")
        axes.set_yscale("log")
        axes.set_ylim(floor / 3, 30)
        axes.set_xticks(range(len(found)), list(found))
        axes.grid(axis="x", visible=False)
        label(axes, "how the balance is kept", title=QUANTITY_LABELS[objective])
    label(panels[0], y="distance to the exact optimum [-]")
    panels[0].legend(loc="center left")
    return figure


@style()
def predicted_reductions(predicted: xr.Dataset, error: xr.Dataset) -> Figure:
    """Draw both reductions predicted from priors, from half of the totals and under errors, with the printed ones."""
    figure, panels = new(1, 2, 3.0, sharey=True)
    names = [*predicted["prediction"].to_numpy(), "reference ± 20 %"]
    for axes, quantity in zip(panels, QUANTITIES, strict=True):
        for row, name in enumerate(names):
            source = error if name == names[-1] else predicted.sel(prediction=name)
            low, lower, median, upper, high = np.quantile(
                source["reduction"].sel(quantity=quantity), (0.025, 0.25, 0.5, 0.75, 0.975)
            )
            colour = "#8c8c8c" if name == names[-1] else PALETTE["blue"]
            axes.plot([low, high], [row, row], color=colour, linewidth=2, label="95 % of draws" if row == 0 else None)
            axes.plot(
                [lower, upper],
                [row, row],
                color=colour,
                linewidth=7,
                solid_capstyle="butt",
                label="half of draws" if row == 0 else None,
            )
            axes.plot(median, row, "o", color="white", markeredgecolor=colour, markersize=5)
            axes.plot(float(predicted["published"].sel(quantity=quantity)), row, **PUBLISHED)
        axes.set_yticks(range(len(names)), [*names[:-1], "fitted to both totals,\nerrors of 20 %"])
        axes.grid(axis="y", visible=False)
        label(axes, f"reduction of {QUANTITY_LABELS[quantity]} [%]")
    panels[0].invert_yaxis()
    figure.legend(*_unique(panels[0]), loc="outside upper center", ncols=3)
    return figure


@style()
def minimiser_probabilities(table: pd.DataFrame, threshold: float) -> Figure:
    """Draw how likely both objectives have one minimiser under the unfitted priors, by variant."""
    figure, axes = new(1, 1, 3.0)
    variant = ["reading", "inactive bounds", "prior correlation"]
    order = table.sort_values(variant, ascending=[True, False, True]).reset_index(drop=True)
    names = [
        f"{reading}, {'wide' if 'zero' in inactive else 'narrow'} box, "
        f"{'independent' if correlation == 0 else 'correlated'}"
        for reading, inactive, correlation in zip(*(order[name] for name in variant), strict=True)
    ]
    axes.barh(
        range(len(order)), order["one minimiser"], height=0.7, color=PALETTE["sky blue"], label="one mix minimises both"
    )
    axes.barh(
        range(len(order)),
        order["published mix does both"],
        height=0.35,
        color=PALETTE["blue"],
        label="the published mix does",
    )
    axes.axvline(threshold, color=PALETTE["vermilion"], linewidth=1.2, label="protocol: more likely than not")
    axes.set_yticks(range(len(order)), names, fontsize=8.5)
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right")
    label(axes, "probability under the unfitted priors [-]", "reading, bounds, priors")
    return figure


@style()
def front(exact: xr.Dataset, points: xr.Dataset) -> Figure:
    """Draw the exact cost-carbon front at the prior medians with the points of NSGA-II."""
    figure, axes = new(1, 1, 3.2)
    axes.plot(
        exact["cost"] / 1e6,
        exact["carbon"] / 1000,
        color=PALETTE["vermilion"],
        marker="s",
        markersize=6,
        label="exact front, vertices",
    )
    found = points["cost"] / 1e6, points["carbon"] / 1000
    axes.plot(*found, "o", color=PALETTE["blue"], markersize=4, label="NSGA-II, first seed")
    for i in range(exact.sizes["vertex"] - 1):
        middle = [float(exact[q].isel(vertex=[i, i + 1]).mean()) for q in ("cost", "carbon")]
        axes.annotate(f"switch at {float(exact['carbon_price'][i]):,.0f} USD/t", (middle[0] / 1e6, middle[1] / 1000),
                      textcoords="offset points", xytext=(8, 8))  # fmt: skip
    axes.legend()
    label(axes, "annual cost [million USD/a]", "annual carbon dioxide [t/a]")
    return figure


@style()
def wind_audit(table: pd.DataFrame, rules: pd.DataFrame, published_cost: float) -> Figure:
    """Draw yield, land and cost of the published wind energy by method, with the park and the published total."""
    figure, (left, right) = new(1, 2, 3.3, sharey=True)
    short = {"power law, exponent 1/7": "power law", "logarithmic profile": "log profile"}
    names = [
        f"{short.get(method, 'formula, station wind')}\n{turbine}"
        for method, turbine in zip(table["method"], table["turbine"], strict=True)
    ]
    colours = [PALETTE["vermilion"] if "formula" in n else PALETTE["blue"] for n in names]
    left.barh(range(len(table)), table["land [km2]"], color=colours)
    park = float(rules["park [km2]"].iloc[0])
    left.axvline(park, color="black", linewidth=1.2)
    left.annotate("eco-park", (park, len(table) - 1), rotation=90, va="bottom", ha="right", fontsize=8.5)
    left.set_yticks(range(len(table)), names, fontsize=7.5)
    left.invert_yaxis()
    label(left, "land of the wind energy at 5 D × 7 D [km²]")
    right.barh(range(len(table)), table["cost [million USD/a]"], color=colours)
    right.axvline(published_cost / 1e6, color="black", linewidth=1.2)
    right.annotate("published total,\nall technologies", (published_cost / 1e6, len(table) / 2), ha="left",
                   va="center", fontsize=8.5, textcoords="offset points", xytext=(28, 0))  # fmt: skip
    label(right, "its cost [million USD/a]")
    for axes in (left, right):
        axes.grid(axis="y", visible=False)
    return figure


@style()
def displaced(table: pd.DataFrame) -> Figure:
    """Draw what the optimum displaces less or more than the baseline beside what its plants emit less."""
    figure, axes = new(1, 1, 3.3)
    rows = np.arange(len(table))
    columns = {t: f"displaced by {t} [t/a]" for t in TECHNOLOGIES}
    for sign in (1, -1):
        left = np.zeros(len(table))
        for technology, column in columns.items():
            values = np.where(np.sign(table[column]) == sign, table[column], 0.0)
            axes.barh(
                rows + 0.18,
                values,
                left=left,
                height=0.3,
                color=COLOURS[technology],
                label=f"displaced by {technology}",
            )
            left += values
    axes.barh(
        rows - 0.18,
        -table["own footprint [t/a]"],
        height=0.3,
        color="#8c8c8c",
        label="own footprint avoided (all the study counts)",
    )
    axes.plot(table["net gain [t/a]"], rows, "k|", markersize=26, markeredgewidth=2, label="net gain")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(
        rows, [f"{r[0]},\nfor {r[1]}" for r in table[["grid factor", "hot water replaces"]].to_numpy()], fontsize=8.5
    )
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.use_sticky_edges = False
    axes.margins(x=0.05)
    label(axes, "carbon dioxide avoided by the optimum over the baseline [t/a]")
    figure.legend(*_unique(axes), loc="outside lower center", ncols=2)
    return figure


def _paired_bars(axes: Axes, values: xr.DataArray) -> None:
    """Draw baseline and optimum side by side for each technology."""
    for offset, plan in ((-0.2, "baseline"), (0.2, "optimum")):
        heights = values.sel(plan=plan, technology=list(TECHNOLOGIES))
        axes.bar(np.arange(4) + offset, heights, width=0.38, color=PLAN_COLOURS[plan], label=plan)
    axes.set_xticks(range(4), [WRAPPED[t] for t in TECHNOLOGIES], fontsize=8.5)
    axes.grid(axis="x", visible=False)


def _unique(axes: Axes) -> tuple[list[Artist], list[str]]:
    """Return each legend entry of the axes once."""
    handles, labels = axes.get_legend_handles_labels()
    first = dict(zip(reversed(labels), reversed(handles), strict=True))
    ordered = list(dict.fromkeys(labels))
    return [first[name] for name in ordered], ordered


def _unique_legend(axes: Axes) -> None:
    axes.legend(*_unique(axes))
