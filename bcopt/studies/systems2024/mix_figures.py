"""Figures of sections 3.2.1 and 3.2.2, numbered as in the paper; its curves and Table 3 are unpublished."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter, ScalarFormatter

from bcopt.compendium.figures import PALETTE, PUBLISHED, label, new, style
from bcopt.studies.systems2024.figures import FUNCTION_COLOURS
from bcopt.studies.systems2024.levelling import Levelled

GREY = "#8c8c8c"


@style()
def iterations(runs: xr.Dataset, least: float, printed: float) -> Figure:
    """Draw best and mean AR of the population over the generations from every seed (figure 7).

    Parameters
    ----------
    runs : xr.Dataset, dims (seed, generation)
        From :func:`bcopt.studies.systems2024.levelling.evolve`.
    least : float
        AR of the exact optimum [-].
    printed : float
        Generation around which the paper's mean is stable.
    """
    figure, axes = new(1, 1, 3.2)
    for name, colour in (("mean", GREY), ("best", PALETTE["blue"])):
        lines = axes.plot(runs["generation"], runs[name].transpose("generation", "seed"), color=colour, linewidth=0.8)
        lines[0].set_label(f"{name} of the population, {runs.sizes['seed']} seeds")
    axes.axhline(least, color="black", linewidth=1.2, linestyle="--", label="exact optimum")
    axes.axvline(printed, color="black", linewidth=0.8, linestyle=":", label=f"published: stable around {printed:g}")
    _logarithmic(axes)
    label(axes, x="generation", y="AR [-]", title="Figure 7: genetic algorithm beside the exact optimum")
    axes.legend(loc="upper right")
    return figure


@style()
def load_curves(mixes: xr.DataArray, kind: str) -> Figure:
    """Draw the load of a plot in the 1:1 mix and in the optimised one (figure 8), in power and relative to its mean.

    Parameters
    ----------
    mixes : xr.DataArray, dims (mix, hour)
        From :func:`bcopt.studies.systems2024.levelling.day_mixes` [kW].
    kind : str
        Which load it is.
    """
    figure, (power, shape) = new(1, 2, 2.9)
    for mix, colour in (("1:1", GREY), ("optimised", PALETTE["blue"])):
        load = mixes.sel(mix=mix)
        power.stairs(load / 1000, np.arange(25), color=colour, linewidth=2, baseline=None, label=f"{mix} mix")
        shape.stairs(load / load.mean(), np.arange(25), color=colour, linewidth=2, baseline=None)
    label(power, x="hour of the day", y="load of a plot [MW]", title=f"Figure 8: electricity, {kind}")
    label(shape, x="hour of the day", y="load over its mean [-]", title="The same relative to the mean")
    for axes in (power, shape):
        axes.set(xlim=(0, 24), xticks=range(0, 25, 6))
        axes.set_ylim(0)
    figure.legend(*power.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@style()
def mixes(table: pd.DataFrame) -> Figure:
    """Draw the share of every prototype, exact and of the searches (Table 3, whose values are unpublished)."""
    figure, axes = new(1, 1, 2.9)
    rows = np.arange(len(table))
    axes.bar(rows - 0.2, table["exact [%]"], 0.36, color=[FUNCTION_COLOURS[f] for f in table["function"]])
    middle = table["search, median [%]"]
    ends = [middle - table["search, least [%]"], table["search, greatest [%]"] - middle]
    axes.bar(rows + 0.2, middle, 0.36, color="#d9d9d9", edgecolor=GREY, linewidth=0.6)
    axes.errorbar(rows + 0.2, middle, ends, fmt="none", ecolor="black", elinewidth=0.9, capsize=2.5)
    handles = [Patch(color=colour, label=f"{name}, exact") for name, colour in FUNCTION_COLOURS.items()]
    handles.append(Patch(facecolor="#d9d9d9", edgecolor=GREY, label="search: median, least, greatest"))
    axes.set_xticks(rows, table["cluster"])
    axes.grid(axis="x", visible=False)
    label(axes, y="share [%]")
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


@style()
def along_public_share(of_load: Mapping[str, Levelled], searched: xr.DataArray, printed: float) -> Figure:
    """Draw the least AR over the public share for each load that may be levelled, with the printed share.

    Parameters
    ----------
    of_load : mapping of str to Levelled
        From :func:`bcopt.studies.systems2024.levelling.public_curves`.
    searched : xr.DataArray, dims (seed)
        Public shares that the searches found for the first load [-].
    printed : float
        Published share [%].
    """
    figure, axes = new(1, 1, 3.4)
    colours = ("black", "blue", "vermilion", "green", "purple", "sky blue")
    lines = ("-", "-", "--", ":", "-.", "-")
    for (name, found), colour, line in zip(of_load.items(), colours, lines, strict=True):
        where, look = 100 * found.public_share, {"color": PALETTE[colour], "linestyle": line}
        axes.plot(100 * found.curve["public_share"], found.curve, **look, label=f"{name}: least at {where:.1f} %")
        axes.plot([where], [float(found.optimum["rate"])], "o", color=PALETTE[colour], markersize=5)
    first = next(iter(of_load.values())).curve
    on_curve = np.interp(searched, first["public_share"], first)
    axes.plot(100 * searched, on_curve, "|", color=PALETTE["orange"], markersize=12, label="searches, first load")
    axes.axvline(printed, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlim=(8, 102))
    axes.set_ylim(0)
    axes.plot([printed], [0], clip_on=False, **{**PUBLISHED, "label": f"published share, {printed:g} %"})
    label(axes, x="public share of the ground [%]", y="least AR [-]")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@style()
def hotels(rates: xr.DataArray, least: xr.DataArray) -> Figure:
    """Draw AR over the share of hotels, the others in equal shares and as they level best."""
    figure, axes = new(1, 1, 2.7)
    axes.plot(100 * rates["hotel_share"], rates, "o-", color=GREY, label="other prototypes in equal shares")
    axes.plot(100 * least["hotel_share"], least, "o-", color=PALETTE["blue"], label="other prototypes at their best")
    axes.set_ylim(0)
    label(axes, x="share of hotels [%]", y="AR [-]")
    axes.legend()
    return figure


@style()
def fronts(exact: Mapping[str, xr.Dataset], searched: Mapping[str, xr.Dataset], printed: tuple[float, float]) -> Figure:
    """Draw penetration against the public share, exact and searched, own ground and pooled (figure 9).

    Parameters
    ----------
    exact : mapping of str to xr.Dataset, dims (public_share)
        Exact fronts by name.
    searched : mapping of str to xr.Dataset, dims (point)
        Fronts of NSGA-II of the first seed by the same names.
    printed : tuple of float
        Penetration that the paper prints at 30 % public buildings and its tolerance [%].
    """
    figure, axes = new(1, 1, 3.6)
    for (name, front), colour in zip(exact.items(), (PALETTE["blue"], PALETTE["green"]), strict=False):
        axes.plot(100 * front["public_share"], 100 * front["penetration"], color=colour, label=f"exact, {name}")
        points = searched[name]
        axes.plot(100 * points["public_share"], 100 * points["penetration"], "o", markersize=3.5, color=colour,
                  markerfacecolor="white", label=f"NSGA-II, {name}")  # fmt: skip
    value, tolerance = printed
    axes.errorbar([30], [value], [tolerance], ecolor="black", elinewidth=1.0, capsize=3,
                  **{**PUBLISHED, "label": "published, and the tolerance"})  # fmt: skip
    label(axes, x="public share [%]", y="renewable penetration [%]", title="Figure 9: Pareto front")
    axes.set(xlim=(-2, 102))
    axes.set_ylim(0)
    axes.legend(loc="lower left")
    return figure


@style()
def hypervolumes(courses: xr.DataArray, printed: float) -> Figure:
    """Draw the hypervolume of all that was evaluated over the generations from every seed.

    Parameters
    ----------
    courses : xr.DataArray, dims (sharing, seed, generation)
        As a share of the exact front's.
    printed : float
        Generation after which the paper's results are stable.
    """
    figure, axes = new(1, 1, 2.9)
    for name, colour in zip(courses["sharing"].to_numpy(), (PALETTE["blue"], PALETTE["green"]), strict=True):
        course = courses.sel(sharing=name)
        lines = axes.plot(course["generation"], course.transpose("generation", "seed"), color=colour, linewidth=0.8)
        lines[0].set_label(f"{name}, {course.sizes['seed']} seeds")
    axes.axhline(1.0, color="black", linewidth=1.2, linestyle="--", label="exact front")
    axes.axhline(0.98, color="black", linewidth=0.8, linestyle=":", label="98 %")
    axes.axvline(printed, color="black", linewidth=0.8, linestyle="-.", label=f"published: stable after {printed:g}")
    _logarithmic(axes)
    label(axes, x="generation", y="hypervolume ratio [-]")
    axes.legend(loc="lower right")
    return figure


def _logarithmic(axes: Axes) -> None:
    """Spread the first generations, with plain numbers on the axis."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
