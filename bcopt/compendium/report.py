"""The ledger at a glance: counts as a table, numbers as a dataset, verdicts as a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bcopt.compendium.figures import PALETTE, label, new, style
from bcopt.compendium.ledger import CLASSES, HEADLINE_CLASSES, VERDICTS

COLOURS = {
    "reproduced": PALETTE["blue"],
    "within tolerance": PALETTE["sky blue"],
    "missed": PALETTE["vermilion"],
    "contradicted": PALETTE["purple"],
    "used as input": "#8c8c8c",
    "nothing printed": "#c4c4c4",
    "not attempted": "#ececec",
}


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
    label(axes, "rows    (* could have come out otherwise)")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
