"""Wei et al. (2023): the renewable mix of the Qingdao Sino-German Eco-park, its annual cost and carbon dioxide.

Energy Engineering 120(6), 1465-1484, https://doi.org/10.32604/ee.2023.026337. The energy equations, resources and
totals are published; unit costs, carbon intensities and bounds are not. What follows from the former is computed, what
the latter must have been is inferred, and the two are never mixed:
see :mod:`~bcopt.studies.energyeng2023.coefficients`.

Modules
-------
inputs : published, assumed and fitted numbers as one dataset
plans : demand, resources, energies and sizes of the baseline and the optimum (section 5.3)
coefficients : unit costs and carbon intensities behind the four totals (section 5.4)
optimisation : both objectives by differential evolution and exactly, fronts (section 5.5)
predictions : what literature values alone, or half of the totals, say about the rest
audit : the physics behind the published numbers
claims : what was found for each claim, for the ledger
figures : the study's figures
"""

from bcopt.studies.energyeng2023 import audit, claims, coefficients, figures, inputs, optimisation, plans, predictions

__all__ = ["audit", "claims", "coefficients", "figures", "inputs", "optimisation", "plans", "predictions"]
