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
claims : what was found for each claim, for the ledger
figures : the study's figures
"""

from bcopt.studies.systems2024 import analysis, claims, demand, figures, inputs

__all__ = ["analysis", "claims", "demand", "figures", "inputs"]
