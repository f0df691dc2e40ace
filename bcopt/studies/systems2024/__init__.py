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
self_optimisation : which cost is counted, tightness and open hours of the schedules of least cost (section 3.1)
fits : fits 1 and 2 of the protocol
flexibility_results : section 3.1 as tables, its statements as tests, what a scenario says
levelling : the mix of least AR, by the genetic algorithm and exactly (section 3.2.1)
levelling_results : section 3.2.1 as tables and its statements as tests
penetration : renewable penetration against public share, by NSGA-II and exactly (section 3.2.2)
district_arithmetic : what the printed numbers of section 3.3 imply by themselves
district_day : the plots of the district and what its groups use, as inputs of the district model
district_dispatch : the lower level, solved at any storage size with its ties settled
district_fits : fits 3 to 6 of the protocol
district_results : section 3.3 as tables, its statements as tests, what a scenario says
district_sizing : the upper level by NSGA-II, and exactly by storage size
district_variants : two named variants beside the central calculation
district_planning : what storage and ground heat are worth
band : the pipeline's stage that fits every scenario anew
claims : what was found for each claim, for the ledger
figures, flexibility_figures, mix_figures, district_figures : the study's figures
"""

from bcopt.studies.systems2024 import (
    analysis,
    band,
    claims,
    demand,
    district_arithmetic,
    district_day,
    district_dispatch,
    district_figures,
    district_fits,
    district_planning,
    district_results,
    district_sizing,
    district_variants,
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
    "band",
    "claims",
    "demand",
    "district_arithmetic",
    "district_day",
    "district_dispatch",
    "district_figures",
    "district_fits",
    "district_planning",
    "district_results",
    "district_sizing",
    "district_variants",
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
