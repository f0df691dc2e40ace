"""What a notebook publishes: figures, tables, its solution, fitted values and its rows of the ledger.

The notebook runner tells a page where to write; without it (in JupyterLab, in tests) a page shows everything and writes
nothing, so that reading and playing never touch ``results/``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from IPython.display import Image
from matplotlib.figure import Figure

from bcopt.compendium import checkout, figures, files, ledger
from bcopt.compendium.paths import STAGING, outputs, project_root
from bcopt.compendium.protocol import Protocol, read_protocol


class Page:
    """One notebook's door to the compendium.

    It also sets how tables and Datasets are shown: Datasets as text, since xarray's HTML carries random ids, and an
    executed notebook must be the same bytes every time.

    Parameters
    ----------
    stage : str
        As in :func:`outputs`.
    parameters : mapping
        The notebook's parameters as they are in this run.

    Raises
    ------
    InputError
        Outside a stage, if what the notebook reads is not as git and dvc.lock have it; in one, its runner has looked.
    """

    def __init__(self, stage: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.stage = stage
        self.parameters = dict(parameters or {})
        self.root = project_root()
        staging = os.environ.get(STAGING)
        if not staging:
            checkout.require_whole(stage, self.root)
        self.protocol: Protocol = read_protocol(self.root)
        self._target = Path(staging) if staging else None
        pd.set_option("display.float_format", _number)
        pd.set_option("display.max_colwidth", None)
        pd.set_option("display.max_rows", 200)
        xr.set_options(display_style="text")

    @property
    def study(self) -> str:
        """The study the notebook belongs to."""
        return self.stage.partition("/")[0]

    def options(self, name: str) -> tuple[Any, ...]:
        """Return the protocol's central value of a choice and its alternatives, in that order."""
        choice = self.protocol[self.study].choice(name)
        return (choice.value, *choice.alternatives)

    @property
    def claims(self) -> pd.DataFrame:
        """The claims of all studies, as :func:`bcopt.compendium.ledger.read_claims` reads them."""
        return ledger.read_claims(self.root)

    def printed(self, claim: str) -> float:
        """Return the number that a claim prints."""
        return ledger.printed_numbers(self.claims, [claim])[claim][0]

    def held_out(self, claim: str) -> tuple[float, float]:
        """Return the printed number of a held-out claim and how far from it the protocol lets a value be.

        Raises
        ------
        KeyError
            If the protocol has no tolerance for the claim.
        """
        printed = self.printed(claim)
        return printed, self.protocol[self.study].held_out[claim].allows(printed)

    def figure(self, figure: Figure, name: str) -> Image:
        """Publish a figure as SVG and return the picture that the notebook shows."""
        self._write(outputs(self.stage)["figures"] / f"{name}.svg", figures.rendered(figure, "svg"))
        return Image(figures.rendered(figure, "png"), format="png", alt=f"{self.stage}: {name}")

    def table(self, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """Publish a table as CSV and return it as it was written: rounded, without an index that means nothing."""
        if self._target:
            files.write_table(self._target / outputs(self.stage)["tables"] / f"{name}.csv", table)
        return self._shown(table)

    def solution(self, dataset: xr.Dataset) -> xr.Dataset:
        """Publish the stage's solution and return it rounded as it was written, to draw from."""
        if self._target:
            files.write_dataset(self._target / outputs(self.stage)["solution"], dataset)
        return files.rounded_dataset(dataset)

    def derived(self, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """Publish fitted values in ``data/derived``, each row with the hash of the protocol it was fitted under."""
        stamped = table.assign(protocol=self.protocol.sha256)
        if self._target:
            files.write_table(self._target / "data" / "derived" / name, stamped)
        return self._shown(table)

    def metrics(self, content: Mapping[str, Any]) -> None:
        """Publish the compendium's metrics for ``dvc metrics show``."""
        if self._target:
            files.write_json(self._target / "results" / "metrics.json", content)

    def whole_ledger(self, table: pd.DataFrame) -> pd.DataFrame:
        """Publish the ledger of every claim."""
        if self._target:
            files.write_table(self._target / "results" / "ledger.csv", table)
        return table

    def ledger(self, outcomes: Mapping[str, ledger.Outcome]) -> pd.DataFrame:
        """Judge this notebook's claims, publish its rows and return them for the last cell."""
        deviations = self.protocol[self.study].deviations(self.parameters)
        rows = ledger.judge(self.claims, outcomes, self.protocol, self.stage, deviations)
        self.table(rows, "ledger")
        return ledger.shown(rows)

    def _write(self, path: Path, content: bytes) -> None:
        if self._target:
            files.write_bytes(self._target / path, content)

    @staticmethod
    def _shown(table: pd.DataFrame) -> pd.DataFrame:
        rounded = files.rounded_table(table)
        return rounded.set_index(rounded.columns[0]) if len(rounded.columns) > 1 else rounded


def _number(value: float) -> str:
    """Show money and mass to two decimals, everything else to six significant digits."""
    return f"{value:,.2f}" if abs(value) >= 1e5 else f"{value:,.6g}"
