"""Published studies of building-cluster and district energy optimisation, rebuilt and checked number by number.

Sub-packages
------------
loads : weather, building simulation, photovoltaic and ground-source potential
models : equations of the studies by problem; they know no method
methods : how problems are solved; they know no model and no paper
planning : models and methods composed for any clusters, hours and provider; no study, no folder
compendium : inputs with provenance, protocol, ledger, figures, notebook runner
districts : districts of one's own, each a folder: read, checked, calculated, answered
studies : the papers' experiments, composed of the above and called by the notebooks
"""

import xarray as xr

__version__ = "0.1.0"

# Labels must match exactly before arithmetic: a missing cluster or hour is an error and never a silent gap.
xr.set_options(arithmetic_join="exact", keep_attrs=False)
