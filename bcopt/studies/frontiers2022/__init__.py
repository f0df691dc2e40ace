"""Frontiers in Energy Research 2022: a provider in Guangzhou prices by Q-learning and dispatches by ADMM.

Energy Management and Pricing Strategy of Building Cluster Energy System Based on Two-Stage Optimization,
https://doi.org/10.3389/fenrg.2022.865190. Costs of three clusters, a benefit and sentences are published; loads,
prices, users and equipment stand in tables that are images. Loads are simulated, the rest assumed, and seven numbers
are fitted by seven parameters.

Modules
-------
inputs : prices, equipment, users and climate as one dataset
simulation : the pipeline's stage that runs EnergyPlus
scenario : what the study does not print and the protocol decides
basic_data : the typical day as inputs of both models (section 4.1)
learning : settings of the learners of retail prices, and their gaps to the optimum (section 4.2.1)
distributed : the dispatch as a bargain through prices (section 3.4)
stages : both stages at any knobs
fits : fits 1 to 5 of the protocol
results : sections 4.2 and 4.3 as tables, their sentences as tests
band : the pipeline's stage that fits every scenario
weights : what the weight of the reward does (section 4.3)
tables : the day, its fits, prices beside their optimum, the dispatch
claims : what was found for each claim, for the ledger
figures, dispatch_figures, weight_figures : the study's figures
"""

from bcopt.studies.frontiers2022 import (
    band,
    basic_data,
    claims,
    dispatch_figures,
    distributed,
    figures,
    fits,
    inputs,
    learning,
    results,
    scenario,
    simulation,
    stages,
    tables,
    weight_figures,
    weights,
)

__all__ = [
    "band",
    "basic_data",
    "claims",
    "dispatch_figures",
    "distributed",
    "figures",
    "fits",
    "inputs",
    "learning",
    "results",
    "scenario",
    "simulation",
    "stages",
    "tables",
    "weight_figures",
    "weights",
]
