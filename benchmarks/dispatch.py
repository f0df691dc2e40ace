"""Time the dispatch by prices on the study's day against its size, and beside it the central quadratic programme."""

from __future__ import annotations

import sys
import time

import linopy
import numpy as np

from bcopt.compendium.paths import project_root
from bcopt.compendium.protocol import read_protocol
from bcopt.methods import solver
from bcopt.methods.admm import Result
from bcopt.methods.quadratic import PersistentQuadratic
from bcopt.models import dispatch
from bcopt.studies.frontiers2022 import distributed, fits, inputs, scenario, simulation, stages
from benchmarks.timing import Line, show

PRICE_SET = "text-bands"
PENALTY, TOLERANCE = 1e-3, 1e-5
COPIES = (1, 3, 10, 20, 100, 1000, 3334)
"""Of each of the three clusters."""
CENTRAL, PEER = (1, 3, 10, 20), (1, 10)
"""Copies with which the central programme is solved, and solved by HiGHS too."""
SECONDS = 20.0
"""Given to HiGHS for each."""


def main() -> None:
    """Compare the time of agreement with that of the central programme, and of this with HiGHS."""
    root = project_root()
    given, days = inputs.load(root), simulation.read(root)
    chosen = scenario.by_price_set(scenario.central(read_protocol(root)["frontiers2022"], given))
    settled = fits.read(root, days, given, {PRICE_SET: chosen[PRICE_SET]})[PRICE_SET]
    _agreed(settled, 1)
    for copies in COPIES:
        result, agreed = _agreed(settled, copies)
        each = agreed / result.iterations * 1e3
        sys.stdout.write(
            f"{3 * copies} clusters agree in {result.iterations} iterations: {agreed:.2f} s, {each:.1f} ms each\n"
        )
        if copies in CENTRAL:
            _beside(settled, copies, result, agreed)


def _agreed(settled: stages.Settled, copies: int) -> tuple[Result, float]:
    """Let clusters and provider agree from the retail prices on; return also the processor time [s]."""
    bargain, price = distributed.Bargain.of_day(settled, copies), distributed.mean_price(settled)
    start = time.process_time()
    result = bargain.strike(PENALTY, price, tolerance=TOLERANCE)
    return result, time.process_time() - start


def _beside(settled: stages.Settled, copies: int, result: Result, agreed: float) -> None:
    """Show the central programme of as many clusters, by the interior point method and, for some, by HiGHS."""
    district, on = distributed.copies(settled.inputs, copies), settled.commitment.on
    model = dispatch.dispatch_model(district, on, mean_temperature=distributed.mean_temperature(settled))
    central = PersistentQuadratic(model)
    start = time.process_time()
    optimum = central.solve().objective
    own = time.process_time() - start
    loads = central.value("load").transpose(*distributed.DIMS).to_numpy()
    gap = distributed.objective(district, on, result) - optimum - dispatch.constant(district)
    lines: list[Line] = [("agreed by prices", agreed, "central quadratic programme", own)]
    if copies in PEER:
        sys.stdout.write(f"HiGHS on the same programme of {3 * copies} clusters: {_peer(model, optimum)}\n")
        mean = distributed.mean_temperature(settled)
        linear = dispatch.dispatch_model(district, on, loads="tangents", mean_temperature=mean)
        start = time.process_time()
        solver.solve(linear)
        taken = time.process_time() - start
        lines.append(("central quadratic programme", own, "HiGHS, linear with 32 tangents", taken))
    far = np.abs(result.loads - loads).max()
    show(f"{3 * copies} clusters: {gap:.1e} yuan above the optimum, loads differ by at most {far:.3f} kW", lines)


def _peer(model: linopy.Model, optimum: float) -> str:
    """Solve a central programme by HiGHS and say what came of it."""
    start = time.process_time()
    try:
        found = f"{solver.solve(model, time_limit=SECONDS).objective - optimum:.1e} yuan above the optimum"
    except solver.NotSolved as miss:
        found = str(miss)
    return f"{found}, {time.process_time() - start:.2f} s"


if __name__ == "__main__":
    main()
