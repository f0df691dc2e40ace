"""One style for every figure of the compendium: legible at notebook width, safe for colour-blind readers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

WIDTH = 7.2
"""Width of a figure [inch]: the text width of a rendered notebook."""

# Okabe & Ito (2008), Color Universal Design: distinguishable under all common colour-vision deficiencies.
PALETTE = {
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "black": "#000000",
}
PUBLISHED: dict[str, Any] = {
    "marker": "D", "markersize": 6.5, "markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 1.3,
    "linestyle": "none", "zorder": 5, "label": "published",
}  # fmt: skip
"""How a published value is drawn, in every figure: a hollow black diamond."""

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 10,
    "axes.prop_cycle": cycler(
        color=[PALETTE[c] for c in ("blue", "vermilion", "green", "orange", "purple", "sky blue")]
    ),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.alpha": 0.6,
    "grid.color": "#d0d0d0",
    "grid.linewidth": 0.6,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "path.simplify": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "bcopt",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw with the compendium's style and leave the caller's settings alone: a ``with`` block or a decorator."""
    with mpl.rc_context({**{key: value for key, value in mpl.rcParamsDefault.items() if key not in _OUTSIDE}, **STYLE}):
        yield


# Settings that belong to the session a figure is drawn in and not to its looks.
_OUTSIDE = {
    key
    for key in mpl.rcParamsDefault
    if key.startswith(("backend", "interactive", "toolbar", "timezone", "savefig.directory"))
}


def new(rows: int = 1, columns: int = 1, height: float = 3.2, **options: Any) -> tuple[Figure, Any]:
    """Return an empty figure at notebook width and its axes.

    Parameters
    ----------
    rows, columns : int
        Panels.
    height : float
        Height of one row of panels [inch].
    **options
        Passed to ``Figure.subplots``, such as ``sharex`` or ``width_ratios``.
    """
    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")  # unknown to pyplot: a notebook shows it once
    return figure, figure.subplots(rows, columns, **options)


def label(axes: Axes, x: str | None = None, y: str | None = None, title: str | None = None) -> Axes:
    """Set axis labels (each with its unit in brackets) and the panel's title."""
    if x is not None:
        axes.set_xlabel(x)
    if y is not None:
        axes.set_ylabel(y)
    if title is not None:
        axes.set_title(title)
    return axes


def rendered(figure: Figure, kind: str) -> bytes:
    """Return the figure as ``svg`` or ``png`` bytes, free of date and software: the same figure, the same bytes."""
    metadata = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}[kind]
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=STYLE["figure.dpi"])
    return buffer.getvalue()
