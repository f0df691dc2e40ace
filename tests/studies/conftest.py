"""One fixture per study: its central variant, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import xarray as xr

from bcopt.compendium.protocol import Protocol, read_protocol
from bcopt.studies.energyeng2023 import coefficients, inputs, optimisation, plans

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class EcoPark:
    """energyeng2023 under the protocol's central values."""

    root: Path
    protocol: Protocol
    choices: dict
    inputs: xr.Dataset
    target: float
    areas: xr.DataArray
    energy: xr.DataArray
    point: xr.Dataset
    parts: xr.Dataset
    where: optimisation.Region

    @property
    def optimum(self):
        return self.energy.sel(plan="optimum", drop=True)

    @property
    def medians(self):
        """Unit values at the prior medians, fitted to nothing."""
        return xr.Dataset({quantity: self.inputs[f"{quantity}_median"] for quantity in coefficients.QUANTITIES})


@pytest.fixture(scope="session")
def eco() -> EcoPark:
    protocol = read_protocol(ROOT)
    choices = {name: choice.value for name, choice in protocol["energyeng2023"].choices.items()}
    values = inputs.load(ROOT)
    target = plans.energy_target(values, choices["energy_basis"])
    areas = plans.effective_areas(values, target)["effective_area"]
    energy = plans.energies(values, areas, target, choices["baseline_shares"])
    point = coefficients.reference(
        values, energy, choices["reading"], choices["merit_order_margin"], choices["reference_distance"]
    )
    return EcoPark(
        root=ROOT,
        protocol=protocol,
        choices=choices,
        inputs=values,
        target=target,
        areas=areas,
        energy=energy,
        point=point,
        parts=coefficients.decompose(point, values, choices["depreciation"], choices["heat_pump_credit"]),
        where=optimisation.region(energy, choices["reading"], choices["inactive_bounds"]),
    )
