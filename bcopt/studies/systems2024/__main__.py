"""Stages of the pipeline: ``python -m bcopt.studies.systems2024 simulation``, or ``band``."""

from __future__ import annotations

import argparse
import sys

from bcopt.studies.systems2024 import band, simulation

STAGES = {"simulation": simulation.main, "band": band.main}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run one stage of the pipeline that is no notebook.")
    parser.add_argument("stage", choices=STAGES)
    sys.exit(STAGES[parser.parse_args().stage]())
