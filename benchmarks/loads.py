"""Time the simulation of clusters against the naive ways: one after the other, and every storey a zone."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from bcopt.loads.simulation import Case, cluster_demand, demands
from bcopt.studies.systems2024 import demand, inputs
from benchmarks.timing import seconds, show


def main() -> None:
    """Compare parallel with sequential runs, and three weighted storeys with all ten, in time and in heat."""
    with tempfile.TemporaryDirectory() as folder:
        cases = demand.cases(inputs.load(), demand.Variant(), Path(folder))
        four = [cases[i] for i in (0, 6, 7, 8)]
        x2 = cases[1]
        whole = replace(x2, every_storey=True)

        def one_by_one() -> None:
            for case in four:
                cluster_demand(case)

        def heat(case: Case) -> float:
            return float(cluster_demand(case)["demand"].sel(use="heating").sum())

        lines = [
            ("four clusters, two at a time", seconds(lambda: list(demands(four, 2)), 1), "one after the other",
             seconds(one_by_one, 1)),
            ("x2, three storeys weighted", seconds(lambda: cluster_demand(x2), 3), "each of its ten storeys",
             seconds(lambda: cluster_demand(whole), 1)),
        ]  # fmt: skip
        difference = 100 * (heat(x2) / heat(whole) - 1)
        show(f"building loads; three storeys give {difference:+.2f} % of the heat of ten", lines)
