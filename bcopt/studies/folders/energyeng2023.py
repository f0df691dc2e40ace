"""The folder of energyeng2023: four technologies, their bounds and unit values, one total."""

from __future__ import annotations

from pathlib import Path
from string import Template

import xarray as xr

from bcopt.compendium.parameters import read_parameters
from bcopt.studies import energyeng2023 as study
from bcopt.studies.energyeng2023.inputs import COEFFICIENTS, EFFECTIVE_AREAS, TECHNOLOGIES
from bcopt.studies.energyeng2023.optimisation import Region
from bcopt.studies.folders.texts import Folder, number

DISTRICT = Template("""\
# The renewable mix of Wei et al. (2023), section 5.5, https://doi.org/10.32604/ee.2023.026337.
# Written by `python -m bcopt.studies.folders`.
name: Qingdao Sino-German Eco-park
description: Which renewable technologies cover 15 % of the park's energy at least cost and least carbon dioxide.
currency: USD
hours: 8760                        # energies, costs and emissions are those of a year

renewables:
  energy: $energy MJ/a           # published, section 5.4.3: 15 % of the park's energy
  technologies:
    # The study prints neither unit costs nor carbon intensities nor bounds.
    # cost, carbon: fitted, the values nearest to the literature's that give the four published totals.
    # least, most: fitted, those that the published optimum touches; elsewhere none and all of the energy.
$technologies
run: [renewables]
""")


def renewables(root: Path) -> Folder:
    """Return the folder of the renewable mix of section 5.5.

    Raises
    ------
    InputError
        If an input or a fitted table is missing or faulty.
    """
    chosen = read_parameters(root).energyeng2023
    inputs = study.inputs.load(root)
    areas = study.inputs.load_fitted(EFFECTIVE_AREAS, root)["effective_area"]
    parts = study.inputs.load_fitted(COEFFICIENTS, root)
    energy = study.plans.energies(inputs, areas, study.plans.energy_target(inputs, chosen.energy_basis))
    units = study.coefficients.unit_values(parts, inputs, chosen.depreciation)
    where = study.optimisation.region(energy, chosen.reading)
    return {"district.yaml": district(units, where)}


def district(units: xr.Dataset, where: Region) -> str:
    """Return the text of the district.yaml of some unit values [USD/MJ, g/MJ] and bounds [MJ/a]."""
    blocks = []
    for name in TECHNOLOGIES:
        of = {
            "least": where.lower.sel(technology=name),
            "most": where.upper.sel(technology=name),
            "cost": units["cost"].sel(technology=name),
            "carbon": units["carbon"].sel(technology=name),
        }
        unit = {"least": "MJ/a", "most": "MJ/a", "cost": "USD/MJ", "carbon": "g/MJ"}
        lines = [f"      {key}: {number(of[key])} {unit[key]}\n" for key in unit]
        blocks.append(f"    {name}:\n" + "".join(lines))
    return DISTRICT.substitute(energy=number(where.total), technologies="".join(blocks))
