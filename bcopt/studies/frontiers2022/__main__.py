"""Stages of the pipeline: ``python -m bcopt.studies.frontiers2022 simulation``, or ``band``."""

from __future__ import annotations

import sys

from bcopt.studies.frontiers2022 import band, simulation

STAGES = {"simulation": simulation.main, "band": band.main}

if __name__ == "__main__":
    sys.exit(STAGES[sys.argv[1]]())
