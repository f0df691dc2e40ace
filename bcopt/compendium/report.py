"""The ledger at a glance: counts and linked rows, numbers as a dataset, verdicts and deviations as figures."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bcopt.compendium.figures import PALETTE, label, new, style
from bcopt.compendium.ledger import CLASSES, HEADLINE_CLASSES, VERDICTS, evidence, shown

COLOURS = {
    "reproduced": PALETTE["blue"],
    "within tolerance": PALETTE["sky blue"],
    "missed": PALETTE["vermilion"],
    "contradicted": PALETTE["purple"],
    "used as input": "#8c8c8c",
    "nothing printed": "#c4c4c4",
    "not attempted": "#ececec",
}
MARKERS = {"input": "X", "identity": "v", "fit": "s", "closure": "^", "held-out": "o", "qualitative": "P"}
"""Marker of each class of which numbers are printed; a hollow diamond stays that of published values."""
EDGE = 100.0
"""Where the axis of deviations ends [%]: farther ones are arrows at the edge with their number."""
TOLERANCE = "#b9dcb9"
_NUMBERS = ("printed", "reproduced", "tolerance")


@dataclass(frozen=True)
class LinkedTable:
    """Rows of the ledger, each id a link to its notebook where the page is shown in HTML.

    Parameters
    ----------
    table : pd.DataFrame
        The rows as they are shown as text.
    notebooks : tuple of str
        Path of each row's notebook without its ending, relative to the page's folder; empty for a row without one.
    """

    table: pd.DataFrame
    notebooks: tuple[str, ...]

    def __repr__(self) -> str:
        return str(
            self.table.drop(columns="note").to_string()
        )  # whole sentences: HTML and results/ledger.csv have them

    def _repr_html_(self) -> str:
        names = [html.escape(str(name)) for name in self.table.index]
        links = [
            f'<a href="{quote(notebook)}.ipynb#Ledger">{name}</a>' if notebook else name
            for name, notebook in zip(names, self.notebooks, strict=True)
        ]
        cells = self.table.map(lambda cell: html.escape(str(cell))).set_axis(links)
        with pd.option_context("display.max_colwidth", None):
            page = str(cells.rename_axis("id").to_html(escape=False, justify="left"))
        return re.sub(r"<(t[dh])>", r'<\1 style="text-align: left">', page)  # sentences: pages align cells right


def linked(ledger: pd.DataFrame) -> LinkedTable:
    """Return rows of the ledger for a page in ``notebooks/``, each with a link to its notebook and its locator."""
    table = shown(ledger)
    table.insert(0, "locator", ledger["locator"].to_numpy())
    return LinkedTable(table, tuple(ledger["notebook"]))


def headline_table(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the verdicts on rows that could have come out otherwise, held-out and qualitative, by study and in all."""
    rows = evidence(ledger)
    counts = pd.crosstab(rows["paper"], rows["verdict"]).reindex(
        index=list(dict.fromkeys(ledger["paper"])), columns=VERDICTS[:4], fill_value=0
    )
    counts.loc["all"] = counts.sum()
    return counts.assign(rows=counts.sum(axis=1)).rename_axis(index="study", columns=None).reset_index()


def coverage_table(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the number of rows by class and verdict, the classes that count as evidence marked."""
    counts = pd.crosstab(ledger["class"], ledger["verdict"]).reindex(index=CLASSES, columns=VERDICTS, fill_value=0)
    evidence = ["counts as evidence" if name in HEADLINE_CLASSES else "" for name in counts.index]
    return counts.assign(rows=counts.sum(axis=1), evidence=evidence).rename_axis(columns=None).reset_index()


def as_dataset(ledger: pd.DataFrame) -> xr.Dataset:
    """Return printed and reproduced numbers and verdicts, dims (claim); statements and missing numbers are NaN."""
    numbers = {
        name: ("claim", pd.to_numeric(ledger[name].str.replace(",", ""), errors="coerce").to_numpy())
        for name in ("printed", "reproduced")
    }
    verdict = [VERDICTS.index(v) for v in ledger["verdict"]]
    return xr.Dataset(
        {**numbers, "verdict": ("claim", np.asarray(verdict, dtype="int8"), {"flag_meanings": ", ".join(VERDICTS)})},
        coords={"claim": ledger["id"].to_numpy(dtype=str)},
    )


def deviations(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return how far each reproduced number is from the printed one, for the rows that have both.

    Returns
    -------
    pd.DataFrame
        Columns ``id, paper, class, verdict, unit, printed, reproduced`` as in the ledger and, in % of the printed
        number, ``deviation``, ``tolerance`` (NaN where none decides), ``low`` and ``high`` (of the band over the
        variants, NaN where there is none), by class, then in the order of the ledger. Where zero is printed, a
        deviation is zero or infinite and the rest is NaN.
    """
    numbers = {name: pd.to_numeric(ledger[name].str.replace(",", ""), errors="coerce") for name in _NUMBERS}
    found = ledger[numbers["printed"].notna() & numbers["reproduced"].notna()]
    printed, reproduced, tolerance = (numbers[name].loc[found.index] for name in _NUMBERS)
    band = found["band"].str.extract(r"^(?P<low>\S+) to (?P<high>\S+)$").astype(float)
    unit = 100.0 / printed.abs().where(printed != 0)
    difference = reproduced - printed
    table = found[["id", "paper", "class", "verdict", "unit", "printed", "reproduced"]].assign(
        deviation=(difference * unit).where(printed != 0, np.sign(difference) * np.where(difference == 0, 0.0, np.inf)),
        tolerance=tolerance * unit,
        low=(band["low"] - printed) * unit,
        high=(band["high"] - printed) * unit,
    )
    order = table["class"].map(CLASSES.index)
    return table.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


@style()
def published_against_reproduced(table: pd.DataFrame) -> Figure:
    """Draw the rows of one study: deviation, tolerance and band in % of what is printed, which is the zero line.

    Parameters
    ----------
    table : pd.DataFrame
        Rows of :func:`deviations`.
    """
    heads = list(dict.fromkeys(table["class"]))
    places = np.arange(len(table)) + table["class"].map(heads.index).to_numpy() + 1.0
    lines = len(table) + len(heads)
    figure, axes = new(height=1.6 + 0.2 * lines)
    axes.axvline(0, color="black", linewidth=1)
    for place, row in zip(places, table.to_dict("records"), strict=True):
        _draw_row(axes, float(place), {str(name): value for name, value in row.items()})
    titles = [places[table["class"] == name].min() - 1 for name in heads]
    axes.set_yticks([*titles, *places], [*heads, *(name.partition("-")[2] for name in table["id"])])
    for text in axes.get_yticklabels()[: len(heads)]:
        text.set_fontweight("bold")
    axes.set_ylim(lines - 0.4, -0.6)
    axes.set_xlim(-EDGE, EDGE)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    label(axes, "reproduced minus published [% of published]; the line at 0 is the published value",
          title=str(table["paper"].iloc[0]))  # fmt: skip
    figure.legend(handles=_keys(table), loc="outside lower center", ncols=4)
    return figure


def _draw_row(axes: Axes, place: float, row: dict[str, Any]) -> None:
    """Draw the tolerance as a bar, the band as a line, the deviation as a marker, and both numbers at the right."""
    if np.isfinite(row["tolerance"]):
        width = min(row["tolerance"], EDGE)
        axes.barh(place, 2 * width, left=-width, height=0.8, color=TOLERANCE, edgecolor=TOLERANCE, zorder=1)
    if np.isfinite(row["low"]):
        low, high = np.clip([row["low"], row["high"]], -EDGE, EDGE)
        axes.plot([low, high], [place, place], color="black", linewidth=1, zorder=3)
        for end, mark in ((low, "<" if row["low"] < low else "|"), (high, ">" if row["high"] > high else "|")):
            axes.plot(end, place, color="black", marker=mark, markersize=5, zorder=3, clip_on=False)
    beyond = abs(row["deviation"]) > EDGE
    marker = (">" if row["deviation"] > 0 else "<") if beyond else MARKERS[row["class"]]
    looks: dict[str, Any] = {
        "markersize": 7,
        "markeredgewidth": 0.7,
        "markeredgecolor": "black",
        "zorder": 4,
        "clip_on": False,
    }
    colour = COLOURS[row["verdict"]]
    axes.plot(np.clip(row["deviation"], -EDGE, EDGE), place, marker=marker, markerfacecolor=colour, **looks)
    far = f"({row['deviation']:+.0f} %)" if beyond else ""
    words = (_as_printed(row["reproduced"], row["printed"]), row["unit"].partition(" (")[0], far)
    axes.annotate(
        f"{row['printed']} → {' '.join(word for word in words if word)}",
        (1.02, place),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
    )


def _as_printed(number: str, printed: str) -> str:
    """Return a number written like a printed one, with one decimal more unless that is zero.

    >>> _as_printed("13667.06", "13,667"), _as_printed("0.333333333", "0.36"), _as_printed("26457", "26,457")
    ('13,667.1', '0.333', '26,457')
    """
    decimals = len(printed.partition(".")[2]) + 1
    text = f"{float(number):{',' if ',' in printed else ''}.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." not in printed else text.removesuffix("0")


def _keys(table: pd.DataFrame) -> list[Any]:
    """Return what the legend explains: classes by marker, verdicts by colour, tolerance and band where drawn."""
    outline: dict[str, Any] = {"linestyle": "none", "color": "white", "markeredgecolor": "black"}
    classes = [Line2D([], [], marker=MARKERS[name], label=name, **outline) for name in dict.fromkeys(table["class"])]
    found = [name for name in VERDICTS if name in set(table["verdict"])]
    colours = [Patch(facecolor=COLOURS[name], edgecolor="black", label=name) for name in found]
    tolerance = [Patch(facecolor=TOLERANCE, label="tolerance")] if table["tolerance"].notna().any() else []
    line = Line2D([], [], color="black", linewidth=1, marker="|", markersize=5, label="band over the variants")
    return [*classes, *colours, *tolerance, *([line] if table["low"].notna().any() else [])]


@style()
def verdicts(ledger: pd.DataFrame) -> Figure:
    """Draw the rows of every study by class and verdict."""
    studies = list(dict.fromkeys(ledger["paper"]))
    figure, panels = new(len(studies), 1, 1.9, sharex=True)
    for axes, study in zip(np.atleast_1d(panels), studies, strict=True):
        counts = pd.crosstab(*(ledger.loc[ledger["paper"] == study, name] for name in ("class", "verdict")))
        counts = counts.reindex(index=CLASSES, columns=VERDICTS, fill_value=0)
        left = np.zeros(len(CLASSES))
        for verdict in VERDICTS:
            axes.barh(range(len(CLASSES)), counts[verdict], left=left, color=COLOURS[verdict], edgecolor="black",
                      linewidth=0.4, label=verdict)  # fmt: skip
            left += counts[verdict].to_numpy()
        axes.set_yticks(range(len(CLASSES)), [f"{name} *" if name in HEADLINE_CLASSES else name for name in CLASSES])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        label(axes, title=study)
    axes.set_xlim(0, 1.04 * ledger.groupby(["paper", "class"]).size().max())
    label(axes, "rows    (* could have come out otherwise)")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
