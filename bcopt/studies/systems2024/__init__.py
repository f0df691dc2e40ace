"""Systems 2024, 12(3), 92: twelve Beijing building clusters, their flexibility, their mix and their district system.

Methods for Coordinating Optimization of Urban Building Clusters and District Energy Systems,
https://doi.org/10.3390/systems12030092. Prototypes, tariffs and results are published; hourly loads, photovoltaics and
storage sizes are not. The loads are simulated as the study's were, from standards and stated assumptions.

Modules
-------
inputs : published tables, standards, climate and assumptions as one dataset
demand : programs, buildings and weather of the twelve prototypes, and the variants of them (section 2.1)
simulation : the pipeline's stage that runs EnergyPlus
analysis : what the simulated loads say, and checks of them by hand
scenario : what the study does not print and the protocol decides
flexible_day : loads under a scenario as inputs of the flexibility model
self_optimisation : schedules of least cost and the ties among them (section 3.1)
fits : fits 1 and 2 of the protocol
flexibility_results : section 3.1 as tables, its statements as tests, the band over the scenarios
levelling : the mix of least AR, by the genetic algorithm and exactly (section 3.2.1)
levelling_results : section 3.2.1 as tables and its statements as tests
penetration : renewable penetration against public share, by NSGA-II and exactly (section 3.2.2)
claims : what was found for each claim, for the ledger
figures, flexibility_figures, mix_figures : the study's figures
"""

from bcopt.studies.systems2024 import (
    analysis,
    claims,
    demand,
    figures,
    fits,
    flexibility_figures,
    flexibility_results,
    flexible_day,
    inputs,
    levelling,
    levelling_results,
    mix_figures,
    penetration,
    scenario,
    self_optimisation,
)

__all__ = [
    "analysis",
    "claims",
    "demand",
    "figures",
    "fits",
    "flexibility_figures",
    "flexibility_results",
    "flexible_day",
    "inputs",
    "levelling",
    "levelling_results",
    "mix_figures",
    "penetration",
    "scenario",
    "self_optimisation",
]
