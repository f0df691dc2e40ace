"""A sweep in one figure: an axis for every key and number, a line for every run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bcopt.compendium import figures
from bcopt.districts.sweep import PROBLEM

AXES = 7
"""How many axes stand side by side and can still be read."""
COLOURS = "cividis"
_LETTERS = 84
"""What fits side by side below the axes."""


@figures.style()
def parallel_coordinates(table: pd.DataFrame, swept: Sequence[str], numbers: Sequence[str] | None = None) -> Figure:
    """Draw the runs of a sweep as lines across parallel axes, coloured by the first number.

    The axis of that number shows the colours. A run without an answer is not drawn; below the figure is how many there
    are.

    Parameters
    ----------
    table : pd.DataFrame
        From :func:`bcopt.districts.sweep`.
    swept : sequence of str
        Its columns that were varied; a key with anything but numbers has its values from bottom to top.
    numbers : sequence of str, optional
        Those of its other columns that are drawn, unit in brackets; the first that differ between the runs by default,
        as many as can be read.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If no run has an answer, or a column is not there.
    """
    answered = table[table[PROBLEM] == ""].reset_index(drop=True)
    if answered.empty:
        raise ValueError("no run of the sweep has an answer: nothing to draw")
    if missing := [name for name in [*swept, *(numbers or ())] if name not in table]:
        raise ValueError(f"the table has no column {', '.join(missing)}")
    if numbers is None:
        numbers = _that_differ(answered.drop(columns=[*swept, PROBLEM]))[: max(AXES - len(swept), 1)]
    names = [*swept, *numbers]
    figure, axes = figures.new(height=3.9)
    colour = answered[numbers[0]].to_numpy(float)
    shades = ScalarMappable(Normalize(*_ends(colour)), colormaps[COLOURS])
    heights = np.column_stack([_axis(axes, place, answered[name]) for place, name in enumerate(names)])
    for height, shade in zip(heights, shades.to_rgba(colour), strict=True):
        axes.plot(np.arange(len(names)), height, color=shade, linewidth=1.3, alpha=0.85, zorder=2)
    shown = np.linspace(0, 1, 257)
    strip = np.column_stack([np.full_like(shown, len(swept)), shown])
    axes.add_collection(
        LineCollection(list(np.stack([strip[:-1], strip[1:]], 1)), colors=shades.cmap(shown[1:]), linewidth=5, zorder=3)
    )
    labels = [_wrapped(name, _LETTERS // len(names)) for name in names]
    labels[len(swept)] += "\n(colour)"
    axes.set_xticks(np.arange(len(names)), labels)
    axes.tick_params(axis="x", length=0, pad=8)
    axes.set(xlim=(-0.4, len(names) - 0.9), ylim=(-0.03, 1.03), yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    if left_out := len(table) - len(answered):
        figure.supxlabel(f"{left_out} of {len(table)} runs have no answer and are not drawn", fontsize=9)
    return figure


def _that_differ(table: pd.DataFrame) -> list[str]:
    """Return the columns that differ between the runs, or the first of them where none does."""
    differing = [name for name, values in table.items() if not (values == values.iloc[0]).all()]
    if not table.columns.size:
        raise ValueError("the runs of the sweep have no numbers: nothing to draw")
    return [str(name) for name in differing or table.columns[:1]]


def _axis(axes: Axes, place: int, values: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Draw one axis with its ticks, and return the height of every run on it: 0 to 1, NaN where there is none."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        heights = values.to_numpy(float)
        low, high = _ends(heights)
        known = np.unique(heights[np.isfinite(heights)])
        ticks = known if known.size <= 3 else MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        marks = [(float(tick), _short(float(tick))) for tick in ticks if low <= tick <= high]
    else:
        texts = values.astype(str)
        categories = list(dict.fromkeys(texts))
        heights = texts.map(categories.index).to_numpy(float)
        low, high = _ends(heights)
        marks = [(float(index), textwrap.shorten(text, 22, placeholder="…")) for index, text in enumerate(categories)]
    axes.plot([place, place], [0, 1], color="black", linewidth=0.9, zorder=1)
    for tick, text in marks:
        height = (tick - low) / (high - low)
        axes.plot([place - 0.03, place], [height, height], color="black", linewidth=0.9, zorder=3)
        axes.text(
            place - 0.05, height, text, ha="right", va="center", fontsize=8, zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
        )  # fmt: skip
    return (heights - low) / (high - low)


def _ends(values: npt.ArrayLike) -> tuple[float, float]:
    """Return the smallest and largest value, apart from each other where they are one."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _short(number: float) -> str:
    """Return a number as a tick shows it, millions as M."""
    return (
        f"{number / 1e6:.5g} M" if abs(number) >= 1e6 else f"{number:,.0f}" if abs(number) >= 1e4 else f"{number:,.4g}"
    )


def _wrapped(name: str, letters: int) -> str:
    """Return the name of a column in short lines, broken at its spaces, dots and underscores, the unit on its own."""
    text, _, unit = name.partition(" [")
    pieces = text.replace(".", ". ").replace("_", "_ ")
    lines = [line.replace(". ", ".").replace("_ ", "_") for line in textwrap.wrap(pieces, letters)]
    return "\n".join([*lines, *([f"[{unit}"] if unit else [])])
