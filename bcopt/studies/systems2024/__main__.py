"""Stages of the pipeline: ``python -m bcopt.studies.systems2024 simulation``, or ``band``."""

from __future__ import annotations

import sys

from bcopt.studies.systems2024 import band, simulation

STAGES = {"simulation": simulation.main, "band": band.main}

if __name__ == "__main__":
    sys.exit(STAGES[sys.argv[1]]())
